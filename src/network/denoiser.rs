//! A trained network as a model of noised data.

use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::engine::{Conditions, Engine, Labels, Numbers};
use super::problem::wrong;
use super::trained::Trained;
use crate::diffusion::denoiser::predict_both_ways;
use crate::diffusion::face::{check_input, scale_rows};
use crate::diffusion::{Denoiser, Guided, InputScale, Levels, Prediction, Process};
use crate::drift::batch::with_columns;
use crate::error::{BoxError, Result};
use crate::real::Real;
use crate::state::{columns, columns_mut};

/// A trained network as a [`Denoiser`], with one label or none for all chains, or one for each;
/// made by [`Trained::denoiser`].
///
/// ```no_run
/// use langevin::network::Network;
/// use langevin::prelude::*;
///
/// let network = Network::load("examples/models/digits.safetensors")?;
/// // Chain k draws the digit k.
/// let model = network.denoiser()?.with_labels((0..10).map(Some).collect())?;
/// let plan = Method::named("pmm2m")?.plan(model.process(), 20)?;
/// let samples = plan.run_in::<f32>(&model)?.chains(10).run()?;
/// # Ok::<(), Error>(())
/// ```
///
/// It predicts what the network predicts, along the process of its training: data, or position and
/// momentum of a psld process. The network reads the variable of its process and is told the level
/// as its file says: by timestep, log signal-to-noise ratio, time or σ.
#[derive(Debug)]
pub struct TrainedDenoiser<E: Engine> {
    network: Trained<E>,
    process: Process,
    prediction: Prediction,
    classes: Classes,
}

/// The classes of the chains.
#[derive(Clone, Debug)]
enum Classes {
    /// All have this one.
    Shared(Option<usize>),
    /// Chain `first` + k has the class with number k.
    PerChain { first: u32, labels: Arc<Vec<Option<usize>>> },
}

impl Classes {
    /// The class of a chain, or none; `None` if nothing is said of this chain.
    fn of(&self, chain: u32) -> Option<Option<usize>> {
        match self {
            Self::Shared(label) => Some(*label),
            Self::PerChain { first, labels } => {
                labels.get(chain.checked_sub(*first)? as usize).copied()
            }
        }
    }

    /// The classes of these chains.
    fn of_all(&self, chains: &[u32]) -> Result<Vec<Option<usize>>> {
        let of = |chain: &u32| self.of(*chain).ok_or_else(|| self.unknown(*chain));
        chains.iter().map(of).collect()
    }

    /// The error about a chain of which nothing is said.
    fn unknown(&self, chain: u32) -> crate::error::Error {
        let [first, end] = match self {
            Self::Shared(_) => [0, u64::MAX],
            Self::PerChain { first, labels } => {
                [u64::from(*first), u64::from(*first) + labels.len() as u64]
            }
        };
        let given = format!("chain {chain}, counted from 0");
        wrong("labels of chains", given, format!("chains from {first} to {end}, without it"))
    }
}

impl<E: Engine> Clone for TrainedDenoiser<E> {
    fn clone(&self) -> Self {
        Self {
            network: self.network.clone(),
            process: self.process.clone(),
            prediction: self.prediction,
            classes: self.classes.clone(),
        }
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
        Ok(TrainedDenoiser {
            network: self.clone(),
            process,
            prediction,
            classes: Classes::Shared(None),
        })
    }
}

impl<E: Engine> TrainedDenoiser<E> {
    /// The same model with a label for all chains, or with none.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if it is no class of the network.
    pub fn with_label(self, label: Option<usize>) -> Result<Self> {
        self.network.check_label(label)?;
        Ok(Self { classes: Classes::Shared(label), ..self })
    }

    /// The same model with a label, or none, for each chain: chain k has `labels[k]`. A run of a
    /// chain beyond their number is an error, and so is a call without numbers of chains.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if one is no class of the network.
    pub fn with_labels(self, labels: Vec<Option<usize>>) -> Result<Self> {
        self.with_labels_from(0, labels)
    }

    /// The same for a part of a larger run, see [`Run::first_chain`](crate::Run::first_chain):
    /// chain `first_chain` + k has `labels[k]`.
    ///
    /// # Errors
    /// As for [`with_labels`](Self::with_labels).
    pub fn with_labels_from(self, first_chain: u32, labels: Vec<Option<usize>>) -> Result<Self> {
        labels.iter().try_for_each(|label| self.network.check_label(*label))?;
        let labels = Arc::new(labels);
        Ok(Self { classes: Classes::PerChain { first: first_chain, labels }, ..self })
    }

    /// The model guided away from the same model without a label, by this weight.
    ///
    /// # Errors
    /// As for [`Guided::models`].
    pub fn guided<F: Real>(self, weight: f64) -> Result<Guided<F, Self, Self>> {
        let all = Self { classes: Classes::Shared(None), ..self.clone() };
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

    /// The label of a chain, or `None` for none.
    pub fn label(&self, chain: u32) -> Option<usize> {
        self.classes.of(chain).flatten()
    }

    /// Predicts, with the numbers of the chains if they are known.
    fn predict_some<F: Real>(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let labels = match (&self.classes, chains) {
            (Classes::Shared(label), _) => return self.ask(Labels::Shared(*label), levels, x, out),
            (Classes::PerChain { .. }, Some(chains)) => self.classes.of_all(chains)?,
            (Classes::PerChain { .. }, None) => {
                let given = "a call without numbers of chains";
                let expected = "those of the rows: call predict_chains, or give one label for all";
                return Err(wrong("labels of chains", given, expected).into());
            }
        };
        self.ask(Labels::PerRow(&labels), levels, x, out)
    }

    /// Asks the network with these labels.
    fn ask<F: Real>(
        &self,
        labels: Labels<'_>,
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
        let conditions = Conditions { times, labels };
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
}

impl<F: Real, E: Engine> Denoiser<F> for TrainedDenoiser<E> {
    fn prediction(&self) -> Prediction {
        self.prediction
    }

    predict_both_ways!();

    fn batch(&self) -> Option<usize> {
        self.network.engine().batch()
    }

    fn columns(&self) -> Option<usize> {
        Some(self.network.input_width())
    }

    fn range(&self) -> Option<[f64; 2]> {
        self.network.range()
    }
}
