//! The noise: Philox against an independent implementation, distributions, independence, purity,
//! and pinned bits.
//!
//! # False alarms
//!
//! All seeds are fixed, so a test passes always or never. The false-alarm rate is the probability
//! that a *right* library fails at the seeds and addresses that were chosen. Every Monte-Carlo
//! assertion goes through [`checks::Checks::accept`]. It compares a p-value, or a proven upper
//! bound of one, with [`checks::LEVEL`] = 1e-9. Every test states how many assertions it makes and
//! fails if the number is wrong:
//!
//! | test | assertions |
//! |---|---|
//! | `normals_are_normal` | 45 |
//! | `radius_and_angle_are_independent` | 12 |
//! | `normals_of_neighbouring_streams_are_uncorrelated` | 136 |
//! | `normals_of_neighbouring_seeds_are_uncorrelated` | 24 |
//! | `uniforms_are_uniform` | 12 |
//! | `uniforms_of_neighbouring_streams_are_uncorrelated` | 48 |
//! | `generator_with_*` | 2 × 56 |
//! | together | 389: false alarms below 3.9e-7 |
//!
//! `different_addresses_give_different_numbers` adds less than 1e-18. The bounds are exact or
//! conservative. The exception is Pearson's chi-square, whose distribution is a limit. With λ
//! expected per cell its third cumulant is 8 + 22/λ in place of 8. At the λ ≥ 900 used here this
//! moves a p-value of 1e-9 by less than 2 %.

mod checks;
mod distribution;
mod independence;
mod numbers;
mod philox;
mod pinned;
mod purity;
#[path = "../support/mod.rs"]
mod support;

instruction_set_probe!();
