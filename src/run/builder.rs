//! A run: its options, and the only loop over the steps.

use std::fmt;

use ndarray::Array2;

use super::chunk::{self, Chunks, Segment};
use super::observe::{Observer, Snapshot};
use super::samples::{NonFinite, Samples};
use super::start::{Initial, Setup, Start};
use crate::drift::Drift;
use crate::dynamics::check_coefficients;
use crate::error::{Error, Result, count};
use crate::grid::TimeGrid;
use crate::math::simd;
use crate::noise::{Noise, Philox};
use crate::real::Real;
use crate::sampler::Sampler;

/// A run of one sampler with one drift on many chains. Set its options, then call
/// [`run`](Self::run).
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let target = GaussianMixture::isotropic(array![[-2.0, 0.0], [2.0, 0.0]].view(), 0.5)?;
/// let sampler = PoissonMidpoint::new(Underdamped::new(2.0, 1.0)?, 16)?;
/// let grid = TimeGrid::uniform(0.2, 100)?;
/// let samples = Run::new(&sampler, &target, grid).chains(500).seed(7).run()?;
/// assert_eq!(samples.positions().dim(), (500, 2));
/// # Ok::<(), Error>(())
/// ```
///
/// Sampler and drift may be given by reference or by value. The result is a pure function of
/// sampler, drift, grid, start and seed. It does not depend on `threads`, `chunk`, observers or the
/// instruction set. Each chain has a number. Chain k gives the same result in every run with the
/// same seed. The other chains of the run have no effect on it.
pub struct Run<'a, F: Real> {
    sampler: Box<dyn Sampler<F> + 'a>,
    drift: Box<dyn Drift<F> + 'a>,
    grid: TimeGrid,
    chains: Option<usize>,
    first_chain: u32,
    first_step: usize,
    noise: Box<dyn Noise<F> + 'a>,
    start: Option<Start<F>>,
    chunk: Option<usize>,
    threads: Option<usize>,
    non_finite: NonFinite,
    observers: Vec<&'a mut dyn Observer<F>>,
}

impl<'a> Run<'a, f64> {
    /// A run in f64 over this grid. By default it has one chain, which starts from a standard
    /// normal. The default seed is 0. The default number of threads is the number of cores.
    pub fn new(
        sampler: impl Sampler<f64> + 'a,
        drift: impl Drift<f64> + 'a,
        grid: TimeGrid,
    ) -> Self {
        Self::with_precision(sampler, drift, grid)
    }
}

impl<'a, F: Real> Run<'a, F> {
    /// A run in the precision `F`, as in `Run::<f32>::with_precision(…)`.
    pub fn with_precision(
        sampler: impl Sampler<F> + 'a,
        drift: impl Drift<F> + 'a,
        grid: TimeGrid,
    ) -> Self {
        Self {
            sampler: Box::new(sampler),
            drift: Box::new(drift),
            grid,
            chains: None,
            first_chain: 0,
            first_step: 0,
            noise: Box::new(Philox::new(0)),
            start: None,
            chunk: None,
            threads: None,
            non_finite: NonFinite::Stop,
            observers: Vec::new(),
        }
    }

    /// Sets the number of chains. It is not needed if the start has one row for each chain.
    pub fn chains(mut self, chains: usize) -> Self {
        self.chains = Some(chains);
        self
    }

    /// Sets the number of the first chain. Default 0. The run then computes a part of a larger run,
    /// with the same bits.
    pub fn first_chain(mut self, first_chain: u32) -> Self {
        self.first_chain = first_chain;
        self
    }

    /// Sets the first step of the grid to take, counted from 0. Default 0. Use it to continue an
    /// earlier run, see [`resume`](Self::resume).
    pub fn first_step(mut self, first_step: usize) -> Self {
        self.first_step = first_step;
        self
    }

