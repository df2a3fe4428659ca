//! The one time loop: chunks of chains carried through all steps, on all cores, with observers in
//! between.

mod chunk;
mod observe;
#[cfg(feature = "progress")]
mod progress;
mod start;

pub use observe::{Every, Flow, Moment, MomentsObserver, Observer, StopWhen, Trace};
#[cfg(feature = "progress")]
pub use progress::ProgressBar;

use ndarray::{Array2, ArrayView2, s};

use crate::drift::Drift;
use crate::dynamics::Layout;
use crate::error::{Error, Result, count};
use crate::grid::TimeGrid;
use crate::math::simd;
use crate::noise::{Noise, Philox};
use crate::real::Real;
use crate::sampler::Sampler;
use chunk::{Chunks, Segment};
use start::Start;

/// What happens when a coordinate of a chain becomes NaN or infinite. It is never hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFinite {
    /// The run ends with [`Error::Diverged`].
    #[default]
    Stop,
    /// The chain keeps its last finite state and is listed in [`Samples::diverged`]; all others go
    /// on unchanged.
    Freeze,
    /// The chain goes on as it is and is listed in [`Samples::diverged`] if it ends non-finite.
    Ignore,
}

/// A chain that left the finite numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divergence {
    /// Number of the chain, the offset of the run included.
    pub chain: u64,
    /// The step, counted from 1, after which a coordinate was not finite; the last one where
    /// divergence is ignored.
    pub step: u64,
    /// Time at the end of that step.
    pub time: f64,
}

/// A run: one sampler, one drift, many chains. Built up by options, then [`run`](Self::run).
///
/// ```
/// use langevin::*;
/// use langevin::ndarray::array;
///
/// let target = GaussianMixture::isotropic(array![[-2.0, 0.0], [2.0, 0.0]].view(), 0.5)?;
/// let sampler = PoissonMidpoint::new(Underdamped::new(2.0, 1.0)?, 16)?;
/// let samples = Run::new(&sampler, &target, TimeGrid::uniform(0.2, 100)?).chains(500).seed(7).run()?;
/// assert_eq!(samples.positions().dim(), (500, 2));
/// # Ok::<(), Error>(())
/// ```
///
/// The result is a pure function of sampler, drift, grid, start and seed: not of `threads`,
/// `chunk`, observers or the instruction set. Chain k of a run is the chain k of any other run with
/// the same seed, whichever chains are beside it.
pub struct Run<'a, F: Real> {
    sampler: &'a dyn Sampler<F>,
    drift: &'a dyn Drift<F>,
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

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct Samples<F> {
    /// Final states, columns `[position | momentum | carried]`, the last two where the sampler has
    /// them. A run that starts there goes on as if it had not been cut.
    pub state: Array2<F>,
    /// Dimension of a position.
    pub dim: usize,
    /// The blocks of the state.
    pub layout: Layout,
    /// Steps taken; fewer than the grid has if an observer stopped the run.
    pub steps: u64,
    /// Rows on which the drift was evaluated, over all chains.
    pub evaluations: u64,
    /// Batched drift calls one after the other: the sequential depth of the run.
    pub batched_calls: u64,
    /// Picard rounds, the most over the chains in each step, summed over the steps; 0 for methods
    /// without.
    pub rounds: u64,
    /// Moves proposed to chains that may refuse them; 0 for methods without a Metropolis test.
    pub proposed: u64,
    /// Moves accepted.
    pub accepted: u64,
    /// Chains that left the finite numbers, in the order of their numbers.
    pub diverged: Vec<Divergence>,
}

impl<F: Real> Samples<F> {
    /// Final positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        self.state.slice(s![.., ..self.dim])
    }

    /// Final momenta, (chains, dim), where the dynamics has them.
    pub fn momenta(&self) -> Option<ArrayView2<'_, F>> {
        (self.layout.blocks == 2).then(|| self.state.slice(s![.., self.dim..2 * self.dim]))
    }

    /// The share of proposed moves that were accepted, for methods with a Metropolis test.
    pub fn acceptance(&self) -> Option<f64> {
        (self.proposed > 0).then(|| self.accepted as f64 / self.proposed as f64)
    }

    /// Drift evaluations per chain.
    pub fn evaluations_per_chain(&self) -> f64 {
        self.evaluations as f64 / self.state.nrows() as f64
    }
}

impl<'a> Run<'a, f64> {
    /// A run in f64 over this grid. Default: one chain from a standard normal, seed 0, all cores.
    pub fn new(sampler: &'a dyn Sampler<f64>, drift: &'a dyn Drift<f64>, grid: TimeGrid) -> Self {
        Self::with_precision(sampler, drift, grid)
    }
}

