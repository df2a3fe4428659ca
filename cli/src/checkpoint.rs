//! Checkpoints of a run: the options, what must be the same in a run that goes on, and the frames
//! on their way to the output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;
use langevin::prelude::BoxError;
use langevin::run::{Checkpoint, Settings};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::arguments::RunOptions;
use crate::failure::{Failure, refuse};
use crate::inputs::{Inputs, beside, same_file, same_name};
use crate::lock::{Lock, Refused};
use crate::output::{OutputFile, create_all, is_stdout};

/// Settings that only a checkpoint or a shard has, beside those of every state file.
const OWN: [&str; 19] = [
    "version",
    "noise_start",
    "kind",
    "steps",
    "chains",
    "first_chain",
    "seed",
    "every",
    "burn_in",
    "non_finite",
    "covariance",
    "start sha256",
    "trace",
    "device",
    "out",
    "shard",
    "arguments",
    "out sha256",
    "seconds",
];

#[derive(Args)]
pub struct CheckpointOptions {
    /// Write all that the run needs to go on to this file as it runs. After a crash give the same
    /// command with --resume FILE; the outputs are those of a run without a crash. The file goes
    /// when the run is done
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Seconds between two checkpoints; 0 is one after every step [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "checkpoint", allow_negative_numbers = true)]
    checkpoint_every: Option<f64>,
    /// Held to the end of the program.
    #[arg(skip)]
    lock: OnceLock<Lock>,
}

impl CheckpointOptions {
    pub fn path(&self) -> Option<&Path> {
        self.checkpoint.as_deref()
    }

    /// The time between two checkpoints.
    pub fn interval(&self) -> Result<Duration, Failure> {
        let seconds = self.checkpoint_every.unwrap_or(60.0);
        Duration::try_from_secs_f64(seconds).or_else(|_| {
            refuse(format!("--checkpoint-every: given {seconds}, expected seconds, at least 0"))
        })
    }

    /// Whether this file is the checkpoint and does not exist yet: then the run begins, and the
    /// same command begins it and goes on with it.
    pub fn is_yet_to_come(&self, resume: &Path) -> bool {
        // Where it cannot be told, reading the file says why.
        self.path() == Some(resume) && matches!(resume.try_exists(), Ok(false))
    }

    /// Removes the checkpoint of a run whose outputs are in their places.
    pub fn end(&self) {
        let Some(path) = self.path() else { return };
        // The frames are of no use without the checkpoint, so it goes first.
        for path in [path, &Journal::place(path)] {
            let _ = fs::remove_file(path);
        }
    }

