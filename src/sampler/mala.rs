//! MALA: an Euler–Maruyama step of overdamped Langevin dynamics that is accepted or rejected. One
//! evaluation per step, exact target.

use super::interface::{CoinScript, Sampler, Scheme};
use super::metropolis::{Decide, Points, PointsMut, Propose, Verdict};
use super::step::Step;
use crate::drift::Times;
use crate::error::{Error, Result};
use crate::grid::Interval;
use crate::math::aligned::Aligned;
use crate::math::finite::all_finite;
use crate::math::simd::dispatch;
use crate::noise::Purpose;
use crate::real::Real;
use crate::state::{Layout, Parts, columns};

/// The Metropolis-adjusted Langevin algorithm. It has no bias, so use it as a reference.
///
/// ```text
/// y = x + h b(x) + √(2h) z
/// log α = log π(y) − log π(x) + ( |y − x − h b(x)|² − |x − y − h b(y)|² ) / 4h
/// X⁺ = y with probability min(1, α), else x
/// ```
///
/// - h is the step of the grid. On smooth targets an acceptance rate of 0.57 is the efficient one
///   ([`Samples::acceptance`](crate::Samples::acceptance)).
/// - Evaluations: 1 per step, of the drift at y. The state carries the drift of its position, so a
///   run takes one more for its first position.
/// - Each step also evaluates the log density at y, so the drift must have one
///   ([`Drift::density`](crate::Drift::density)). Mixtures and logistic regressions have one. The
///   density at x is known from the step before.
///   [`WithDensity`](crate::drift::WithDensity) adds one to any other drift.
/// - The test is made in f64. A point outside the support (log density −∞) is rejected.
/// - A proposal that overflows is refused.
/// - A NaN in a density or drift is passed on to the position. The run then applies its policy for
///   such chains.
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
    proposal: Aligned<F>,
    low: Aligned<F>,
    drift: Aligned<F>,
    after: Vec<f64>,
    coins: Vec<f64>,
}

/// Refuses proposals that overflow from a finite drift: their density is 0 in this precision. The
/// proposal becomes the point itself, and no coin accepts it.
fn refuse_overflow<F: Real>(
    proposal: &mut [F],
    low: &mut [F],
    from: Points<'_, F>,
    coins: &mut [f64],
) {
    if all_finite(proposal) {
        return;
    }
    let rows = coins.len();
    for (row, coin) in coins.iter_mut().enumerate() {
        let places = (row..proposal.len()).step_by(rows);
        let overflows = places.clone().any(|at| !proposal[at].is_finite());
        if overflows && places.clone().all(|at| from.b[at].is_finite()) {
            places.clone().for_each(|at| proposal[at] = from.x[at]);
            if !low.is_empty() {
                places.for_each(|at| low[at] = from.low[at]);
            }
            *coin = f64::INFINITY;
        }
    }
}

impl Scheme for Mala {
    fn layout(&self) -> Layout {
        Layout::POSITION.carrying(true).keeping_low_part()
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        Err(Error::NotProbeable {
            reason: "accepting or refusing depends on the state, so a step is not affine; \
                     the target of mala is exact anyway",
        })
    }
}

impl<F: Real> Sampler<F> for Mala {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let density = step.drift.density().ok_or(Error::NoDensity { method: "mala" })?;
        let Interval { start, end, length: h, .. } = step.interval;
        let Scratch { proposal, low: low_new, drift: b_new, after, coins } =
            step.own.get::<Scratch<F>>();
        let rows = step.state.len();
        let dim = step.state.dim();
        coins.resize(rows, 0.0);
        step.noise.uniforms(Purpose::Accept, 0, step.state.chains(), coins);
        let z = step.noise.normals(Purpose::Increment, 0, step.state.chains(), rows * dim);
        let known = step.state.carried_known();
        let mut before = step.state.take_density();
        let Parts { own: x, carried: b, low } = step.state.parts();
        if !known {
            step.drift.at(Times::Shared(start), dim, x, b)?;
        }
        proposal.resize(rows * dim, F::zero());
        low_new.resize(low.len(), F::zero());
        let from = Points { x, low, b };
        dispatch(Propose { h, z, from, to: proposal, low: low_new });
        refuse_overflow(proposal, low_new, Points { x, low, b }, coins);
        b_new.resize(rows * dim, F::zero());
        after.resize(rows, 0.0);
        step.drift.with_density(density, Times::Shared(end), proposal, b_new, after)?;
        if before.len() != rows {
            before.clear();
            before.resize(rows, f64::NAN);
            let fail = |source| step.drift.failure(source);
            density.log_density(columns(x, rows, dim), &mut before).map_err(fail)?;
        }
        let mut verdict = Verdict::default();
        dispatch(Decide {
            h,
            coins,
            before: &mut before,
            after,
            old: PointsMut { x, low, b },
            new: Points { x: proposal, low: low_new, b: b_new },
            verdict: &mut verdict,
        });
        if verdict.undefined {
            before.clear();
        }
        step.state.keep_density(before);
        step.state.set_carried_known(true);
        step.drift.cost.proposed += rows as u64;
        step.drift.cost.accepted += verdict.accepted;
        Ok(())
    }
}
