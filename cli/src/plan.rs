//! `langevin plan`: the distribution of methods ahead of time, and which one to take for a budget.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::advanced::quoted;
use langevin::diffusion::{Calibration, Ranking, Seen, Spectrum};
use langevin::ndarray::{Array1, Axis};
use langevin::prelude::{Method, Prediction, Process};
use serde_json::json;

use crate::arguments::interval;
use crate::failure::{Failure, refuse};
use crate::inputs::Inputs;
use crate::npy::{Accept, read_rows};
use crate::output::print_line;
use crate::reference::Reference;
use crate::source::{Source, SourceOptions};

#[derive(Args)]
pub struct Plan {
    #[command(flatten)]
    source: SourceOptions,
    /// Data of a trained network (.npy), in place of a target: their mean and covariance count
    #[arg(long, value_name = "FILE.npy", requires = "model")]
    reference: Option<PathBuf>,
    /// Which numbers of the reference are the ends of the model's range [default for bytes: 0,255]
    #[arg(long, value_name = "LO,HI", requires = "reference", allow_hyphen_values = true)]
    #[arg(value_parser = interval)]
    reference_range: Option<(f64, f64)>,
    /// Covariance of the data, (dim, dim) (.npy or .csv), in place of a target
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "data", "spectrum"])]
    covariance: Option<PathBuf>,
    /// Variances of independent coordinates, one column or row (.npy or .csv), in place of a target
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "data"])]
    spectrum: Option<PathBuf>,
    /// Mean of the data, one column or row, with --covariance or --spectrum [default: 0]
    #[arg(long, value_name = "FILE")]
    mean: Option<PathBuf>,
    /// Methods, each NAME[:OPTION=VALUE].. [default: all of the process]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    methods: Vec<String>,
    /// Grids to try with every method that names none, as quadratic,power:rho=1.5,karras
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    grids: Vec<String>,
    /// Budgets of model evaluations
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    evaluations: Vec<usize>,
    /// Samples of one good run of the network without noise in its steps and of one with noise,
    /// such as dpmpp2m and sde-dpmpp2m with 80 evaluations: forecasts then have its error
    #[arg(long, value_names = ["FLOW.npy", "SDE.npy"], num_args = 2)]
    calibrate: Vec<PathBuf>,
    /// In place of a ranking, print the coefficients of every step of one method with one budget,
    /// for a loop of your own (see docs/own-loop.md). The model predicts PREDICTION from the state
    /// of the run [default: what --scheduler says, or the customary network of the process]
    #[arg(long, value_name = "PREDICTION", num_args = 0..=1, requires = "json")]
    #[arg(conflicts_with_all = ["reference", "covariance", "spectrum", "grids", "calibrate"])]
    table: Option<Option<Prediction>>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Data as a Gaussian, and the process that noises them.
struct Setting {
    process: Process,
    data: Spectrum,
    describe: String,
}

pub fn run(arguments: &Plan) -> Result<(), Failure> {
    if let Some(prediction) = arguments.table {
        return print_table(arguments, prediction);
    }
    let Setting { process, data, describe } = setting(arguments)?;
    let methods = methods(arguments, &process)?;
    let calibration = calibration(arguments, &data)?;
    let ranking =
        Ranking::new(&process, &methods, &arguments.evaluations, &data, calibration.as_ref())?;
    if arguments.json {
        let report = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "inputs": inputs(arguments).json(),
            "process": process.to_string(),
            "data": describe,
            "dimension": data.len(),
            "calibrated": calibration.is_some(),
            "rows": ranking.rows,
            "left_out": ranking.left_out,
        });
        return print_line(&report.to_string());
    }
    let mut text = format!(
        "{process}, {describe} in {} dimensions: forecasts for Gaussian data{}\n\n{ranking}",
        data.len(),
        if calibration.is_some() { ", with the error of the network" } else { "" },
    );
    for &budget in &arguments.evaluations {
        if let Some(best) = ranking.best(budget) {
            let method = best.plan.method();
            text += &format!("\n\nbest of {budget}: {method}\n  {}", best.visits());
        }
    }
    for line in &ranking.left_out {
        text += &format!("\n\nleft out: {line}");
    }
    print_line(&text)
}

/// Prints the table of one plan. The data of a target have no part in it.
fn print_table(arguments: &Plan, prediction: Option<Prediction>) -> Result<(), Failure> {
    let [evaluations] = arguments.evaluations[..] else {
        return refuse("--table needs one number of --evaluations");
    };
    let process = match arguments.source.model {
        Some(_) => Source::load(&arguments.source, None, None)?.process,
        None => arguments.source.process()?,
    };
    let config = arguments.source.scheduler.load()?;
    let named = match &arguments.methods[..] {
        [] => None,
        [text] => Some(text.parse::<Method>()?),
        _ => return refuse("--table needs one method of --methods"),
    };
    let plan = match (&config, named) {
        (Some(config), Some(method)) => config.plan_with(&method, evaluations)?,
        (Some(config), None) => config.plan(evaluations)?,
        (None, Some(method)) => method.plan(&process, evaluations)?,
        (None, None) => return refuse("--table needs one method of --methods"),
    };
    if let Some(config) = &config {
        crate::scheduler::warn(config);
    }
    let seen = match (prediction, &config) {
        (Some(prediction), _) => Seen::State(prediction),
        (None, Some(config)) => config.seen(),
        (None, None) => Seen::customary(&process),
    };
    let reads = match seen {
        Seen::Face(_) => "the variable of the network",
        _ => "the state",
    };
    let report = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "inputs": inputs(arguments).json(),
        "process": process.to_string(),
        "method": plan.method().to_string(),
        "evaluations": plan.evaluations(),
        "predicts": seen.prediction().name(),
        "reads": reads,
        "table": plan.step_table(seen)?,
    });
    print_line(&report.to_string())
}

