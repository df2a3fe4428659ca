//! Any dynamics without its noise, as a wrapper: the last step of a reverse process.

use super::linear::LinearDynamics;
use super::transition::Transition;
use crate::math::block::ZERO;
use crate::state::Layout;

/// Leaves out the noise of a dynamics: Q = 0, the rest unchanged.
///
/// A sampler of a reverse SDE stops at a small time and takes one such step to the data, so that no
/// fresh noise is left in them. Drawing no noise in it, the step is deterministic.
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
