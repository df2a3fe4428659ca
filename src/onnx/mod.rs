//! Any network from an ONNX file, run by [tract](https://github.com/sonos/tract): feature `onnx`.
//!
//! The file has one or two inputs and one output, f32, in any order and of any names:
//!
//! ```text
//! x   (N, d)   the input of two axes: rows of data; [position | momentum] for psld
//! t   (N)      the input of one axis, if there is one: the number for the time of a row
//! y   (N, d)   the output: the prediction, or (N, m) features
//! ```
//!
//! N is a name, or a number; d is a number. Labels, guidance and embeddings of the time belong
//! inside the graph. A [`Card`](crate::network::Card) says what the file does not.
//! `examples/training/export_onnx.py` writes such files.
//!
//! ```no_run
//! use langevin::network::{Card, TimeInput};
//! use langevin::onnx::OnnxNetwork;
//! use langevin::prelude::*;
//!
//! let process = Process::vp(LevelTable::linear(1000)?);
//! let card = Card::new(process, Prediction::Epsilon, Some(TimeInput::Timestep));
//! let model = OnnxNetwork::load("tests/golden/onnx/digits.onnx", card)?.denoiser()?;
//! let plan = Method::named("ddim")?.plan(model.process(), 50)?;
//! let samples = plan.run_in::<f32>(&model)?.chains(16).run()?;
//! # Ok::<(), Error>(())
//! ```
//!
//! # Which bits
//!
//! On one machine the result of a row does not depend on the rows beside it, so chunks and threads
//! do not change a bit here either: rows run in blocks of one size, the last one filled up. The
//! size is that of the file, or 32 where N is a name. At loading a block of made-up rows runs in
//! several orders; if a row changes by as much as a bit, blocks are of one row
//! ([`OnnxEngine::block`] tells), and a file with a fixed N is refused. That is a test and no
//! proof.
//!
//! Between machines bits **may differ**, unlike those of everything else in this crate: tract
//! chooses its kernels by the processor, and its cosines are those of the platform. Nor is a step
//! free of allocations.
//!
//! A row with NaN or infinity in it comes back as NaN, whatever the network makes of it. Files are
//! trusted: a panic of tract is caught and is an error, but a file made to do so can keep it busy
//! for ever.

mod blocks;
mod engine;
mod plan;
mod problem;
mod signature;

pub use engine::OnnxEngine;

/// A network from an ONNX file.
pub type OnnxNetwork = crate::network::Trained<OnnxEngine>;
