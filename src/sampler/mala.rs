//! MALA: an Euler–Maruyama step of overdamped Langevin dynamics that is accepted or rejected. One
//! evaluation per step, exact target.

use super::interface::{CoinScript, Sampler, Scheme};
use super::step::Step;
use super::update::{add_exactly, scale_and_add};
use crate::drift::Times;
use crate::error::{Error, Result};
use crate::grid::Interval;
use crate::math::finite::all_finite;
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
/// - Each step also evaluates the log density twice, so the drift must have one
///   ([`Drift::density`](crate::Drift::density)). Mixtures and logistic regressions have one.
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
    proposal: Vec<F>,
    low: Vec<F>,
    drift: Vec<F>,
    before: Vec<f64>,
    after: Vec<f64>,
    coins: Vec<f64>,
}

/// The points of a column-major array, their low parts or none, and the drift at them.
#[derive(Clone, Copy)]
struct Points<'a, F> {
    x: &'a [F],
    low: &'a [F],
    b: &'a [F],
}

impl<F: Real> Points<'_, F> {
    /// Coordinate `at` of other points minus that of these.
    fn to(&self, other: &Self, at: usize) -> f64 {
        let low = |points: &Self| points.low.get(at).map_or(0.0, |low| low.widen());
        (other.x[at].widen() - self.x[at].widen()) + (low(other) - low(self))
    }

    /// Σⱼ (toⱼ − xⱼ − h bⱼ)² of one row: the squared distance from the drift step to `to`.
    fn residual(&self, to: &Self, h: f64, places: impl Iterator<Item = usize>) -> f64 {
        let away = |at: usize| self.to(to, at) - h * self.b[at].widen();
        places.map(|at| away(at) * away(at)).sum()
    }
}

/// Turns normals z into y = √(2h) z + h b + x, in this order of summation.
fn propose<F: Real>(proposal: &mut [F], low_new: &mut Vec<F>, from: Points<'_, F>, h: f64) {
    scale_and_add(proposal, (2.0 * h).sqrt(), h, from.b);
    low_new.clear();
    if from.low.is_empty() {
        scale_and_add(proposal, 1.0, 1.0, from.x);
        return;
    }
    low_new.extend_from_slice(from.low);
    for (at, x) in from.x.iter().enumerate() {
        let terms = std::mem::replace(&mut proposal[at], *x);
        add_exactly(&mut proposal[at], &mut low_new[at], terms);
    }
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
        let Scratch { proposal, low: low_new, drift: b_new, before, after, coins } =
            step.own.get::<Scratch<F>>();
        let rows = step.state.len();
        let dim = step.state.dim();
        coins.resize(rows, 0.0);
        step.noise.uniforms(Purpose::Accept, 0, step.state.chains(), coins);
        let z = step.noise.normals(Purpose::Increment, 0, step.state.chains(), rows * dim);
        let known = step.state.carried_known();
        let Parts { own: x, carried: b, low } = step.state.parts();
        if !known {
            step.drift.at(Times::Shared(start), dim, x, b)?;
        }
        proposal.clear();
        proposal.extend_from_slice(z);
        propose(proposal, low_new, Points { x, low, b }, h);
        refuse_overflow(proposal, low_new, Points { x, low, b }, coins);
        b_new.resize(rows * dim, F::zero());
        step.drift.at(Times::Shared(end), dim, proposal, b_new)?;
        before.resize(rows, 0.0);
        after.resize(rows, 0.0);
        let fail = |source| step.drift.failure(source);
        density.log_density(columns(x, rows, dim), before).map_err(fail)?;
        density.log_density(columns(proposal, rows, dim), after).map_err(fail)?;
        let mut accepted = 0;
        for row in 0..rows {
            let places = (row..rows * dim).step_by(rows);
            let old = Points { x, low, b };
            let new = Points { x: proposal, low: low_new, b: b_new };
            let forth = old.residual(&new, h, places.clone());
            let back = new.residual(&old, h, places.clone());
            let log_ratio = after[row] - before[row] + (forth - back) / (4.0 * h);
            if after[row] == f64::NEG_INFINITY {
                continue;
            }
            if log_ratio.is_nan() {
                places.for_each(|at| x[at] = F::nan());
            } else if libm::log(coins[row]) < log_ratio {
                accepted += 1;
                places.clone().for_each(|at| (x[at], b[at]) = (proposal[at], b_new[at]));
                if !low.is_empty() {
                    places.for_each(|at| low[at] = low_new[at]);
                }
            }
        }
        step.state.set_carried_known(true);
        step.drift.cost.proposed += rows as u64;
        step.drift.cost.accepted += accepted;
        Ok(())
    }
}
