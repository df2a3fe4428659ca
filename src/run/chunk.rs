//! Chunks of chains: how a run's state is cut, carried through a stretch of steps, and put back.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use ndarray::{Array2, ArrayViewMut2, Axis, s};

use super::{Divergence, NonFinite, Samples};
use crate::drift::Drift;
use crate::dynamics::Layout;
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::math::kernels::AllFinite;
use crate::math::simd;
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;
use crate::sampler::{Sampler, StepInfo, Work};
use crate::state::State;

/// Chains that fit the cache together with a few arrays of scratch: whole vectors, and enough of
/// them to fill a matrix kernel, but no more than leave every thread some chunks.
pub(super) fn default_chunk<F>(columns: usize, chains: usize, threads: Option<usize>) -> usize {
    const BYTES: usize = 16 * 1024;
    let fits = BYTES / (columns * size_of::<F>()).max(1);
    let threads =
        threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let share = chains.div_ceil(2 * threads);
    fits.clamp(64, 1024).min(share.next_multiple_of(16)).max(1)
}

/// Fills the position columns with standard normals of [`Purpose::Start`].
pub(super) fn draw_positions<F: Real>(
    state: &mut Array2<F>,
    dim: usize,
    first_chain: u32,
    noise: &dyn Noise<F>,
) {
    let columns = state.slice_mut(s![.., ..dim]);
    draw(columns, Purpose::Start, F::one(), first_chain, noise);
}

/// Fills the momentum columns, where there are any, from their stationary law.
pub(super) fn draw_momenta<F: Real>(
    state: &mut Array2<F>,
    dim: usize,
    layout: Layout,
    first_chain: u32,
    noise: &dyn Noise<F>,
) {
    if layout.blocks == 2 {
        let scale = F::from_f64(layout.momentum_variance.sqrt());
        draw(state.slice_mut(s![.., dim..2 * dim]), Purpose::Momentum, scale, first_chain, noise);
    }
}

fn draw<F: Real>(
    mut rows: ArrayViewMut2<'_, F>,
    purpose: Purpose,
    scale: F,
    first: u32,
    noise: &dyn Noise<F>,
) {
    let dim = rows.ncols();
    let (mut chains, mut normals) = (Vec::new(), Vec::new());
    let mut next = first;
    for mut block in rows.axis_chunks_iter_mut(Axis(0), 256) {
        let n = block.nrows();
        chains.clear();
        chains.extend((0..n as u32).map(|i| next + i));
        normals.resize(n * dim, F::zero());
        noise.normals(Draw::new(0, purpose, 0), &chains, &mut normals[..n * dim]);
        for (j, mut column) in block.columns_mut().into_iter().enumerate() {
            column.iter_mut().zip(&normals[j * n..]).for_each(|(x, z)| *x = *z * scale);
        }
        next = next.wrapping_add(n as u32);
    }
}

/// The most steps of a segment: what is kept for each of them stays small.
pub(super) const LONGEST: usize = 65_536;

/// Steps between two observations.
pub(super) struct Segment<'s, F: Real> {
    pub sampler: &'s dyn Sampler<F>,
    pub drift: &'s dyn Drift<F>,
    pub noise: &'s dyn Noise<F>,
    pub grid: &'s TimeGrid,
    pub steps: Range<usize>,
    pub layout: Layout,
    pub dim: usize,
    pub first_chain: u32,
    pub non_finite: NonFinite,
    /// Whether the state at the start of the segment holds what the sampler carries.
    pub carried_known: bool,
}

/// The state of all chains and what belongs to it.
pub(super) struct Chunks<F> {
    pub state: Array2<F>,
    pub evaluations: u64,
    pub batched_calls: u64,
    pub rounds: u64,
    pub proposed: u64,
    pub accepted: u64,
    chunk: usize,
    tallies: Vec<Tally>,
    lanes: Mutex<Vec<Lane<F>>>,
    #[cfg(feature = "rayon")]
    pool: Option<rayon::ThreadPool>,
    #[cfg(feature = "rayon")]
    serial: bool,
}

/// What a chunk has cost and lost so far.
#[derive(Clone, Debug, Default)]
struct Tally {
    evaluations: u64,
    proposed: u64,
    accepted: u64,
    frozen: Vec<Divergence>,
}

/// The longest sequence of calls, and of rounds, that any chunk needed in each step of a segment:
/// what the slowest chain asks for does not depend on how chains are cut into chunks.
struct Depth {
    batched_calls: Vec<AtomicU32>,
    rounds: Vec<AtomicU32>,
}

