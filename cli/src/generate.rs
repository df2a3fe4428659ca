//! `langevin generate`: samples from noise, along the reverse of a noising process.

use std::path::PathBuf;

use clap::Args;
use langevin::compare::Distances;
use langevin::diffusion::Warning;
use langevin::image;
use langevin::prelude::{Denoiser, GaussianMixture, Method, Plan, Process, Real};
use langevin::run::Start;
use serde_json::{Value, json};

use crate::arguments::{Given, RunOptions, to_json};
use crate::failure::{Failure, print_warning, refuse};
use crate::output::{create_all, print_line, write_file};
use crate::report::{Report, draw};
use crate::simulation::{Job, Outcome, read_start, schedule, simulate};
use crate::source::{Source, SourceOptions, Tiles, image_shape};

#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    source: SourceOptions,
    /// vp: ddpm | ddim | dpmpp2m | heun | em | pmm1 | pmm2 | rm | pc | pc-parallel; psld: em | ei |
    /// sscs | oba | bao | obab | roba | rbao | robab | pmm1 | pmm2 | rm (see `langevin methods`);
    /// options may stand behind it, as in pmm2:grid=equal
    #[arg(long)]
    method: String,
    #[command(flatten)]
    given: Given<Method>,
    /// Most model evaluations per chain, in expectation [default: what --timesteps or --blocks
    /// need]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    evaluations: Option<usize>,
    /// Start positions, (chains, dim): the noise [default: standard normal, or the Gaussian of the
    /// noised target where the two differ]
    #[arg(long, value_name = "FILE.npy")]
    start: Option<PathBuf>,
    /// Take the start positions as data, and noise them to the first level: image to image
    #[arg(long, requires = "start")]
    noise_start: bool,
    /// Picture of the first samples, at most 100, as small images: high numbers are dark
    #[arg(long, value_name = "OUT.png")]
    grid_image: Option<PathBuf>,
    /// Rows and columns of one image, as 8x8 [default: what the model says]
    #[arg(long, value_name = "RxC", requires = "grid_image", value_parser = image_shape)]
    image_shape: Option<(usize, usize)>,
    #[command(flatten)]
    run: RunOptions,
}

impl Generate {
    fn plan(&self, process: &Process) -> Result<Plan, Failure> {
        let mut method: Method = self.method.parse()?;
        for (name, text) in &self.given.options {
            method = method.with(name, text)?;
        }
        match self.evaluations {
            Some(evaluations) => Ok(method.plan(process, evaluations)?),
            None => Ok(method.plan_listed(process)?),
        }
    }

    /// The start that was given, noised if so asked, or that of the plan on the model. Positions
    /// alone: the momenta of a process begin where they must.
    fn start<F: Real>(
        &self,
        plan: &Plan,
        model: &dyn Denoiser<F>,
        dim: usize,
    ) -> Result<Option<Start<F>>, Failure> {
        let chains = self.run.chains;
        let Some(start) = read_start::<F>(self.start.as_deref())? else {
            return Ok(plan.start(model)?);
        };
        if start.dim() != (chains, dim) {
            let shape = start.dim();
            return refuse(format!("start: given shape {shape:?}, expected ({chains}, {dim})"));
        }
        if self.noise_start {
            let noised = plan.noised(start.view(), self.run.seed, self.run.first_chain)?;
            return Ok(Some(noised.into()));
        }
        if let Some(warning) = plan.given_start(start.view(), model)? {
            print_warning(&warning);
        }
        Ok(Some(start.into()))
    }

    /// Prints what makes the samples of a plan doubtful. A start that was given is not doubted.
    fn warn<F: Real>(&self, plan: &Plan, model: &dyn Denoiser<F>) -> Result<(), Failure> {
        for warning in plan.warnings(model)? {
            if self.start.is_none() || !matches!(warning, Warning::Start { .. }) {
                print_warning(&warning);
            }
        }
        Ok(())
    }
}

pub fn run(arguments: &Generate) -> Result<(), Failure> {
    let single = arguments.run.common.single(arguments.source.model.is_some());
    if single { run_in::<f32>(arguments) } else { run_in::<f64>(arguments) }
}

