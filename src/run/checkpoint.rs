//! Checkpoints: a state file that a run writes again and again, to go on from after a crash.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::observe::Snapshot;
use super::samples::Content;
use super::saved::fail;
use super::settings::{Settings, lines};
use super::state_file::write;
use crate::error::{Error, Result};
use crate::ranks::Ranks;
use crate::real::Real;

/// Writes the state of a run to a file at intervals of time, with what its observers have gathered.
/// After a crash [`Run::resume_file`](crate::Run::resume_file) goes on from there. Samples and
/// observers are then those of a run without a crash, to the last bit.
///
/// ```
/// use std::time::Duration;
///
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
/// use langevin::run::{Checkpoint, Settings, StateFile};
///
/// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 0.5)?;
/// let sampler = EulerMaruyama::new(Overdamped);
/// let grid = TimeGrid::uniform(0.1, 50)?;
/// let path = std::env::temp_dir().join("langevin-doc.state");
/// let settings = Settings::from([("step".into(), "0.1".into())]);
///
/// // A file after every step; a run of hours would take Duration::from_secs(60).
/// let mut moments = MomentsObserver::new(Every::new(1)?.after(10));
/// let checkpoint = Checkpoint::new(&path, Duration::ZERO).settings(settings.clone());
/// let run = Run::new(&sampler, &target, grid.clone()).chains(5).observe(&mut moments);
/// let samples = run.checkpoint(checkpoint).run()?;
///
/// // What a crash would have left: the file of the last step but one.
/// let file = StateFile::<f64>::read(&mut std::fs::File::open(&path).unwrap())?;
/// file.check(&settings)?;
/// let mut rest = MomentsObserver::new(Every::new(1)?.after(10));
/// let run = Run::new(&sampler, &target, grid).observe(&mut rest);
/// assert_eq!(run.resume_file(&file).run()?, samples);
/// assert_eq!(rest.variance(), moments.variance());
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), Error>(())
/// ```
///
/// The file is written as `PATH.tmp`, synced and renamed. So there is a whole one at any moment:
/// the new one or the one before. It is a [`StateFile`](super::StateFile) with its settings. The
/// run looks at the clock between steps and waits at least 49 times as long as the last checkpoint
/// took, with what its observers did for it. So checkpoints cost no more than 2 % of the time. An
/// interval of zero means after every step, whatever it costs. A run that an observer ends early
/// writes a last checkpoint. A run that reaches its end leaves the last one before it: remove the
/// file once the outcome is safe.
///
/// A run of one step has no checkpoint, as there is nothing between its steps. A checkpoint of a
/// run that itself was begun with [`Run::resume`](crate::Run::resume) has what its observers have
/// gathered since.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    interval: Duration,
    settings: Settings,
    pace: Option<Pace>,
    ranks: Option<Arc<dyn Ranks>>,
}

/// When the last file was written, and when the run looks at the clock again.
#[derive(Clone, Copy, Debug)]
struct Pace {
    written: Instant,
    wait: Duration,
    /// The last look at the clock, its step, and the step of the next one.
    seen: Instant,
    step: u64,
    due: u64,
}

impl Checkpoint {
    /// A checkpoint in this file every `interval`.
    pub fn new(path: impl Into<PathBuf>, interval: Duration) -> Self {
        Self { path: path.into(), interval, settings: Settings::new(), pace: None, ranks: None }
    }

    /// With the settings of the run, which [`StateFile::check`](super::StateFile::check) compares.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// For chains that are shared out over [`Ranks`], each running
    /// [a part](crate::Run::as_part) of them. Rank 0 looks at its clock, tells the others, and
    /// writes one file for all chains. It is that of one process, so any number of ranks goes on
    /// from there, each with [its part](crate::Samples::part).
    ///
    /// All ranks come together at every look at the clock, about once a second.
    pub fn over(mut self, ranks: Arc<dyn Ranks>) -> Self {
        self.ranks = Some(ranks).filter(|ranks| ranks.size() > 1);
        self
    }

    /// Refuses settings that a state file cannot keep.
    pub(super) fn check(&self) -> Result<()> {
        lines(&self.settings).map(drop)
    }

