//! The options of a run that is parallel in time: how many steps are scanned at once, and when an
//! output of the model counts as unchanged.

use crate::error::{Error, Result, count};

/// How many steps a [`Windowed`](super::Windowed) sampler scans at once, and which change of a
/// model output it lets pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    steps: usize,
    tolerance: f64,
}

impl Window {
    /// A window of this many steps. The result is that of the sequential run, bit for bit.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are no steps, or more than 2³² − 1.
    pub fn new(steps: usize) -> Result<Self> {
        const EXPECTED: &str = "a whole number from 1 to 4294967295";
        count("window", steps, 1, u32::MAX as usize, EXPECTED)?;
        Ok(Self { steps, tolerance: 0.0 })
    }

    /// Lets changes up to this number pass, in every coordinate of a model output. The result then
    /// differs a little from that of the sequential run, and takes fewer rounds. 0 lets nothing
    /// pass.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is negative or not finite.
    pub fn with_tolerance(self, tolerance: f64) -> Result<Self> {
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            let expected = "a finite number >= 0";
            return Err(Error::Invalid { name: "tolerance", given: tolerance, expected });
        }
        Ok(Self { tolerance, ..self })
    }

    /// The number of steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The change of an output that is let pass.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }
}
