//! A sampler whose steps out of the far noise are taken by another one.

use crate::error::{Error, Result};
use crate::real::Real;
use crate::sampler::{CoinScript, Sampler, Scheme, Step, Work};
use crate::state::Layout;

/// Another sampler, except for the steps that jump out of the far noise.
///
/// A step there crosses so much noise that an explicit method multiplies errors by hundreds. The
/// ancestral rule of the other sampler is bounded for any length. See
/// [`Jump`](crate::diffusion::dynamics::Jump).
#[derive(Clone, Debug)]
pub struct Jumps<S, J> {
    sampler: S,
    jump: J,
    jumps: Vec<bool>,
}

impl<S: Scheme, J: Scheme> Jumps<S, J> {
    /// `jump` for every step i of the grid with `jumps[i]`, and `sampler` for all others.
    ///
    /// # Errors
    /// [`Error::Shape`] if the two require different blocks.
    pub fn new(sampler: S, jump: J, jumps: Vec<bool>) -> Result<Self> {
        if sampler.layout() != jump.layout() {
            let given = format!("{:?}", jump.layout());
            let expected = format!("{:?}, as the sampler of the other steps", sampler.layout());
            return Err(Error::Shape { what: "sampler of jumps", given, expected });
        }
        Ok(Self { sampler, jump, jumps })
    }
}

struct Scratch<F> {
    sampler: Work<F>,
    jump: Work<F>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self { sampler: Work::new(), jump: Work::new() }
    }
}

impl<S: Scheme, J: Scheme> Scheme for Jumps<S, J> {
    fn layout(&self) -> Layout {
        self.sampler.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        self.sampler.evaluations_per_step().max(self.jump.evaluations_per_step())
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        self.sampler.coin_scripts()
    }
}

impl<F: Real, S: Sampler<F>, J: Sampler<F>> Sampler<F> for Jumps<S, J> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let jumps = self.jumps.get(step.interval.index as usize).copied().unwrap_or(false);
        let scratch = step.own.get::<Scratch<F>>();
        let work = if jumps { &mut scratch.jump } else { &mut scratch.sampler };
        let drift = step.drift.source();
        let noise = step.noise.source();
        let mut inner = Step::new(step.interval, drift, noise, step.state, work);
        if jumps {
            self.jump.step(&mut inner)?
        } else {
            self.sampler.step(&mut inner)?
        }
        step.drift.cost += inner.cost();
        Ok(())
    }
}
