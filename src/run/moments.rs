//! An observer that takes the mean and the variances, or the covariance.

use std::ops::ControlFlow;

use ndarray::{Array1, Array2, Axis};

use super::observe::{Every, Observer, Snapshot};
use crate::error::{BoxError, Result};
use crate::metrics::RunningMoments;
use crate::real::Real;

/// The largest dimension in which a covariance is taken without being asked for.
pub(super) const FEW_DIMENSIONS: usize = 8;

/// Sums for the mean, and for the covariance where it is asked for or has few numbers.
pub(super) fn sums(dim: usize, full: bool) -> Result<RunningMoments> {
    if full || dim <= FEW_DIMENSIONS {
        return RunningMoments::new(dim);
    }
    RunningMoments::variances(dim)
}

/// Mean and variances of the positions, over chains and observed steps. The sums are in f64. No
/// position is kept.
///
/// The covariance is taken too in up to 8 dimensions. In more, use [`full`](Self::full). It costs
/// dim² operations for every position.
#[derive(Clone, Debug)]
pub struct MomentsObserver {
    every: Every,
    full: bool,
    moments: Option<RunningMoments>,
    non_finite: usize,
}

impl MomentsObserver {
    /// An observer without positions yet.
    pub fn new(every: Every) -> Self {
        Self { every, full: false, moments: None, non_finite: 0 }
    }

    /// An observer that takes the covariance in any dimension.
    pub fn full(every: Every) -> Self {
        Self { full: true, ..Self::new(every) }
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

    /// The variances, (dim), or `None` with fewer than two positions.
    pub fn variance(&self) -> Option<Array1<f64>> {
        self.moments.as_ref().and_then(|moments| moments.variance().ok())
    }

    /// The covariance, (dim, dim), or `None` with fewer than two positions. `None` also above 8
    /// dimensions, unless the observer is [`full`](Self::full).
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
            self.moments = Some(sums(snapshot.dim, self.full)?);
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
