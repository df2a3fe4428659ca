//! Runs of many chains in the coordinates of a scale: with BAOAB, some of them twice on the same
//! noise with steps h and h/2, and with any sampler.

use std::ops::ControlFlow;

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, ShapeBuilder, concatenate, s};

use super::tuned::Tuned;
use crate::drift::{Drift, Preconditioned, Scale, Times};
use crate::dynamics::Underdamped;
use crate::error::{BoxError, Error, Result};
use crate::grid::TimeGrid;
use crate::noise::{Coarse, Noise, Philox};
use crate::run::{Every, Observer, Run, Snapshot};
use crate::sampler::{Sampler, Splitting};

/// The least number of chains with a second run, and at least a quarter has one.
const PAIRS: usize = 32;

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
        drift: &D,
        tuned: &Tuned,
        chains: Chains,
        [start, again]: [&State; 2],
        length: Length,
    ) -> Result<Self> {
        let some = PAIRS.max(chains.chains / 4).min(chains.chains);
        let again = again.first(some);
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
    drift: &D,
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
    /// Runs from a state.
    pub(super) fn run<D: Drift<f64>>(
        &self,
        drift: &D,
        chains: Chains,
        start: &State,
        length: Length,
    ) -> Result<Path> {
        let target = Preconditioned::new(drift, self.scale.clone());
        let grid = TimeGrid::uniform(self.step, length.steps())?;
        let every = Every::new(length.interval)?.after(length.burn_in);
        let squares = Array1::zeros(start.positions.nrows());
        let mut frames = Frames { every, positions: Vec::new(), squares };
        let y = self.scale.to_y(start.positions.view());
        let state = match &start.momenta {
            Some(momenta) => concatenate(Axis(1), &[y.view(), momenta.view()]).expect("equal rows"),
            None => y,
        };
        let run = Run::new(self.sampler, &target, grid).start(state);
        let mut run = run.observe(&mut frames).noise(self.noise);
        if let Some(threads) = chains.threads {
            run = run.threads(threads);
        }
        if let Some(chunk) = chains.chunk {
            run = run.chunk(chunk);
        }
        let samples = run.run()?;
        let momenta = samples.momenta().map(|v| v.to_owned());
        let acceptance = samples.acceptance();
        let end = State { positions: self.scale.to_x(samples.positions()), momenta };
        let count = frames.positions.len();
        let shape = (count, start.positions.nrows(), self.scale.dimension());
        let mut all = Array3::zeros(shape);
        for (mut to, frame) in all.axis_iter_mut(Axis(0)).zip(&frames.positions) {
            to.assign(&self.scale.to_x(frame.view()));
        }
        let kinetic = frames.squares / count.max(1) as f64;
        let steps = length.interval * length.frames;
        Ok(Path { frames: all, kinetic, acceptance, steps, end })
    }
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
