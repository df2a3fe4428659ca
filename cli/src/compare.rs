//! `langevin compare`: ways to generate side by side, method by method, budget by budget, seed by
//! seed.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use langevin::metrics::Estimate;
use langevin::{BoxError, Flow, Moment, Observer, Real, Run};

use crate::arguments::Precision;
use crate::comparison::{Row, draw, header, json, line, table, write_csv};
use crate::distance::{DistanceOptions, Distances};
use crate::failure::Failure;
use crate::model::{Model, SourceOptions};
use crate::output::{create_all, print_line, write_picture};
use crate::planning::{MethodOptions, Planned};

#[derive(Args)]
pub struct Compare {
    #[command(flatten)]
    pub source: SourceOptions,
    /// Methods, each NAME[:OPTION=VALUE]..[@EVALUATIONS[+EVALUATIONS]..], as
    /// ddim,pmm2:grid=equal,ddpm@1000
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub methods: Vec<String>,
    /// Budgets of those methods that name none of their own
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub evaluations: Vec<usize>,
    /// Number of seeds, counted up from --seed; with two or more, errors are those of the mean over
    /// them
    #[arg(long, value_name = "K", default_value_t = 3, allow_negative_numbers = true)]
    pub seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub seed: u64,
    /// Number of chains
    #[arg(long, value_name = "C", default_value_t = 10_000, allow_negative_numbers = true)]
    pub chains: usize,
    #[command(flatten)]
    pub distance: DistanceOptions,
    /// Every run as a line
    #[arg(long, value_name = "OUT.csv")]
    pub csv: Option<PathBuf>,
    /// Distance against evaluations, with error bars
    #[arg(long, value_name = "OUT.svg")]
    pub plot: Option<PathBuf>,
    /// Threads [default: all cores]; never changes the result
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threads: Option<usize>,
    /// [default: f64; f32 with a network]
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
}

/// A method as it was written, its options, and its budgets.
struct Entry {
    label: String,
    options: MethodOptions,
    budgets: Vec<usize>,
}

// So that the options of a method mean the same here as in `generate`.
#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct MethodLine {
    #[command(flatten)]
    options: MethodOptions,
}

fn entry(text: &str, budgets: &[usize]) -> Result<Entry, Failure> {
    let fail = |why: String| Failure::Input(format!("--methods `{text}`: {why}"));
    let (method, own) =
        text.split_once('@').map_or((text, None), |(method, own)| (method, Some(own)));
    let mut parts = method.split(':');
    let mut line = vec!["--method".to_owned(), parts.next().unwrap_or_default().to_owned()];
    for option in parts {
        match option.split_once('=') {
            // Lists are written with + here, as commas part methods.
            Some((name, value)) => line.push(format!("--{name}={}", value.replace('+', ","))),
            None => line.push(format!("--{option}")),
        }
    }
    let options = MethodLine::try_parse_from(line).map_err(|error| {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        fail(first.trim_start_matches("error: ").to_owned())
    })?;
    let budgets = match own {
        None if budgets.is_empty() => {
            return Err(fail("no evaluations: give --evaluations, or NAME@EVALUATIONS".into()));
        }
        None => budgets.to_vec(),
        Some(own) => {
            let read = |number: &str| {
                number.parse().map_err(|_| fail(format!("`{number}` is no number of evaluations")))
            };
            own.split('+').map(read).collect::<Result<_, _>>()?
        }
    };
    Ok(Entry { label: method.to_owned(), options: options.options, budgets })
}

/// Moves the bar on by the evaluations that a step costs.
struct Ticks<'b> {
    bar: &'b ProgressBar,
    steps: u64,
    per_step: u64,
    interval: u64,
}

impl<F: Real> Observer<F> for Ticks<'_> {
    fn next(&self, step: u64) -> Option<u64> {
        // Nobody looks at a hidden bar.
        (!self.bar.is_hidden()).then(|| (step / self.interval + 1) * self.interval)
    }

    fn observe(&mut self, moment: &Moment<'_, F>) -> Result<Flow, BoxError> {
        self.bar.inc((moment.step - self.steps) * self.per_step);
        self.steps = moment.step;
        Ok(Flow::Continue)
    }
}

pub fn run(arguments: &Compare) -> Result<(), Failure> {
    let own = if arguments.source.model.is_some() { Precision::F32 } else { Precision::F64 };
    match arguments.precision.unwrap_or(own) {
        Precision::F32 => run_in::<f32>(arguments),
        Precision::F64 => run_in::<f64>(arguments),
    }
}

