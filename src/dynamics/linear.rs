//! The traits of a dynamics: an equation whose linear part is solved exactly, with small matrices.

use super::closed_form::ClosedForm;
use super::transition::Transition;
use crate::math::block::Block;
use crate::state::Layout;

/// An equation whose linear part is solved exactly over an interval.
///
/// Implementations hold the physical constants, which `new` checks. They use no arrays and no
/// random numbers.
pub trait LinearDynamics: Send + Sync {
    /// The blocks of the state and of the drift.
    fn layout(&self) -> Layout;

    /// Propagator A, gain G and noise covariance Q from time `start` over `length` ≥ 0.
    fn transition(&self, start: f64, length: f64) -> Transition;

    /// True if `transition` depends on `length` alone. Samplers then reuse their coefficients from
    /// step to step.
    fn is_autonomous(&self) -> bool;

    /// A clock in which the drift changes at an even pace. Importance odds of a
    /// [`PoissonMidpoint`](crate::PoissonMidpoint) measure with it how far the drift has moved. It
    /// is the time itself, unless the dynamics knows better. A chain of noise levels has λ = ½
    /// log(ᾱ/(1−ᾱ)).
    fn drift_clock(&self, time: f64) -> f64 {
        time
    }
}

/// Linear dynamics in continuous time. A step can have inner times anywhere, as randomized
/// midpoints require.
pub trait ContinuousDynamics: LinearDynamics {
    /// The rate J(t) at which the drift enters, (blocks × inputs).
    fn rate(&self, time: f64) -> Block;

    /// The matrix L(t) of the linear part, (blocks × blocks).
    fn generator(&self, time: f64) -> Block;

    /// The noise intensity S Sᵀ at a time, (blocks × blocks).
    fn intensity(&self, time: f64) -> Block;

    /// The kernel of the transitions, if this crate has one. The rate is then constant.
    #[doc(hidden)]
    fn closed_form(&self) -> Option<ClosedForm> {
        None
    }
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
    fn drift_clock(&self, time: f64) -> f64 {
        (**self).drift_clock(time)
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
    fn closed_form(&self) -> Option<ClosedForm> {
        (**self).closed_form()
    }
}