    /// Checks the place before the run, which may be long.
    pub fn check(
        &self,
        resume: Option<&Path>,
        inputs: &Inputs,
        outputs: &[Option<&Path>],
    ) -> Result<(), Failure> {
        let Some(path) = self.path() else { return Ok(()) };
        self.interval()?;
        inputs.need_files()?;
        let named = format!("--checkpoint {}", path.display());
        inputs.spare("--checkpoint", path)?;
        for place in self.places() {
            inputs.spare("a file of --checkpoint,", &place)?;
        }
        self.spare_all(outputs)?;
        if is_stdout(path) || path.is_dir() {
            return refuse(format!("{named}: expected a file"));
        }
        self.lock(path)?;
        let there = path.try_exists();
        let there = there.or_else(|error| refuse(format!("{named}: cannot be read: {error}")))?;
        if there && resume.is_none_or(|resume| !same_file(resume, path)) {
            return refuse(format!(
                "{named}: there is a file of a run that has not ended; go on with --resume {}, or \
                 remove it",
                path.display()
            ));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let tried = tempfile::tempfile_in(folder.unwrap_or(Path::new(".")));
        tried.or_else(|error| refuse(format!("{named}: cannot be written: {error}")))?;
        // What a crash left there is a beginning of a state file, or nothing.
        let unfinished = beside(path, ".tmp");
        if is_foreign(&unfinished) {
            let place = unfinished.display();
            return refuse(format!("{named}: {place} is in the way and is not its own; remove it"));
        }
        Ok(())
    }

    /// Refuses a checkpoint with which another program runs.
    fn lock(&self, path: &Path) -> Result<(), Failure> {
        let named = |why: String| refuse(format!("--checkpoint {}: {why}", path.display()));
        match Lock::take(path) {
            Ok(lock) => {
                if let Some(lock) = lock {
                    self.lock.get_or_init(|| lock);
                }
                Ok(())
            }
            Err(Refused::Taken) => named(
                "another program runs with this file; wait for its end, or name another file"
                    .into(),
            ),
            Err(Refused::Foreign) => {
                let place = Lock::place(path);
                named(format!("{} is in the way and is not its own; remove it", place.display()))
            }
            Err(Refused::Failed(error)) => named(format!("cannot be written: {error}")),
        }
    }

    /// The files beside the checkpoint that belong to the run.
    fn places(&self) -> Vec<PathBuf> {
        let path = self.path().into_iter();
        path.flat_map(|path| [beside(path, ".tmp"), Journal::place(path), Lock::place(path)])
            .collect()
    }

    /// Refuses an output in the place of the checkpoint or of a file beside it.
    pub fn spare_places(&self, outputs: &[PathBuf]) -> Result<(), Failure> {
        let outputs: Vec<_> = outputs.iter().map(|place| Some(&**place)).collect();
        self.spare_all(&outputs)
    }

    fn spare_all(&self, outputs: &[Option<&Path>]) -> Result<(), Failure> {
        let own = self.path().map(Path::to_path_buf);
        own.into_iter().chain(self.places()).try_for_each(|place| self.spare(&place, outputs))
    }

    fn spare(&self, place: &Path, outputs: &[Option<&Path>]) -> Result<(), Failure> {
        if outputs.iter().flatten().any(|output| same_name(output, place)) {
            return refuse(format!(
                "--checkpoint {}: another output has the name {}; give them two",
                self.path().unwrap_or(place).display(),
                place.display()
            ));
        }
        Ok(())
    }

    /// The checkpoint of a run with these settings.
    fn begin(&self, settings: &Settings) -> Result<Option<Checkpoint>, Failure> {
        let Some(path) = self.path() else { return Ok(None) };
        let mut settings = settings.clone();
        settings.insert("kind".into(), "checkpoint".into());
        Ok(Some(Checkpoint::new(path, self.interval()?).settings(settings)))
    }
}

impl RunOptions {
    /// The checkpoint of a run with these settings: one of all ranks, or that of the first one.
    pub fn checkpoint(&self, settings: &Settings) -> Result<Option<Checkpoint>, Failure> {
        if !self.team.is_first() && !self.shares_chains() {
            return Ok(None);
        }
        let checkpoint = self.durable.begin(settings)?;
        Ok(checkpoint.map(|checkpoint| checkpoint.over(self.ranks())))
    }

