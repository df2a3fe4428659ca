//! Where a run begins: anew, in given states, or where the run of a state file ended.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use langevin::ndarray::Array2;
use langevin::prelude::{Real, Run, Samples};
use langevin::run::{Settings, Start, StateFile};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::failure::{Failure, refuse};

/// The noise of a run, and the run that it continues.
#[derive(Args)]
pub struct BeginningOptions {
    /// Seed of all noise [default: 0; with --start one made of its numbers, so that a run from
    /// where another one ended does not meet the same noise again]
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Number of the first chain: chains A to B of a larger run, bit for bit [default: 0]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    first_chain: Option<u32>,
    /// Steps that the run behind --start has taken; this one takes the rest of its steps, with the
    /// same noise as an uncut run
    #[arg(long, value_name = "N", requires = "start", allow_negative_numbers = true)]
    first_step: Option<usize>,
    /// Continue the run of this state file: the same command, with as many steps as the whole run
    /// is to have
    #[arg(long, value_name = "FILE", conflicts_with_all = ["start", "first_step"])]
    pub resume: Option<PathBuf>,
    /// Write the state at the end, or where a signal ended the run, for --resume
    #[arg(long, value_name = "FILE")]
    pub save_state: Option<PathBuf>,
}

/// A new run: where its chains start, and the seed of its noise.
pub struct Anew<F> {
    pub start: Start<F>,
    pub seed: u64,
}

/// Where the chains of a run begin.
pub enum Beginning<F> {
    Anew(Anew<F>),
    /// Where another run ended.
    After(Box<Samples<F>>),
}

impl<F: Real> Beginning<F> {
    /// Steps that a run which is continued has taken.
    pub fn steps(&self) -> u64 {
        match self {
            Self::After(samples) => samples.steps,
            _ => 0,
        }
    }
}

impl BeginningOptions {
    /// Whether states are kept in files.
    pub fn uses_files(&self) -> bool {
        self.resume.is_some() || self.save_state.is_some()
    }

    /// The number of the first chain.
    pub fn first_chain(&self) -> u32 {
        self.first_chain.unwrap_or(0)
    }

    /// Where the chains begin: anew, unless a state file is to be resumed. It must have the same
    /// settings.
    pub fn beginning<F: Real>(
        &self,
        anew: Anew<F>,
        settings: &Settings,
    ) -> Result<Beginning<F>, Failure> {
        match &self.resume {
            Some(path) => Ok(Beginning::After(Box::new(self.read(path, settings)?))),
            None => Ok(Beginning::Anew(anew)),
        }
    }

    fn read<F: Real>(&self, path: &Path, settings: &Settings) -> Result<Samples<F>, Failure> {
        let named = |why: String| Failure::Input(format!("--resume {}: {why}", path.display()));
        let file = File::open(path).map_err(|error| named(format!("cannot be read: {error}")))?;
        let file = StateFile::<F>::read(&mut BufReader::new(file));
        let file = file.map_err(|error| named(error.to_string()))?;
        file.check(settings).map_err(|error| named(error.to_string()))?;
        let samples = file.samples;
        let differs = |name: &str, given: u64, expected: String| {
            Err(named(format!("{name}: given {given}, but the run to resume has {expected}")))
        };
        if let Some(seed) = self.seed.filter(|seed| Some(*seed) != samples.seed) {
            return differs("seed", seed, samples.seed.map_or("none".into(), |s| s.to_string()));
        }
        if let Some(first) = self.first_chain.filter(|first| *first != samples.first_chain) {
            return differs("first chain", first.into(), samples.first_chain.to_string());
        }
        Ok(samples)
    }

    /// Sets the beginning of a run, and its noise.
    pub fn begin<'r, F: Real>(&self, run: Run<'r, F>, beginning: Beginning<F>) -> Run<'r, F> {
        match beginning {
            Beginning::After(samples) => run.resume(&samples),
            Beginning::Anew(Anew { start, seed }) => {
                let run = run.seed(seed).first_chain(self.first_chain());
                run.first_step(self.first_step.unwrap_or(0)).start(start)
            }
        }
    }

    /// The seed of a run. If it starts in given states, it is another one than that of the run in
    /// which they may have ended.
    pub fn seed<F: Real>(&self, start: Option<&Array2<F>>) -> Result<u64, Failure> {
        if let Some(seed) = self.seed {
            return Ok(seed);
        }
        let Some(rows) = start.filter(|_| self.first_step.is_none()) else { return Ok(0) };
        if self.first_chain.is_some() {
            return refuse(
                "--first-chain with --start needs --seed: the seed that is made of the start would \
                 differ from part to part",
            );
        }
        let mut hasher = Sha256::new();
        rows.iter().for_each(|x| hasher.update(x.widen().to_le_bytes()));
        // 32 bits are a number that one can type again.
        Ok(hasher.finalize().iter().take(4).fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
    }
}

/// What must be the same in a run that continues: the settings of a report and the inputs but the
/// start, whose names in the report are these.
pub fn settings(report: &Value, inputs: &Value) -> Settings {
    const OTHERS: [&str; 5] =
        ["burn_in", "file", "model", "planned_evaluations", "model_calls_per_evaluation"];
    let own = report.as_object().into_iter().flatten();
    let own = own.filter(|(name, value)| !OTHERS.contains(&&name[..]) && !value.is_null());
    let own = own.map(|(name, value)| (name.clone(), value.to_string()));
    let files = inputs.as_object().into_iter().flatten();
    let files = files.filter(|(name, _)| *name != "start" && *name != "resume");
    let files = files.map(|(name, file)| (format!("{name} sha256"), file["sha256"].to_string()));
    own.chain(files).collect()
}
