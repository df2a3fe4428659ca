//! What a drift is: the traits `Drift` and `LogDensity`, and the times of a batch.

use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::error::{BoxError, Result};
use crate::real::Real;

/// The times of the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Times<'a> {
    /// All rows have this time.
    Shared(f64),
    /// Row i has time `times[i]`.
    PerRow(&'a [f64]),
}

impl Times<'_> {
    /// The time of a row.
    ///
    /// # Panics
    /// If there are times per row and fewer than `row` + 1 of them.
    #[inline]
    pub fn at(&self, row: usize) -> f64 {
        match self {
            Self::Shared(time) => *time,
            Self::PerRow(times) => times[row],
        }
    }
}

/// The drift b(x, t) of an equation, for a batch of rows.
///
/// For Langevin dynamics on a density π it is the score ∇ log π(x). The normalisation of π does not
/// matter, and the time (that of the run) is usually ignored. [`PerRow`](crate::PerRow) makes a
/// drift of a function of one point, [`Batched`](super::Batched) of a function of a whole batch.
///
/// Rows are independent: the result of a row must not depend on the other rows. Otherwise runs would
/// depend on how chains are cut into chunks.
///
/// ```
/// use langevin::ndarray::{ArrayView2, ArrayViewMut2, array};
/// use langevin::prelude::*;
///
/// /// The score of N(0, σ²).
/// struct Gaussian {
///     variance: f64,
/// }
///
/// impl Drift<f64> for Gaussian {
///     fn eval(
///         &self,
///         _: Times<'_>,
///         x: ArrayView2<'_, f64>,
///         mut out: ArrayViewMut2<'_, f64>,
///     ) -> std::result::Result<(), BoxError> {
///         out.zip_mut_with(&x, |b, x| *b = -x / self.variance);
///         Ok(())
///     }
/// }
///
/// let mut out = array![[0.0, 0.0]];
/// let drift = Gaussian { variance: 2.0 };
/// drift.eval(Times::Shared(0.0), array![[1.0, 2.0]].view(), out.view_mut()).unwrap();
/// assert_eq!(out, array![[-0.5, -1.0]]);
/// ```
pub trait Drift<F: Real>: Send + Sync {
    /// Writes b(x, t) for every row of `x`, shape (rows, columns), to `out`, same shape. `out` holds
    /// old numbers; every one must be overwritten. In a run both are column-major: every column is
    /// contiguous.
    ///
    /// # Errors
    /// Any error stops the run, which reports step, time and the first chain of the batch. To fail
    /// softly, write NaN into the rows concerned; the run's policy for non-finite chains then
    /// decides.
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>;

    /// The required number of columns, or `None` if any will do. A run checks it once, before the
    /// first step.
    fn columns(&self) -> Option<usize> {
        None
    }

    /// The log density whose gradient the drift is, if it is known; [`Mala`](crate::sampler::Mala)
    /// needs it.
    fn density(&self) -> Option<&dyn LogDensity<F>> {
        None
    }
}

/// The log density log π of a target, up to a constant.
///
/// Closures are densities, and [`WithDensity`](super::WithDensity) adds one to a drift that has
/// none.
pub trait LogDensity<F: Real>: Send + Sync {
    /// Writes log π of every row of `x`, shape (rows, dim), to `out`, one number for each row. The
    /// numbers are f64 in any precision of the state, because a Metropolis test takes their
    /// differences. −∞ means that a point is outside the support; such a move is refused.
    ///
    /// # Errors
    /// Any error stops the run.
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError>;
}

impl<F, C> LogDensity<F> for C
where
    F: Real,
    C: Fn(ArrayView2<'_, F>, &mut [f64]) -> Result<(), BoxError> + Send + Sync,
{
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        self(x, out)
    }
}

macro_rules! forward {
    ($pointer:ty) => {
        impl<F: Real, D: Drift<F> + ?Sized> Drift<F> for $pointer {
            fn eval(
                &self,
                times: Times<'_>,
                x: ArrayView2<'_, F>,
                out: ArrayViewMut2<'_, F>,
            ) -> Result<(), BoxError> {
                (**self).eval(times, x, out)
            }

            fn columns(&self) -> Option<usize> {
                (**self).columns()
            }

            fn density(&self) -> Option<&dyn LogDensity<F>> {
                (**self).density()
            }
        }
    };
}

forward!(&D);
forward!(Box<D>);
forward!(Arc<D>);
