//! An observer that takes mean and covariance.

use std::ops::ControlFlow;

use ndarray::{Array1, Array2, Axis};

use super::observe::{Every, Observer, Snapshot};
use crate::error::{BoxError, Result};
use crate::metrics::RunningMoments;
use crate::real::Real;

/// Mean and covariance of the positions, over chains and observed steps. The sums are in f64. No
/// position is kept.
#[derive(Clone, Debug)]
pub struct MomentsObserver {
    every: Every,
    moments: Option<RunningMoments>,
    non_finite: usize,
}

impl MomentsObserver {
    /// An observer without positions yet.
    pub fn new(every: Every) -> Self {
        Self { every, moments: None, non_finite: 0 }
    }

    /// The number of positions in the moments.
    pub fn count(&self) -> usize {
        self.moments.as_ref().map_or(0, RunningMoments::count)
    }

    /// The number of positions left out because a coordinate was NaN or infinite. This can happen
    /// with [`NonFinite::Ignore`](crate::run::NonFinite::Ignore).
    pub fn non_finite(&self) -> usize {
        self.non_finite
    }

    /// The mean, (dim), or `None` without positions.
    pub fn mean(&self) -> Option<Array1<f64>> {
        self.moments.as_ref().and_then(|moments| moments.mean().ok())
    }

    /// The covariance, (dim, dim), or `None` with fewer than two positions.
    pub fn covariance(&self) -> Option<Array2<f64>> {
        self.moments.as_ref().and_then(|moments| moments.covariance().ok())
    }
}

impl<F: Real> Observer<F> for MomentsObserver {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        if self.moments.is_none() {
            self.moments = Some(RunningMoments::new(snapshot.dim)?);
        }
        let Some(moments) = &mut self.moments else { return Ok(ControlFlow::Continue(())) };
        // Blocks of rows keep the f64 copy small.
        for block in snapshot.positions().axis_chunks_iter(Axis(0), 1024) {
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
        Ok(ControlFlow::Continue(()))
    }
}
