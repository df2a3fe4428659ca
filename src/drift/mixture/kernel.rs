//! The vector kernel of a mixture: distances, log-sum-exp and the weighted sum, lanes being chains.

use ndarray::{Array1, Array2, Axis};

use super::Spread;
use crate::drift::ScratchPool;
use crate::math::simd::Kernel;
use crate::real::Real;

const LANES: usize = 16;

/// How the squared distance to a component is measured, by component.
#[derive(Clone, Debug)]
enum Precision<F> {
    /// 1/σ², (components).
    Isotropic(Vec<F>),
    /// 1/σ², (components, dim).
    Diagonal(Vec<F>),
    /// The inverse of the lower Cholesky factor, rows of 1, 2, …, dim numbers, by component.
    Full(Vec<F>),
}

/// A mixture's numbers in one precision, laid out for the kernel.
#[derive(Clone, Debug)]
pub struct Tables<F> {
    /// Working memory of [`Evaluate`], which is shared between threads.
    pub(super) scratch: ScratchPool<Vec<F>>,
    dim: usize,
    /// log wₖ − ½ log det Σₖ, (components).
    constants: Vec<F>,
    /// −½ dim · log 2π.
    normalisation: F,
    means: Vec<F>,
    precision: Precision<F>,
}

impl Tables<f64> {
    pub(super) fn new(weights: &Array1<f64>, means: &Array2<f64>, spread: &Spread) -> Self {
        let (components, dim) = means.dim();
        let (half_log_det, precision): (Vec<f64>, _) = match spread {
            Spread::Isotropic(std) => {
                let constant = dim as f64 * libm::log(*std);
                (vec![constant; components], Precision::Isotropic(vec![1.0 / (std * std); components]))
            }
            Spread::Diagonal(variances) => (
                variances.rows().into_iter().map(|row| row.iter().map(|v| 0.5 * libm::log(*v)).sum()).collect(),
                Precision::Diagonal(variances.iter().map(|v| 1.0 / v).collect()),
            ),
            Spread::Full(factors) => {
                let mut packed = Vec::with_capacity(components * dim * (dim + 1) / 2);
                let mut constants = Vec::with_capacity(components);
                for factor in factors.axis_iter(Axis(0)) {
                    constants.push((0..dim).map(|i| libm::log(factor[[i, i]])).sum());
                    let inverse = invert_lower(&factor.to_owned());
                    (0..dim).for_each(|i| packed.extend((0..=i).map(|j| inverse[[i, j]])));
                }
                (constants, Precision::Full(packed))
            }
        };
        let constants = weights.iter().zip(half_log_det).map(|(w, det)| libm::log(*w) - det).collect();
        let normalisation = -0.5 * dim as f64 * libm::log(std::f64::consts::TAU);
        Self {
            scratch: ScratchPool::default(),
            dim,
            constants,
            normalisation,
            means: means.iter().copied().collect(),
            precision,
        }
    }

    pub(super) fn rounded(&self) -> Tables<f32> {
        let round = |numbers: &[f64]| numbers.iter().map(|x| *x as f32).collect();
        Tables {
            scratch: ScratchPool::default(),
            dim: self.dim,
            constants: round(&self.constants),
            normalisation: self.normalisation as f32,
            means: round(&self.means),
            precision: match &self.precision {
                Precision::Isotropic(p) => Precision::Isotropic(round(p)),
                Precision::Diagonal(p) => Precision::Diagonal(round(p)),
                Precision::Full(p) => Precision::Full(round(p)),
            },
        }
    }
}

fn invert_lower(factor: &Array2<f64>) -> Array2<f64> {
    let dim = factor.nrows();
    let mut inverse = Array2::<f64>::zeros((dim, dim));
    for j in 0..dim {
        inverse[[j, j]] = 1.0 / factor[[j, j]];
        for i in j + 1..dim {
            let dot: f64 = (j..i).map(|k| factor[[i, k]] * inverse[[k, j]]).sum();
            inverse[[i, j]] = -dot / factor[[i, i]];
        }
    }
    inverse
}

