//! `langevin generate`: samples from noise, along the reverse of a noising process.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::advanced::quoted;
use langevin::compare::Distances;
use langevin::diffusion::{Warning, Window};
use langevin::image;
use langevin::prelude::{Denoiser, GaussianMixture, Method, Plan, Process, Real};
use langevin::run::Start;
use serde_json::{Value, json};

use crate::arguments::{Given, RunOptions};
use crate::beginning::{Anew, Begun};
use crate::failure::{Failure, print_warning, refuse};
use crate::inputs::Inputs;
use crate::known::KnownOptions;
use crate::network;
use crate::output::{print_report, write_file};
use crate::report::{Report, draw};
use crate::scheduler;
use crate::simulation::{Job, Outcome, read_start, schedule, simulate};
use crate::source::{Source, SourceOptions, Tiles, image_shape};
use crate::told::{Labels, Told};
use crate::trace_file::TraceOptions;

#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    source: SourceOptions,
    /// vp: ddpm | ddim | dpmpp2m | heun | em | pmm1 | pmm2 | pmm2m | rm | pc | pc-parallel; psld:
    /// em | ei | sscs | oba | bao | obab | roba | rbao | robab | pmm1 | pmm2 | rm (see
    /// `langevin methods`); options may stand behind it, as in pmm2:grid=equal [default with
    /// --scheduler: that of the file]
    #[arg(long, required_unless_present = "scheduler")]
    method: Option<String>,
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
    /// Take the last part F of the steps, from the start positions noised to the first of them
    #[arg(long, value_name = "F", requires = "start", allow_negative_numbers = true)]
    strength: Option<f64>,
    #[command(flatten)]
    known: KnownOptions,
    /// Parallel in time: scan windows of W steps with old outputs of the model, and renew them in
    /// one batched call. The result is that of --window 1, bit for bit; --tolerance E lets changes
    /// of an output up to E pass
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    window: Option<usize>,
    /// Classes of the chains, as 0,1,2, spread over them in equal runs, or FILE.npy with one for
    /// each chain
    #[arg(long, value_name = "LIST", requires = "model", conflicts_with = "label")]
    labels: Option<String>,
    /// Picture of the first samples, at most 100, as small images: high numbers are dark
    #[arg(long, value_name = "OUT.png")]
    grid_image: Option<PathBuf>,
    /// Rows and columns of one image, as 8x8 [default: what the model says]
    #[arg(long, value_name = "RxC", requires = "grid_image", value_parser = image_shape)]
    image_shape: Option<(usize, usize)>,
    #[command(flatten)]
    trace: TraceOptions,
    #[command(flatten)]
    pub run: RunOptions,
}

impl Generate {
    /// The plan of the method, or of the scheduler.
    fn unheld_plan(&self, process: &Process) -> Result<Plan, Failure> {
        let config = self.source.scheduler.load()?;
        let own = config.as_ref().and_then(|config| config.method());
        let mut method: Method = match (&self.method, own) {
            (Some(text), _) => text.parse()?,
            (None, Some(own)) => own.clone(),
            (None, None) => {
                return refuse("--method is missing: the class of --scheduler has none here");
            }
        };
        for (name, text) in &self.given.options {
            if self.window.is_none() || *name != "tolerance" {
                method = method.with(name, text)?;
            }
        }
        let Some(config) = config else {
            return Ok(match self.evaluations {
                Some(evaluations) => method.plan(process, evaluations)?,
                None => method.plan_listed(process)?,
            });
        };
        let Some(steps) = self.evaluations else {
            return refuse("--evaluations is missing: --scheduler needs its number of steps");
        };
        scheduler::warn(&config);
        Ok(config.plan_with(&method, steps)?)
    }

    fn plan(&self, process: &Process, dim: usize) -> Result<Plan, Failure> {
        let mut plan = self.unheld_plan(process)?;
        if let Some(strength) = self.strength {
            plan = plan.with_strength(strength)?;
        }
        plan = self.known.held(plan, dim)?;
        match self.window()? {
            Some(_) if self.run.every.is_some() => {
                refuse("give only one of --window and --every: a windowed run is one step")
            }
            Some(window) => Ok(plan.windowed(window)?),
            None => Ok(plan),
        }
    }

    /// The method as it was given, or that of the scheduler.
    fn method_text<'a>(&'a self, plan: &'a Plan) -> &'a str {
        self.method.as_deref().unwrap_or(plan.method().name())
    }

    /// The window, with the tolerance that belongs to it.
    fn window(&self) -> Result<Option<Window>, Failure> {
        let Some(steps) = self.window else { return Ok(None) };
        let window = Window::new(steps)?;
        let tolerance = self.given.options.iter().find(|(name, _)| *name == "tolerance");
        let Some((_, text)) = tolerance else { return Ok(Some(window)) };
        let Ok(number) = text.trim().parse() else {
            return refuse(format!("tolerance: given `{}`, expected a number", quoted(text)));
        };
        Ok(Some(window.with_tolerance(number)?))
    }

