//! Chunks of chains: cuts the state of a run, carries each chunk through the steps, and puts it
//! back.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ndarray::{Array2, ArrayViewMut2, Axis};

use super::calls::Calls;
use super::samples::{Divergence, NonFinite};
use super::threads::Threads;
use crate::drift::Drift;
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::math::finite::all_finite;
use crate::noise::Noise;
use crate::real::Real;
use crate::sampler::{Cost, Sampler, Step, Work};
use crate::state::{Layout, State};

/// Bytes that a chunk takes beside its chains.
pub(super) fn overhead<F>() -> usize {
    size_of::<Tally>() + size_of::<Part<'_, F>>()
}

/// The most steps of a segment. It bounds the memory that is kept for each step.
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
    /// Whether the state at the start of the segment holds the blocks that the sampler carries.
    pub carried_known: bool,
}

/// The state of all chains and what belongs to it.
pub(super) struct Chunks<F> {
    pub state: Array2<F>,
    /// The low part of the positions, (chains, dim), or no columns if the state keeps none.
    pub low: Array2<F>,
    pub cost: Cost,
    /// The calls of every step so far, if they are kept.
    pub calls: Option<Calls>,
    /// The cost of the run that this one continues.
    before: Cost,
    chunk: usize,
    tallies: Vec<Tally>,
    lanes: Mutex<Vec<Lane<F>>>,
    #[cfg_attr(not(feature = "rayon"), allow(dead_code))]
    threads: Threads,
}

/// What a chunk has cost so far, and which of its chains are frozen.
#[derive(Clone, Debug, Default)]
struct Tally {
    cost: Cost,
    frozen: Vec<Divergence>,
    rounded: u64,
}

/// A chunk during a segment: the number of its first chain, its rows of the state, and its tally.
struct Part<'p, F> {
    first: u32,
    rows: ArrayViewMut2<'p, F>,
    low: ArrayViewMut2<'p, F>,
    tally: &'p mut Tally,
}

/// What the chunks of a segment share while they run.
struct Shared {
    /// The earliest step known to have failed. Chunks beyond it stop, and chunks before it go on.
    /// So the failure reported is the earliest one, with any number of threads.
    limit: AtomicUsize,
    /// The most batched calls that any chunk needed in each step, and the most rounds. The needs of
    /// the slowest chain do not depend on how chains are cut into chunks.
    batched_calls: Vec<AtomicU64>,
    rounds: Vec<AtomicU64>,
}

impl Shared {
    fn new(steps: usize) -> Self {
        let zeros = || (0..steps).map(|_| AtomicU64::new(0)).collect();
        Self { limit: AtomicUsize::new(usize::MAX), batched_calls: zeros(), rounds: zeros() }
    }

    fn add(&self, step: usize, cost: &Cost) {
        self.batched_calls[step].fetch_max(cost.batched_calls, Ordering::Relaxed);
        if cost.rounds > 0 {
            self.rounds[step].fetch_max(cost.rounds, Ordering::Relaxed);
        }
    }

    /// The batched calls of every step, and its rounds.
    fn steps(&self) -> impl Iterator<Item = [u64; 2]> {
        let steps = self.batched_calls.iter().zip(&self.rounds);
        steps.map(|(calls, rounds)| [calls, rounds].map(|most| most.load(Ordering::Relaxed)))
    }
}

/// The working memory of a thread.
struct Lane<F> {
    state: State<F>,
    before: Vec<F>,
    low_before: Vec<F>,
    work: Work<F>,
}

/// Where a chunk stopped, and why.
struct Failure {
    step: usize,
    chain: u32,
    error: Error,
}

impl<F: Real> Chunks<F> {
    pub(super) fn new(
        state: Array2<F>,
        low: Array2<F>,
        chunk: usize,
        threads: Option<usize>,
        spreads: bool,
    ) -> Result<Self> {
        let count = state.nrows().div_ceil(chunk);
        // A thread without a chunk would have nothing to do, unless steps spread their own calls.
        let useful = if spreads { usize::MAX } else { count };
        let threads = Threads::new(threads, useful)?;
        Ok(Self {
            state,
            low,
            cost: Cost::default(),
            calls: None,
            before: Cost::default(),
            chunk,
            tallies: vec![Tally::default(); count],
            lanes: Mutex::new(Vec::new()),
            threads,
        })
    }

