//! Evaluates a mixture on a batch of points: score, log density, responsibilities, distances.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis};

use super::GaussianMixture;
use super::kernel::{Evaluate, Output, Tables};
use crate::drift::batch::{check_batch, check_rows, with_columns};
use crate::drift::interface::{Drift, LogDensity, Times};
use crate::error::{BoxError, Error, Result};
use crate::math::simd;
use crate::metrics::{self, Estimate};
use crate::real::{InBoth, Real};

impl GaussianMixture {
    /// log π of every row of `x`, shape (rows, dim).
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another number of columns.
    pub fn log_density(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
        let out = self.output(x, 1, |out| Output::LogDensity(out))?;
        Ok(out.into_iter().collect())
    }

    /// The probability that each row of `x` belongs to each component, (rows, components).
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another number of columns.
    pub fn responsibilities(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        self.output(x, self.components(), |out| Output::Responsibilities(out))
    }

    /// The mean probability of every component over the finite rows of `x`, (components). Its
    /// expectation under the mixture is the weight of the component. `None` if no row is finite.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another number of columns.
    pub fn mean_responsibilities<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
    ) -> Result<Option<Array1<f64>>> {
        self.check(x.dim())?;
        let mut sums = Array1::<f64>::zeros(self.components());
        let mut count = 0.0;
        for block in x.axis_chunks_iter(Axis(0), 1024) {
            for row in self.responsibilities(block.mapv(F::widen).view())?.rows() {
                if row.iter().all(|r| r.is_finite()) {
                    sums += &row;
                    count += 1.0;
                }
            }
        }
        Ok((count > 0.0).then(|| sums / count))
    }

    /// For each row of `x`, the distance to the nearest mode in units of the spread of that mode.
    /// It is the smallest √((x−μₖ)ᵀ Σₖ⁻¹ (x−μₖ)).
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another number of columns.
    pub fn distance_to_nearest_mode(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
        let out = self.output(x, 1, |out| Output::Distance(out))?;
        Ok(out.into_iter().collect())
    }

    /// W₂ of the distances to the nearest mode, over the finite rows of `x`, from the distribution
    /// of such distances.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another number of columns, and those of
    /// [`radial_wasserstein`](metrics::radial_wasserstein).
    pub fn radial_wasserstein<F: Real>(&self, x: ArrayView2<'_, F>) -> Result<Estimate> {
        let distances = self.distance_to_nearest_mode(x.mapv(F::widen).view())?;
        let finite: Vec<f64> = distances.into_iter().filter(|d| d.is_finite()).collect();
        metrics::radial_wasserstein(&finite, self.dimension())
    }

    pub(super) fn check(&self, shape: (usize, usize)) -> Result<()> {
        if shape.1 == self.dimension() {
            return Ok(());
        }
        let expected = format!("(rows, {})", self.dimension());
        Err(Error::Shape { what: "points", given: format!("{shape:?}"), expected })
    }

    fn output(
        &self,
        x: ArrayView2<'_, f64>,
        width: usize,
        output: impl for<'a> Fn(&'a mut [f64]) -> Output<'a, f64>,
    ) -> Result<Array2<f64>> {
        self.check(x.dim())?;
        // Works block by block, so that a large array of points is not copied whole.
        let mut all = Array2::zeros((x.nrows(), width));
        let mut points = Vec::new();
        let mut numbers = Vec::new();
        for (x, mut to) in
            x.axis_chunks_iter(Axis(0), 1024).zip(all.axis_chunks_iter_mut(Axis(0), 1024))
        {
            let rows = x.nrows();
            points.clear();
            points.extend(x.t().iter().copied());
            numbers.resize(rows * width, 0.0);
            self.double.scratch.with(|scratch| {
                let output = output(&mut numbers[..rows * width]);
                simd::dispatch(Evaluate {
                    tables: &self.double,
                    rows,
                    x: &points,
                    output,
                    scratch,
                });
            });
            to.assign(&crate::state::columns(&numbers, rows, width));
        }
        Ok(all)
    }
}

/// The tables of a mixture in both precisions.
struct Both<'m>(&'m GaussianMixture);

impl<'m> InBoth for Both<'m> {
    type In<F: Real> = &'m Tables<F>;

    fn single(self) -> &'m Tables<f32> {
        &self.0.single
    }

    fn double(self) -> &'m Tables<f64> {
        &self.0.double
    }
}

impl<F: Real> Drift<F> for GaussianMixture {
    fn eval(
        &self,
        _: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_batch("batch given to a mixture", self.dimension(), &x, &out)?;
        if let Some(overflow) = self.overflow::<F>() {
            return Err(overflow.into());
        }
        let tables = F::choose(Both(self));
        let rows = x.nrows();
        with_columns(x, out, |x, out| {
            tables.scratch.with(|scratch| {
                simd::dispatch(Evaluate { tables, rows, x, output: Output::Score(out), scratch });
            });
        });
        Ok(())
    }

    fn eval_with_density(
        &self,
        _: &[u32],
        _: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
        density: &mut [f64],
    ) -> Result<bool, BoxError> {
        // In f32 the density is that of the f64 tables, and the drift is not.
        let Some(density) = F::own_precision(density) else { return Ok(false) };
        check_batch("batch given to a mixture", self.dimension(), &x, &out)?;
        let rows = x.nrows();
        check_rows("log densities", rows, density.len())?;
        let tables = F::choose(Both(self));
        with_columns(x, out, |x, out| {
            tables.scratch.with(|scratch| {
                let output = Output::Both(out, density);
                simd::dispatch(Evaluate { tables, rows, x, output, scratch });
            });
        });
        Ok(true)
    }

    fn columns(&self) -> Option<usize> {
        Some(self.dimension())
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        Some(self)
    }
}

impl<F: Real> LogDensity<F> for GaussianMixture {
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        self.check(x.dim())?;
        let rows = x.nrows();
        check_rows("log densities", rows, out.len())?;
        let pool = &self.double.scratch;
        pool.with(|points| {
            points.resize(x.len(), 0.0);
            match x.reversed_axes().to_slice() {
                Some(x) => points.iter_mut().zip(x).for_each(|(to, x)| *to = x.widen()),
                None => points.iter_mut().zip(x.t()).for_each(|(to, x)| *to = x.widen()),
            }
            pool.with(|scratch| {
                let output = Output::LogDensity(out);
                simd::dispatch(Evaluate { tables: &self.double, rows, x: points, output, scratch });
            });
        });
        Ok(())
    }
}
