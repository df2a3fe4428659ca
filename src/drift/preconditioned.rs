//! A drift in other coordinates, in which its target is closer to a standard normal.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::batch::check_batch;
use super::interface::{Drift, LogDensity, Times, eval_both_ways, eval_with};
use super::scale::Scale;
use crate::error::{BoxError, Result};
use crate::real::Real;
use crate::scratch::Scratch;
use crate::state::columns_mut;

/// A drift in the coordinates y of a [`Scale`].
///
/// ```text
/// b_y(y) = Lᵀ b(m + L y)      log π_y(y) = log π(m + L y) + constant
/// ```
///
/// The drift is that of the density of y, so every sampler of the crate runs on it. Step, friction
/// and the probe then speak of y: [`Scale::to_x`] leads back. With L Lᵀ near the covariance of the
/// target all directions have curvature 1, and one step suits them all.
///
/// ```
/// use langevin::drift::{Preconditioned, Scale};
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// // Standard deviations 100 and 0.01.
/// let drift = PerRow::new(2, |_, x: &[f64], out: &mut [f64]| {
///     out[0] = -x[0] / 1e4;
///     out[1] = -x[1] * 1e4;
/// });
/// let scale = Scale::diagonal(array![0.0, 0.0].view(), array![100.0, 0.01].view())?;
/// let target = Preconditioned::new(drift, scale);
/// let sampler = Splitting::new(Underdamped::new(1.0, 1.0)?, "BAOAB".parse()?);
/// let samples = Run::new(&sampler, &target, TimeGrid::uniform(0.5, 50)?).chains(100).run()?;
/// let x = target.scale().to_x(samples.positions());
/// # Ok::<(), Error>(())
/// ```
///
/// The evaluations are those of the drift. A dense scale adds d² operations for each row.
#[derive(Clone, Debug)]
pub struct Preconditioned<D> {
    drift: D,
    scale: Scale,
    scratch: Scratch,
}

impl<D> Preconditioned<D> {
    /// This drift in the coordinates of this scale. Calls are errors if the drift requires another
    /// number of columns.
    pub fn new(drift: D, scale: Scale) -> Self {
        Self { drift, scale, scratch: Scratch::default() }
    }

    /// The coordinates.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Evaluates, with the numbers of the chains if they are known.
    fn eval_some<F: Real>(
        &self,
        chains: Option<&[u32]>,
        times: Times<'_>,
        y: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>
    where
        D: Drift<F>,
    {
        check_batch("batch given to a preconditioned drift", self.scale.dimension(), &y, &out)?;
        if let Some(columns) = self.drift.columns() {
            check_batch("batch given to the drift in other coordinates", columns, &y, &out)?;
        }
        self.with_x(y, |x| {
            out.fill(F::nan());
            eval_with(&self.drift, chains, times, x, out.view_mut())
        })?;
        self.scale.transpose(out);
        Ok(())
    }

    /// Runs `f` on the points x of `y`, column-major.
    fn with_x<F: Real, R>(
        &self,
        y: ArrayView2<'_, F>,
        f: impl FnOnce(ArrayView2<'_, F>) -> R,
    ) -> R {
        let (rows, width) = y.dim();
        self.scratch.of::<F>().with(|memory| {
            memory.resize(rows * width, F::zero());
            let mut x = columns_mut(memory, rows, width);
            x.assign(&y);
            self.scale.replace_by_x(x.view_mut());
            f(x.view())
        })
    }
}

impl<F: Real, D: Drift<F>> Drift<F> for Preconditioned<D> {
    eval_both_ways!();

    fn columns(&self) -> Option<usize> {
        Some(self.scale.dimension())
    }

    fn batch(&self) -> Option<usize> {
        self.drift.batch()
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        self.drift.density().is_some().then_some(self)
    }
}

impl<F: Real, D: Drift<F>> LogDensity<F> for Preconditioned<D> {
    fn log_density(&self, y: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        match self.drift.density() {
            Some(density) => self.with_x(y, |x| density.log_density(x, out)),
            None => Err("the drift has no log density".into()),
        }
    }
}
