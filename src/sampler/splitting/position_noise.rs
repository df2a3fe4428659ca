//! The noise that the O of a reduced splitting gives to the position.

use crate::grid::Interval;

/// How much noise the O of a reduced splitting gives to the position of a phase-space diffusion.
/// `scale` is λ.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PositionNoise {
    /// Variance 1 − e^(−Γλh). λ = 1 is the exact O.
    Step {
        /// λ ≥ 0.
        scale: f64,
    },
    /// Variance 1 − e^(−Γλτ̄), where τ̄ is the time left at the middle of the step. It gives more
    /// noise early in the run and none at its end.
    Remaining {
        /// λ ≥ 0.
        scale: f64,
        /// The time at which nothing is left, on the clock of the run.
        end: f64,
    },
}

impl PositionNoise {
    /// The exact noise of the step.
    pub(super) const EXACT: Self = Self::Step { scale: 1.0 };

    /// Turns 1 − e^(−Γh), the variance of the position after an exact O, into 1 − e^(−Γλh).
    pub(super) fn scale(&self, variance: &mut f64, length: f64, interval: &Interval) {
        let exponent = match *self {
            Self::Step { scale: 1.0 } => return,
            // λ = 0 gives no noise at all, even in a step so long that the exact variance is 1.
            Self::Step { scale: 0.0 } | Self::Remaining { scale: 0.0, .. } => 0.0,
            Self::Step { scale } => scale,
            Self::Remaining { scale, end } => {
                scale * (end - interval.start - 0.5 * interval.length).max(0.0) / length
            }
        };
        *variance =
            if exponent > 0.0 { -libm::expm1(exponent * libm::log1p(-*variance)) } else { 0.0 };
    }
}
