//! `langevin generate`: samples from noise, along the reverse of a noising process.

use std::path::PathBuf;

use clap::Args;
use langevin::ndarray::{Array2, Axis};
use langevin::schedule::Beta;
use langevin::{Every, GaussianMixture, Real, metrics};
use serde_json::json;

use crate::arguments::{Precision, RunOptions};
use crate::failure::Failure;
use crate::images::{Tiles, image_shape};
use crate::model::{Model, SourceOptions};
use crate::output::{create_all, print_line, write_picture};
use crate::planning::{MethodOptions, Noising, Planned};
use crate::report::{MOST_MODES, Report, draw};
use crate::simulation::{Job, Outcome, check_memory, read_start, simulate};

#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    pub source: SourceOptions,
    #[command(flatten)]
    pub method: MethodOptions,
    /// Most model evaluations per chain, in expectation [default: what --timesteps or --blocks
    /// need]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub evaluations: Option<usize>,
    /// Start positions, (chains, dim): the noise [default: standard normal]
    #[arg(long, value_name = "FILE.npy")]
    pub start: Option<PathBuf>,
    /// Picture of the first samples, at most 100, as small images: high numbers are dark
    #[arg(long, value_name = "OUT.png")]
    pub grid_image: Option<PathBuf>,
    /// Rows and columns of one image, as 8x8 [default: what the model says]
    #[arg(long, value_name = "RxC", requires = "grid_image", value_parser = image_shape)]
    pub image_shape: Option<(usize, usize)>,
    #[command(flatten)]
    pub run: RunOptions,
}

pub fn run(arguments: &Generate) -> Result<(), Failure> {
    let own = if arguments.source.model.is_some() { Precision::F32 } else { Precision::F64 };
    match arguments.run.precision.unwrap_or(own) {
        Precision::F32 => run_in::<f32>(arguments),
        Precision::F64 => run_in::<f64>(arguments),
    }
}

fn run_in<F: Real>(arguments: &Generate) -> Result<(), Failure> {
    let run = &arguments.run;
    let model = Model::load(&arguments.source)?;
    let planned = arguments.method.plan::<F>(&model.noising, arguments.evaluations)?;
    let dim = model.dimension();
    let frames = frames(arguments, planned.grid.steps())?;
    let tiles = arguments
        .grid_image
        .as_ref()
        .map(|_| Tiles::new(arguments.image_shape, &model))
        .transpose()?;
    let law = model.data();
    if run.plot.is_some() && law.is_none() && dim > 2 {
        let message = "--plot draws samples over the density of a target; for the samples of a network use --grid-image";
        return Err(Failure::Input(message.into()));
    }
    check_memory::<F>(run.chains, dim)?;
    let start = read_start::<F>(arguments.start.as_deref())?;
    check_start(start.as_ref(), run.chains, dim)?;
    let outcome = model.with_drift(&planned.drive, |drift| {
        let [out, picture, images] = create_all([
            ("--out", run.out.as_deref()),
            ("--plot", run.plot.as_deref()),
            ("--grid-image", arguments.grid_image.as_deref()),
        ])?;
        let grid = planned.grid.clone();
        // Moments are those of the end alone: on the way the law is another one at every step.
        let job =
            Job { sampler: &*planned.sampler, drift, grid, dim, start, moments: None, frames };
        Ok((simulate(run, job, out)?, picture, images))
    });
    let (outcome, picture, images) = outcome?;
    // Pictures that cannot be drawn cost neither the samples nor the report.
    let drawn = write_picture(picture, "--plot", || {
        let title = format!(
            "{}, {:.1} evaluations, {}",
            arguments.method.method,
            planned.evaluations,
            model.noising.title()
        );
        draw(law, outcome.samples.positions(), &title)
    });
    let positions = outcome.samples.positions();
    let tiled = write_picture(images, "--grid-image", || {
        tiles.map_or(Ok(Vec::new()), |tiles| tiles.png(positions))
    });
    let report = Report::new(run, law, &outcome)?;
    if run.json {
        print_line(&json(arguments, &model, &planned, frames, &report))?;
    } else {
        let written = [
            run.out.as_deref(),
            run.plot.as_deref().filter(|_| drawn.is_ok()),
            arguments.grid_image.as_deref().filter(|_| tiled.is_ok()),
        ];
        let tables =
            report.tables()? + &law.map_or_else(String::new, |data| distances(data, &outcome));
        let text =
            heading(arguments, &model, &planned, &outcome) + &tables + &report.ending(&written);
        print_line(text.trim_end())?;
    }
    drawn.and(tiled)
}

