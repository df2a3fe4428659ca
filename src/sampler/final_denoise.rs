//! A last step that removes the noise left: the posterior mean of the data, in place of one more
//! stochastic step.

use super::{Sampler, StepInfo, Work};
use crate::drift::{Clock, Drift, Times, evaluate};
use crate::dynamics::Layout;
use crate::error::{Error, Result};
use crate::grid::Step;
use crate::math::kernels::update_positions;
use crate::noise::Noise;
use crate::real::Real;
use crate::state::State;

/// Another sampler, but for the steps from a time on, which go to the posterior mean (Tweedie's
/// formula); the drift is the score.
///
/// ```text
/// x̂₀ = ( x + (1−ᾱ) score(x) ) / √ᾱ             ᾱ at the start of the step
/// ```
///
/// One evaluation. A sampler of the reverse process stops at some small noise; this step takes it
/// away.
pub struct FinalDenoise<F: Real> {
    sampler: Box<dyn Sampler<F>>,
    clock: Clock,
    from: f64,
}

impl<F: Real> FinalDenoise<F> {
    /// `sampler` before time `from`, the posterior mean in the step that starts there.
    ///
    /// # Errors
    /// [`Error::Shape`] if the sampler does not work on positions alone.
    pub fn new(sampler: Box<dyn Sampler<F>>, clock: Clock, from: f64) -> Result<Self> {
        if sampler.layout().columns(1) != 1 {
            let given = format!("{} blocks", sampler.layout().columns(1));
            return Err(Error::Shape {
                what: "sampler to be denoised",
                given,
                expected: "1".into(),
            });
        }
        Ok(Self { sampler, clock, from })
    }
}

#[derive(Default)]
struct Scratch<F> {
    score: Vec<F>,
}

impl<F: Real> Sampler<F> for FinalDenoise<F> {
    fn name(&self) -> &'static str {
        self.sampler.name()
    }

    fn layout(&self) -> Layout {
        self.sampler.layout()
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        if step.start < self.from {
            return self.sampler.step(step, drift, noise, state, work);
        }
        let (rows, dim) = (state.len(), state.dim());
        let Scratch { score } = work.scratch::<Scratch<F>>();
        score.resize(rows * dim, F::zero());
        let place = (step, state.chains()[0]);
        evaluate(drift, Times::Shared(step.start), (rows, dim), state.data(), score, place)?;
        let level = self.clock.level(step.start);
        let (a, g) = (1.0 / level.signal(), level.one_minus_alpha_bar() / level.signal());
        update_positions(state.data_mut(), rows, dim, a, g, score);
        Ok(StepInfo { evaluations: rows as u64, batched_calls: 1, ..StepInfo::default() })
    }

    fn evaluations_per_step(&self) -> f64 {
        self.sampler.evaluations_per_step()
    }
}
