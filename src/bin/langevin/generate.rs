//! `langevin generate`: samples from noise, along the reverse of a noising process.

use langevin::generation::{Generation, GenerationOptions, plan};
use langevin::ndarray::{Array2, Axis, s};
use langevin::{Denoised, DiffusedMixture, Every, GaussianMixture, LevelTable, Real, image, metrics};
use serde_json::json;

use crate::arguments::{Generate, Precision};
use crate::failure::Failure;
use crate::output::{create_all, print_line, write_picture};
use crate::report::{MOST_MODES, Report, draw};
use crate::simulation::{Job, Outcome, check_memory, read_start, simulate};
use crate::target;

/// Images side by side in a picture, and in all.
const COLUMNS: usize = 10;
const MOST_IMAGES: usize = 100;

pub fn run(arguments: &Generate) -> Result<(), Failure> {
    match arguments.run.precision {
        Precision::F32 => run_in::<f32>(arguments),
        Precision::F64 => run_in::<f64>(arguments),
    }
}

fn run_in<F: Real>(arguments: &Generate) -> Result<(), Failure> {
    let run = &arguments.run;
    let table = LevelTable::named(&arguments.schedule, arguments.levels)?;
    let options = arguments.options()?;
    let budget = budget(arguments, &options)?;
    let planned = plan::<F>(&arguments.method, &table, budget, &options)?;
    let model = DiffusedMixture::new(target::load(&arguments.target, arguments.scale)?);
    let drift = Denoised::<F>::new(&model, planned.clock.clone(), planned.wanted)?;
    let (data, dim) = (model.data(), model.data().dimension());
    let frames = frames(arguments, planned.grid.steps())?;
    let tiles = arguments.image_shape.map(|shape| Tiles::new(shape, arguments.scale, data)).transpose()?;
    check_memory::<F>(run.chains, dim)?;
    let start = read_start::<F>(arguments.start.as_deref())?;
    check_start(start.as_ref(), run.chains, dim)?;
    let [out, picture, images] = create_all([
        ("--out", run.out.as_deref()),
        ("--plot", run.plot.as_deref()),
        ("--grid-image", arguments.grid_image.as_deref()),
    ])?;

    let grid = planned.grid.clone();
    // Moments are those of the end alone: on the way the law is another one at every step.
    let job = Job { sampler: &*planned.sampler, drift: &drift, grid, dim, start, moments: None, frames };
    let outcome = simulate(run, job, out)?;
    // Pictures that cannot be drawn cost neither the samples nor the report.
    let drawn = write_picture(picture, "--plot", || {
        let title =
            format!("{}, {:.1} evaluations, {} schedule", arguments.method, planned.evaluations, arguments.schedule);
        draw(data, outcome.samples.positions(), &title)
    });
    let tiled = write_picture(images, "--grid-image", || tiles.map_or(Ok(Vec::new()), |tiles| tiles.png(&outcome)));
    let report = Report::new(run, data, &outcome)?;
    if run.json {
        print_line(&json(arguments, &planned, frames, &report))?;
    } else {
        let written = [
            run.out.as_deref(),
            run.plot.as_deref().filter(|_| drawn.is_ok()),
            arguments.grid_image.as_deref().filter(|_| tiled.is_ok()),
        ];
        let tables = report.tables()? + &distances(data, &outcome);
        let text = heading(arguments, &planned, &outcome) + &tables + &report.ending(&written);
        print_line(text.trim_end())?;
    }
    drawn.and(tiled)
}

/// The evaluations that were given, or as many as the listed levels need.
fn budget(arguments: &Generate, options: &GenerationOptions) -> Result<usize, Failure> {
    if let Some(evaluations) = arguments.evaluations {
        return Ok(evaluations);
    }
    let Some(listed) = options.timesteps.as_ref().or(options.blocks.as_ref()).map(Vec::len) else {
        let message = "--evaluations is missing: the most model evaluations per chain; \
                       it may be left out where --timesteps or --blocks list the levels";
        return Err(Failure::Input(message.into()));
    };
    Ok(match arguments.method.as_str() {
        "heun" | "pmm1" | "pmm2" => 2 * listed,
        "em" => listed.max(2),
        // The last level takes one evaluation, which denoises.
        "rm" => {
            let (windows, rounds) = (options.windows.unwrap_or(1), options.rounds.unwrap_or(0));
            let midpoints = windows.saturating_mul(rounds.saturating_add(1));
            // What is beyond this is beyond the largest windows and rounds, which the planner names.
            midpoints.min(1 << 40).saturating_add(1).saturating_mul(listed) + 1
        }
        _ => listed,
    })
}

