//! What samples are generated with: the exact score of a noised target, or a trained network.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::network::{Network, NetworkProcess};
use langevin::{
    Denoised, Denoiser, DiffusedMixture, Drift, GaussianMixture, Guided, Lifted, PhaseDenoised,
    PhaseDenoiser, Psld, Real,
};

use crate::arguments::TargetOptions;
use crate::failure::Failure;
use crate::planning::{Drive, Noising, Process, ProcessOptions};
use crate::target;

/// Where the model comes from.
#[derive(Args)]
pub struct SourceOptions {
    #[command(flatten)]
    pub target: TargetOptions,
    /// Map the smallest and the largest number of the data set to LO and HI; bandwidth and samples
    /// are in these units
    #[arg(
        long,
        value_name = "LO,HI",
        requires = "data",
        conflicts_with = "target",
        allow_hyphen_values = true
    )]
    #[arg(value_parser = interval)]
    pub scale: Option<(f64, f64)>,
    /// Trained network (.safetensors, see docs/network-format.md) in place of a target
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "data"])]
    pub model: Option<PathBuf>,
    /// Class to draw from, for a network trained with labels
    #[arg(long, value_name = "K", requires = "model", allow_negative_numbers = true)]
    pub label: Option<usize>,
    /// Weight of classifier-free guidance towards the label; 1 is none, and any other evaluates the
    /// network twice [default: 1]
    #[arg(long, value_name = "W", requires = "label", allow_negative_numbers = true)]
    pub guidance: Option<f64>,
    #[command(flatten)]
    pub process: ProcessOptions,
}

/// Two numbers with a comma between, the first below the second.
fn interval(text: &str) -> Result<(f64, f64), String> {
    let ends = text
        .split_once(',')
        .and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)));
    // The length of an interval can be infinite where its ends are not.
    match ends {
        Some((low, high)) if f64::is_finite(high - low) && low < high => Ok((low, high)),
        _ => Err("expected two finite numbers LO,HI with LO below HI, as -1,1".into()),
    }
}

/// A model of noised data, and the process it is to be used along.
pub struct Model {
    kind: Kind,
    pub noising: Noising,
    /// Range of the numbers of the data and the sides of one picture, where they are known.
    pub range: Option<(f64, f64)>,
    pub image: Option<(usize, usize)>,
}

enum Kind {
    Exact(Box<DiffusedMixture>),
    Network { network: Box<Network>, label: Option<usize>, guidance: f64 },
}

impl Model {
    pub fn load(source: &SourceOptions) -> Result<Self, Failure> {
        // The parser waives what an option requires where that would clash with another.
        if source.model.is_none() && source.label.is_some() {
            return Err(Failure::Input(
                "--label needs --model, a network trained with labels".into(),
            ));
        }
        if source.model.is_some() && source.target.bandwidth.is_some() {
            return Err(Failure::Input(
                "--bandwidth is of a data set; it is not an option beside --model".into(),
            ));
        }
        if source.label.is_none() && source.guidance.is_some() {
            return Err(Failure::Input(
                "--guidance needs --label, the class to be guided to".into(),
            ));
        }
        match &source.model {
            Some(path) => Self::network(path, source),
            None if source.target.target.is_none() && source.target.data.is_none() => {
                let message = "nothing to generate from: give a TARGET.json, --data with --bandwidth, or --model";
                Err(Failure::Input(message.into()))
            }
            None => {
                let noising = source.process.noising()?;
                let data = target::load(&source.target, source.scale)?;
                let kind = Kind::Exact(Box::new(DiffusedMixture::new(data)));
                Ok(Self { kind, noising, range: source.scale, image: None })
            }
        }
    }

