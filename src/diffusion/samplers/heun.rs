//! Heun's method for the probability flow, in the variance-exploding form of EDM. Two evaluations;
//! order 2.

use super::churn::{Churn, Churned, Lift};
use crate::diffusion::schedule::{LevelTable, check_levels};
use crate::drift::Times;
use crate::error::Result;
use crate::math::aligned::Aligned;
use crate::noise::Purpose;
use crate::real::Real;
use crate::sampler::update::scale_and_add;
use crate::sampler::{Sampler, Scheme, Step};
use crate::state::Layout;

/// Heun's method on the levels of a table; the drift is x̂₀, and time s is level n − s.
///
/// ```text
/// y = x/√ᾱ, σ = √((1−ᾱ)/ᾱ), d = (y − x̂₀(y, σ))/σ
/// y_E = y + (σ′ − σ) d                    d_E = (y_E − x̂₀(y_E, σ′))/σ′
/// y⁺  = y + (σ′ − σ)(d + d_E)/2
/// the step to level 0 is y⁺ = x̂₀: there σ′ is 0
/// ```
///
/// Evaluations: 2 per step, 1 for the step to level 0. Order 2. Source: Karras et al. 2022 (arXiv
/// 2206.00364), Algorithm 1; with [`Churn`] Algorithm 2, which adds noise before a step, and so
/// before the model is asked:
///
/// ```text
/// σ̂ = σ (1 + γ), ŷ = y + √(σ̂² − σ²) noise z          the step then goes from ŷ and σ̂ to σ′
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Heun {
    table: LevelTable,
    lifts: Vec<Lift>,
    noise: f64,
}

impl Heun {
    /// Heun's method on the levels of this table.
    pub fn new(table: LevelTable) -> Self {
        Self { table, lifts: Vec::new(), noise: 1.0 }
    }

    /// Heun's method through these levels of a table with churn, its table and its levels. The
    /// table has the levels that churn leads up to as well.
    ///
    /// # Errors
    /// [`Error::Levels`](crate::Error::Levels) unless the levels strictly decrease to 0.
    /// [`Error::Invalid`](crate::Error::Invalid) for options of churn that are negative or not
    /// finite.
    pub fn with_churn(table: &LevelTable, levels: &[usize], churn: Churn) -> Result<ChurnedHeun> {
        check_levels(table, levels)?;
        let Churned { table, levels, lifts } = Churned::new(&churn, table, levels)?;
        let sampler = Self { table: table.clone(), lifts, noise: churn.noise };
        Ok(ChurnedHeun { sampler, table, levels })
    }

    /// Adds the noise of churn. Returns the level that it leads up to.
    fn lift<F: Real>(&self, step: &mut Step<'_, F>, from: usize) -> usize {
        let Some(&Lift { to, .. }) = self.lifts.iter().find(|lift| lift.from == from) else {
            return from;
        };
        let source = self.table.level(from);
        let lifted = self.table.level(to);
        let growth = lifted.sigma() / source.sigma();
        let scale = self.noise * source.sigma() * ((growth - 1.0) * (growth + 1.0)).sqrt();
        let count = step.state.len() * step.state.dim();
        let z = step.noise.normals(Purpose::Increment, 0, step.state.chains(), count);
        let a = lifted.signal() / source.signal();
        scale_and_add(step.state.parts().own, a, lifted.signal() * scale, z);
        to
    }
}

/// Heun's method with churn, and the levels that a run visits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChurnedHeun {
    /// The sampler.
    pub sampler: Heun,
    /// The table of its clock.
    pub table: LevelTable,
    /// The visited levels of that table, from the noise to the data.
    pub levels: Vec<usize>,
}

#[derive(Default)]
struct Scratch<F> {
    first: Aligned<F>,
    second: Aligned<F>,
    point: Aligned<F>,
}

impl Scheme for Heun {
    fn layout(&self) -> Layout {
        Layout::POSITION
    }

    fn evaluations_per_step(&self) -> f64 {
        2.0
    }
}

impl<F: Real> Sampler<F> for Heun {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let dim = step.state.dim();
        let start = self.table.number_at(step.interval.start)?;
        let to = self.table.number_at(step.interval.end)?;
        let from = self.lift(step, start);
        let time = match from == start {
            true => step.interval.start,
            false => (self.table.len() - from) as f64,
        };
        let source = self.table.level(from);
        let goal = self.table.level(to);
        let Scratch { first, second, point } = step.own.get::<Scratch<F>>();
        let x = step.state.parts().own;
        first.resize(x.len(), F::zero());
        step.drift.at(Times::Shared(time), dim, x, first)?;
        // In terms of x: y_E = r y + (1 − r) x̂₀ and
        // y⁺ = r y + (1 − r)[(1 − 1/2r) x̂₀ + (1/2r) x̂₀_E] with r = σ′/σ.
        let r = goal.sigma() / source.sigma();
        let a = goal.signal() / source.signal() * r;
        let g = goal.signal() * (1.0 - r);
        if to == 0 {
            scale_and_add(x, a, g, first);
            return Ok(());
        }
        point.clear();
        point.extend_from_slice(x);
        scale_and_add(point, a, g, first);
        second.resize(x.len(), F::zero());
        step.drift.at(Times::Shared(step.interval.end), dim, point, second)?;
        scale_and_add(x, a, g * (1.0 - 0.5 / r), first);
        scale_and_add(x, 1.0, g * 0.5 / r, second);
        Ok(())
    }
}
