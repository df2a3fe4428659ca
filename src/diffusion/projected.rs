//! A model whose prediction of the data keeps the part that is known.

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::condition::Known;
use super::data_of::DataOf;
use super::denoiser::{Denoiser, Levels, predict_both_ways};
use super::prediction::Prediction;
use crate::error::{BoxError, Error, Result};
use crate::real::Real;

/// Another model of data, with the known part of its prediction replaced.
///
/// ```text
/// x̂₀ ← m known + (1 − m) x̂₀
/// ```
///
/// One evaluation of the model, and no gradient of it. It works with every method. The samples do
/// **not** follow the conditional distribution: see the guide, `docs/diffusion.md` of the source.
///
/// Source: Wang, Yu & Zhang 2022 (arXiv 2212.00490), for a mask.
#[derive(Debug)]
pub struct Projected<F, M> {
    model: DataOf<F, M>,
    /// (m known, 1 − m) of every coordinate.
    parts: Vec<[F; 2]>,
}

impl<F: Real, M: Denoiser<F>> Projected<F, M> {
    /// This model with the known part.
    ///
    /// # Errors
    /// [`Error::Model`] for a model of position and momentum, [`Error::Shape`] if the mask has
    /// another number of columns.
    pub fn new(model: M, known: &Known) -> Result<Self> {
        if model.prediction().is_joint() {
            let given = format!("a prediction of {}, of position and momentum", model.prediction());
            let expected = "a model of data, whose known part can be projected".into();
            return Err(Error::Model { given, expected });
        }
        if let Some(columns) = model.columns() {
            known.check(columns)?;
        }
        let parts = known.mask().iter().zip(known.data());
        let parts = parts.map(|(m, k)| [m * k, 1.0 - m].map(F::from_f64)).collect();
        Ok(Self { model: DataOf::new(model), parts })
    }
}

impl<F: Real, M: Denoiser<F>> Projected<F, M> {
    /// Predicts, with the numbers of the chains if they are known.
    fn predict_some(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.model.predict(chains, levels, x, out.view_mut())?;
        for (mut column, [known, free]) in out.axis_iter_mut(Axis(1)).zip(&self.parts) {
            column.mapv_inplace(|data| *known + *free * data);
        }
        Ok(())
    }
}

impl<F: Real, M: Denoiser<F>> Denoiser<F> for Projected<F, M> {
    fn prediction(&self) -> Prediction {
        Prediction::Data
    }

    predict_both_ways!();

    fn batch(&self) -> Option<usize> {
        self.model.model.batch()
    }

    fn columns(&self) -> Option<usize> {
        Some(self.parts.len())
    }

    fn passes(&self) -> usize {
        self.model.model.passes()
    }

    fn range(&self) -> Option<[f64; 2]> {
        self.model.model.range()
    }
}
