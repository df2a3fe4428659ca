//! Mean, covariance and marginals of a mixture.

use ndarray::{Array1, Array2, Array3, Axis, s};

use super::GaussianMixture;
use super::spread::Spread;
use crate::error::{Result, count};
use crate::math::eigen::{gram, weighted_sum};

impl GaussianMixture {
    /// The mean of the mixture, (dim).
    pub fn mean(&self) -> Array1<f64> {
        weighted_sum(&self.weights, self.means.view())
    }

    /// The covariance of the mixture, (dim, dim).
    pub fn covariance(&self) -> Array2<f64> {
        let dim = self.dimension();
        let mean = self.mean();
        let mut total = Array2::zeros((dim, dim));
        for (k, &weight) in self.weights.iter().enumerate() {
            let away = &self.means.row(k) - &mean;
            for i in 0..dim {
                for j in 0..dim {
                    total[[i, j]] += weight * away[i] * away[j];
                }
            }
            match &self.spread {
                Spread::Isotropic(std) => {
                    (0..dim).for_each(|i| total[[i, i]] += weight * std * std)
                }
                Spread::Diagonal(variances) => {
                    (0..dim).for_each(|i| total[[i, i]] += weight * variances[[k, i]])
                }
                Spread::Full(factors) => {
                    let factor = factors.index_axis(Axis(0), k);
                    total.scaled_add(weight, &gram(factor));
                }
            }
        }
        total
    }

    /// The numbers between which practically all coordinates of samples lie: from the smallest mean
    /// of a coordinate less five of its standard deviations to the largest one and five more.
    pub fn range(&self) -> [f64; 2] {
        let mut range = [f64::INFINITY, f64::NEG_INFINITY];
        for ((k, j), &mean) in self.means.indexed_iter() {
            let std = match &self.spread {
                Spread::Isotropic(std) => *std,
                Spread::Diagonal(variances) => variances[[k, j]].sqrt(),
                Spread::Full(factors) => {
                    let row = factors.slice(s![k, j, ..=j]);
                    row.iter().map(|x| x * x).sum::<f64>().sqrt()
                }
            };
            range = [range[0].min(mean - 5.0 * std), range[1].max(mean + 5.0 * std)];
        }
        range
    }

    /// The distribution of some of the coordinates, in the given order. It is a mixture with the
    /// same weights in fewer dimensions.
    ///
    /// # Errors
    /// - [`Error::Invalid`](crate::Error::Invalid) if a coordinate is not below the dimension.
    /// - [`Error::Shape`](crate::Error::Shape) if no coordinate is given.
    pub fn marginal(&self, coordinates: &[usize]) -> Result<Self> {
        for &j in coordinates {
            count("coordinate", j, 0, self.dimension() - 1, "a number below the dimension")?;
        }
        let means = self.means.select(Axis(1), coordinates);
        let marginal = match &self.spread {
            Spread::Isotropic(std) => Self::isotropic(means.view(), *std)?,
            Spread::Diagonal(variances) => {
                Self::diagonal(means.view(), variances.select(Axis(1), coordinates).view())?
            }
            Spread::Full(factors) => {
                let kept = coordinates.len();
                let mut covariances = Array3::zeros((self.components(), kept, kept));
                for (factor, mut to) in factors.outer_iter().zip(covariances.outer_iter_mut()) {
                    let factor = factor.select(Axis(0), coordinates);
                    to.assign(&gram(factor.view()));
                }
                Self::full(means.view(), covariances.view())?
            }
        };
        marginal.with_weights(&self.weights)
    }
}
