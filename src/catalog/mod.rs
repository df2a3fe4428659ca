//! The methods and dynamics for sampling a density, by name: descriptions, options and samplers.

mod build;
mod list;
mod options;

pub use build::sampler;
pub use list::{
    DYNAMICS, DynamicsEntry, METHODS, MethodEntry, Pair, dynamics, method, overview, pairs,
};
pub use options::Options;
