//! Linear dynamics: the part of a sampler's equation that is solved exactly, as small matrices of
//! coefficients.
//!
//! ```text
//! dX = (L X + J b(X, t)) dt + S dW              b: the drift, expensive and nonlinear
//! X(t + h) = A X(t) + G b + N(0, Q)             for a drift frozen over the step
//! ```

mod ancestral;
mod dpm_solver;
mod linearized;
mod noiseless;
mod overdamped;
mod phase;
mod reverse;
mod split;
mod transition;
mod underdamped;

pub use ancestral::Ancestral;
pub use dpm_solver::DpmSolver;
pub use linearized::Linearized;
pub use noiseless::Noiseless;
pub use overdamped::Overdamped;
pub use phase::{PsldFlow, ReversePsld};
pub use reverse::{ProbabilityFlow, ReverseSde};
pub use split::{Letter, PhaseSpace};
pub use transition::Transition;
pub use underdamped::Underdamped;

use crate::math::block::Block;

/// The blocks of a state and which of them the drift sees.
///
/// A state has shape (chains, (`blocks` + `carried`)·dim). The drift receives the first `inputs`
/// blocks and returns as many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// 1 (position) or 2 (position, momentum).
    pub blocks: usize,
    /// Blocks that the drift reads and writes: 1 or 2, at most `blocks`.
    pub inputs: usize,
    /// Variance of the second block under the stationary law: what it is drawn from when only
    /// positions are given.
    pub momentum_variance: f64,
    /// Blocks behind the others in which a sampler keeps the drift it will need again, so that it
    /// is evaluated once: 0 or 1. They are no part of the law and add no information: without them
    /// a step evaluates the drift and gives the same bits.
    pub carried: usize,
}

impl Layout {
    /// Columns of a state whose blocks have `dim` columns.
    pub(crate) fn columns(&self, dim: usize) -> usize {
        (self.blocks + self.carried) * dim
    }
}

/// An equation whose linear part is solved exactly over an interval.
///
/// Implementations own the physical constants, validated in `new`, and touch neither arrays nor
/// random numbers.
pub trait LinearDynamics: Send + Sync {
    /// The name used on the command line and in reports.
    fn name(&self) -> &'static str;

    /// Blocks of the state and of the drift.
    fn layout(&self) -> Layout;

    /// Propagator A, gain G and noise covariance Q from time `start` over `length` ≥ 0.
    fn transition(&self, start: f64, length: f64) -> Transition;

    /// True if `transition` depends on `length` alone; samplers then keep what they computed from
    /// one step to the next.
    fn is_autonomous(&self) -> bool;
}

/// Linear dynamics in continuous time: inner times of a step may be anywhere, as randomized
/// midpoints need.
pub trait ContinuousDynamics: LinearDynamics {
    /// The rate J(t) at which the drift enters: (blocks × inputs) numbers.
    fn rate(&self, time: f64) -> Block;

    /// The matrix L(t) of the linear part: (blocks × blocks) numbers.
    fn generator(&self, time: f64) -> Block;

    /// The noise intensity S Sᵀ at a time: (blocks × blocks) numbers.
    fn intensity(&self, time: f64) -> Block;
}

impl<D: LinearDynamics + ?Sized> LinearDynamics for Box<D> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn layout(&self) -> Layout {
        (**self).layout()
    }
    fn transition(&self, start: f64, length: f64) -> Transition {
        (**self).transition(start, length)
    }
    fn is_autonomous(&self) -> bool {
        (**self).is_autonomous()
    }
}

impl<D: ContinuousDynamics + ?Sized> ContinuousDynamics for Box<D> {
    fn rate(&self, time: f64) -> Block {
        (**self).rate(time)
    }
    fn generator(&self, time: f64) -> Block {
        (**self).generator(time)
    }
    fn intensity(&self, time: f64) -> Block {
        (**self).intensity(time)
    }
}