fn run_in<F: Real>(arguments: &Generate) -> Result<(), Failure> {
    let run = &arguments.run;
    let source = Source::load(&arguments.source)?;
    let plan = arguments.plan(&source.process)?;
    let dim = source.dimension();
    let frames = schedule(run.every, None, plan.grid().steps())?;
    let shape = arguments.image_shape;
    let tiles = arguments.grid_image.as_ref().map(|_| source.tiles(shape)).transpose()?;
    let data = source.data();
    if run.plot.is_some() && data.is_none() && dim > 2 {
        return refuse(
            "--plot draws samples over the density of a target; for the samples of a \
                       network use --grid-image",
        );
    }
    let model = source.model::<F>()?;
    let start = arguments.start::<F>(&plan, &*model, dim)?;
    arguments.warn(&plan, &*model)?;
    let range = model.range();
    let sampler = plan.sampler::<F>()?;
    let drift = plan.drift::<F>(model)?;
    let [out, picture, images] = create_all([
        ("--out", run.out.as_deref()),
        ("--plot", run.plot.as_deref()),
        ("--grid-image", arguments.grid_image.as_deref()),
    ])?;
    let grid = plan.grid().clone();
    // Moments are those of the end alone: on the way the distribution changes at every step.
    let job = Job { sampler: &*sampler, drift: &*drift, grid, dim, start, moments: None, frames };
    let outcome = simulate(run, job, out)?;
    let positions = outcome.samples.positions();
    if let Some(warning) = range.and_then(|range| Warning::of_samples(positions, range)) {
        print_warning(&warning);
    }
    // Pictures that cannot be drawn cost neither the samples nor the report.
    let drawn = write_file(picture, "--plot", || {
        let method = &arguments.method;
        let evaluations = plan.evaluations();
        let title = format!("{method}, {evaluations:.1} evaluations, {}", source.process.title());
        draw(data, positions, &title)
    });
    let tiled = write_file(images, "--grid-image", || {
        let png = |tiles: Tiles| image::sheet(positions, tiles.shape, tiles.range)?.to_png();
        Ok(tiles.map_or(Ok(Vec::new()), png)?)
    });
    let report = Report::new(run, data, &outcome)?;
    if run.common.json {
        print_line(&report.json(json::<F>(arguments, &source, &plan)?))?;
    } else {
        let written = [
            run.out.as_deref(),
            run.plot.as_deref().filter(|_| drawn.is_ok()),
            arguments.grid_image.as_deref().filter(|_| tiled.is_ok()),
        ];
        let heading = heading(arguments, &source, &plan, &outcome)?;
        let distances = data.and_then(|data| distances(data, &outcome)).unwrap_or_default();
        print_line(&report.text(heading, distances, &written))?;
    }
    drawn.and(tiled)
}

fn json<F: Real>(arguments: &Generate, source: &Source, plan: &Plan) -> Result<Value, Failure> {
    let given = plan.method().given().into_iter();
    let options: Value = given.map(|(name, text)| (name.to_owned(), to_json(&text))).collect();
    let mut report = json!({
        "method": plan.method().name(),
        "options": options,
        "model": source.describe(),
        "file": arguments.source.model,
        "label": arguments.source.label,
        "guidance": arguments.source.guidance,
        "process": source.process.kind().to_string(),
        "planned_evaluations": plan.evaluations(),
        "model_calls_per_evaluation": source.model::<F>()?.passes(),
    });
    match &source.process {
        Process::Vp(table) => {
            report["schedule"] = json!(table.schedule().map(|schedule| schedule.to_string()));
            report["levels"] = json!(table.len());
            if table.schedule().is_none() {
                report["betas"] = json!(table.betas());
            }
        }
        Process::Psld(process, beta) => {
            report["beta"] =
                beta.rate().map_or_else(|| json!(beta.to_string()), |rate| json!(rate));
            report["gamma"] = json!(process.gamma());
            report["nu"] = json!(process.nu());
            report["kappa"] = json!(process.kappa());
        }
        _ => {}
    }
    if let Some(timesteps) = plan.timesteps() {
        report["timesteps"] = json!(timesteps);
    }
    Ok(report)
}

fn heading<F: Real>(
    arguments: &Generate,
    source: &Source,
    plan: &Plan,
    outcome: &Outcome<F>,
) -> Result<String, Failure> {
    let samples = &outcome.samples;
    let twice = source.model::<F>()?.passes() == 2;
    Ok(format!(
        "{} on {}, {}: {} chains, {} steps, {} dimensions, {}\n\
         {:.2} model evaluations per chain, {:.2} planned, in {} batched calls{}; {:.3} s",
        arguments.method,
        source.process,
        source.describe(),
        arguments.run.chains,
        samples.steps,
        samples.dim,
        F::NAME,
        samples.evaluations_per_chain(),
        plan.evaluations(),
        samples.cost.batched_calls,
        if twice { ", each of the network twice" } else { "" },
        outcome.seconds,
    ))
}

/// How far the distances to the nearest mode are from their distribution, if modes and dimensions
/// are few.
fn distances<F: Real>(data: &GaussianMixture, outcome: &Outcome<F>) -> Option<String> {
    if !Distances::has_few_modes(data) {
        return None;
    }
    // Too few samples have no distribution to speak of.
    let w2 = data.radial_wasserstein(outcome.samples.positions()).ok()?;
    let value = w2.value;
    let error = w2.error;
    let what = "W2 of the distances to the nearest mode from their distribution";
    Some(format!("{what}: {value:.5} +- {error:.5} sd"))
}
