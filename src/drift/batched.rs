//! A drift made from a function of a whole batch.

use std::fmt;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::batch::check_times;
use super::interface::{Drift, Times};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// A drift made from a function of a whole batch. The function receives the times, the batch `x`
/// and the output `out`.
///
/// Both arrays have shape (rows, columns). In a run they are column-major, so operations on whole
/// columns are fast.
///
/// ```
/// use langevin::prelude::*;
/// // ∇ log of a standard normal in two dimensions.
/// let score = Batched::new(2, |_times, x, mut out| {
///     out.zip_mut_with(&x, |b, x: &f64| *b = -x);
///     Ok(())
/// });
/// let sampler = EulerMaruyama::new(Overdamped);
/// let samples = Run::new(&sampler, &score, TimeGrid::uniform(0.1, 100)?).chains(50).run()?;
/// assert_eq!(samples.positions().dim(), (50, 2));
/// # Ok::<(), Error>(())
/// ```
///
/// `out` is filled with NaN before each call. So a number that the function forgets is noticed.
/// Rows must not depend on each other ([`Drift`]).
pub struct Batched<C> {
    columns: Option<usize>,
    function: C,
}

impl<C> Batched<C> {
    /// A drift for batches of `columns` columns. `function(times, x, out)` writes b(x, t) to `out`.
    pub fn new<F: Real>(columns: usize, function: C) -> Self
    where
        C: Fn(Times<'_>, ArrayView2<'_, F>, ArrayViewMut2<'_, F>) -> Result<(), BoxError>,
    {
        Self { columns: Some(columns), function }
    }

    /// A drift for batches of any number of columns. `function` is that of [`new`](Self::new).
    pub fn any<F: Real>(function: C) -> Self
    where
        C: Fn(Times<'_>, ArrayView2<'_, F>, ArrayViewMut2<'_, F>) -> Result<(), BoxError>,
    {
        Self { columns: None, function }
    }
}

impl<F, C> Drift<F> for Batched<C>
where
    F: Real,
    C: Fn(Times<'_>, ArrayView2<'_, F>, ArrayViewMut2<'_, F>) -> Result<(), BoxError> + Send + Sync,
{
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_times(times, x.nrows())?;
        out.fill(F::nan());
        (self.function)(times, x, out)
    }

    fn columns(&self) -> Option<usize> {
        self.columns
    }
}

impl<C> fmt::Debug for Batched<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batched").field("columns", &self.columns).finish_non_exhaustive()
    }
}
