//! Draws on the disk: files on their way, and files to be read in pieces.

use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ndarray::{Array3, s};
use serde_json::{Map, Value};

use super::frame::Outline;
use super::place::failure;
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::metrics::Posterior;
use crate::real::Real;

/// Pieces of a summary have at most so many numbers, unless one coordinate has more.
const PIECE: usize = 1 << 21;

/// The files of a run that has begun.
#[derive(Debug)]
pub struct Open {
    pub sink: Sink,
    pub outline: Outline,
    /// The step of the first draw.
    pub first: u64,
    pub count: usize,
    pub variance: Option<f64>,
    /// When readers last saw all draws, and how long they wait for the next.
    pub shown: Instant,
    pub wait: Duration,
}

impl Open {
    pub fn new(sink: Sink, outline: Outline, first: u64, variance: Option<f64>) -> Self {
        let wait = Duration::from_secs(1);
        Self { sink, outline, first, count: 0, variance, shown: Instant::now(), wait }
    }

    pub fn show(&mut self, about: &Map<String, Value>) -> std::io::Result<()> {
        let begun = Instant::now();
        self.sink.flush(about)?;
        self.shown = Instant::now();
        self.wait = (20 * (self.shown - begun)).max(Duration::from_secs(1));
        Ok(())
    }
}

/// Draws that a [`Stream`](super::Stream) has written. They are read in pieces.
#[derive(Debug)]
pub struct Stored<F> {
    path: PathBuf,
    open: Open,
    numbers: PhantomData<F>,
}

impl<F: Real> Stored<F> {
    pub(super) fn of(path: PathBuf, open: Open) -> Self {
        Self { path, open, numbers: PhantomData }
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of chains.
    pub fn chains(&self) -> usize {
        self.open.outline.chains
    }

    /// The number of draws of each chain.
    pub fn draws(&self) -> usize {
        self.open.count
    }

    /// The names of the coordinates.
    pub fn names(&self) -> &[String] {
        &self.open.outline.names
    }

    /// The positions of some draws, (chain, draw, dim). A table is read fastest from front to back.
    ///
    /// # Errors
    /// [`Error::Shape`] for draws that are not there, and [`Error::Draws`] if they cannot be read.
    pub fn positions(&mut self, draws: Range<usize>) -> Result<Array3<F>> {
        if draws.start > draws.end || draws.end > self.draws() {
            return Err(Error::Shape {
                what: "draws",
                given: format!("{draws:?}"),
                expected: format!("a part of 0..{}", self.draws()),
            });
        }
        let read = self.open.sink.read(draws);
        read.map_err(|error| failure(&self.path, error))
    }

    /// Their summary, with their names. It reads the file once for every 2²¹ numbers, or for every
    /// coordinate if that has more, and holds these in memory.
    ///
    /// # Errors
    /// Those of [`Posterior::of`], and [`Error::Draws`] if the draws cannot be read.
    pub fn summary(&mut self) -> Result<Posterior> {
        let Outline { chains, ref names, .. } = self.open.outline;
        let names = names.clone();
        let draws = self.draws();
        let together = (PIECE / (chains * draws).max(1)).max(1);
        let at_once = (PIECE / (chains * names.len()).max(1)).max(1);
        let mut all: Option<Posterior> = None;
        for first in (0..names.len()).step_by(together) {
            let columns = first..names.len().min(first + together);
            let mut piece = Array3::<f64>::zeros((draws, chains, columns.len()));
            for start in (0..draws).step_by(at_once) {
                let end = draws.min(start + at_once);
                let read = self.positions(start..end)?;
                let read = read.slice(s![.., .., columns.clone()]).permuted_axes([1, 0, 2]);
                let mut to = piece.slice_mut(s![start..end, .., ..]);
                to.zip_mut_with(&read, |to, x| *to = x.widen());
            }
            let next = Posterior::of(piece.view())?;
            match &mut all {
                Some(all) => all.parameters.extend(next.parameters),
                None => all = Some(next),
            }
        }
        let none = || failure(&self.path, "there are no coordinates");
        all.ok_or_else(none)?.names(names)
    }
}
