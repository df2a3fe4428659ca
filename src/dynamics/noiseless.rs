//! A wrapper that removes the noise of a dynamics, for the last step of a reverse process.

use super::linear::LinearDynamics;
use super::transition::Transition;
use crate::math::block::ZERO;
use crate::state::Layout;

/// Removes the noise of a dynamics. Q = 0, and the rest is unchanged.
///
/// A sampler of a reverse SDE stops at a small time. It then takes one such step to the data, so
/// that no fresh noise remains in them. The step draws no noise and is deterministic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noiseless<D>(D);

impl<D: LinearDynamics> Noiseless<D> {
    /// Wraps the dynamics.
    pub fn new(dynamics: D) -> Self {
        Self(dynamics)
    }
}

impl<D: LinearDynamics> LinearDynamics for Noiseless<D> {
    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn transition(&self, start: f64, length: f64) -> Transition {
        Transition { covariance: ZERO, ..self.0.transition(start, length) }
    }

    fn is_autonomous(&self) -> bool {
        self.0.is_autonomous()
    }
}
