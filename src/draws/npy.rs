//! Positions as an `.npy` file, and what belongs to them in a `.json` file beside it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::collection::Draws;
use super::place::{self, failure};
use crate::error::Result;
use crate::real::Real;

/// The name of the file beside an array.
pub fn description(path: &Path) -> PathBuf {
    path.with_extension("json")
}

impl<F: Real> Draws<F> {
    /// Writes the positions (chain, draw, dim) to a file whose name ends in `.npy`, as float32 or
    /// float64. Names, numbers of chains, steps and attributes go to the file beside it whose name
    /// ends in `.json`. Files that are there are replaced, each when the new one is complete.
    ///
    /// # Errors
    /// [`Error::Draws`](crate::Error::Draws) if the name does not end in `.npy` or a file cannot be
    /// written.
    pub fn write_npy(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("npy")) {
            return Err(failure(path, "expected a name that ends in .npy"));
        }
        let said = json!({
            "names": self.names(),
            "dimensions": ["chain", "draw", "dim"],
            "chains": self.chains(),
            "steps": self.steps(),
            "attributes": self.attributes(),
        });
        place::file(path, |to| self.write_array(to))?;
        place::file(&description(path), |to| writeln!(to, "{said}"))
    }

    fn write_array(&self, to: &mut dyn Write) -> io::Result<()> {
        let positions = self.positions();
        let (chains, draws, dim) = positions.dim();
        let single = F::NAME == "f32";
        let kind = if single { "<f4" } else { "<f8" };
        let shape = format!("({chains}, {draws}, {dim})");
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        // The format asks for a multiple of 64 bytes, padded with spaces and ended by a newline.
        let length = (11 + text.len()).next_multiple_of(64) - 11;
        to.write_all(b"\x93NUMPY\x01\x00")?;
        to.write_all(&(length as u16 + 1).to_le_bytes())?;
        writeln!(to, "{text:<length$}")?;
        positions.iter().try_for_each(|x| match single {
            true => to.write_all(&(x.widen() as f32).to_le_bytes()),
            false => to.write_all(&x.widen().to_le_bytes()),
        })
    }
}