impl<'a, F: Real> Run<'a, F> {
    /// A run in the precision `F`, as in `Run::<f32>::with_precision(…)`.
    pub fn with_precision(
        sampler: &'a dyn Sampler<F>,
        drift: &'a dyn Drift<F>,
        grid: TimeGrid,
    ) -> Self {
        Self {
            sampler,
            drift,
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

    /// The number of chains. Not needed where the start has one row for each.
    pub fn chains(mut self, chains: usize) -> Self {
        self.chains = Some(chains);
        self
    }

    /// Numbers the chains from here on instead of from 0: a part of a larger run, bit for bit.
    pub fn first_chain(mut self, first_chain: u32) -> Self {
        self.first_chain = first_chain;
        self
    }

    /// Begins with this step of the grid, counted from 0: continues a run from its state, bit for
    /// bit.
    pub fn first_step(mut self, first_step: usize) -> Self {
        self.first_step = first_step;
        self
    }

    /// The seed of all noise. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.noise = Box::new(Philox::new(seed));
        self
    }

    /// Another source of noise, in place of the seed.
    pub fn noise(mut self, noise: impl Noise<F> + 'a) -> Self {
        self.noise = Box::new(noise);
        self
    }

    /// Starts all chains at independent standard normal positions of this dimension. The default,
    /// if the drift knows its dimension.
    pub fn start_normal(mut self, dim: usize) -> Self {
        self.start = Some(Start::Normal(dim));
        self
    }

    /// Starts all chains at one point.
    pub fn start_at(mut self, point: &[F]) -> Self {
        self.start = Some(Start::Point(point.to_vec()));
        self
    }

    /// Goes on from the state that an earlier run of the same sampler ended in, [`Samples::state`],
    /// with what the sampler carried there: the same bits as if it had not been cut, at the same
    /// cost. (From positions and momenta alone, [`start`](Self::start), they are the same bits too,
    /// for one evaluation more where something is carried.)
    pub fn resume(mut self, state: Array2<F>) -> Self {
        self.start = Some(Start::Whole(state));
        self
    }

    /// Starts chain i in row i: positions, (chains, dim), or positions and momenta, (chains, 2
    /// dim). Momenta that are not given are drawn from their stationary law.
    pub fn start(mut self, rows: Array2<F>) -> Self {
        self.start = Some(Start::Rows(rows));
        self
    }

    /// Chains carried together through the steps. Affects speed and memory alone; the default fits
    /// the cache.
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.chunk = Some(chunk);
        self
    }

    /// Threads; more than one needs the feature `rayon`. Default: all cores (rayon's global pool),
    /// or one without it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// What to do about chains that leave the finite numbers. Default: stop the run.
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
    /// [`Error::Invalid`], [`Error::Shape`] or [`Error::NonFinite`] for options and starts that
    /// make no sense, before the first step; [`Error::Diverged`] for the first chain that left the
    /// finite numbers in the earliest such step, if the policy is to stop; [`Error::Drift`] and
    /// [`Error::Observer`] if one of those fails.
    pub fn run(mut self) -> Result<Samples<F>> {
        simd::instruction_set()?;
        let layout = self.sampler.layout();
        let (state, dim, carried_known) = self.initial_state(layout)?;
        let last = self.grid.steps();
        count("first step", self.first_step, 0, last - 1, "below the number of steps of the grid")?;
        let threads = self
            .threads
            .map(|n| count("threads", n, 1, 4096, "a whole number from 1 to 4096"))
            .transpose()?;
        let chunk = match self.chunk {
            Some(chunk) => {
                count("chunk", chunk, 1, u32::MAX as usize, "a whole number from 1 to 4294967295")?
            }
            None => chunk::default_chunk::<F>(layout.blocks * dim, state.nrows(), threads),
        };
        let mut chunks = Chunks::new(state, chunk, threads)?;
        let mut done = self.first_step;
        let mut stopped = false;
        while done < last && !stopped {
            let next =
                self.observers.iter().filter_map(|o| o.next(done as u64)).min().unwrap_or(u64::MAX);
            let until = next.clamp(done as u64 + 1, last as u64).min((done + chunk::LONGEST) as u64)
                as usize;
            chunks.advance(&Segment {
                sampler: self.sampler,
                drift: self.drift,
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
            let moment = Moment {
                step: done as u64,
                steps: last as u64,
                time: self.grid.time(done),
                state: chunks.state.view(),
                dim,
                first_chain: self.first_chain,
                evaluations: chunks.evaluations,
            };
            for observer in &mut self.observers {
                if observer.next(done as u64 - 1) == Some(done as u64) {
                    let flow = observer.observe(&moment);
                    stopped |= flow
                        .map_err(|source| Error::Observer { step: done as u64, source })?
                        == Flow::Stop;
                }
            }
        }
        let time = self.grid.time(done);
        Ok(chunks.finish(
            (done - self.first_step) as u64,
            done as u64,
            time,
            (layout, dim),
            self.first_chain,
            self.non_finite,
        ))
    }
}
