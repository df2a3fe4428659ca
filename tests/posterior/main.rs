//! Posteriors: other coordinates, coupled noise, the warm-up, and what a diagnosis says.

mod adjusted;
mod agreement;
mod coordinates;
mod diagnosed;
mod gradients;
mod logistic;
mod parts;
mod regressions;
mod sampled;
#[path = "../support/mod.rs"]
mod support;
mod targets;

instruction_set_probe!();
