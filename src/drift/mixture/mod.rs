//! Gaussian mixtures: targets with exact score, log density and samples. A data set is a mixture
//! too.

#[cfg(feature = "serde")]
mod flat;
#[cfg(feature = "serde")]
mod form;
mod kernel;
mod moments;
#[cfg(feature = "plot")]
mod picture;
mod queries;
mod sample;
mod spread;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use spread::Spread;

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};

use crate::error::{Error, Result, positive};
use crate::real::Real;
use kernel::Tables;
pub(crate) use spread::cholesky;

/// A mixture of Gaussians, π(x) = Σ wₖ N(x; μₖ, Σₖ).
///
/// ```text
/// log π(x) = log Σ wₖ N(x; μₖ, Σₖ)             the largest exponent is subtracted before exp
/// rₖ(x)    = wₖ N(x; μₖ, Σₖ) / π(x)             responsibilities
/// score(x) = Σ rₖ(x) Σₖ⁻¹ (μₖ − x)              what the drift writes
/// ```
///
/// Parameters are f64. As a drift the mixture works in the precision of the state. It may have any
/// number of components. A data set with a bandwidth is a mixture with one component for each row
/// ([`from_data`](Self::from_data)).
///
/// One row costs components × dim operations. With full covariances it costs dim/2 times as many.
///
/// ```
/// use langevin::GaussianMixture;
/// use langevin::ndarray::array;
/// let means = array![[-2.0, 0.0], [2.0, 0.0]];
/// let target = GaussianMixture::isotropic(means.view(), 0.5)?.with_weights(&[1.0, 3.0])?;
/// assert_eq!(target.weights(), [0.25, 0.75]);
/// # Ok::<(), langevin::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianMixture {
    weights: Vec<f64>,
    means: Array2<f64>,
    spread: Spread,
    single: Tables<f32>,
    double: Tables<f64>,
    /// A mean, and an inverse variance, that f32 cannot hold.
    overflows: [Option<String>; 2],
}

impl GaussianMixture {
    /// Components of equal weight and the same standard deviation `std`. `means` has shape
    /// (components, dim).
    ///
    /// # Errors
    /// - [`Error::Invalid`] if `std` is not finite and positive.
    /// - [`Error::Shape`] if there are no means.
    /// - [`Error::NonFinite`] if a mean is not finite.
    pub fn isotropic(means: ArrayView2<'_, f64>, std: f64) -> Result<Self> {
        positive("std", std)?;
        Self::build(means, Spread::Isotropic(std))
    }

    /// The kernel density estimate of a data set, shape (rows, dim). Each row is the mean of one
    /// component. `bandwidth` is the standard deviation of all components.
    ///
    /// # Errors
    /// As for [`isotropic`](Self::isotropic), with `bandwidth` in place of `std`.
    pub fn from_data(data: ArrayView2<'_, f64>, bandwidth: f64) -> Result<Self> {
        positive("bandwidth", bandwidth)?;
        Self::build(data, Spread::Isotropic(bandwidth))
    }

    /// Components of equal weight with diagonal covariances. `means` and `variances` have shape
    /// (components, dim).
    ///
    /// # Errors
    /// - [`Error::Shape`] if the shapes differ or there are no means.
    /// - [`Error::Component`] if a variance is not finite and positive.
    /// - [`Error::NonFinite`] if a mean is not finite.
    pub fn diagonal(means: ArrayView2<'_, f64>, variances: ArrayView2<'_, f64>) -> Result<Self> {
        if variances.dim() != means.dim() {
            return Err(Error::Shape {
                what: "variances",
                given: format!("{:?}", variances.dim()),
                expected: format!("{:?}, as the means have", means.dim()),
            });
        }
        for ((component, _), &given) in variances.indexed_iter() {
            if !(given > 0.0 && given.is_finite()) {
                return Err(Error::Component {
                    component,
                    name: "variance",
                    given,
                    expected: "a finite number > 0",
                });
            }
        }
        Self::build(means, Spread::Diagonal(variances.to_owned()))
    }

