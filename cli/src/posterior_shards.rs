//! Shards of a tuned posterior: some of the chains in a file, and the outcome of all files.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use langevin::posterior::{Outcome, Sampling};
use langevin::prelude::Drift;
use langevin::run::{Settings, StateFile};
use serde_json::{Value, json};

use crate::failure::{Failure, of_file, refuse};
use crate::inputs::Inputs;
use crate::law::Law;
use crate::output::{create_all, print_report};
use crate::pieces::{of_shard, pieces, sorted};
use crate::posterior::PosteriorRun;
use crate::report::written;
use crate::shard::Shard;

#[derive(Args)]
pub struct ShardOptions {
    /// Run the I-th of N equal parts of the chains with the settings of --tuned, bit for bit. The
    /// state file of --save-state then holds what `langevin merge` needs
    #[arg(long, value_name = "I/N", requires = "save_state")]
    pub shard: Option<Shard>,
    /// The draws of a shard, for `langevin merge`
    #[arg(long, value_name = "FILE")]
    pub save_state: Option<PathBuf>,
    /// State files of all shards: what `langevin merge` adds to the command
    #[arg(long, hide = true, value_name = "FILE")]
    pub merge: Vec<PathBuf>,
}

impl PosteriorRun {
    /// Refuses shards that no merge could make one run of.
    pub fn check_shards(&self, inputs: &Inputs) -> Result<(), Failure> {
        let ShardOptions { shard, save_state, merge } = &self.shards;
        if !merge.is_empty() {
            return inputs.need_files();
        }
        let Some(shard) = shard else {
            return match save_state {
                Some(path) => refuse(format!(
                    "--save-state {}: expected --shard I/N with it; the draws of all chains are \
                     those of --draws",
                    path.display()
                )),
                None => Ok(()),
            };
        };
        let refused = |why: String| refuse(format!("--shard {shard}: {why}"));
        if self.team.size() > 1 {
            return refused(format!(
                "the {} ranks of this run have a share of the chains already; leave it out",
                self.team.size()
            ));
        }
        if self.tuned.is_none() {
            return refused(
                "given no --tuned FILE.json, expected one: in a warm-up all chains decide \
                 together. Run without --shard and with --save-tuned FILE.json first, then give \
                 that file to all shards"
                    .into(),
            );
        }
        if shard.of > self.chains {
            return refused(format!("expected no more shards than the {} chains", self.chains));
        }
        if self.draws.is_some() {
            return refused(
                "the draws of a shard are in its --save-state; leave out --draws, and give it to \
                 langevin merge"
                    .into(),
            );
        }
        if self.save_tuned.is_some() {
            return refused("--save-tuned would be a copy of --tuned; leave it out".into());
        }
        inputs.need_files()
    }

    /// What all shards of a run have alike.
    fn shared(&self, inputs: &Value) -> Settings {
        let own = [
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("command", "posterior".into()),
            ("chains", self.chains.to_string()),
            ("steps", self.steps.to_string()),
            ("seed", self.seed.to_string()),
            ("adjusted", self.adjusted.to_string()),
            ("bandwidth", json!(self.law.bandwidth()).to_string()),
            ("names", json!(self.names).to_string()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        let files = inputs.as_object().into_iter().flatten();
        let hash = |(name, file): (&String, &Value)| {
            (format!("{name} sha256"), file["sha256"].to_string())
        };
        own.chain(files.map(hash)).collect()
    }
}

/// Runs the chains of one shard, and keeps their draws in its file.
pub fn run_shard(arguments: &PosteriorRun, shard: Shard, law: &Law) -> Result<(), Failure> {
    let inputs = arguments.inputs();
    let read = inputs.json();
    let drift = law.drift::<f64>();
    let sampling = arguments.sampling(&drift, law.dimension())?;
    let path = arguments.shards.save_state.as_deref();
    let [state] = create_all(&inputs, [("--save-state", path)])?;
    let begun = Instant::now();
    let mut file = sampling.part(shard.index - 1, shard.of)?;
    let seconds = begun.elapsed().as_secs_f64();
    file.settings = arguments.shared(&read);
    file.settings.insert("shard".into(), shard.to_string());
    file.settings.extend(of_shard(None, seconds));
    if let Some(state) = state {
        state.fill(|to| file.write(to))?;
    }
    let text = match arguments.json {
        true => json(arguments, shard, &file, json!(read), seconds),
        false => {
            let first = file.samples.first_chain;
            let last = first as usize + file.samples.state.nrows() - 1;
            let chains = format!("chains {first} to {last} of {}", arguments.chains);
            let evaluations = file.samples.cost.evaluations;
            format!(
                "shard {shard}, {chains}: {evaluations} evaluations, {seconds:.2} s\n\
                 the verdict is that of all shards: give their files to langevin merge\n{}",
                written(&[path])
            )
        }
    };
    print_report([path], &text)
}

/// What was run, which is enough to repeat it.
fn json(
    arguments: &PosteriorRun,
    shard: Shard,
    file: &StateFile<f64>,
    inputs: Value,
    seconds: f64,
) -> String {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "command": "posterior",
        "shard": shard.to_string(),
        "seed": arguments.seed,
        "chains": file.samples.state.nrows(),
        "first_chain": file.samples.first_chain,
        "steps": arguments.steps,
        "adjusted": arguments.adjusted,
        "bandwidth": arguments.law.bandwidth(),
        "inputs": inputs,
        "evaluations": file.samples.cost.evaluations,
        "seconds": seconds,
    })
    .to_string()
}

/// The outcome of the run that the shards are of, and the seconds of all of them.
pub fn joined(
    arguments: &PosteriorRun,
    sampling: Sampling<'_, &dyn Drift<f64>>,
    inputs: &Inputs,
) -> Result<(Outcome, f64), Failure> {
    let [states, others] = sorted(&arguments.shards.merge)?;
    if let Some(other) = others.first() {
        return Err(of_file(other, "it is not the state file of a shard; leave it out"));
    }
    let pieces = pieces::<f64>(&states, &arguments.shared(&inputs.json()), 0)?;
    let seconds = pieces.iter().map(|piece| piece.seconds()).sum();
    let files = pieces.into_iter().map(|piece| piece.file).collect();
    match sampling.join(files) {
        Ok(outcome) => Ok((outcome, seconds)),
        Err(error @ langevin::Error::StateFile { .. }) => refuse(error.to_string()),
        Err(error) => Err(error.into()),
    }
}
