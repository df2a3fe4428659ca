//! Euler–Maruyama: the drift frozen over the step, the linear part exact. One evaluation; weak
//! order 1.

use super::{Sampler, StepInfo, Work};
use crate::drift::{Drift, Times, evaluate};
use crate::dynamics::{Layout, LinearDynamics};
use crate::error::Result;
use crate::grid::Step;
use crate::math::kernels::{Coefficients, Panel, Shared};
use crate::math::simd;
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;
use crate::state::State;

/// Euler–Maruyama, the exponential integrator of a linear dynamics.
///
/// ```text
/// b  = b(X, t₀)
/// X⁺ = A X + G b + N(0, Q)
/// ```
///
/// Evaluations: 1 per step. Weak order 1. With [`Overdamped`](crate::Overdamped) dynamics it is
/// Langevin Monte Carlo (ULA), with [`Underdamped`](crate::Underdamped) underdamped Langevin Monte
/// Carlo (Cheng et al. 2018); around [`Linearized`](crate::Linearized) dynamics, the plain Euler
/// scheme.
#[derive(Clone, Copy, Debug)]
pub struct EulerMaruyama<D> {
    dynamics: D,
}

impl<D: LinearDynamics> EulerMaruyama<D> {
    /// Euler–Maruyama for this dynamics.
    pub fn new(dynamics: D) -> Self {
        Self { dynamics }
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }
}

#[derive(Default)]
struct Scratch<F> {
    drift: Vec<F>,
    normals: Vec<F>,
}

impl<F: Real, D: LinearDynamics> Sampler<F> for EulerMaruyama<D> {
    fn name(&self) -> &'static str {
        "em"
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
        let (rows, dim, layout) = (state.len(), state.dim(), self.dynamics.layout());
        let Scratch { drift: b, normals } = work.scratch::<Scratch<F>>();
        let width = layout.inputs * dim;
        b.resize(rows * width, F::zero());
        let place = (step, state.chains()[0]);
        evaluate(drift, Times::Shared(step.start), (rows, width), state.data(), b, place)?;
        let coefficients = Coefficients::new(&self.dynamics.transition(step.start, step.length));
        normals.clear();
        if coefficients.is_noisy() {
            normals.resize(state.data().len(), F::zero());
            noise.normals(Draw::new(step.index, Purpose::Increment, 0), state.chains(), normals);
        }
        simd::dispatch(Shared {
            layout,
            coefficients: &coefficients,
            rows,
            dim,
            state: state.data_mut(),
            drift: b,
            drift_panel: Panel::contiguous(rows),
            normals,
        });
        Ok(StepInfo { evaluations: rows as u64, batched_calls: 1, ..StepInfo::default() })
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }
}
