//! Where a run begins: anew, in given states, or where the run of a state file ended.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use langevin::ndarray::Array2;
use langevin::prelude::{Real, Run};
use langevin::run::{Settings, Start, StateFile};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::arguments::RunOptions;
use crate::checkpoint::{all_settings, base_settings};
use crate::failure::{Failure, refuse};
use crate::inputs::Inputs;
use crate::shard::Part;

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
    /// is to have. Of a checkpoint: the same command with all its options. If it is that of
    /// --checkpoint and not there yet, the run begins
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Write the state at the end, or where a signal ended the run, for --resume
    #[arg(long, value_name = "FILE")]
    pub save_state: Option<PathBuf>,
}

/// A new run: where its chains start, and the seed of its noise.
pub struct Anew<F> {
    pub start: Start<F>,
    pub seed: u64,
    /// Whether the start was given.
    pub is_given: bool,
}

/// What is known of a run before it begins.
pub struct Begun<F> {
    /// The files that were read, if they are told or compared.
    pub read: Option<Value>,
    pub settings: Settings,
    pub beginning: Beginning<F>,
}

/// Where the chains of a run begin.
pub enum Beginning<F> {
    Anew(Anew<F>),
    /// Where another run ended, or where a checkpoint of this one was made.
    After(Box<StateFile<F>>),
}

impl<F: Real> Beginning<F> {
    /// Steps that a run which is continued has taken.
    pub fn steps(&self) -> u64 {
        match self {
            Self::After(file) => file.samples.steps,
            _ => 0,
        }
    }

    /// Whether it is a run that has a checkpoint.
    pub fn is_checkpoint(&self) -> bool {
        matches!(self, Self::After(file) if file.observers.is_some())
    }

    /// The beginning of a run with these chains and options.
    pub fn of<'r>(self, run: Run<'r, F>, options: &RunOptions) -> Run<'r, F> {
        match self {
            Self::After(file) => run.resume_file(&file),
            Self::Anew(Anew { start, seed, .. }) => {
                let run = run.seed(seed).first_chain(options.part().first);
                run.first_step(options.beginning.first_step.unwrap_or(0)).start(start)
            }
        }
    }
}

impl BeginningOptions {
    /// The number of the first chain.
    pub fn first_chain(&self) -> u32 {
        self.first_chain.unwrap_or(0)
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

impl RunOptions {
    /// Whether states are kept in files.
    pub fn uses_files(&self) -> bool {
        let BeginningOptions { resume, save_state, .. } = &self.beginning;
        let files = [resume.as_deref(), save_state.as_deref(), self.durable.path()];
        files.iter().any(Option::is_some) || !self.merge.is_empty()
    }

    /// The file to resume, unless it is still to come.
    pub fn resume(&self) -> Option<&Path> {
        self.beginning.resume.as_deref().filter(|path| !self.durable.is_yet_to_come(path))
    }

    /// The settings and the beginning of a run. `own` are those of its command.
    pub fn begun<F: Real>(
        &self,
        inputs: &Inputs,
        report: &Value,
        anew: Anew<F>,
        own: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Begun<F>, Failure> {
        let needed = [self.resume(), self.durable.path()].iter().any(Option::is_some);
        if needed || self.shard.is_some() || !self.merge.is_empty() {
            inputs.need_files()?;
        }
        let hashed = self.common.json || self.uses_files();
        let mut read = hashed.then(|| inputs.json());
        let files = read.clone().unwrap_or_default();
        let own = own.into_iter().chain([("seed", anew.seed.to_string())]);
        let mut settings = all_settings(self, report, &files, own);
        settings.extend(base_of(report, &files));
        let beginning = self.beginning(anew, &settings)?;
        // The report of a run that goes on from a checkpoint is that of a run without a crash.
        if let (true, Some(files)) = (beginning.is_checkpoint(), &mut read) {
            files.as_object_mut().map(|files| files.remove("resume"));
        }
        Ok(Begun { read, settings, beginning })
    }

    /// Where the chains begin: anew, unless a state file is to be resumed. It must have the same
    /// settings: a checkpoint all, another one those of `base_settings`.
    fn beginning<F: Real>(
        &self,
        anew: Anew<F>,
        settings: &Settings,
    ) -> Result<Beginning<F>, Failure> {
        let Some(path) = self.resume() else { return Ok(Beginning::Anew(anew)) };
        let named = |why: String| Failure::Input(format!("--resume {}: {why}", path.display()));
        let mut file: StateFile<F> = read_state(path).map_err(named)?;
        let is_checkpoint = file.settings.get("kind").is_some_and(|kind| kind == "checkpoint");
        if !is_checkpoint && self.shard.is_some() {
            // The moments and the frames of the steps before are not in it.
            return Err(named("a shard goes on from its checkpoint alone".into()));
        }
        if !is_checkpoint {
            file.observers = None;
            file.settings = base_settings(&file.settings);
        }
        let mut settings = if is_checkpoint { settings.clone() } else { base_settings(settings) };
        if is_checkpoint {
            settings.insert("kind".into(), "checkpoint".into());
        }
        file.check(&settings).map_err(|error| named(error.to_string()))?;
        let samples = &file.samples;
        let differs = |name: &str, given: u64, expected: String| {
            Err(named(format!("{name}: given {given}, but the run to resume has {expected}")))
        };
        let beginning = &self.beginning;
        if let Some(seed) = beginning.seed.filter(|seed| Some(*seed) != samples.seed) {
            return differs("seed", seed, samples.seed.map_or("none".into(), |s| s.to_string()));
        }
        let first = match self.shard {
            Some(_) => self.part().first,
            None => beginning.first_chain(),
        };
        let is_told = beginning.first_chain.is_some() || self.shard.is_some();
        if is_told && first != samples.first_chain {
            return differs("first chain", first.into(), samples.first_chain.to_string());
        }
        if !is_checkpoint && (anew.is_given || beginning.first_step.is_some()) {
            return Err(named("the state is a start; leave out --start and --first-step".into()));
        }
        if self.shares_chains() {
            let Part { skipped, chains, .. } = self.part();
            let all = samples.positions().nrows();
            if all != self.chains {
                return differs("chains", self.chains as u64, all.to_string());
            }
            file.samples = samples.part(skipped..skipped + chains)?;
        }
        Ok(Beginning::After(Box::new(file)))
    }
}

/// Reads a state file, or says why not.
pub fn read_state<F: Real>(path: &Path) -> Result<StateFile<F>, String> {
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    StateFile::read(&mut BufReader::new(file)).map_err(|error| error.to_string())
}

/// What must be the same in a run that continues: the settings of a report and the inputs but the
/// start, whose names in the report are these.
fn base_of(report: &Value, inputs: &Value) -> Settings {
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
