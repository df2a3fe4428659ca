//! A Gaussian mixture after noising: the exact score at every level, which stands in for a trained
//! network.

mod kernel;
mod products;

use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, Axis};

use super::mixture::Spread;
use super::{
    Denoiser, GaussianMixture, Levels, Prediction, ScratchPool, check_batch, with_columns,
};
use crate::error::{BoxError, Result};
use crate::math::eigen;
use crate::real::Real;
use crate::schedule::Level;
pub use kernel::Law;
pub use products::Call;
pub(crate) use products::{run_f32, run_f64};

/// From this many isotropic components on, the score is two matrix products.
const MANY: usize = 32;

/// A mixture noised by a variance-preserving process, x = √ᾱ x₀ + √(1−ᾱ) ε.
///
/// ```text
/// p(x)     = Σ wₖ N(x; √ᾱ μₖ, ᾱ Σₖ + (1−ᾱ) I)
/// score(x) = Σ rₖ(x) (ᾱ Σₖ + (1−ᾱ) I)⁻¹ (√ᾱ μₖ − x)
/// ```
///
/// Every row of a batch may have its own level. As a [`Denoiser`] it predicts the score;
/// [`Denoised`](crate::Denoised) turns that into ε, x₀ or v. With 32 isotropic components or more
/// (a data set) the score is two matrix products, in which exponents lose about |x||μ|/(variance)
/// units in the last place.
#[derive(Clone, Debug)]
pub struct DiffusedMixture {
    data: GaussianMixture,
    single: Law<f32>,
    double: Law<f64>,
    scratch_single: ScratchPool<Vec<f32>>,
    scratch_double: ScratchPool<Vec<f64>>,
}

impl DiffusedMixture {
    /// The noised law of this mixture.
    pub fn new(data: GaussianMixture) -> Self {
        let double = Law::new(&data);
        let single = double.rounded();
        Self {
            data,
            single,
            double,
            scratch_single: ScratchPool::default(),
            scratch_double: ScratchPool::default(),
        }
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
        let (signal, alpha_bar, noise) =
            (level.signal(), level.alpha_bar(), level.one_minus_alpha_bar());
        let means = self.data.means() * signal;
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

/// Eigenvalues, (components, dim), and eigenvectors of the covariances of a mixture with full ones.
fn eigensystems(factors: &Array3<f64>) -> (Array2<f64>, Array3<f64>) {
    let (components, dim, _) = factors.dim();
    let (mut values, mut vectors) =
        (Array2::zeros((components, dim)), Array3::zeros((components, dim, dim)));
    for (k, factor) in factors.axis_iter(Axis(0)).enumerate() {
        let (v, q) = eigen::symmetric(&eigen::gram(factor));
        values.row_mut(k).assign(&v);
        vectors.index_axis_mut(Axis(0), k).assign(&q);
    }
    (values, vectors)
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
        let law = F::diffused(&self.single, &self.double);
        let pool = F::scratch(&self.scratch_single, &self.scratch_double);
        with_columns(x, out, |x, out| {
            pool.with(|scratch| law.score(levels, rows, x, out, scratch));
        });
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        Some(self.data.dimension())
    }
}

#[cfg(test)]
mod tests;
