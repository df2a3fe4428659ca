//! The posterior of a Bayesian logistic regression: the standard real-data target of the Langevin literature.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};

use super::{Drift, Times};
use crate::error::{BoxError, Error, Result, positive};
use crate::math::simd::{self, Kernel};
use crate::real::Real;

const LANES: usize = 16;

/// The posterior of logistic regression coefficients θ under a Gaussian prior.
///
/// ```text
/// log π(θ) = Σᵢ [ yᵢ zᵢ − log(1 + e^(zᵢ)) ] − |θ|²/2τ²      zᵢ = xᵢᵀ θ
/// ∇ log π  = Σᵢ ( yᵢ − 1/(1 + e^(−zᵢ)) ) xᵢ − θ/τ²
/// ```
///
/// τ is `prior_std`. For an intercept add a column of ones to the features.
#[derive(Clone, Debug)]
pub struct LogisticRegression {
    features: Array2<f64>,
    labels: Vec<f64>,
    prior_std: f64,
}

impl LogisticRegression {
    /// The posterior for `features` of shape (observations, dim) and one label, 0 or 1, for each observation.
    ///
    /// # Errors
    /// [`Error::Shape`] if the numbers of observations differ or there are none, [`Error::NonFinite`] if a feature is not
    /// finite, [`Error::Invalid`] if a label is neither 0 nor 1 or the prior's standard deviation is not positive.
    pub fn new(features: ArrayView2<'_, f64>, labels: ArrayView1<'_, f64>, prior_std: f64) -> Result<Self> {
        positive("prior std", prior_std)?;
        if features.is_empty() || labels.len() != features.nrows() {
            return Err(Error::Shape {
                what: "labels",
                given: format!("{} labels for features of shape {:?}", labels.len(), features.dim()),
                expected: "one for each of at least one row of features".into(),
            });
        }
        if let Some(((row, column), _)) = features.indexed_iter().find(|(_, x)| !x.is_finite()) {
            return Err(Error::NonFinite { what: "features", row, column });
        }
        if let Some(&given) = labels.iter().find(|y| **y != 0.0 && **y != 1.0) {
            return Err(Error::Invalid { name: "label", given, expected: "0 or 1" });
        }
        Ok(Self { features: features.as_standard_layout().into_owned(), labels: labels.to_vec(), prior_std })
    }

    /// log π(θ) up to its constant, for every row of `parameters`, shape (rows, dim).
    ///
    /// # Errors
    /// [`Error::Shape`] if the width is not the number of features.
    pub fn log_density(&self, parameters: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        if parameters.ncols() != self.features.ncols() {
            return Err(Error::Shape {
                what: "parameters",
                given: format!("{:?}", parameters.dim()),
                expected: format!("(rows, {})", self.features.ncols()),
            });
        }
        let log_density = |theta: ArrayView1<'_, f64>| {
            let likelihood: f64 = self
                .features
                .rows()
                .into_iter()
                .zip(&self.labels)
                .map(|(x, y)| {
                    let z = x.dot(&theta);
                    y * z - z.max(0.0) - libm::log1p(libm::exp(-z.abs()))
                })
                .sum();
            likelihood - 0.5 * theta.dot(&theta) / (self.prior_std * self.prior_std)
        };
        Ok(parameters.rows().into_iter().map(log_density).collect())
    }
}

struct Gradient<'a, F> {
    posterior: &'a LogisticRegression,
    x: ArrayView2<'a, F>,
    out: ArrayViewMut2<'a, F>,
}

impl<F: Real> Kernel for Gradient<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let (rows, dim) = self.x.dim();
        let shrink = F::from_f64(-1.0 / (self.posterior.prior_std * self.posterior.prior_std));
        for start in (0..rows).step_by(LANES) {
            let count = LANES.min(rows - start);
            for j in 0..dim {
                for l in start..start + count {
                    self.out[[l, j]] = shrink * self.x[[l, j]];
                }
            }
            for (features, label) in self.posterior.features.rows().into_iter().zip(&self.posterior.labels) {
                let mut z = [F::zero(); LANES];
                for (j, x) in features.iter().enumerate() {
                    let x = F::from_f64(*x);
                    let theta = column_lanes(&self.x, j, start, count);
                    for l in 0..LANES {
                        z[l] = x.fma(theta[l], z[l]);
                    }
                }
                let label = F::from_f64(*label);
                let mut residual = [F::zero(); LANES];
                for l in 0..LANES {
                    // 1/(1 + e^−|z|) never overflows; for negative z it is the complement that is wanted.
                    let e = (-z[l].abs()).exp_lane();
                    let upper = F::one() / (F::one() + e);
                    let probability = if z[l] < F::zero() { e * upper } else { upper };
                    residual[l] = label - probability;
                }
                for (j, x) in features.iter().enumerate() {
                    let x = F::from_f64(*x);
                    let mut sum = column_lanes(&self.out.view(), j, start, count);
                    for l in 0..LANES {
                        sum[l] = x.fma(residual[l], sum[l]);
                    }
                    for l in 0..count {
                        self.out[[start + l, j]] = sum[l];
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn column_lanes<F: Real>(x: &ArrayView2<'_, F>, column: usize, start: usize, count: usize) -> [F; LANES] {
    let mut lanes = [F::zero(); LANES];
    for l in 0..count {
        lanes[l] = x[[start + l, column]];
    }
    lanes
}

impl<F: Real> Drift<F> for LogisticRegression {
    fn eval(&self, _: Times<'_>, x: ArrayView2<'_, F>, out: ArrayViewMut2<'_, F>) -> Result<(), BoxError> {
        if x.ncols() != self.features.ncols() || out.dim() != x.dim() {
            return Err(Box::new(Error::Shape {
                what: "batch given to a logistic regression",
                given: format!("{:?} -> {:?}", x.dim(), out.dim()),
                expected: format!("(rows, {0}) -> (rows, {0})", self.features.ncols()),
            }));
        }
        simd::dispatch(Gradient { posterior: self, x, out });
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        Some(self.features.ncols())
    }
}
