//! Trained networks: perceptrons with residuals, conditioned on time and label, from safetensors
//! files, and what networks of every format have in common.
//!
//! The format is docs/network-format.md: tensors under the names of PyTorch's `state_dict()`, and a
//! description of the layers in the header. [`Network::load`] reads and checks all of it;
//! [`Trained::denoiser`] makes a model of noised data.
//!
//! ```no_run
//! use langevin::network::Network;
//! use langevin::prelude::*;
//!
//! let network = Network::load("examples/models/digits.safetensors")?;
//! let sevens = network.denoiser()?.with_label(Some(7))?;
//! let plan = Method::named("ddim")?.plan(sevens.process(), 50)?;
//! let samples = plan.run_in::<f32>(&sevens)?.chains(16).run()?;
//! # Ok::<(), Error>(())
//! ```
//!
//! Numbers are f32 inside, also in runs of f64. Chains are lanes, and every sum runs in an order of
//! its own. The result for a row does not depend on the other rows, on the instruction set, or on
//! whether its time was given once for all rows or for each.

mod card;
mod denoiser;
mod engine;
mod perceptron;
mod problem;
mod trained;

pub use card::{Card, TimeInput};
pub use denoiser::TrainedDenoiser;
pub use engine::{Conditions, Engine, Numbers};
pub use perceptron::Perceptron;
pub use trained::Trained;

/// A perceptron from a file of docs/network-format.md.
pub type Network = Trained<Perceptron>;
