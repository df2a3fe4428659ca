//! Trained networks as models for [`diffusion`](crate::diffusion): feature `mlp`.
//!
//! [`Network::load`] reads a perceptron from a safetensors file and checks it. The file holds
//! tensors with the names of PyTorch's `state_dict()` and a description of the layers. The format
//! is described in `docs/network-format.md` of the source. [`Trained::denoiser`] turns the network
//! into a model, with or without a label and guidance.
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
//! A network computes in f32, also in runs of f64. The result for a row does not depend on the
//! other rows or on the instruction set.
//!
//! For a network of another kind implement [`Engine`], its forward pass. [`Trained`] adds labels,
//! guidance, the process and the checks to every engine.

mod card;
mod denoiser;
pub(crate) mod description;
mod engine;
pub(crate) mod object;
mod of_chains;
mod perceptron;
pub(crate) mod problem;
mod trained;

pub use card::{Card, TimeInput};
pub use denoiser::TrainedDenoiser;
pub use engine::{Conditions, Engine, Labels, NamedInput, Numbers, Values};
pub use perceptron::Perceptron;
pub use trained::Trained;

/// A perceptron from a file of docs/network-format.md.
pub type Network = Trained<Perceptron>;
