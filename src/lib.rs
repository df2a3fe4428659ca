//! Samplers for Langevin dynamics and diffusion models on ndarray.
#![deny(unsafe_code)]
#![deny(missing_debug_implementations)]
#![warn(missing_docs)]

pub use ndarray;

pub mod advanced;
pub mod catalog;
pub mod compare;
pub mod diffusion;
pub mod drift;
pub mod dynamics;
mod error;
mod grid;
#[cfg(feature = "plot")]
pub mod image;
mod math;
pub mod metrics;
#[cfg(feature = "mlp")]
pub mod network;
mod noise;
#[cfg(feature = "onnx")]
pub mod onnx;
mod options;
#[cfg(feature = "plot")]
pub mod plot;
pub mod prelude;
pub mod probe;
mod real;
pub mod run;
pub mod sampler;
mod scratch;
mod state;

pub use drift::{Batched, Drift, GaussianMixture, PerRow};
pub use dynamics::{Overdamped, Underdamped};
pub use error::{BoxError, Error, Result};
pub use grid::TimeGrid;
pub use real::Real;
pub use run::{Run, Samples};
pub use sampler::{EulerMaruyama, PoissonMidpoint, RandomizedMidpoint, Splitting};
