//! A plan as a table: the coefficients of every step, for a loop of scaled additions on any device.

use std::sync::Mutex;

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use super::denoiser::{Denoiser, Levels};
use super::face::check_input;
use super::method::Method;
use super::plan::Plan;
use super::prediction::Prediction;
use super::schedule::Level;
use super::script::{Input, Script};
use super::stepper::Seen;
use crate::drift::Drift;
use crate::error::{BoxError, Error, Result};
use crate::grid::Interval;
use crate::noise::Purpose;
use crate::sampler::{CoinScript, Sampler, Step, Work};
use crate::state::State;

/// A plan as numbers: per step the inputs of the model and the new state, as linear combinations of
/// the state, the outputs of the model and normals. Every coordinate has the same coefficients.
///
/// ```text
/// for each step:     u = the uniform of `coin`;  outcome = the first with u < `below`
///   for each evaluation k of the outcome, in order:
///     input    y_k = Σ state[b] X_b + Σ outputs[j] m_j + Σ noise[i] z_i         j of earlier ones
///     output   m_k = model(y_k, number_k)
///   X_b ← Σ state[c] X_c + Σ outputs[j] m_j + Σ noise[i] z_i                    for all b at once
/// ```
///
/// X₀ is x. Further blocks are the momentum, or memory of multistep methods, which starts at 0.
/// z_i are standard normals, one for every chain, coordinate and entry of `noise`; with
/// [`Philox`](crate::advanced::Philox) at their addresses the table gives the numbers of a run.
///
/// ```
/// use langevin::prelude::*;
///
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let plan = "ddim".parse::<Method>()?.plan(&process, 20)?;
/// let table = plan.step_table(Prediction::Epsilon)?;
/// let [outcome] = &table.steps[0].outcomes[..] else { panic!("ddim has no coins") };
/// assert_eq!(outcome.evaluations[0].number, 999.0); // the timestep
/// // x ← √(ᾱ′/ᾱ) x + … ε
/// let [from, to] = [plan.visited()[0], plan.visited()[1]];
/// let ratio = to.signal() / from.signal();
/// assert!((outcome.update[0].state[0] / ratio - 1.0).abs() < 1e-12);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepTable {
    /// The number of blocks of the state, each of the dimension of the data.
    pub blocks: usize,
    /// The number of blocks that the model reads and writes: 2 for one of position and momentum.
    pub model_blocks: usize,
    /// The standard deviation of the normals that each block starts from: draw 0 of the purpose
    /// `Start` for x, of `Momentum` for the momentum; 0 for memory.
    pub start: Vec<f64>,
    /// The steps.
    pub steps: Vec<StepRow>,
}

/// A step of a [`StepTable`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepRow {
    /// The number of the step in the addresses of its noise.
    pub step: u32,
    /// Whether each chain draws a coin, at purpose `Coin` and index 0.
    pub coin: bool,
    /// What may happen: one outcome, or one for every sub-step that the coin may choose.
    pub outcomes: Vec<Outcome>,
}

/// What happens to the chains whose coin falls into one cell.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Outcome {
    /// Its probability.
    pub probability: f64,
    /// The upper end of its cell of the coin: the sum of the probabilities so far.
    pub below: f64,
    /// The normals that it needs.
    pub noise: Vec<NoiseInput>,
    /// The evaluations of the model.
    pub evaluations: Vec<Evaluation>,
    /// The new blocks of the state.
    pub update: Vec<Combination>,
}

/// The address of normals in a step: those of coordinate j are at coordinate `block`·dim + j.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NoiseInput {
    /// The purpose, serialized as its number.
    #[cfg_attr(feature = "serde", serde(serialize_with = "number"))]
    pub purpose: Purpose,
    /// The index of the draw.
    pub index: u32,
    /// The block of coordinates.
    pub block: usize,
}

#[cfg(feature = "serde")]
fn number<S: serde::Serializer>(purpose: &Purpose, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(*purpose as u8)
}

/// An evaluation of the model.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Evaluation {
    /// The number that tells the model the level, as
    /// [`PlanQuery::numbers`](super::PlanQuery::numbers).
    pub number: f64,
    /// ᾱ of the level.
    pub alpha_bar: f64,
    /// σ of the level, or `None` in pure noise.
    pub sigma: Option<f64>,
    /// The blocks that the model reads. The factor of x is the input scale.
    pub input: Vec<Combination>,
}