fn run_in<F: Real>(arguments: &Compare) -> Result<(), Failure> {
    if arguments.seeds == 0 || arguments.chains < 20 {
        let message = "expected at least one seed and 20 chains, as distances need samples";
        return Err(Failure::Input(format!(
            "--seeds {}, --chains {}: {message}",
            arguments.seeds, arguments.chains
        )));
    }
    let model = Model::load(&arguments.source)?;
    let entries: Vec<Entry> = arguments
        .methods
        .iter()
        .map(|text| entry(text, &arguments.evaluations))
        .collect::<Result<_, _>>()?;
    // Everything is planned before anything is run, so that a bad line costs no time.
    let mut plans: Vec<(usize, usize, Planned<F>)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        for &budget in &entry.budgets {
            let planned = entry.options.plan::<F>(&model.noising, Some(budget));
            plans.push((
                index,
                budget,
                planned.map_err(|failure| named(&entry.label, budget, failure))?,
            ));
        }
    }
    if let Some((index, budget, _)) = plans
        .iter()
        .enumerate()
        .find(|(i, plan)| {
            plans[..*i]
                .iter()
                .any(|other| entries[other.0].label == entries[plan.0].label && other.1 == plan.1)
        })
        .map(|(_, plan)| plan)
    {
        let label = &entries[*index].label;
        return Err(Failure::Input(format!(
            "--methods `{label}` with {budget} evaluations is given twice"
        )));
    }
    let distances = Distances::new(&arguments.distance, &model, arguments.chains)?;
    let [csv, picture] =
        create_all([("--csv", arguments.csv.as_deref()), ("--plot", arguments.plot.as_deref())])?;
    let work: f64 =
        plans.iter().map(|(_, _, plan)| plan.evaluations).sum::<f64>() * arguments.seeds as f64;
    let bar = bar(work.ceil() as u64, arguments.quiet);

    let mut lines = vec![header(&distances)];
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for (index, budget, plan) in &plans {
        let label = &entries[*index].label;
        let mut runs = Vec::new();
        for seed in (0..arguments.seeds).map(|count| arguments.seed.wrapping_add(count)) {
            bar.set_message(format!("{label}, {budget} evaluations, seed {seed}"));
            let one = one_run(arguments, &model, plan, &distances, seed, &bar)?;
            if let Some(failure) = &one.failure {
                failures.push(format!("{label} with {budget} evaluations, seed {seed}: {failure}"));
            }
            lines.push(line(label, *budget, seed, model.calls_per_evaluation(), &one));
            runs.push(one);
        }
        rows.push(summary(label, *budget, &runs, distances.metrics.len()));
    }
    bar.finish_and_clear();

    write_csv(csv, &lines)?;
    let drawn = write_picture(picture, "--plot", || draw(&rows, &model, &distances));
    print_line(
        if arguments.json {
            json(arguments, &model, &distances, &rows, &failures)
        } else {
            table(arguments, &model, &distances, &rows, &failures)
        }
        .trim_end(),
    )?;
    drawn
}

fn named(label: &str, budget: usize, failure: Failure) -> Failure {
    match failure {
        Failure::Input(message) => {
            Failure::Input(format!("--methods `{label}` with {budget} evaluations: {message}"))
        }
        other => other,
    }
}

fn bar(work: u64, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(work);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {percent}%  {elapsed} gone, {eta} left  {msg}")
    {
        bar.set_style(style);
    }
    bar
}

/// What one run gave.
pub struct One {
    pub evaluations: f64,
    pub seconds: f64,
    pub values: Vec<Estimate>,
    /// The chain that left the finite numbers, and when.
    pub failure: Option<String>,
}

fn one_run<F: Real>(
    arguments: &Compare,
    model: &Model,
    plan: &Planned<F>,
    distances: &Distances,
    seed: u64,
    bar: &ProgressBar,
) -> Result<One, Failure> {
    let steps = plan.grid.steps() as u64;
    let per_step = (plan.evaluations / steps as f64).round() as u64;
    let mut ticks = Ticks { bar, steps: 0, per_step, interval: (steps / 50).max(1) };
    let clock = Instant::now();
    let samples = model.with_drift(&plan.drive, |drift| {
        let run = Run::<F>::with_precision(&*plan.sampler, drift, plan.grid.clone());
        let run = run
            .chains(arguments.chains)
            .seed(seed)
            .start_normal(model.dimension())
            .observe(&mut ticks);
        Ok(match arguments.threads {
            Some(threads) => run.threads(threads),
            None => run,
        }
        .run())
    })?;
    let seconds = clock.elapsed().as_secs_f64();
    match samples {
        Ok(samples) => {
            let positions = samples.positions().mapv(F::widen);
            let values = distances.measure(model, positions.view())?;
            Ok(One { evaluations: samples.evaluations_per_chain(), seconds, values, failure: None })
        }
        // A method that diverges is a finding, not a reason to lose the others.
        Err(error @ langevin::Error::Diverged { .. }) => {
            let values =
                vec![Estimate { value: f64::NAN, error: f64::NAN }; distances.metrics.len()];
            Ok(One { evaluations: f64::NAN, seconds, values, failure: Some(error.to_string()) })
        }
        Err(error) => Err(error.into()),
    }
}

/// Means over seeds; the error of a single seed is that of the metric itself.
fn summary(label: &str, budget: usize, runs: &[One], metrics: usize) -> Row {
    let count = runs.len() as f64;
    let mean = |of: &dyn Fn(&One) -> f64| runs.iter().map(of).sum::<f64>() / count;
    let values = (0..metrics)
        .map(|metric| {
            let value = mean(&|run| run.values[metric].value);
            let spread =
                mean(&|run| (run.values[metric].value - value).powi(2)) * count / (count - 1.0);
            let error =
                if runs.len() > 1 { (spread / count).sqrt() } else { runs[0].values[metric].error };
            Estimate { value, error }
        })
        .collect();
    Row {
        label: label.to_owned(),
        budget,
        evaluations: mean(&|run| run.evaluations),
        seconds: mean(&|run| run.seconds),
        values,
    }
}
