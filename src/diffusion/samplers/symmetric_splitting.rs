//! SSCS, the symmetric splitting of phase-space diffusions with a Gaussian part solved exactly. One
//! evaluation; weak order 1.

use crate::diffusion::dynamics::ReversePsld;
use crate::drift::Times;
use crate::dynamics::{LinearDynamics, Transition};
use crate::error::Result;
use crate::grid::Interval;
use crate::math::aligned::Aligned;
use crate::math::block::ZERO;
use crate::noise::Purpose;
use crate::real::Real;
use crate::sampler::update::{Coefficients, Order};
use crate::sampler::{Sampler, Scheme, Step};
use crate::state::Layout;

/// The symmetric splitting sampler for critically damped diffusions.
///
/// ```text
/// half:  dx = ½ (−Γx − M⁻¹m) ds + √Γ dW,  dm = ½ (x − νm) ds + √(Mν) dW
///        exactly, over h/2; the prior is stationary
/// whole: x += h Γ (s_x + x),  m += h Mν (s_m + M⁻¹ m)
///        explicit Euler, with the score at the start of the step
/// half:  again
/// ```
///
/// Evaluations: 1 per step. Source: Dockhorn, Vahdat & Kreis 2022 (arXiv 2112.07068), for Γ = 0
/// there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SymmetricSplitting {
    dynamics: ReversePsld,
}

impl SymmetricSplitting {
    /// The sampler for this reverse process.
    pub fn new(dynamics: ReversePsld) -> Self {
        Self { dynamics }
    }

    /// The exact half step.
    fn half(&self, h: f64) -> Transition {
        let process = self.dynamics.process();
        let rotated = self.dynamics.process().rotated();
        Transition {
            propagator: rotated.exponential(h),
            gain: ZERO,
            covariance: rotated.covariance(h, process.intensity()),
        }
    }

    /// The Euler step of the rest.
    fn whole(&self, h: f64) -> Transition {
        let (process, [gamma, push]) =
            (self.dynamics.process(), self.dynamics.process().intensity());
        Transition {
            propagator: [[1.0 + h * gamma, 0.0], [0.0, 1.0 + h * push / process.mass()]],
            gain: [[h * gamma, 0.0], [0.0, h * push]],
            covariance: ZERO,
        }
    }
}

#[derive(Default)]
struct Scratch<F> {
    score: Aligned<F>,
}

impl Scheme for SymmetricSplitting {
    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }
}

impl<F: Real> Sampler<F> for SymmetricSplitting {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let Interval { start, length: h, .. } = step.interval;
        let count = step.state.blocks().len();
        let half = Coefficients::IDENTITY.then(&self.half(0.5 * h));
        // The second half is its map alone; the Euler step before it has no noise, so the two are
        // one.
        let rest = Coefficients::IDENTITY.then(&self.whole(h)).then(&self.half(0.5 * h));
        let z = step.noise.normals(Purpose::Increment, 0, step.state.chains(), count);
        step.state.update_in(Order::Backward, &half, &[], z);
        let Scratch { score } = step.own.get::<Scratch<F>>();
        score.resize(count, F::zero());
        let width = 2 * step.state.dim();
        step.drift.at(Times::Shared(start), width, step.state.blocks(), score)?;
        let z = step.noise.normals(Purpose::Increment, 1, step.state.chains(), count);
        step.state.update_in(Order::Backward, &rest, score, z);
        Ok(())
    }
}