/// A linear combination. Outputs of the model are counted by evaluation and then by block.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Combination {
    /// Factors of the blocks of the state at the start of the step.
    pub state: Vec<f64>,
    /// Factors of the outputs of the model in this step: of all of them in an update, of the
    /// earlier ones in an input.
    pub outputs: Vec<f64>,
    /// Factors of the normals.
    pub noise: Vec<f64>,
}

/// A model that notes what it is asked, and whose outputs are unit vectors.
struct Probe<'p> {
    seen: Seen,
    notes: &'p Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// Probes of an evaluation, and the first one with an output.
    probes: usize,
    first_output: usize,
    levels: Vec<Level>,
    /// What each evaluation reads, (probes, model blocks).
    inputs: Vec<Array2<f64>>,
}

impl Denoiser<f64> for Probe<'_> {
    fn prediction(&self) -> Prediction {
        self.seen.prediction()
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), BoxError> {
        let face = match self.seen {
            Seen::Face(face) => Some(face),
            Seen::State(_) => None,
        };
        if let Some(face) = face {
            check_input(face.input, levels)?;
        }
        let mut notes = self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        out.fill(0.0);
        let [probes, width] = [notes.probes, x.ncols()];
        if !x.nrows().is_multiple_of(probes) {
            return Err("calls of one outcome have all of its probes".into());
        }
        // A call has all probes of one evaluation, then all of the next one.
        for first in (0..x.nrows()).step_by(probes) {
            let level = levels.at(first);
            let rows = x.slice(ndarray::s![first..first + probes, ..]);
            let scale = face.map_or(1.0, |face| face.input.factor(level));
            let output = notes.first_output.saturating_add(notes.inputs.len() * width);
            let score = match face {
                Some(face) if face.prediction == Prediction::Score => {
                    face.input.score_factor(level)
                }
                _ => 1.0,
            };
            let own = (0..width).filter(|column| output.saturating_add(*column) < probes);
            own.for_each(|column| out[[first + output + column, column]] = score);
            notes.levels.push(level);
            notes.inputs.push(rows.mapv(|x| scale * x));
        }
        Ok(())
    }
}

/// What a step is read with.
struct Reading<'r> {
    plan: &'r Plan,
    seen: Seen,
    sampler: Box<dyn Sampler<f64>>,
    drift: Box<dyn Drift<f64> + 'r>,
    notes: &'r Mutex<Notes>,
    blocks: usize,
    work: Work<f64>,
}

impl Plan {
    /// The plan as a table, for a model that sees noised data so.
    ///
    /// # Errors
    /// [`Error::NotProbeable`] for methods whose step is not one of a short list of linear
    /// combinations: randomized midpoints and predictor–corrector methods, whose times are random,
    /// the Poisson midpoint with independent coins, and plans with a window or a known part of the
    /// data. Drive these by [`stepper`](Self::stepper). Errors of [`drift`](Self::drift).
    pub fn step_table(&self, seen: impl Into<Seen>) -> Result<StepTable> {
        if self.window.is_some() || self.held.is_some() {
            let reason = "windows and known data have no table; drive the plan by its stepper";
            return Err(Error::NotProbeable { reason });
        }
        let seen = seen.into();
        let notes = Mutex::default();
        let sampler = self.sampler::<f64>()?;
        let layout = sampler.layout();
        let blocks = layout.columns(1);
        let drift = self.drift(Probe { seen, notes: &notes })?;
        let work = Work::new();
        let mut reading = Reading { plan: self, seen, sampler, drift, notes: &notes, blocks, work };
        let steps: Vec<StepRow> =
            self.grid().iter().map(|interval| reading.row(interval)).collect::<Result<_>>()?;
        let momentum = layout.momentum_variance().map_or(0.0, f64::sqrt);
        let start = (0..blocks).map(|b| [1.0, momentum, 0.0][b.min(2)]).collect();
        let model_blocks = if seen.prediction().is_joint() { 2 } else { 1 };
        Ok(StepTable { blocks, model_blocks, start, steps })
    }
}

const NO_TABLE: Error = Error::NotProbeable {
    reason: "its step is not one of a short list of linear combinations; \
             drive the plan by its stepper",
};

