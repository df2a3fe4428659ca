//! The network of a psld process as a model of noised phase-space data.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::description::wrong;
use super::kernel::Numbers;
use super::{Network, NetworkPrediction, NetworkProcess};
use crate::drift::{PhaseDenoiser, PhasePrediction, Times};
use crate::error::{BoxError, Result};
use crate::real::Real;
use crate::schedule::{Beta, Factor, Psld};

/// A network of a psld process as a [`PhaseDenoiser`], with one label or none for all rows; made by
/// [`Network::phase`].
///
/// The network is told the time t of its process, τ/β.
#[derive(Clone, Copy, Debug)]
pub struct NetworkPhaseDenoiser<'a> {
    network: &'a Network,
    process: Psld,
    beta: f64,
    prediction: PhasePrediction,
    label: usize,
}

impl<'a> NetworkPhaseDenoiser<'a> {
    pub(super) fn new(network: &'a Network) -> Result<Self> {
        let prediction = match network.prediction() {
            NetworkPrediction::EpsilonLower => Some(PhasePrediction::Epsilon(Factor::Lower)),
            NetworkPrediction::EpsilonUpper => Some(PhasePrediction::Epsilon(Factor::Upper)),
            NetworkPrediction::Score => Some(PhasePrediction::Score),
            _ => None,
        };
        match (prediction, network.process()) {
            (Some(prediction), NetworkProcess::Psld { beta, gamma, nu, kappa }) => {
                let process = Psld::new(*gamma, *nu, *kappa)?;
                Ok(Self {
                    network,
                    process,
                    beta: *beta,
                    prediction,
                    label: network.label_row(None)?,
                })
            }
            (_, process) => Err(wrong(
                "process",
                format!("{process:?}"),
                "psld, for a model of phase-space data",
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

    /// The process it was trained for, and its rate.
    pub fn noising(&self) -> (Psld, Beta) {
        (self.process, Beta::Constant(self.beta))
    }
}

impl<F: Real> PhaseDenoiser<F> for NetworkPhaseDenoiser<'_> {
    fn prediction(&self) -> PhasePrediction {
        self.prediction
    }

    fn predict(
        &self,
        taus: Times<'_>,
        z: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        match taus {
            Times::Shared(tau) => {
                self.network.run(Numbers::Shared(tau / self.beta), None, self.label, z, out)?
            }
            Times::PerRow(taus) => {
                let number = |row: usize| taus[row] / self.beta;
                self.network.run(Numbers::PerRow(&number), Some(taus.len()), self.label, z, out)?;
            }
        }
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        Some(self.network.input_width())
    }
}
