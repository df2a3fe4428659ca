//! A run: its options, and the only loop over the steps.

use std::fmt;

use ndarray::Array2;

use super::chunk::{Chunks, Segment};
use super::looks::Looks;
use super::memory::Demand;
use super::observe::{Observer, Rest, Snapshot};
use super::samples::{NonFinite, Samples};
use super::saved::apart;
use super::sharing::{Sharing, default_chunk};
use super::start::{Earlier, Initial, Setup, Start};
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
    pub(super) sampler: Box<dyn Sampler<F> + 'a>,
    drift: Box<dyn Drift<F> + 'a>,
    pub(super) grid: TimeGrid,
    chains: Option<usize>,
    pub(super) first_chain: u32,
    pub(super) first_step: usize,
    pub(super) seed: Option<u64>,
    pub(super) noise: Option<Box<dyn Noise<F> + 'a>>,
    pub(super) start: Option<Start<F>>,
    pub(super) earlier: Earlier,
    chunk: Option<usize>,
    threads: Option<usize>,
    pub(super) non_finite: NonFinite,
    pub(super) looks: Looks<'a, F>,
    pub(super) is_part: bool,
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
            seed: None,
            noise: None,
            start: None,
            earlier: Earlier::default(),
            chunk: None,
            threads: None,
            non_finite: NonFinite::Stop,
            looks: Looks::default(),
            is_part: false,
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

    /// Sets the first step of the grid to take, counted from 0. Default 0. [`resume`](Self::resume)
    /// sets it.
    pub fn first_step(mut self, first_step: usize) -> Self {
        self.first_step = first_step;
        self
    }

    /// Sets the seed of all noise. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.noise = None;
        self
    }

    /// Uses this source of noise instead of one with a seed.
    pub fn noise(mut self, noise: impl Noise<F> + 'a) -> Self {
        self.noise = Some(Box::new(noise));
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

    /// Sets the number of chains that are carried together through the steps. It changes speed and
    /// memory, never the result. By default a chunk fits the cache. If the drift wants
    /// [large calls](Drift::batch), a chunk has a thousand chains and more.
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.chunk = Some(chunk);
        self
    }

    /// Sets the number of threads. More than one needs the feature `rayon`. By default a run uses
    /// all cores (rayon's global pool), or one thread without that feature. If the drift wants
    /// [large calls](Drift::batch), the run has one thread by default, and the drift its own.
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
        self.looks.observers.push(observer);
        self
    }

    /// Runs all steps.
    ///
    /// # Errors
    /// - Before the first step, for invalid options and starts: [`Error::Invalid`],
    ///   [`Error::Shape`], [`Error::NonFinite`] or [`Error::NoDimension`].
    /// - [`Error::Mismatch`] if the run to resume does not fit this one.
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
        let noise = self.noise.take();
        let seed = self.seed.unwrap_or(0);
        let philox = Philox::new(seed);
        let source: &dyn Noise<F> = noise.as_deref().unwrap_or(&philox);
        let Initial { state, low, dim, carried_known } = self.begin(source, noise.is_some())?;
        let last = self.grid.steps();
        let mut chunks = self.chunks(state, low, dim)?;
        self.seed = noise.is_none().then_some(seed);
        self.looks.restore(self.first_step as u64)?;
        let mut done = self.first_step;
        let mut stopped = done == 0 && self.look(done, dim, &chunks)?;
        while done < last && !stopped {
            let until = self.looks.next(done, last);
            chunks.advance(&Segment {
                sampler: &*self.sampler,
                drift: &*self.drift,
                noise: source,
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
        let rounded = chunks.rounded();
        let ignores = self.non_finite == NonFinite::Ignore;
        let time = self.grid.time(done);
        let diverged = chunks.diverged(self.first_chain, ignores, done as u64, time);
        Ok(Samples {
            state: chunks.state,
            low: chunks.low,
            dim,
            layout,
            steps: done as u64,
            first_chain: self.first_chain,
            seed: self.seed,
            rounded,
            cost: chunks.cost,
            diverged,
            calls: chunks.calls,
        })
    }

    /// Checks all options, and returns the state before the first step.
    pub(super) fn begin(&mut self, noise: &dyn Noise<F>, is_given: bool) -> Result<Initial<F>> {
        let layout = self.sampler.layout();
        self.earlier.check(layout, self.non_finite, is_given)?;
        if self.is_part && self.earlier.layout.is_some() && self.earlier.calls.is_none() {
            return Err(apart("the run to resume was not run as a part"));
        }
        let start = self.start.take();
        let setup = Setup {
            layout,
            columns: self.drift.columns(),
            chains: self.chains,
            first_chain: self.first_chain,
            noise,
            ignores: self.non_finite == NonFinite::Ignore,
            demand: self.demand()?,
        };
        if let Some(dynamics) = self.sampler.dynamics() {
            check_coefficients(dynamics, &self.grid)?;
        }
        let mut initial = setup.state(start)?;
        self.check_first_step()?;
        // Before the first step there is nothing to carry: an observer may have ended a run there.
        initial.carried_known &= self.first_step > 0;
        Ok(initial)
    }

    /// Checks the first step.
    fn check_first_step(&self) -> Result<()> {
        let steps = self.grid.steps();
        if self.earlier.layout.is_some() && self.first_step >= steps {
            let taken = self.first_step;
            return Err(Error::Mismatch {
                what: "steps of the grid".into(),
                given: steps.to_string(),
                expected: format!("taken {taken} already; give the grid of the whole run"),
            });
        }
        const EXPECTED: &str = "below the number of steps of the grid";
        count("first step", self.first_step, 0, steps - 1, EXPECTED).map(|_| ())
    }

    /// The chains of the run, cut into chunks.
    fn chunks(&mut self, state: Array2<F>, low: Array2<F>, dim: usize) -> Result<Chunks<F>> {
        let columns = self.sampler.layout().blocks() * dim;
        let Sharing { chunk, threads } = self.sharing();
        let chunk = match chunk {
            Some(chunk) => chunk,
            None => default_chunk::<F>(columns, state.nrows(), threads),
        };
        let mut chunks = Chunks::new(state, low, chunk, threads, self.sampler.spreads_calls())?;
        let earlier = std::mem::take(&mut self.earlier);
        chunks.calls = self.is_part.then(|| earlier.calls.unwrap_or_default());
        chunks.continue_from(self.first_chain, earlier.cost, earlier.frozen);
        Ok(chunks)
    }

    fn sharing(&self) -> Sharing {
        Sharing::new(self.drift.batch(), self.chunk, self.threads)
    }

    /// Checks the options that memory depends on.
    fn demand(&self) -> Result<Demand<'_, F>> {
        const THREADS: &str = "a whole number from 1 to 4096";
        const CHUNK: &str = "a whole number from 1 to 4294967295";
        let sharing = self.sharing();
        let threads = sharing.threads.map(|n| count("threads", n, 1, 4096, THREADS)).transpose()?;
        let most = u32::MAX as usize;
        let chunk = sharing.chunk.map(|n| count("chunk", n, 1, most, CHUNK)).transpose()?;
        Ok(Demand { sampler: &*self.sampler, chunk, threads })
    }

    /// Shows the state to the observers that want to look now. Returns true if one of them ends the
    /// run.
    fn look(&mut self, done: usize, dim: usize, chunks: &Chunks<F>) -> Result<bool> {
        let frozen = chunks.frozen();
        self.looks.look(&Snapshot {
            step: done as u64,
            steps: self.grid.steps() as u64,
            time: self.grid.time(done),
            state: chunks.state.view(),
            dim,
            layout: self.sampler.layout(),
            first_chain: self.first_chain,
            evaluations: chunks.cost.evaluations,
            frozen: &frozen,
            rest: Rest {
                low: chunks.low.view(),
                cost: &chunks.cost,
                seed: self.seed,
                calls: chunks.calls.as_ref(),
            },
        })
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
            .field("observers", &self.looks.observers.len())
            .finish_non_exhaustive()
    }
}
