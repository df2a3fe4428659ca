//! The posterior of a Bayesian logistic regression, the standard target with real data in the
//! Langevin literature.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};

use super::batch::{check_batch, check_rows, with_columns};
use super::interface::{Drift, LogDensity, Times};
use crate::error::{BoxError, Error, Result, positive};
use crate::math::rows::{Blocks, by_blocks};
use crate::math::simd::{self, Kernel};
use crate::real::Real;

/// The posterior of logistic regression coefficients θ under a Gaussian prior.
///
/// ```text
/// log π(θ) = Σᵢ [ yᵢ zᵢ − log(1 + e^(zᵢ)) ] − |θ|²/2τ²      zᵢ = xᵢᵀ θ
/// ∇ log π  = Σᵢ ( yᵢ − 1/(1 + e^(−zᵢ)) ) xᵢ − θ/τ²
/// ```
///
/// xᵢ are the `features`, yᵢ the `labels`, and τ is `prior_std`. For an intercept, add a column of
/// ones to the features.
#[derive(Clone, Debug)]
pub struct LogisticRegression {
    features: Array2<f64>,
    labels: Vec<f64>,
    prior_std: f64,
}

impl LogisticRegression {
    /// The posterior for `features` of shape (observations, dim) and `labels`, one 0 or 1 for each
    /// observation.
    ///
    /// # Errors
    /// - [`Error::Shape`] if the numbers of observations differ or there are none.
    /// - [`Error::NonFinite`] if a feature is not finite.
    /// - [`Error::Invalid`] if a label is neither 0 nor 1, or if `prior_std` is not positive.
    pub fn new(
        features: ArrayView2<'_, f64>,
        labels: ArrayView1<'_, f64>,
        prior_std: f64,
    ) -> Result<Self> {
        positive("prior std", prior_std)?;
        if features.is_empty() || labels.len() != features.nrows() {
            return Err(Error::Shape {
                what: "labels",
                given: format!(
                    "{} labels for features of shape {:?}",
                    labels.len(),
                    features.dim()
                ),
                expected: "one for each of at least one row of features".into(),
            });
        }
        if let Some(((row, column), _)) = features.indexed_iter().find(|(_, x)| !x.is_finite()) {
            return Err(Error::NonFinite { what: "features", row, column });
        }
        if let Some(&given) = labels.iter().find(|y| **y != 0.0 && **y != 1.0) {
            return Err(Error::Invalid { name: "label", given, expected: "0 or 1" });
        }
        Ok(Self {
            features: features.as_standard_layout().into_owned(),
            labels: labels.to_vec(),
            prior_std,
        })
    }

    /// log π(θ) up to a constant, for every row of `parameters`, shape (rows, dim).
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of columns is not the number of features.
    pub fn log_density(&self, parameters: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        self.check(parameters.dim())?;
        Ok(parameters.rows().into_iter().map(|theta| self.log_density_at(theta)).collect())
    }

    fn check(&self, shape: (usize, usize)) -> Result<()> {
        if shape.1 == self.features.ncols() {
            return Ok(());
        }
        let expected = format!("(rows, {})", self.features.ncols());
        Err(Error::Shape { what: "parameters", given: format!("{shape:?}"), expected })
    }

    /// Sums run in the order of the index, whatever the memory layout.
    fn log_density_at<F: Real>(&self, theta: ArrayView1<'_, F>) -> f64 {
        let mut sum = 0.0;
        for (features, label) in self.features.rows().into_iter().zip(&self.labels) {
            let mut z = 0.0;
            for (x, theta) in features.iter().zip(theta) {
                z += x * theta.widen();
            }
            sum += label * z - z.max(0.0) - libm::log1p(libm::exp(-z.abs()));
        }
        let mut square = 0.0;
        for theta in theta {
            square += theta.widen() * theta.widen();
        }
        sum - 0.5 * square / (self.prior_std * self.prior_std)
    }
}

struct Gradient<'a, F> {
    posterior: &'a LogisticRegression,
    rows: usize,
    x: &'a [F],
    out: &'a mut [F],
}

impl<F: Real> Kernel for Gradient<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let rows = self.rows;
        by_blocks(&mut self, rows, &mut []);
    }
}

