//! Log densities, for methods that accept or refuse a move, and the adapter that adds one to any
//! drift.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Drift, Times};
use crate::error::BoxError;
use crate::real::Real;

/// The log density log π of a target, up to a constant.
///
/// Closures are densities, and [`WithDensity`] puts one beside a drift that has none.
pub trait LogDensity<F: Real>: Sync {
    /// Writes log π of every row of `x`, shape (rows, dim), to `out`, one number for each row, in
    /// f64 whatever the precision of the state: a Metropolis test takes differences of these. −∞
    /// says that a point is outside; such a move is refused.
    ///
    /// # Errors
    /// Any error stops the run.
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError>;
}

impl<F, C> LogDensity<F> for C
where
    F: Real,
    C: Fn(ArrayView2<'_, F>, &mut [f64]) -> Result<(), BoxError> + Sync,
{
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        self(x, out)
    }
}

/// A drift and the log density whose gradient it is.
///
/// ```
/// use langevin::ndarray::ArrayView2;
/// use langevin::*;
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
pub struct WithDensity<D, L> {
    drift: D,
    density: L,
}

impl<D, L> WithDensity<D, L> {
    /// Puts the two together; nothing checks that one is the gradient of the other.
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

    fn dim(&self) -> Option<usize> {
        self.drift.dim()
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        Some(&self.density)
    }
}
