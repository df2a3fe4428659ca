//! Any network from an ONNX file, run by [tract](https://github.com/sonos/tract): feature `onnx`.
//!
//! The file has one or two inputs and one output, f32, in any order and of any names:
//!
//! ```text
//! x   (N, d)   rows of data; [position | momentum] for psld         the input of two axes
//! t   (N)      the time of each row, as a number    the input of one axis; optional
//! y   (N, d)   the prediction; (N, m) for features
//! ```
//!
//! N is a name or a number, and d is a number. Labels, guidance and embeddings of the time belong
//! inside the graph. A [`Card`](crate::network::Card) adds what the file does not contain: the
//! process, the prediction and the kind of time. `examples/training/export_onnx.py` writes such
//! files.
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
//! # Reproducibility
//!
//! On one machine the result for a row does not depend on the other rows. So chunks and threads do
//! not change a bit. Rows run in blocks of a fixed size, and the last block is filled up. The size
//! is the N of the file, or 32 if N is a name. When a file is loaded, a block of test rows runs in
//! several orders. If a row changes by a bit, blocks have one row ([`OnnxEngine::block`]), and a
//! file with a fixed N is rejected. This is a test, not a proof.
//!
//! Between machines bits **may differ**, unlike everything else in this crate. tract chooses its
//! kernels by the processor and uses the cosine of the platform. Steps also allocate.
//!
//! # Bad rows and bad files
//!
//! A row that contains NaN or infinity gives NaN. A panic of tract is caught and becomes an error.
//! Load only files that you trust: a malicious file can keep tract busy without end.

mod blocks;
mod engine;
mod plan;
mod problem;
mod signature;

pub use engine::OnnxEngine;

/// A network from an ONNX file.
pub type OnnxNetwork = crate::network::Trained<OnnxEngine>;
