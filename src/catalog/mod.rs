//! Methods and dynamics for sampling a density, by name: what they are, their options, and their
//! samplers.

mod build;
mod list;
mod options;

pub use build::sampler;
pub use list::{DYNAMICS, DynamicsEntry, METHODS, MethodEntry, Pair, dynamics, method, pairs};
pub use options::Options;
