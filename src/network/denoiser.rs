//! A trained network as a model of noised data.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::engine::{Conditions, Engine, Labels, Numbers, Values};
use super::of_chains::{OfChains, OfRows};
use super::problem::wrong;
use super::trained::Trained;
use crate::diffusion::denoiser::predict_both_ways;
use crate::diffusion::face::{check_input, scale_rows};
use crate::diffusion::{Denoiser, Guided, InputScale, Levels, Prediction, Process};
use crate::drift::batch::with_columns;
use crate::error::{BoxError, Result};
use crate::real::Real;
use crate::state::{columns, columns_mut};

/// A trained network as a [`Denoiser`], with conditions for all chains or for each;
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
    classes: OfChains<Option<usize>>,
    /// One for each named input of the engine, or `None` without a condition.
    named: Vec<Option<OfChains<Vec<f32>>>>,
}

/// What is told of the rows beside their levels.
#[derive(Clone, Copy)]
struct Told<'t> {
    labels: Labels<'t>,
    named: &'t [Values<'t>],
}

impl<E: Engine> Clone for TrainedDenoiser<E> {
    fn clone(&self) -> Self {
        Self {
            network: self.network.clone(),
            process: self.process.clone(),
            prediction: self.prediction,
            classes: self.classes.clone(),
            named: self.named.clone(),
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
            classes: OfChains::shared(None),
            named: vec![None; self.named_inputs().len()],
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
        Ok(Self { classes: OfChains::shared(label), ..self })
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
        Ok(Self { classes: OfChains::per_chain(first_chain, labels), ..self })
    }

    /// The same model with a condition for a named input, such as the embedding of a text. `rows`
    /// has shape (1, width), for all chains, or (chains, width), a row for each: chain k has row k.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) for another name or width, no row, and numbers
    /// that are not finite.
    pub fn with_condition(self, name: &str, rows: ArrayView2<'_, f32>) -> Result<Self> {
        self.with_condition_from(0, name, rows)
    }

    /// The same for a part of a larger run, see [`Run::first_chain`](crate::Run::first_chain):
    /// chain `first_chain` + k has row k, where there is more than one.
    ///
    /// # Errors
    /// As for [`with_condition`](Self::with_condition).
    pub fn with_condition_from(
        mut self,
        first_chain: u32,
        name: &str,
        rows: ArrayView2<'_, f32>,
    ) -> Result<Self> {
        let inputs = self.network.named_inputs();
        let Some(place) = inputs.iter().position(|input| input.name == name) else {
            let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            let names =
                if names.is_empty() { "none, as it has none".into() } else { names.join(", ") };
            return Err(wrong("condition", name, format!("a named input of the network: {names}")));
        };
        let what = format!("condition {name}");
        if rows.nrows() == 0 || rows.ncols() != inputs[place].width {
            let expected = format!("(1, {0}) or (chains, {0})", inputs[place].width);
            return Err(wrong(what, format!("shape {:?}", rows.dim()), expected));
        }
        if let Some(row) =
            rows.rows().into_iter().position(|row| !row.iter().all(|x| x.is_finite()))
        {
            return Err(wrong(what, format!("row {row} with NaN or infinity"), "finite numbers"));
        }
        let mut all: Vec<Vec<f32>> = rows.rows().into_iter().map(|row| row.to_vec()).collect();
        self.named[place] = Some(match all.len() {
            1 => OfChains::shared(all.remove(0)),
            _ => OfChains::per_chain(first_chain, all),
        });
        Ok(self)
    }

    /// The model guided away from the same model without a label and without conditions, by this
    /// weight.
    ///
    /// # Errors
    /// As for [`Guided::models`], and [`Error::Network`](crate::Error::Network) if an input of the
    /// network has no value for no condition: make the second model yourself then.
    pub fn guided<F: Real>(self, weight: f64) -> Result<Guided<F, Self, Self>> {
        let inputs = self.network.named_inputs();
        if let Some(input) = inputs.iter().find(|input| input.absent.is_none()) {
            let given = "a network that needs a condition";
            let expected = "a value for none, or Guided::models with a model of your own";
            return Err(wrong(format!("condition {}", input.name), given, expected));
        }
        let named = vec![None; inputs.len()];
        let all = Self { classes: OfChains::shared(None), named, ..self.clone() };
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
        self.classes.of(chain).copied().flatten()
    }

    /// Predicts, with the numbers of the chains if they are known.
    fn predict_some<F: Real>(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let classes = self.classes.of_rows("labels of chains", chains, |class| *class)?;
        let labels = match &classes {
            OfRows::Shared(class) => Labels::Shared(*class),
            OfRows::PerRow(classes) => Labels::PerRow(classes),
        };
        let given = self.named_rows(chains)?;
        let named = given.iter().map(|given| match given {
            None => Values::Absent,
            Some(OfRows::Shared(row)) => Values::Shared(row),
            Some(OfRows::PerRow(rows)) => Values::PerRow(rows),
        });
        let named: Vec<Values<'_>> = named.collect();
        self.ask(Told { labels, named: &named }, levels, x, out)
    }

    /// The values of the named inputs for rows with these chains.
    fn named_rows(&self, chains: Option<&[u32]>) -> Result<Vec<Option<OfRows<&[f32]>>>> {
        let mut all = Vec::new();
        for (values, input) in self.named.iter().zip(self.network.named_inputs()) {
            all.push(match values {
                Some(values) => Some(values.of_rows(&input.name, chains, Vec::as_slice)?),
                None => None,
            });
        }
        Ok(all)
    }

    /// Asks the network with these labels and conditions.
    fn ask<F: Real>(
        &self,
        told: Told<'_>,
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
        let conditions = Conditions { times, labels: told.labels, named: told.named };
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
