//! The assumptions of the probe, checked: the steps are alike, and the target is that of the
//! dynamics.

use super::matrices::{Matrices, Reader, Rounded};
use super::moments::{PAIRS, SecondMoments};
use crate::dynamics::LinearDynamics;
use crate::error::{Error, Result};
use crate::grid::Interval;
use crate::sampler::CoinScript;

/// Steps that are compared with the first one.
const STEPS: [u32; 3] = [1, 1000, u32::MAX - 1];
/// Outcomes of the coins that are compared.
const OUTCOMES: usize = 16;
/// Relative difference of two steps that rounding explains.
const SAME: f64 = 1e-9;
/// Changes of a step this small are those of the equation itself, up to their square.
const SHORT: f64 = 1e-5;
/// A target that is the stationary one solves its equation to this accuracy.
const STATIONARY: f64 = 1e-6;

/// Refuses a sampler whose later steps differ from the first one.
pub(super) fn same_steps(first: &Reader<'_>, scripts: &[CoinScript]) -> Result<()> {
    let scripts = &scripts[..scripts.len().min(OUTCOMES)];
    let expected = first.read(scripts)?;
    let length = first.interval.length;
    for index in STEPS {
        let start = length * f64::from(index);
        let interval = Interval { index, start, length, end: start + length };
        let found = Reader { interval, ..*first }.read(scripts)?;
        if !expected.iter().zip(&found).all(|(one, other)| agree(one, other)) {
            return Err(Error::NotProbeable {
                reason: "its steps differ with their number or time, so there is no stationary \
                         distribution; probe the samplers that it is made of",
            });
        }
    }
    Ok(())
}

fn agree(one: &Matrices, other: &Matrices) -> bool {
    let near = |a: f64, b: f64, rounding: f64| (a - b).abs() <= SAME * a.abs() + rounding;
    let changes = one.change.iter().flatten().zip(other.change.iter().flatten());
    let noise = one.noise.iter().flatten().zip(other.noise.iter().flatten());
    one.noise.len() == other.noise.len()
        && changes.into_iter().all(|(a, b)| near(a.value, b.value, 4.0 * a.error))
        && noise.into_iter().all(|(a, b)| near(*a, *b, 0.0))
}

/// Refuses dynamics whose stationary covariance on this target is not diag(1/k, momentum variance).
///
/// The equation of second moments is that of a short step, divided by its length. Two lengths are
/// extrapolated to zero.
pub(super) fn stationary_target(
    dynamics: &dyn LinearDynamics,
    step: f64,
    curvature: f64,
) -> Result<()> {
    if !dynamics.is_autonomous() {
        return Err(Error::NotProbeable {
            reason: "its dynamics depends on time, so there is no stationary distribution",
        });
    }
    let layout = dynamics.layout();
    let target = [1.0 / curvature, 0.0, layout.momentum_variance().unwrap_or(0.0)];
    let mut length = step;
    let mut whole = Slope::new(dynamics, length, curvature, target);
    while whole.largest_change > SHORT {
        length *= 0.5;
        whole = Slope::new(dynamics, length, curvature, target);
    }
    let half = Slope::new(dynamics, 0.5 * length, curvature, target);
    let size = if layout.blocks() == 2 { 3 } else { 1 };
    for i in 0..size {
        let left = 2.0 * half.value[i] - whole.value[i];
        if !(left.abs() <= STATIONARY * half.terms[i] + half.rounding[i] + whole.rounding[i]) {
            return Err(Error::NotProbeable {
                reason: "the stationary distribution of its dynamics on this target is another \
                         one than that of Langevin dynamics, N(0, 1/k) for the position; \
                         check the constants of the dynamics",
            });
        }
    }
    Ok(())
}

/// How fast the second moments of the target change over a short step.
struct Slope {
    value: [f64; 3],
    /// The sizes of the terms that should cancel.
    terms: [f64; 3],
    rounding: [f64; 3],
    /// The largest entry of the change of the state.
    largest_change: f64,
}

impl Slope {
    fn new(dynamics: &dyn LinearDynamics, length: f64, curvature: f64, target: [f64; 3]) -> Self {
        let layout = dynamics.layout();
        let transition = dynamics.transition(0.0, length);
        let mut change = [[Rounded::default(); 2]; 2];
        let mut largest_change = 0.0f64;
        for to in 0..layout.blocks() {
            for from in 0..layout.blocks() {
                let own = transition.propagator[to][from];
                let identity = f64::from(to == from);
                let pull = if from < layout.inputs() { transition.gain[to][from] } else { 0.0 };
                let value = own - identity - curvature * pull;
                let error = f64::EPSILON * (identity + own.abs() + (curvature * pull).abs());
                change[to][from] = Rounded { value, error };
                // NaN ends the search too.
                let shown = if to == from { value } else { 0.0 };
                largest_change = largest_change.max(shown.abs()).max((curvature * pull).abs());
            }
        }
        let mut moments = SecondMoments::default();
        moments.add(1.0, &Matrices { change, noise: Vec::new() }, layout.blocks());
        let [mut value, mut terms, mut rounding] = [[0.0; 3]; 3];
        for (i, (r, c)) in PAIRS.into_iter().enumerate() {
            let noise = transition.covariance[r][c];
            value[i] = noise / length;
            terms[i] = noise.abs() / length;
            for (j, moment) in target.iter().enumerate() {
                let entry = moments.change[i][j];
                value[i] += entry.value * moment / length;
                terms[i] += (entry.value * moment).abs() / length;
                rounding[i] += 4.0 * entry.error * moment.abs() / length;
            }
        }
        Self { value, terms, rounding, largest_change }
    }
}
