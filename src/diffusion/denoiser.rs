//! Models of noised data: the trait that exact scores and trained networks implement.

use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::prediction::Prediction;
use super::schedule::Level;
use crate::drift::GaussianMixture;
use crate::error::{BoxError, Result};
use crate::real::Real;

/// The levels of the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Levels<'a> {
    /// All rows have this level.
    Shared(Level),
    /// Row i has level `levels[i]`.
    PerRow(&'a [Level]),
}

impl Levels<'_> {
    /// The level of a row.
    ///
    /// # Panics
    /// If there are levels per row and fewer than `row` + 1 of them.
    #[inline]
    pub fn at(&self, row: usize) -> Level {
        match self {
            Self::Shared(level) => *level,
            Self::PerRow(levels) => levels[row],
        }
    }
}

/// A model of noised data: the exact score of a noised mixture, a trained network, or your own
/// code.
///
/// ```
/// use langevin::diffusion::Levels;
/// use langevin::ndarray::{ArrayView2, ArrayViewMut2};
/// use langevin::prelude::*;
///
/// /// Data that are all 0: the noise is x/√(1−ᾱ).
/// struct Origin;
///
/// impl Denoiser<f64> for Origin {
///     fn prediction(&self) -> Prediction {
///         Prediction::Epsilon
///     }
///
///     fn predict(
///         &self,
///         levels: Levels<'_>,
///         x: ArrayView2<'_, f64>,
///         mut out: ArrayViewMut2<'_, f64>,
///     ) -> std::result::Result<(), BoxError> {
///         for ((row, column), noise) in out.indexed_iter_mut() {
///             *noise = x[[row, column]] / levels.at(row).noise();
///         }
///         Ok(())
///     }
/// }
///
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let plan = "ddim".parse::<Method>()?.plan(&process, 20)?;
/// let samples = plan.run(Origin)?.start_normal(2).chains(10).run()?;
/// assert!(samples.positions().iter().all(|x| x.abs() < 1e-12));
/// # Ok::<(), Error>(())
/// ```
pub trait Denoiser<F: Real>: Send + Sync {
    /// What [`predict`](Self::predict) writes.
    fn prediction(&self) -> Prediction;

    /// Writes the prediction for every row of `x`, shape (rows, columns), at its level. Rows are
    /// independent, and in a run both arrays are column-major. A model of position and momentum
    /// reads rows `[x | m]`, and its level is given by τ = ∫β, [`Level::tau`].
    ///
    /// # Errors
    /// Any error stops the run.
    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>;

    /// The same for rows that belong to the chains with these numbers, one for each row. Runs call
    /// it. A model that differs between chains, such as one with a label for each, implements it,
    /// and its `predict` returns an error. A model around another one passes it on.
    ///
    /// # Errors
    /// As for [`predict`](Self::predict).
    fn predict_chains(
        &self,
        chains: &[u32],
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let _ = chains;
        self.predict(levels, x, out)
    }

    /// The required number of columns, or `None` if any will do.
    fn columns(&self) -> Option<usize> {
        None
    }

    /// The rows that a call should have at least, or `None` if small calls cost no more. See
    /// [`Drift::batch`](crate::Drift::batch).
    fn batch(&self) -> Option<usize> {
        None
    }

    /// Passes through a network that one prediction takes: 2 with guidance.
    fn passes(&self) -> usize {
        1
    }

    /// The distribution of the data, if it is known exactly. A run then starts from the right
    /// Gaussian where noised data are not standard normal: see [`Plan::start`](super::Plan::start).
    fn known_data(&self) -> Option<&GaussianMixture> {
        None
    }

    /// The numbers between which the data lie, if known. By default those of
    /// [`known_data`](Self::known_data): all means, and five standard deviations more.
    fn range(&self) -> Option<[f64; 2]> {
        self.known_data().map(GaussianMixture::range)
    }
}

/// Predicts with the numbers of the chains, if they are known.
pub(crate) fn predict_with<F: Real, M: Denoiser<F> + ?Sized>(
    model: &M,
    chains: Option<&[u32]>,
    levels: Levels<'_>,
    x: ArrayView2<'_, F>,
    out: ArrayViewMut2<'_, F>,
) -> Result<(), BoxError> {
    match chains {
        Some(chains) => model.predict_chains(chains, levels, x, out),
        None => model.predict(levels, x, out),
    }
}

/// `predict` and `predict_chains` of a model around another one, by its `predict_some`, which gets
/// the numbers of the chains if they are known.
macro_rules! predict_both_ways {
    () => {
        fn predict(
            &self,
            levels: $crate::diffusion::Levels<'_>,
            x: ndarray::ArrayView2<'_, F>,
            out: ndarray::ArrayViewMut2<'_, F>,
        ) -> Result<(), $crate::error::BoxError> {
            self.predict_some(None, levels, x, out)
        }

        fn predict_chains(
            &self,
            chains: &[u32],
            levels: $crate::diffusion::Levels<'_>,
            x: ndarray::ArrayView2<'_, F>,
            out: ndarray::ArrayViewMut2<'_, F>,
        ) -> Result<(), $crate::error::BoxError> {
            self.predict_some(Some(chains), levels, x, out)
        }
    };
}

pub(crate) use predict_both_ways;

macro_rules! forward {
    ($pointer:ty) => {
        impl<F: Real, M: Denoiser<F> + ?Sized> Denoiser<F> for $pointer {
            fn prediction(&self) -> Prediction {
                (**self).prediction()
            }

            fn predict(
                &self,
                levels: Levels<'_>,
                x: ArrayView2<'_, F>,
                out: ArrayViewMut2<'_, F>,
            ) -> Result<(), BoxError> {
                (**self).predict(levels, x, out)
            }

            fn predict_chains(
                &self,
                chains: &[u32],
                levels: Levels<'_>,
                x: ArrayView2<'_, F>,
                out: ArrayViewMut2<'_, F>,
            ) -> Result<(), BoxError> {
                (**self).predict_chains(chains, levels, x, out)
            }

            fn batch(&self) -> Option<usize> {
                (**self).batch()
            }

            fn columns(&self) -> Option<usize> {
                (**self).columns()
            }

            fn passes(&self) -> usize {
                (**self).passes()
            }

            fn known_data(&self) -> Option<&GaussianMixture> {
                (**self).known_data()
            }

            fn range(&self) -> Option<[f64; 2]> {
                (**self).range()
            }
        }
    };
}

forward!(&M);
forward!(Box<M>);
forward!(Arc<M>);
