//! A network of any file format.

use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::{OnnxLoader, OnnxNetwork};
use crate::error::Result;
use crate::network::{Conditions, Engine, NamedInput, Network, Trained};
use crate::real::Real;

/// The engine of a network of any file format.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyEngine {
    /// A perceptron from a safetensors file.
    Perceptron(Network),
    /// A network from an ONNX file.
    Onnx(OnnxNetwork),
}

/// A network from a safetensors or ONNX file.
pub type AnyNetwork = Trained<AnyEngine>;

impl AnyNetwork {
    /// Reads a file. One whose name ends in `.onnx` is read with this loader.
    ///
    /// # Errors
    /// As for [`OnnxLoader::load`] and [`Network::load`].
    pub fn load(path: impl AsRef<Path>, loader: &OnnxLoader) -> Result<Self> {
        let path = path.as_ref();
        if Self::is_onnx(path) {
            let network = loader.load(path)?;
            let card = network.card().clone();
            return Self::new(AnyEngine::Onnx(network), card);
        }
        let network = Network::load(path)?;
        let card = network.card().clone();
        Self::new(AnyEngine::Perceptron(network), card)
    }

    /// Whether the name of a file is that of an ONNX file.
    pub fn is_onnx(path: &Path) -> bool {
        path.extension().is_some_and(|end| end.eq_ignore_ascii_case("onnx"))
    }

    /// The numbers of its weights, if they are known.
    pub fn parameters(&self) -> Option<usize> {
        match self.engine() {
            AnyEngine::Perceptron(network) => Some(network.parameters()),
            AnyEngine::Onnx(_) => None,
        }
    }
}

macro_rules! each {
    ($engine:expr, $own:ident => $body:expr) => {
        match $engine {
            AnyEngine::Perceptron(network) => {
                let $own = network.engine();
                $body
            }
            AnyEngine::Onnx(network) => {
                let $own = network.engine();
                $body
            }
        }
    };
}

impl Engine for AnyEngine {
    fn input_width(&self) -> usize {
        each!(self, own => own.input_width())
    }

    fn output_width(&self) -> usize {
        each!(self, own => own.output_width())
    }

    fn classes(&self) -> Option<usize> {
        each!(self, own => own.classes())
    }

    fn named_inputs(&self) -> &[NamedInput] {
        each!(self, own => own.named_inputs())
    }

    fn batch(&self) -> Option<usize> {
        each!(self, own => own.batch())
    }

    fn forward<F: Real>(
        &self,
        conditions: Conditions<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        each!(self, own => own.forward(conditions, x, out))
    }
}
