//! A drift made from a function of a batch that is told the chain of every row.

use std::fmt;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::batch::{check_rows, check_times};
use super::interface::{Drift, Times};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// A drift that differs between chains, made from a function of a batch. The function receives the
/// numbers of the chains, one for each row, the times, the batch `x` and the output `out`.
///
/// One run can so draw from many posteriors, each chain given its own observation:
///
/// ```
/// use langevin::ndarray::ArrayView2;
/// use langevin::prelude::*;
///
/// // x ~ N(0, 1) and y = x + N(0, 1). The posterior of chain k is N(yₖ/2, 1/2).
/// let y = [-2.0, 0.0, 4.0];
/// let score = PerChain::new(1, |chains, _times, x: ArrayView2<'_, f64>, mut out| {
///     for (row, chain) in chains.iter().enumerate() {
///         out[[row, 0]] = -x[[row, 0]] + (y[*chain as usize] - x[[row, 0]]);
///     }
///     Ok(())
/// });
/// let sampler = EulerMaruyama::new(Overdamped);
/// let samples = Run::new(&sampler, &score, TimeGrid::uniform(0.1, 100)?).chains(3).run()?;
/// assert_eq!(samples.positions().dim(), (3, 1));
/// # Ok::<(), Error>(())
/// ```
///
/// A row may occur several times in a batch, at other points and times of its chain. Chains are
/// counted from 0, or from [`Run::first_chain`](crate::Run::first_chain). `out` is filled with NaN
/// before each call. [`Drift::eval`], which tells no chains, is an error.
pub struct PerChain<C> {
    columns: usize,
    function: C,
}

impl<C> PerChain<C> {
    /// A drift for batches of `columns` columns. `function(chains, times, x, out)` writes b(x, t)
    /// of each row's chain to `out`.
    pub fn new<F: Real>(columns: usize, function: C) -> Self
    where
        C: Fn(&[u32], Times<'_>, ArrayView2<'_, F>, ArrayViewMut2<'_, F>) -> Result<(), BoxError>,
    {
        Self { columns, function }
    }
}

impl<F, C> Drift<F> for PerChain<C>
where
    F: Real,
    C: Fn(&[u32], Times<'_>, ArrayView2<'_, F>, ArrayViewMut2<'_, F>) -> Result<(), BoxError>
        + Send
        + Sync,
{
    fn eval(
        &self,
        _: Times<'_>,
        _: ArrayView2<'_, F>,
        _: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        Err("this drift differs between chains, and is told none; call eval_chains".into())
    }

    fn eval_chains(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_times(times, x.nrows())?;
        check_rows("chains", x.nrows(), chains.len())?;
        out.fill(F::nan());
        (self.function)(chains, times, x, out)
    }

    fn columns(&self) -> Option<usize> {
        Some(self.columns)
    }
}

impl<C> fmt::Debug for PerChain<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerChain").field("columns", &self.columns).finish_non_exhaustive()
    }
}
