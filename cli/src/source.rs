//! What samples are generated with: the exact score of a noised target or a trained network, and
//! the process along which it is used.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::diffusion::{ProcessKind, Schedule};
use langevin::network::{Network, TrainedDenoiser};
use langevin::prelude::{Beta, Denoiser, DiffusedMixture, GaussianMixture, Process, Psld, Real};

use crate::arguments::TargetOptions;
use crate::failure::Failure;
use crate::target;

/// The process by which data are noised.
#[derive(Args)]
pub struct ProcessOptions {
    /// How data are noised, vp (variance preserving) or psld (phase space) [default: vp, or that of
    /// the model]
    #[arg(long)]
    process: Option<ProcessKind>,
    /// vp: linear | scaled-linear | cosine [default: linear]
    #[arg(long)]
    schedule: Option<Schedule>,
    /// vp: noise levels of the schedule [default: 1000]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    levels: Option<usize>,
    /// psld: the rate of noise, constant, or FIRST,LAST along a line [default: 8]
    #[arg(long, value_name = "B", allow_hyphen_values = true)]
    beta: Option<Beta>,
    /// psld: noise in the position [default: 0.01]
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    gamma: Option<f64>,
    /// psld: friction of the momentum [default: 4.01]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    nu: Option<f64>,
    /// psld: variance of the momentum of the data, in units of the mass [default: 0.04]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    kappa: Option<f64>,
}

impl ProcessOptions {
    /// The first option of a kind of process that was given.
    fn given(&self, kind: ProcessKind) -> Option<&'static str> {
        let all: &[(&'static str, bool)] = match kind {
            ProcessKind::Psld => &[
                ("beta", self.beta.is_some()),
                ("gamma", self.gamma.is_some()),
                ("nu", self.nu.is_some()),
                ("kappa", self.kappa.is_some()),
            ],
            _ => &[("schedule", self.schedule.is_some()), ("levels", self.levels.is_some())],
        };
        all.iter().find(|(_, given)| *given).map(|(name, _)| *name)
    }

    /// Refuses options of a kind of process, for models that bring their own constants.
    fn refuse(&self, kind: ProcessKind) -> Result<(), Failure> {
        let Some(option) = self.given(kind) else { return Ok(()) };
        let why = "the model brings the constants it was trained with";
        Err(Failure::Input(format!("--{option} is not an option here: {why}")))
    }

    /// The process with its constants.
    fn process(&self) -> Result<Process, Failure> {
        let kind = self.process.unwrap_or_default();
        let other = if kind == ProcessKind::Psld { ProcessKind::Vp } else { ProcessKind::Psld };
        if let Some(option) = self.given(other) {
            let message =
                format!("--{option} is not an option of the process {kind}; leave it out");
            return Err(Failure::Input(message));
        }
        if kind == ProcessKind::Psld {
            let paper = Psld::PAPER;
            let gamma = self.gamma.unwrap_or(paper.gamma());
            let nu = self.nu.unwrap_or(paper.nu());
            let psld = Psld::new(gamma, nu, self.kappa.unwrap_or(paper.kappa()))?;
            return Ok(Process::psld(psld, self.beta.map_or_else(|| Beta::constant(8.0), Ok)?));
        }
        let schedule = self.schedule.unwrap_or(Schedule::Linear);
        Ok(Process::vp(schedule.table(self.levels.unwrap_or(1000))?))
    }
}

/// Where the model comes from.
#[derive(Args)]
pub struct SourceOptions {
    #[command(flatten)]
    pub target: TargetOptions,
    /// Map the smallest and the largest number of the data set to LO and HI; bandwidth and samples
    /// are in these units
    #[arg(long, value_name = "LO,HI", requires = "data", conflicts_with = "target")]
    #[arg(allow_hyphen_values = true, value_parser = interval)]
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
    process: ProcessOptions,
}

/// Two numbers with a comma between, the first below the second.
fn interval(text: &str) -> Result<(f64, f64), String> {
    let ends = text.split_once(',');
    let ends = ends.and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    // The length of an interval can be infinite where its ends are not.
    match ends {
        Some((low, high)) if f64::is_finite(high - low) && low < high => Ok((low, high)),
        _ => Err("expected two finite numbers LO,HI with LO below HI, as -1,1".into()),
    }
}

