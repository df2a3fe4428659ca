//! Overdamped Langevin dynamics: a position driven by the score.

use super::closed_form::{ClosedForm, Form};
use super::linear::{ContinuousDynamics, LinearDynamics};
use super::transition::Transition;
use crate::math::block::{Block, ZERO};
use crate::state::Layout;

/// Overdamped Langevin dynamics, stationary for the density π.
///
/// ```text
/// dX = b(X) dt + √2 dW          b = ∇ log π
/// A = 1    G = h    Q = 2h
/// ```
///
/// With Euler–Maruyama this is Langevin Monte Carlo, also called the unadjusted Langevin algorithm
/// (ULA).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overdamped;

impl LinearDynamics for Overdamped {
    fn layout(&self) -> Layout {
        Layout::POSITION.keeping_low_part()
    }

    fn transition(&self, _: f64, length: f64) -> Transition {
        Transition {
            propagator: [[1.0, 0.0], [0.0, 0.0]],
            gain: [[length, 0.0], [0.0, 0.0]],
            covariance: [[2.0 * length, 0.0], [0.0, 0.0]],
        }
    }

    fn is_autonomous(&self) -> bool {
        true
    }
}

impl ContinuousDynamics for Overdamped {
    fn rate(&self, _: f64) -> Block {
        [[1.0, 0.0], [0.0, 0.0]]
    }

    fn generator(&self, _: f64) -> Block {
        ZERO
    }

    fn intensity(&self, _: f64) -> Block {
        [[2.0, 0.0], [0.0, 0.0]]
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        Some(ClosedForm(Form::Overdamped))
    }
}
