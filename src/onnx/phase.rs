//! The ONNX network of a psld process as a model of noised phase-space data.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::options::Kind;
use super::{OnnxNetwork, wrong};
use crate::drift::{PhaseDenoiser, PhasePrediction, Times};
use crate::error::{BoxError, Result};
use crate::real::Real;
use crate::schedule::{Beta, Psld};

/// An ONNX network of a psld process as a [`PhaseDenoiser`]; made by [`OnnxNetwork::phase`].
///
/// The network is told the time t of its process, τ/β.
#[derive(Clone, Copy, Debug)]
pub struct OnnxPhaseDenoiser<'a> {
    network: &'a OnnxNetwork,
    process: Psld,
    beta: f64,
    prediction: PhasePrediction,
}

impl<'a> OnnxPhaseDenoiser<'a> {
    pub(super) fn new(network: &'a OnnxNetwork) -> Result<Self> {
        match network.kind {
            Kind::Psld { process, beta, prediction } => {
                Ok(Self { network, process, beta, prediction })
            }
            _ => {
                let given = format!("{:?}", network.options.process);
                Err(wrong("options, process", given, "psld, for a model of phase-space data"))
            }
        }
    }

    /// The network.
    pub fn network(&self) -> &'a OnnxNetwork {
        self.network
    }

    /// The process it was trained for, and its rate.
    pub fn noising(&self) -> (Psld, Beta) {
        (self.process, Beta::Constant(self.beta))
    }
}

impl<F: Real> PhaseDenoiser<F> for OnnxPhaseDenoiser<'_> {
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
            Times::Shared(tau) => self.network.run(&|_| tau / self.beta, None, z, out)?,
            Times::PerRow(taus) => {
                self.network.run(&|row| taus[row] / self.beta, Some(taus.len()), z, out)?
            }
        }
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        Some(self.network.input_width())
    }
}