impl Depth {
    fn new(steps: usize) -> Self {
        let zeros = || (0..steps).map(|_| AtomicU32::new(0)).collect();
        Self { batched_calls: zeros(), rounds: zeros() }
    }

    fn add(&self, step: usize, info: &StepInfo) {
        self.batched_calls[step].fetch_max(info.batched_calls, Ordering::Relaxed);
        if info.rounds > 0 {
            self.rounds[step].fetch_max(info.rounds, Ordering::Relaxed);
        }
    }

    fn sum(all: &[AtomicU32]) -> u64 {
        all.iter().map(|most| u64::from(most.load(Ordering::Relaxed))).sum()
    }
}

/// The working memory of a thread.
struct Lane<F> {
    state: State<F>,
    before: Vec<F>,
    work: Work,
}

impl<F: Real> Chunks<F> {
    pub(super) fn new(state: Array2<F>, chunk: usize, threads: Option<usize>) -> Result<Self> {
        let count = state.nrows().div_ceil(chunk);
        #[cfg(feature = "rayon")]
        let pool = match threads.map(|threads| threads.min(count)) {
            // A thread without a chunk would have nothing to do.
            Some(threads) if threads > 1 => Some(
                rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .map_err(|source| Error::Threads { threads, source: Box::new(source) })?,
            ),
            _ => None,
        };
        #[cfg(not(feature = "rayon"))]
        if let Some(threads) = threads.filter(|threads| *threads > 1) {
            let expected = "1, as this build is without the feature `rayon`";
            return Err(Error::Invalid { name: "threads", given: threads as f64, expected });
        }
        Ok(Self {
            state,
            evaluations: 0,
            batched_calls: 0,
            rounds: 0,
            proposed: 0,
            accepted: 0,
            chunk,
            tallies: vec![Tally::default(); count],
            lanes: Mutex::new(Vec::new()),
            #[cfg(feature = "rayon")]
            pool,
            #[cfg(feature = "rayon")]
            serial: threads == Some(1) || count == 1,
        })
    }

    /// Carries every chunk through the steps of the segment.
    pub(super) fn advance(&mut self, segment: &Segment<'_, F>) -> Result<()> {
        // The earliest step known to have failed: chunks beyond it stop, those before it go on, so
        // that the failure reported is the earliest one, with any number of threads.
        let limit = AtomicUsize::new(usize::MAX);
        let depth = Depth::new(segment.steps.len());
        let (chunk, lanes) = (self.chunk, &self.lanes);
        let advance = |(index, (rows, tally)): (usize, (ArrayViewMut2<'_, F>, &mut Tally))| {
            let taken = lanes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
            let first = segment.first_chain + (index * chunk) as u32;
            let mut lane = match taken {
                Some(lane) => lane,
                None => Lane {
                    state: State::zeros(first, rows.nrows(), segment.dim, segment.layout)?,
                    before: Vec::new(),
                    work: Work::new(),
                },
            };
            let result = lane.advance(segment, rows, first, tally, (&limit, &depth));
            lanes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(lane);
            result
        };
        let parts = self.state.axis_chunks_iter_mut(Axis(0), chunk);
        #[cfg(feature = "rayon")]
        let failures: Vec<Failure> = if self.serial {
            parts
                .zip(&mut self.tallies)
                .enumerate()
                .filter_map(|part| advance(part).err())
                .collect()
        } else {
            use rayon::prelude::*;
            let mut parts: Vec<_> = parts.zip(&mut self.tallies).enumerate().collect();
            let parts = std::mem::take(&mut parts);
            let run = || parts.into_par_iter().filter_map(|part| advance(part).err()).collect();
            match &self.pool {
                Some(pool) => pool.install(run),
                None => run(),
            }
        };
        #[cfg(not(feature = "rayon"))]
        let failures: Vec<Failure> = parts
            .zip(&mut self.tallies)
            .enumerate()
            .filter_map(|part| advance(part).err())
            .collect();
        if let Some(failure) = failures.into_iter().min_by_key(|f| (f.step, f.chain)) {
            return Err(failure.error);
        }
        let sum = |of: fn(&Tally) -> u64| self.tallies.iter().map(of).sum();
        self.evaluations = sum(|tally| tally.evaluations);
        self.proposed = sum(|tally| tally.proposed);
        self.accepted = sum(|tally| tally.accepted);
        self.batched_calls += Depth::sum(&depth.batched_calls);
        self.rounds += Depth::sum(&depth.rounds);
        Ok(())
    }

    pub(super) fn finish(
        self,
        steps: u64,
        last: u64,
        time: f64,
        (layout, dim): (Layout, usize),
        first_chain: u32,
        non_finite: NonFinite,
    ) -> Samples<F> {
        let mut diverged: Vec<_> = self.tallies.into_iter().flat_map(|t| t.frozen).collect();
        if non_finite == NonFinite::Ignore {
            for (row, numbers) in self.state.rows().into_iter().enumerate() {
                if numbers.iter().any(|x| !x.is_finite()) {
                    diverged.push(Divergence {
                        chain: u64::from(first_chain) + row as u64,
                        step: last,
                        time,
                    });
                }
            }
        }
        diverged.sort_by_key(|d| d.chain);
        Samples {
            state: self.state,
            dim,
            layout,
            steps,
            evaluations: self.evaluations,
            batched_calls: self.batched_calls,
            rounds: self.rounds,
            proposed: self.proposed,
            accepted: self.accepted,
            diverged,
        }
    }
}

struct Failure {
    step: usize,
    chain: u32,
    error: Error,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { step: 0, chain: 0, error }
    }
}

