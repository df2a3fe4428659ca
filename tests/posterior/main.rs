//! Posteriors: other coordinates, coupled noise, the warm-up, and what a diagnosis says.

mod adjusted;
mod coordinates;
mod diagnosed;
mod gradients;
mod regressions;
mod sampled;
mod targets;
