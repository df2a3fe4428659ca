//! Euler–Maruyama: keeps the drift constant over a step and solves the linear part exactly. One
//! evaluation per step, weak order 1.

use super::interface::{Sampler, Scheme};
use super::step::Step;
use super::update::Coefficients;
use crate::dynamics::LinearDynamics;
use crate::error::Result;
use crate::grid::Interval;
use crate::real::Real;
use crate::state::Layout;

/// Euler–Maruyama, the exponential integrator of a linear dynamics.
///
/// ```text
/// b  = b(X, t₀)
/// X⁺ = A X + G b + N(0, Q)
/// ```
///
/// - Evaluations: 1 per step. Weak order 1.
/// - On [`Overdamped`](crate::Overdamped) dynamics it is Langevin Monte Carlo (ULA).
/// - On [`Underdamped`](crate::Underdamped) dynamics it is underdamped Langevin Monte Carlo (ULMC,
///   Cheng et al. 2018).
/// - On [`Linearized`](crate::dynamics::Linearized) dynamics it is the plain Euler scheme.
#[derive(Clone, Copy, Debug)]
pub struct EulerMaruyama<D> {
    dynamics: D,
}

impl<D: LinearDynamics> EulerMaruyama<D> {
    /// Euler–Maruyama for this dynamics.
    pub fn new(dynamics: D) -> Self {
        Self { dynamics }
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }
}

impl<D: LinearDynamics> Scheme for EulerMaruyama<D> {
    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }

    fn dynamics(&self) -> Option<&dyn LinearDynamics> {
        Some(&self.dynamics)
    }
}

impl<F: Real, D: LinearDynamics> Sampler<F> for EulerMaruyama<D> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let Interval { start, length, .. } = step.interval;
        let coefficients = Coefficients::new(&self.dynamics.transition(start, length));
        let b = step.drift.at_start(step.state)?;
        let z = step.noise.increment(step.state, &coefficients);
        step.state.update(&coefficients, b, z);
        Ok(())
    }
}
