//! Any network from an ONNX file, run by [tract](https://github.com/sonos/tract): feature `onnx`.
//!
//! The file has one or two inputs and one output, f32, in any order and of any names:
//!
//! ```text
//! x   (N, d)   rows of data; [position | momentum] for psld         the input of two axes
//! t   (N)      the number that tells the time of a row              the input of one axis; may be absent
//! y   (N, d)   the prediction; (N, m) where it predicts features
//! ```
//!
//! N is a name, or a number; d is a number. Labels, guidance and embeddings of the time belong
//! inside the graph. What the file cannot say stands in [`OnnxOptions`].
//! `examples/training/export_onnx.py` writes such files.
//!
//! ```no_run
//! use langevin::generation::{GenerationOptions, plan};
//! use langevin::network::{NetworkPrediction, TimeInput};
//! use langevin::onnx::{OnnxNetwork, OnnxOptions};
//! use langevin::{Denoised, Run};
//!
//! let options = OnnxOptions::vp(NetworkPrediction::Epsilon, "linear", 1000, TimeInput::Timestep);
//! let network = OnnxNetwork::load("tests/golden/onnx/digits.onnx", options)?;
//! let model = network.denoiser()?;
//! let way = plan::<f32>("ddim", model.table(), 50, &GenerationOptions::default())?;
//! let drift = Denoised::<f32>::new(&model, way.clock, way.wanted)?;
//! let samples = Run::<f32>::with_precision(&*way.sampler, &drift, way.grid).chains(16).run()?;
//! # Ok::<(), langevin::Error>(())
//! ```
//!
//! # Which bits
//!
//! On one machine the result of a row does not depend on the rows beside it, so chunks and threads
//! do not change a bit here either: rows run in blocks of one size, the last one filled up. The
//! size is that of the file, or 32 where N is a name. At loading a block of made-up rows runs in
//! several orders; if a row changes by as much as a bit, blocks are of one row
//! ([`OnnxNetwork::block`] tells), and a file with a fixed N is refused. That is a test and no
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
mod denoiser;
mod options;
mod phase;
mod plan;
mod signature;

use std::path::Path;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::drift::Times;
use crate::error::{Error, Result};
use crate::real::Real;
pub use denoiser::OnnxDenoiser;
use options::Kind;
pub use options::OnnxOptions;
pub use phase::OnnxPhaseDenoiser;
use plan::Plan;

/// Rows of a block, where the file leaves them open.
const BLOCK: usize = 32;

/// A network from an ONNX file, with what the file does not say.
#[derive(Clone)]
pub struct OnnxNetwork {
    options: OnnxOptions,
    kind: Kind,
    plan: Plan,
}

