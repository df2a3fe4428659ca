//! The engine of ONNX networks, and how a file is read.

use std::fmt;
use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::plan::Plan;
use super::problem::wrong;
use super::{blocks, plan, signature};
use crate::error::{Error, Result};
use crate::network::{Card, Conditions, Engine, Trained};
use crate::real::Real;

/// Rows of a block, where the file leaves them open.
const BLOCK: usize = 32;

/// Runs a network from an ONNX file.
#[derive(Clone)]
pub struct OnnxEngine {
    plan: Plan,
}

impl OnnxEngine {
    fn new(bytes: &[u8], folder: Option<&Path>, card: &Card) -> Result<Self> {
        let file = plan::read(bytes, folder)?;
        let signature = signature::of(&file, card.time.is_some())?;
        let ready = |rows| Plan::new(&file, &signature, rows, card.prediction.is_some());
        let mut plan = ready(signature.rows.unwrap_or(BLOCK))?;
        if !blocks::rows_are_alone(&plan, card.ends())? {
            if let Some(rows) = signature.rows {
                let given =
                    format!("a fixed N = {rows} and rows that depend on each other or their place");
                return Err(wrong("x", given, "independent rows, or N left open"));
            }
            plan = ready(1)?;
        }
        Ok(Self { plan })
    }

    /// Rows that run together; fewer cost as much.
    pub fn block(&self) -> usize {
        self.plan.rows
    }
}

impl Trained<OnnxEngine> {
    /// Reads a file, and the files beside it to which it refers for its weights.
    ///
    /// # Errors
    /// [`Error::NetworkFile`] if it cannot be read, [`Error::Onnx`] if its inputs, its output or
    /// its rows are not as the module [`onnx`](crate::onnx) says, [`Error::Tract`] if tract cannot
    /// run it, and whatever is wrong with the card.
    pub fn load(path: impl AsRef<Path>, card: Card) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::NetworkFile {
            path: path.display().to_string(),
            source: source.into(),
        })?;
        Self::new(OnnxEngine::new(&bytes, path.parent(), &card)?, card)
    }

    /// Reads the bytes of a file that has its weights inside.
    ///
    /// # Errors
    /// As [`load`](Self::load), except that nothing is read.
    pub fn from_bytes(bytes: &[u8], card: Card) -> Result<Self> {
        Self::new(OnnxEngine::new(bytes, None, &card)?, card)
    }
}

impl Engine for OnnxEngine {
    fn input_width(&self) -> usize {
        self.plan.input
    }

    fn output_width(&self) -> usize {
        self.plan.output
    }

    fn forward<F: Real>(
        &self,
        conditions: Conditions<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        blocks::run(&self.plan, conditions.times, x, out)
    }
}

impl fmt::Debug for OnnxEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxEngine").field("block", &self.block()).finish_non_exhaustive()
    }
}
