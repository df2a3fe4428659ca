//! From a drift to draws: the options, and what is checked before a run.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, ShapeBuilder};

use super::outcome::Outcome;
use super::pair::{Chains, drift_at};
use super::search::Plan;
use super::tune::warm_up;
use super::tuned::Tuned;
use crate::drift::{Counted, Distributed, Drift};
use crate::error::{Error, Result, count};
use crate::metrics::check_names;
use crate::noise::{Address, Noise, Philox, Purpose};
use crate::ranks::{Alone, Ranks};

/// Draws from a posterior: set what you want, then call [`run`](Self::run).
///
/// ```text
/// warm-up   chains together find the scale, the step h and the friction
/// run       BAOAB with step h; a quarter of the chains also with h/2 on the same noise
/// again     with half the step if the step shows; for as long as the errors need; in better
///           coordinates, made from the draws, where chains have not mixed
/// ```
///
/// [`adjusted`](Self::adjusted) runs MALT in place of BAOAB: one run, and no bias to measure.
///
/// Evaluations: 600 to 2000 per chain for the warm-up, or 10,000 if
/// chains come from far away, and 1.5 per step of a run, or more with less
/// than 128 chains, as 32 chains have a second run. The result is a pure
/// function of the drift, the seed and the options. Threads and chunks never change a bit. The
/// warm-up takes all chains together, so a chain is not the same among more chains.
#[derive(Debug)]
pub struct Sampling<'d, D> {
    pub(super) drift: &'d D,
    pub(super) dim: usize,
    pub(super) chains: Chains,
    start: Option<Array2<f64>>,
    names: Option<Vec<String>>,
    pub(super) tuned: Option<Tuned>,
    pub(super) steps: usize,
    pub(super) adjusted: bool,
    ranks: Arc<dyn Ranks>,
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
            ranks: Arc::new(Alone),
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
    /// counts proposals. With [`tuned`](Self::tuned) the step is the one given. The draws are exact
    /// as far as the chains mix.
    pub fn adjusted(mut self) -> Self {
        self.adjusted = true;
        self
    }

    /// Sets the threads of every run, see [`Run::threads`](crate::Run::threads).
    pub fn threads(mut self, threads: usize) -> Self {
        self.chains.threads = Some(threads);
        self
    }

    /// Sets the chains of a chunk, see [`Run::chunk`](crate::Run::chunk). Gradients between runs,
    /// for coordinates and identities, are single calls of up to 20 rows per chain.
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.chains.chunk = Some(chunk);
        self
    }

    /// Shares the work out over [`Ranks`], which all make this call with the same options. Each
    /// runs some of the chains, and evaluates some rows of the gradients between runs. Draws are
    /// gathered after every round of the warm-up and after every run, in the order of chains. From
    /// there on all ranks compute the same, so that all have the outcome of one process, to the
    /// last bit.
    pub fn over(mut self, ranks: Arc<dyn Ranks>) -> Self {
        self.ranks = ranks;
        self
    }

    /// Warms up and runs, again and again with a finer step or for longer, until the diagnosis is
    /// [`Verdict::Converged`](super::Verdict::Converged), or eight runs are done, or three in which
    /// chains stay apart. Runs with the same settings continue one another, and their draws are
    /// kept together, at most 1000 frames. With [`tuned`](Self::tuned) there is one run and no
    /// warm-up.
    ///
    /// # Errors
    /// [`Error::Invalid`] for fewer than 16 chains, 16 steps or no dimension. [`Error::Shape`] for
    /// a start of another shape or another number of names, and [`Error::Twice`] for equal names.
    /// [`Error::NoDensity`] for an adjusted run of a drift without a log density.
    /// [`Error::Diverged`] if chains become infinite however small the step is.
    /// [`Error::Ranks`] if another rank fails. Other errors are those of
    /// [`Run::run`](crate::Run::run).
    pub fn run(self) -> Result<Outcome> {
        let start = self.checked()?;
        // Every evaluation goes through it, those of the warm-up and of failed runs too.
        let drift = Distributed::new(Counted::new(self.drift), self.ranks.clone());
        let b = finite_at(&drift, start.view(), 0)?;
        let plan = self.plan(&drift);
        match &self.tuned {
            Some(tuned) => plan.outcome(&plan.once(tuned, start)?, tuned),
            None => plan.search(warm_up(&drift, self.chains, start, b.view())?),
        }
    }

    /// What all runs have in common.
    pub(super) fn plan<'p>(&'p self, drift: &'p Distributed<Counted<&'d D>>) -> Plan<'p, &'d D> {
        Plan {
            drift,
            chains: self.chains,
            names: self.names.as_deref(),
            adjusted: self.adjusted,
            steps: self.steps,
        }
    }

    /// The start, with all options checked.
    pub(super) fn checked(&self) -> Result<Array2<f64>> {
        count("chains", self.chains.chains, 16, 1 << 24, "a whole number from 16 to 16777216")?;
        count("dim", self.dim, 1, 1 << 20, "a whole number from 1 to 1048576")?;
        count("steps", self.steps, 16, 1 << 28, "a whole number from 16 to 268435456")?;
        if let Some(threads) = self.chains.threads {
            count("threads", threads, 1, 4096, "a whole number from 1 to 4096")?;
        }
        if self.adjusted && self.drift.density().is_none() {
            return Err(Error::NoDensity { method: "malt" });
        }
        self.begin()
    }

    /// The start, with the names and the shapes checked.
    fn begin(&self) -> Result<Array2<f64>> {
        if let Some(names) = &self.names {
            check_names(names, self.dim)?;
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
}

/// The gradient at a start whose first row is that of the chain `first`.
pub(super) fn finite_at<D: Drift<f64>>(
    drift: &D,
    start: ArrayView2<'_, f64>,
    first: usize,
) -> Result<Array2<f64>> {
    let b = drift_at(drift, start)?;
    match b.indexed_iter().find(|(_, b)| !b.is_finite()) {
        Some(((row, column), _)) => {
            Err(Error::NonFinite { what: "gradient at the start", row: first + row, column })
        }
        None => Ok(b),
    }
}
