//! A drift made from a function of one point: the shortest way to define a target.

use std::fmt;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::batch::{check_batch, check_times};
use super::interface::{Drift, Times};
use crate::error::BoxError;
use crate::math::aligned::Aligned;
use crate::real::Real;
use crate::scratch::ScratchPool;

/// A drift made from a function of one point. The function receives the time, the point `x` and the
/// output `out`.
///
/// ```
/// use langevin::PerRow;
/// // ∇ log π of Rosenbrock's banana, log π = −(x₁ − x₀²)² − (x₀ − 1)²/20 + constant.
/// let banana = PerRow::new(2, |_time, x: &[f64], out: &mut [f64]| {
///     let bend = x[1] - x[0] * x[0];
///     out[0] = 4.0 * bend * x[0] - 0.1 * (x[0] - 1.0);
///     out[1] = -2.0 * bend;
/// });
/// ```
///
/// `out` is filled with NaN before each call. So a coordinate that the function forgets is noticed.
/// Each point of a batch is copied into a contiguous slice. A drift that works on whole columns is
/// faster ([`Batched`](super::Batched)).
pub struct PerRow<F, C> {
    dim: usize,
    function: C,
    points: ScratchPool<Aligned<F>>,
}

impl<F: Real, C: Fn(f64, &[F], &mut [F]) + Send + Sync> PerRow<F, C> {
    /// A drift for points of `dim` coordinates. `function(time, x, out)` writes b(x, time) to
    /// `out`. To report that one point failed, write NaN.
    pub fn new(dim: usize, function: C) -> Self {
        Self { dim, function, points: ScratchPool::default() }
    }
}

impl<F: Real, C: Fn(f64, &[F], &mut [F]) + Send + Sync> Drift<F> for PerRow<F, C> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_batch("points", self.dim, &x, &out)?;
        check_times(times, x.nrows())?;
        self.points.with(|scratch| {
            scratch.resize(2 * self.dim, F::zero());
            let (point, result) = scratch.split_at_mut(self.dim);
            for (i, (from, mut to)) in x.rows().into_iter().zip(out.rows_mut()).enumerate() {
                point.iter_mut().zip(from).for_each(|(p, x)| *p = *x);
                // A coordinate that the function forgets must not keep the number of the point
                // before.
                result.fill(F::nan());
                (self.function)(times.at(i), point, result);
                to.iter_mut().zip(&*result).for_each(|(b, r)| *b = *r);
            }
        });
        Ok(())
    }

    fn columns(&self) -> Option<usize> {
        Some(self.dim)
    }
}

impl<F, C> fmt::Debug for PerRow<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerRow").field("dim", &self.dim).finish_non_exhaustive()
    }
}
