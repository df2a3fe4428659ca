//! `langevin sample`: Langevin dynamics on a target.

use std::path::PathBuf;

use clap::Args;
use langevin::catalog::{self, Options};
use langevin::diffusion::Warning;
use langevin::metrics::Posterior;
use langevin::prelude::{Real, Sampler, Samples, TimeGrid};
use langevin::run::Start;
use serde_json::{Value, json};

use crate::arguments::{Given, RunOptions};
use crate::beginning::{Anew, Begun};
use crate::failure::{Failure, print_warning};
use crate::inputs::Inputs;
use crate::law::LawOptions;
use crate::output::{print_report, write_file};
use crate::report::Report;
use crate::simulation::{Job, Outcome, read_start, schedule, simulate};
use crate::trace_file::TraceOptions;

/// A method, its dynamics and their options.
#[derive(Args)]
pub struct MethodOptions {
    /// overdamped | underdamped [default: the one that the method works on, if there is only one]
    #[arg(long)]
    dynamics: Option<String>,
    /// em | pmm1 | pmm2 | rm | baoab | obabo | aboba | splitting | mala | malt (see `langevin
    /// methods`)
    #[arg(long, required_unless_present = "word")]
    method: Option<String>,
    /// Length of a step
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    pub step: f64,
    #[command(flatten)]
    given: Given<Options>,
}

impl MethodOptions {
    /// The name as it was given: a word alone is a splitting.
    fn given(&self) -> &str {
        self.method.as_deref().unwrap_or("splitting")
    }