    /// Continues an earlier run with this cost and these frozen chains.
    pub(super) fn continue_from(&mut self, first_chain: u32, cost: Cost, frozen: Vec<Divergence>) {
        self.cost = cost;
        self.before = cost;
        for divergence in frozen {
            let row = divergence.chain.saturating_sub(u64::from(first_chain)) as usize;
            if let Some(tally) = self.tallies.get_mut(row / self.chunk) {
                tally.frozen.push(divergence);
            }
        }
    }

    /// How many coordinates the last step changed by no more than rounding.
    pub(super) fn rounded(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.rounded).sum()
    }

    /// The chains that are frozen so far, ordered by number.
    pub(super) fn frozen(&self) -> Vec<Divergence> {
        let mut frozen: Vec<_> = self.tallies.iter().flat_map(|t| &t.frozen).copied().collect();
        frozen.sort_by_key(|divergence| divergence.chain);
        frozen
    }

    /// Carries every chunk through the steps of the segment.
    pub(super) fn advance(&mut self, segment: &Segment<'_, F>) -> Result<()> {
        let shared = Shared::new(segment.steps.len());
        let chunk = self.chunk;
        let lanes = &self.lanes;
        let rows = self.state.axis_chunks_iter_mut(Axis(0), chunk);
        let lows = self.low.axis_chunks_iter_mut(Axis(0), chunk);
        let parts = rows.zip(lows).zip(&mut self.tallies).enumerate();
        let parts = parts.map(|(index, ((rows, low), tally))| {
            let first = segment.first_chain + (index * chunk) as u32;
            Part { first, rows, low, tally }
        });
        let advance = |part: Part<'_, F>| advance_part(segment, part, lanes, &shared).err();
        #[cfg(feature = "rayon")]
        let failures: Vec<Failure> = if self.threads.serial {
            parts.filter_map(advance).collect()
        } else {
            use rayon::prelude::*;
            let parts: Vec<_> = parts.collect();
            // Chunk by chunk, so that no thread waits for chunks that another one has put aside.
            let run = || parts.into_par_iter().with_max_len(1).filter_map(advance).collect();
            match &self.threads.pool {
                Some(pool) => pool.install(run),
                None => run(),
            }
        };
        #[cfg(not(feature = "rayon"))]
        let failures: Vec<Failure> = parts.filter_map(advance).collect();
        if let Some(failure) = failures.into_iter().min_by_key(|f| (f.step, f.chain)) {
            return Err(failure.error);
        }
        let mut total = self.before;
        self.tallies.iter().for_each(|tally| total += tally.cost);
        total.batched_calls = self.cost.batched_calls;
        total.rounds = self.cost.rounds;
        for [batched_calls, rounds] in shared.steps() {
            total.batched_calls += batched_calls;
            total.rounds += rounds;
            if let Some(calls) = &mut self.calls {
                calls.push(batched_calls, rounds);
            }
        }
        self.cost = total;
        Ok(())
    }

    /// The chains that became NaN or infinite, ordered by number. If divergence was `ignored`,
    /// these are the chains that are not finite now, after step `step`.
    pub(super) fn diverged(
        &mut self,
        first_chain: u32,
        ignored: bool,
        step: u64,
        time: f64,
    ) -> Vec<Divergence> {
        let tallies = std::mem::take(&mut self.tallies);
        let mut diverged: Vec<_> = tallies.into_iter().flat_map(|t| t.frozen).collect();
        if ignored {
            for (row, numbers) in self.state.rows().into_iter().enumerate() {
                if numbers.iter().any(|x| !x.is_finite()) {
                    let chain = u64::from(first_chain) + row as u64;
                    diverged.push(Divergence { chain, step, time });
                }
            }
        }
        diverged.sort_by_key(|d| d.chain);
        diverged
    }
}

/// Carries one chunk through the steps of a segment. It takes a lane as working memory and returns
/// it.
fn advance_part<F: Real>(
    segment: &Segment<'_, F>,
    part: Part<'_, F>,
    lanes: &Mutex<Vec<Lane<F>>>,
    shared: &Shared,
) -> Result<(), Failure> {
    let taken = lanes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
    let mut lane = match taken {
        Some(lane) => lane,
        None => {
            let rows = part.rows.nrows();
            let state = State::zeros(part.first, rows, segment.dim, segment.layout);
            let fail = |error| Failure { step: 0, chain: 0, error };
            Lane {
                state: state.map_err(fail)?,
                before: Vec::new(),
                low_before: Vec::new(),
                work: Work::new(),
            }
        }
    };
    let result = lane.advance(segment, part, shared);
    lanes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(lane);
    result
}

