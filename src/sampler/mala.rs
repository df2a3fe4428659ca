//! MALA: an Euler–Maruyama step of overdamped Langevin dynamics, accepted or refused. One
//! evaluation; exact target.

use super::{CoinScript, Sampler, StepInfo, Work};
use crate::drift::{Drift, Times, evaluate};
use crate::dynamics::Layout;
use crate::error::{Error, Result};
use crate::grid::Step;
use crate::math::kernels::update_positions;
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;
use crate::state::{State, columns};

/// The Metropolis-adjusted Langevin algorithm: unbiased, for reference.
///
/// ```text
/// y = x + h b(x) + √(2h) z
/// log α = log π(y) − log π(x) + ( |y − x − h b(x)|² − |x − y − h b(y)|² ) / 4h
/// X⁺ = y with probability min(1, α), else x
/// ```
///
/// The step h is that of the grid; on smooth targets an acceptance of 0.57 is the efficient one
/// ([`Samples::acceptance`](crate::Samples::acceptance)). Evaluations: 1 per step, of the drift at
/// y (a run one more for its first position; it is carried with the state), and two of the log
/// density, which the drift must know ([`Drift::density`]): mixtures and logistic regressions do,
/// [`WithDensity`](crate::WithDensity) adds one to any other. The test is made in f64. A point
/// outside the support (log density −∞) is refused; NaN in a density or drift is passed on to the
/// position, for the policy of the run to deal with.
///
/// Source: Roberts & Tweedie 1996. Deviations: none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mala;

impl Mala {
    /// The sampler.
    pub fn new() -> Self {
        Self
    }
}

#[derive(Default)]
struct Scratch<F> {
    proposal: Vec<F>,
    drift: Vec<F>,
    before: Vec<f64>,
    after: Vec<f64>,
    coins: Vec<f64>,
}

/// Σⱼ (toⱼ − fromⱼ − h bⱼ)² of one row of column-major arrays.
fn residual<F: Real>(to: &[F], from: &[F], b: &[F], h: f64, (row, rows): (usize, usize)) -> f64 {
    let own = |all: &[F], at: usize| all[at].widen();
    (row..to.len())
        .step_by(rows)
        .map(|at| {
            let away = own(to, at) - own(from, at) - h * own(b, at);
            away * away
        })
        .sum()
}

impl<F: Real> Sampler<F> for Mala {
    fn name(&self) -> &'static str {
        "mala"
    }

    fn layout(&self) -> Layout {
        Layout { blocks: 1, inputs: 1, momentum_variance: 0.0, carried: 1 }
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let density = drift.density().ok_or(Error::NoDensity { method: "mala" })?;
        let (rows, dim, h) = (state.len(), state.dim(), step.length);
        let Scratch { proposal, drift: b_new, before, after, coins } = work.scratch::<Scratch<F>>();
        let place = (step, state.chains()[0]);
        let known = state.carried_known();
        let (chains, data) = state.parts();
        let (x, b) = data.split_at_mut(rows * dim);
        let mut calls = 1;
        if !known {
            evaluate(drift, Times::Shared(step.start), (rows, dim), x, b, place)?;
            calls += 1;
        }
        // y = x + h b + √(2h) z, with the normals already in place.
        proposal.resize(rows * dim, F::zero());
        noise.normals(Draw::new(step.index, Purpose::Increment, 0), chains, proposal);
        update_positions(proposal, rows, dim, (2.0 * h).sqrt(), h, b);
        update_positions(proposal, rows, dim, 1.0, 1.0, x);
        b_new.resize(rows * dim, F::zero());
        evaluate(drift, Times::Shared(step.end), (rows, dim), proposal, b_new, place)?;
        let fail = |source| Error::Drift {
            chain: u64::from(place.1),
            step: u64::from(step.index) + 1,
            time: step.start,
            source,
        };
        before.resize(rows, 0.0);
        after.resize(rows, 0.0);
        density.log_density(columns(x, rows, dim), before).map_err(fail)?;
        density.log_density(columns(proposal, rows, dim), after).map_err(fail)?;
        coins.resize(rows, 0.0);
        noise.uniforms(Draw::new(step.index, Purpose::Accept, 0), chains, coins);
        let mut accepted = 0;
        for row in 0..rows {
            let forth = residual(proposal, x, b, h, (row, rows));
            let back = residual(x, proposal, b_new, h, (row, rows));
            let log_ratio = after[row] - before[row] + (forth - back) / (4.0 * h);
            let places = (row..rows * dim).step_by(rows);
            if after[row] == f64::NEG_INFINITY {
                continue;
            }
            if log_ratio.is_nan() {
                places.for_each(|at| x[at] = F::nan());
            } else if libm::log(coins[row]) < log_ratio {
                accepted += 1;
                places.for_each(|at| (x[at], b[at]) = (proposal[at], b_new[at]));
            }
        }
        state.set_carried_known(true);
        Ok(StepInfo {
            evaluations: calls * rows as u64,
            batched_calls: calls as u32,
            proposed: rows as u64,
            accepted,
            ..StepInfo::default()
        })
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        Err(Error::NotProbeable {
            reason: "accepting or refusing depends on the state, so a step is not affine; the target of mala is exact anyway",
        })
    }
}
