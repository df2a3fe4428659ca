//! A last step that removes the remaining noise: it goes to the posterior mean of the data.

use crate::diffusion::clock::Clock;
use crate::error::{Error, Result};
use crate::grid::Interval;
use crate::real::Real;
use crate::sampler::update::scale_and_add;
use crate::sampler::{CoinScript, Sampler, Scheme, Step};
use crate::state::Layout;

/// Another sampler, except for the steps from a time on, which go to the posterior mean (Tweedie's
/// formula); the drift is the score.
///
/// ```text
/// x̂₀ = ( x + (1−ᾱ) score(x) ) / √ᾱ             ᾱ at the start of the step
/// ```
///
/// One evaluation. A sampler of the reverse process stops at some small noise; this step removes
/// it.
#[derive(Clone, Debug)]
pub struct FinalDenoise<S> {
    sampler: S,
    clock: Clock,
    from: f64,
}

impl<S: Scheme> FinalDenoise<S> {
    /// `sampler` before time `from`, the posterior mean in the step that starts there.
    ///
    /// # Errors
    /// [`Error::Shape`] if the sampler does not work on positions alone.
    pub fn new(sampler: S, clock: Clock, from: f64) -> Result<Self> {
        if sampler.layout() != Layout::POSITION {
            let given = format!("{} blocks", sampler.layout().columns(1));
            let expected = "1, the position".into();
            return Err(Error::Shape { what: "sampler to be denoised", given, expected });
        }
        Ok(Self { sampler, clock, from })
    }
}

impl<S: Scheme> Scheme for FinalDenoise<S> {
    fn layout(&self) -> Layout {
        self.sampler.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        self.sampler.evaluations_per_step()
    }

    fn scratch(&self, dim: usize) -> usize {
        self.sampler.scratch(dim)
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        self.sampler.coin_scripts()
    }

    fn coin_scripts_of(&self, interval: Interval) -> Result<Vec<CoinScript>> {
        match interval.start < self.from {
            true => self.sampler.coin_scripts_of(interval),
            false => Ok(vec![CoinScript { weight: 1.0, uniforms: Vec::new() }]),
        }
    }
}

impl<F: Real, S: Sampler<F>> Sampler<F> for FinalDenoise<S> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        if step.interval.start < self.from {
            return self.sampler.step(step);
        }
        let level = self.clock.level(step.interval.start)?;
        let score = step.drift.at_start(step.state)?;
        let a = 1.0 / level.signal();
        let g = level.one_minus_alpha_bar() / level.signal();
        scale_and_add(step.state.parts().own, a, g, score);
        Ok(())
    }
}
