//! Trained networks: perceptrons with residuals, conditioned on time and label, from a safetensors
//! file.
//!
//! The format is docs/network-format.md: tensors under the names of PyTorch's `state_dict()`, and a
//! description of the layers in the header. [`Network::load`] reads and checks all of it;
//! [`Network::denoiser`] makes it a [`Denoiser`](crate::Denoiser).
//!
//! ```no_run
//! use langevin::generation::{GenerationOptions, plan};
//! use langevin::network::Network;
//! use langevin::{Denoised, Run};
//!
//! let network = Network::load("examples/models/digits.safetensors")?;
//! let model = network.denoiser()?.with_label(Some(7))?;
//! let way = plan::<f32>("ddim", model.table(), 50, &GenerationOptions::default())?;
//! let drift = Denoised::<f32>::new(&model, way.clock, way.wanted)?;
//! let samples = Run::<f32>::with_precision(&*way.sampler, &drift, way.grid).chains(16).run()?;
//! # Ok::<(), langevin::Error>(())
//! ```
//!
//! Numbers are f32 inside, also in runs of f64. Chains are lanes, and every sum runs in an order of
//! its own: the result for a row does not depend on the rows beside it, on the instruction set, or
//! on whether its time was given once for all rows or for each.

mod denoiser;
mod description;
mod elementwise;
mod kernel;
mod model;
mod phase;
mod product;
mod program;
mod rows;
mod tensors;
mod time;

use std::path::Path;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::drift::Times;
use crate::error::{Error, Result};
use crate::real::Real;
use crate::schedule::LevelTable;
pub use denoiser::NetworkDenoiser;
pub use description::TimeInput;
use description::{Description, wrong};
use kernel::Numbers;
use model::Model;
pub use phase::NetworkPhaseDenoiser;
use rows::Views;
use tensors::Tensors;
#[cfg(feature = "onnx")]
pub(crate) use time::number;

/// What the last layer of a network says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkPrediction {
    /// `epsilon`: the noise of a vp process.
    Epsilon,
    /// `data`: the data of a vp process.
    Data,
    /// `velocity`: √ᾱ ε − √(1−ᾱ) x₀ of a vp process.
    Velocity,
    /// `score`: the gradient of the log density of the noised law.
    Score,
    /// `epsilon-lower`: the noise that a lower triangular factor of the covariance of a psld
    /// process multiplies.
    EpsilonLower,
    /// `epsilon-upper`: the same with an upper triangular factor.
    EpsilonUpper,
    /// `features`: no noise is removed; numbers that describe the data.
    Features,
}

/// The process whose data a network was trained on.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkProcess {
    /// Variance preserving: x = √ᾱ x₀ + √(1−ᾱ) ε at the levels of a table, see
    /// [`LevelTable::named`].
    Vp {
        /// The name of the schedule.
        schedule: String,
        /// The number of levels.
        levels: usize,
    },
    /// The phase-space Langevin diffusion of position and momentum.
    Psld {
        /// The rate β of time.
        beta: f64,
        /// Friction Γ on the position.
        gamma: f64,
        /// Friction ν on the momentum.
        nu: f64,
        /// Variance of the first momenta, relative to the mass.
        kappa: f64,
    },
    /// No noise: a map of data to features.
    None,
}

