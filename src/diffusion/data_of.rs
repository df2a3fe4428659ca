//! What any model says about the data: the prediction x̂₀, whatever it predicts itself.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::denoised::convert_data;
use super::denoiser::{Denoiser, Levels, predict_with};
use super::prediction::Prediction;
use super::schedule::Level;
use crate::error::{BoxError, Error, Result};
use crate::real::Real;

/// The data x̂₀ that a model of data predicts, and its mean where nothing else is known.
#[derive(Debug)]
pub(super) struct DataOf<F, M> {
    pub model: M,
    /// The mean of the data, where it is known: x̂₀ in pure noise.
    mean: Option<Vec<F>>,
}

impl<F: Real, M: Denoiser<F>> DataOf<F, M> {
    pub fn new(model: M) -> Self {
        let mean = model.known_data().map(|data| data.mean().mapv(F::from_f64).to_vec());
        Self { model, mean }
    }

    /// Writes x̂₀ of every row, with the numbers of the chains if they are known.
    pub fn predict(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let from = self.model.prediction();
        predict_with(&self.model, chains, levels, x, out.view_mut())?;
        convert_data(levels, x, out.view_mut(), |_, level| from.convert(Prediction::Data, level));
        if from.reaches(Prediction::Data, Level::PURE_NOISE) {
            return Ok(());
        }
        for (row, mut out) in out.rows_mut().into_iter().enumerate() {
            if levels.at(row) != Level::PURE_NOISE {
                continue;
            }
            let Some(mean) = &self.mean else {
                let from = from.name();
                let wanted = Prediction::Data.name();
                return Err(Error::Unreachable { from, wanted, alpha_bar: 0.0 }.into());
            };
            out.iter_mut().zip(mean).for_each(|(to, x)| *to = *x);
        }
        Ok(())
    }
}
