//! The format of a file by the ending of its name, and whether it can be written, before there is
//! anything to write.

use std::fs::{self, File};
use std::path::Path;

use super::collection::Draws;
use super::npy;
use super::place::{self, failure};
use super::zarr;
use crate::error::Result;
use crate::real::Real;

enum Format {
    Npy,
    Zarr,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        let is = |name| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(name));
        match (is("npy"), is("zarr")) {
            (true, _) => Ok(Self::Npy),
            (_, true) => Ok(Self::Zarr),
            _ => Err(failure(path, "expected a name that ends in .npy or .zarr")),
        }
    }
}

impl<F: Real> Draws<F> {
    /// Writes an array file or a store, by the ending of the name: `.npy` or `.zarr`.
    ///
    /// # Errors
    /// [`Error::Draws`](crate::Error::Draws) for another ending, and as for
    /// [`write_npy`](Self::write_npy) and [`write_zarr`](Self::write_zarr).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        match Format::of(path.as_ref())? {
            Format::Npy => self.write_npy(path),
            Format::Zarr => self.write_zarr(path),
        }
    }
}

/// Whether [`Draws::write`] can write to this path. Call it before a long run. It leaves nothing
/// behind and changes nothing that is there.
///
/// # Errors
/// Those of [`Draws::write`].
pub fn check_place(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    match Format::of(path)? {
        Format::Npy => {
            for path in [path, &npy::description(path)] {
                let temporary = place::beside_file(path)?;
                let tried = File::create_new(&temporary).and_then(|_| fs::remove_file(&temporary));
                tried.map_err(|error| failure(path, error))?;
            }
            Ok(())
        }
        Format::Zarr => {
            let (temporary, _) = place::beside_folder(path, zarr::may_go)?;
            let tried = fs::create_dir(&temporary).and_then(|()| fs::remove_dir(&temporary));
            tried.map_err(|error| failure(path, error))
        }
    }
}