    /// Components of equal weight with full covariances. `means` has shape (components, dim), and
    /// `covariances` has shape (components, dim, dim).
    ///
    /// # Errors
    /// - [`Error::Shape`] if the shapes do not fit or there are no means.
    /// - [`Error::NotPositiveDefinite`] if a covariance is not symmetric positive definite. It
    ///   names the first such component.
    /// - [`Error::NonFinite`] if a mean is not finite.
    pub fn full(means: ArrayView2<'_, f64>, covariances: ArrayView3<'_, f64>) -> Result<Self> {
        let (components, dim) = means.dim();
        if covariances.dim() != (components, dim, dim) {
            return Err(Error::Shape {
                what: "covariances",
                given: format!("{:?}", covariances.dim()),
                expected: format!("{:?}", (components, dim, dim)),
            });
        }
        let mut factors = Array3::zeros((components, dim, dim));
        for (component, covariance) in covariances.axis_iter(Axis(0)).enumerate() {
            let factor = cholesky(covariance).map_err(|(row, found, value)| {
                Error::NotPositiveDefinite { component, row, found, value }
            })?;
            factors.index_axis_mut(Axis(0), component).assign(&factor);
        }
        Self::build(means, Spread::Full(factors))
    }

    fn build(means: ArrayView2<'_, f64>, spread: Spread) -> Result<Self> {
        let (components, dim) = means.dim();
        if components == 0 || dim == 0 {
            return Err(Error::Shape {
                what: "means",
                given: format!("{:?}", means.dim()),
                expected: "at least one component and one dimension".into(),
            });
        }
        if let Some(((row, column), _)) = means.indexed_iter().find(|(_, x)| !x.is_finite()) {
            return Err(Error::NonFinite { what: "means", row, column });
        }
        let weights = vec![1.0 / components as f64; components];
        let means = means.as_standard_layout().into_owned();
        let double = Tables::<f64>::new(&weights, &means, &spread);
        let single = double.rounded();
        let overflows = [single.overflow_of_means(), single.overflow_of_precisions()];
        if double.overflow_of_precisions().is_some() {
            let name = "a standard deviation, or a variance, of the mixture";
            let expected = "one whose inverse square is finite";
            return Err(Error::Invalid { name, given: spread.smallest(), expected });
        }
        Ok(Self { weights, means, spread, single, double, overflows })
    }

    /// The same components with these weights. The weights are normalised to sum to 1.
    ///
    /// # Errors
    /// - [`Error::Shape`] if there is not one weight for each component.
    /// - [`Error::Component`] if a weight is negative or not finite.
    /// - [`Error::Invalid`] if all weights are zero.
    pub fn with_weights(mut self, weights: &[f64]) -> Result<Self> {
        if weights.len() != self.components() {
            return Err(Error::Shape {
                what: "weights",
                given: format!("{} numbers", weights.len()),
                expected: format!("{}, one for each component", self.components()),
            });
        }
        for (component, &given) in weights.iter().enumerate() {
            if !(given >= 0.0 && given.is_finite()) {
                return Err(Error::Component {
                    component,
                    name: "weight",
                    given,
                    expected: "a finite number >= 0",
                });
            }
        }
        let total: f64 = weights.iter().sum();
        positive("sum of the weights", total)?;
        self.weights = weights.iter().map(|w| w / total).collect();
        self.double = Tables::new(&self.weights, &self.means, &self.spread);
        self.single = self.double.rounded();
        Ok(self)
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.means.nrows()
    }

    /// Number of coordinates of a point.
    pub fn dimension(&self) -> usize {
        self.means.ncols()
    }

    /// The weights, normalised to sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The means of the components, (components, dim).
    pub fn means(&self) -> &Array2<f64> {
        &self.means
    }

    /// What F cannot hold of the mixture, in words.
    pub(crate) fn overflow<F: Real>(&self) -> Option<&str> {
        let own = self.overflows.iter().flatten().next()?;
        (F::NAME == f32::NAME).then_some(own)
    }

    /// Which mean F cannot hold, in words.
    pub(crate) fn overflow_of_means<F: Real>(&self) -> Option<&str> {
        let own = self.overflows[0].as_deref()?;
        (F::NAME == f32::NAME).then_some(own)
    }

    pub(crate) fn spread(&self) -> &Spread {
        &self.spread
    }
}
