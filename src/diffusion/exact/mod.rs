//! A Gaussian mixture after noising: the exact score at every level, which stands in for a trained
//! network.

mod kernel;
mod products;

use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2};

use super::denoiser::{Denoiser, Levels};
use super::prediction::Prediction;
use super::schedule::Level;
use crate::drift::GaussianMixture;
use crate::drift::batch::{check_batch, check_rows, with_columns};
use crate::drift::mixture::Spread;
use crate::error::{BoxError, Result};
use crate::math::aligned::Aligned;
use crate::math::eigen;
use crate::real::{InBoth, Real};
use crate::scratch::ScratchPool;
use kernel::Law;

/// A mixture noised by a variance-preserving process, x = √ᾱ x₀ + √(1−ᾱ) ε.
///
/// ```text
/// p(x)     = Σ wₖ N(x; √ᾱ μₖ, ᾱ Σₖ + (1−ᾱ) I)
/// score(x) = Σ rₖ(x) (ᾱ Σₖ + (1−ᾱ) I)⁻¹ (√ᾱ μₖ − x)
/// ```
///
/// Every row of a batch may have its own level. As a [`Denoiser`] it predicts the score;
/// [`Denoised`](super::Denoised) turns that into ε, x₀ or v. With 32 isotropic components or more
/// (a data set) the score is two matrix products, in which exponents lose about |x||μ|/(variance)
/// units in the last place.
#[derive(Clone, Debug)]
pub struct DiffusedMixture {
    data: GaussianMixture,
    single: Noised<f32>,
    double: Noised<f64>,
}

/// The noised distribution in one precision, with working memory.
#[derive(Clone, Debug)]
struct Noised<F> {
    law: Law<F>,
    scratch: ScratchPool<Aligned<F>>,
}

/// The noised distribution of a mixture in both precisions.
struct Both<'m>(&'m DiffusedMixture);

impl<'m> InBoth for Both<'m> {
    type In<F: Real> = &'m Noised<F>;

    fn single(self) -> &'m Noised<f32> {
        &self.0.single
    }

    fn double(self) -> &'m Noised<f64> {
        &self.0.double
    }
}

impl DiffusedMixture {
    /// The noised distribution of this mixture.
    pub fn new(data: GaussianMixture) -> Self {
        let law = Law::new(&data);
        let single = Noised { law: law.rounded(), scratch: ScratchPool::default() };
        let double = Noised { law, scratch: ScratchPool::default() };
        Self { data, single, double }
    }

    /// The mixture of the data.
    pub fn data(&self) -> &GaussianMixture {
        &self.data
    }

    /// The law at a level: a mixture again, with its log density, samples and responsibilities.
    ///
    /// # Errors
    /// As for the constructors of [`GaussianMixture`]; only rounding could bring them about.
    pub fn at(&self, level: Level) -> Result<GaussianMixture> {
        let alpha_bar = level.alpha_bar();
        let noise = level.one_minus_alpha_bar();
        let means = self.data.means() * level.signal();
        let noised = match self.data.spread() {
            Spread::Isotropic(std) => {
                GaussianMixture::isotropic(means.view(), (alpha_bar * std * std + noise).sqrt())?
            }
            Spread::Diagonal(variances) => GaussianMixture::diagonal(
                means.view(),
                variances.mapv(|v| alpha_bar * v + noise).view(),
            )?,
            Spread::Full(factors) => {
                let mut covariances = Array3::zeros(factors.raw_dim());
                for (factor, mut to) in factors.outer_iter().zip(covariances.outer_iter_mut()) {
                    to.assign(
                        &(eigen::gram(factor) * alpha_bar
                            + Array2::<f64>::eye(factor.nrows()) * noise),
                    );
                }
                GaussianMixture::full(means.view(), covariances.view())?
            }
        };
        noised.with_weights(self.data.weights())
    }
}

impl<F: Real> Denoiser<F> for DiffusedMixture {
    fn prediction(&self) -> Prediction {
        Prediction::Score
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_batch("batch given to a noised mixture", self.data.dimension(), &x, &out)?;
        let rows = x.nrows();
        if let Levels::PerRow(levels) = levels {
            check_rows("levels of a batch", rows, levels.len())?;
        }
        if let Some(overflow) = self.data.overflow_of_means::<F>() {
            return Err(overflow.into());
        }
        let Noised { law, scratch } = F::choose(Both(self));
        with_columns(x, out, |x, out| {
            scratch.with(|scratch| law.score(levels, rows, x, out, scratch));
        });
        Ok(())
    }

    fn columns(&self) -> Option<usize> {
        Some(self.data.dimension())
    }

    fn known_data(&self) -> Option<&GaussianMixture> {
        Some(&self.data)
    }
}

#[cfg(test)]
mod tests;
