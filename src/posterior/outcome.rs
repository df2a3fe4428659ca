//! What a posterior run leads to.

use std::fmt;

use ndarray::Array3;

use super::diagnosis::Diagnosis;
use super::tuned::Tuned;
#[cfg(feature = "serde")]
use crate::error::Result;
use crate::metrics::Posterior;

/// Draws of a posterior, what they say, and whether to trust them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The draws, (frames, chains, dim).
    pub draws: Array3<f64>,
    /// What they say about each parameter.
    pub summary: Posterior,
    /// Whether to trust them.
    pub diagnosis: Diagnosis,
    /// The coordinates, the step and the friction.
    pub tuned: Tuned,
    /// Evaluations of the drift, over all chains and runs.
    pub evaluations: u64,
}

#[cfg(feature = "serde")]
impl Outcome {
    /// The draws with their names, to be written for ArviZ.
    ///
    /// # Errors
    /// Those of [`Draws::new`](crate::draws::Draws::new).
    pub fn to_draws(&self) -> Result<crate::draws::Draws<f64>> {
        let names = self.summary.parameters.iter().map(|parameter| parameter.name.clone());
        let draws = self.draws.view().permuted_axes([1, 0, 2]).as_standard_layout().into_owned();
        crate::draws::Draws::new(draws)?.with_names(names)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n\n{}", self.tuned, self.diagnosis, self.summary)
    }
}
