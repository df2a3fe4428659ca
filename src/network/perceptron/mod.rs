//! Perceptrons with residuals, conditioned on time and label: read from safetensors, run over
//! lanes.

mod compiled;
mod description;
mod elementwise;
mod embedding;
mod header;
mod kernel;
mod layers;
mod product;
mod program;
mod rows;
mod tensors;

use std::fmt;
use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::engine::{Conditions, Engine};
use super::trained::Trained;
use crate::error::{Error, Result};
use crate::math::simd;
use crate::real::Real;
use crate::scratch::ScratchPool;
use compiled::Compiled;
use description::Description;
use kernel::{Forward, Scratch};
use rows::Views;
use tensors::Tensors;

/// A perceptron ready to run.
pub struct Perceptron {
    compiled: Compiled,
    classes: Option<usize>,
    parameters: usize,
    scratch: ScratchPool<Scratch>,
}

impl Trained<Perceptron> {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::NetworkFile`] if it cannot be read, and as for [`from_bytes`](Self::from_bytes).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = header::read(path).map_err(|source| Error::NetworkFile {
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
    /// misshaped, not f32 or not finite. Those of
    /// [`Schedule::table`](crate::diffusion::Schedule::table) and
    /// [`Psld::new`](crate::diffusion::Psld::new) for the process.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (mut tensors, text) = Tensors::open(bytes)?;
        let description = Description::parse(&text)?;
        let compiled = Compiled::new(&description, &mut tensors)?;
        let perceptron = Perceptron {
            compiled,
            classes: description.labels.as_ref().map(|(_, classes)| *classes),
            parameters: tensors.parameters(),
            scratch: ScratchPool::default(),
        };
        Self::new(perceptron, description.card)
    }

    /// Numbers in the tensors that the description names.
    pub fn parameters(&self) -> usize {
        self.engine().parameters
    }

    /// Multiplications for a row in the layers from input to output, without the condition.
    pub fn multiplications(&self) -> usize {
        self.engine().compiled.multiplications()
    }
}

impl Engine for Perceptron {
    fn input_width(&self) -> usize {
        self.compiled.input
    }

    fn output_width(&self) -> usize {
        self.compiled.program.output_width
    }

    fn classes(&self) -> Option<usize> {
        self.classes
    }

    fn forward<F: Real>(
        &self,
        conditions: Conditions<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        // The last row of the table of labels stands for none.
        let unlabelled = self.classes.unwrap_or(0);
        let Conditions { times: numbers, labels, .. } = conditions;
        let model = &self.compiled;
        let rows = &mut Views { x, out };
        self.scratch.with(|scratch| {
            simd::dispatch_simd(Forward { model, numbers, labels, unlabelled, rows, scratch });
        });
        Ok(())
    }
}

impl fmt::Debug for Perceptron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Perceptron")
            .field("parameters", &self.parameters)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}
