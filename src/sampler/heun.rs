//! Heun's method for the probability flow, in the variance-exploding form of EDM. Two evaluations;
//! order 2.

use super::{Sampler, StepInfo, Work};
use crate::drift::{Drift, Times, evaluate};
use crate::dynamics::Layout;
use crate::error::Result;
use crate::grid::Step;
use crate::math::kernels::update_positions;
use crate::noise::Noise;
use crate::real::Real;
use crate::schedule::LevelTable;
use crate::state::State;

/// Heun's method on the levels of a table; the drift is x̂₀, and time s is level n − s.
///
/// ```text
/// y = x/√ᾱ, σ = √((1−ᾱ)/ᾱ), d = (y − x̂₀(y, σ))/σ
/// y_E = y + (σ′ − σ) d                     y⁺ = y + (σ′ − σ)(d + d_E)/2,  d_E = (y_E − x̂₀(y_E, σ′))/σ′
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

const LAYOUT: Layout = Layout { blocks: 1, inputs: 1, momentum_variance: 0.0, carried: 0 };

impl<F: Real> Sampler<F> for Heun {
    fn name(&self) -> &'static str {
        "heun"
    }

    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        _: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let (rows, dim) = (state.len(), state.dim());
        let (from, to) = (self.table.number_at(step.start), self.table.number_at(step.end));
        let (source, goal) = (self.table.level(from), self.table.level(to));
        let Scratch { first, second, point } = work.scratch::<Scratch<F>>();
        let place = (step, state.chains()[0]);
        first.resize(rows * dim, F::zero());
        evaluate(drift, Times::Shared(step.start), (rows, dim), state.data(), first, place)?;
        // In terms of x: y_E = r y + (1 − r) x̂₀ and y⁺ = r y + (1 − r)[(1 − 1/2r) x̂₀ + (1/2r)
        // x̂₀_E] with r = σ′/σ.
        let r = goal.sigma() / source.sigma();
        let (a, g) = (goal.signal() / source.signal() * r, goal.signal() * (1.0 - r));
        if to == 0 {
            update_positions(state.data_mut(), rows, dim, a, g, first);
            return Ok(StepInfo {
                evaluations: rows as u64,
                batched_calls: 1,
                ..StepInfo::default()
            });
        }
        point.clear();
        point.extend_from_slice(state.data());
        update_positions(point, rows, dim, a, g, first);
        second.resize(rows * dim, F::zero());
        evaluate(drift, Times::Shared(step.end), (rows, dim), point, second, place)?;
        update_positions(state.data_mut(), rows, dim, a, g * (1.0 - 0.5 / r), first);
        update_positions(state.data_mut(), rows, dim, 1.0, g * 0.5 / r, second);
        Ok(StepInfo { evaluations: 2 * rows as u64, batched_calls: 2, ..StepInfo::default() })
    }

    fn evaluations_per_step(&self) -> f64 {
        2.0
    }
}
