//! The warm-up: chains together find the scale, the step and the friction of a run.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};

use super::curvature::Iteration;
use super::matching::matching;
use super::pair::{Chains, Length, Path, State, drift_at, path};
use super::tuned::Tuned;
use crate::drift::{Drift, Preconditioned, Scale};
use crate::error::{Error, Result};
use crate::math::eigen::{gram, symmetric};

/// Steps of the rounds of a warm-up.
const ROUNDS: [usize; 10] = [20, 40, 60, 80, 100, 150, 200, 200, 200, 200];
/// Rounds in which the friction is at least 1.
const EARLY: usize = 6;
/// Rounds that may follow, with this number of steps, while chains are hot.
const MORE: usize = 20;
const LAST: usize = 400;
/// The median of the kinetic temperatures of chains above which they are hot.
const HOT: f64 = 1.25;
/// Frames of a round that the estimates are made of.
const FRAMES: usize = 4;
/// The largest dimension in which a matrix is tried.
const DENSE: usize = 200;
/// A matrix is worth its cost if the condition number of the scaled coordinates is above this.
const CONDITION: f64 = 4.0;
/// How much better a matrix must be, as the logarithm of the step that it allows.
const DENSER: f64 = 0.4;
/// Chains whose curvature decides between scales.
const JUDGES: usize = 32;
/// Iterations for the largest curvature, and the share of chains that have less than it.
const ITERATIONS: usize = 8;
const SHARE: f64 = 0.9;
/// Rows farther out than this times the median are drawn in.
const FAR: f64 = 4.0;
/// Times that a step is halved for a chain that becomes infinite.
const HALVINGS: usize = 30;

/// What a warm-up leads to.
pub(super) struct Warm {
    pub tuned: Tuned,
    pub state: State,
    pub evaluations: u64,
}

/// Runs the rounds of a warm-up from a start.
pub(super) fn warm_up<D: Drift<f64>>(
    drift: &D,
    chains: Chains,
    start: Array2<f64>,
) -> Result<Warm> {
    let b = drift_at(drift, &start)?;
    let mut evaluations = start.nrows() as u64;
    let scale = scaled(start.view(), b.view())?;
    let mut tuned = stepped(drift, scale, start.view(), start.view(), 1.0)?;
    let mut state = State { positions: start, momenta: None };
    let mut time = 0.0;
    for round in 0..ROUNDS.len() + MORE {
        let steps = ROUNDS.get(round).copied().unwrap_or(LAST);
        let chains = Chains { seed: super::stream(chains.seed, round as u64), ..chains };
        let length = Length { burn_in: steps / 2, interval: (steps / 2) / FRAMES, frames: FRAMES };
        let (path, own) = sound(drift, &tuned, chains, &state, length)?;
        evaluations += path.evaluations;
        time += own.step() * steps as f64;
        let views: Vec<ArrayView2<'_, f64>> = path.frames.outer_iter().collect();
        let x = concatenate(Axis(0), &views).map_err(|_| shape())?;
        let b = drift_at(drift, &x)?;
        evaluations += (x.nrows() + 2 * ITERATIONS * path.end.positions.nrows()) as u64;
        let scale = chosen(drift, tuned.scale(), x.view(), b.view(), path.end.positions.view())?;
        // Chains that fall into the typical set from afar must lose their energy first.
        let time = if round < EARLY { 1.0 } else { time.max(1.0) };
        tuned = stepped(drift, scale, x.view(), path.end.positions.view(), time)?;
        let temperature = quantile(path.kinetic.iter().copied(), 0.5);
        if std::env::var("LV_DEBUG").is_ok() {
            println!("round {round}: {temperature:.3} ran {own}, next {tuned}");
        }
        // Momenta belong to the old coordinates, so every round draws new ones.
        state = State { positions: path.end.positions, momenta: None };
        if round + 1 >= ROUNDS.len() && temperature < HOT {
            break;
        }
    }
    Ok(Warm { tuned, state, evaluations })
}

fn shape() -> Error {
    Error::Shape { what: "frames", given: "none".into(), expected: "at least one".into() }
}

/// A round, with half the step as often as a chain becomes infinite.
fn sound<D: Drift<f64>>(
    drift: &D,
    tuned: &Tuned,
    chains: Chains,
    state: &State,
    length: Length,
) -> Result<(Path, Tuned)> {
    let mut tuned = tuned.clone();
    let mut halvings = 0;
    loop {
        match path(drift, &tuned, chains, state, length) {
            Ok(path) => return Ok((path, tuned)),
            Err(Error::Diverged { .. }) if halvings < HALVINGS => {
                halvings += 1;
                tuned = tuned.halved();
            }
            Err(error) => return Err(error),
        }
    }
}

