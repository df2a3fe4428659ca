//! Poisson midpoint: one step imitates K small Euler–Maruyama steps with about two evaluations.
//! Weak order 1. For small steps its bias is that of a step K times smaller.

mod coins;
mod path;
mod scripts;
mod selection;
mod shares;
mod table;

pub(crate) use scripts::scripts;
pub use selection::{Odds, Selection};
pub(crate) use shares::Shares;

use path::Path;
use selection::Rule;
use table::Table;

use super::interface::{CoinScript, Sampler, Scheme};
use super::step::Step;
use crate::dynamics::LinearDynamics;
use crate::error::{Error, Result, count};
use crate::grid::Interval;
use crate::real::Real;
use crate::state::Layout;

/// The Poisson midpoint method. One step of length h imitates K Euler–Maruyama steps of length h/K.
///
/// ```text
/// X̂ᵢ₊₁ = A′ X̂ᵢ + G′ b₀ + Γ′ Zᵢ
/// Xᵢ₊₁ = A′ Xᵢ + G′ [ b₀ + (Hᵢ/qᵢ) ( b(X̂ᵢ, tᵢ) − b₀ ) ] + Γ′ Zᵢ
/// b₀ = b(X, t₀)    X̂₀ = X₀ = X    X⁺ = X_K    tᵢ = t₀ + i h/K
/// P(Hᵢ = 1) = qᵢ, independent (option 1) or exactly one Hᵢ = 1 (option 2)
/// qᵢ = 1/K, or by importance
/// ```
///
/// A′, G′ and Γ′Γ′ᵀ = Q′ belong to a step of length h/K. X̂ and X share the standard normals Zᵢ.
/// The mean over the coins, with X and Z fixed, is one Picard round of the K small steps.
///
/// - Options: [`Selection`] and [`Odds`]. The default is [`Selection::Single`], option 2, with
///   [`Odds::Uniform`].
/// - Evaluations per step and chain: 2 − q₀ in expectation. A selected sub-step 0 has the drift b₀
///   and costs nothing. K = 1 is Euler–Maruyama.
/// - A step in which only the last sub-step has a weight selects that one always. It is so where a
///   chain ends in the data and [holds the data fixed](crate::diffusion::dynamics::Form::Data).
/// - Depth: 2 batched calls, or 1 for K = 1. The second call takes all selected midpoints of all
///   chains.
/// - Order: weak 1. As h → 0 the bias is that of Euler–Maruyama with step h/K.
/// - Work: O(1 + selected) per step, whatever K. The step visits only the selected sub-steps. Exact
///   Gaussian jumps connect them.
/// - Tables: the coefficients of the K sub-steps are computed once for all steps of equal length.
///   On a grid of unequal steps they are computed for each step and chunk of chains.
/// - `noise_scale` ρ, default 1, multiplies Γ′. For large K the correction adds variance. A ρ
///   slightly below 1 can compensate for it.
///
/// At large steps option 1 has the larger bias, because two corrections may occur in one step. An
/// example is overdamped dynamics on N(0, 1) at h = 0.4 and K = 16. The variance is 10.8% too large
/// with option 1, 3.3% with option 2, and 25% with Euler–Maruyama. As K grows, option 2 becomes the
/// randomized midpoint with its control variate.
///
/// Source: Kandasamy & Nagaraj 2024 (arXiv 2405.17068), both options. Deviation: jumps replace the
/// loop over all sub-steps. The distribution is the same.
#[derive(Clone, Copy, Debug)]
pub struct PoissonMidpoint<D> {
    dynamics: D,
    substeps: Substeps,
    rule: Rule,
}

/// How many small steps a step imitates.
#[derive(Clone, Copy, Debug)]
enum Substeps {
    /// This many, whatever the length of the step.
    Fixed(usize),
    /// As many as the step is long. These are the steps of a discrete chain.
    Unit,
}

