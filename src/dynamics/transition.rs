//! The effect of linear dynamics on a state over an interval, and the composition of two intervals.

use crate::math::block::{self, Block};

/// Propagator A, gain G and noise covariance Q of one interval: X⁺ = A X + G b + N(0, Q).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// A: the factor of the state itself, (blocks × blocks).
    pub propagator: Block,
    /// G: the effect of a drift held constant over the interval, (blocks × inputs).
    pub gain: Block,
    /// Q: covariance of the noise of the interval, (blocks × blocks), symmetric.
    pub covariance: Block,
}

impl Transition {
    /// The transition over an interval of length zero.
    pub const IDENTITY: Self =
        Self { propagator: block::IDENTITY, gain: block::ZERO, covariance: block::ZERO };

    /// The result of a dynamics at times where it is not defined. All entries are NaN, so every run
    /// notices it.
    pub const UNDEFINED: Self = Self {
        propagator: [[f64::NAN; 2]; 2],
        gain: [[f64::NAN; 2]; 2],
        covariance: [[f64::NAN; 2]; 2],
    };

    /// This interval followed by `next`:
    ///
    /// ```text
    /// A(0,2) = A(1,2) A(0,1)
    /// G(0,2) = A(1,2) G(0,1) + G(1,2)
    /// Q(0,2) = A(1,2) Q(0,1) A(1,2)ᵀ + Q(1,2)
    /// ```
    pub fn then(&self, next: &Self) -> Self {
        let a = &next.propagator;
        Self {
            propagator: block::product(a, &self.propagator),
            gain: block::sum(&block::product(a, &self.gain), &next.gain),
            covariance: block::sum(
                &block::product(&block::product(a, &self.covariance), &block::transpose(a)),
                &next.covariance,
            ),
        }
    }

    /// The same interval, with the standard deviation of its noise multiplied by `factor`.
    pub fn with_noise_scaled(mut self, factor: f64) -> Self {
        self.covariance = block::scaled(&self.covariance, factor * factor);
        self
    }
}
