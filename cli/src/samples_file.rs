//! The samples as a file, .npy or .csv: the end of a run, or frames on the way with the end last.

use std::io::{self, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

use langevin::ndarray::ArrayView2;
use langevin::prelude::{BoxError, Every, Observer, Real, Samples, Snapshot};

use crate::csv;
use crate::failure::Failure;
use crate::npy;
use crate::output::OutputFile;

/// The file that `--out` names.
pub struct SamplesFile {
    file: OutputFile,
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
        let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let planned = frames.map(|every| every.count(steps));
        let shape: Vec<usize> = planned.into_iter().chain([chains, dim]).collect();
        let header = if is_csv {
            csv::header(frames.is_some(), dim).into_bytes()
        } else {
            npy::header::<F>(&shape)
        };
        let mut begun = Self { file, is_csv, frames, shape, saved: 0, last: None };
        begun.file.writer.write_all(&header).map_err(cannot_write)?;
        Ok(begun)
    }

    fn push<F: Real>(&mut self, positions: ArrayView2<'_, F>) -> io::Result<()> {
        let frame = self.frames.map(|_| self.saved);
        self.saved += 1;
        if self.is_csv {
            csv::write_rows(&mut self.file.writer, frame, positions)
        } else {
            npy::write_rows(&mut self.file.writer, positions)
        }
    }

    /// Writes the end, unless it is saved already, and puts the file in its place. Returns the
    /// number of frames. A run that was stopped has fewer than it was to have.
    pub fn finish<F: Real>(mut self, end: u64, samples: &Samples<F>) -> Result<usize, Failure> {
        if self.last != Some(end) {
            self.push(samples.positions()).map_err(cannot_write)?;
        }
        if self.frames.is_some() && self.shape[0] != self.saved && !self.is_csv {
            let planned = npy::header::<F>(&self.shape).len();
            self.shape[0] = self.saved;
            let header = npy::header_of_length::<F>(&self.shape, planned);
            let writer = &mut self.file.writer;
            let rewritten = writer.seek(SeekFrom::Start(0)).and_then(|_| writer.write_all(&header));
            rewritten.map_err(cannot_write)?;
        }
        self.file.finish()?;
        Ok(self.saved)
    }
}

fn cannot_write(error: io::Error) -> Failure {
    Failure::Run(format!("--out: {error}"))
}

/// Every saved frame is written as it comes.
impl<F: Real> Observer<F> for SamplesFile {
    fn next(&self, step: u64) -> Option<u64> {
        self.frames.map(|every| every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        self.push(snapshot.positions()).map_err(|error| format!("--out: {error}"))?;
        self.last = Some(snapshot.step);
        Ok(ControlFlow::Continue(()))
    }
}
