//! The two ways to select the sub-steps that get their own drift.

use crate::options::by_name;

/// Which of the K sub-steps of a step get their own drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Selection {
    /// Each sub-step by an independent coin of probability 1/K (option 1 of the paper, PLMC-1).
    Bernoulli,
    /// Exactly one sub-step, uniformly (option 2, PLMC-2).
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
