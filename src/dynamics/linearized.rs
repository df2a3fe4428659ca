//! A wrapper that gives any continuous dynamics the coefficients of the plain Euler scheme.

use super::linear::{ContinuousDynamics, LinearDynamics};
use super::transition::Transition;
use crate::math::block::{self, IDENTITY};
use crate::state::Layout;

/// Replaces the exact coefficients of a dynamics by those of the explicit Euler scheme.
///
/// ```text
/// A = I + h L    G = h J    Q = h S Sᵀ
/// ```
///
/// With this wrapper Euler–Maruyama is the Euler–Maruyama scheme in the plain sense. It has order
/// 1, as with the exact coefficients, but it is stable only for small steps. It exists for
/// comparison with other software. A Poisson midpoint step imitates K small Euler steps, each
/// linearized.
///
/// The wrapper is deliberately no [`ContinuousDynamics`]. Its coefficients do not compose, so inner
/// times have no meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linearized<D>(D);

impl<D: ContinuousDynamics> Linearized<D> {
    /// Wraps the dynamics.
    pub fn new(dynamics: D) -> Self {
        Self(dynamics)
    }
}

impl<D: ContinuousDynamics> LinearDynamics for Linearized<D> {
    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn transition(&self, start: f64, length: f64) -> Transition {
        Transition {
            propagator: block::sum(&IDENTITY, &block::scaled(&self.0.generator(start), length)),
            gain: block::scaled(&self.0.rate(start), length),
            covariance: block::scaled(&self.0.intensity(start), length),
        }
    }

    fn is_autonomous(&self) -> bool {
        self.0.is_autonomous()
    }
}
