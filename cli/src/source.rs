//! What samples are generated with: the exact score of a noised target or a trained network, and
//! the process along which it is used.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::advanced::quoted;
use langevin::diffusion::{ProcessKind, Rounded};
use langevin::image::{self, Map};
use langevin::onnx::AnyNetwork;
use langevin::prelude::{Denoiser, DiffusedMixture, GaussianMixture, LevelTable, Process, Real};

use crate::arguments::{Given, TargetOptions, interval, pair};
use crate::contents::Contents;
use crate::failure::{Failure, refuse};
use crate::guidance::{Guidance, GuidanceOptions};
use crate::network::EngineOptions;
use crate::npy::{Accept, read_rows};
use crate::scheduler::SchedulerOptions;
use crate::target::{self, Target};
use crate::told::{ConditionFile, Labels, Told};

/// The process by which data are noised.
#[derive(Args)]
pub struct ProcessOptions {
    /// How data are noised: vp (variance preserving), flow (flow matching), edm or ve (by ranges of
    /// sigma) or psld (phase space) [default: vp, or that of the model]
    #[arg(long)]
    process: Option<ProcessKind>,
    #[command(flatten)]
    given: Given<ProcessKind>,
    /// vp: rates of all levels in place of a schedule: numbers as text, or an .npy of one column or
    /// row. The last one may be 1
    #[arg(long, value_name = "FILE")]
    betas: Option<PathBuf>,
}

impl ProcessOptions {
    /// The first constant that is given.
    fn constant(&self) -> Option<&'static str> {
        let betas = self.betas.as_ref().map(|_| "betas");
        betas.or(self.given.options.first().map(|(name, _)| *name))
    }

    /// Whether a shift is all that is given.
    fn is_shift_alone(&self) -> bool {
        self.betas.is_none() && matches!(self.given.options[..], [("shift", _)])
    }

    /// The process of a network with the given shift.
    fn shifted(&self, own: &Process) -> Result<Process, Failure> {
        let text = self.given.options.first().map_or("", |(_, text)| text);
        let shift = text.trim().parse().map_err(|_| {
            Failure::Input(format!("shift: given `{}`, expected a number", quoted(text)))
        })?;
        Ok(own.shifted(shift)?)
    }

    /// The process with its constants.
    fn process(&self) -> Result<Process, Failure> {
        if let Some(path) = &self.betas {
            let given = self.process.filter(|kind| *kind != ProcessKind::Vp);
            let process = given.map(ProcessKind::name);
            let other = self.given.options.first().map(|(name, _)| *name);
            if let Some(process) = process {
                return refuse(format!("give only one of --betas and --process {process}"));
            }
            if let Some(other) = other {
                return refuse(format!("give only one of --betas and --{other}"));
            }
            let table = LevelTable::from_betas(read_betas(path)?);
            let named = |error| Failure::Input(format!("--betas {}: {error}", path.display()));
            return Ok(Process::vp(table.map_err(named)?));
        }
        let given = self.given.options.iter().map(|(name, text)| (*name, text.as_str()));
        Ok(Process::with_options(self.process.unwrap_or_default(), given)?)
    }
}

/// The numbers in a file: text, or an .npy of one column or row.
fn read_betas(path: &Path) -> Result<Vec<f64>, Failure> {
    let fail = |why: String| Failure::Input(format!("--betas {}: {why}", path.display()));
    if path.extension().is_some_and(|extension| extension == "npy") {
        let rows = read_rows("--betas", path, Accept::Floats)?;
        return match rows.dim() {
            (1, _) | (_, 1) => Ok(rows.into_iter().collect()),
            shape => Err(fail(format!("given shape {shape:?}, expected one column or one row"))),
        };
    }
    let text = Contents::open(path).and_then(|contents| contents.text()).map_err(fail)?;
    let between = |c: char| c.is_whitespace() || ",;[]".contains(c);
    let numbers = text.split(between).filter(|word| !word.is_empty());
    let number = |(i, word): (usize, &str)| {
        let short: String = word.chars().take(20).flat_map(char::escape_default).collect();
        let wrong = format!("number {} is `{short}`, expected a rate such as 0.02", i + 1);
        word.parse().map_err(|_| fail(wrong))
    };
    numbers.enumerate().map(number).collect()
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
    /// Trained network (.safetensors or .onnx, see docs/network-format.md) in place of a target
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "data"])]
    pub model: Option<PathBuf>,
    /// Class to draw from, for a network trained with labels
    #[arg(long, value_name = "K", requires = "model", allow_negative_numbers = true)]
    pub label: Option<usize>,
    /// Condition for a named input of the network: one row for all chains, or one for each; may be
    /// given for several inputs
    #[arg(long = "condition", value_name = "NAME=FILE.npy", requires = "model")]
    pub conditions: Vec<ConditionFile>,
    #[command(flatten)]
    pub engine: EngineOptions,
    #[command(flatten)]
    pub guidance: GuidanceOptions,
    /// Round the input of the model to B bits of mantissa, as 10, so that the bits of a windowed
    /// run of a network settle; a part of the model
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    pub input_bits: Option<usize>,
    #[command(flatten)]
    process: ProcessOptions,
    #[command(flatten)]
    pub scheduler: SchedulerOptions,
}

