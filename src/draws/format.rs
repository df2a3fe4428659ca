//! The format of a file by the ending of its name, and whether it can be written, before there is
//! anything to write.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::collection::Draws;
use super::npy;
use super::place::{self, failure};
use super::store;
use crate::error::Result;
use crate::real::Real;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Npy,
    Csv,
    Zarr,
}

impl Format {
    pub fn of(path: &Path) -> Result<Self> {
        let is = |name| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(name));
        match (is("npy"), is("csv"), is("zarr")) {
            (true, _, _) => Ok(Self::Npy),
            (_, true, _) => Ok(Self::Csv),
            (_, _, true) => Ok(Self::Zarr),
            _ => Err(failure(path, "expected a name that ends in .npy, .csv or .zarr")),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Csv => "csv",
            Self::Zarr => "zarr",
        }
    }
}

/// The place of what is not complete yet.
pub fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

impl<F: Real> Draws<F> {
    /// Writes an array file, a table or a store, by the ending of the name: `.npy`, `.csv` or
    /// `.zarr`.
    ///
    /// # Errors
    /// [`Error::Draws`](crate::Error::Draws) for another ending, and as for
    /// [`write_npy`](Self::write_npy), [`write_csv`](Self::write_csv) and
    /// [`write_zarr`](Self::write_zarr).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        match Format::of(path.as_ref())? {
            Format::Npy => self.write_npy(path),
            Format::Csv => self.write_csv(path),
            Format::Zarr => self.write_zarr(path),
        }
    }
}

/// All places that [`Draws::write`] and [`Stream`](super::Stream) fill for this path: itself, the
/// description beside an array or a table, and each with `.part` behind its name.
pub fn places(path: impl AsRef<Path>) -> Vec<PathBuf> {
    let path = path.as_ref();
    let is_store = Format::of(path).is_ok_and(|format| format == Format::Zarr);
    let beside = (!is_store).then(|| npy::description(path));
    let complete = [path.to_path_buf()].into_iter().chain(beside);
    complete.flat_map(|path| [path.clone(), part(&path)]).collect()
}

/// Whether [`Draws::write`] and [`Stream`](super::Stream) can write to this path. Call it before a
/// long run. It leaves nothing behind and changes nothing that is there.
///
/// # Errors
/// Those of [`Draws::write`].
pub fn check_place(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    match Format::of(path)? {
        Format::Npy | Format::Csv => {
            for path in places(path) {
                let temporary = place::beside_file(&path)?;
                let tried = File::create_new(&temporary).and_then(|_| fs::remove_file(&temporary));
                tried.map_err(|error| failure(&path, error))?;
            }
            Ok(())
        }
        Format::Zarr => {
            place::beside_folder(&part(path), store::may_go)?;
            let (temporary, _) = place::beside_folder(path, store::may_go)?;
            let tried = fs::create_dir(&temporary).and_then(|()| fs::remove_dir(&temporary));
            tried.map_err(|error| failure(path, error))
        }
    }
}
