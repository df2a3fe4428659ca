//! Heun's method for the probability flow, in the variance-exploding form of EDM. Two evaluations;
//! order 2.

use crate::diffusion::schedule::LevelTable;
use crate::drift::Times;
use crate::error::Result;
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
/// 2206.00364), Algorithm 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Heun {
    table: LevelTable,
}

impl Heun {
    /// Heun's method on the levels of this table.
    pub fn new(table: LevelTable) -> Self {
        Self { table }
    }
}

#[derive(Default)]
struct Scratch<F> {
    first: Vec<F>,
    second: Vec<F>,
    point: Vec<F>,
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
        let from = self.table.number_at(step.interval.start)?;
        let to = self.table.number_at(step.interval.end)?;
        let source = self.table.level(from);
        let goal = self.table.level(to);
        let Scratch { first, second, point } = step.own.get::<Scratch<F>>();
        let x = step.state.parts().own;
        first.resize(x.len(), F::zero());
        step.drift.at(Times::Shared(step.interval.start), dim, x, first)?;
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