    /// Sets the seed of all noise. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.noise = Box::new(Philox::new(seed));
        self
    }

    /// Uses this source of noise instead of one with a seed.
    pub fn noise(mut self, noise: impl Noise<F> + 'a) -> Self {
        self.noise = Box::new(noise);
        self
    }

    /// Starts from given positions.
    ///
    /// - An array (chains, dim): chain i starts in row i.
    /// - An array (chains, 2·dim): each row holds a position and a momentum.
    /// - A slice of length dim: one point for all chains.
    ///
    /// Momenta that are not given are drawn from their stationary distribution.
    pub fn start(mut self, start: impl Into<Start<F>>) -> Self {
        self.start = Some(start.into());
        self
    }

    /// Starts all chains at independent standard normal positions of this dimension. This is the
    /// default if the drift has a required number of columns.
    pub fn start_normal(self, dim: usize) -> Self {
        self.start(Start::normal(dim))
    }

    /// Starts all chains at one point.
    pub fn start_at(self, point: &[F]) -> Self {
        self.start(point)
    }

    /// Continues an earlier run of the same sampler from its [`Samples::state`]. Also set
    /// [`first_step`](Self::first_step) to the number of steps already taken. The results are then
    /// those of one uncut run, to the last bit, with the same number of evaluations.
    ///
    /// A [`start`](Self::start) from the positions and momenta of that state gives the same bits.
    /// It takes one more evaluation per chain if the sampler carries a drift.
    pub fn resume(self, state: Array2<F>) -> Self {
        self.start(Start::whole(state))
    }

    /// Sets the number of chains that are carried together through the steps. It changes speed and
    /// memory, never the result. By default a chunk fits the cache.
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.chunk = Some(chunk);
        self
    }

    /// Sets the number of threads. More than one needs the feature `rayon`. By default a run uses
    /// all cores (rayon's global pool), or one thread without that feature.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets what happens to chains that become NaN or infinite. By default the run stops.
    pub fn non_finite(mut self, policy: NonFinite) -> Self {
        self.non_finite = policy;
        self
    }

    /// Adds an observer. Observers are called in the order in which they were added.
    pub fn observe(mut self, observer: &'a mut dyn Observer<F>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Runs all steps.
    ///
    /// # Errors
    /// - Before the first step, for invalid options and starts: [`Error::Invalid`],
    ///   [`Error::Shape`], [`Error::NonFinite`] or [`Error::NoDimension`].
    /// - Before the first step, for constants without coefficients: [`Error::Coefficients`].
    /// - Before the first step, for the machine: [`Error::InstructionSet`], [`Error::Memory`] or
    ///   [`Error::Threads`].
    /// - [`Error::Diverged`] if a chain becomes NaN or infinite and the policy is to stop. It names
    ///   the first such chain in the earliest such step.
    /// - [`Error::Drift`] if the drift fails, and [`Error::Observer`] if an observer fails.
    /// - Other errors of [`Sampler::step`].
    pub fn run(mut self) -> Result<Samples<F>> {
        simd::instruction_set()?;
        let layout = self.sampler.layout();
        let setup = Setup {
            layout,
            columns: self.drift.columns(),
            chains: self.chains,
            first_chain: self.first_chain,
            noise: &*self.noise,
        };
        if let Some(dynamics) = self.sampler.dynamics() {
            check_coefficients(dynamics, &self.grid)?;
        }
        let Initial { state, dim, carried_known } = setup.state(self.start.take())?;
        let last = self.grid.steps();
        count("first step", self.first_step, 0, last - 1, "below the number of steps of the grid")?;
        const THREADS: &str = "a whole number from 1 to 4096";
        let threads = self.threads.map(|n| count("threads", n, 1, 4096, THREADS)).transpose()?;
        const CHUNK: &str = "a whole number from 1 to 4294967295";
        let chunk = match self.chunk {
            Some(chunk) => count("chunk", chunk, 1, u32::MAX as usize, CHUNK)?,
            None => chunk::default_chunk::<F>(layout.blocks() * dim, state.nrows(), threads),
        };
        let mut chunks = Chunks::new(state, chunk, threads)?;
        let mut done = self.first_step;
        let mut stopped = false;
        while done < last && !stopped {
            let until = self.next_stop(done);
            chunks.advance(&Segment {
                sampler: &*self.sampler,
                drift: &*self.drift,
                noise: &*self.noise,
                grid: &self.grid,
                steps: done..until,
                layout,
                dim,
                first_chain: self.first_chain,
                non_finite: self.non_finite,
                carried_known: carried_known || done > self.first_step,
            })?;
            done = until;
            stopped = self.look(done, dim, &chunks)?;
        }
        let ignores = self.non_finite == NonFinite::Ignore;
        let diverged =
            chunks.diverged(self.first_chain, ignores, done as u64, self.grid.time(done));
        let steps = (done - self.first_step) as u64;
        Ok(Samples { state: chunks.state, dim, layout, steps, cost: chunks.cost, diverged })
    }

    /// The number of completed steps at which the next observer looks, or at which the run ends.
    fn next_stop(&self, done: usize) -> usize {
        let last = self.grid.steps() as u64;
        let next = self.observers.iter().filter_map(|o| o.next(done as u64)).min();
        let next = next.unwrap_or(u64::MAX).clamp(done as u64 + 1, last);
        next.min((done + chunk::LONGEST) as u64) as usize
    }

    /// Calls the observers that want to look now. Returns true if one of them ends the run.
    fn look(&mut self, done: usize, dim: usize, chunks: &Chunks<F>) -> Result<bool> {
        let step = done as u64;
        let snapshot = Snapshot {
            step,
            steps: self.grid.steps() as u64,
            time: self.grid.time(done),
            state: chunks.state.view(),
            dim,
            first_chain: self.first_chain,
            evaluations: chunks.cost.evaluations,
        };
        let mut stopped = false;
        for observer in &mut self.observers {
            if observer.next(step - 1) == Some(step) {
                let flow = observer.observe(&snapshot);
                stopped |= flow.map_err(|source| Error::Observer { step, source })?.is_break();
            }
        }
        Ok(stopped)
    }
}

impl<F: Real> fmt::Debug for Run<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("grid", &self.grid)
            .field("chains", &self.chains)
            .field("first_chain", &self.first_chain)
            .field("first_step", &self.first_step)
            .field("non_finite", &self.non_finite)
            .field("observers", &self.observers.len())
            .finish_non_exhaustive()
    }
}
