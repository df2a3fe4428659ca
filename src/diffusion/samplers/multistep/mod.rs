//! Multistep solvers: one evaluation per step, and the outputs of earlier steps in memory blocks of
//! the state.

pub(crate) mod weights;

mod deis;
mod er_sde;
mod nodes;
mod sa;
mod sde_dpm;
mod steps;
mod two_nodes;
mod unipc;

pub use deis::Deis;
pub use er_sde::{ErSde, NoiseFunction};
pub use sa::{SaSolver, Tau};
pub use sde_dpm::SdeDpm;
pub use steps::Steps;
pub use two_nodes::TwoNodes;
pub use unipc::{UniPc, Variant};

use crate::diffusion::prediction::Prediction;
use crate::error::{Error, Result};
use crate::math::block::one;
use crate::real::Real;
use crate::sampler::update::{Coefficients, Order, Target, Terms, scale_and_add, update_blocks};
use crate::sampler::{Sampler, Scheme, Step};
use crate::state::{Layout, Parts};
use weights::MOST_NODES;

/// The coefficients of a step of a multistep rule.
///
/// ```text
/// x⁺ = A x + g₀ b + g₁ m₁ + g₂ m₂ + … + N(0, Q)        b at x; m₁⁺ = b, m₂⁺ = m₁, …
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// A.
    pub propagator: f64,
    /// g₀, g₁, …: of the output of this step, and of those in memory, newest first.
    pub gains: [f64; MOST_NODES + 1],
    /// Q.
    pub variance: f64,
}

/// A family of multistep rules: one file each.
pub trait Family: Send + Sync {
    /// The outputs of earlier steps that the rule reads, at least 1 and at most 4.
    fn memory(&self) -> u8;

    /// The prediction whose outputs it combines.
    fn prediction(&self) -> Prediction {
        Prediction::Data
    }

    /// The rule of a step. Outputs of steps before the first have no weight.
    fn rule(&self, steps: &Steps, step: usize) -> Rule;
}

/// A multistep solver on a list of levels.
///
/// ```text
/// x⁺ = A x + g₀ b + g₁ m₁ + … + N(0, Q)
/// ```
///
/// Evaluations: 1 per step. The state holds the outputs of the steps before, so a run may be cut
/// anywhere. The first steps have lower orders, until the memory is full. The step to the clean end
/// has order 1, to x̂₀. Time counts steps: a run has the grid 0, 1, …, N, or that of a table
/// with the same levels.
#[derive(Clone, Debug)]
pub struct Multistep<R> {
    family: R,
    steps: Steps,
}

impl<R: Family> Multistep<R> {
    /// The solver of this family on these levels.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a family that keeps no or too many outputs.
    pub fn new(family: R, steps: Steps) -> Result<Self> {
        let memory = usize::from(family.memory());
        let expected = "from 1 to 4 outputs";
        crate::error::count("memory", memory, 1, MOST_NODES, expected)?;
        Ok(Self { family, steps })
    }

    /// The rule of a step.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such step.
    pub fn rule(&self, step: usize) -> Result<Rule> {
        if step >= self.steps.len() {
            let given = step as f64;
            let expected = "a step of the list of levels";
            return Err(Error::Invalid { name: "step of a multistep solver", given, expected });
        }
        Ok(self.family.rule(&self.steps, step))
    }
}

impl<R: Family> Scheme for Multistep<R> {
    fn layout(&self) -> Layout {
        Layout::with_memory_of(self.family.memory())
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }
}

impl<F: Real, R: Family> Sampler<F> for Multistep<R> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let Rule { propagator, gains, variance } = self.rule(step.interval.index as usize)?;
        let [rows, dim] = [step.state.len(), step.state.dim()];
        let b = step.drift.at_start(step.state)?;
        let noise = one(variance.sqrt());
        let c = Coefficients { propagator: one(propagator), gain: one(gains[0]), noise };
        let mut z: &[F] = &[];
        if c.is_noisy() {
            let chains = step.state.chains();
            z = step.noise.normals(crate::noise::Purpose::Increment, 0, chains, rows * dim);
        }
        let Parts { own, .. } = step.state.parts();
        let (x, memory) = own.split_at_mut(rows * dim);
        update_blocks(
            Target { x, low: &mut [], blocks: 1 },
            &c,
            Terms { b, z, order: Order::Forward },
        );
        for (gain, block) in gains[1..].iter().zip(memory.chunks(rows * dim)) {
            if *gain != 0.0 {
                scale_and_add(x, 1.0, *gain, block);
            }
        }
        let size = memory.len() - rows * dim;
        memory.copy_within(..size, rows * dim);
        memory[..rows * dim].copy_from_slice(b);
        Ok(())
    }
}
