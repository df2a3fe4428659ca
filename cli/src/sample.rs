//! `langevin sample`: Langevin dynamics on a target.

use std::path::PathBuf;

use clap::Args;
use langevin::catalog::{self, Options};
use langevin::prelude::{Real, Sampler, TimeGrid};
use serde_json::{Value, json};

use crate::arguments::{Given, RunOptions, TargetOptions};
use crate::failure::Failure;
use crate::output::{create_all, print_line, write_file};
use crate::report::{Report, draw};
use crate::simulation::{Job, Outcome, read_start, schedule, simulate};
use crate::target;

/// A method, its dynamics and their options.
#[derive(Args)]
pub struct MethodOptions {
    /// overdamped | underdamped [default: the one that the method works on, if there is only one]
    #[arg(long)]
    dynamics: Option<String>,
    /// em | pmm1 | pmm2 | rm | baoab | obabo | aboba | splitting | mala (see `langevin methods`)
    #[arg(long, required_unless_present = "word")]
    method: Option<String>,
    /// Length of a step
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    pub step: f64,
    #[command(flatten)]
    given: Given<Options>,
}

impl MethodOptions {
    /// The name of the method: a word alone is a splitting.
    pub fn name(&self) -> &str {
        self.method.as_deref().unwrap_or("splitting")
    }

    /// The word of a splitting, in capitals.
    pub fn word(&self) -> Option<String> {
        let word = self.given.options.iter().find(|(name, _)| *name == "word");
        word.map(|(_, text)| text.to_uppercase())
    }

    /// The method as headings call it.
    pub fn title(&self) -> String {
        self.word().map_or_else(|| self.name().into(), |word| format!("splitting {word}"))
    }

    /// The name of the dynamics.
    pub fn dynamics(&self) -> Result<&str, Failure> {
        let method = catalog::method(self.name())?;
        if let Some(dynamics) = &self.dynamics {
            return Ok(dynamics);
        }
        match method.dynamics {
            [only] => Ok(only),
            several => Err(Failure::Input(format!(
                "--dynamics is missing: {} works on {}",
                self.name(),
                several.join(" and ")
            ))),
        }
    }

    pub fn sampler<F: Real>(&self) -> Result<Box<dyn Sampler<F>>, Failure> {
        let mut options = Options::default();
        for (name, text) in &self.given.options {
            options = options.with(name, text)?;
        }
        Ok(catalog::sampler::<F>(self.dynamics()?, self.name(), &options)?)
    }
}

#[derive(Args)]
pub struct Sample {
    #[command(flatten)]
    target: TargetOptions,
    #[command(flatten)]
    method: MethodOptions,
    /// Number of steps
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: usize,
    /// Start positions, (chains, dim), or, for underdamped dynamics, positions and velocities,
    /// (chains, 2 dim) [default: standard normal]
    #[arg(long, value_name = "FILE.npy")]
    start: Option<PathBuf>,
    /// Steps before the first that is saved; without --every, mean and covariance are over all
    /// steps after these
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    burn_in: Option<usize>,
    #[command(flatten)]
    run: RunOptions,
}

pub fn run(arguments: &Sample) -> Result<(), Failure> {
    let single = arguments.run.common.single(false);
    if single { run_in::<f32>(arguments) } else { run_in::<f64>(arguments) }
}

fn run_in<F: Real>(arguments: &Sample) -> Result<(), Failure> {
    let method = &arguments.method;
    let options = &arguments.run;
    let sampler = method.sampler::<F>()?;
    let name = format!("{} on {} dynamics", method.title(), method.dynamics()?);
    let grid = TimeGrid::uniform(method.step, arguments.steps)?;
    let target = target::load(&arguments.target, None)?;
    let dim = target.dimension();
    let moments = schedule(options.every, arguments.burn_in, arguments.steps)?;
    let start = read_start::<F>(arguments.start.as_deref())?.map(Into::into);
    let [out, picture] =
        create_all([("--out", options.out.as_deref()), ("--plot", options.plot.as_deref())])?;

    let frames = moments.filter(|_| options.every.is_some());
    let job = Job { sampler: &*sampler, drift: &target, grid, dim, start, moments, frames };
    let outcome = simulate(options, job, out)?;
    // A picture that cannot be drawn, of nothing but diverged chains, costs neither the samples nor
    // the report.
    let drawn = write_file(picture, "--plot", || {
        let title = format!("{name}, step {}", method.step);
        draw(Some(&target), outcome.samples.positions(), &title)
    });
    let report = Report::new(options, Some(&target), &outcome)?;
    if options.common.json {
        print_line(&report.json(json(method)?))?;
    } else {
        let written = [options.out.as_deref(), options.plot.as_deref().filter(|_| drawn.is_ok())];
        let heading = heading(arguments, &name, &outcome);
        print_line(&report.text(heading, String::new(), &written))?;
    }
    drawn
}

fn json(method: &MethodOptions) -> Result<Value, Failure> {
    let mut report =
        json!({"method": method.name(), "dynamics": method.dynamics()?, "step": method.step});
    if let Some(word) = method.word() {
        report["word"] = json!(word);
    }
    Ok(report)
}

fn heading<F: Real>(arguments: &Sample, name: &str, outcome: &Outcome<F>) -> String {
    let samples = &outcome.samples;
    let chains = arguments.run.chains;
    let per_step = 1e9 * outcome.seconds / (chains as f64 * samples.steps as f64);
    let accepted = |share: f64| format!(", {:.1} % accepted", 100.0 * share);
    let acceptance = samples.acceptance().map_or_else(String::new, accepted);
    format!(
        "{name}: {chains} chains, {} steps of {}, {} dimensions, {}{acceptance}\n\
         {:.2} drift evaluations per chain in {} batched calls; \
         {:.3} s, {per_step:.1} ns per chain and step",
        samples.steps,
        arguments.method.step,
        samples.dim,
        F::NAME,
        samples.evaluations_per_chain(),
        samples.cost.batched_calls,
        outcome.seconds,
    )
}
