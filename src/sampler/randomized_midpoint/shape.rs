//! The sizes of the arrays of a randomized midpoint step.

use crate::sampler::update::Panel;

/// The sizes that every stage needs.
#[derive(Clone, Copy, Default)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) dim: usize,
    pub(super) windows: usize,
    pub(super) blocks: usize,
    pub(super) inputs: usize,
}

impl Shape {
    /// Number of rows of all windows.
    pub(super) fn total(&self) -> usize {
        self.windows * self.rows
    }

    /// Number of columns of the drift.
    pub(super) fn width(&self) -> usize {
        self.inputs * self.dim
    }

    /// The place of a window's rows in an array over windows.
    pub(super) fn panel(&self, window: usize) -> Panel {
        Panel { offset: window * self.rows, stride: self.total() }
    }
}