/// The steps that are saved on the way.
fn frames(arguments: &Generate, steps: usize) -> Result<Option<Every>, Failure> {
    let Some(interval) = arguments.run.every else { return Ok(None) };
    let every = Every::new(interval)?;
    if every.count(steps) == 0 {
        let message = format!("--every {interval}: nothing is saved in {steps} steps; expected fewer");
        return Err(Failure::Input(message));
    }
    Ok(Some(every))
}

/// Positions alone: what a method carries beside them begins where it must.
fn check_start<F>(start: Option<&Array2<F>>, chains: usize, dim: usize) -> Result<(), Failure> {
    match start {
        Some(rows) if rows.dim() != (chains, dim) => {
            let message = format!("start: given shape {:?}, expected ({chains}, {dim})", rows.dim());
            Err(Failure::Input(message))
        }
        _ => Ok(()),
    }
}

/// How samples are drawn as images.
struct Tiles {
    shape: (usize, usize),
    range: (f64, f64),
}

impl Tiles {
    fn new(shape: (usize, usize), scale: Option<(f64, f64)>, data: &GaussianMixture) -> Result<Self, Failure> {
        let (rows, columns) = shape;
        if rows.checked_mul(columns) != Some(data.dimension()) {
            let given = format!("--image-shape: given {rows}x{columns}");
            let expected = format!("a product of {}, the dimension of the target", data.dimension());
            return Err(Failure::Input(format!("{given}, expected {expected}")));
        }
        let range = scale.unwrap_or_else(|| target::extremes(&data.means().to_owned()));
        if !(range.1 - range.0 > 0.0 && (range.1 - range.0).is_finite()) {
            let given = format!("--grid-image: the means of the target go from {} to {}", range.0, range.1);
            return Err(Failure::Input(format!("{given}, expected different numbers, a finite distance apart")));
        }
        Ok(Self { shape, range })
    }

    /// The first samples, high numbers dark on white.
    fn png<F: Real>(&self, outcome: &Outcome<F>) -> Result<Vec<u8>, Failure> {
        let positions = outcome.samples.positions();
        let first = positions.slice(s![..positions.nrows().min(MOST_IMAGES), ..]).mapv(F::widen);
        // Small images are enlarged to sides of about 48 pixels.
        let enlarged = (48 / self.shape.0.max(self.shape.1)).clamp(1, 8);
        let picture = image::grid(first.view(), self.shape, COLUMNS, self.range, enlarged)?;
        Ok(picture.inverted().to_png()?)
    }
}

/// The 0-based levels visited, from the noise to the data; none for methods that visit no levels of the table.
fn timesteps<F: Real>(planned: &Generation<F>) -> Option<Vec<usize>> {
    let (_, visited) = planned.levels.split_last()?;
    Some(visited.iter().map(|level| level - 1).collect())
}

fn json<F: Real>(
    arguments: &Generate,
    planned: &Generation<F>,
    frames: Option<Every>,
    report: &Report<'_, F>,
) -> String {
    let mut report = report.json();
    report["method"] = json!(arguments.method);
    report["schedule"] = json!(arguments.schedule);
    report["levels"] = json!(arguments.levels);
    report["planned_evaluations"] = json!(planned.evaluations);
    if let Some(timesteps) = timesteps(planned) {
        report["timesteps"] = json!(timesteps);
    }
    if let (Some(interval), Some(every)) = (arguments.run.every, frames) {
        report["every"] = json!(interval);
        report["saved"] = json!(every.count(planned.grid.steps()));
    }
    report.to_string()
}

fn heading<F: Real>(arguments: &Generate, planned: &Generation<F>, outcome: &Outcome<F>) -> String {
    let samples = &outcome.samples;
    format!(
        "{} on the {} schedule of {} levels: {} chains, {} steps, {} dimensions, {}\n\
         {:.2} model evaluations per chain, {:.2} planned, in {} batched calls; {:.3} s\n",
        arguments.method,
        arguments.schedule,
        arguments.levels,
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

/// How far the distances to the nearest mode are from their law, where modes are few and dimensions too.
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
            format!("\nW2 of the distances to the nearest mode from their law: {:.5} +- {:.5} sd\n", w2.value, w2.error)
        },
    )
}
