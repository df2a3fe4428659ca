//! The two ways to select the sub-steps that get their own drift.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

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

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bernoulli => "bernoulli",
            Self::Single => "single",
        })
    }
}

impl FromStr for Selection {
    type Err = Error;

    /// Reads `bernoulli` or `single`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "bernoulli" => Ok(Self::Bernoulli),
            "single" => Ok(Self::Single),
            _ => {
                let known = "bernoulli, single".into();
                Err(Error::Unknown { what: "selection", given: text.into(), known })
            }
        }
    }
}
