//! Runs of many chains in the coordinates of a scale: with BAOAB, some of them twice on the same
//! noise with steps h and h/2, and with any sampler.

use std::ops::{ControlFlow, Range};

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, ShapeBuilder, concatenate, s};

use super::block::{Block, of_all};
use super::tuned::Tuned;
use crate::drift::{Distributed, Drift, Preconditioned, Scale, Times};
use crate::dynamics::Underdamped;
use crate::error::{BoxError, Error, Result};
use crate::grid::TimeGrid;
use crate::noise::{Coarse, Noise, Philox};
use crate::run::{Every, Observer, Run, Snapshot};
use crate::sampler::update::LANES;
use crate::sampler::{Sampler, Splitting};

/// The least number of chains with a second run, and at least a quarter has one.
const PAIRS: usize = 32;

/// So many of these chains have a second run.
pub(super) fn pairs(chains: usize) -> usize {
    PAIRS.max(chains / 4).min(chains)
}

/// How chains are run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chains {
    pub chains: usize,
    pub seed: u64,
    pub threads: Option<usize>,
    pub chunk: Option<usize>,
}

/// How long, and how often positions are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    /// Steps that are not kept.
    pub burn_in: usize,
    /// Steps between two frames that are kept.
    pub interval: usize,
    /// Frames that are kept.
    pub frames: usize,
}

impl Length {
    fn steps(&self) -> usize {
        self.burn_in + self.interval * self.frames
    }

    /// The same times in steps half as long.
    fn halved(&self) -> Self {
        Self { burn_in: 2 * self.burn_in, interval: 2 * self.interval, frames: self.frames }
    }
}

/// Positions and momenta of chains, (chains, dim) each, in the coordinates of the drift and of the
/// scale.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub positions: Array2<f64>,
    pub momenta: Option<Array2<f64>>,
}

impl State {
    /// The first chains alone.
    fn first(&self, chains: usize) -> Self {
        let first = |rows: &Array2<f64>| rows.slice(s![..chains, ..]).to_owned();
        Self { positions: first(&self.positions), momenta: self.momenta.as_ref().map(first) }
    }
}

/// One run: its frames in the coordinates of the drift, and its end.
pub(super) struct Path {
    /// (frames, chains, dim).
    pub frames: Array3<f64>,
    /// Mean square of the momenta of each chain.
    pub kinetic: Array1<f64>,
    /// The share of accepted proposals, if the sampler has a test.
    pub acceptance: Option<f64>,
    /// Proposals, and how many of them were accepted, with those of the burn-in.
    pub tests: [u64; 2],
    /// Steps after the burn-in.
    pub steps: usize,
    pub end: State,
}

/// Keeps positions and sums the squares of momenta.
struct Frames {
    every: Every,
    positions: Vec<Array2<f64>>,
    squares: Array1<f64>,
}

impl Observer<f64> for Frames {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, f64>) -> Result<ControlFlow<()>, BoxError> {
        self.positions.push(snapshot.positions().to_owned());
        let momenta = snapshot.momenta().ok_or("a run without momenta")?;
        for (sum, row) in self.squares.iter_mut().zip(momenta.rows()) {
            *sum += row.iter().map(|v| v * v).sum::<f64>() / snapshot.dim as f64;
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// A run, and what tells its bias.
pub(super) struct Pair {
    /// With steps h. Its draws are those of the outcome.
    pub own: Path,
    /// The first chains with steps h/2 on the same noise, unless the first run has no bias anyway.
    pub halved: Option<Path>,
}

impl Pair {
    /// Runs BAOAB from the first state, and the first chains of the second one again. `length`
    /// counts steps h.
    pub(super) fn coupled<D: Drift<f64>>(
        drift: &Distributed<D>,
        tuned: &Tuned,
        chains: Chains,
        [start, again]: [&State; 2],
        length: Length,
    ) -> Result<Self> {
        let again = again.first(pairs(chains.chains));
        let half = tuned.clone().halved();
        let noise = Philox::new(chains.seed);
        let coarse = Coarse::new(&noise, half.friction(), half.step());
        let own = path(drift, tuned, chains, start, length, &coarse)?;
        let halved = path(drift, &half, chains, &again, length.halved(), &noise)?;
        Ok(Self { own, halved: Some(halved) })
    }
}

/// A run of BAOAB from a state.
pub(super) fn path<D: Drift<f64>>(
    drift: &Distributed<D>,
    tuned: &Tuned,
    chains: Chains,
    start: &State,
    length: Length,
    noise: &dyn Noise<f64>,
) -> Result<Path> {
    let sampler = Splitting::new(Underdamped::new(tuned.friction(), 1.0)?, "BAOAB".parse()?);
    let walk = Walk { sampler: &sampler, step: tuned.step(), scale: tuned.scale(), noise };
    walk.run(drift, chains, start, length)
}

/// A sampler with a momentum, its step, the coordinates in which it runs, and its noise.
pub(super) struct Walk<'w> {
    pub sampler: &'w dyn Sampler<f64>,
    pub step: f64,
    pub scale: &'w Scale,
    pub noise: &'w dyn Noise<f64>,
}

impl Walk<'_> {
    /// Runs from a state. Ranks, and their threads, take blocks of chains to the end, each in a run
    /// of its own: they need not wait for one another at every frame. All ranks get all blocks.
    pub(super) fn run<D: Drift<f64>>(
        &self,
        drift: &Distributed<D>,
        chains: Chains,
        start: &State,
        length: Length,
    ) -> Result<Path> {
        let own = drift.inner();
        let target = Preconditioned::new(own, self.scale.clone());
        let y = self.scale.to_y(start.positions.view());
        let state = match &start.momenta {
            Some(momenta) => concatenate(Axis(1), &[y.view(), momenta.view()]).expect("equal rows"),
            None => y,
        };
        // A drift that wants large calls gets all chains together.
        let parts = if own.batch().is_some() { 1 } else { parts(chains.threads) };
        let blocks = blocks(drift.ranks().share(state.nrows()), parts);
        let share = |range: &Range<usize>| {
            let block = state.slice(s![range.clone(), ..]).to_owned();
            let threads = if blocks.len() > 1 { Some(1) } else { chains.threads };
            self.block(&target, Chains { threads, ..chains }, range.start as u32, block, length)
        };
        #[cfg(feature = "rayon")]
        let done: Vec<Result<Block>> = {
            use rayon::prelude::*;
            blocks.par_iter().map(share).collect()
        };
        #[cfg(not(feature = "rayon"))]
        let done: Vec<Result<Block>> = blocks.iter().map(share).collect();
        let blocks = of_all(drift.ranks(), done.into_iter().collect())?;
        Ok(self.path(blocks, length))
    }