    /// The step of the next look at the clock.
    pub(super) fn next(&self, step: u64) -> u64 {
        self.pace.map_or(0, |pace| pace.due).max(step.saturating_add(1))
    }

    /// Whether a file is to be written after this step. It is asked now and then between as well.
    pub(super) fn is_due(&mut self, step: u64) -> Result<bool> {
        let Some(ranks) = self.ranks.clone() else { return Ok(self.is_due_here(step)) };
        if step < self.next(0) {
            return Ok(false);
        }
        // Steps at which ranks meet are the same for all, whatever their clocks say.
        let is_due = self.is_due_here(step);
        let own = [self.next(step), u64::from(is_due)].map(u64::to_le_bytes);
        let said = ranks.broadcast(own.concat()).map_err(Error::Ranks)?;
        let words = said.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let &[due, is_due] = &words.collect::<Vec<_>>()[..] else {
            return Err(Error::Ranks("rank 0 has not said when a checkpoint is due".into()));
        };
        self.pace = self.pace.map(|pace| Pace { due, ..pace });
        Ok(is_due == 1)
    }

    fn is_due_here(&mut self, step: u64) -> bool {
        const LONGEST: Duration = Duration::from_secs(1);
        let now = Instant::now();
        let first = Pace {
            written: now,
            wait: self.interval,
            seen: now,
            step,
            due: step.saturating_add(1),
        };
        let pace = self.pace.get_or_insert(first);
        if self.interval.is_zero() {
            return true;
        }
        if step < pace.due {
            return false;
        }
        let left = pace.wait.saturating_sub(pace.written.elapsed());
        if left.is_zero() {
            return true;
        }
        let passed = now.duration_since(pace.seen).as_secs_f64().max(1e-9);
        // Steps may become slower, so the stride grows slowly and aims short.
        let growth = (left.min(LONGEST).as_secs_f64() / passed).min(8.0);
        let taken = step.saturating_sub(pace.step).max(1);
        let stride = (taken as f64 * growth) as u64;
        *pace = Pace { seen: now, step, due: step.saturating_add(stride.max(1)), ..*pace };
        false
    }

    /// Writes the file, and renames it over the one before. Its observers were asked from `begun`
    /// on.
    pub(super) fn write<F: Real>(
        &mut self,
        begun: Instant,
        snapshot: &Snapshot<'_, F>,
        observers: &[Option<Vec<u8>>],
    ) -> Result<()> {
        match &self.ranks {
            None => self.put(&snapshot.content(), observers)?,
            Some(ranks) => {
                if let Some(samples) = snapshot.samples().gathered(&**ranks)? {
                    self.put(&samples.content(), observers)?;
                }
            }
        }
        let now = Instant::now();
        let wait = self.interval.max(49 * (now - begun));
        let due = snapshot.step.saturating_add(1);
        self.pace = Some(Pace { written: now, wait, seen: now, step: snapshot.step, due });
        Ok(())
    }

    fn put<F: Real>(&self, content: &Content<'_, F>, observers: &[Option<Vec<u8>>]) -> Result<()> {
        let mut bytes =
            |to: &mut BufWriter<File>| write(content, &self.settings, Some(observers), to);
        replace(&self.path, &mut bytes)
    }
}

/// Fills a file and brings all to the disk.
fn written(file: File, fill: &mut dyn FnMut(&mut BufWriter<File>) -> Result<()>) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(1 << 20, file);
    fill(&mut to).map_err(|error| match error {
        Error::StateFile { reason } => io::Error::other(reason),
        other => io::Error::other(other),
    })?;
    to.flush()?;
    to.get_ref().sync_all()
}

/// Fills a file beside the place and moves it there. What was there before stays until then.
pub(crate) fn replace(
    path: &Path,
    fill: &mut dyn FnMut(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let named = |error: io::Error| fail(format!("{}: {error}", path.display()));
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let file = File::create(&temporary).map_err(named)?;
    let moved = written(file, fill).and_then(|()| fs::rename(&temporary, path));
    moved.map_err(|error| {
        // Where the disk is full, what is of no use must not stay.
        let _ = fs::remove_file(&temporary);
        named(error)
    })?;
    // The new name must last too. Where folders cannot be synced, the file is whole anyway.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
    Ok(())
}