/// A model of noised data, and the process along which it is used.
pub struct Source {
    kind: Kind,
    pub process: Process,
    /// Range of the numbers of the data and the sides of one picture, if known.
    pub range: Option<(f64, f64)>,
    pub image: Option<(usize, usize)>,
}

enum Kind {
    Exact(Box<DiffusedMixture>),
    Network { network: Network, label: Option<usize>, guidance: f64 },
}

impl Source {
    pub fn load(options: &SourceOptions) -> Result<Self, Failure> {
        // The parser waives what an option requires where that would clash with another.
        let refuse = |message: &str| Err(Failure::Input(message.into()));
        if options.model.is_none() && options.label.is_some() {
            return refuse("--label needs --model, a network trained with labels");
        }
        if options.model.is_some() && options.target.bandwidth.is_some() {
            return refuse("--bandwidth belongs to a data set; leave it out with --model");
        }
        if options.label.is_none() && options.guidance.is_some() {
            return refuse("--guidance needs --label, the class to be guided to");
        }
        match &options.model {
            Some(path) => Self::network(path, options),
            None if options.target.target.is_none() && options.target.data.is_none() => refuse(
                "nothing to generate from: give a TARGET.json, --data with --bandwidth, or --model",
            ),
            None => {
                let process = options.process.process()?;
                let data = target::load(&options.target, options.scale)?;
                let kind = Kind::Exact(Box::new(DiffusedMixture::new(data)));
                Ok(Self { kind, process, range: options.scale, image: None })
            }
        }
    }

    fn network(path: &Path, options: &SourceOptions) -> Result<Self, Failure> {
        let named = |error: langevin::Error| match error {
            // It names the file itself.
            langevin::Error::NetworkFile { .. } => Failure::Input(error.to_string()),
            other => Failure::Input(format!("--model {}: {other}", path.display())),
        };
        let network = Network::load(path).map_err(named)?;
        let model = network.denoiser().map_err(named)?;
        let process = match (model.process(), options.process.process) {
            (Process::Psld(..), Some(ProcessKind::Vp)) => {
                let why = "trained for psld, expected a network for vp";
                return Err(Failure::Input(format!("--model {}: {why}", path.display())));
            }
            // A network of data gives the joint score too: see `Lifted`.
            (Process::Vp(_), Some(ProcessKind::Psld)) => {
                options.process.refuse(ProcessKind::Vp)?;
                options.process.process()?
            }
            (own, _) => {
                options.process.refuse(ProcessKind::Vp)?;
                options.process.refuse(ProcessKind::Psld)?;
                own.clone()
            }
        };
        model.with_label(options.label).map_err(named)?;
        let guidance = options.guidance.unwrap_or(1.0);
        if !guidance.is_finite() {
            let message = format!("--guidance: given {guidance}, expected a finite number");
            return Err(Failure::Input(message));
        }
        let range = network.range().map(|[low, high]| (low, high));
        let image = network.image().map(|[rows, columns]| (rows, columns));
        let kind = Kind::Network { network, label: options.label, guidance };
        Ok(Self { kind, process, range, image })
    }

    /// The distribution that is sampled, if it is known.
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
                Some(Process::Psld(..)) => network.input_width() / 2,
                _ => network.input_width(),
            },
        }
    }

    /// In words, for headings.
    pub fn describe(&self) -> String {
        let Kind::Network { network, label, guidance } = &self.kind else {
            return "exact score".into();
        };
        let label = match label {
            None => String::new(),
            Some(label) if *guidance == 1.0 => format!(", label {label}"),
            Some(label) => format!(", label {label} with guidance {guidance}"),
        };
        format!("network of {} parameters{label}", network.parameters())
    }

    /// The model, with its label and guidance.
    pub fn model<F: Real>(&self) -> Result<Box<dyn Denoiser<F> + '_>, Failure> {
        let (network, label, guidance) = match &self.kind {
            Kind::Exact(model) => return Ok(Box::new(&**model)),
            Kind::Network { network, label, guidance } => (network, *label, *guidance),
        };
        let one: TrainedDenoiser<_> = network.denoiser()?.with_label(label)?;
        if label.is_some() && guidance != 1.0 {
            return Ok(Box::new(one.guided::<F>(guidance)?));
        }
        Ok(Box::new(one))
    }
}