    /// Runs some chains, of which the first has this number.
    fn block<D: Drift<f64>>(
        &self,
        target: &Preconditioned<&D>,
        chains: Chains,
        first: u32,
        state: Array2<f64>,
        length: Length,
    ) -> Result<Block> {
        let grid = TimeGrid::uniform(self.step, length.steps())?;
        let every = Every::new(length.interval)?.after(length.burn_in);
        let squares = Array1::zeros(state.nrows());
        let mut frames = Frames { every, positions: Vec::new(), squares };
        let run = Run::new(self.sampler, target, grid).first_chain(first).start(state);
        let mut run = run.observe(&mut frames).noise(self.noise);
        if let Some(threads) = chains.threads {
            run = run.threads(threads);
        }
        if let Some(chunk) = chains.chunk {
            run = run.chunk(chunk);
        }
        let samples = run.run()?;
        let Frames { positions: frames, squares, .. } = frames;
        Ok(Block {
            frames,
            squares,
            positions: samples.positions().to_owned(),
            momenta: samples.momenta().map(|momenta| momenta.to_owned()),
            proposed: samples.cost.proposed,
            accepted: samples.cost.accepted,
        })
    }

    /// The blocks as one, in the coordinates of the drift.
    fn path(&self, blocks: Vec<Block>, length: Length) -> Path {
        let rows = |block: &Block| block.positions.nrows();
        // A part of very many may have no chains of a second run.
        let count = blocks.iter().map(|block| block.frames.len()).min().unwrap_or(length.frames);
        let shape = (count, blocks.iter().map(rows).sum(), self.scale.dimension());
        let mut frames = Array3::zeros(shape);
        let mut kinetic = Array1::zeros(shape.1);
        let mut first = 0;
        for block in &blocks {
            let range = first..first + rows(block);
            let mut own = frames.slice_mut(s![.., range.clone(), ..]);
            for (mut to, frame) in own.axis_iter_mut(Axis(0)).zip(&block.frames) {
                to.assign(&self.scale.to_x(frame.view()));
            }
            let squares = &block.squares / count.max(1) as f64;
            kinetic.slice_mut(s![range.clone()]).assign(&squares);
            first = range.end;
        }
        let proposed: u64 = blocks.iter().map(|block| block.proposed).sum();
        let accepted: u64 = blocks.iter().map(|block| block.accepted).sum();
        let joined = |parts: Vec<ArrayView2<'_, f64>>| match parts.is_empty() {
            true => Array2::zeros((0, shape.2)),
            false => concatenate(Axis(0), &parts).expect("equal columns"),
        };
        let positions = joined(blocks.iter().map(|block| block.positions.view()).collect());
        let momenta = blocks.iter().map(|block| Some(block.momenta.as_ref()?.view()));
        let momenta = momenta.collect::<Option<_>>().map(joined);
        Path {
            frames,
            kinetic,
            acceptance: acceptance([proposed, accepted]),
            tests: [proposed, accepted],
            steps: length.interval * length.frames,
            end: State { positions: self.scale.to_x(positions.view()), momenta },
        }
    }
}

/// The share of proposals that were accepted, if there were any.
pub(super) fn acceptance([proposed, accepted]: [u64; 2]) -> Option<f64> {
    (proposed > 0).then(|| accepted as f64 / proposed as f64)
}

/// The blocks of chains that threads take at once: as many as were asked for, or all of rayon's.
#[cfg(feature = "rayon")]
fn parts(threads: Option<usize>) -> usize {
    threads.unwrap_or_else(rayon::current_num_threads).max(1)
}

/// One, as this build is without threads.
#[cfg(not(feature = "rayon"))]
fn parts(_: Option<usize>) -> usize {
    1
}

/// So many blocks of these chains, or less where there are few.
fn blocks(rows: Range<usize>, parts: usize) -> Vec<Range<usize>> {
    let size = rows.len().div_ceil(parts).max(1).next_multiple_of(LANES);
    rows.clone().step_by(size).map(|first| first..rows.end.min(first + size)).collect()
}

/// The drift at rows of positions.
pub(super) fn drift_at<D: Drift<f64>>(drift: &D, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let mut columns = Array2::zeros(x.raw_dim().f());
    columns.assign(&x);
    let mut out = Array2::from_elem(x.raw_dim().f(), f64::NAN);
    let result = drift.eval(Times::Shared(0.0), columns.view(), out.view_mut());
    result.map_err(|source| Error::Drift { step: 0, time: 0.0, chain: 0, source })?;
    Ok(out)
}
