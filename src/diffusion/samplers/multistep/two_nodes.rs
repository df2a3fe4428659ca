//! How a multistep rule weights two outputs.

use super::weights::moments;
use crate::options::{by_name, named_value};

/// How two outputs are weighted. All are of second order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TwoNodes {
    /// κ = M₀/2: the customary midpoint rule.
    #[default]
    Midpoint,
    /// κ = M₁: the integral of the line through both ("heun" in diffusers). For three outputs it is
    /// the integral of the parabola, of third order; with the midpoint rule they have the customary
    /// weights, whose order is 2.
    Exact,
    /// κ = y/2.
    Linear,
}

impl TwoNodes {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::Midpoint, Self::Exact, Self::Linear];

    /// Its name: `midpoint`, `exact` or `linear`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Midpoint => "midpoint",
            Self::Exact => "exact",
            Self::Linear => "linear",
        }
    }

    /// The weight κ of the change per step.
    pub(super) fn slope(self, y: f64) -> f64 {
        match self {
            Self::Midpoint => 0.5 * -libm::expm1(-y),
            Self::Exact => moments(y)[1],
            Self::Linear => 0.5 * y,
        }
    }
}

by_name!(TwoNodes, "rule of two outputs");

named_value!(TwoNodes);
