//! The posterior of a Bayesian logistic regression, the standard target with real data in the
//! Langevin literature.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};

use super::batch::{check_batch, check_rows, with_columns};
use super::interface::{Drift, LogDensity, Times};
use crate::error::{BoxError, Error, Result, positive};
use crate::math::simd::dispatch;
use crate::real::Real;
use crate::scratch::{Scratch, ScratchPool};

mod kernel;

use kernel::{Evaluate, Output};

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
    /// Working memory of the kernel. Threads share it.
    scratch: Scratch,
    /// Points in f64, column by column.
    points: ScratchPool<Vec<f64>>,
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
            scratch: Scratch::default(),
            points: ScratchPool::default(),
        })
    }

    /// log π(θ) up to a constant, for every row of `parameters`, shape (rows, dim).
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of columns is not the number of features.
    pub fn log_density(&self, parameters: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        self.check(parameters.dim())?;
        let mut out = vec![0.0; parameters.nrows()];
        self.log_densities(parameters, &mut out);
        Ok(out)
    }

    fn check(&self, shape: (usize, usize)) -> Result<()> {
        if shape.1 == self.features.ncols() {
            return Ok(());
        }
        let expected = format!("(rows, {})", self.features.ncols());
        Err(Error::Shape { what: "parameters", given: format!("{shape:?}"), expected })
    }

    fn evaluate<F: Real>(&self, rows: usize, x: &[F], output: Output<'_, F>) {
        self.scratch.of::<F>().with(|scratch| {
            dispatch(Evaluate {
                features: self.features.as_slice().unwrap_or(&[]),
                labels: &self.labels,
                prior_std: self.prior_std,
                rows,
                x,
                output,
                scratch,
            });
        });
    }

    /// In f64 in any precision of the parameters.
    fn log_densities<F: Real>(&self, parameters: ArrayView2<'_, F>, out: &mut [f64]) {
        self.points.with(|x| {
            x.clear();
            x.extend(parameters.t().iter().map(|theta| theta.widen()));
            self.evaluate(out.len(), x.as_slice(), Output::LogDensity(out));
        });
    }
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
        with_columns(x, out, |x, out| self.evaluate(rows, x, Output::Gradient(out)));
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
        self.log_densities(parameters, out);
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

    /// The sums in the order of the index, row by row.
    fn one_by_one<F: Real>(posterior: &LogisticRegression, theta: &[F]) -> (Vec<F>, f64) {
        let variance = posterior.prior_std * posterior.prior_std;
        let mut gradient: Vec<F> =
            theta.iter().map(|t| F::from_f64(-1.0 / variance) * *t).collect();
        let mut log = 0.0;
        for (features, label) in posterior.features.rows().into_iter().zip(&posterior.labels) {
            let mut z = F::zero();
            let mut wide = 0.0;
            for (x, t) in features.iter().zip(theta) {
                z = F::from_f64(*x).fma(*t, z);
                wide += x * t.widen();
            }
            let e = (-z.abs()).exp_lane();
            let upper = F::one() / (F::one() + e);
            let probability = if z < F::zero() { e * upper } else { upper };
            for (sum, x) in gradient.iter_mut().zip(features) {
                *sum = F::from_f64(*x).fma(F::from_f64(*label) - probability, *sum);
            }
            log += label * wide - wide.max(0.0) - libm::log1p(libm::exp(-wide.abs()));
        }
        let square: f64 = theta.iter().map(|t| t.widen() * t.widen()).sum();
        (gradient, log - 0.5 * square / variance)
    }

    fn every_row_has_the_bits_of_plain_sums<F: Real>() {
        // Whole panels, groups and blocks, and parts of them.
        for (observations, dim) in [(1, 1), (48, 6), (101, 13), (54, 8)] {
            let features = Array2::from_shape_fn((observations, dim), |(i, j)| {
                ((i * i * 5 + j * 7) % 23) as f64 / 8.0 - 1.5
            });
            let labels = Array1::from_shape_fn(observations, |i| (i % 3 == 0) as u8 as f64);
            let posterior = LogisticRegression::new(features.view(), labels.view(), 1.7).unwrap();
            let theta = Array2::from_shape_fn((150, dim), |(i, j)| {
                F::from_f64(((i * i * 3 + j * 11) % 37) as f64 / 7.0 - 2.5)
            });
            for rows in [0..150, 0..1, 7..32, 100..150, 5..5] {
                let theta = theta.slice(ndarray::s![rows, ..]);
                let mut found = Array2::<F>::zeros(theta.dim());
                posterior.eval(Times::Shared(0.0), theta, found.view_mut()).unwrap();
                let mut logs = vec![0.0; theta.nrows()];
                LogDensity::log_density(&posterior, theta, &mut logs).unwrap();
                for (r, theta) in theta.rows().into_iter().enumerate() {
                    let (gradient, log) = one_by_one(&posterior, &theta.to_vec());
                    assert_eq!(found.row(r).to_vec(), gradient);
                    assert!((logs[r] - log).abs() < 1e-12 * log.abs().max(1.0));
                }
            }
        }
    }

    #[test]
    fn the_gradient_has_the_bits_of_plain_sums() {
        every_row_has_the_bits_of_plain_sums::<f64>();
        every_row_has_the_bits_of_plain_sums::<f32>();
    }

    #[test]
    fn what_is_not_finite_stays_in_its_row() {
        let features = Array2::from_shape_fn((9, 2), |(i, j)| (i * (j + 2)) as f64 - 3.0);
        let labels = Array1::from_shape_fn(9, |i| (i % 2) as f64);
        let posterior = LogisticRegression::new(features.view(), labels.view(), 1.0).unwrap();
        let mut theta = Array2::zeros((20, 2));
        theta[[3, 1]] = f64::NAN;
        theta[[17, 0]] = f64::INFINITY;
        let mut gradient = Array2::zeros((20, 2));
        posterior.eval(Times::Shared(0.0), theta.view(), gradient.view_mut()).unwrap();
        let logs = posterior.log_density(theta.view()).unwrap();
        for (r, row) in gradient.rows().into_iter().enumerate() {
            let right = r != 3 && r != 17;
            assert_eq!(row.iter().all(|x: &f64| x.is_finite()) && logs[r].is_finite(), right);
        }
        // Far away the density is a straight line, and nothing overflows.
        let far = Array2::from_elem((1, 2), 1e150);
        assert!(posterior.log_density(far.view()).unwrap()[0] < -1e299);
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