fn inputs(arguments: &Plan) -> Inputs {
    let [target, data] = arguments.source.target.files();
    Inputs::new([
        target,
        data,
        ("--model", arguments.source.model.as_deref()),
        arguments.source.scheduler.file(),
        ("--reference", arguments.reference.as_deref()),
        ("--covariance", arguments.covariance.as_deref()),
        ("--spectrum", arguments.spectrum.as_deref()),
    ])
    .and(arguments.source.more_files())
}

/// The methods that are named, or all that run on the process, each with the grids to try.
fn methods(arguments: &Plan, process: &Process) -> Result<Vec<Method>, Failure> {
    let read = |text: &String| -> Result<Method, Failure> {
        let named = |error| Failure::Input(format!("--methods `{}`: {error}", quoted(text)));
        text.parse().map_err(named)
    };
    let all = match &arguments.methods[..] {
        [] => Method::on(process.kind()),
        given => given.iter().map(read).collect::<Result<_, _>>()?,
    };
    if arguments.grids.is_empty() {
        return Ok(all);
    }
    let mut with_grids = Vec::new();
    for method in all {
        let levels = ["grid", "timesteps", "sigmas", "blocks"];
        let given = method.given().iter().any(|(name, _)| levels.contains(name));
        let takes = method.options(process.kind()).iter().any(|option| option.name == "grid");
        if given || !takes {
            with_grids.push(method);
            continue;
        }
        for grid in &arguments.grids {
            let named = |error| Failure::Input(format!("--grids `{}`: {error}", quoted(grid)));
            with_grids.push(method.clone().with("grid", grid).map_err(named)?);
        }
    }
    Ok(with_grids)
}

/// One column or one row of numbers.
fn line(option: &str, path: &Path) -> Result<Vec<f64>, Failure> {
    let rows = read_rows(option, path, Accept::Reals)?;
    match rows.dim() {
        (1, _) | (_, 1) => Ok(rows.into_iter().collect()),
        shape => refuse(format!(
            "{option} {}: given shape {shape:?}, expected one column or one row",
            path.display()
        )),
    }
}

fn setting(arguments: &Plan) -> Result<Setting, Failure> {
    let own = arguments.covariance.as_ref().or(arguments.spectrum.as_ref());
    let Some(path) = own else {
        if arguments.mean.is_some() {
            return refuse("--mean needs --covariance or --spectrum");
        }
        return from_source(arguments);
    };
    let process = match arguments.source.model {
        Some(_) => Source::load(&arguments.source, None, None)?.process,
        None => arguments.source.process()?,
    };
    let mean = arguments.mean.as_ref().map(|path| line("--mean", path)).transpose()?;
    let zeros = |dim| mean.clone().unwrap_or_else(|| vec![0.0; dim]);
    let named =
        |option: &str, error| Failure::Input(format!("{option} {}: {error}", path.display()));
    let data = if arguments.covariance.is_some() {
        let rows = read_rows("--covariance", path, Accept::Reals)?;
        let mean = Array1::from(zeros(rows.ncols()));
        Spectrum::new(mean, rows.view()).map_err(|error| named("--covariance", error))?
    } else {
        let variances = line("--spectrum", path)?;
        let mean = zeros(variances.len());
        Spectrum::diagonal(mean, variances).map_err(|error| named("--spectrum", error))?
    };
    Ok(Setting { process, data, describe: format!("data of {}", path.display()) })
}

/// Data of a target, or of a reference for a network.
fn from_source(arguments: &Plan) -> Result<Setting, Failure> {
    let source = Source::load(&arguments.source, None, None)?;
    let data = match (source.data(), &arguments.reference) {
        (Some(data), _) => Spectrum::new(data.mean(), data.covariance().view())?,
        (None, Some(path)) => {
            let reference = Reference::load(path, arguments.reference_range, &source)?;
            reference.warn();
            Spectrum::of_data(reference.rows.view())?
        }
        (None, None) => {
            return refuse("--model needs --reference, --covariance or --spectrum: its data");
        }
    };
    let describe = source.describe();
    Ok(Setting { process: source.process, data, describe })
}

fn calibration(arguments: &Plan, data: &Spectrum) -> Result<Option<Calibration>, Failure> {
    let [flow, reverse_sde] = &arguments.calibrate[..] else { return Ok(None) };
    let read = |path: &PathBuf| read_rows("--calibrate", path, Accept::Floats);
    let [flow, reverse_sde] = [read(flow)?, read(reverse_sde)?];
    if flow.len_of(Axis(0)) < data.len() || reverse_sde.len_of(Axis(0)) < data.len() {
        eprintln!(
            "warning: --calibrate: fewer samples than dimensions, {}; covariances are rough",
            data.len()
        );
    }
    Ok(Some(Calibration::new(data, flow.view(), reverse_sde.view())?))
}
