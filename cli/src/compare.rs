//! `langevin compare`: ways to generate side by side, by the library's comparison.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use langevin::compare::{Comparison, Distances, Entry, Metric, Table};
use langevin::network::Network;
use langevin::prelude::Real;
use serde_json::{Map, Value, json};

use crate::arguments::Precision;
use crate::failure::Failure;
use crate::npy::{Accept, read_rows};
use crate::output::{create_all, print_line, write_picture};
use crate::source::{Source, SourceOptions};
use crate::target;

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
    /// Data to compare with (.npy); mapped to the range of the model if it has one [default: as
    /// many exact samples of the target as there are chains]
    #[arg(long, value_name = "FILE.npy")]
    reference: Option<PathBuf>,
    /// Network whose features define the distance `features`
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Every run as a line
    #[arg(long, value_name = "OUT.csv")]
    csv: Option<PathBuf>,
    /// Distance against evaluations, with error bars
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    /// Threads [default: all cores]; never changes the result
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    threads: Option<usize>,
    /// [default: f64; f32 with a network]
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// No progress bar
    #[arg(long)]
    quiet: bool,
}

pub fn run(arguments: &Compare) -> Result<(), Failure> {
    let network = arguments.source.model.is_some();
    match arguments.precision {
        Some(Precision::F64) => run_in::<f64>(arguments),
        None if !network => run_in::<f64>(arguments),
        _ => run_in::<f32>(arguments),
    }
}

fn run_in<F: Real>(arguments: &Compare) -> Result<(), Failure> {
    let seeds = arguments.seeds;
    let chains = arguments.chains;
    if seeds == 0 || chains < 20 {
        let message = "expected at least one seed and 20 chains, as distances need samples";
        return Err(Failure::Input(format!("--seeds {seeds}, --chains {chains}: {message}")));
    }
    let source = Source::load(&arguments.source)?;
    let model = source.model::<F>()?;
    let distances = distances(arguments, &source)?;
    // The comparison borrows the bar, so the bar comes first.
    let bar = bar(arguments.quiet);
    let mut comparison = Comparison::<F>::new(&source.process, &*model, distances)
        .chains(chains)
        .seeds(arguments.seed, seeds)
        .dimension(source.dimension());
    if let Some(threads) = arguments.threads {
        comparison = comparison.threads(threads);
    }
    // Everything is planned before anything is run, so that a bad line costs no time.
    for text in &arguments.methods {
        let named = |error| Failure::Input(format!("--methods `{text}`: {error}"));
        let entry: Entry = text.parse().map_err(named)?;
        comparison = comparison.with(entry, &arguments.evaluations).map_err(named)?;
    }
    let [csv, picture] =
        create_all([("--csv", arguments.csv.as_deref()), ("--plot", arguments.plot.as_deref())])?;
    bar.set_length(comparison.evaluations().ceil() as u64);
    if !bar.is_hidden() {
        comparison = comparison.progress(|now| {
            let label = now.label;
            let budget = now.budget;
            let seed = now.seed;
            bar.set_message(format!("{label}, {budget} evaluations, seed {seed}"));
            bar.set_position(now.done as u64);
        });
    }
    let table = comparison.run()?;
    bar.finish_and_clear();

    if let Some(mut file) = csv {
        let written = file.write_all(table.to_csv().as_bytes());
        written.map_err(|error| Failure::Run(format!("--csv: {error}")))?;
        file.finish()?;
    }
    let drawn = write_picture(picture, "--plot", || {
        let title = format!("{}, {}", source.describe(), source.process.title());
        Ok(table.to_svg(&title)?.into_bytes())
    });
    if arguments.json {
        print_line(&json(arguments, &source, &table).to_string())?;
    } else {
        let twice = if table.passes == 2 { "; every evaluation is two of the network" } else { "" };
        let mut text = format!(
            "{}, {}: {chains} chains, {seeds} seeds from {}, in {} dimensions{twice}\n\n{table}",
            source.process,
            source.describe(),
            arguments.seed,
            source.dimension(),
        );
        for path in [&arguments.csv, &arguments.plot].into_iter().flatten() {
            text += &format!("\nwritten: {}", path.display());
        }
        print_line(text.trim_end())?;
    }
    drawn
}

