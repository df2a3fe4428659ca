//! The traits `Drift` and `LogDensity`, and the times of a batch.

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
    /// If there is one time per row and `row` is not below their number.
    #[inline]
    pub fn at(&self, row: usize) -> f64 {
        match self {
            Self::Shared(time) => *time,
            Self::PerRow(times) => times[row],
        }
    }
}

/// The drift b(x, t) of an equation, evaluated for a batch of rows.
///
/// For Langevin dynamics on a density π the drift is the score ∇ log π(x). The normalisation of π
/// does not matter. The time is that of the run, and most scores ignore it.
///
/// You rarely need to implement this trait. [`PerRow`](crate::PerRow) makes a drift from a function
/// of one point. [`Batched`](super::Batched) makes one from a function of a whole batch.
///
/// Rows must be independent: the result of a row must not depend on the other rows. Otherwise the
/// result of a run would depend on how chains are cut into chunks.
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
    /// Writes b(x, t) for every row of `x` to `out`. Both have shape (rows, columns). Every number
    /// of `out` must be written: in a run it is NaN before. In a run both arrays are column-major,
    /// so every column is contiguous.
    ///
    /// # Errors
    /// Any error stops the run. The run's error names the step, the time and the first chain of the
    /// batch. To fail for some rows only, write NaN into these rows. The run then applies its
    /// policy for chains that are not finite ([`Run::non_finite`](crate::Run::non_finite)).
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>;

    /// The same for rows that belong to the chains with these numbers, one for each row. Runs call
    /// it. A drift that differs between chains, such as one with a condition for each, implements
    /// it, and its `eval` returns an error. A drift around another one passes it on.
    ///
    /// # Errors
    /// As for [`eval`](Self::eval).
    fn eval_chains(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let _ = chains;
        self.eval(times, x, out)
    }

    /// Writes b and log π of every row in one pass, and returns whether it did. The numbers are
    /// those of [`eval_chains`](Self::eval_chains) and of [`density`](Self::density), to the bit.
    /// Only a drift for which one pass costs less than two implements it. Metropolis tests call it.
    ///
    /// # Errors
    /// As for [`eval`](Self::eval).
    fn eval_with_density(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
        density: &mut [f64],
    ) -> Result<bool, BoxError> {
        let _ = (chains, times, x, out, density);
        Ok(false)
    }

    /// The required number of columns, or `None` if any will do. A run checks it once, before the
    /// first step.
    fn columns(&self) -> Option<usize> {
        None
    }

    /// The rows that a call should have at least, or `None` if small calls cost no more. If it is
    /// given, a run takes all its chains together, in one call for each evaluation of a step,
    /// unless [`Run::chunk`](crate::Run::chunk) or [`Run::threads`](crate::Run::threads) is set.
    fn batch(&self) -> Option<usize> {
        None
    }

    /// The log density that the drift is the gradient of, or `None` if it is not known.
    /// [`Mala`](crate::sampler::Mala) and [`Malt`](crate::sampler::Malt) require it.
    fn density(&self) -> Option<&dyn LogDensity<F>> {
        None
    }
}

/// The log density log π of a target, up to a constant.
///
/// Closures implement this trait. [`WithDensity`](super::WithDensity) adds a log density to a drift
/// that has none.
pub trait LogDensity<F: Real>: Send + Sync {
    /// Writes log π of every row of `x`, shape (rows, dim), to `out`, one number for each row. The
    /// numbers are f64 in any precision of the state, because a Metropolis test takes their
    /// differences. −∞ means that a point is outside the support. Moves to such points are
    /// rejected.
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

/// Evaluates with the numbers of the chains, if they are known.
pub(crate) fn eval_with<F: Real, D: Drift<F> + ?Sized>(
    drift: &D,
    chains: Option<&[u32]>,
    times: Times<'_>,
    x: ArrayView2<'_, F>,
    out: ArrayViewMut2<'_, F>,
) -> Result<(), BoxError> {
    match chains {
        Some(chains) => drift.eval_chains(chains, times, x, out),
        None => drift.eval(times, x, out),
    }
}

/// `eval` and `eval_chains` of a drift around something else, by its `eval_some`, which gets the
/// numbers of the chains if they are known.
macro_rules! eval_both_ways {
    () => {
        fn eval(
            &self,
            times: $crate::drift::Times<'_>,
            x: ndarray::ArrayView2<'_, F>,
            out: ndarray::ArrayViewMut2<'_, F>,
        ) -> Result<(), $crate::error::BoxError> {
            self.eval_some(None, times, x, out)
        }

        fn eval_chains(
            &self,
            chains: &[u32],
            times: $crate::drift::Times<'_>,
            x: ndarray::ArrayView2<'_, F>,
            out: ndarray::ArrayViewMut2<'_, F>,
        ) -> Result<(), $crate::error::BoxError> {
            self.eval_some(Some(chains), times, x, out)
        }
    };
}

pub(crate) use eval_both_ways;

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

            fn eval_chains(
                &self,
                chains: &[u32],
                times: Times<'_>,
                x: ArrayView2<'_, F>,
                out: ArrayViewMut2<'_, F>,
            ) -> Result<(), BoxError> {
                (**self).eval_chains(chains, times, x, out)
            }

            fn eval_with_density(
                &self,
                chains: &[u32],
                times: Times<'_>,
                x: ArrayView2<'_, F>,
                out: ArrayViewMut2<'_, F>,
                density: &mut [f64],
            ) -> Result<bool, BoxError> {
                (**self).eval_with_density(chains, times, x, out, density)
            }

            fn batch(&self) -> Option<usize> {
                (**self).batch()
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
