//! The ways to select the sub-steps that get their own drift.

use crate::options::by_name;

/// Which of the K sub-steps of a step get their own drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Selection {
    /// Each sub-step by an independent coin (option 1 of the paper, PLMC-1).
    Bernoulli,
    /// Exactly one sub-step (option 2, PLMC-2).
    #[default]
    Single,
}

impl Selection {
    /// Both selections.
    pub const ALL: [Self; 2] = [Self::Bernoulli, Self::Single];

    /// Its name: `bernoulli` or `single`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bernoulli => "bernoulli",
            Self::Single => "single",
        }
    }
}

by_name!(Selection, "selection");

/// How likely each sub-step is selected. The mean over the coins is the same for all odds, because
/// a correction is divided by the probability of its sub-step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Odds {
    /// All sub-steps alike, 1/K (the paper).
    #[default]
    Uniform,
    /// Sub-steps with a large weight, late in the step, more often:
    ///
    /// ```text
    /// qᵢ = 0.1/K + 0.9 uᵢ/Σu     uᵢ = |wᵢ| |λᵢ − λ₀|     wᵢ = A(i+1, K) G′ᵢ
    /// ```
    ///
    /// λ is [`LinearDynamics::drift_clock`](crate::dynamics::LinearDynamics::drift_clock). The
    /// second moment of a correction is at most ten times the one of uniform odds.
    Importance,
}

impl Odds {
    /// Both odds.
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Importance];

    /// Its name: `uniform` or `importance`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Importance => "importance",
        }
    }
}

by_name!(Odds, "selection");

/// How a step selects its sub-steps and scales their noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    pub selection: Selection,
    pub odds: Odds,
    pub noise_scale: f64,
}

impl Rule {
    /// Option 2 of the paper.
    pub const PAPER: Self =
        Self { selection: Selection::Single, odds: Odds::Uniform, noise_scale: 1.0 };
}