/// What to compute; column-major, of the width given.
pub(super) enum Output<'a, F> {
    /// ∇ log π, dim columns.
    Score(&'a mut [F]),
    /// log π, one column.
    LogDensity(&'a mut [F]),
    /// rₖ, one column for each component.
    Responsibilities(&'a mut [F]),
    /// Smallest distance to a mean in units of its spread, one column.
    Distance(&'a mut [F]),
}

/// Evaluates a mixture on `rows` points, column-major.
pub(super) struct Evaluate<'a, F> {
    pub tables: &'a Tables<F>,
    pub rows: usize,
    pub x: &'a [F],
    pub output: Output<'a, F>,
    pub scratch: &'a mut Vec<F>,
}

type Lanes<F> = [F; LANES];

#[inline(always)]
fn lanes<F: Real>(from: &[F], index: usize) -> Lanes<F> {
    let mut out = [F::zero(); LANES];
    out.copy_from_slice(&from[index * LANES..(index + 1) * LANES]);
    out
}

impl<F: Real> Kernel for Evaluate<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let (components, dim) = (self.tables.constants.len(), self.tables.dim);
        let full = matches!(self.tables.precision, Precision::Full(_));
        // Points, exponents and (for full covariances) whitened differences of every component, LANES wide.
        let whitened = if full { components * dim } else { 0 };
        let mut scratch = std::mem::take(self.scratch);
        scratch.resize((dim + components + whitened) * LANES, F::zero());
        let (points, rest) = scratch.split_at_mut(dim * LANES);
        let (exponents, whitened) = rest.split_at_mut(components * LANES);
        for start in (0..self.rows).step_by(LANES) {
            let count = LANES.min(self.rows - start);
            for j in 0..dim {
                let from = &self.x[j * self.rows + start..j * self.rows + start + count];
                let to = &mut points[j * LANES..(j + 1) * LANES];
                if count == LANES {
                    to.copy_from_slice(from);
                } else {
                    // Lanes beyond the last row repeat it, so that they stay finite.
                    to.fill(from[count - 1]);
                    to[..count].copy_from_slice(from);
                }
            }
            self.block(start, count, points, exponents, whitened);
        }
        *self.scratch = scratch;
    }
}

impl<F: Real> Evaluate<'_, F> {
    #[inline(always)]
    fn block(&mut self, start: usize, count: usize, points: &[F], exponents: &mut [F], whitened: &mut [F]) {
        let tables = self.tables;
        squared_distances(tables, points, exponents, whitened);
        if let Output::Distance(out) = &mut self.output {
            let mut nearest = [F::infinity(); LANES];
            for (k, constant) in tables.constants.iter().enumerate() {
                let squared = lanes(exponents, k);
                for l in 0..LANES {
                    // A component of weight zero is no mode; NaN must survive the comparison.
                    let closer = *constant > F::neg_infinity() && !(squared[l] >= nearest[l]);
                    nearest[l] = if closer { squared[l] } else { nearest[l] };
                }
            }
            for l in 0..count {
                out[start + l] = nearest[l].sqrt();
            }
            return;
        }
        let half = F::from_f64(-0.5);
        let mut largest = [F::neg_infinity(); LANES];
        for (k, constant) in tables.constants.iter().enumerate() {
            let to = &mut exponents[k * LANES..(k + 1) * LANES];
            for l in 0..LANES {
                let exponent = half.fma(to[l], *constant);
                to[l] = exponent;
                largest[l] = if exponent > largest[l] { exponent } else { largest[l] };
            }
        }
        let mut total = [F::zero(); LANES];
        for to in exponents.chunks_exact_mut(LANES) {
            for l in 0..LANES {
                let weight = (to[l] - largest[l]).exp_lane();
                to[l] = weight;
                total[l] += weight;
            }
        }
        match &mut self.output {
            Output::Distance(_) => {}
            Output::LogDensity(out) => {
                for l in 0..count {
                    out[start + l] = largest[l] + total[l].ln() + tables.normalisation;
                }
            }
            Output::Responsibilities(out) => {
                for (k, weights) in exponents.chunks_exact(LANES).enumerate() {
                    for l in 0..count {
                        out[k * self.rows + start + l] = weights[l] / total[l];
                    }
                }
            }
            Output::Score(out) => {
                let mut inverse = [F::zero(); LANES];
                for l in 0..LANES {
                    inverse[l] = F::one() / total[l];
                }
                score(tables, points, exponents, whitened, |j, sum| {
                    let mut result = [F::zero(); LANES];
                    for l in 0..LANES {
                        result[l] = sum[l] * inverse[l];
                    }
                    let at = j * self.rows + start;
                    if count == LANES {
                        out[at..at + LANES].copy_from_slice(&result);
                    } else {
                        out[at..at + count].copy_from_slice(&result[..count]);
                    }
                });
            }
        }
    }
}

