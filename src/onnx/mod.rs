//! Any network from an ONNX file, run by [ONNX Runtime](https://onnxruntime.ai): feature `onnx`.
//!
//! ```no_run
//! use langevin::onnx::OnnxNetwork;
//! use langevin::prelude::*;
//!
//! let network = OnnxNetwork::load("examples/models/fashion-vp.onnx")?;
//! let boots = network.denoiser()?.with_label(Some(9))?;
//! let plan = Method::named("pmm2m")?.plan(boots.process(), 20)?;
//! let samples = plan.run_in::<f32>(&boots)?.chains(16).run()?;
//! # Ok::<(), Error>(())
//! ```
//!
//! # The library
//!
//! ONNX Runtime is a shared library, which is loaded when the first network is. Nothing else of
//! this crate needs it. Its path is [`OnnxLoader::library`], or the environment variable
//! `ORT_DYLIB_PATH`. Version 1.17 or later is required. `pip download onnxruntime` brings it, and
//! `scripts/engine.sh` of the source fetches and unpacks it. A process loads it once, and keeps it.
//!
//! # The graph
//!
//! ```text
//! x       (N, d) or (N, …) with the product d    rows of data; [position | momentum] for psld
//! t       (N), (N, 1), (1) or one number         the time, as a number; may be absent
//! label   (N), (N, 1)                            the class; may be absent
//! NAME    (N, …), or (1, …) for all rows         a condition, such as a text; any number of them
//! y       (N, d), or the shape of x              the prediction; (N, m) for features
//! ```
//!
//! x, y and conditions are f32; t is f32, f64, i64 or i32; label is i64 or i32. A t of whole
//! numbers is told the nearest one. If t is one number for a call, rows of different times run in
//! different calls, and so do rows of different conditions if these are (1, …). N is a name or a
//! number. If it is a number, rows are filled up to it. A description says the rest
//! (docs/network-format.md of the source): the process, the prediction, the kind of time, and names
//! where they are not obvious. It is read from `NAME.json` beside `NAME.onnx`, or from the entry
//! `langevin` of the metadata of the file, or given as a [`Card`](crate::network::Card) and
//! [`Names`]. Conditions are given by
//! [`with_condition`](crate::network::TrainedDenoiser::with_condition).
//!
//! # Threads
//!
//! On the CPU every session of the engine has one thread. A call cuts its rows into blocks of
//! [`OnnxEngine::block`] and spreads them over as many sessions as the engine has
//! [threads](OnnxLoader::threads), by default all cores. Calls from several threads share these
//! sessions, so threads do not multiply. A run takes all its chains in one call for each
//! evaluation, unless [`Run::chunk`](crate::Run::chunk) says otherwise. Each session holds the
//! weights.
//!
//! # Reproducibility
//!
//! On one machine and the CPU the result for a row does not depend on the other rows. So chunks and
//! threads do not change a bit. When a file is loaded, a block of test rows runs in several orders
//! and sizes. If a row changes by a bit with the number of rows, all blocks are filled up to one
//! size. If it changes with its place, blocks have one row, and a file with a fixed N is rejected.
//! This is a test, not a proof. Between machines bits **may differ**, as ONNX Runtime chooses its
//! kernels by the processor. On other devices nothing is promised.
//!
//! # Bad rows and bad files
//!
//! A row that contains NaN or infinity gives NaN. A network that gives NaN for finite test rows is
//! rejected. Load only files that you trust.

mod any;
mod check;
mod description;
mod device;
mod engine;
mod graph;
mod loader;
mod pool;
mod problem;
mod runtime;

pub use any::{AnyEngine, AnyNetwork};
pub use description::{NamedCondition, Names};
pub use device::Device;
pub use engine::OnnxEngine;
pub use loader::OnnxLoader;

/// A network from an ONNX file.
pub type OnnxNetwork = crate::network::Trained<OnnxEngine>;

/// Reads a description for rows of so many numbers, as a fuzzer does: a graph is not needed.
///
/// # Errors
/// [`Error::Network`](crate::Error::Network) if it is none.
#[cfg(fuzzing)]
pub fn read_description(
    text: &str,
    columns: usize,
) -> crate::Result<(Names, crate::network::Card)> {
    let value = crate::network::description::json("the description", text)?;
    Ok((Names::parse(&value)?, description::card(&value, columns)?))
}
