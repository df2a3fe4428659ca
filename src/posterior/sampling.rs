//! From a drift to draws: warm-up, runs, and longer or finer runs until they can be trusted.

use std::fmt;

use ndarray::{Array2, Array3, ShapeBuilder, s};

use super::adjusted::{accepting, adjusted};
use super::diagnosis::{Diagnosis, Evidence, Verdict};
use super::pair::{Chains, Length, Pair, State, drift_at};
use super::stream;
use super::tune::{Pace, Warm, retuned, warm_up};
use super::tuned::Tuned;
use crate::drift::{Counted, Drift};
use crate::error::{Error, Result, count};
use crate::metrics::Posterior;
use crate::noise::{Address, Noise, Philox, Purpose};

/// Frames that are kept of each chain.
const FRAMES: usize = 250;
/// Frames between two at which gradients are taken.
const THIN: usize = 2;
/// Frames between two that new coordinates are made of.
const SPARSE: usize = 25;
/// Runs before the last one is returned as it is.
const ATTEMPTS: u64 = 6;
/// Runs after which chains that are as far apart as ever are given up.
const EARLY: u64 = 3;
/// Parts of the seed from here on belong to runs, and those below to the rounds of the warm-up.
const ATTEMPT: u64 = 1 << 16;
/// Parts of the seed for the step of adjusted runs.
const ACCEPTANCE: u64 = 1 << 17;
/// The time of a burn-in in the coordinates of the scale.
const BURN_IN: f64 = 20.0;

/// Draws from a posterior: set what you want, then call [`run`](Self::run).
///
/// ```text
/// warm-up   chains together find the scale, the step h and the friction
/// run       BAOAB with step h, and with h/2 on the same noise; the draws are those of step h
/// again     with half the step if the step shows, for twice as long if the chains are too short
/// ```
///
/// [`adjusted`](Self::adjusted) runs MALT in place of BAOAB: one run, and no bias to measure.
///
/// Evaluations: about 1650 per chain for the warm-up, and 3 per step of a run. The result is a pure
/// function of the drift, the seed and the options. Threads and chunks never change a bit. The
/// warm-up takes all chains together, so a chain is not the same among more chains.
#[derive(Debug)]
pub struct Sampling<'d, D> {
    drift: &'d D,
    dim: usize,
    chains: Chains,
    start: Option<Array2<f64>>,
    names: Option<Vec<String>>,
    tuned: Option<Tuned>,
    steps: usize,
    adjusted: bool,
}

/// Draws of a posterior, what they say, and whether to trust them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The draws, (frames, chains, dim).
    pub draws: Array3<f64>,
    /// What they say about each parameter.
    pub summary: Posterior,
    /// Whether to trust them.
    pub diagnosis: Diagnosis,
    /// The coordinates, the step and the friction.
    pub tuned: Tuned,
    /// Evaluations of the drift, over all chains and runs.
    pub evaluations: u64,
}

#[cfg(feature = "serde")]
impl Outcome {
    /// The draws with their names, to be written for ArviZ.
    ///
    /// # Errors
    /// Those of [`Draws::new`](crate::draws::Draws::new).
    pub fn to_draws(&self) -> Result<crate::draws::Draws<f64>> {
        let names = self.summary.parameters.iter().map(|parameter| parameter.name.clone());
        let draws = self.draws.view().permuted_axes([1, 0, 2]).as_standard_layout().into_owned();
        crate::draws::Draws::new(draws)?.with_names(names)
    }
}

/// Draws from the density of a drift ∇ log π in `dim` dimensions, without anything to choose:
/// `Sampling::new(drift, dim).run()`.
///
/// A gradient of no density cannot be told from one: see [`check_gradient`](super::check_gradient).
///
/// # Errors
/// As for [`Sampling::run`].
pub fn sample<D: Drift<f64>>(drift: &D, dim: usize) -> Result<Outcome> {
    Sampling::new(drift, dim).run()
}

impl<'d, D: Drift<f64>> Sampling<'d, D> {
    /// 128 chains from a standard normal, with seed 0.
    pub fn new(drift: &'d D, dim: usize) -> Self {
        let chains = Chains { chains: 128, seed: 0, threads: None, chunk: None };
        Self {
            drift,
            dim,
            chains,
            start: None,
            names: None,
            tuned: None,
            steps: 500,
            adjusted: false,
        }
    }

    /// Sets the number of chains, at least 16. Default 128.
    pub fn chains(mut self, chains: usize) -> Self {
        self.chains.chains = chains;
        self
    }

