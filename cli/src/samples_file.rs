//! The samples as a file, .npy or .csv: the end of a run, or frames on the way with the end last.

use std::io::{self, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

use langevin::ndarray::ArrayView2;
use langevin::prelude::{BoxError, Every, Observer, Real, Samples, Snapshot};
use serde_json::{Value, json};

use crate::checkpoint::Journal;
use crate::csv;
use crate::failure::Failure;
use crate::npy;
use crate::output::OutputFile;

/// The file that `--out` names.
pub struct SamplesFile {
    file: OutputFile,
    /// Where the frames wait for the end, if the run has a checkpoint.
    journal: Option<Journal>,
    is_csv: bool,
    /// Steps that are saved; the end alone without.
    frames: Option<Every>,
    /// Axes of the array, the number of frames first if there are any.
    shape: Vec<usize>,
    saved: usize,
    last: Option<u64>,
}

impl SamplesFile {
    /// Writes what precedes the numbers, for a run of `steps` steps. The shape is (chains, dim).
    pub fn begin<F: Real>(
        file: OutputFile,
        path: &Path,
        frames: Option<Every>,
        steps: usize,
        shape: (usize, usize),
    ) -> Result<Self, Failure> {
        let (chains, dim) = shape;
        let is_csv = is_csv(path);
        let planned = frames.map(|every| every.count(steps));
        let shape: Vec<usize> = planned.into_iter().chain([chains, dim]).collect();
        let header = if is_csv {
            csv::header(frames.is_some(), dim).into_bytes()
        } else {
            npy::header::<F>(&shape)
        };
        let journal = None;
        let mut begun = Self { file, journal, is_csv, frames, shape, saved: 0, last: None };
        begun.file.writer.write_all(&header).map_err(|error| begun.failed(error))?;
        Ok(begun)
    }

    /// With frames that outlast a crash, beside the checkpoint.
    pub fn with_checkpoint(mut self, checkpoint: Option<&Path>) -> Result<Self, Failure> {
        if let (Some(path), Some(_)) = (checkpoint, self.frames) {
            let fail = |error| Failure::Input(format!("--checkpoint {}: {error}", path.display()));
            self.journal = Some(Journal::open(path).map_err(fail)?);
        }
        Ok(self)
    }

    /// The error of writing to the file that takes the numbers now.
    fn failed(&self, error: io::Error) -> Failure {
        match &self.journal {
            Some(journal) => journal.failed(error),
            None => self.file.failed(error),
        }
    }

    fn push<F: Real>(&mut self, positions: ArrayView2<'_, F>) -> io::Result<()> {
        let frame = self.frames.map(|_| self.saved);
        self.saved += 1;
        let to: &mut dyn Write = match &mut self.journal {
            Some(journal) => journal,
            None => &mut self.file.writer,
        };
        if self.is_csv {
            csv::write_rows(to, frame, positions)
        } else {
            npy::write_rows(to, positions)
        }
    }

    /// Writes the end, unless it is saved already. Returns the file and the number of frames. A run
    /// that was stopped has fewer than it was to have.
    pub fn finish<F: Real>(
        mut self,
        end: u64,
        samples: &Samples<F>,
    ) -> Result<(OutputFile, usize), Failure> {
        if let Some(journal) = &mut self.journal {
            // It stays as it is: the run may have been stopped to go on later.
            journal.copy(&mut self.file.writer).map_err(|error| self.file.failed(error))?;
            self.journal = None;
        }
        if self.last != Some(end) {
            self.push(samples.positions()).map_err(|error| self.failed(error))?;
        }
        if self.frames.is_some() && self.shape[0] != self.saved && !self.is_csv {
            let planned = npy::header::<F>(&self.shape).len();
            self.shape[0] = self.saved;
            let header = npy::header_of_length::<F>(&self.shape, planned);
            let writer = &mut self.file.writer;
            let rewritten = writer.seek(SeekFrom::Start(0)).and_then(|_| writer.write_all(&header));
            rewritten.map_err(|error| self.failed(error))?;
        }
        Ok((self.file, self.saved))
    }
}

/// Whether the name says that the file is a table.
pub fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

/// Every saved frame is written as it comes.
impl<F: Real> Observer<F> for SamplesFile {
    fn next(&self, step: u64) -> Option<u64> {
        self.frames.map(|every| every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        self.push(snapshot.positions()).map_err(|error| self.failed(error))?;
        self.last = Some(snapshot.step);
        Ok(ControlFlow::Continue(()))
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        let Some(journal) = &mut self.journal else { return Ok(None) };
        let kept = journal.keep();
        let (length, hash) = kept.map_err(|error| self.failed(error))?;
        let kept = json!({
            "saved": self.saved, "last": self.last, "length": length, "sha256": hash,
        });
        Ok(Some(kept.to_string().into_bytes()))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        let kept: Value = serde_json::from_slice(saved)?;
        let Some(journal) = &mut self.journal else {
            return Err("the frames of a checkpoint need --checkpoint FILE again".into());
        };
        let number = |name: &str| kept[name].as_u64().ok_or("the frames were saved by others");
        journal.go_on(number("length")?, kept["sha256"].as_str().unwrap_or_default())?;
        self.saved = number("saved")? as usize;
        self.last = kept["last"].as_u64();
        Ok(())
    }
}
