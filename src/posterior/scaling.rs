//! The scale of a round of the warm-up: the candidates, and the choice between them.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::curvature::Iteration;
use super::matching::matching;
use super::pair::drift_at;
use crate::drift::{Drift, Preconditioned, Scale};
use crate::error::Result;
use crate::math::eigen::{gram, norm, symmetric};

/// The largest dimension in which a matrix is tried.
const DENSE: usize = 200;
/// A matrix is no candidate if the condition number in scaled coordinates is below this.
const CONDITION: f64 = 4.0;
/// How much better a matrix must be, as the logarithm of the step that it allows.
const DENSER: f64 = 0.4;
/// Chains whose curvature decides between scales.
const JUDGES: usize = 32;
/// Iterations for the largest curvature.
const ITERATIONS: usize = 8;
/// The share of chains with less than the curvature that counts.
pub(super) const SHARE: f64 = 0.9;
/// Rows farther out than this times the median count less.
const FAR: f64 = 4.0;

/// The best scale for these draws and gradients: the one before, one for each coordinate, or a
/// matrix.
pub(super) fn chosen<D: Drift<f64>>(
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
    let curvature = curvature(drift, scale, points, SHARE)?;
    let volume = scale.log_volume() / scale.dimension() as f64;
    let all = 0.5 * libm::log(curvature) - volume;
    Ok(if all.is_nan() { f64::INFINITY } else { all })
}

/// The curvature that this share of points is below, in the coordinates of a scale.
pub(super) fn curvature<D: Drift<f64>>(
    drift: &D,
    scale: &Scale,
    points: ArrayView2<'_, f64>,
    share: f64,
) -> Result<f64> {
    let target = Preconditioned::new(drift, scale.clone());
    let points = scale.to_y(points);
    let mut iteration = Iteration::new(points.view());
    let mut curvatures = Array1::zeros(points.nrows());
    for _ in 0..ITERATIONS {
        curvatures = iteration.next(&target)?;
    }
    Ok(quantile(curvatures.iter().map(|c| if c.is_nan() { f64::INFINITY } else { *c }), share))
}

/// The inverse of the curvature at the centre, with the absolute values of its eigenvalues.
fn local<D: Drift<f64>>(
    drift: &D,
    center: &Array1<f64>,
    scales: &Array1<f64>,
) -> Result<Option<Scale>> {
    let steps = Array2::from_diag(&(scales * 1e-4));
    let ahead = drift_at(drift, (&steps + center).view())?;
    let behind = drift_at(drift, (center - &steps).view())?;
    // In units of the scales.
    let rows = (&behind - &ahead) * scales / 2e-4;
    let curvature = 0.5 * (&rows + &rows.t());
    if !curvature.iter().all(|c| c.is_finite()) {
        return Ok(None);
    }
    let (values, vectors) = symmetric(&curvature);
    let least = 1e-12 * values.fold(0.0, |a: f64, b| a.max(b.abs()));
    let roots = values.mapv(|value| 1.0 / value.abs().max(least).sqrt());
    Ok(in_units(gram((&vectors * &roots).view()), center, scales))
}

/// The scale of a covariance that is in units of the scales, if it is one.
fn in_units(
    mut covariance: Array2<f64>,
    center: &Array1<f64>,
    scales: &Array1<f64>,
) -> Option<Scale> {
    for ((i, j), c) in covariance.indexed_iter_mut() {
        *c *= scales[i] * scales[j];
    }
    Scale::dense(center.view(), covariance.view()).ok()
}

/// The scale at which draws and gradients have the same spread: √(spread x / spread b) for each
/// coordinate.
pub(super) fn scaled(x: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<Scale> {
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
    in_units(matching(unit_x.view(), unit_b.view(), CONDITION)?, center, scales)
}

/// Rows around the median of their columns.
pub(super) fn about_medians(mut rows: Array2<f64>) -> Array2<f64> {
    for mut column in rows.columns_mut() {
        let median = quantile(column.iter().copied(), 0.5);
        column -= median;
    }
    rows
}

/// The lengths of rows, and the length from which on a row is far out.
pub(super) fn norms(rows: &Array2<f64>) -> (Vec<f64>, f64) {
    let norms: Vec<f64> = rows.rows().into_iter().map(norm).collect();
    let far = FAR * quantile(norms.iter().copied(), 0.5);
    (norms, far)
}

/// Weights of rows, less for those that are far out.
fn weights(x: &Array2<f64>, b: &Array2<f64>) -> Array1<f64> {
    let (of_x, far_x) = norms(x);
    let (of_b, far_b) = norms(b);
    let weight = |(x, b): (&f64, &f64)| sensible((far_x / x).min(far_b / b).min(1.0));
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

/// A scale that a computer can use.
fn sensible(scale: f64) -> f64 {
    if scale.is_finite() && scale > 0.0 { scale.clamp(1e-100, 1e100) } else { 1.0 }
}

/// The quantile of numbers: the one with this share of the others below it.
pub(super) fn quantile(numbers: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// Median and median distance from it, which few chains far out do not change.
fn middle(column: ArrayView1<'_, f64>) -> [f64; 2] {
    let median = quantile(column.iter().copied(), 0.5);
    [median, quantile(column.iter().map(|x| (x - median).abs()), 0.5)]
}
