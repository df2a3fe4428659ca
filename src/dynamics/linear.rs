//! What a dynamics is: an equation whose linear part is solved exactly, as small matrices.

use super::transition::Transition;
use crate::math::block::Block;
use crate::state::Layout;

/// An equation whose linear part is solved exactly over an interval.
///
/// Implementations own the physical constants, validated in `new`, and touch neither arrays nor
/// random numbers.
pub trait LinearDynamics: Send + Sync {
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
