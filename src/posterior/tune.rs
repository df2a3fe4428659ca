//! The warm-up: chains together find the scale, the step and the friction of a run.

use ndarray::{Array2, ArrayView2, ArrayView3, Axis, concatenate};

use super::pair::{Chains, Length, Path, State, drift_at, path};
use super::scaling::{SHARE, about_medians, chosen, curvature, norms, quantile, scaled};
use super::tuned::Tuned;
use crate::drift::{Distributed, Drift, Scale};
use crate::error::{Error, Result};
use crate::noise::Philox;

/// Steps of the rounds of a warm-up.
const ROUNDS: [usize; 10] = [20, 40, 60, 80, 100, 150, 200, 200, 200, 200];
/// Rounds that may follow, with this number of steps, while chains are hot.
const MORE: usize = 20;
const LAST: usize = 400;
/// The median of the kinetic temperatures of chains above which they are hot.
const HOT: f64 = 1.25;
/// The kinetic temperature of a share of chains above which they fall, plus two standard errors.
const FALLING: f64 = 1.5;
/// Rounds in a row that change nothing, after which a warm-up may end, and its fewest rounds.
const SETTLED: usize = 2;
const FEWEST: usize = 5;
/// The change of the logarithm of step or friction below which a warm-up may end.
const CLOSE: f64 = 0.5;
/// Frames of a round that the estimates are made of.
const FRAMES: usize = 4;
/// Times that a step is halved for a chain that becomes infinite.
const HALVINGS: usize = 30;

/// How far a warm-up is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The least friction is the inverse of it.
    pub time: f64,
    /// Whether chains still fall into the typical set.
    pub falling: bool,
}

/// What a warm-up leads to.
pub(super) struct Warm {
    pub tuned: Tuned,
    pub state: State,
}

/// Runs the rounds of a warm-up from a start, where the drift is `b`.
pub(super) fn warm_up<D: Drift<f64>>(
    drift: &Distributed<D>,
    chains: Chains,
    start: Array2<f64>,
    b: ArrayView2<'_, f64>,
) -> Result<Warm> {
    let scale = scaled(start.view(), b)?;
    let pace = Pace { time: 1.0, falling: true };
    let mut tuned = stepped(drift, scale, start.view(), start.view(), pace)?;
    let mut state = State { positions: start, momenta: None };
    let mut time = 0.0;
    let mut settled = 0;
    for round in 0..ROUNDS.len() + MORE {
        let steps = ROUNDS.get(round).copied().unwrap_or(LAST);
        let chains = Chains { seed: super::stream(chains.seed, round as u64), ..chains };
        let length = Length { burn_in: steps / 2, interval: (steps / 2) / FRAMES, frames: FRAMES };
        let (path, own) = sound(drift, &tuned, chains, &state, length)?;
        time += own.step() * steps as f64;
        let temperature = |share| quantile(path.kinetic.iter().copied(), share);
        let numbers = (FRAMES * path.frames.dim().2) as f64;
        let falling = temperature(SHARE) > FALLING + 2.0 * (2.0 / numbers).sqrt();
        // Chains that fall into the typical set from afar must lose their energy first.
        let time = if falling { 1.0 } else { time.max(1.0) };
        let before = tuned;
        let ends = path.end.positions;
        let pace = Pace { time, falling };
        tuned = retuned(drift, before.scale(), path.frames.view(), ends.view(), pace)?;
        // Momenta belong to the old coordinates, so every round draws new ones.
        state = State { positions: ends, momenta: None };
        let is_settled = !falling && temperature(0.5) < HOT && is_close(&before, &tuned);
        settled = if is_settled { settled + 1 } else { 0 };
        if (settled >= SETTLED && round + 1 >= FEWEST) || (settled > 0 && round + 1 >= ROUNDS.len())
        {
            break;
        }
    }
    Ok(Warm { tuned, state })
}

