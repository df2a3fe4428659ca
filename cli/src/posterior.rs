//! `langevin posterior`: draws that are tuned without being asked, and a verdict on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use langevin::advanced::escaped;
use langevin::draws::{Draws, check_place};
use langevin::ndarray::Array3;
use langevin::posterior::{Outcome, Sampling, Tuned, Verdict};
use langevin::prelude::Drift;
use serde_json::json;

use crate::failure::{Failure, print_warning, refuse};
use crate::inputs::{Inputs, same_name};
use crate::law::LawOptions;
use crate::output::{create_all, print_line, write_file};
use crate::posterior_shards::{ShardOptions, joined, run_shard};
use crate::report::written;
use crate::simulation::read_start;
use crate::team::Team;

#[derive(Args)]
pub struct PosteriorRun {
    #[command(flatten)]
    pub law: LawOptions,
    /// Number of chains, at least 16
    #[arg(long, value_name = "C", default_value_t = 128, allow_negative_numbers = true)]
    pub chains: usize,
    /// Steps of the first run; one that is too short goes on
    #[arg(long, value_name = "N", default_value_t = 500, allow_negative_numbers = true)]
    pub steps: usize,
    #[arg(long, value_name = "S", default_value_t = 0, allow_negative_numbers = true)]
    pub seed: u64,
    /// Accept or reject, so that the step leaves no bias
    #[arg(long)]
    pub adjusted: bool,
    /// Start positions, (chains, dim) [default: standard normal]
    #[arg(long, value_name = "FILE.npy")]
    start: Option<PathBuf>,
    /// Names of the parameters, as in mu,theta[0],theta[1] [default: x0,x1,…]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    pub names: Option<Vec<String>>,
    /// Scale, step and friction of an earlier run: one run, and no warm-up
    #[arg(long, value_name = "FILE.json")]
    pub tuned: Option<PathBuf>,
    /// Where to write scale, step and friction
    #[arg(long, value_name = "FILE.json")]
    pub save_tuned: Option<PathBuf>,
    /// The draws with their names and log density, as a Zarr store that ArviZ opens; or as .npy,
    /// (chains, draws, dim), with a .json beside it
    #[arg(long, value_name = "DIR.zarr|FILE.npy")]
    pub draws: Option<PathBuf>,
    #[command(flatten)]
    pub shards: ShardOptions,
    /// Threads [default: all cores]; never changes the result
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    threads: Option<usize>,
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// The ranks that do the run together.
    #[arg(skip)]
    pub team: Team,
}

impl PosteriorRun {
    pub fn inputs(&self) -> Inputs {
        let [target, data, library] = self.law.files();
        let start = ("--start", self.start.as_deref());
        Inputs::new([target, data, library, start, ("--tuned", self.tuned.as_deref())])
    }

    pub fn sampling<'d>(
        &self,
        drift: &'d &'d dyn Drift<f64>,
        dim: usize,
    ) -> Result<Sampling<'d, &'d dyn Drift<f64>>, Failure> {
        let mut sampling =
            Sampling::new(drift, dim).chains(self.chains).steps(self.steps).seed(self.seed);
        if self.adjusted {
            sampling = sampling.adjusted();
        }
        if let Some(start) = read_start::<f64>(self.start.as_deref())? {
            sampling = sampling.start(start);
        }
        if let Some(names) = &self.names {
            sampling = sampling.names(names.iter().cloned());
        }
        if let Some(path) = &self.tuned {
            sampling = sampling.tuned(read_tuned(path)?);
        }
        if let Some(threads) = self.threads {
            sampling = sampling.threads(threads);
        }
        Ok(sampling.over(self.team.ranks()))
    }

    /// Names and place of the draws, before a run that may be long.
    fn check(&self, dim: usize) -> Result<(), Failure> {
        if let Some(names) = &self.names {
            Draws::new(Array3::<f64>::zeros((1, 1, dim)))?.with_names(names.iter().cloned())?;
        }
        let Some(path) = &self.draws else { return Ok(()) };
        let beside = path.extension().is_some_and(|ending| ending == "npy");
        let beside = beside.then(|| path.with_extension("json"));
        for place in [Some(path), beside.as_ref()].into_iter().flatten() {
            self.inputs().spare("--draws", place)?;
            if self.save_tuned.as_deref().is_some_and(|tuned| same_name(tuned, place)) {
                return refuse("--draws and --save-tuned name the same file; give them two");
            }
        }
        Ok(check_place(path)?)
    }
}

