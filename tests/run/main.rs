//! Runs: same bits for the same arguments, errors, observers, and no allocation in later steps.

mod bad_drifts;
mod chains;
mod checkpoints;
mod constructors;
mod cost;
#[cfg(feature = "serde")]
mod draws;
#[cfg(feature = "serde")]
mod folder;
mod hostile;
mod outside;
mod parts;
mod precision;
mod ranks;
mod reproducible;
mod runs;
#[cfg(feature = "serde")]
mod streams;
#[path = "../support/mod.rs"]
mod support;

instruction_set_probe!();
