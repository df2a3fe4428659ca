//! The network of a vp process as a model of noised data.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::description::wrong;
use super::kernel::Numbers;
use super::time::number;
use super::{Network, NetworkPrediction};
use crate::drift::{Denoiser, Levels, Prediction};
use crate::error::{BoxError, Result};
use crate::real::Real;
use crate::schedule::{Level, LevelTable};

/// A network of a vp process as a [`Denoiser`], with one label or none for all rows; made by
/// [`Network::denoiser`].
///
/// The network is told the level as the file says (`time.input`): as the 0-based timestep of its
/// table, between two levels interpolated linearly in log ᾱ, or as log(ᾱ/(1−ᾱ)). Levels beyond the
/// ends of its table, of which it has seen nothing, are told as the nearest end.
#[derive(Clone, Copy, Debug)]
pub struct NetworkDenoiser<'a> {
    network: &'a Network,
    table: &'a LevelTable,
    prediction: Prediction,
    label: usize,
}

impl<'a> NetworkDenoiser<'a> {
    pub(super) fn new(network: &'a Network) -> Result<Self> {
        let prediction = match network.prediction() {
            NetworkPrediction::Epsilon => Some(Prediction::Epsilon),
            NetworkPrediction::Data => Some(Prediction::Data),
            NetworkPrediction::Velocity => Some(Prediction::Velocity),
            NetworkPrediction::Score => Some(Prediction::Score),
            _ => None,
        };
        match (prediction, network.table()) {
            (Some(prediction), Some(table)) => {
                Ok(Self { network, table, prediction, label: network.label_row(None)? })
            }
            _ => Err(wrong(
                "process",
                format!("{:?}", network.process()),
                "vp, for a model of noised data",
            )),
        }
    }

    /// The same with a label for all rows, or with none.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if it is no class of the network.
    pub fn with_label(self, label: Option<usize>) -> Result<Self> {
        Ok(Self { label: self.network.label_row(label)?, ..self })
    }

    /// The network.
    pub fn network(&self) -> &'a Network {
        self.network
    }

    /// The levels of its process.
    pub fn table(&self) -> &'a LevelTable {
        self.table
    }

    fn number(&self, level: Level) -> f64 {
        self.network.time_input().map_or(0.0, |input| number(input, self.table, level))
    }
}

impl<F: Real> Denoiser<F> for NetworkDenoiser<'_> {
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
                self.network.run(Numbers::Shared(self.number(level)), None, self.label, x, out)?;
            }
            Levels::PerRow(levels) => {
                let number = |row: usize| self.number(levels[row]);
                self.network.run(
                    Numbers::PerRow(&number),
                    Some(levels.len()),
                    self.label,
                    x,
                    out,
                )?;
            }
        }
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        Some(self.network.input_width())
    }
}