impl<F: Real> Blocks<F> for Gradient<'_, F> {
    #[inline(always)]
    fn block<const L: usize>(&mut self, start: usize, count: usize, _: &mut [F]) {
        let rows = self.rows;
        let features = &self.posterior.features;
        let shrink = F::from_f64(-1.0 / (self.posterior.prior_std * self.posterior.prior_std));
        for j in 0..features.ncols() {
            let at = j * rows + start;
            for (out, x) in self.out[at..at + count].iter_mut().zip(&self.x[at..at + count]) {
                *out = shrink * *x;
            }
        }
        for (features, label) in features.rows().into_iter().zip(&self.posterior.labels) {
            let mut z = [F::zero(); L];
            for (j, x) in features.iter().enumerate() {
                let x = F::from_f64(*x);
                let theta = load::<F, L>(&self.x[j * rows + start..], count);
                for l in 0..L {
                    z[l] = x.fma(theta[l], z[l]);
                }
            }
            let label = F::from_f64(*label);
            let mut residual = [F::zero(); L];
            for l in 0..L {
                // 1/(1 + e^−|z|) never overflows. For negative z the complement is needed.
                let e = (-z[l].abs()).exp_lane();
                let upper = F::one() / (F::one() + e);
                let probability = if z[l] < F::zero() { e * upper } else { upper };
                residual[l] = label - probability;
            }
            for (j, x) in features.iter().enumerate() {
                let at = j * rows + start;
                let x = F::from_f64(*x);
                let mut sum = load::<F, L>(&self.out[at..], count);
                for l in 0..L {
                    sum[l] = x.fma(residual[l], sum[l]);
                }
                self.out[at..at + count].copy_from_slice(&sum[..count]);
            }
        }
    }
}

#[inline(always)]
fn load<F: Real, const L: usize>(from: &[F], count: usize) -> [F; L] {
    if let Some(all) = from.first_chunk::<L>()
        && count == L
    {
        return *all;
    }
    let mut lanes = [F::zero(); L];
    lanes[..count].copy_from_slice(&from[..count]);
    lanes
}

impl<F: Real> Drift<F> for LogisticRegression {
    fn eval(
        &self,
        _: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_batch("batch given to a logistic regression", self.features.ncols(), &x, &out)?;
        let rows = x.nrows();
        with_columns(x, out, |x, out| simd::dispatch(Gradient { posterior: self, rows, x, out }));
        Ok(())
    }

    fn columns(&self) -> Option<usize> {
        Some(self.features.ncols())
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        Some(self)
    }
}

impl<F: Real> LogDensity<F> for LogisticRegression {
    fn log_density(&self, parameters: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        self.check(parameters.dim())?;
        check_rows("log densities", parameters.nrows(), out.len())?;
        out.iter_mut()
            .zip(parameters.rows())
            .for_each(|(log, theta)| *log = self.log_density_at(theta));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    #[test]
    fn gradient_is_that_of_the_log_density() {
        let features =
            Array2::from_shape_fn((17, 3), |(i, j)| ((i * 5 + j * 7) % 13) as f64 / 4.0 - 1.5);
        let labels = Array1::from_shape_fn(17, |i| (i % 3 == 0) as u8 as f64);
        let posterior = LogisticRegression::new(features.view(), labels.view(), 1.7).unwrap();
        // 70 rows: a whole block and a partial one.
        let theta =
            Array2::from_shape_fn((70, 3), |(i, j)| ((i * 3 + j * 11) % 17) as f64 / 3.0 - 2.5);
        let mut gradient = Array2::<f64>::zeros((70, 3));
        posterior.eval(Times::Shared(0.0), theta.view(), gradient.view_mut()).unwrap();
        let h = 1e-5;
        for j in 0..3 {
            let shifted = |by: f64| {
                let mut theta = theta.clone();
                theta.column_mut(j).mapv_inplace(|x| x + by);
                posterior.log_density(theta.view()).unwrap()
            };
            for (i, (up, down)) in shifted(h).into_iter().zip(shifted(-h)).enumerate() {
                let numerical = (up - down) / (2.0 * h);
                assert!(
                    (gradient[[i, j]] - numerical).abs() < 1e-7,
                    "{i} {j}: {} {numerical}",
                    gradient[[i, j]]
                );
            }
        }
    }

    #[test]
    fn bad_data_is_named() {
        let x = Array2::<f64>::zeros((3, 2));
        let y = Array1::from(vec![0.0, 1.0, 2.0]);
        assert!(
            LogisticRegression::new(x.view(), y.view(), 1.0)
                .unwrap_err()
                .to_string()
                .contains("label: given 2")
        );
        assert!(LogisticRegression::new(x.view(), y.slice(ndarray::s![..2]), 1.0).is_err());
        assert!(LogisticRegression::new(x.view(), Array1::zeros(3).view(), -1.0).is_err());
    }
}