impl<F: Real> Lane<F> {
    fn advance(
        &mut self,
        segment: &Segment<'_, F>,
        mut part: Part<'_, F>,
        shared: &Shared,
    ) -> Result<(), Failure> {
        let first = part.first;
        self.state.reset(first, part.rows.nrows());
        self.state.load(part.rows.view());
        self.state.load_low(part.low.view());
        self.state.set_carried_known(segment.carried_known);
        for index in segment.steps.clone() {
            if index > shared.limit.load(Ordering::Relaxed) {
                return Ok(());
            }
            let last = index + 1 == segment.grid.steps();
            if last || segment.non_finite == NonFinite::Freeze {
                self.before.clear();
                self.before.extend_from_slice(self.state.data());
                self.low_before.clear();
                self.low_before.extend_from_slice(self.state.low());
            }
            let fail = |chain, error| {
                shared.limit.fetch_min(index, Ordering::Relaxed);
                Failure { step: index, chain, error }
            };
            let interval = segment.grid.interval(index);
            let state = &mut self.state;
            let work = &mut self.work;
            let mut step = Step::new(interval, segment.drift, segment.noise, state, work);
            segment.sampler.step(&mut step).map_err(|error| fail(first, error))?;
            let cost = step.cost();
            let noisy = step.noise.was_drawn();
            part.tally.cost += cost;
            shared.add(index - segment.steps.start, &cost);
            let number = index as u64 + 1;
            match segment.non_finite {
                NonFinite::Ignore => {}
                NonFinite::Stop => {
                    if let Some(row) = next_non_finite(&self.state, 0) {
                        let chain = u64::from(first) + row as u64;
                        let error = Error::Diverged { chain, step: number, time: interval.end };
                        return Err(fail(first + row as u32, error));
                    }
                }
                NonFinite::Freeze => self.freeze(&mut part.tally.frozen, number, interval.end),
            }
            if last && noisy {
                let tested = cost.proposed > 0;
                part.tally.rounded = rounded(&self.state, &self.before, &part.tally.frozen, tested);
            }
        }
        part.rows.assign(&self.state.view());
        part.low.assign(&self.state.low_view());
        Ok(())
    }

    /// Puts frozen chains back to their state before the step. Then freezes the chains that became
    /// NaN or infinite in this step.
    fn freeze(&mut self, frozen: &mut Vec<Divergence>, step: u64, time: f64) {
        let first = u64::from(self.state.chains()[0]);
        for divergence in frozen.iter() {
            self.restore((divergence.chain - first) as usize);
        }
        // Each row is visited once, so this ends whatever the state before the step was.
        let mut from = 0;
        while let Some(row) = next_non_finite(&self.state, from) {
            self.restore(row);
            frozen.push(Divergence { chain: first + row as u64, step, time });
            from = row + 1;
        }
    }

    /// Puts one chain back to its state before the step.
    fn restore(&mut self, row: usize) {
        let n = self.state.len();
        let back = |to: &mut [F], from: &[F]| {
            let to = to.iter_mut().skip(row).step_by(n);
            to.zip(from.iter().skip(row).step_by(n)).for_each(|(to, from)| *to = *from);
        };
        back(self.state.data_mut(), &self.before);
        back(self.state.low_mut(), &self.low_before);
    }
}

/// The number of coordinates of positions that moved by no more than four units in the last place.
/// Frozen chains and, with a Metropolis test, chains that stayed do not count.
pub(super) fn rounded<F: Real>(
    state: &State<F>,
    before: &[F],
    frozen: &[Divergence],
    tested: bool,
) -> u64 {
    if !state.low().is_empty() {
        return 0;
    }
    let n = state.len();
    let first = u64::from(state.chains()[0]);
    let four = F::from_f64(4.0) * F::epsilon();
    let numbers = state.data().iter().zip(before).take(n * state.dim());
    let rounded = |(at, (x, before)): (usize, (&F, &F))| {
        let moved = (*x - *before).abs();
        let still = tested && moved == F::zero();
        let chain = first + (at % n) as u64;
        moved <= four * x.abs() && !still && frozen.iter().all(|f| f.chain != chain)
    };
    numbers.enumerate().filter(|number| rounded(*number)).count() as u64
}

/// The first row from `from` on that is NaN or infinite.
fn next_non_finite<F: Real>(state: &State<F>, from: usize) -> Option<usize> {
    // The carried drift needs no check. The step has already used it, so a NaN in it shows in the
    // updated blocks.
    let own = state.blocks();
    if all_finite(own) {
        return None;
    }
    let n = state.len();
    (from..n).find(|row| own[*row..].iter().step_by(n).any(|x| !x.is_finite()))
}
