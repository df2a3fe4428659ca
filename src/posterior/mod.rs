//! Posteriors: draws that are tuned without being asked, with a bias that is measured.
mod curvature;
mod diagnosis;
mod matching;
mod pair;
mod sampling;
mod scaling;
mod tune;
mod tuned;

pub use curvature::largest_curvature;
pub use diagnosis::{Check, Diagnosis, Verdict};
pub use sampling::{Outcome, Sampling, sample};
pub use tuned::Tuned;

use crate::noise::splitmix::SplitMix64;

/// A seed for a part of a run.
fn stream(seed: u64, part: u64) -> u64 {
    SplitMix64::new(seed ^ SplitMix64::new(part).bits()).bits()
}
