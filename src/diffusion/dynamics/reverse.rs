//! Variance-preserving diffusions run backwards: the reverse SDE and the probability-flow ODE, in
//! Ornstein–Uhlenbeck time.

use crate::dynamics::{ContinuousDynamics, LinearDynamics, Transition};
use crate::math::block::{Block, ZERO, one};
use crate::state::Layout;

/// The reverse SDE of the Ornstein–Uhlenbeck process dx = −x dt + √2 dW; the drift is the score of
/// the noised data.
///
/// ```text
/// dX = (X + 2 b(X, s)) ds + √2 dW          b = score at OU time T − s
/// A = e^h    G = 2 (e^h − 1)    Q = e^(2h) − 1
/// ```
///
/// A VP process with rate β(t) is this one under the clock ½∫β, where its coefficients are
/// constant. With [`EulerMaruyama`](crate::EulerMaruyama) it is the exponential integrator of the
/// reverse SDE.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReverseSde;

/// The probability-flow ODE of the Ornstein–Uhlenbeck process; the drift is the score of the noised
/// data.
///
/// ```text
/// dX = (X + b(X, s)) ds                    b = score at OU time T − s
/// A = e^h    G = e^h − 1    Q = 0
/// ```
///
/// Deterministic: it carries the noised law at every time to that at any other. Source: Song et al.
/// 2021; with [`RandomizedMidpoint`](crate::RandomizedMidpoint) the predictor of Gupta, Cai & Chen
/// 2024 (arXiv 2406.00924).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProbabilityFlow;

const LAYOUT: Layout = Layout::POSITION;

impl LinearDynamics for ReverseSde {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn transition(&self, _: f64, length: f64) -> Transition {
        Transition {
            propagator: one(libm::exp(length)),
            gain: one(2.0 * libm::expm1(length)),
            covariance: one(libm::expm1(2.0 * length)),
        }
    }

    fn is_autonomous(&self) -> bool {
        true
    }
}

impl ContinuousDynamics for ReverseSde {
    fn rate(&self, _: f64) -> Block {
        one(2.0)
    }

    fn generator(&self, _: f64) -> Block {
        one(1.0)
    }

    fn intensity(&self, _: f64) -> Block {
        one(2.0)
    }
}

impl LinearDynamics for ProbabilityFlow {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn transition(&self, _: f64, length: f64) -> Transition {
        Transition {
            propagator: one(libm::exp(length)),
            gain: one(libm::expm1(length)),
            covariance: ZERO,
        }
    }

    fn is_autonomous(&self) -> bool {
        true
    }
}

impl ContinuousDynamics for ProbabilityFlow {
    fn rate(&self, _: f64) -> Block {
        one(1.0)
    }

    fn generator(&self, _: f64) -> Block {
        one(1.0)
    }

    fn intensity(&self, _: f64) -> Block {
        ZERO
    }
}
