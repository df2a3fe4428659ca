//! What is said and drawn about final positions, whichever command made them.

use std::path::Path;

use langevin::advanced::escaped;
use langevin::ndarray::ArrayView2;
use langevin::run::Summary;
use langevin::{GaussianMixture, Real, plot};
use serde_json::{Value, json};

use crate::arguments::RunOptions;
use crate::failure::Failure;
use crate::output::is_stdout;
use crate::simulation::Outcome;

/// One object of several, as text.
pub fn merged<const N: usize>(objects: [Value; N]) -> String {
    let fields = objects.into_iter().filter_map(|object| match object {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::from_iter(fields.flatten()).to_string()
}

/// The files that were written, each on a line.
pub fn written(paths: &[Option<&Path>]) -> String {
    let line = |path: &&Path| match is_stdout(path) {
        true => "written: stdout".into(),
        false => format!("written: {}", escaped(&path.display().to_string())),
    };
    let lines: Vec<String> = paths.iter().flatten().map(line).collect();
    lines.join("\n")
}

/// The parts of a report that do not depend on the command.
pub struct Report<'r, F> {
    options: &'r RunOptions,
    outcome: &'r Outcome<F>,
    summary: Summary,
}

impl<'r, F: Real> Report<'r, F> {
    /// `target` is the law that was to be sampled, where it is known.
    pub fn new(
        options: &'r RunOptions,
        target: Option<&GaussianMixture>,
        outcome: &'r Outcome<F>,
    ) -> Result<Self, Failure> {
        let summary = outcome.samples.summary(target)?;
        let summary = match &outcome.moments {
            Some(moments) => summary.with_moments(moments),
            None if options.covariance => summary.with_covariance(&outcome.samples),
            None => summary,
        };
        Ok(Self { options, outcome, summary })
    }

    /// One object, with the files that were read and what a command adds: enough to repeat the run.
    pub fn json(&self, inputs: Value, more: Value) -> String {
        let options = self.options;
        let samples = &self.outcome.samples;
        let mut report = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "inputs": inputs,
            "steps": samples.steps,
            "planned_steps": self.outcome.planned_steps,
            "non_finite": options.non_finite.name(),
            "chains": samples.state.nrows(),
            "first_chain": samples.first_chain,
            "dim": samples.dim,
            "seed": samples.seed,
            "precision": F::NAME,
            "evaluations_per_chain": samples.evaluations_per_chain(),
            "batched_calls": samples.cost.batched_calls,
            "rounds": samples.cost.rounds,
            "seconds": self.outcome.seconds,
            "diverged": samples.diverged.len(),
            "diverged_chains": samples.diverged.iter().take(100).collect::<Vec<_>>(),
        });
        if let Some(acceptance) = samples.acceptance() {
            report["acceptance"] = json!(acceptance);
        }
        if let (Some(every), Some(saved)) = (options.every, self.outcome.saved) {
            report["every"] = json!(every);
            report["saved"] = json!(saved);
        }
        if let Some(shard) = options.shard {
            report["shard"] = json!(shard.to_string());
        }
        merged([report, json!(self.summary), more])
    }

    /// The heading, the tables, what a command adds, chains that diverged, and the files that were
    /// written.
    pub fn text(&self, heading: String, more: String, written: &[Option<&Path>]) -> String {
        let diverged = &self.outcome.samples.diverged;
        let ending = diverged.first().map_or_else(String::new, |first| {
            let count = diverged.len();
            let chain = first.chain;
            let step = first.step;
            format!("{count} chains diverged, chain {chain} at step {step} the first listed")
        });
        let mut blocks = vec![heading, self.summary.to_string(), more, ending];
        blocks.push(crate::report::written(written));
        blocks.retain(|block| !block.is_empty());
        blocks.join("\n\n")
    }
}

/// The final positions over the density, if it is known, as the bytes of an SVG file.
pub fn draw<F: Real>(
    target: Option<&GaussianMixture>,
    positions: ArrayView2<'_, F>,
    title: &str,
) -> Result<Vec<u8>, Failure> {
    let svg = match target {
        Some(target) => target.picture(positions, title)?,
        None => plot::scatter(positions.mapv(F::widen).view(), title)?,
    };
    Ok(svg.into_bytes())
}