    fn network(path: &Path, source: &SourceOptions) -> Result<Self, Failure> {
        let named =
            |error: langevin::Error| Failure::Input(format!("--model {}: {error}", path.display()));
        let network = Network::load(path).map_err(|error| match error {
            // It names the file itself.
            langevin::Error::NetworkFile { .. } => Failure::Input(error.to_string()),
            other => named(other),
        })?;
        let wanted = source.process.process;
        let noising = match network.process() {
            NetworkProcess::None => {
                let message =
                    format!("--model {}: a network of features generates nothing", path.display());
                return Err(Failure::Input(message));
            }
            NetworkProcess::Psld { .. } if wanted == Some(Process::Vp) => {
                let message = format!(
                    "--model {}: trained for psld, expected a network for vp",
                    path.display()
                );
                return Err(Failure::Input(message));
            }
            NetworkProcess::Psld { .. } => {
                source.process.any(Process::Vp)?;
                source.process.any(Process::Psld)?;
                let (process, beta) = network.phase().map_err(named)?.noising();
                Noising::Psld { process, beta }
            }
            NetworkProcess::Vp { schedule, .. } => {
                source.process.any(Process::Vp)?;
                let table = network.denoiser().map_err(named)?.table().clone();
                match wanted {
                    // One network for both: see `Lifted`.
                    Some(Process::Psld) => source.process.noising()?,
                    _ => {
                        source.process.noising()?;
                        Noising::Vp { schedule: schedule.clone(), table }
                    }
                }
            }
        };
        if let NetworkProcess::Vp { .. } = network.process() {
            network.denoiser().and_then(|model| model.with_label(source.label)).map_err(named)?;
        } else if source.label.is_some() {
            network.phase().and_then(|model| model.with_label(source.label)).map_err(named)?;
        }
        let guidance = source.guidance.unwrap_or(1.0);
        if !guidance.is_finite() {
            return Err(Failure::Input(format!(
                "--guidance: given {guidance}, expected a finite number"
            )));
        }
        let range = network.range().map(|[low, high]| (low, high));
        let image = network.image().map(|[rows, columns]| (rows, columns));
        Ok(Self {
            kind: Kind::Network { network: Box::new(network), label: source.label, guidance },
            noising,
            range,
            image,
        })
    }

    /// The law that is sampled, where it is known.
    pub fn data(&self) -> Option<&GaussianMixture> {
        match &self.kind {
            Kind::Exact(model) => Some(model.data()),
            Kind::Network { .. } => None,
        }
    }

    /// Dimension of the data.
    pub fn dimension(&self) -> usize {
        match &self.kind {
            Kind::Exact(model) => model.data().dimension(),
            Kind::Network { network, .. } => match network.process() {
                NetworkProcess::Psld { .. } => network.input_width() / 2,
                _ => network.input_width(),
            },
        }
    }

    /// Network evaluations for each evaluation of the drift.
    pub fn calls_per_evaluation(&self) -> usize {
        match &self.kind {
            Kind::Network { guidance, label: Some(_), .. } if *guidance != 1.0 => 2,
            _ => 1,
        }
    }

    /// In words, for headings.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Exact(_) => "exact score".into(),
            Kind::Network { network, label, guidance } => {
                let label =
                    label.map_or_else(String::new, |label| match self.calls_per_evaluation() {
                        1 => format!(", label {label}"),
                        _ => format!(", label {label} with guidance {guidance}"),
                    });
                format!("network of {} parameters{label}", network.parameters())
            }
        }
    }

    /// Hands the drift that a sampler asks for to `f`.
    pub fn with_drift<F: Real, R>(
        &self,
        drive: &Drive,
        f: impl FnOnce(&dyn Drift<F>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        match &self.kind {
            Kind::Exact(model) => drift(&**model, drive, f),
            Kind::Network { network, label, guidance } => {
                let both = self.calls_per_evaluation() == 2;
                if matches!(network.process(), NetworkProcess::Psld { .. }) {
                    let Drive::Psld { process, horizon } = drive else {
                        return Err(Failure::Input("a psld network needs a psld method".into()));
                    };
                    let all = network.phase()?;
                    let one = all.with_label(*label)?;
                    let (one, all) = (
                        phase::<F>(&one, *process, *horizon)?,
                        phase::<F>(&all, *process, *horizon)?,
                    );
                    return if both { f(&Guided::new(&one, &all, *guidance)?) } else { f(&one) };
                }
                let all = network.denoiser()?;
                let one = all.with_label(*label)?;
                if !both {
                    return drift(&one, drive, f);
                }
                drift(&one, drive, |one| {
                    drift(&all, drive, |all| f(&Guided::new(one, all, *guidance)?))
                })
            }
        }
    }
}

fn phase<'m, F: Real>(
    model: &'m dyn PhaseDenoiser<F>,
    process: Psld,
    horizon: f64,
) -> Result<PhaseDenoised<'m, F>, Failure> {
    Ok(PhaseDenoised::new(model, process, horizon)?)
}

/// The drift of a model of noised data, along either process.
fn drift<F: Real, R>(
    model: &dyn Denoiser<F>,
    drive: &Drive,
    f: impl FnOnce(&dyn Drift<F>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    match drive {
        Drive::Vp { clock, wanted } => f(&Denoised::new(model, clock.clone(), *wanted)?),
        Drive::Psld { process, horizon } => {
            let lifted = Lifted::new(model, *process);
            f(&phase(&lifted, *process, *horizon)?)
        }
    }
}
