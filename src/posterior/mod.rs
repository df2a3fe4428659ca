//! Posteriors: draws that are tuned without being asked, with a bias that is measured.
//!
//! ```
//! use langevin::posterior;
//! use langevin::prelude::*;
//!
//! // ∇ log π of a banana: x₀ ~ N(0, 1), x₁ ~ N(x₀², 1).
//! let gradient = PerRow::new(2, |_time, x: &[f64], out: &mut [f64]| {
//!     let bend = x[1] - x[0] * x[0];
//!     out[0] = 2.0 * x[0] * bend - x[0];
//!     out[1] = -bend;
//! });
//! let outcome = posterior::sample(&gradient, 2)?;
//! println!("{outcome}");
//! assert!(outcome.diagnosis.is_converged());
//! assert!((outcome.summary.parameters[1].mean - 1.0).abs() < 0.1);
//! # Ok::<(), Error>(())
//! ```
//!
//! [`sample`] needs nothing but a gradient. Chains together find the coordinates, the step and the
//! friction: a [`Tuned`]. Then BAOAB runs with a step h, and some chains again with h/2 on the same
//! noise. The [`Diagnosis`] of both says whether the chains have mixed, and how large the bias is.
//! It goes on, with a finer step if need be, until it can be trusted, and says so if it cannot.
//! [`Sampling`] has the options. [`Sampling::adjusted`] accepts or rejects: no bias at all, for a
//! drift with a log density. [`Sampling::part`] runs some of the chains, and [`Sampling::join`]
//! makes one outcome of all parts.
//!
//! [`check_gradient`] compares a gradient with its log density. [`largest_curvature`] bounds the
//! step. [`Preconditioned`](crate::drift::Preconditioned) is the change of coordinates, for any
//! sampler. [`Malt`](crate::sampler::Malt) and [`Mala`](crate::sampler::Mala) have no bias at all.
//!
//! The guide is `docs/posterior.md` of the source.

mod adjusted;
mod block;
mod check_gradient;
mod curvature;
mod diagnosis;
#[cfg(feature = "serde")]
mod form;
mod gathered;
mod matching;
mod outcome;
mod pair;
mod part;
mod part_file;
mod sampling;
mod scaling;
mod search;
mod tune;
mod tuned;

pub use check_gradient::check_gradient;
pub use curvature::largest_curvature;
pub use diagnosis::{Check, Diagnosis, Verdict};
pub use outcome::Outcome;
pub use sampling::{Sampling, sample};
pub use tuned::Tuned;

use crate::noise::splitmix::SplitMix64;

/// A seed for a part of a run.
fn stream(seed: u64, part: u64) -> u64 {
    SplitMix64::new(seed ^ SplitMix64::new(part).bits()).bits()
}
