//! Draws as a Zarr store: a folder of arrays that xarray and ArviZ open.

use std::io;
use std::path::Path;

use super::collection::Draws;
use super::place;
use super::store::{Store, may_go};
use crate::error::Result;
use crate::real::Real;

impl<F: Real> Draws<F> {
    /// Writes a Zarr store, version 3 of the format: a folder with the groups `posterior` and
    /// `sample_stats`. The [module](crate::draws) lists its arrays. The attributes are those of the
    /// store and of `posterior`.
    ///
    /// The folder appears when it is complete. A folder at this path is replaced if it is empty or
    /// a store of this library, and nothing else is ever replaced.
    ///
    /// # Errors
    /// [`Error::Draws`](crate::Error::Draws) if something else is at this path, or the folder
    /// cannot be written.
    pub fn write_zarr(&self, path: impl AsRef<Path>) -> Result<()> {
        place::folder(path.as_ref(), may_go, |folder| {
            let begun = Store::create(folder, &self.outline(), self.attributes());
            let mut store = begun.map_err(io::Error::other)?;
            self.each(|frame| store.push(frame))?;
            store.end(self.attributes())
        })
    }
}
