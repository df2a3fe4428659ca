//! The outcome of a run, and what happens to chains that become NaN or infinite.

use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2, s};

use super::calls::Calls;
use crate::metrics::RunningMoments;
use crate::options::by_name;
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
    /// The chain keeps its last finite state and is listed in [`Samples::diverged`]. All others go
    /// on unchanged.
    Freeze,
    /// The chain goes on as it is. It is listed in [`Samples::diverged`] if it is not finite at the
    /// end.
    Ignore,
}

impl NonFinite {
    /// All policies.
    pub const ALL: [Self; 3] = [Self::Stop, Self::Freeze, Self::Ignore];

    /// Its name: `stop`, `freeze` or `ignore`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Freeze => "freeze",
            Self::Ignore => "ignore",
        }
    }
}

by_name!(NonFinite, "policy");

/// A chain that became NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Divergence {
    /// Number of the chain. It includes the run's [`first_chain`](crate::Run::first_chain).
    pub chain: u64,
    /// The step, counted from 1, after which a coordinate was not finite. With
    /// [`NonFinite::Ignore`] it is the last step of the run.
    pub step: u64,
    /// Time at the end of that step.
    pub time: f64,
}

impl Divergence {
    pub(super) fn words(&self) -> [u64; 3] {
        [self.chain, self.step, self.time.to_bits()]
    }

    pub(super) fn of_words([chain, step, time]: [u64; 3]) -> Self {
        Self { chain, step, time: f64::from_bits(time) }
    }
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Samples<F> {
    /// Final states, with columns `[position | momentum | carried]`. The last two exist only if the
    /// sampler has them. `carried` holds a drift that the sampler needs again. A run that
    /// [resumes](crate::Run::resume) here goes on as if it had not been cut.
    pub state: Array2<F>,
    /// The low part of the positions, (chains, dim), or no columns if the state keeps none.
    pub(super) low: Array2<F>,
    /// Number of coordinates of a position.
    pub dim: usize,
    /// Which blocks the state has.
    pub layout: Layout,
    /// Number of steps taken, from the beginning of the whole run, with those of the run that this
    /// one [resumed](crate::Run::resume). It is below that of the grid if an observer stopped the
    /// run.
    pub steps: u64,
    /// Number of the chain in row 0.
    pub first_chain: u32,
    /// The seed of the noise, or `None` if the run had another source of noise.
    pub seed: Option<u64>,
    /// Total cost of the steps, of the whole run too. Batched calls and rounds are those of the
    /// slowest chain in each step.
    pub cost: Cost,
    /// Number of coordinates of positions, over all chains, that the last step of the grid changed
    /// by no more than four units in the last place, although it drew noise. Steps so small are cut
    /// off by rounding, so the distribution of these coordinates is wrong. Bring the mean near 0 or
    /// take a longer step. Always 0 where the low part of a position is kept.
    pub rounded: u64,
    /// Chains that became NaN or infinite, ordered by number.
    pub diverged: Vec<Divergence>,
    /// The calls of every step, if the run is [a part](crate::Run::as_part) of another one.
    pub(super) calls: Option<Calls>,
}

/// What a state file holds of samples, or of a run that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'s, F> {
    pub state: ArrayView2<'s, F>,
    pub low: ArrayView2<'s, F>,
    pub dim: usize,
    pub layout: Layout,
    pub steps: u64,
    pub first_chain: u32,
    pub seed: Option<u64>,
    pub cost: &'s Cost,
    pub rounded: u64,
    pub diverged: &'s [Divergence],
    pub calls: Option<&'s Calls>,
}

impl<F: Real> Samples<F> {
    /// Positions alone, of which no run goes on.
    pub(crate) fn of_positions(
        state: Array2<F>,
        first_chain: u32,
        seed: u64,
        steps: u64,
        cost: Cost,
    ) -> Self {
        let dim = state.ncols();
        Self {
            low: Array2::zeros((state.nrows(), 0)),
            state,
            dim,
            layout: Layout::POSITION,
            steps,
            first_chain,
            seed: Some(seed),
            cost,
            rounded: 0,
            diverged: Vec::new(),
            calls: None,
        }
    }

    pub(super) fn content(&self) -> Content<'_, F> {
        Content {
            state: self.state.view(),
            low: self.low.view(),
            dim: self.dim,
            layout: self.layout,
            steps: self.steps,
            first_chain: self.first_chain,
            seed: self.seed,
            cost: &self.cost,
            rounded: self.rounded,
            diverged: &self.diverged,
            calls: self.calls.as_ref(),
        }
    }

    /// Final positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        self.state.slice(s![.., ..self.dim])
    }

    /// Final momenta, (chains, dim), or `None` if the dynamics has none.
    pub fn momenta(&self) -> Option<ArrayView2<'_, F>> {
        let momentum = self.layout.momentum_variance();
        momentum.map(|_| self.state.slice(s![.., self.dim..2 * self.dim]))
    }

    /// Final positions without those of frozen chains, which are no samples: (chains, dim).
    pub fn sound(&self) -> CowArray<'_, F, Ix2> {
        let positions = self.positions();
        let first = u64::from(self.first_chain);
        let is_frozen = |row: &usize| {
            let chain = first + *row as u64;
            self.diverged.binary_search_by_key(&chain, |d| d.chain).is_ok()
                && positions.row(*row).iter().all(|x| x.is_finite())
        };
        if self.diverged.is_empty() {
            return positions.into();
        }
        let rows: Vec<_> = (0..positions.nrows()).filter(|row| !is_frozen(row)).collect();
        positions.select(Axis(0), &rows).into()
    }

    /// Mean and covariance of the final positions, in f64, without those of frozen chains. `None`
    /// if a position is not finite or there are too few.
    pub fn moments(&self) -> Option<RunningMoments> {
        self.add_to(RunningMoments::new(self.dim).ok()?)
    }

    /// The sums with the final positions added; `None` if a position is not finite.
    pub(super) fn add_to(&self, mut moments: RunningMoments) -> Option<RunningMoments> {
        // Blocks of rows keep the f64 copy small.
        for block in self.sound().axis_chunks_iter(Axis(0), 1024) {
            moments.push_rows(block.mapv(F::widen).view()).ok()?;
        }
        Some(moments)
    }

    /// The share of proposed moves that were accepted, or `None` for methods without a Metropolis
    /// test.
    pub fn acceptance(&self) -> Option<f64> {
        (self.cost.proposed > 0).then(|| self.cost.accepted as f64 / self.cost.proposed as f64)
    }

    /// Number of drift evaluations per chain.
    pub fn evaluations_per_chain(&self) -> f64 {
        self.cost.evaluations as f64 / self.state.nrows() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_lead_back() {
        for policy in NonFinite::ALL {
            assert_eq!(policy.to_string().parse::<NonFinite>().unwrap(), policy);
        }
        let error = "halt".parse::<NonFinite>().unwrap_err().to_string();
        assert_eq!(error, "unknown policy `halt`; there are: stop, freeze, ignore");
    }
}