impl<D: LinearDynamics> PoissonMidpoint<D> {
    /// The largest K. Each thread keeps a table of this size.
    pub const MAX_SUBSTEPS: usize = 1_000_000;

    /// Imitates `substeps` = K small steps and selects one of them ([`Selection::Single`]).
    ///
    /// # Errors
    /// [`Error::Invalid`] if K is not from 1 to [`MAX_SUBSTEPS`](Self::MAX_SUBSTEPS).
    pub fn new(dynamics: D, substeps: usize) -> Result<Self> {
        count("substeps", substeps, 1, Self::MAX_SUBSTEPS, "a whole number from 1 to 1000000")?;
        let substeps = Substeps::Fixed(substeps);
        Ok(Self { dynamics, substeps, rule: Rule::PAPER })
    }

    /// Imitates small steps of length 1, as many as each step is long. Use it on a discrete chain,
    /// such as [`Ancestral`](crate::diffusion::dynamics::Ancestral). The small steps are then the
    /// steps of the chain, and a step of the grid is a block of them.
    pub fn on_chain(dynamics: D) -> Self {
        Self { dynamics, substeps: Substeps::Unit, rule: Rule::PAPER }
    }

    /// Selects sub-steps in this way. Default [`Selection::Single`].
    pub fn with_selection(mut self, selection: Selection) -> Self {
        self.rule.selection = selection;
        self
    }

    /// Selects sub-steps with these probabilities. Default [`Odds::Uniform`].
    pub fn with_odds(mut self, odds: Odds) -> Self {
        self.rule.odds = odds;
        self
    }

    /// Multiplies the noise of every sub-step by ρ (`noise_scale`). Default 1.
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
        self.rule.noise_scale = noise_scale;
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

    /// Expected drift evaluations of a step over this interval: 2 − q₀.
    pub fn evaluations_of(&self, interval: Interval) -> f64 {
        self.table(interval).shares().evaluations()
    }

    /// The coefficients and the probabilities of a step.
    fn table(&self, interval: Interval) -> Table {
        let mut table = Table::default();
        table.update(&self.dynamics, interval, self.substeps(interval), self.rule);
        table
    }
}

impl<D: LinearDynamics> Scheme for PoissonMidpoint<D> {
    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn dynamics(&self) -> Option<&dyn LinearDynamics> {
        Some(&self.dynamics)
    }

    fn evaluations_per_step(&self) -> f64 {
        match (self.substeps, self.rule.odds) {
            (Substeps::Unit, _) => 2.0,
            (Substeps::Fixed(1), _) => 1.0,
            (Substeps::Fixed(substeps), Odds::Uniform) => 2.0 - 1.0 / substeps as f64,
            // The drift has not moved at sub-step 0.
            (Substeps::Fixed(substeps), Odds::Importance) => 2.0 - shares::EVEN / substeps as f64,
        }
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        match (self.substeps, self.rule.odds) {
            (Substeps::Fixed(substeps), Odds::Uniform) => {
                let mut equal = Shares::default();
                equal.make_equal(substeps);
                scripts(self.rule.selection, &equal)
            }
            _ => {
                let reason = "its coins depend on the interval of the step";
                Err(Error::NotProbeable { reason })
            }
        }
    }

    fn coin_scripts_of(&self, interval: Interval) -> Result<Vec<CoinScript>> {
        scripts(self.rule.selection, self.table(interval).shares())
    }
}

impl<F: Real, D: LinearDynamics> Sampler<F> for PoissonMidpoint<D> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let substeps = self.substeps(step.interval);
        let path = step.own.get::<Path<F>>();
        path.prepare(&self.dynamics, step.interval, substeps, self.rule);
        let noise = step.noise.source();
        path.begin(step.interval, self.rule.selection, &mut step.drift, noise, step.state)?;
        for round in 0..path.rounds() {
            path.jump_to_round(round, &mut step.noise, step.state);
        }
        path.jump_to_end(&mut step.noise, step.state);
        path.correct(step.interval, &mut step.drift, step.state)
    }
}