    /// Opens the outputs of a run. They are checked, and so is the place of its checkpoint.
    pub fn create_all<const N: usize>(
        &self,
        inputs: &Inputs,
        wanted: [(&'static str, Option<&Path>); N],
    ) -> Result<[Option<OutputFile>; N], Failure> {
        if !self.team.is_first() {
            return Ok([const { None }; N]);
        }
        let outputs = wanted.map(|(_, path)| path);
        self.durable.check(self.resume(), inputs, &outputs)?;
        let needs_start = self.durable.path().is_some() || self.shard.is_some();
        if needs_start && outputs.iter().flatten().any(|output| inputs.has_start(output)) {
            return refuse(
                "--out would replace the file of --start, which --checkpoint and --shard need to \
                 the end; give it another name",
            );
        }
        create_all(inputs, wanted)
    }

    /// Whether a run that a signal may have stopped goes on from its checkpoint.
    pub fn goes_on(&self, stopped: &Option<Failure>) -> bool {
        stopped.is_some() && self.durable.path().is_some()
    }

    /// The end of a run whose outputs are in their places: its checkpoint goes, unless a signal has
    /// stopped it.
    pub fn ended(&self, stopped: Option<Failure>) -> Result<(), Failure> {
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        self.durable.end();
        Ok(())
    }
}

/// Whether there is something that is no beginning of a file of ours.
fn is_foreign(path: &Path) -> bool {
    const TITLE: &[u8] = b"langevin ";
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(9).read_to_end(&mut head));
    match read {
        Ok(_) => !TITLE.starts_with(&head),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// What a checkpoint or a shard must agree in beside the settings of every state file.
pub fn all_settings<'o>(
    options: &RunOptions,
    report: &Value,
    inputs: &Value,
    more: impl Iterator<Item = (&'o str, String)>,
) -> Settings {
    let optional = |value: Option<usize>| value.map_or_else(|| "none".into(), |n| n.to_string());
    let shard = options.shard.map_or_else(|| "none".into(), |shard| shard.to_string());
    let ending = |path: &PathBuf| {
        let is_csv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        if is_csv { "csv" } else { "npy" }
    };
    let own = [
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("chains", options.chains.to_string()),
        ("first_chain", options.beginning.first_chain().to_string()),
        ("every", optional(options.every)),
        ("burn_in", report["burn_in"].to_string()),
        ("non_finite", options.non_finite.name().into()),
        ("covariance", options.covariance.to_string()),
        ("start sha256", inputs["start"]["sha256"].to_string()),
        ("out", options.out.as_ref().map_or("none", ending).into()),
        ("shard", shard),
    ];
    own.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The settings without those that only checkpoints and shards have.
pub fn base_settings(settings: &Settings) -> Settings {
    let base = settings.iter().filter(|(name, _)| !OWN.contains(&&name[..]));
    base.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The settings that all shards of a run have alike.
pub fn shared_settings(settings: &Settings) -> Settings {
    const DIFFER: [&str; 7] =
        ["kind", "shard", "arguments", "out", "out sha256", "seconds", "trace"];
    let shared = settings.iter().filter(|(name, _)| !DIFFER.contains(&&name[..]));
    shared.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Bytes on the way to an output, in a file beside the checkpoint that outlasts a crash.
pub struct Journal {
    path: PathBuf,
    writer: BufWriter<File>,
    hasher: Sha256,
    length: u64,
}

impl Journal {
    /// The file of a checkpoint.
    fn place(checkpoint: &Path) -> PathBuf {
        beside(checkpoint, ".frames")
    }

    /// Opens the file of a checkpoint. What is in it stays until something is written.
    pub fn open(checkpoint: &Path) -> io::Result<Self> {
        let path = Self::place(checkpoint);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        let writer = BufWriter::with_capacity(1 << 20, file);
        Ok(Self { path, writer, hasher: Sha256::new(), length: 0 })
    }

    /// The error of writing to it.
    pub fn failed(&self, error: io::Error) -> Failure {
        Failure::Run(format!("{}: cannot be written: {error}", self.path.display()))
    }

    /// Brings all to the disk; the length so far and its hash.
    pub fn keep(&mut self) -> io::Result<(u64, String)> {
        self.writer.flush()?;
        self.writer.get_ref().sync_data()?;
        Ok((self.length, hex(self.hasher.clone())))
    }

    /// Goes on behind the first bytes, which must have this hash.
    pub fn go_on(&mut self, length: u64, hash: &str) -> Result<(), BoxError> {
        let file = self.writer.get_mut();
        file.rewind()?;
        let mut hasher = Sha256::new();
        let found = io::copy(&mut (&mut *file).take(length), &mut hasher)?;
        if found != length || hex(hasher.clone()) != hash {
            return Err(format!("{} is not that of the checkpoint", self.path.display()).into());
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        self.hasher = hasher;
        self.length = length;
        Ok(())
    }

    /// Copies all that was written.
    pub fn copy(&mut self, to: &mut impl Write) -> io::Result<()> {
        self.writer.flush()?;
        let file = self.writer.get_mut();
        file.rewind()?;
        let copied = io::copy(&mut (&mut *file).take(self.length), to)?;
        file.seek(SeekFrom::Start(self.length))?;
        if copied == self.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A hash in hexadecimal.
pub fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
