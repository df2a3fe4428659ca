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

/// A named input of a network beside data, time and class, such as the embedding of a text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NamedInput {
    /// Its name.
    pub name: String,
    /// Numbers of a row.
    pub width: usize,
    /// The number that fills a row where no condition is given, or `None` if every run needs one.
    pub absent: Option<f32>,
}

impl NamedInput {
    /// An input that every run needs.
    pub fn new(name: impl Into<String>, width: usize) -> Self {
        Self { name: name.into(), width, absent: None }
    }
}

/// The values of a named input, each as wide as the input.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// No condition.
    Absent,
    /// All rows have these numbers.
    Shared(&'a [f32]),
    /// The numbers of each row.
    PerRow(&'a [&'a [f32]]),
}

impl<'a> Values<'a> {
    /// The numbers of a row, or `None` without a condition.
    ///
    /// # Panics
    /// If there are numbers for each row and fewer than `row` + 1 of them.
    pub fn at(&self, row: usize) -> Option<&'a [f32]> {
        match self {
            Self::Absent => None,
            Self::Shared(numbers) => Some(numbers),
            Self::PerRow(rows) => Some(rows[row]),
        }
    }
}

/// The conditions of a batch: the numbers that tell the times, the classes, and the values of named
/// inputs.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    /// The times.
    pub times: Numbers<'a>,
    /// The classes.
    pub labels: Labels<'a>,
    /// One for each of [`Engine::named_inputs`], in their order.
    pub named: &'a [Values<'a>],
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

    /// The named inputs beside data, time and class.
    fn named_inputs(&self) -> &[NamedInput] {
        &[]
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
