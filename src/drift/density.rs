//! A drift together with the log density that it is the gradient of.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::interface::{Drift, LogDensity, Times};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// A drift and its log density. The drift is the gradient of the log density.
///
/// ```
/// use langevin::ndarray::ArrayView2;
/// use langevin::prelude::*;
///
/// let score = PerRow::new(1, |_, x: &[f64], out: &mut [f64]| out[0] = -x[0] * x[0] * x[0]);
/// let density = |x: ArrayView2<f64>, out: &mut [f64]| -> std::result::Result<(), BoxError> {
///     out.iter_mut().zip(x.rows()).for_each(|(log, x)| *log = -0.25 * x[0].powi(4));
///     Ok(())
/// };
/// let target = WithDensity::new(score, density);
/// let samples = Run::new(&Mala::new(), &target, TimeGrid::uniform(0.3, 200)?).chains(500).run()?;
/// assert!(samples.acceptance().unwrap() > 0.5);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WithDensity<D, L> {
    drift: D,
    density: L,
}

impl<D, L> WithDensity<D, L> {
    /// Adds a log density to a drift. It is not checked that the drift is its gradient.
    pub fn new(drift: D, density: L) -> Self {
        Self { drift, density }
    }
}

impl<F: Real, D: Drift<F>, L: LogDensity<F>> Drift<F> for WithDensity<D, L> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.drift.eval(times, x, out)
    }

    fn eval_chains(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.drift.eval_chains(chains, times, x, out)
    }

    fn batch(&self) -> Option<usize> {
        self.drift.batch()
    }

    fn columns(&self) -> Option<usize> {
        self.drift.columns()
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        Some(&self.density)
    }
}
