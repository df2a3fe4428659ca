//! The coefficients of an update in f64: built from transitions, and composed.

use crate::dynamics::Transition;
use crate::math::block::{Block, IDENTITY, ZERO, cholesky, product, sum};

/// A, G and C of the update X ← A X + G b + C z, with z standard normal.
///
/// Unlike the covariance C Cᵀ, the matrix C keeps the effect of each normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coefficients {
    pub propagator: Block,
    pub gain: Block,
    pub noise: Block,
}

impl Coefficients {
    /// The update that changes nothing.
    pub(crate) const IDENTITY: Self = Self { propagator: IDENTITY, gain: ZERO, noise: ZERO };

    /// The update of a transition: C is the lower Cholesky factor of Q.
    pub(crate) fn new(transition: &Transition) -> Self {
        Self {
            propagator: transition.propagator,
            gain: transition.gain,
            noise: cholesky(&transition.covariance),
        }
    }

    /// This update followed by a transition that uses the same normals.
    pub(crate) fn then(&self, next: &Transition) -> Self {
        let a = &next.propagator;
        Self {
            propagator: product(a, &self.propagator),
            gain: sum(&product(a, &self.gain), &next.gain),
            noise: sum(&product(a, &self.noise), &cholesky(&next.covariance)),
        }
    }

    /// False for a deterministic update, which draws no numbers.
    pub(crate) fn is_noisy(&self) -> bool {
        self.noise != ZERO
    }

    /// Whether the first block changes.
    pub(super) fn moves_first_block(&self) -> bool {
        self.propagator[0] != IDENTITY[0] || self.gain[0] != ZERO[0] || self.noise[0] != ZERO[0]
    }
}
