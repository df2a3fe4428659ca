//! The ONNX network of a vp process as a model of noised data.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::options::Kind;
use super::{OnnxNetwork, wrong};
use crate::drift::{Denoiser, Levels, Prediction};
use crate::error::{BoxError, Result};
use crate::network::number;
use crate::real::Real;
use crate::schedule::{Level, LevelTable};

/// An ONNX network of a vp process as a [`Denoiser`]; made by [`OnnxNetwork::denoiser`].
///
/// The network is told the level as a [`NetworkDenoiser`](crate::network::NetworkDenoiser) tells
/// it.
#[derive(Clone, Copy, Debug)]
pub struct OnnxDenoiser<'a> {
    network: &'a OnnxNetwork,
    table: &'a LevelTable,
    prediction: Prediction,
}

impl<'a> OnnxDenoiser<'a> {
    pub(super) fn new(network: &'a OnnxNetwork) -> Result<Self> {
        match &network.kind {
            Kind::Vp { table, prediction } => Ok(Self { network, table, prediction: *prediction }),
            _ => {
                let given = format!("{:?}", network.options.process);
                Err(wrong("options, process", given, "vp, for a model of noised data"))
            }
        }
    }

    /// The network.
    pub fn network(&self) -> &'a OnnxNetwork {
        self.network
    }

    /// The levels of its process.
    pub fn table(&self) -> &'a LevelTable {
        self.table
    }

    fn number(&self, level: Level) -> f64 {
        self.network.options.time.map_or(0.0, |input| number(input, self.table, level))
    }
}

impl<F: Real> Denoiser<F> for OnnxDenoiser<'_> {
    fn prediction(&self) -> Prediction {
        self.prediction
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        match levels {
            Levels::Shared(level) => {
                let number = self.number(level);
                self.network.run(&|_| number, None, x, out)?;
            }
            Levels::PerRow(levels) => {
                self.network.run(&|row| self.number(levels[row]), Some(levels.len()), x, out)?;
            }
        }
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        Some(self.network.input_width())
    }
}
