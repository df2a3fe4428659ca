//! A known part of the data: its files, and how a run is held to it.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::diffusion::{Inpainting, Known};
use langevin::prelude::Plan;

use crate::failure::{Failure, refuse};
use crate::npy::{Accept, read_rows};

/// The known part of the data, the same for all chains.
#[derive(Args)]
pub struct KnownOptions {
    /// One row, 1 where the data are known and 0 elsewhere: inpainting, with --known
    #[arg(long, value_name = "FILE.npy", requires = "known")]
    mask: Option<PathBuf>,
    /// One row of data, of which the part in the mask is kept
    #[arg(long, value_name = "FILE.npy", requires = "mask")]
    known: Option<PathBuf>,
    /// replacement (of the known part after every step), repaint:jump=10:repeats=10 (replacement,
    /// every stretch of 10 steps 10 times), or projection (of every prediction) [default:
    /// replacement]
    #[arg(long, value_name = "WAY", requires = "mask")]
    inpaint: Option<Inpainting>,
}

impl KnownOptions {
    /// The files that are named, with what names them.
    pub fn files(&self) -> [(&'static str, Option<&Path>); 2] {
        [("--mask", self.mask.as_deref()), ("--known", self.known.as_deref())]
    }

    /// How the run is held to the known part, if there is one.
    pub fn way(&self) -> Option<Inpainting> {
        self.mask.as_ref().map(|_| self.inpaint.unwrap_or_default())
    }

    /// The plan, held to the known part.
    pub fn held(&self, plan: Plan, dim: usize) -> Result<Plan, Failure> {
        let (Some(mask), Some(known), Some(way)) = (&self.mask, &self.known, self.way()) else {
            return Ok(plan);
        };
        let mask = read_row("--mask", mask, Accept::Reals, dim)?;
        let known = read_row("--known", known, Accept::Floats, dim)?;
        Ok(plan.inpainted(Known::new(mask, known)?, way)?)
    }
}

/// The one row of numbers in a file.
fn read_row(option: &str, path: &Path, accept: Accept, dim: usize) -> Result<Vec<f64>, Failure> {
    let rows = read_rows(option, path, accept)?;
    if rows.dim() != (1, dim) {
        let given = format!("{option} {}: given shape {:?}", path.display(), rows.dim());
        return refuse(format!("{given}, expected (1, {dim}), one row of data"));
    }
    Ok(rows.into_iter().collect())
}
