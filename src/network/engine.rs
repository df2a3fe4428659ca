//! What runs a trained network: one implementation for each file format.

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::error::Result;
use crate::real::Real;

/// The numbers that tell a network the times of the rows.
#[derive(Clone, Copy)]
pub enum Numbers<'a> {
    /// All rows have this number.
    Shared(f64),
    /// The number of each row.
    PerRow(&'a dyn Fn(usize) -> f64),
}

impl Numbers<'_> {
    /// The number of a row.
    pub fn at(&self, row: usize) -> f64 {
        match self {
            Self::Shared(number) => *number,
            Self::PerRow(number) => number(row),
        }
    }
}

impl std::fmt::Debug for Numbers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shared(number) => write!(f, "Shared({number})"),
            Self::PerRow(_) => f.write_str("PerRow"),
        }
    }
}

/// The conditions of a batch: the numbers that tell the times, and a class for all rows.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    /// The times.
    pub times: Numbers<'a>,
    /// The class, checked by the caller; `None` is none.
    pub label: Option<usize>,
}

/// Runs the forward pass of a network. [`Trained`](super::Trained) adds everything else: labels,
/// processes, features, and the checks.
pub trait Engine: Send + Sync {
    /// Columns of a row that goes in.
    fn input_width(&self) -> usize;

    /// Columns of a row that comes out.
    fn output_width(&self) -> usize;

    /// The number of classes that a label can name, or `None` without labels.
    fn classes(&self) -> Option<usize> {
        None
    }

    /// The forward pass from `x`, shape (rows, input width), to `out`, shape (rows, output width).
    /// The shapes are right.
    ///
    /// # Errors
    /// Whatever the engine fails with.
    fn forward<F: Real>(
        &self,
        conditions: Conditions<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()>;
}
