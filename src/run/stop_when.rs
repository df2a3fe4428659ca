//! An observer that ends a run.

use std::fmt;
use std::ops::ControlFlow;

use super::observe::{Every, Observer, Snapshot};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// Ends a run as soon as a condition holds at an observed step.
pub struct StopWhen<C> {
    every: Every,
    condition: C,
}

impl<C> StopWhen<C> {
    /// Ends the run when `condition` is true.
    pub fn new<F>(every: Every, condition: C) -> Self
    where
        C: FnMut(&Snapshot<'_, F>) -> bool,
    {
        Self { every, condition }
    }
}

impl<F: Real, C: FnMut(&Snapshot<'_, F>) -> bool + Send> Observer<F> for StopWhen<C> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        Ok(if (self.condition)(snapshot) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }
}

impl<C> fmt::Debug for StopWhen<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopWhen").field("every", &self.every).finish_non_exhaustive()
    }
}