/// Settings from frames of a run in the coordinates of a scale, and from its end.
pub(super) fn retuned<D: Drift<f64>>(
    drift: &D,
    before: &Scale,
    frames: ArrayView3<'_, f64>,
    ends: ArrayView2<'_, f64>,
    pace: Pace,
) -> Result<Tuned> {
    let views: Vec<ArrayView2<'_, f64>> = frames.outer_iter().collect();
    let x = concatenate(Axis(0), &views).expect("frames of one shape");
    let b = drift_at(drift, x.view())?;
    let scale = chosen(drift, before, x.view(), b.view(), ends)?;
    stepped(drift, scale, x.view(), ends, pace)
}

/// Whether the step and the friction hardly change.
pub(super) fn is_close(before: &Tuned, after: &Tuned) -> bool {
    let close = |a: f64, b: f64| libm::log(a / b).abs() < CLOSE;
    close(before.step(), after.step()) && close(before.friction(), after.friction())
}

/// A round, with half the step as often as a chain becomes infinite.
fn sound<D: Drift<f64>>(
    drift: &Distributed<D>,
    tuned: &Tuned,
    chains: Chains,
    state: &State,
    length: Length,
) -> Result<(Path, Tuned)> {
    let noise = Philox::new(chains.seed);
    let mut tuned = tuned.clone();
    let mut halvings = 0;
    loop {
        match path(drift, &tuned, chains, state, length, &noise) {
            Ok(path) => return Ok((path, tuned)),
            Err(Error::Diverged { .. }) if halvings < HALVINGS => {
                halvings += 1;
                tuned = tuned.halved();
            }
            Err(error) => return Err(error),
        }
    }
}

/// The step and friction for this scale: h = ½/√curvature, and the friction of MEADS. While chains
/// fall, no chain may be unstable, and friction takes the energy at once: a chain that is thrown
/// far out comes back slowly, if at all.
fn stepped<D: Drift<f64>>(
    drift: &D,
    scale: Scale,
    x: ArrayView2<'_, f64>,
    ends: ArrayView2<'_, f64>,
    pace: Pace,
) -> Result<Tuned> {
    let curvature = curvature(drift, &scale, ends, if pace.falling { 1.0 } else { SHARE })?;
    let step = (0.5 / curvature.sqrt()).min(1.0);
    let step = if step.is_finite() && step > 0.0 { step } else { 1e-3 };
    let slow = 1.0 / largest(drawn_in(scale.to_y(x)).view()).sqrt();
    let friction = slow.max(1.0 / pace.time).max(if pace.falling { 1.0 / step } else { 0.0 });
    let friction = if friction.is_finite() && friction > 0.0 { friction } else { 1.0 };
    Tuned::new(scale, step, friction.min(10.0 / step))
}

/// An estimate of the largest eigenvalue of the second moments of rows.
///
/// ```text
/// Λ = [ (Σ_ij (x_i·x_j)² − Σ_i |x_i|⁴)/(n(n−1)) ] / [ Σ |x_i|²/n ]
/// ```
///
/// Source: Hoffman & Sountsov 2022.
fn largest(x: ArrayView2<'_, f64>) -> f64 {
    let n = x.nrows() as f64;
    // The sum is ‖X Xᵀ‖² and ‖Xᵀ X‖²: take the smaller side.
    let lanes = if x.nrows() < x.ncols() { x.t() } else { x };
    let mut squares = 0.0;
    for i in 0..lanes.ncols() {
        for j in 0..=i {
            let dot: f64 = lanes.column(i).iter().zip(lanes.column(j)).map(|(a, b)| a * b).sum();
            squares += dot * dot * if i == j { 1.0 } else { 2.0 };
        }
    }
    let norms: Vec<f64> = x.rows().into_iter().map(|row| row.iter().map(|x| x * x).sum()).collect();
    let fourth: f64 = norms.iter().map(|norm| norm * norm).sum();
    let second: f64 = norms.iter().sum::<f64>() / n;
    ((squares - fourth) / (n * (n - 1.0))).max(0.0) / second
}

/// Rows around the median of their columns. Those far out are drawn in, so that a few chains that
/// got lost do not count.
fn drawn_in(rows: Array2<f64>) -> Array2<f64> {
    let mut rows = about_medians(rows);
    let (norms, far) = norms(&rows);
    for (mut row, norm) in rows.rows_mut().into_iter().zip(&norms) {
        if *norm > far {
            row *= far / norm;
        }
    }
    rows
}