impl SourceOptions {
    /// The process that is asked for, without a model.
    pub fn process(&self) -> Result<Process, Failure> {
        match self.scheduler.process(self.process.constant())? {
            Some(process) => Ok(process),
            None => self.process.process(),
        }
    }

    /// What the network is told by files, and its description if that is one.
    pub fn more_files(&self) -> impl Iterator<Item = (String, PathBuf)> + '_ {
        let beside = self.model.iter().filter(|path| AnyNetwork::is_onnx(path));
        let beside = beside.map(|path| path.with_extension("json")).filter(|path| path.is_file());
        let described = beside.map(|path| ("--model description".to_owned(), path));
        let conditions = self.conditions.iter().map(|file| (file.option(), file.path.clone()));
        described.chain(conditions)
    }

    /// The file of rates, with the option that names it.
    pub fn betas(&self) -> (&'static str, Option<&Path>) {
        ("--betas", self.process.betas.as_deref())
    }
}

/// Two whole numbers with an x between.
pub fn image_shape(text: &str) -> Result<(usize, usize), String> {
    pair(text, 'x')
        .filter(|(rows, columns)| *rows > 0 && *columns > 0)
        .ok_or_else(|| "expected rows x columns, as 8x8".into())
}

/// Rows and columns of an image, and the numbers that are white and black.
pub struct Tiles {
    pub shape: (usize, usize),
    pub range: (f64, f64),
}

/// A model of noised data, and the process along which it is used.
pub struct Source {
    kind: Kind,
    input_bits: Option<usize>,
    pub process: Process,
    /// Range of the numbers of the data and the sides of one picture, if known.
    pub range: Option<(f64, f64)>,
    pub image: Option<(usize, usize)>,
    /// How the numbers of a data set were mapped to the range.
    pub map: Option<Map>,
}

enum Kind {
    Exact(Box<DiffusedMixture>),
    Network { network: AnyNetwork, told: Told, guidance: Guidance },
}

impl Source {
    /// Reads what the options name, for so many chains, if their number is known. `--threads` are
    /// those of an engine too.
    pub fn load(
        options: &SourceOptions,
        chains: Option<usize>,
        threads: Option<usize>,
    ) -> Result<Self, Failure> {
        let labels = Labels::Shared(options.label);
        Self::load_with(options, Told::read(labels, &options.conditions, 0, chains)?, threads)
    }

    /// The same with what the chains are told.
    pub fn load_with(
        options: &SourceOptions,
        told: Told,
        threads: Option<usize>,
    ) -> Result<Self, Failure> {
        // The parser waives what an option requires where that would clash with another.
        if options.model.is_none() && !told.is_none() {
            return refuse("--label needs --model, a network trained with labels");
        }
        if options.model.is_some() && options.target.bandwidth.is_some() {
            return refuse("--bandwidth belongs to a data set; leave it out with --model");
        }
        let away = options.guidance.guidance_model.is_some();
        if told.is_none() && options.guidance.guidance.is_some() && !away {
            return refuse(
                "--guidance needs --label, the class to be guided to, or --condition, or \
                 --guidance-model",
            );
        }
        match &options.model {
            Some(path) => Self::network(path, options, told, threads),
            None if options.target.target.is_none() && options.target.data.is_none() => refuse(
                "nothing to generate from: give a TARGET.json, --data with --bandwidth, or --model",
            ),
            None => {
                let process = options.process()?;
                let Target { mixture, map } = target::load(&options.target, options.scale)?;
                let kind = Kind::Exact(Box::new(DiffusedMixture::new(mixture)));
                let input_bits = options.input_bits;
                Ok(Self { kind, input_bits, process, range: options.scale, image: None, map })
            }
        }
    }