impl std::fmt::Debug for OnnxNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxNetwork")
            .field("input", &self.input_width())
            .field("output", &self.output_width())
            .field("block", &self.block())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl OnnxNetwork {
    /// Reads a file, and the files beside it to which it refers for its weights.
    ///
    /// # Errors
    /// [`Error::NetworkFile`] if it cannot be read, [`Error::Onnx`] if its inputs, its output or
    /// its rows are not as this module says, [`Error::Tract`] if tract cannot run it, and whatever
    /// is wrong with the options.
    pub fn load(path: impl AsRef<Path>, options: OnnxOptions) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::NetworkFile {
            path: path.display().to_string(),
            source: source.into(),
        })?;
        Self::new(&bytes, path.parent(), options)
    }

    /// Reads the bytes of a file that has its weights inside.
    ///
    /// # Errors
    /// As [`load`](Self::load), except that nothing is read.
    pub fn from_bytes(bytes: &[u8], options: OnnxOptions) -> Result<Self> {
        Self::new(bytes, None, options)
    }

    fn new(bytes: &[u8], folder: Option<&Path>, options: OnnxOptions) -> Result<Self> {
        let kind = options.check()?;
        let file = plan::read(bytes, folder)?;
        let signature = signature::of(&file, options.time.is_some())?;
        kind.fits(signature.input)?;
        let ready = |rows| Plan::new(&file, &signature, rows, !matches!(kind, Kind::Features));
        let mut plan = ready(signature.rows.unwrap_or(BLOCK))?;
        if !blocks::rows_are_alone(&plan, kind.times(options.time))? {
            if let Some(rows) = signature.rows {
                let given = format!(
                    "a fixed N = {rows} and rows that depend on each other or on their place"
                );
                return Err(wrong("x", given, "independent rows, or N left open"));
            }
            plan = ready(1)?;
        }
        Ok(Self { options, kind, plan })
    }

    /// What was said of the file.
    pub fn options(&self) -> &OnnxOptions {
        &self.options
    }

    /// Numbers in a row that is given.
    pub fn input_width(&self) -> usize {
        self.plan.input
    }

    /// Numbers in a row that comes back.
    pub fn output_width(&self) -> usize {
        self.plan.output
    }

    /// Rows that run together; fewer cost as much.
    pub fn block(&self) -> usize {
        self.plan.rows
    }

    /// The network of a vp process as a model of noised data.
    ///
    /// # Errors
    /// [`Error::Onnx`] if its process is another one.
    pub fn denoiser(&self) -> Result<OnnxDenoiser<'_>> {
        OnnxDenoiser::new(self)
    }

    /// The network of a psld process as a model of phase-space data.
    ///
    /// # Errors
    /// [`Error::Onnx`] if its process is another one.
    pub fn phase(&self) -> Result<OnnxPhaseDenoiser<'_>> {
        OnnxPhaseDenoiser::new(self)
    }

    /// The network itself: from `x`, shape (rows, [`input`](Self::input_width)), to `out`, shape
    /// (rows, [`output`](Self::output_width)). Times are the numbers t that the file asks for,
    /// rounded to f32; without that input they are not used.
    ///
    /// # Errors
    /// [`Error::Shape`] for other shapes or another number of times, [`Error::Tract`] if the
    /// network fails.
    pub fn evaluate<F: Real>(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        match times {
            Times::Shared(time) => self.run(&|_| time, None, x, out),
            Times::PerRow(times) => self.run(&|row| times[row], Some(times.len()), x, out),
        }
    }

    /// The features of data: from shape (rows, [`input`](Self::input_width)) to (rows,
    /// [`output`](Self::output_width)).
    ///
    /// # Errors
    /// [`Error::Onnx`] if the network predicts something else, and those of
    /// [`evaluate`](Self::evaluate).
    pub fn features(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        if !matches!(self.kind, Kind::Features) {
            let given = format!("a network that predicts {:?}", self.options.prediction);
            return Err(wrong("features", given, "one that predicts Features"));
        }
        let mut out = Array2::zeros((x.nrows(), self.output_width()).f());
        self.evaluate(Times::Shared(0.0), x, out.view_mut())?;
        Ok(out)
    }

    fn run<F: Real>(
        &self,
        number: &dyn Fn(usize) -> f64,
        count: Option<usize>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        let rows = x.nrows();
        if x.ncols() != self.input_width() || out.dim() != (rows, self.output_width()) {
            let expected =
                format!("(rows, {}) -> (rows, {})", self.input_width(), self.output_width());
            let given = format!("{:?} -> {:?}", x.dim(), out.dim());
            return Err(Error::Shape { what: "batch given to a network", given, expected });
        }
        if let Some(count) = count
            && count != rows
        {
            let (given, expected) =
                (format!("({count})"), format!("({rows}), the rows of the batch"));
            return Err(Error::Shape { what: "times given to a network", given, expected });
        }
        blocks::run(&self.plan, number, x, out)
    }
}

/// An error about a place of the file or of the options.
fn wrong(what: impl Into<String>, given: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::Onnx { what: what.into(), given: given.into(), expected: expected.into() }
}