/// The metrics that were asked for, or those that fit, with what they need.
fn distances<'s>(arguments: &Compare, source: &'s Source) -> Result<Distances<'s>, Failure> {
    let few = source.data().is_some_and(Distances::has_few_modes);
    let metrics = match (&arguments.metric[..], &arguments.features) {
        ([], Some(_)) => vec![Metric::Features],
        ([], None) if few && arguments.reference.is_none() => vec![Metric::Radial],
        ([], None) => vec![Metric::Frechet],
        (given, _) => given.to_vec(),
    };
    let takes_features = metrics.contains(&Metric::Features);
    if takes_features != arguments.features.is_some() {
        let message = match takes_features {
            true => "--metric features needs --features, the network that makes them",
            false => "--features is not used by the metrics that are asked for",
        };
        return Err(Failure::Input(message.into()));
    }
    let compared = metrics.iter().any(|metric| *metric != Metric::Radial);
    let radial = metrics.contains(&Metric::Radial);
    let mut distances = Distances::new(metrics)?;
    match source.data() {
        Some(data) => {
            let named = |error| Failure::Input(format!("--metric radial: {error}"));
            distances = distances.target(data).map_err(named)?;
        }
        None if radial => {
            let message = "--metric radial: expected a target of few modes, not a network";
            return Err(Failure::Input(message.into()));
        }
        None => {}
    }
    match (&arguments.reference, source.data()) {
        (Some(path), _) => {
            let mut rows = read_rows("--reference", path, Accept::Reals)?;
            let given = rows.ncols();
            let expected = source.dimension();
            if given != expected {
                let rows = format!("given rows of {given} numbers, expected {expected}");
                return Err(Failure::Input(format!("--reference {}: {rows}", path.display())));
            }
            if let Some(range) = source.range {
                target::rescale("--reference", &mut rows, range)?;
            }
            distances = distances.reference(rows)?;
        }
        // Another seed than any that chains could have: exact samples have a stream of their own
        // anyway.
        (None, Some(data)) if compared => {
            distances = distances.reference(data.sample(arguments.chains.max(1000), u64::MAX)?)?;
        }
        (None, None) if compared => {
            let message =
                "--reference is missing: the data that the samples of a network are compared with";
            return Err(Failure::Input(message.into()));
        }
        _ => {}
    }
    if let Some(path) = &arguments.features {
        let named = |error| Failure::Input(format!("--features {}: {error}", path.display()));
        let network = Network::load(path).map_err(named)?;
        distances = distances.features(move |rows| network.features(rows)).map_err(named)?;
    }
    Ok(distances)
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = "{bar:30} {percent}%  {elapsed} gone, {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn json(arguments: &Compare, source: &Source, table: &Table) -> Value {
    let number = |x: f64| if x.is_finite() { json!(x) } else { json!(null) };
    let mut rows = Vec::new();
    for row in &table.rows {
        let mut entry = json!({
            "method": row.label, "budget": row.budget, "evaluations": number(row.evaluations),
            "seconds": row.seconds,
        });
        for (metric, value) in table.metrics.iter().zip(&row.values) {
            entry[metric.name()] = number(value.value);
            entry[format!("{metric}_error")] = number(value.error);
        }
        rows.push(entry);
    }
    let half =
        |(metric, e): &(Metric, langevin::metrics::Estimate)| (metric.to_string(), number(e.value));
    let halves: Map<String, Value> = table.halves.iter().map(half).collect();
    json!({
        "process": source.process.to_string(), "model": source.describe(),
        "chains": arguments.chains, "model_calls_per_evaluation": table.passes,
        "seeds": arguments.seeds, "seed": arguments.seed, "rows": rows,
        "halves_of_reference": halves, "failures": table.failures(),
    })
}
