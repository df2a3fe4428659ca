//! `langevin compare`: ways to generate side by side, by the library's comparison.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::advanced::quoted;
use langevin::compare::{Comparison, Distances, Entry, Metric, Record};
use langevin::prelude::Real;
use serde_json::{Value, json};

use crate::arguments::{CommonOptions, interval};
use crate::checkpoint::CheckpointOptions;
use crate::failure::{Failure, print_warning, refuse};
use crate::inputs::Inputs;
use crate::output::{create_all, print_report, write_file};
use crate::reference::Reference;
use crate::report::{merged, written};
use crate::source::{Source, SourceOptions};

#[derive(Args)]
pub struct Compare {
    #[command(flatten)]
    source: SourceOptions,
    /// Methods, each NAME[:OPTION=VALUE]..[@EVALUATIONS[+EVALUATIONS]..], as
    /// ddim,pmm2:grid=equal,ddpm@1000
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    methods: Vec<String>,
    /// Budgets of those methods that name none of their own
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    evaluations: Vec<usize>,
    /// Number of seeds, counted up from --seed; with two or more, errors are those of the mean over
    /// them
    #[arg(long, value_name = "K", default_value_t = 3, allow_negative_numbers = true)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Number of chains
    #[arg(long, value_name = "C", default_value_t = 10_000, allow_negative_numbers = true)]
    chains: usize,
    /// Distances to take, of radial, sliced, energy, frechet, features and copies; the first is
    /// drawn [default: radial for few modes, features with --features, else frechet]
    #[arg(long, value_delimiter = ',')]
    metric: Vec<Metric>,
    /// Data to compare with (.npy): real numbers as they are, integers mapped to the range of the
    /// model [default: as many exact samples of the target as there are chains]
    #[arg(long, value_name = "FILE.npy")]
    reference: Option<PathBuf>,
    /// Which numbers of the reference are the ends of the model's range [default for bytes: 0,255]
    #[arg(long, value_name = "LO,HI", requires = "reference", allow_hyphen_values = true)]
    #[arg(value_parser = interval)]
    reference_range: Option<(f64, f64)>,
    /// Network whose features define the distance `features`
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Every run as a line
    #[arg(long, value_name = "OUT.csv")]
    csv: Option<PathBuf>,
    /// Distance against evaluations, with error bars
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    /// Take over the finished runs of this checkpoint: the same command with all its options. If
    /// it is that of --checkpoint and not there yet, the comparison begins
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    durable: CheckpointOptions,
    #[command(flatten)]
    common: CommonOptions,
}

impl Compare {
    /// The file to resume, unless it is still to come.
    fn resume(&self) -> Option<&Path> {
        self.resume.as_deref().filter(|path| !self.durable.is_yet_to_come(path))
    }

    /// The comparison with its finished runs in a file, if one is named.
    fn recorded<'c, F: Real>(
        &self,
        comparison: Comparison<'c, F>,
        source: &Source,
    ) -> Result<Comparison<'c, F>, Failure> {
        let resume = self.resume();
        let outputs = [self.csv.as_deref(), self.plot.as_deref()];
        self.durable.check(resume, &self.inputs(), &outputs)?;
        if resume.is_none() && self.durable.path().is_none() {
            return Ok(comparison);
        }
        self.inputs().need_files()?;
        let report = settings::<F>(self, source);
        let own = report.as_object().into_iter().flatten();
        let own = own.filter(|(name, _)| *name != "inputs");
        let own = own.map(|(name, value)| (name.clone(), value.to_string()));
        let files = report["inputs"].as_object().into_iter().flatten();
        let files =
            files.map(|(name, file)| (format!("{name} sha256"), file["sha256"].to_string()));
        let more = [
            ("metric", format!("{:?}", self.metric)),
            ("evaluations", format!("{:?}", self.evaluations)),
            ("reference_range", format!("{:?}", self.reference_range)),
            ("device", self.source.engine.device()),
        ];
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), value));
        let mut record = Record::new(own.chain(files).chain(more).collect());
        if let Some(path) = resume {
            let named = |why| Failure::Input(format!("--resume {}: {why}", path.display()));
            record = record.read(path).map_err(named)?;
        }
        if let Some(path) = self.durable.path() {
            record = record.in_file(path, self.durable.interval()?);
        }
        Ok(comparison.record(record))
    }

    fn inputs(&self) -> Inputs {
        let [target, data] = self.source.target.files();
        let model = ("--model", self.source.model.as_deref());
        let reference = ("--reference", self.reference.as_deref());
        let features = ("--features", self.features.as_deref());
        Inputs::new([target, data, model, reference, features, self.source.betas()])
            .and(self.source.more_files())
    }
}

pub fn run(arguments: &Compare) -> Result<(), Failure> {
    let single = arguments.common.single(arguments.source.model.is_some());
    if single { run_in::<f32>(arguments) } else { run_in::<f64>(arguments) }
}