/// The steps that are saved on the way.
fn frames(arguments: &Generate, steps: usize) -> Result<Option<Every>, Failure> {
    let Some(interval) = arguments.run.every else { return Ok(None) };
    let every = Every::new(interval)?;
    if every.count(steps) == 0 {
        let message =
            format!("--every {interval}: nothing is saved in {steps} steps; expected fewer");
        return Err(Failure::Input(message));
    }
    Ok(Some(every))
}

/// Positions alone: what a method carries beside them begins where it must.
fn check_start<F>(start: Option<&Array2<F>>, chains: usize, dim: usize) -> Result<(), Failure> {
    match start {
        Some(rows) if rows.dim() != (chains, dim) => {
            let message =
                format!("start: given shape {:?}, expected ({chains}, {dim})", rows.dim());
            Err(Failure::Input(message))
        }
        _ => Ok(()),
    }
}

/// The 0-based levels visited, from the noise to the data; none for methods that visit no levels of
/// the table.
fn timesteps<F: Real>(planned: &Planned<F>) -> Option<Vec<usize>> {
    let (_, visited) = planned.levels.split_last()?;
    Some(visited.iter().map(|level| level - 1).collect())
}

fn json<F: Real>(
    arguments: &Generate,
    model: &Model,
    planned: &Planned<F>,
    frames: Option<Every>,
    report: &Report<'_, F>,
) -> String {
    let mut report = report.json();
    report["method"] = json!(arguments.method.method);
    report["options"] = arguments
        .method
        .given()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    report["model"] = json!(model.describe());
    report["file"] = json!(arguments.source.model);
    report["label"] = json!(arguments.source.label);
    report["guidance"] = json!(arguments.source.guidance);
    match &model.noising {
        Noising::Vp { schedule, table } => {
            report["process"] = json!("vp");
            report["schedule"] = json!(schedule);
            report["levels"] = json!(table.len());
        }
        Noising::Psld { process, beta } => {
            report["process"] = json!("psld");
            report["beta"] = match beta {
                Beta::Linear { first, last } => json!([first, last]),
                Beta::Constant(rate) => json!(rate),
                Beta::Cosine { .. } => json!("cosine"),
            };
            report["gamma"] = json!(process.gamma());
            report["nu"] = json!(process.nu());
            report["kappa"] = json!(process.kappa());
        }
    }
    report["planned_evaluations"] = json!(planned.evaluations);
    report["model_calls_per_evaluation"] = json!(model.calls_per_evaluation());
    if let Some(timesteps) = timesteps(planned) {
        report["timesteps"] = json!(timesteps);
    }
    if let (Some(interval), Some(every)) = (arguments.run.every, frames) {
        report["every"] = json!(interval);
        report["saved"] = json!(every.count(planned.grid.steps()));
    }
    report.to_string()
}

fn heading<F: Real>(
    arguments: &Generate,
    model: &Model,
    planned: &Planned<F>,
    outcome: &Outcome<F>,
) -> String {
    let samples = &outcome.samples;
    let twice = if model.calls_per_evaluation() == 2 { ", each of the network twice" } else { "" };
    format!(
        "{} on {}, {}: {} chains, {} steps, {} dimensions, {}\n\
         {:.2} model evaluations per chain, {:.2} planned, in {} batched calls{twice}; {:.3} s\n",
        arguments.method.method,
        model.noising.describe(),
        model.describe(),
        arguments.run.chains,
        samples.steps,
        samples.dim,
        F::NAME,
        samples.evaluations_per_chain(),
        planned.evaluations,
        samples.batched_calls,
        outcome.seconds,
    )
}

/// How far the distances to the nearest mode are from their law, where modes are few and dimensions
/// too.
fn distances<F: Real>(data: &GaussianMixture, outcome: &Outcome<F>) -> String {
    const MOST_DIMENSIONS: usize = 16;
    let dim = data.dimension();
    if data.components() > MOST_MODES || dim > MOST_DIMENSIONS {
        return String::new();
    }
    let mut distances = Vec::new();
    for block in outcome.samples.positions().axis_chunks_iter(Axis(0), 1024) {
        if let Ok(found) = data.distance_to_nearest_mode(block.mapv(F::widen).view()) {
            distances.extend(found.into_iter().filter(|distance| distance.is_finite()));
        }
    }
    // Too few samples have no law to speak of.
    metrics::radial_wasserstein(&distances, dim).map_or_else(
        |_| String::new(),
        |w2| {
            format!(
                "\nW2 of the distances to the nearest mode from their law: {:.5} +- {:.5} sd\n",
                w2.value, w2.error
            )
        },
    )
}