impl Reading<'_> {
    /// All outcomes of a step.
    fn row(&mut self, interval: Interval) -> Result<StepRow> {
        let scripts = self.sampler.coin_scripts_of(interval)?;
        let is_cell = |script: &CoinScript| script.weight >= 0.0 && script.uniforms.len() == 1;
        let coin = scripts.len() > 1;
        let draws_substeps = matches!(self.plan.method(), Method::Poisson(_) | Method::TwoStep(_));
        if coin && !(draws_substeps && scripts.iter().all(is_cell)) {
            return Err(NO_TABLE);
        }
        let mut below = 0.0;
        let mut outcomes = Vec::with_capacity(scripts.len());
        for (i, script) in scripts.iter().enumerate() {
            below += script.weight;
            let end = if i + 1 == scripts.len() { 1.0 } else { below };
            outcomes.push(self.outcome(interval, script, end)?);
        }
        Ok(StepRow { step: interval.index, coin, outcomes })
    }

    /// One outcome of a step: a replay to count what it needs, and one with unit vectors.
    fn outcome(&mut self, interval: Interval, coins: &CoinScript, below: f64) -> Result<Outcome> {
        let scripts = std::slice::from_ref(coins);
        let first = Script::new(scripts, 1, 1, &[]);
        self.replay(interval, &first, usize::MAX)?;
        let noise = first.into_inputs().ok_or(NO_TABLE)?;
        let notes = self.notes();
        let width = notes.inputs.first().map_or(0, Array2::ncols);
        let outputs = notes.inputs.len() * width;
        let first_output = 1 + self.blocks + noise.len();
        let script = Script::new(scripts, 1, 1 + self.blocks, &noise).with_others(outputs);
        let state = self.replay(interval, &script, first_output)?;
        let notes = self.notes();
        let combination = |column: &dyn Fn(usize) -> f64| {
            let offset = column(0);
            let factors: Vec<f64> = (1..first_output + outputs).map(column).collect();
            let (state, others) = factors.split_at(self.blocks);
            let (noise, outputs) = others.split_at(noise.len());
            let [state, outputs, noise] = [state, outputs, noise].map(<[f64]>::to_vec);
            match offset == 0.0 {
                true => Ok(Combination { state, outputs, noise }),
                false => Err(NO_TABLE),
            }
        };
        let evaluation = |(k, (level, input)): (usize, (&Level, &Array2<f64>))| {
            let sigma = level.sigma();
            let earlier = |mut sum: Combination| {
                sum.outputs.truncate(k * width);
                sum
            };
            let input = (0..width).map(|b| combination(&|probe| input[[probe, b]]).map(earlier));
            Ok(Evaluation {
                number: self.seen.number(self.plan.process(), *level),
                alpha_bar: level.alpha_bar(),
                sigma: sigma.is_finite().then_some(sigma),
                input: input.collect::<Result<_>>()?,
            })
        };
        let evaluations = notes.levels.iter().zip(&notes.inputs).enumerate().map(evaluation);
        let view = state.view();
        let update = (0..self.blocks).map(|b| combination(&|probe| view[[probe, b]]));
        let address = |Input { address, block }: &Input| NoiseInput {
            purpose: address.purpose(),
            index: address.index(),
            block: *block,
        };
        Ok(Outcome {
            probability: coins.weight,
            below,
            evaluations: evaluations.collect::<Result<_>>()?,
            update: update.collect::<Result<_>>()?,
            noise: noise.iter().map(address).collect(),
        })
    }

    /// The state after a step from zeros and unit vectors; outputs of the model are unit vectors
    /// from a probe on.
    fn replay(
        &mut self,
        interval: Interval,
        script: &Script<'_>,
        first_output: usize,
    ) -> Result<State<f64>> {
        let probes = script.probes();
        {
            let mut notes = self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *notes = Notes { probes, first_output, ..Notes::default() };
        }
        let mut state = State::zeros(0, probes, 1, self.sampler.layout())?;
        let mut view = state.view_mut();
        (0..self.blocks.min(probes - 1)).for_each(|block| view[[1 + block, block]] = 1.0);
        // The carried drift is a block of the state, after the first step.
        state.set_carried_known(interval.index > 0);
        let mut step = Step::new(interval, &*self.drift, script, &mut state, &mut self.work);
        self.sampler.step(&mut step)?;
        Ok(state)
    }

    /// What was noted in the last replay.
    fn notes(&self) -> Notes {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
