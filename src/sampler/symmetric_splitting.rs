//! SSCS, the symmetric splitting of phase-space diffusions with a Gaussian part solved exactly. One
//! evaluation; weak order 1.

use super::{Sampler, StepInfo, Work};
use crate::drift::{Drift, Times, evaluate};
use crate::dynamics::{Layout, LinearDynamics, ReversePsld, Transition};
use crate::error::Result;
use crate::grid::Step;
use crate::math::affine::{Affine, Apply};
use crate::math::block::ZERO;
use crate::math::simd;
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;
use crate::state::State;

/// The symmetric splitting sampler for critically damped diffusions.
///
/// ```text
/// half    dx = ½ (−Γx − M⁻¹m) ds + √Γ dW,  dm = ½ (x − νm) ds + √(Mν) dW       over h/2, exactly; stationary for the prior
/// whole   x += h Γ (s_x + x),  m += h Mν (s_m + M⁻¹ m)                         explicit Euler, score at the start of the step
/// half    again
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
        let (process, rotated) = (self.dynamics.process(), self.dynamics.process().rotated());
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
    score: Vec<F>,
    normals: Vec<F>,
}

impl<F: Real> Sampler<F> for SymmetricSplitting {
    fn name(&self) -> &'static str {
        "sscs"
    }

    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let (rows, dim) = (state.len(), state.dim());
        let size = rows * dim;
        let Scratch { score, normals } = work.scratch::<Scratch<F>>();
        score.resize(2 * size, F::zero());
        normals.resize(2 * size, F::zero());
        let place = (step, state.chains()[0]);
        let half = Affine::IDENTITY.then(&self.half(0.5 * step.length));
        // The second half is its map alone; the Euler step before it has no noise, so the two are
        // one.
        let rest =
            Affine::IDENTITY.then(&self.whole(step.length)).then(&self.half(0.5 * step.length));
        let (chains, data) = state.parts();
        let mut apply = |map: &Affine, index: u32, data: &mut [F], score: &[F]| {
            noise.normals(Draw::new(step.index, Purpose::Increment, index), chains, normals);
            let (position, momentum) = data.split_at_mut(size);
            simd::dispatch(Apply { map, position, momentum, drift: score, normals });
        };
        apply(&half, 0, data, &[]);
        evaluate(drift, Times::Shared(step.start), (rows, 2 * dim), data, score, place)?;
        apply(&rest, 1, data, score);
        Ok(StepInfo { evaluations: rows as u64, batched_calls: 1, ..StepInfo::default() })
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }
}