/// A trained network, read from a file of docs/network-format.md.
#[derive(Clone)]
pub struct Network {
    description: Description,
    model: Model,
    table: Option<LevelTable>,
    parameters: usize,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("input", &self.input_width())
            .field("output", &self.output_width())
            .field("prediction", &self.prediction())
            .field("process", self.process())
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::NetworkFile`] if it cannot be read, and as for [`from_bytes`](Self::from_bytes).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::NetworkFile {
            path: path.display().to_string(),
            source: source.into(),
        })?;
        Self::from_bytes(&bytes)
    }

    /// A network from the bytes of a file.
    ///
    /// # Errors
    /// [`Error::Network`] naming the first place or tensor that is not as docs/network-format.md
    /// says: not a safetensors file, no or another description, a tensor that is missing,
    /// misshaped, not f32 or not finite. Those of [`LevelTable::named`] for the schedule.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (mut tensors, text) = Tensors::open(bytes)?;
        let description = Description::parse(&text)?;
        let table = match &description.process {
            NetworkProcess::Vp { schedule, levels } => Some(LevelTable::named(schedule, *levels)?),
            _ => None,
        };
        let model = Model::new(&description, &mut tensors)?;
        let output = model.program.output_width;
        if description.prediction != NetworkPrediction::Features && output != description.input {
            let expected = format!("{}, as many as go in", description.input);
            return Err(wrong("layers", format!("{output} numbers at their end"), expected));
        }
        Ok(Self { description, model, table, parameters: tensors.parameters() })
    }

    /// Numbers in a row that goes in: those of the data, and of the momenta for a psld process.
    pub fn input_width(&self) -> usize {
        self.description.input
    }

    /// Numbers in a row that comes out; as many as go in, but for features.
    pub fn output_width(&self) -> usize {
        self.model.program.output_width
    }

    /// What comes out.
    pub fn prediction(&self) -> NetworkPrediction {
        self.description.prediction
    }

    /// The process of the training.
    pub fn process(&self) -> &NetworkProcess {
        &self.description.process
    }

    /// The levels of a vp process.
    pub fn table(&self) -> Option<&LevelTable> {
        self.table.as_ref()
    }

    /// The number of classes that a label can name, where there are any.
    pub fn classes(&self) -> Option<usize> {
        self.description.labels.as_ref().map(|(_, classes)| *classes)
    }

    /// The smallest and the largest number of the data, where the file says so.
    pub fn range(&self) -> Option<[f64; 2]> {
        self.description.range
    }

    /// Height and width of a picture, where the data are pictures.
    pub fn image(&self) -> Option<[usize; 2]> {
        self.description.image
    }

    /// Numbers in the tensors that the description names.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Multiplications for a row in the layers from input to output, without the condition.
    pub fn multiplications(&self) -> usize {
        self.model.multiplications()
    }

    /// The network of a vp process as a model of noised data, without a label.
    ///
    /// # Errors
    /// [`Error::Network`] if its process is another one.
    pub fn denoiser(&self) -> Result<NetworkDenoiser<'_>> {
        NetworkDenoiser::new(self)
    }

    /// The network of a psld process as a model of phase-space data, without a label.
    ///
    /// # Errors
    /// [`Error::Network`] if its process is another one, and those of
    /// [`Psld::new`](crate::Psld::new) for its constants.
    pub fn phase(&self) -> Result<NetworkPhaseDenoiser<'_>> {
        NetworkPhaseDenoiser::new(self)
    }

    /// The network itself: from `x`, shape (rows, input width), to `out`, shape (rows, output
    /// width), in any layout; column-major is read fastest. Times are those that the network is
    /// told (`time.input` of the file): 0-based timesteps that need not be whole, log
    /// signal-to-noise ratios, or the time of a psld process in (0, 1]; a network without `time` is
    /// the same at all times.
    ///
    /// # Errors
    /// [`Error::Shape`] for other shapes or another number of times, [`Error::Network`] for a label
    /// that is no class.
    pub fn evaluate<F: Real>(
        &self,
        times: Times<'_>,
        label: Option<usize>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        let row = self.label_row(label)?;
        match times {
            Times::Shared(time) => self.run(Numbers::Shared(time), None, row, x, out),
            Times::PerRow(times) => {
                self.run(Numbers::PerRow(&|i| times[i]), Some(times.len()), row, x, out)
            }
        }
    }

    /// The features of data: from shape (rows, input width) to (rows, output width).
    ///
    /// # Errors
    /// [`Error::Network`] if the network predicts something else, [`Error::Shape`] for another
    /// width.
    pub fn features(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        if self.prediction() != NetworkPrediction::Features {
            let given = format!("a network that predicts {:?}", self.prediction());
            return Err(wrong("features", given, "one that predicts features"));
        }
        if x.ncols() != self.input_width() {
            let (given, expected) =
                (format!("{:?}", x.dim()), format!("(rows, {})", self.input_width()));
            return Err(Error::Shape {
                what: "data given to a network for features",
                given,
                expected,
            });
        }
        let mut out = Array2::zeros((x.nrows(), self.output_width()).f());
        self.evaluate(Times::Shared(0.0), None, x, out.view_mut())?;
        Ok(out)
    }

    /// The row of the label table.
    fn label_row(&self, label: Option<usize>) -> Result<usize> {
        match (label, self.classes()) {
            (None, classes) => Ok(classes.unwrap_or(0)),
            (Some(label), Some(classes)) if label < classes => Ok(label),
            (Some(label), Some(classes)) => Err(wrong(
                "label",
                label,
                format!("a class from 0 to {}, or no label", classes - 1),
            )),
            (Some(label), None) => {
                Err(wrong("label", label, "no label: the network was trained without classes"))
            }
        }
    }

    fn run<F: Real>(
        &self,
        numbers: Numbers<'_>,
        count: Option<usize>,
        label: usize,
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
        self.model.run(numbers, label, &mut Views { x, out });
        Ok(())
    }

    /// What the network is told of the time; nothing it would hear where it has none.
    fn time_input(&self) -> Option<TimeInput> {
        self.description.time.as_ref().map(|(input, _)| *input)
    }
}
