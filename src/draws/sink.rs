//! Where a stream of draws goes: an array, a table or a store.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;

use ndarray::Array3;
use serde_json::{Map, Value};

use super::format::{Format, part};
use super::frame::{Frame, Outline};
use super::npy::{Strided, description};
use super::place::{self, failure};
use super::store::{Store, may_go, remove};
use super::table::{Table, columns};
use crate::error::Result;
use crate::real::Real;
use crate::run::check_of;

/// The files of a stream that is not complete.
#[derive(Debug)]
pub enum Sink {
    Npy(Box<Strided>),
    Csv(Box<Table>),
    Zarr(Box<Store>),
}

/// What a checkpoint tells of the files.
pub type Mark = [u64; 3];

impl Sink {
    /// Begins anew, in place of what an earlier run has left unfinished.
    pub fn create(path: &Path, outline: &Outline, about: &Map<String, Value>) -> Result<Self> {
        let place = part(path);
        let sink = match Format::of(path)? {
            Format::Npy => Self::Npy(Box::new(Strided::create(&place, outline)?)),
            Format::Csv => Self::Csv(Box::new(Table::create(&place, outline)?)),
            Format::Zarr => {
                let (_, is_there) = place::beside_folder(&place, may_go)?;
                let removed = if is_there { remove(&place) } else { Ok(()) };
                let empty = removed.and_then(|()| fs::create_dir(&place));
                empty.map_err(|error| failure(&place, error))?;
                Self::Zarr(Box::new(Store::create(&place, outline, about)?))
            }
        };
        if let Some(columns) = sink.columns(outline)? {
            let place = part(&description(path));
            let columns = columns.as_deref();
            let written = File::create(&place)
                .and_then(|mut file| outline.describe(&mut file, about, columns, None));
            written.map_err(|error| failure(&place, error))?;
        }
        Ok(sink)
    }

    /// The columns that a description beside the file names; `None` inside if it is an array, and
    /// outside if there is no description.
    fn columns(&self, outline: &Outline) -> Result<Option<Option<Vec<String>>>> {
        Ok(match self {
            Self::Npy(_) => Some(None),
            Self::Csv(_) => Some(Some(columns(outline)?)),
            Self::Zarr(_) => None,
        })
    }

    /// Goes on behind the first draws. Files that were complete by then are so no longer.
    pub fn reopen(path: &Path, outline: &Outline, count: usize, mark: Mark) -> Result<Self> {
        let place = part(path);
        let fail = |error: io::Error| failure(&place, error);
        if !place.exists() && path.exists() {
            fs::rename(path, &place).map_err(fail)?;
        }
        let found = match Format::of(path)? {
            Format::Npy => Strided::reopen(&place, outline, count, mark[0])
                .map(|found| found.map(|strided| Self::Npy(Box::new(strided)))),
            Format::Csv => Table::reopen(&place, outline, mark)
                .map(|found| found.map(|table| Self::Csv(Box::new(table)))),
            Format::Zarr => Ok(Some(Self::Zarr(Box::new(Store::reopen(&place, outline, count)?)))),
        };
        let found = match found.map_err(fail)? {
            Some(Self::Zarr(store)) if check(&store, count).map_err(fail)? != mark[0] => None,
            found => found,
        };
        found.ok_or_else(|| failure(&place, "it is not that of the checkpoint"))
    }

    pub fn push<F: Real>(&mut self, frame: &Frame<'_, F>) -> io::Result<()> {
        match self {
            Self::Npy(strided) => strided.push(frame),
            Self::Csv(table) => table.push(frame),
            Self::Zarr(store) => store.push(frame),
        }
    }

    /// Shows all draws so far to readers.
    pub fn flush(&mut self, about: &Map<String, Value>) -> io::Result<()> {
        match self {
            Self::Npy(strided) => strided.flush(),
            Self::Csv(table) => table.flush(),
            Self::Zarr(store) => store.flush(about),
        }
    }

    /// Brings what was shown to the disk, and tells how to know it again.
    pub fn sync(&mut self, count: usize) -> io::Result<Mark> {
        match self {
            Self::Npy(strided) => strided.sync().and_then(|()| Ok([strided.mark()?, 0, 0])),
            Self::Csv(table) => table.sync().map(|()| table.mark()),
            Self::Zarr(store) => store.sync().and_then(|()| Ok([check(store, count)?, 0, 0])),
        }
    }

    /// Puts the files in their places. What is not complete stays too if it is to go on.
    pub fn end(
        &mut self,
        path: &Path,
        outline: &Outline,
        about: &Map<String, Value>,
        (mut steps, goes_on): (impl Iterator<Item = u64>, bool),
    ) -> Result<()> {
        let place = part(path);
        let fail = |error: io::Error| failure(path, error);
        let is_moved = match self {
            Self::Npy(strided) => {
                strided.flush().and_then(|()| strided.sync()).map_err(fail)?;
                let is_moved = strided.is_full() && !goes_on;
                if !is_moved {
                    place::file(path, |to| strided.copy(to))?;
                }
                is_moved
            }
            Self::Csv(table) => {
                table.sync().map_err(fail)?;
                if goes_on {
                    place::file(path, |to| table.copy(to))?;
                }
                !goes_on
            }
            Self::Zarr(store) => return end_store(store, path, about, goes_on),
        };
        if let Some(columns) = self.columns(outline)? {
            let description = description(path);
            place::file(&description, |to| {
                outline.describe(to, about, columns.as_deref(), Some(&mut steps))
            })?;
            if !goes_on {
                let _ = fs::remove_file(part(&description));
            }
        }
        if is_moved {
            fs::rename(&place, path).map_err(fail)?;
        } else if !goes_on {
            fs::remove_file(&place).map_err(fail)?;
        }
        Ok(())
    }

    /// The positions of some draws that were shown, (chain, draw, dim).
    pub fn read<F: Real>(&mut self, draws: Range<usize>) -> io::Result<Array3<F>> {
        match self {
            Self::Npy(strided) => strided.read(draws),
            Self::Csv(table) => table.read(draws),
            Self::Zarr(store) => store.read(draws),
        }
    }
}

/// A check of the last draw on the disk.
fn check(store: &Store, count: usize) -> io::Result<u64> {
    let Some(last) = count.checked_sub(1) else { return Ok(0) };
    let last = store.read::<f64>(last..count)?;
    let bytes: Vec<u8> = last.iter().flat_map(|x| x.to_le_bytes()).collect();
    Ok(check_of(&bytes))
}

fn end_store(
    store: &mut Store,
    path: &Path,
    about: &Map<String, Value>,
    goes_on: bool,
) -> Result<()> {
    if goes_on {
        let shown = store.flush(about).and_then(|()| store.sync());
        shown.map_err(|error| failure(path, error))?;
        return place::folder(path, may_go, |folder| {
            let mut copy = store.copy(folder)?;
            copy.end(about)?;
            copy.sync()
        });
    }
    let (_, is_there) = place::beside_folder(path, may_go)?;
    let ended = store.end(about).and_then(|()| store.sync());
    let moved = ended.and_then(|()| place::exchange(&part(path), path, is_there));
    moved.map_err(|error| failure(path, error))?;
    store.moved(path);
    Ok(())
}
