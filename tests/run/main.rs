//! Runs: same bits for the same arguments, errors, observers, and no allocation in later steps.

mod bad_drifts;
mod chains;
mod checkpoints;
mod constructors;
mod cost;
#[cfg(feature = "serde")]
mod draws;
mod hostile;
mod outside;
mod parts;
mod precision;
mod ranks;
mod reproducible;
mod runs;
#[path = "../support/mod.rs"]
mod support;

instruction_set_probe!();