impl<F: Real> Lane<F> {
    fn advance(
        &mut self,
        segment: &Segment<'_, F>,
        mut rows: ArrayViewMut2<'_, F>,
        first: u32,
        tally: &mut Tally,
        (limit, depth): (&AtomicUsize, &Depth),
    ) -> Result<(), Failure> {
        let n = rows.nrows();
        self.state.reset(first, n);
        self.state.load(rows.view());
        self.state.set_carried_known(segment.carried_known);
        for index in segment.steps.clone() {
            if index > limit.load(Ordering::Relaxed) {
                return Ok(());
            }
            let step = segment.grid.step(index);
            if segment.non_finite == NonFinite::Freeze {
                self.before.clear();
                self.before.extend_from_slice(self.state.data());
            }
            let (state, work) = (&mut self.state, &mut self.work);
            let fail = |chain, error| {
                limit.fetch_min(index, Ordering::Relaxed);
                Failure { step: index, chain, error }
            };
            let info = segment
                .sampler
                .step(step, segment.drift, segment.noise, state, work)
                .map_err(|error| fail(first, error))?;
            tally.evaluations += info.evaluations;
            tally.proposed += info.proposed;
            tally.accepted += info.accepted;
            depth.add(index - segment.steps.start, &info);
            let time = segment.grid.time(index + 1);
            match segment.non_finite {
                NonFinite::Ignore => {}
                NonFinite::Stop => {
                    if let Some(row) = first_non_finite(state) {
                        let chain = u64::from(first) + row as u64;
                        let error = Error::Diverged { chain, step: index as u64 + 1, time };
                        return Err(fail(first + row as u32, error));
                    }
                }
                NonFinite::Freeze => {
                    freeze(state, &self.before, &mut tally.frozen, index as u64 + 1, time)
                }
            }
        }
        rows.assign(&self.state.view());
        Ok(())
    }
}

fn first_non_finite<F: Real>(state: &State<F>) -> Option<usize> {
    // What a sampler carries beside has been used by the time a step ends: if it is not finite,
    // they are not.
    let own = &state.data()[..state.len() * state.blocks() * state.dim()];
    let mut finite = false;
    simd::dispatch(AllFinite { data: own, finite: &mut finite });
    if finite {
        return None;
    }
    let n = state.len();
    (0..n).find(|row| own[*row..].iter().step_by(n).any(|x| !x.is_finite()))
}

/// Puts frozen chains back to where they were before the step, and freezes those that just left the
/// finite numbers.
fn freeze<F: Real>(
    state: &mut State<F>,
    before: &[F],
    frozen: &mut Vec<Divergence>,
    step: u64,
    time: f64,
) {
    let (n, first) = (state.len(), u64::from(state.chains()[0]));
    let restore = |state: &mut State<F>, row: usize| {
        let to = state.data_mut()[row..].iter_mut().step_by(n);
        to.zip(before[row..].iter().step_by(n)).for_each(|(to, from)| *to = *from);
    };
    for divergence in frozen.iter() {
        restore(state, (divergence.chain - first) as usize);
    }
    while let Some(row) = first_non_finite(state) {
        restore(state, row);
        frozen.push(Divergence { chain: first + row as u64, step, time });
    }
}
