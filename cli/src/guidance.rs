//! How a network is guided: its weight, what it is guided away from, where, and how it is rescaled.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use langevin::diffusion::Guided;
use langevin::onnx::AnyNetwork;
use langevin::prelude::{Denoiser, Process, Real};

use crate::arguments::interval;
use crate::failure::{Failure, refuse};
use crate::told::Told;

/// Options of guidance.
#[derive(Args)]
pub struct GuidanceOptions {
    /// Weight of classifier-free guidance towards the label; 1 is none, and any other evaluates the
    /// network twice [default: 1]
    #[arg(long, value_name = "W", requires = "model", allow_negative_numbers = true)]
    pub guidance: Option<f64>,
    /// A worse network of the same data, to be guided away from in place of the same network
    /// without a label: autoguidance
    #[arg(long, value_name = "FILE", requires = "guidance")]
    pub guidance_model: Option<PathBuf>,
    /// Guide only where the noise sigma is above LO and not above HI
    #[arg(long, value_name = "LO,HI", requires = "guidance", allow_hyphen_values = true)]
    #[arg(value_parser = interval)]
    pub guidance_interval: Option<(f64, f64)>,
    /// Mix in a share PHI of predictions whose spread is that of the label alone, as 0.7
    #[arg(long, value_name = "PHI", requires = "guidance", allow_negative_numbers = true)]
    pub guidance_rescale: Option<f64>,
}

/// How a network is guided.
pub struct Guidance {
    pub weight: f64,
    /// A network to be guided away from, in place of the same one without a label.
    away: Option<AnyNetwork>,
    interval: Option<(f64, f64)>,
    rescale: Option<f64>,
}

impl Guidance {
    pub fn of(
        options: &GuidanceOptions,
        told: &Told,
        process: &Process,
        load: &dyn Fn(&Path) -> langevin::Result<AnyNetwork>,
    ) -> Result<Self, Failure> {
        let weight = options.guidance.unwrap_or(1.0);
        if !weight.is_finite() {
            return refuse(format!("--guidance: given {weight}, expected a finite number"));
        }
        let mut away = None;
        if let Some(path) = &options.guidance_model {
            let named =
                |why: String| Failure::Input(format!("--guidance-model {}: {why}", path.display()));
            let network = load(path).map_err(|error| named(error.to_string()))?;
            told.of(&network).map_err(|error| named(error.to_string()))?;
            if network.process() != Some(process) {
                return Err(named("trained for another process than --model".into()));
            }
            away = Some(network);
        }
        let interval = options.guidance_interval;
        Ok(Self { weight, away, interval, rescale: options.guidance_rescale })
    }

    /// A network with labels, guided if so asked.
    pub fn model<'m, F: Real>(
        &'m self,
        network: &'m AnyNetwork,
        told: &Told,
    ) -> Result<Box<dyn Denoiser<F> + 'm>, Failure> {
        let one = told.of(network)?;
        if self.weight == 1.0 {
            return Ok(Box::new(one));
        }
        let other = match &self.away {
            Some(away) => told.of(away)?,
            None => network.denoiser()?,
        };
        let mut guided = Guided::<F, _, _>::models(one, other, self.weight)?;
        if let Some((low, high)) = self.interval {
            guided = guided.in_interval([low, high])?;
        }
        if let Some(share) = self.rescale {
            guided = guided.rescaled(share)?;
        }
        Ok(Box::new(guided))
    }
}

impl fmt::Display for Guidance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.weight)?;
        if let Some((low, high)) = self.interval {
            write!(f, " where sigma is above {low} and not above {high}")?;
        }
        self.rescale.map_or(Ok(()), |share| write!(f, ", rescaled by {share}"))
    }
}