    /// Sets the seed. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.chains.seed = seed;
        self
    }

    /// Sets the steps of a first run. Default 500.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// Starts from these positions, (chains, dim). Default: standard normal.
    pub fn start(mut self, positions: Array2<f64>) -> Self {
        self.start = Some(positions);
        self
    }

    /// Names the parameters. Default: x0, x1, …
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Uses these coordinates, step and friction in one run, without a warm-up. Half as many steps
    /// as the run has go before it.
    pub fn tuned(mut self, tuned: Tuned) -> Self {
        self.tuned = Some(tuned);
        self
    }

    /// Accepts or rejects, so that the step leaves no bias: the draws are those of
    /// [`Malt`](crate::sampler::Malt), with about 1/γh leapfrogs per step, at least 1 and at most
    /// 32. The drift must have a log density, see [`WithDensity`](crate::drift::WithDensity).
    ///
    /// The step is one that accepts 0.8 of the proposals: the acceptance 2Φ(−σ/2) of a normal error
    /// of the energy gives σ, which grows with h² (Beskos et al. 2013). [`steps`](Self::steps)
    /// counts proposals. Unlike the draws without it, these are exact draws as far as the chains
    /// mix.
    pub fn adjusted(mut self) -> Self {
        self.adjusted = true;
        self
    }

    /// Sets the threads of every run, see [`Run::threads`](crate::Run::threads).
    pub fn threads(mut self, threads: usize) -> Self {
        self.chains.threads = Some(threads);
        self
    }

    /// Sets the chains of a chunk, see [`Run::chunk`](crate::Run::chunk).
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.chains.chunk = Some(chunk);
        self
    }

    /// Warms up and runs, again and again with a finer step or for longer, until the diagnosis is
    /// [`Verdict::Converged`], or six runs are done, or three in which chains stay apart. With
    /// [`tuned`](Self::tuned) there is one run and no warm-up.
    ///
    /// # Errors
    /// [`Error::Invalid`] for fewer than 16 chains, 16 steps or no dimension. [`Error::Shape`] for
    /// a start of another shape or another number of names, and [`Error::Twice`] for equal names.
    /// [`Error::NoDensity`] for an adjusted run of a drift without a log density.
    /// [`Error::Diverged`] if chains become infinite however small the step is. Other errors are
    /// those of [`Run::run`](crate::Run::run).
    pub fn run(self) -> Result<Outcome> {
        count("chains", self.chains.chains, 16, 1 << 24, "a whole number from 16 to 16777216")?;
        count("dim", self.dim, 1, 1 << 20, "a whole number from 1 to 1048576")?;
        count("steps", self.steps, 16, 1 << 28, "a whole number from 16 to 268435456")?;
        if self.adjusted && self.drift.density().is_none() {
            return Err(Error::NoDensity { method: "malt" });
        }
        let start = self.begin()?;
        // Every evaluation goes through it, those of the warm-up and of failed runs too.
        let drift = Counted::new(self.drift);
        let b = drift_at(&drift, start.view())?;
        if let Some(((row, column), _)) = b.indexed_iter().find(|(_, b)| !b.is_finite()) {
            return Err(Error::NonFinite { what: "gradient at the start", row, column });
        }
        match &self.tuned {
            Some(tuned) => {
                let length = self.length(self.steps, self.steps / 2);
                let state = State { positions: start, momenta: None };
                Ok(self.attempt(&drift, tuned, &state, length, ATTEMPT)?.outcome)
            }
            None => {
                let warm = warm_up(&drift, self.chains, start, b.view())?;
                let warm = self.accepting(&drift, warm, 0)?;
                self.search(&drift, warm)
            }
        }
    }

    /// The start, with the names and the shapes checked.
    fn begin(&self) -> Result<Array2<f64>> {
        if let Some(names) = self.names.as_ref().filter(|names| names.len() != self.dim) {
            let given = format!("({})", names.len());
            let expected = format!("({})", self.dim);
            return Err(Error::Shape { what: "names", given, expected });
        }
        if let Some(columns) = self.drift.columns().filter(|columns| *columns != self.dim) {
            let given = format!("{}", self.dim);
            let expected = format!("{columns}, the columns of the drift");
            return Err(Error::Shape { what: "dimension", given, expected });
        }
        let start = self.start.clone().unwrap_or_else(|| self.normal());
        let shape = (self.chains.chains, self.dim);
        if start.dim() != shape {
            let given = format!("{:?}", start.dim());
            let expected = format!("{shape:?}, chains and dimension");
            return Err(Error::Shape { what: "start", given, expected });
        }
        Ok(start)
    }

    /// The same with a step that is right for an adjusted run, if it is to be one.
    fn accepting(&self, drift: &Counted<&D>, warm: Warm, attempt: u64) -> Result<Warm> {
        if !self.adjusted {
            return Ok(warm);
        }
        let seed = stream(self.chains.seed, ACCEPTANCE + attempt);
        accepting(drift, Chains { seed, ..self.chains }, warm)
    }

    /// Runs until the draws can be trusted.
    fn search(&self, drift: &Counted<&D>, warm: Warm) -> Result<Outcome> {
        let Warm { mut tuned, mut state } = warm;
        let mut steps = self.steps;
        let mut attempt = 1;
        let mut halvings = 0;
        loop {
            let burn_in = (BURN_IN / tuned.step()).min(1e5) as usize;
            let length = self.length(steps, burn_in.max(steps / 10));
            let result = match self.attempt(drift, &tuned, &state, length, ATTEMPT + attempt) {
                Err(Error::Diverged { .. }) if attempt < ATTEMPTS => {
                    attempt += 1;
                    halvings += 1;
                    tuned = tuned.halved();
                    continue;
                }
                result => result?,
            };
            let diagnosis = &result.outcome.diagnosis;
            let finer = diagnosis.could_be_finer();
            let biased = diagnosis.verdict == Verdict::Biased;
            // No step mends an adjusted run whose gradient is not that of its log density.
            let hopeless = diagnosis.is_hopeless() || (self.adjusted && biased);
            let hopeless = attempt >= EARLY && hopeless;
            if attempt == ATTEMPTS || hopeless || (diagnosis.is_converged() && !finer) {
                return Ok(result.outcome);
            }
            if finer || (biased && !self.adjusted) {
                halvings += 1;
                tuned = tuned.halved();
                state = result.end;
            } else {
                // There are more draws than the warm-up had, so the coordinates get better.
                let frames = result.outcome.draws.slice(s![..;SPARSE, .., ..]);
                let ends = result.end.positions;
                let pace = Pace { time: f64::INFINITY, falling: false };
                let again = retuned(drift, tuned.scale(), frames, ends.view(), pace)?;
                let warm = Warm { tuned: again, state: State { positions: ends, momenta: None } };
                let warm = self.accepting(drift, warm, attempt)?;
                tuned = (0..halvings).fold(warm.tuned, |tuned, _| tuned.halved());
                state = warm.state;
            }
            attempt += 1;
            steps *= 2;
        }
    }

    /// Standard normal positions.
    fn normal(&self) -> Array2<f64> {
        let chains: Vec<u32> = (0..self.chains.chains as u32).collect();
        let mut all = Array2::zeros((chains.len(), self.dim).f());
        if let Some(columns) = all.as_slice_memory_order_mut() {
            let address = Address::new(0, Purpose::Start, 0);
            Philox::new(self.chains.seed).normals(address, &chains, columns);
        }
        all
    }

    fn length(&self, steps: usize, burn_in: usize) -> Length {
        let frames = FRAMES.min(steps);
        Length { burn_in, interval: steps / frames, frames }
    }

    /// Two runs on the same noise, and what they say.
    fn attempt(
        &self,
        drift: &Counted<&D>,
        tuned: &Tuned,
        state: &State,
        length: Length,
        part: u64,
    ) -> Result<Attempt> {
        let chains = Chains { seed: stream(self.chains.seed, part), ..self.chains };
        let pair = if self.adjusted {
            Pair { own: adjusted(drift, tuned, chains, state, length)?, halved: None }
        } else {
            Pair::coupled(drift, tuned, chains, state, length)?
        };
        let frames = pair.own.frames.slice(s![..;THIN, .., ..]);
        let mut gradients = Array3::zeros(frames.raw_dim());
        for (frame, mut to) in frames.outer_iter().zip(gradients.outer_iter_mut()) {
            let b = drift_at(drift, frame)?;
            to.assign(&tuned.scale().transposed(b.view()));
        }
        let mut summary = match self.chains.threads {
            Some(1) => Posterior::on_one_thread(pair.own.frames.view())?,
            _ => Posterior::of(pair.own.frames.view())?,
        };
        if let Some(names) = &self.names {
            summary = summary.names(names.iter().cloned())?;
        }
        let evidence =
            Evidence { pair: &pair, gradients: &gradients, thin: THIN, summary: &summary, tuned };
        let diagnosis = Diagnosis::of(&evidence);
        let end = pair.own.end;
        let draws = pair.own.frames;
        let tuned = tuned.clone();
        let evaluations = drift.rows();
        let outcome = Outcome { draws, summary, diagnosis, tuned, evaluations };
        Ok(Attempt { outcome, end })
    }
}

/// The outcome of one attempt, and the state at its end.
struct Attempt {
    outcome: Outcome,
    end: State,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n\n{}", self.tuned, self.diagnosis, self.summary)
    }
}