    /// The name of the method, as it is listed.
    pub fn name(&self) -> &str {
        catalog::method(self.given()).map_or(self.given(), |method| method.name)
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
        let method = catalog::method(self.given())?;
        if let Some(dynamics) = &self.dynamics {
            return Ok(catalog::dynamics(dynamics)?.name);
        }
        if let Some(alias) = catalog::alias(self.given()) {
            return Ok(alias.dynamics);
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

    /// The options of method and dynamics, with the defaults of those that were not given.
    pub fn settings(&self) -> Result<Value, Failure> {
        let settings = catalog::settings(self.dynamics()?, self.name(), &self.options()?)?;
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        Ok(settings.collect())
    }

    fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::default();
        for (name, text) in &self.given.options {
            options = options.with(name, text)?;
        }
        Ok(options)
    }

    pub fn sampler<F: Real>(&self) -> Result<Box<dyn Sampler<F>>, Failure> {
        Ok(catalog::sampler::<F>(self.dynamics()?, self.given(), &self.options()?)?)
    }
}

#[derive(Args)]
pub struct Sample {
    #[command(flatten)]
    law: LawOptions,
    #[command(flatten)]
    method: MethodOptions,
    /// Number of steps
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: usize,
    /// Start positions, (chains, dim), or, for underdamped dynamics, positions and velocities,
    /// (chains, 2 dim) [default: standard normal]
    #[arg(long, value_name = "FILE.npy")]
    start: Option<PathBuf>,
    /// Steps before the first that is saved; without --every, mean and variances are over all
    /// steps after these
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    burn_in: Option<usize>,
    #[command(flatten)]
    trace: TraceOptions,
    #[command(flatten)]
    pub run: RunOptions,
}

impl Sample {
    fn inputs(&self) -> Inputs {
        let [target, data, library] = self.law.files();
        let resume = self.run.resume();
        let start = ("--start", self.start.as_deref());
        Inputs::new([target, data, library, start, ("--resume", resume)])
    }
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
    let target = arguments.law.read()?;
    let dim = target.dimension();
    options.check_chains()?;
    let moments = schedule(options.every, arguments.burn_in, arguments.steps)?;
    let start = read_start::<F>(arguments.start.as_deref())?;
    let report = json(arguments)?;
    let seed = options.beginning.seed(start.as_ref())?;
    let is_given = start.is_some();
    let start = start.map_or_else(|| Start::normal(dim), |start| options.rows_of(start).into());
    let own = [("steps", arguments.steps.to_string()), ("trace", arguments.trace.says())];
    let inputs = arguments.inputs();
    let Begun { read, settings, beginning } =
        options.begun(&inputs, &report, Anew { start, seed, is_given }, own)?;
    let state = options.beginning.save_state.as_deref();
    let outputs = [options.out.as_deref(), options.plot.as_deref(), state];
    let named = [("--out", outputs[0]), ("--plot", outputs[1]), ("--save-state", state)];
    let [out, picture, state] = options.create_all(&inputs, named)?;
    let frames = moments.filter(|_| options.every.is_some());
    arguments.trace.check::<F>(options, dim, &inputs, &outputs)?;
    let sampler = &*sampler;
    let drift = target.drift();
    let mut kept = arguments.trace.begin(options, frames, Some(drift), &report)?;
    let job = Job { sampler, drift, grid, dim, beginning, settings, moments, frames };
    let Some(outcome) = simulate(options, job, &mut kept, out, state)? else { return Ok(()) };
    if let Some(known) = target.known() {
        warn_of_range(&outcome.samples, known.range());
    }
    // A picture that cannot be drawn, of nothing but diverged chains, costs neither the samples nor
    // the report.
    let drawn = write_file(picture, "--plot", || {
        let title = format!("{name}, step {}", method.step);
        target.draw(outcome.samples.positions(), &title)
    });
    let goes_on = options.goes_on(&outcome.stopped);
    let traced = arguments.trace.finish(kept, &outcome.samples, goes_on);
    let said = Report::new(options, target.known(), &outcome)?;
    let summary = traced.as_ref().ok().and_then(Option::as_ref);
    if options.common.json {
        let mut report = report;
        if let Some(summary) = summary {
            report["summary"] = json!(summary);
        }
        print_report(outputs, &said.json(json!(read), report))?;
    } else {
        let picture = outputs[1].filter(|_| drawn.is_ok());
        let store = arguments.trace.path().filter(|_| traced.is_ok());
        let written = [outputs[0], picture, outputs[2], store];
        let heading = heading(arguments, &name, &outcome);
        print_report(outputs, &said.text(heading, table(summary), &written))?;
    }
    drawn.and(traced.map(|_| ())).and(options.ended(outcome.stopped))
}

/// The summary of the draws of a trace, for as many coordinates as a reader looks at.
fn table(summary: Option<&Posterior>) -> String {
    const SHOWN: usize = 100;
    match summary {
        Some(summary) if summary.parameters.len() <= SHOWN => {
            format!("the draws of --trace:\n{summary}")
        }
        _ => String::new(),
    }
}

/// Chains far outside of the target have not arrived or run away.
fn warn_of_range<F: Real>(samples: &Samples<F>, range: [f64; 2]) {
    if let Some(Warning::Range { count, of, farthest, range: [low, high] }) =
        Warning::of_samples(samples.sound().view(), range)
    {
        print_warning(&format!(
            "{count} of {of} numbers are far outside of the target, {low} to {high}; the farthest \
             is {farthest:.3e}; try a shorter step, more steps, or a start nearer to the target"
        ));
    }
}

fn json(arguments: &Sample) -> Result<Value, Failure> {
    let method = &arguments.method;
    let mut report = json!({
        "method": method.name(),
        "dynamics": method.dynamics()?,
        "step": method.step,
        "options": method.settings()?,
        "burn_in": arguments.burn_in,
        "bandwidth": arguments.law.bandwidth(),
    });
    if let Some(word) = method.word() {
        report["word"] = json!(word);
    }
    Ok(report)
}

fn heading<F: Real>(arguments: &Sample, name: &str, outcome: &Outcome<F>) -> String {
    let samples = &outcome.samples;
    let chains = samples.state.nrows();
    let taken = samples.steps - outcome.before;
    let per_step = 1e9 * outcome.seconds / (chains as f64 * taken as f64);
    let accepted = |share: f64| format!(", {:.1} % accepted", 100.0 * share);
    let seed = match (&arguments.start, samples.seed) {
        (Some(_), Some(seed)) => format!(", seed {seed}"),
        _ => String::new(),
    };
    let acceptance = samples.acceptance().map_or_else(String::new, accepted);
    format!(
        "{name}: {chains} chains, {} steps of {}, {} dimensions, {}{seed}{acceptance}\n\
         {:.2} drift evaluations per chain in {} batched calls; \
         {:.3} s, {per_step:.1} ns per chain and step",
        outcome.steps(),
        arguments.method.step,
        samples.dim,
        F::NAME,
        samples.evaluations_per_chain(),
        samples.cost.batched_calls,
        outcome.seconds,
    )
}