    fn inputs(&self) -> Inputs {
        let [target, data] = self.source.target.files();
        let model = ("--model", self.source.model.as_deref());
        let start = ("--start", self.start.as_deref());
        let [mask, known] = self.known.files();
        Inputs::new([
            mask,
            known,
            ("--labels", self.labels.as_deref().and_then(network::labels_file)),
            ("--guidance-model", self.source.guidance.guidance_model.as_deref()),
            target,
            data,
            model,
            start,
            self.source.betas(),
            self.source.scheduler.file(),
            ("--resume", self.run.resume()),
        ])
        .and(self.source.more_files())
    }

    /// What the network is told of the chains.
    fn told(&self) -> Result<Told, Failure> {
        let chains = self.run.chains;
        let labels = match &self.labels {
            Some(text) => Labels::PerChain(network::labels(text, chains)?),
            None => Labels::Shared(self.source.label),
        };
        let first = self.run.beginning.first_chain();
        Told::read(labels, &self.source.conditions, first, Some(chains))
    }

    /// The files to write, each with the option that names it.
    fn outputs(&self) -> [(&'static str, Option<&Path>); 4] {
        [
            ("--out", self.run.out.as_deref()),
            ("--plot", self.run.plot.as_deref()),
            ("--grid-image", self.grid_image.as_deref()),
            ("--save-state", self.run.beginning.save_state.as_deref()),
        ]
    }

    fn check_plot(&self, has_density: bool, dim: usize) -> Result<(), Failure> {
        if self.run.plot.is_some() && !has_density && dim > 2 {
            return refuse(
                "--plot draws samples over the density of a target; for the samples of a network \
                 use --grid-image",
            );
        }
        Ok(())
    }

    /// The start that was given, noised if so asked, or that of the plan on the model. Positions
    /// alone: the momenta of a process begin where they must.
    fn start<F: Real>(
        &self,
        plan: &Plan,
        model: &dyn Denoiser<F>,
        dim: usize,
    ) -> Result<Anew<F>, Failure> {
        let chains = self.run.chains;
        let start = read_start::<F>(self.start.as_deref())?;
        let seed = self.run.beginning.seed(start.as_ref())?;
        let Some(start) = start else {
            let start = plan.start(model)?.unwrap_or_else(|| Start::normal(dim));
            return Ok(Anew { start, seed, is_given: false });
        };
        if start.dim() != (chains, dim) {
            let shape = start.dim();
            return refuse(format!("start: given shape {shape:?}, expected ({chains}, {dim})"));
        }
        let start = self.run.rows_of(start);
        if self.noise_start || self.strength.is_some() {
            let first_chain = self.run.part().first;
            let start = plan.noised(start.view(), seed, first_chain)?.into();
            return Ok(Anew { start, seed, is_given: true });
        }
        if let Some(warning) = plan.given_start(start.view(), model)? {
            print_warning(&warning);
        }
        Ok(Anew { start: start.into(), seed, is_given: true })
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

/// What a checkpoint must agree in beside the report.
fn own_settings(arguments: &Generate, plan: &Plan) -> [(&'static str, String); 3] {
    let steps = plan.grid().steps().to_string();
    let device = arguments.source.engine.device();
    [("steps", steps), ("trace", arguments.trace.says()), ("device", device)]
}

fn run_in<F: Real>(arguments: &Generate) -> Result<(), Failure> {
    let run = &arguments.run;
    run.check_chains()?;
    let source = Source::load_with(&arguments.source, arguments.told()?, run.common.threads)?;
    let dim = source.dimension();
    let plan = arguments.plan(&source.process, dim)?;
    let frames = schedule(run.every, None, plan.grid().steps())?;
    let shape = arguments.image_shape;
    let tiles = arguments.grid_image.as_ref().map(|_| source.tiles(shape)).transpose()?;
    let data = source.data();
    arguments.check_plot(data.is_some(), dim)?;
    let model = source.model::<F>()?;
    let start = arguments.start::<F>(&plan, &*model, dim)?;
    arguments.warn(&plan, &*model)?;
    let range = model.range();
    let passes = model.passes();
    let sampler = &*plan.sampler::<F>()?;
    let drift = &*plan.drift::<F>(model)?;
    let report = json(arguments, &source, &plan, passes);
    let own = own_settings(arguments, &plan);
    let inputs = arguments.inputs();
    let Begun { read, settings, beginning } = run.begun(&inputs, &report, start, own)?;
    let named = arguments.outputs();
    let outputs = named.map(|(_, path)| path);
    let [out, picture, images, state] = run.create_all(&inputs, named)?;
    arguments.trace.check::<F>(run, dim, &inputs, &outputs)?;
    let grid = plan.grid().clone();
    // Moments are those of the end alone: on the way the distribution changes at every step.
    let mut kept = arguments.trace.begin(run, frames, None, &report)?;
    let job = Job { sampler, drift, grid, dim, beginning, settings, moments: None, frames };
    let Some(outcome) = simulate(run, job, &mut kept, out, state)? else { return Ok(()) };
    let traced = arguments.trace.finish(kept, &outcome.samples, run.goes_on(&outcome.stopped));
    let positions = outcome.samples.positions();
    let warning = range.and_then(|range| Warning::of_samples(positions, range));
    warning.iter().for_each(|warning| print_warning(warning));
    // Pictures that cannot be drawn cost neither the samples nor the report.
    let drawn = write_file(picture, "--plot", || {
        let method = arguments.method_text(&plan);
        let evaluations = plan.evaluations();
        let title = format!("{method}, {evaluations:.1} evaluations, {}", source.process.title());
        draw(data, positions, &title)
    });
    let tiled = write_file(images, "--grid-image", || {
        let png = |tiles: Tiles| image::sheet(positions, tiles.shape, tiles.range)?.to_png();
        Ok(tiles.map_or(Ok(Vec::new()), png)?)
    });
    let said = Report::new(run, data, &outcome)?;
    if run.common.json {
        print_report(outputs, &said.json(json!(read), report))?;
    } else {
        let trace = arguments.trace.path().filter(|_| traced.is_ok());
        let [samples, picture, sheet, state] = outputs;
        let pictures = [picture.filter(|_| drawn.is_ok()), sheet.filter(|_| tiled.is_ok())];
        let written = [samples, pictures[0], pictures[1], state, trace];
        let heading = heading(arguments, &source, passes, &plan, &outcome);
        let distances = data.and_then(|data| distances(data, &outcome)).unwrap_or_default();
        print_report(outputs, &said.text(heading, distances, &written))?;
    }
    drawn.and(tiled).and(traced.map(|_| ())).and(run.ended(outcome.stopped))
}

fn json(arguments: &Generate, source: &Source, plan: &Plan, passes: usize) -> Value {
    let given = plan.method().given().into_iter();
    let options: Value = given.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let mut report = json!({
        "method": plan.method().name(),
        "options": options,
        "evaluations": arguments.evaluations,
        "model": source.describe(),
        "file": arguments.source.model,
        "bandwidth": arguments.source.target.bandwidth,
        "scale": arguments.source.scale,
        "label": arguments.source.label,
        "labels": arguments.labels,
        "guidance": arguments.source.guidance.guidance,
        "guidance_interval": arguments.source.guidance.guidance_interval,
        "guidance_rescale": arguments.source.guidance.guidance_rescale,
        "input_bits": arguments.source.input_bits,
        "strength": arguments.strength,
        "inpaint": arguments.known.way().map(|way| way.to_string()),
        "window": plan.window().map(|window| window.steps()),
        "tolerance": plan.window().map(|window| window.tolerance()),
        "process": source.process.kind().to_string(),
        "planned_evaluations": plan.evaluations(),
        "model_calls_per_evaluation": passes,
    });
    if arguments.noise_start {
        report["noise_start"] = json!(true);
    }
    match &source.process {
        Process::Vp(table) => {
            report["schedule"] = json!(table.schedule().map(|schedule| schedule.to_string()));
            report["levels"] = json!(table.len());
            if table.schedule().is_none() {
                report["betas"] = json!(table.betas());
            }
        }
        Process::Psld(process, beta) => {
            let ends = beta.to_string();
            let ends: Option<Vec<f64>> = ends.split(',').map(|end| end.parse().ok()).collect();
            report["beta"] = beta.rate().map_or_else(|| json!(ends), |rate| json!(rate));
            report["gamma"] = json!(process.gamma());
            report["nu"] = json!(process.nu());
            report["kappa"] = json!(process.kappa());
        }
        _ => {}
    }
    if let Some(timesteps) = plan.timesteps() {
        report["timesteps"] = json!(timesteps);
    }
    report
}

fn heading<F: Real>(
    arguments: &Generate,
    source: &Source,
    passes: usize,
    plan: &Plan,
    outcome: &Outcome<F>,
) -> String {
    let samples = &outcome.samples;
    format!(
        "{} on {}, {}: {} chains, {}, {} dimensions, {}\n\
         {:.2} model evaluations per chain, {:.2} planned, in {} batched calls{}; {:.3} s",
        arguments.method_text(plan),
        source.process,
        source.describe(),
        samples.state.nrows(),
        plan.window().map_or_else(
            || format!("{} steps", outcome.steps()),
            |window| {
                format!("{} steps in windows of {}", plan.method_grid().steps(), window.steps())
            }
        ),
        samples.dim,
        F::NAME,
        samples.evaluations_per_chain(),
        plan.evaluations(),
        samples.cost.batched_calls,
        if passes == 2 { ", each of the network twice" } else { "" },
        outcome.seconds,
    )
}

/// How far the distances to the nearest mode are from their distribution, if modes and dimensions
/// are few.
fn distances<F: Real>(data: &GaussianMixture, outcome: &Outcome<F>) -> Option<String> {
    if !Distances::has_few_modes(data) {
        return None;
    }
    // Too few samples have no distribution to speak of.
    let w2 = data.radial_wasserstein(outcome.samples.positions()).ok()?;
    let what = "W2 of the distances to the nearest mode from their distribution";
    Some(format!("{what}: {w2} sd"))
}
