//! The distances that a comparison can take.

use crate::options::by_name;

/// A distance of samples from what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metric {
    /// W₂ of the distances to the nearest mode from their distribution, in standard deviations; for
    /// a target of few modes.
    Radial,
    /// Sliced W₂.
    Sliced,
    /// Energy distance.
    Energy,
    /// Squared Fréchet distance of the numbers themselves.
    Frechet,
    /// Squared Fréchet distance of their features.
    Features,
    /// Share of samples that are copies of a row of the reference: three times nearer to it than to
    /// any other.
    Copies,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 6] =
        [Self::Radial, Self::Sliced, Self::Energy, Self::Frechet, Self::Features, Self::Copies];

    /// Its name: `radial`, `sliced`, `energy`, `frechet`, `features` or `copies`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Radial => "radial",
            Self::Sliced => "sliced",
            Self::Energy => "energy",
            Self::Frechet => "frechet",
            Self::Features => "features",
            Self::Copies => "copies",
        }
    }

    /// The label of an axis.
    pub fn label(self) -> &'static str {
        match self {
            Self::Radial => "W2 of distances to the nearest mode",
            Self::Sliced => "sliced W2",
            Self::Energy => "energy distance",
            Self::Frechet => "squared Fréchet distance",
            Self::Features => "squared Fréchet distance of features",
            Self::Copies => "share of copies",
        }
    }
}

by_name!(Metric, "metric");