pub fn run(arguments: &PosteriorRun) -> Result<(), Failure> {
    let law = arguments.law.read()?;
    let inputs = arguments.inputs();
    arguments.check_shards(&inputs)?;
    let is_first = arguments.team.is_first();
    if is_first {
        arguments.check(law.dimension())?;
    }
    if let Some(shard) = arguments.shards.shard {
        return run_shard(arguments, shard, &law);
    }
    let read = arguments.json.then(|| inputs.json());
    let drift = law.drift::<f64>();
    let sampling = arguments.sampling(&drift, law.dimension())?;
    let wanted = [("--save-tuned", arguments.save_tuned.as_deref().filter(|_| is_first))];
    let [tuned] = create_all(&inputs, wanted)?;
    let begun = Instant::now();
    let (outcome, seconds) = match arguments.shards.merge.is_empty() {
        true => (sampling.run()?, begun.elapsed().as_secs_f64()),
        false => joined(arguments, sampling, &inputs)?,
    };
    if !is_first {
        return Ok(());
    }
    write_file(tuned, "--save-tuned", || Ok(format!("{}\n", json!(outcome.tuned)).into_bytes()))?;
    if let Some(path) = &arguments.draws {
        write_draws(arguments, &outcome, drift, path)?;
    }
    if arguments.json {
        print_line(&json(arguments, &outcome, json!(read), seconds))?;
    } else {
        let files = [arguments.save_tuned.as_deref(), arguments.draws.as_deref()];
        let files = written(&files);
        let text = format!("{outcome}\n{} evaluations, {seconds:.2} s", outcome.evaluations);
        let text = if files.is_empty() { text } else { format!("{text}\n{files}") };
        print_line(&text)?;
    }
    judged(&outcome)
}

/// The exit code tells whether to trust the draws.
fn judged(outcome: &Outcome) -> Result<(), Failure> {
    match outcome.diagnosis.verdict {
        Verdict::Converged => Ok(()),
        Verdict::Unclear => {
            print_warning(&"unclear: the errors are larger than the bars of the diagnosis");
            Ok(())
        }
        verdict => Err(Failure::Untrusted(format!("{verdict}: these draws cannot be trusted"))),
    }
}

fn read_tuned(path: &Path) -> Result<Tuned, Failure> {
    let said = |why: &dyn std::fmt::Display| {
        let why = escaped(&why.to_string());
        Failure::Input(format!("--tuned {}: {why}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| said(&error))?;
    serde_json::from_str(&text).map_err(|error| said(&error))
}

fn write_draws(
    arguments: &PosteriorRun,
    outcome: &Outcome,
    drift: &dyn Drift<f64>,
    path: &Path,
) -> Result<(), Failure> {
    let fail = |error: langevin::Error| Failure::Run(format!("--draws: {error}"));
    let mut draws = outcome.to_draws().map_err(fail)?;
    draws = draws.with_log_density(drift).map_err(fail)?;
    draws = draws.with_attribute("seed", arguments.seed);
    draws = draws.with_attribute("verdict", outcome.diagnosis.verdict.to_string());
    draws = draws.with_attribute("tuned", json!(outcome.tuned));
    draws.write(path).map_err(fail)
}

/// Everything that was asked and found.
fn json(
    arguments: &PosteriorRun,
    outcome: &Outcome,
    inputs: serde_json::Value,
    seconds: f64,
) -> String {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "command": "posterior",
        "seed": arguments.seed,
        "chains": arguments.chains,
        "steps": arguments.steps,
        "adjusted": arguments.adjusted,
        "bandwidth": arguments.law.bandwidth(),
        "inputs": inputs,
        "verdict": outcome.diagnosis.verdict,
        "diagnosis": outcome.diagnosis,
        "summary": outcome.summary,
        "tuned": outcome.tuned,
        "evaluations": outcome.evaluations,
        "seconds": seconds,
    })
    .to_string()
}