    fn network(
        path: &Path,
        options: &SourceOptions,
        told: Told,
        threads: Option<usize>,
    ) -> Result<Self, Failure> {
        let away = options.guidance.guidance_model.as_deref();
        options.engine.check(&[Some(path), away])?;
        let named = |error: langevin::Error| match error {
            // It names the file itself.
            langevin::Error::NetworkFile { .. } => Failure::Input(error.to_string()),
            other => Failure::Input(format!("--model {}: {other}", path.display())),
        };
        let network = options.engine.load(path, threads).map_err(named)?;
        let model = network.denoiser().map_err(named)?;
        let scheduled = options.scheduler.process(options.process.constant())?;
        let process = match (model.process(), options.process.process) {
            (own, _) if scheduled.as_ref().is_some_and(|process| process != own) => {
                let why = format!("trained on {own}, and --scheduler has another process");
                return refuse(format!("--model {}: {why}", path.display()));
            }
            (Process::Psld(..), Some(kind)) if kind.is_of_data() => {
                let why = format!("trained for psld, expected a network for {kind}");
                return refuse(format!("--model {}: {why}", path.display()));
            }
            // A network of data is asked along any process of data, and gives the joint score too:
            // see `Lifted`.
            (own, Some(kind)) if own.kind() != kind => options.process.process()?,
            (own, _) => match options.process.constant() {
                Some("shift") if options.process.is_shift_alone() => {
                    options.process.shifted(own)?
                }
                Some(option) => {
                    let why = "the model brings the constants it was trained with";
                    return refuse(format!("--{option} is not an option here: {why}"));
                }
                None => own.clone(),
            },
        };
        told.of(&network).map_err(named)?;
        let load = |path: &Path| options.engine.load(path, threads);
        let guidance = Guidance::of(&options.guidance, &told, model.process(), &load)?;
        let range = network.range().map(|[low, high]| (low, high));
        let image = network.image().map(|[rows, columns]| (rows, columns));
        let kind = Kind::Network { network, told, guidance };
        Ok(Self { kind, input_bits: options.input_bits, process, range, image, map: None })
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
            Kind::Network { network, .. } => network.dimension(),
        }
    }

    /// How samples are drawn as images: the shape that was given, or that of the model, and the
    /// numbers that are white and black.
    pub fn tiles(&self, shape: Option<(usize, usize)>) -> Result<Tiles, Failure> {
        let Some(shape) = shape.or(self.image) else {
            return refuse(
                "--grid-image needs --image-shape: the model does not say the sides of a picture",
            );
        };
        let (rows, columns) = shape;
        if rows.checked_mul(columns) != Some(self.dimension()) {
            let given = format!("--image-shape: given {rows}x{columns}");
            let expected =
                format!("a product of {}, the dimension of the target", self.dimension());
            return refuse(format!("{given}, expected {expected}"));
        }
        let range = match (self.range, self.data()) {
            (Some(range), _) => range,
            (None, Some(data)) => image::extremes(data.means().view()).map_err(|error| {
                Failure::Input(format!("--grid-image: means of the target, {error}"))
            })?,
            (None, None) => (-1.0, 1.0),
        };
        Ok(Tiles { shape, range })
    }

    /// In words, for headings.
    pub fn describe(&self) -> String {
        let Kind::Network { network, told, guidance } = &self.kind else {
            let mapped = |map: &Map| format!("exact score, data with {map}");
            return self.map.as_ref().map_or_else(|| "exact score".into(), mapped);
        };
        let told = told.describe();
        let guided = match guidance.weight {
            weight if weight == 1.0 || told.is_empty() => String::new(),
            _ => format!(" with guidance {guidance}"),
        };
        match network.parameters() {
            Some(parameters) => format!("network of {parameters} parameters{told}{guided}"),
            None => format!("network from an ONNX file{told}{guided}"),
        }
    }

    /// The model, with its label and guidance, at rounded inputs if so asked.
    pub fn model<F: Real>(&self) -> Result<Box<dyn Denoiser<F> + '_>, Failure> {
        let model = self.plain_model()?;
        match self.input_bits {
            Some(bits) => Ok(Box::new(Rounded::new(model, bits)?)),
            None => Ok(model),
        }
    }

    fn plain_model<F: Real>(&self) -> Result<Box<dyn Denoiser<F> + '_>, Failure> {
        match &self.kind {
            Kind::Exact(model) => Ok(Box::new(&**model)),
            Kind::Network { network, told, guidance } => guidance.model(network, told),
        }
    }
}
