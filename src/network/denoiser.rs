//! A trained network as a model of noised data.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::engine::{Conditions, Engine, Labels, Numbers};
use super::problem::wrong;
use super::trained::Trained;
use crate::diffusion::face::{check_input, scale_rows};
use crate::diffusion::{Denoiser, Guided, InputScale, Levels, Prediction, Process};
use crate::drift::batch::with_columns;
use crate::error::{BoxError, Result};
use crate::real::Real;
use crate::state::{columns, columns_mut};

/// A trained network as a [`Denoiser`], with one label or none for all rows; made by
/// [`Trained::denoiser`].
///
/// It predicts what the network predicts, along the process of its training: data, or position and
/// momentum of a psld process. The network reads the variable of its process and is told the level
/// as its file says: by timestep, log signal-to-noise ratio, time or σ.
#[derive(Debug)]
pub struct TrainedDenoiser<E: Engine> {
    network: Trained<E>,
    process: Process,
    prediction: Prediction,
    label: Option<usize>,
}

impl<E: Engine> Clone for TrainedDenoiser<E> {
    fn clone(&self) -> Self {
        Self { network: self.network.clone(), process: self.process.clone(), ..*self }
    }
}

impl<E: Engine> Trained<E> {
    /// The network as a model of noised data, without a label.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) for a network of features.
    pub fn denoiser(&self) -> Result<TrainedDenoiser<E>> {
        let (Some(process), Some(prediction)) = (self.process(), self.prediction()) else {
            let expected = "a prediction of noise or data, for a model of noised data";
            return Err(wrong("prediction", "features", expected));
        };
        let process = process.clone();
        Ok(TrainedDenoiser { network: self.clone(), process, prediction, label: None })
    }
}

impl<E: Engine> TrainedDenoiser<E> {
    /// The same model with a label for all rows, or with none.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if it is no class of the network.
    pub fn with_label(self, label: Option<usize>) -> Result<Self> {
        self.network.check_label(label)?;
        Ok(Self { label, ..self })
    }

    /// The model guided away from the same model without a label, by this weight.
    ///
    /// # Errors
    /// As for [`Guided::models`].
    pub fn guided<F: Real>(self, weight: f64) -> Result<Guided<F, Self, Self>> {
        let all = Self { label: None, ..self.clone() };
        Guided::models(self, all, weight)
    }

    /// The network.
    pub fn network(&self) -> &Trained<E> {
        &self.network
    }

    /// The process of the training.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The label of all rows.
    pub fn label(&self) -> Option<usize> {
        self.label
    }
}

impl<F: Real, E: Engine> Denoiser<F> for TrainedDenoiser<E> {
    fn prediction(&self) -> Prediction {
        self.prediction
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let card = self.network.card();
        let number = |row: usize| card.number(levels.at(row));
        let times = match levels {
            Levels::Shared(level) => Numbers::Shared(card.number(level)),
            Levels::PerRow(_) => Numbers::PerRow(&number),
        };
        let conditions = Conditions { times, labels: Labels::Shared(self.label) };
        let scale = card.input();
        if scale == InputScale::Preserving {
            self.network.forward(conditions, x, out)?;
            return Ok(());
        }
        check_input(scale, levels)?;
        let rows = x.nrows();
        let width = x.ncols();
        let mut result = Ok(());
        with_columns(x, out, |x, out| {
            let mut input = x.to_vec();
            scale_rows(levels, rows, &mut input, |level| scale.factor(level));
            let input = columns(&input, rows, width);
            result = self.network.forward(conditions, input, columns_mut(out, rows, width));
            if self.prediction == Prediction::Score {
                scale_rows(levels, rows, out, |level| scale.score_factor(level));
            }
        });
        Ok(result?)
    }

    fn columns(&self) -> Option<usize> {
        Some(self.network.input_width())
    }

    fn range(&self) -> Option<[f64; 2]> {
        self.network.range()
    }
}
