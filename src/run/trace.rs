//! An observer that keeps positions.

use std::ops::ControlFlow;

use ndarray::{Array2, Array3, Axis};

use super::observe::{Every, Observer, Snapshot};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// Keeps the positions of all chains every so many steps.
#[derive(Clone, Debug)]
pub struct Trace<F> {
    every: Every,
    frames: Vec<Array2<F>>,
    steps: Vec<u64>,
}

impl<F: Real> Trace<F> {
    /// An empty trace.
    pub fn new(every: Every) -> Self {
        Self { every, frames: Vec::new(), steps: Vec::new() }
    }

    /// The steps at which positions were kept.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// The kept positions, (saved, chains, dim). The array is empty if nothing was kept.
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

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        self.frames.push(snapshot.positions().to_owned());
        self.steps.push(snapshot.step);
        Ok(ControlFlow::Continue(()))
    }
}