/// Mean and standard deviation of the columns. Sums run in the order of the rows.
pub(super) fn spread(x: ArrayView2<'_, f64>) -> [Array1<f64>; 2] {
    let n = x.nrows() as f64;
    let mean: Array1<f64> = x.columns().into_iter().map(|c| c.iter().sum::<f64>() / n).collect();
    let sd = x.columns().into_iter().zip(&mean);
    let sd = sd.map(|(c, m)| (c.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / n).sqrt());
    [mean.clone(), sd.collect()]
}

/// The quantile of numbers: the one with this share of the others below it.
fn quantile(numbers: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// Median and median distance from it, which few chains far out do not change.
fn middle(column: ArrayView1<'_, f64>) -> [f64; 2] {
    let median = quantile(column.iter().copied(), 0.5);
    [median, quantile(column.iter().map(|x| (x - median).abs()), 0.5)]
}

/// The best scale for these draws and gradients: the one before, one for each coordinate, or a
/// matrix.
fn chosen<D: Drift<f64>>(
    drift: &D,
    before: &Scale,
    x: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    ends: ArrayView2<'_, f64>,
) -> Result<Scale> {
    let diagonal = scaled(x, b)?;
    let center = diagonal.center().to_owned();
    let scales = diagonal.scales();
    let some = ends.slice(s![..ends.nrows().min(JUDGES), ..]);
    let dim = center.len();
    let mut best = quality(drift, &diagonal, some)?;
    let mut scale = diagonal;
    let mut others = Vec::new();
    if dim > 1 && dim <= DENSE {
        if x.nrows() >= 3 * dim {
            others.extend(matched(&x, &b, &center, &scales));
        }
        others.extend(local(drift, &center, &scales)?);
    }
    others.push(before.clone());
    for other in others {
        let own = quality(drift, &other, some)? + if other.is_dense() { DENSER } else { 0.0 };
        if own < best {
            best = own;
            scale = other;
        }
    }
    Ok(scale)
}

/// How far the curvatures at points are from equal, in the coordinates of a scale: the logarithm of
/// the largest over the geometric mean, up to a constant that no scale changes.
fn quality<D: Drift<f64>>(drift: &D, scale: &Scale, points: ArrayView2<'_, f64>) -> Result<f64> {
    let curvature = curvature(drift, scale, points)?;
    let volume = scale.log_volume() / scale.dimension() as f64;
    let all = 0.5 * curvature.ln() - volume;
    Ok(if all.is_nan() { f64::INFINITY } else { all })
}

/// The curvature that most points are below, in the coordinates of a scale.
fn curvature<D: Drift<f64>>(drift: &D, scale: &Scale, points: ArrayView2<'_, f64>) -> Result<f64> {
    let target = Preconditioned::new(drift, scale.clone());
    let points = scale.to_y(points);
    let mut iteration = Iteration::new(points.view());
    let mut curvatures = Array1::zeros(points.nrows());
    for _ in 0..ITERATIONS {
        curvatures = iteration.next(&target)?;
    }
    Ok(quantile(curvatures.iter().map(|c| if c.is_nan() { f64::INFINITY } else { *c }), SHARE))
}

/// The inverse of the curvature at the centre, with the absolute values of its eigenvalues.
fn local<D: Drift<f64>>(
    drift: &D,
    center: &Array1<f64>,
    scales: &Array1<f64>,
) -> Result<Option<Scale>> {
    let steps = Array2::from_diag(&(scales * 1e-4));
    let ahead = drift_at(drift, &(&steps + center))?;
    let behind = drift_at(drift, &(center - &steps))?;
    // In units of the scales.
    let rows = (&behind - &ahead) * scales / 2e-4;
    let curvature = 0.5 * (&rows + &rows.t());
    if !curvature.iter().all(|c| c.is_finite()) {
        return Ok(None);
    }
    let (values, vectors) = symmetric(&curvature);
    let least = 1e-12 * values.fold(0.0, |a: f64, b| a.max(b.abs()));
    let roots = values.mapv(|value| value.abs().max(least).powf(-0.5));
    let mut covariance = gram((&vectors * &roots).view());
    for ((i, j), c) in covariance.indexed_iter_mut() {
        *c *= scales[i] * scales[j];
    }
    Ok(Scale::dense(center.view(), covariance.view()).ok())
}

/// The scale at which draws and gradients have the same spread: √(spread x / spread b) for each
/// coordinate.
fn scaled(x: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<Scale> {
    let of_x = x.columns().into_iter().map(middle);
    let of_b = b.columns().into_iter().map(middle);
    let both: Vec<[f64; 2]> =
        of_x.zip(of_b).map(|([m, x], [_, b])| [m, sensible((x / b).sqrt())]).collect();
    let center: Array1<f64> = both.iter().map(|[m, _]| *m).collect();
    let scales: Array1<f64> = both.iter().map(|[_, s]| *s).collect();
    Scale::diagonal(center.view(), scales.view())
}

/// The matrix that matches draws and gradients.
fn matched(
    x: &ArrayView2<'_, f64>,
    b: &ArrayView2<'_, f64>,
    center: &Array1<f64>,
    scales: &Array1<f64>,
) -> Option<Scale> {
    let weights = weights(&((x - center) / scales), &(b * scales));
    let unit_x = centred(&(x / scales), &weights);
    let unit_b = centred(&(b * scales), &weights);
    let mut covariance = matching(unit_x.view(), unit_b.view(), CONDITION)?;
    for ((i, j), c) in covariance.indexed_iter_mut() {
        *c *= scales[i] * scales[j];
    }
    Scale::dense(center.view(), covariance.view()).ok()
}

fn norms(rows: &Array2<f64>) -> Vec<f64> {
    rows.rows().into_iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).collect()
}

/// Weights of rows, less for those that are far out.
fn weights(x: &Array2<f64>, b: &Array2<f64>) -> Array1<f64> {
    let of_x = norms(x);
    let of_b = norms(b);
    let most_x = FAR * quantile(of_x.iter().copied(), 0.5);
    let most_b = FAR * quantile(of_b.iter().copied(), 0.5);
    let weight = |(x, b): (&f64, &f64)| sensible((most_x / x).min(most_b / b).min(1.0));
    of_x.iter().zip(&of_b).map(weight).collect()
}

/// Rows without their weighted mean, times their weights: b = −P (x − μ) gives rows −P times those
/// of x.
fn centred(rows: &Array2<f64>, weights: &Array1<f64>) -> Array2<f64> {
    let weights = weights.view().insert_axis(Axis(1));
    let total = weights.sum();
    let mean = (rows * &weights).sum_axis(Axis(0)) / total;
    (rows - &mean) * weights
}

/// Rows with those that are far out drawn in.
fn drawn_in(mut rows: Array2<f64>) -> Array2<f64> {
    let norm = |row: ArrayView1<'_, f64>| row.iter().map(|x| x * x).sum::<f64>().sqrt();
    let most = FAR * quantile(rows.rows().into_iter().map(norm), 0.5);
    for mut row in rows.rows_mut() {
        let length = norm(row.view());
        if length > most {
            row *= most / length;
        }
    }
    rows
}

/// A scale that a computer can use.
fn sensible(scale: f64) -> f64 {
    if scale.is_finite() && scale > 0.0 { scale.clamp(1e-100, 1e100) } else { 1.0 }
}

/// The step and friction for this scale: h = ½/√curvature, and the friction of MEADS.
fn stepped<D: Drift<f64>>(
    drift: &D,
    scale: Scale,
    x: ArrayView2<'_, f64>,
    ends: ArrayView2<'_, f64>,
    time: f64,
) -> Result<Tuned> {
    let curvature = curvature(drift, &scale, ends)?;
    let step = (0.5 / curvature.sqrt()).min(1.0);
    let step = if step.is_finite() && step > 0.0 { step } else { 1e-3 };
    let mut y = drawn_in(scale.to_y(x));
    let [mean, _] = spread(y.view());
    y -= &mean;
    let slow = 1.0 / largest(y.view()).sqrt();
    let friction = slow.max(1.0 / time);
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
    let dim = x.ncols();
    let mut squares = 0.0;
    for i in 0..dim {
        for j in 0..=i {
            let dot: f64 = x.column(i).iter().zip(x.column(j)).map(|(a, b)| a * b).sum();
            squares += dot * dot * if i == j { 1.0 } else { 2.0 };
        }
    }
    let norms: Vec<f64> = x.rows().into_iter().map(|row| row.iter().map(|x| x * x).sum()).collect();
    let fourth: f64 = norms.iter().map(|norm| norm * norm).sum();
    let second: f64 = norms.iter().sum::<f64>() / n;
    ((squares - fourth) / (n * (n - 1.0))).max(0.0) / second
}
