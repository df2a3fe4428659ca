//! `langevin sample`: Langevin dynamics on a target.

use langevin::{Every, Real, TimeGrid};
use serde_json::json;

use crate::arguments::{Precision, Sample};
use crate::failure::Failure;
use crate::output::{create_all, print_line, write_picture};
use crate::report::{Report, draw};
use crate::simulation::{Job, Outcome, check_memory, read_start, simulate};
use crate::target;

pub fn run(arguments: &Sample) -> Result<(), Failure> {
    match arguments.run.precision.unwrap_or(Precision::F64) {
        Precision::F32 => run_in::<f32>(arguments),
        Precision::F64 => run_in::<f64>(arguments),
    }
}

fn run_in<F: Real>(arguments: &Sample) -> Result<(), Failure> {
    let (method, options) = (&arguments.method, &arguments.run);
    let sampler = method.sampler::<F>()?;
    let name = format!("{} on {} dynamics", method.title(), method.dynamics()?);
    let grid = TimeGrid::uniform(method.step, arguments.steps)?;
    let target = target::load(&arguments.target, None)?;
    let dim = target.dimension();
    let every = schedule(arguments)?;
    check_memory::<F>(options.chains, dim)?;
    let start = read_start::<F>(arguments.start.as_deref())?;
    let [out, picture] =
        create_all([("--out", options.out.as_deref()), ("--plot", options.plot.as_deref())])?;

    let frames = every.filter(|_| options.every.is_some());
    let job = Job { sampler: &*sampler, drift: &target, grid, dim, start, moments: every, frames };
    let outcome = simulate(options, job, out)?;
    // A picture that cannot be drawn, of nothing but diverged chains, costs neither the samples nor
    // the report.
    let drawn = write_picture(picture, "--plot", || {
        draw(Some(&target), outcome.samples.positions(), &format!("{name}, step {}", method.step))
    });
    let report = Report::new(options, Some(&target), &outcome)?;
    if options.json {
        print_line(&json(arguments, &report)?)?;
        return drawn;
    }
    let written = [options.out.as_deref(), options.plot.as_deref().filter(|_| drawn.is_ok())];
    let text = heading(arguments, &name, &outcome) + &report.tables()? + &report.ending(&written);
    print_line(text.trim_end())?;
    drawn
}

/// Which steps count: those saved, or all after a burn-in; none for the final positions alone.
fn schedule(arguments: &Sample) -> Result<Option<Every>, Failure> {
    let burn_in = arguments.burn_in.unwrap_or(0);
    let every = match (arguments.run.every, arguments.burn_in) {
        (None, None) => return Ok(None),
        (interval, _) => Every::new(interval.unwrap_or(1))?.after(burn_in),
    };
    if every.count(arguments.steps) == 0 {
        let given = arguments
            .run
            .every
            .map_or_else(|| "--burn-in".into(), |interval| format!("--every {interval}"));
        let steps = format!("of {} steps after {burn_in} of burn-in", arguments.steps);
        return Err(Failure::Input(format!(
            "{given}: nothing is left {steps}; expected fewer, or more --steps"
        )));
    }
    Ok(Some(every))
}

fn json<F: Real>(arguments: &Sample, report: &Report<'_, F>) -> Result<String, Failure> {
    let mut report = report.json();
    report["method"] = json!(arguments.method.name());
    report["dynamics"] = json!(arguments.method.dynamics()?);
    if let Some(word) = &arguments.method.word {
        report["word"] = json!(word.to_uppercase());
    }
    report["step"] = json!(arguments.method.step);
    if let (Some(every), Some(schedule)) = (arguments.run.every, schedule(arguments)?) {
        report["every"] = json!(every);
        report["saved"] = json!(schedule.count(arguments.steps));
    }
    Ok(report.to_string())
}

fn heading<F: Real>(arguments: &Sample, name: &str, outcome: &Outcome<F>) -> String {
    let samples = &outcome.samples;
    let per_step = 1e9 * outcome.seconds / (arguments.run.chains as f64 * samples.steps as f64);
    let acceptance = samples
        .acceptance()
        .map_or_else(String::new, |share| format!(", {:.1} % accepted", 100.0 * share));
    format!(
        "{name}: {} chains, {} steps of {}, {} dimensions, {}{acceptance}\n\
         {:.2} drift evaluations per chain in {} batched calls; {:.3} s, {per_step:.1} ns per chain and step\n",
        arguments.run.chains,
        samples.steps,
        arguments.method.step,
        samples.dim,
        F::NAME,
        samples.evaluations_per_chain(),
        samples.batched_calls,
        outcome.seconds,
    )
}
