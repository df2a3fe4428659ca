//! A sampler whose steps out of the far noise are taken by another one.

use crate::error::Result;
use crate::grid::Interval;
use crate::real::Real;
use crate::sampler::{CoinScript, Either, Sampler, Scheme, Step};
use crate::state::Layout;

/// Another sampler, except for the steps that jump out of the far noise.
///
/// A step there crosses so much noise that an explicit method multiplies errors by hundreds. The
/// ancestral rule of the other sampler is bounded for any length. See
/// [`Jump`](crate::diffusion::dynamics::Jump).
#[derive(Clone, Debug)]
pub struct Jumps<S, J> {
    samplers: Either<S, J>,
    jumps: Vec<bool>,
}

impl<S: Scheme, J: Scheme> Jumps<S, J> {
    /// `jump` for every step i of the grid with `jumps[i]`, and `sampler` for all others.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the two require different blocks.
    pub fn new(sampler: S, jump: J, jumps: Vec<bool>) -> Result<Self> {
        let others = "the sampler of the other steps";
        Ok(Self { samplers: Either::new(sampler, jump, "sampler of jumps", others)?, jumps })
    }

    fn jumps_at(&self, interval: Interval) -> bool {
        self.jumps.get(interval.index as usize).copied().unwrap_or(false)
    }
}

impl<S: Scheme, J: Scheme> Scheme for Jumps<S, J> {
    fn layout(&self) -> Layout {
        self.samplers.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        self.samplers.evaluations_per_step()
    }

    fn scratch(&self, dim: usize) -> usize {
        self.samplers.scratch(dim)
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        self.samplers.first.coin_scripts()
    }

    fn coin_scripts_of(&self, interval: Interval) -> Result<Vec<CoinScript>> {
        match self.jumps_at(interval) {
            true => self.samplers.second.coin_scripts_of(interval),
            false => self.samplers.first.coin_scripts_of(interval),
        }
    }
}

impl<F: Real, S: Sampler<F>, J: Sampler<F>> Sampler<F> for Jumps<S, J> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        self.samplers.step(!self.jumps_at(step.interval), step)
    }
}
