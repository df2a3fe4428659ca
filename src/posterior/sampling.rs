//! From a drift to draws: warm-up, runs, and longer or finer runs until they can be trusted.

use std::fmt;

use ndarray::{Array2, Array3, Axis, concatenate, s};

use super::diagnosis::{Diagnosis, Verdict};
use super::pair::{Chains, Length, Pair, State, drift_at};
use super::stream;
use super::tune::warm_up;
use super::tuned::Tuned;
use crate::drift::Drift;
use crate::error::{Error, Result, count};
use crate::metrics::Posterior;
use crate::noise::{Address, Noise, Philox, Purpose};

/// Frames that are kept of each chain.
const FRAMES: usize = 250;
/// Frames between two at which gradients are taken.
const THIN: usize = 2;
/// Runs before the last one is returned as it is.
const ATTEMPTS: usize = 6;

/// Draws from a posterior.
#[derive(Debug)]
pub struct Sampling<'d, D> {
    drift: &'d D,
    dim: usize,
    chains: Chains,
    start: Option<Array2<f64>>,
    names: Option<Vec<String>>,
    tuned: Option<Tuned>,
    steps: usize,
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

/// Draws from the density of a drift ∇ log π, without anything to choose.
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
        Self { drift, dim, chains, start: None, names: None, tuned: None, steps: 500 }
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

    /// Starts from these positions, (chains, dim).
    pub fn start(mut self, positions: Array2<f64>) -> Self {
        self.start = Some(positions);
        self
    }

    /// Names the parameters.
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Uses these coordinates, step and friction in one run, without a warm-up.
    pub fn tuned(mut self, tuned: Tuned) -> Self {
        self.tuned = Some(tuned);
        self
    }

    /// Sets the threads of every run.
    pub fn threads(mut self, threads: usize) -> Self {
        self.chains.threads = Some(threads);
        self
    }

    /// Sets the chains of a chunk.
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.chains.chunk = Some(chunk);
        self
    }

    /// Runs all.
    ///
    /// # Errors
    /// As for [`Run::run`](crate::Run::run).
    pub fn run(self) -> Result<Outcome> {
        count("chains", self.chains.chains, 16, 1 << 24, "a whole number from 16 to 16777216")?;
        count("dim", self.dim, 1, 1 << 20, "a whole number from 1 to 1048576")?;
        let names = self.names.clone();
        let names = names.unwrap_or_else(|| (0..self.dim).map(|j| format!("x{j}")).collect());
        let start = self.start.clone().unwrap_or_else(|| self.normal());
        if let Some(tuned) = &self.tuned {
            let state = State { positions: start, momenta: None };
            let burn_in = self.steps / 2;
            return self.attempt(tuned, &state, [burn_in, self.steps, 0], &names).map(|all| all.0);
        }
        let warm = warm_up(self.drift, self.chains, start)?;
        let mut tuned = warm.tuned;
        let mut state = warm.state;
        let mut evaluations = warm.evaluations;
        let mut steps = self.steps;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let burn_in = (steps / 10).max((20.0 / tuned.step()).min(1e5) as usize);
            let part = ROUNDS_END + attempt as u64;
            let result = self.attempt(&tuned, &state, [burn_in, steps, part as usize], &names);
            let (mut outcome, end) = match result {
                Ok(all) => all,
                Err(Error::Diverged { .. }) if attempt < ATTEMPTS => {
                    tuned = tuned.halved();
                    continue;
                }
                Err(error) => return Err(error),
            };
            evaluations += outcome.evaluations;
            outcome.evaluations = evaluations;
            if outcome.diagnosis.is_converged() || attempt == ATTEMPTS {
                return Ok(outcome);
            }
            if std::env::var("LV_DEBUG").is_ok() {
                println!("attempt {attempt} {tuned} steps {steps}: {}", outcome.diagnosis);
            }
            state = end;
            match outcome.diagnosis.verdict {
                Verdict::Biased => {
                    tuned = tuned.halved();
                    steps *= 2;
                }
                _ => steps *= 2,
            }
        }
    }

    /// Standard normal positions.
    fn normal(&self) -> Array2<f64> {
        let chains: Vec<u32> = (0..self.chains.chains as u32).collect();
        let mut columns = vec![0.0; chains.len() * self.dim];
        let address = Address::new(0, Purpose::Start, 0);
        Philox::new(self.chains.seed).normals(address, &chains, &mut columns);
        let shape = (self.dim, chains.len());
        Array2::from_shape_vec(shape, columns).expect("as many as asked").reversed_axes()
    }

    fn attempt(
        &self,
        tuned: &Tuned,
        state: &State,
        [burn_in, steps, part]: [usize; 3],
        names: &[String],
    ) -> Result<(Outcome, State)> {
        let frames = FRAMES.min(steps).max(4);
        let length = Length { burn_in, interval: (steps / frames).max(1), frames };
        let chains = Chains { seed: stream(self.chains.seed, part as u64), ..self.chains };
        let pair = Pair::run(self.drift, tuned, chains, state, length)?;
        let at = pair.coarse.frames.slice(s![..;THIN, .., ..]);
        let views: Vec<_> = at.outer_iter().collect();
        let rows = concatenate(Axis(0), &views).expect("equal frames");
        let gradients = tuned.scale().transposed(drift_at(self.drift, &rows)?.view());
        let mut evaluations = pair.coarse.evaluations + pair.fine.evaluations;
        evaluations += rows.nrows() as u64;
        let gradients = gradients.as_standard_layout().into_owned();
        let gradients = gradients.into_shape_with_order(at.dim()).expect("equal numbers");
        let summary = Posterior::of(pair.coarse.frames.view())?.names(names.iter().cloned())?;
        let diagnosis = Diagnosis::of(&pair, &gradients, THIN, &summary, tuned);
        let end = pair.coarse.end.clone();
        let draws = pair.coarse.frames;
        Ok((Outcome { draws, summary, diagnosis, tuned: tuned.clone(), evaluations }, end))
    }
}

/// Parts of the seed below this belong to the warm-up.
const ROUNDS_END: u64 = 1 << 16;

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n\n{}", self.tuned, self.diagnosis, self.summary)
    }
}
