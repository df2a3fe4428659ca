//! Observers: what looks at a run between steps, without changing a bit of it.

use std::ops::ControlFlow;

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, s};

use crate::error::{BoxError, Result, count};
use crate::metrics::RunningMoments;
use crate::real::Real;

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    Continue,
    /// It ends after this step; its result is what has been reached.
    Stop,
}

impl From<ControlFlow<()>> for Flow {
    fn from(flow: ControlFlow<()>) -> Self {
        if flow.is_break() { Self::Stop } else { Self::Continue }
    }
}

/// What an observer sees.
#[derive(Debug)]
pub struct Moment<'m, F> {
    /// Steps completed.
    pub step: u64,
    /// Steps of the grid.
    pub steps: u64,
    /// Time reached.
    pub time: f64,
    /// All chains, columns `[position | momentum | carried]`.
    pub state: ArrayView2<'m, F>,
    /// Dimension of a position.
    pub dim: usize,
    /// Number of the chain in row 0.
    pub first_chain: u32,
    /// Drift evaluations so far, over all chains.
    pub evaluations: u64,
}

impl<F> Moment<'_, F> {
    /// All positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        self.state.slice(s![.., ..self.dim])
    }
}

/// Looks at the state of all chains after chosen steps.
///
/// Chunks of chains are carried from one observation to the next, so rare observations cost
/// nothing.
pub trait Observer<F: Real> {
    /// The first number of completed steps above `step` at which it wants to look, if any.
    fn next(&self, step: u64) -> Option<u64>;

    /// Looks.
    ///
    /// # Errors
    /// Any error ends the run with [`Error::Observer`](crate::Error::Observer).
    fn observe(&mut self, moment: &Moment<'_, F>) -> Result<Flow, BoxError>;
}

/// Every so many steps after a burn-in: steps s > burn-in with s − burn-in a multiple of the
/// interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    interval: u64,
    burn_in: u64,
}

impl Every {
    /// Every `interval` steps.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the interval is 0.
    pub fn new(interval: usize) -> Result<Self> {
        count("every", interval, 1, u32::MAX as usize, "a whole number from 1 to 4294967295")?;
        Ok(Self { interval: interval as u64, burn_in: 0 })
    }

    /// After the first `burn_in` steps.
    pub fn after(mut self, burn_in: usize) -> Self {
        self.burn_in = burn_in as u64;
        self
    }

    /// The first number of completed steps above `step` that it names.
    pub fn next(&self, step: u64) -> u64 {
        let past = step.saturating_sub(self.burn_in);
        self.burn_in + (past / self.interval + 1) * self.interval
    }

    /// How many it names in a run of `steps` steps.
    pub fn count(&self, steps: usize) -> usize {
        ((steps as u64).saturating_sub(self.burn_in) / self.interval) as usize
    }
}

/// Keeps the positions of all chains every so many steps.
#[derive(Clone, Debug)]
pub struct Trace<F> {
    every: Every,
    frames: Vec<Array2<F>>,
    steps: Vec<u64>,
}

impl<F: Real> Trace<F> {
    /// Keeps nothing yet.
    pub fn new(every: Every) -> Self {
        Self { every, frames: Vec::new(), steps: Vec::new() }
    }

    /// The steps at which positions were kept.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// The positions kept, (saved, chains, dim). Empty if nothing was kept.
    pub fn positions(&self) -> Array3<F> {
        let (chains, dim) = self.frames.first().map_or((0, 0), |frame| frame.dim());
        let mut all = Array3::zeros((self.frames.len(), chains, dim));
        for (mut to, frame) in all.axis_iter_mut(Axis(0)).zip(&self.frames) {
            to.assign(frame);
        }
        all
    }
}

impl<F: Real> Observer<F> for Trace<F> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, moment: &Moment<'_, F>) -> Result<Flow, BoxError> {
        self.frames.push(moment.positions().to_owned());
        self.steps.push(moment.step);
        Ok(Flow::Continue)
    }
}

/// Mean and covariance of the positions over chains and observed steps, in f64, without keeping
/// them.
#[derive(Clone, Debug)]
pub struct MomentsObserver {
    every: Every,
    moments: Option<RunningMoments>,
    non_finite: usize,
}

impl MomentsObserver {
    /// Has seen nothing yet.
    pub fn new(every: Every) -> Self {
        Self { every, moments: None, non_finite: 0 }
    }

    /// Positions seen.
    pub fn count(&self) -> usize {
        self.moments.as_ref().map_or(0, RunningMoments::count)
    }

    /// Positions left out because a coordinate was NaN or infinite, as can happen where divergence
    /// is ignored.
    pub fn non_finite(&self) -> usize {
        self.non_finite
    }

    /// Their mean, (dim); none before the first.
    pub fn mean(&self) -> Option<Array1<f64>> {
        self.moments.as_ref().and_then(|moments| moments.mean().ok())
    }

    /// Their covariance, (dim, dim); none before the second.
    pub fn covariance(&self) -> Option<Array2<f64>> {
        self.moments.as_ref().and_then(|moments| moments.covariance().ok())
    }
}

impl<F: Real> Observer<F> for MomentsObserver {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, moment: &Moment<'_, F>) -> Result<Flow, BoxError> {
        if self.moments.is_none() {
            self.moments = Some(RunningMoments::new(moment.dim)?);
        }
        let Some(moments) = &mut self.moments else { return Ok(Flow::Continue) };
        // Blocks of rows keep the f64 copy small.
        for block in moment.positions().axis_chunks_iter(Axis(0), 1024) {
            let block = block.mapv(F::widen);
            if block.iter().all(|x| x.is_finite()) {
                moments.push_rows(block.view())?;
                continue;
            }
            for row in block.axis_chunks_iter(Axis(0), 1) {
                if row.iter().all(|x| x.is_finite()) {
                    moments.push_rows(row)?;
                } else {
                    self.non_finite += 1;
                }
            }
        }
        Ok(Flow::Continue)
    }
}

/// Ends a run as soon as a condition holds at an observed step.
pub struct StopWhen<C> {
    every: Every,
    condition: C,
}

impl<C> StopWhen<C> {
    /// Ends the run when `condition` says so.
    pub fn new<F>(every: Every, condition: C) -> Self
    where
        C: FnMut(&Moment<'_, F>) -> bool,
    {
        Self { every, condition }
    }
}

impl<F: Real, C: FnMut(&Moment<'_, F>) -> bool> Observer<F> for StopWhen<C> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, moment: &Moment<'_, F>) -> Result<Flow, BoxError> {
        Ok(if (self.condition)(moment) { Flow::Stop } else { Flow::Continue })
    }
}
