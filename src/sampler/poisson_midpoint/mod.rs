//! Poisson midpoint: one step that imitates K small Euler–Maruyama steps with about two
//! evaluations. Weak order 1; for small steps the bias is that of a step K times smaller.

mod coins;
mod path;
mod selection;
mod table;

pub use selection::Selection;

use path::Path;

use super::interface::{CoinScript, Sampler, Scheme};
use super::step::Step;
use crate::dynamics::LinearDynamics;
use crate::error::{Error, Result, count};
use crate::grid::Interval;
use crate::real::Real;
use crate::state::Layout;

/// The Poisson midpoint method: one step of length h that imitates K Euler–Maruyama steps of length
/// h/K.
///
/// ```text
/// X̂ᵢ₊₁ = A′ X̂ᵢ + G′ b₀ + Γ′ Zᵢ                                       b₀ = b(X, t₀), X̂₀ = X
/// Xᵢ₊₁ = A′ Xᵢ + G′ [ b₀ + K Hᵢ ( b(X̂ᵢ, tᵢ) − b₀ ) ] + Γ′ Zᵢ          X₀ = X, X⁺ = X_K
/// P(Hᵢ = 1) = 1/K, independent or exactly one of them
/// ```
///
/// A′, G′ and Γ′Γ′ᵀ = Q′ belong to a step of length h/K. Only the selected sub-steps are visited,
/// by exact Gaussian jumps between them, so a step costs O(1 + selected) work, whatever K. (The
/// coefficients of the K sub-steps are tabulated once for all steps of equal length; on a grid of
/// unequal steps, once for each step and chunk of chains.) All selected midpoints of all chains go
/// to the drift in one call. Evaluations per chain: 1 + (1 − 1/K) in expectation; a selected
/// sub-step 0 has b₀ and costs none; K = 1 is Euler–Maruyama.
///
/// Option 1 has the larger bias at large steps, where two corrections may fall on one step:
/// overdamped on N(0, 1) at h = 0.4 and K = 16 the variance is 10.8% too large, against 3.3% with
/// option 2 and 25% with Euler–Maruyama. As K grows option 2 becomes the randomized midpoint with
/// its control variate.
///
/// `noise_scale` ρ multiplies Γ′: for large K the correction adds variance of its own, which a ρ a
/// little below 1 can compensate. Default 1.
///
/// Source: Kandasamy & Nagaraj 2024 (arXiv 2405.17068), both options. Deviation: the jumps replace
/// the loop over all sub-steps; the law is the same.
#[derive(Clone, Copy, Debug)]
pub struct PoissonMidpoint<D> {
    dynamics: D,
    substeps: Substeps,
    selection: Selection,
    noise_scale: f64,
}

/// How many small steps a step imitates.
#[derive(Clone, Copy, Debug)]
enum Substeps {
    /// This many, whatever its length.
    Fixed(usize),
    /// As many as the step is long: a discrete chain's own steps.
    Unit,
}

impl<D: LinearDynamics> PoissonMidpoint<D> {
    /// The largest K: a table of its size is kept for each thread.
    pub const MAX_SUBSTEPS: usize = 1_000_000;

    /// Imitates `substeps` = K small steps, one of them selected ([`Selection::Single`]).
    ///
    /// # Errors
    /// [`Error::Invalid`] if K is not from 1 to [`MAX_SUBSTEPS`](Self::MAX_SUBSTEPS).
    pub fn new(dynamics: D, substeps: usize) -> Result<Self> {
        count("substeps", substeps, 1, Self::MAX_SUBSTEPS, "a whole number from 1 to 1000000")?;
        let substeps = Substeps::Fixed(substeps);
        Ok(Self { dynamics, substeps, selection: Selection::Single, noise_scale: 1.0 })
    }

    /// Imitates small steps of length 1, as many as each step is long: on a discrete chain, such as
    /// [`Ancestral`](crate::Ancestral), these are the steps of the chain itself, and a step of the
    /// grid is a block of them.
    pub fn on_chain(dynamics: D) -> Self {
        Self { dynamics, substeps: Substeps::Unit, selection: Selection::Single, noise_scale: 1.0 }
    }

    /// With this way to select sub-steps.
    pub fn with_selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// With the noise of every sub-step multiplied by ρ.
    ///
    /// # Errors
    /// [`Error::Invalid`] if ρ is not in (0, 1].
    pub fn with_noise_scale(mut self, noise_scale: f64) -> Result<Self> {
        if !(noise_scale > 0.0 && noise_scale <= 1.0) {
            return Err(Error::Invalid {
                name: "noise scale",
                given: noise_scale,
                expected: "a number in (0, 1]",
            });
        }
        self.noise_scale = noise_scale;
        Ok(self)
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }

    /// The number K of small steps that a step over this interval imitates.
    pub fn substeps(&self, interval: Interval) -> usize {
        match self.substeps {
            Substeps::Fixed(substeps) => substeps,
            Substeps::Unit => (interval.length.round() as usize).clamp(1, Self::MAX_SUBSTEPS),
        }
    }
}

impl<D: LinearDynamics> Scheme for PoissonMidpoint<D> {
    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        match self.substeps {
            Substeps::Fixed(substeps) => 2.0 - 1.0 / substeps as f64,
            Substeps::Unit => 2.0,
        }
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        match self.substeps {
            Substeps::Fixed(substeps) => coins::scripts(self.selection, substeps),
            Substeps::Unit => {
                let reason = "a discrete chain has no stationary distribution";
                Err(Error::NotProbeable { reason })
            }
        }
    }
}

impl<F: Real, D: LinearDynamics> Sampler<F> for PoissonMidpoint<D> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let substeps = self.substeps(step.interval);
        let path = step.own.get::<Path<F>>();
        path.prepare(&self.dynamics, step.interval, substeps, self.noise_scale);
        let noise = step.noise.source();
        path.begin(step.interval, self.selection, &mut step.drift, noise, step.state)?;
        for round in 0..path.rounds() {
            path.jump_to_round(round, &mut step.noise, step.state);
        }
        path.jump_to_end(&mut step.noise, step.state);
        path.correct(step.interval, &mut step.drift, step.state)
    }
}