fn run_in<F: Real>(arguments: &Compare) -> Result<(), Failure> {
    let Compare { seeds, chains, .. } = *arguments;
    if seeds == 0 || chains < 20 {
        let message = "expected at least one seed and 20 chains, as distances need samples";
        return refuse(format!("--seeds {seeds}, --chains {chains}: {message}"));
    }
    let source = Source::load(&arguments.source, Some(chains), arguments.common.threads)?;
    let model = source.model::<F>()?;
    let range = arguments.reference_range;
    let load = |path: &PathBuf| Reference::load(path, range, &source);
    let reference = arguments.reference.as_ref().map(load).transpose()?;
    reference.iter().for_each(Reference::warn);
    let distances = distances(arguments, &source, reference.as_ref())?;
    let mut comparison = Comparison::<F>::new(&source.process, &*model, distances)
        .chains(chains)
        .seeds(arguments.seed, seeds)
        .dimension(source.dimension());
    if let Some(threads) = arguments.common.threads {
        comparison = comparison.threads(threads);
    }
    // Everything is planned before anything is run, so that a bad line costs no time.
    for text in &arguments.methods {
        let named = |error| Failure::Input(format!("--methods `{}`: {error}", quoted(text)));
        let entry: Entry = text.parse().map_err(named)?;
        comparison = comparison.with(entry, &arguments.evaluations).map_err(named)?;
    }
    comparison.warnings()?.iter().for_each(|warning| print_warning(warning));
    let outputs = [arguments.csv.as_deref(), arguments.plot.as_deref()];
    comparison = arguments.recorded(comparison, &source)?;
    let [csv, picture] =
        create_all(&arguments.inputs(), [("--csv", outputs[0]), ("--plot", outputs[1])])?;
    if !arguments.common.quiet {
        comparison = comparison.progress_bar();
    }
    let table = comparison.run()?;

    write_file(csv, "--csv", || Ok(table.to_csv().into_bytes()))?;
    let drawn = write_file(picture, "--plot", || {
        let title = format!("{}, {}", source.describe(), source.process.title());
        Ok(table.to_svg(&title)?.into_bytes())
    });
    if arguments.common.json {
        let mut more = settings::<F>(arguments, &source);
        more["reference"] = json!(reference.as_ref().map(Reference::json));
        print_report(outputs, &merged([json!(table), more]))?;
    } else {
        let mut text = heading(arguments, &source, table.passes == 2);
        if let Some(reference) = &reference {
            text += &format!("\n{}", reference.describe());
        }
        text += &format!("\n\n{table}");
        let written = written(&outputs);
        if !written.is_empty() {
            text = format!("{}\n\n{written}", text.trim_end());
        }
        print_report(outputs, text.trim_end())?;
    }
    arguments.durable.end();
    drawn
}

fn heading(arguments: &Compare, source: &Source, twice: bool) -> String {
    format!(
        "{}, {}: {} chains, {} seeds from {}, in {} dimensions{}",
        source.process,
        source.describe(),
        arguments.chains,
        arguments.seeds,
        arguments.seed,
        source.dimension(),
        if twice { "; every evaluation is two of the network" } else { "" },
    )
}

/// The settings, so that the comparison can be repeated.
fn settings<F: Real>(arguments: &Compare, source: &Source) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "inputs": arguments.inputs().json(),
        "bandwidth": arguments.source.target.bandwidth,
        "scale": arguments.source.scale,
        "label": arguments.source.label,
        "guidance": arguments.source.guidance.guidance,
        "guidance_interval": arguments.source.guidance.guidance_interval,
        "guidance_rescale": arguments.source.guidance.guidance_rescale,
        "input_bits": arguments.source.input_bits,
        "process": source.process.to_string(),
        "model": source.describe(),
        "methods": arguments.methods,
        "chains": arguments.chains,
        "seeds": arguments.seeds,
        "seed": arguments.seed,
        "precision": F::NAME,
    })
}

/// The metrics that were asked for, or those that fit, with what they need.
fn distances<'s>(
    arguments: &Compare,
    source: &'s Source,
    reference: Option<&Reference>,
) -> Result<Distances<'s>, Failure> {
    let few = source.data().is_some_and(Distances::has_few_modes);
    let metrics = match (&arguments.metric[..], &arguments.features) {
        ([], Some(_)) => vec![Metric::Features],
        ([], None) if few && arguments.reference.is_none() => vec![Metric::Radial],
        ([], None) => vec![Metric::Frechet],
        (given, _) => given.to_vec(),
    };
    if arguments.features.is_some() && !metrics.contains(&Metric::Features) {
        return refuse("--features is not used by the metrics that are asked for");
    }
    let compared = metrics.iter().any(|metric| *metric != Metric::Radial);
    let mut distances = Distances::new(metrics)?;
    if let Some(data) = source.data() {
        let named = |error| Failure::Input(format!("--metric radial: {error}"));
        distances = distances.target(data).map_err(named)?;
    }
    match (reference, source.data()) {
        (Some(found), _) => distances = distances.reference(found.rows.clone())?,
        // Another seed than any that chains could have: exact samples have a stream of their own
        // anyway.
        (None, Some(data)) if compared => {
            distances = distances.reference(data.sample(arguments.chains.max(1000), u64::MAX)?)?;
        }
        _ => {}
    }
    if let Some(path) = &arguments.features {
        let named = |error| Failure::Input(format!("--features {}: {error}", path.display()));
        let network =
            arguments.source.engine.load(path, arguments.common.threads).map_err(named)?;
        distances = distances.features(move |rows| network.features(rows)).map_err(named)?;
    }
    Ok(distances)
}
