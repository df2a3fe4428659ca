//! The outcome of a run, and what happens to chains that leave the finite numbers.

use ndarray::{Array2, ArrayView2, Axis, s};

use crate::metrics::RunningMoments;
use crate::real::Real;
use crate::sampler::Cost;
use crate::state::Layout;

/// What happens when a coordinate of a chain becomes NaN or infinite. It is never hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonFinite {
    /// The run ends with [`Error::Diverged`](crate::Error::Diverged).
    #[default]
    Stop,
    /// The chain keeps its last finite state and is listed in [`Samples::diverged`]; all others go
    /// on unchanged.
    Freeze,
    /// The chain goes on as it is and is listed in [`Samples::diverged`] if it ends non-finite.
    Ignore,
}

/// A chain that left the finite numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Divergence {
    /// Number of the chain, the offset of the run included.
    pub chain: u64,
    /// The step, counted from 1, after which a coordinate was not finite; the last one where
    /// divergence is ignored.
    pub step: u64,
    /// Time at the end of that step.
    pub time: f64,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Samples<F> {
    /// Final states, columns `[position | momentum | carried]`, the last two where the sampler has
    /// them. A run that starts there goes on as if it had not been cut.
    pub state: Array2<F>,
    /// Dimension of a position.
    pub dim: usize,
    /// The blocks of the state.
    pub layout: Layout,
    /// Steps taken; fewer than the grid has if an observer stopped the run.
    pub steps: u64,
    /// What all steps cost. Batched calls and rounds are those of the slowest chain in each step.
    pub cost: Cost,
    /// Chains that left the finite numbers, in the order of their numbers.
    pub diverged: Vec<Divergence>,
}

impl<F: Real> Samples<F> {
    /// Final positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        self.state.slice(s![.., ..self.dim])
    }

    /// Final momenta, (chains, dim), where the dynamics has them.
    pub fn momenta(&self) -> Option<ArrayView2<'_, F>> {
        let momentum = self.layout.momentum_variance();
        momentum.map(|_| self.state.slice(s![.., self.dim..2 * self.dim]))
    }

    /// Mean and covariance of the final positions, in f64; `None` if a position is not finite or
    /// there are too few.
    pub fn moments(&self) -> Option<RunningMoments> {
        let mut moments = RunningMoments::new(self.dim).ok()?;
        // Blocks of rows keep the f64 copy small.
        for block in self.positions().axis_chunks_iter(Axis(0), 1024) {
            moments.push_rows(block.mapv(F::widen).view()).ok()?;
        }
        Some(moments)
    }

    /// The share of proposed moves that were accepted, for methods with a Metropolis test.
    pub fn acceptance(&self) -> Option<f64> {
        (self.cost.proposed > 0).then(|| self.cost.accepted as f64 / self.cost.proposed as f64)
    }

    /// Drift evaluations per chain.
    pub fn evaluations_per_chain(&self) -> f64 {
        self.cost.evaluations as f64 / self.state.nrows() as f64
    }
}