/// (x − μₖ)ᵀ Σₖ⁻¹ (x − μₖ) for every component; differences are taken before squaring, so nothing cancels.
#[inline(always)]
fn squared_distances<F: Real>(tables: &Tables<F>, points: &[F], out: &mut [F], whitened: &mut [F]) {
    let dim = tables.dim;
    for k in 0..tables.constants.len() {
        let mean = &tables.means[k * dim..(k + 1) * dim];
        let mut sum = [F::zero(); LANES];
        match &tables.precision {
            Precision::Isotropic(precision) => {
                for (j, mu) in mean.iter().enumerate() {
                    let x = lanes(points, j);
                    for l in 0..LANES {
                        let away = x[l] - *mu;
                        sum[l] = away.fma(away, sum[l]);
                    }
                }
                for l in 0..LANES {
                    sum[l] *= precision[k];
                }
            }
            Precision::Diagonal(precision) => {
                for (j, mu) in mean.iter().enumerate() {
                    let (x, p) = (lanes(points, j), precision[k * dim + j]);
                    for l in 0..LANES {
                        let away = x[l] - *mu;
                        sum[l] = (away * p).fma(away, sum[l]);
                    }
                }
            }
            Precision::Full(inverse) => {
                let size = dim * (dim + 1) / 2;
                let inverse = &inverse[k * size..(k + 1) * size];
                let mut row = 0;
                for i in 0..dim {
                    let mut y = [F::zero(); LANES];
                    for j in 0..=i {
                        let (x, c) = (lanes(points, j), inverse[row + j]);
                        for l in 0..LANES {
                            y[l] = c.fma(x[l] - mean[j], y[l]);
                        }
                    }
                    row += i + 1;
                    for l in 0..LANES {
                        sum[l] = y[l].fma(y[l], sum[l]);
                    }
                    whitened[(k * dim + i) * LANES..(k * dim + i + 1) * LANES].copy_from_slice(&y);
                }
            }
        }
        out[k * LANES..(k + 1) * LANES].copy_from_slice(&sum);
    }
}

/// Σₖ weightₖ Σₖ⁻¹ (μₖ − x), coordinate by coordinate.
#[inline(always)]
fn score<F: Real>(
    tables: &Tables<F>,
    points: &[F],
    weights: &mut [F],
    whitened: &[F],
    mut write: impl FnMut(usize, Lanes<F>),
) {
    let (components, dim) = (tables.constants.len(), tables.dim);
    match &tables.precision {
        Precision::Isotropic(precision) => {
            for (k, p) in precision.iter().enumerate() {
                weights[k * LANES..(k + 1) * LANES].iter_mut().for_each(|w| *w *= *p);
            }
            for j in 0..dim {
                let x = lanes(points, j);
                let mut sum = [F::zero(); LANES];
                for k in 0..components {
                    let (w, mu) = (lanes(weights, k), tables.means[k * dim + j]);
                    for l in 0..LANES {
                        sum[l] = w[l].fma(mu - x[l], sum[l]);
                    }
                }
                write(j, sum);
            }
        }
        Precision::Diagonal(precision) => {
            for j in 0..dim {
                let x = lanes(points, j);
                let mut sum = [F::zero(); LANES];
                for k in 0..components {
                    let (w, mu, p) = (lanes(weights, k), tables.means[k * dim + j], precision[k * dim + j]);
                    for l in 0..LANES {
                        sum[l] = w[l].fma((mu - x[l]) * p, sum[l]);
                    }
                }
                write(j, sum);
            }
        }
        Precision::Full(inverse) => {
            let size = dim * (dim + 1) / 2;
            for j in 0..dim {
                let mut sum = [F::zero(); LANES];
                for k in 0..components {
                    let w = lanes(weights, k);
                    let mut back = [F::zero(); LANES];
                    for i in j..dim {
                        let (y, c) = (lanes(whitened, k * dim + i), inverse[k * size + i * (i + 1) / 2 + j]);
                        for l in 0..LANES {
                            back[l] = c.fma(y[l], back[l]);
                        }
                    }
                    for l in 0..LANES {
                        sum[l] = (-w[l]).fma(back[l], sum[l]);
                    }
                }
                write(j, sum);
            }
        }
    }
}
