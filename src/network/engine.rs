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

/// The classes of the rows, checked by the caller; `None` is none.
#[derive(Clone, Copy, Debug)]
pub enum Labels<'a> {
    /// All rows have this class.
    Shared(Option<usize>),
    /// The class of each row.
    PerRow(&'a [Option<usize>]),
}

impl Labels<'_> {
    /// The class of a row.
    ///
    /// # Panics
    /// If there is one for each row and fewer than `row` + 1 of them.
    pub fn at(&self, row: usize) -> Option<usize> {
        match self {
            Self::Shared(label) => *label,
            Self::PerRow(labels) => labels[row],
        }
    }
}

/// The conditions of a batch: the numbers that tell the times, and the classes.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    /// The times.
    pub times: Numbers<'a>,
    /// The classes.
    pub labels: Labels<'a>,
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

    /// The rows that a call should have at least, or `None` if small calls cost no more. A run then
    /// takes all chains together, in one call for each evaluation of a step, and leaves the threads
    /// to the engine.
    fn batch(&self) -> Option<usize> {
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
