//! The vector kernel of a mixture: distances, log-sum-exp and the weighted sum, with one chain per
//! lane.

mod overflow;

use ndarray::{Array2, Axis};

use super::spread::Spread;
use crate::math::aligned::Aligned;
use crate::math::elementary::ln_as_libm;
use crate::math::rows::{self, Blocks, by_blocks, gather};
use crate::math::simd::Kernel;
use crate::math::softmax;
use crate::real::Real;
use crate::scratch::ScratchPool;

/// Coordinates, or components, that one pass over a block includes.
const GROUP: usize = 4;

/// The precisions in the squared distance to each component.
#[derive(Clone, Debug)]
enum Precision<F> {
    /// 1/σ², the same for all components.
    Isotropic(F),
    /// 1/σ², (components, dim).
    Diagonal(Vec<F>),
    /// The inverses of the lower Cholesky factors, one for each component, as rows of 1, 2, …, dim
    /// numbers.
    Full(Vec<F>),
}

/// The parameters of a mixture in one precision, in the layout of the kernel.
#[derive(Clone, Debug)]
pub(super) struct Tables<F> {
    /// Working memory of [`Evaluate`]. Threads share the pool.
    pub(super) scratch: ScratchPool<Aligned<F>>,
    dim: usize,
    /// log wₖ − ½ log det Σₖ, (components).
    constants: Vec<F>,
    /// −½ dim · log 2π.
    normalisation: F,
    means: Vec<F>,
    precision: Precision<F>,
}

impl Tables<f64> {
    pub(super) fn new(weights: &[f64], means: &Array2<f64>, spread: &Spread) -> Self {
        let (components, dim) = means.dim();
        let (half_log_det, precision): (Vec<f64>, _) = match spread {
            Spread::Isotropic(std) => {
                let constant = dim as f64 * libm::log(*std);
                (vec![constant; components], Precision::Isotropic(1.0 / (std * std)))
            }
            Spread::Diagonal(variances) => (
                variances
                    .rows()
                    .into_iter()
                    .map(|row| row.iter().map(|v| 0.5 * libm::log(*v)).sum())
                    .collect(),
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
        let constants =
            weights.iter().zip(half_log_det).map(|(w, det)| libm::log(*w) - det).collect();
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
                Precision::Isotropic(p) => Precision::Isotropic(*p as f32),
                Precision::Diagonal(p) => Precision::Diagonal(round(p)),
                Precision::Full(p) => Precision::Full(round(p)),
            },
        }
    }
}

impl<F: Real> Tables<F> {
    /// The factor of the precision that all components share, or 1 if there is none.
    #[inline(always)]
    fn common_precision(&self) -> F {
        if let Precision::Isotropic(precision) = self.precision { precision } else { F::one() }
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

/// What to compute. The slices are column-major, with this number of columns.
pub(super) enum Output<'a, F> {
    /// ∇ log π, dim columns.
    Score(&'a mut [F]),
    /// log π, one column.
    LogDensity(&'a mut [F]),
    /// ∇ log π and log π.
    Both(&'a mut [F], &'a mut [F]),
    /// rₖ, one column for each component.
    Responsibilities(&'a mut [F]),
    /// Smallest distance to a mean in units of its standard deviation, one column.
    Distance(&'a mut [F]),
}

/// Evaluates a mixture on `rows` points, column-major.
pub(super) struct Evaluate<'a, F> {
    pub tables: &'a Tables<F>,
    pub rows: usize,
    pub x: &'a [F],
    pub output: Output<'a, F>,
    pub scratch: &'a mut Aligned<F>,
}

impl<F: Real> Kernel for Evaluate<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let components = self.tables.constants.len();
        let dim = self.tables.dim;
        let full = matches!(self.tables.precision, Precision::Full(_));
        // The parts of each row: the point, the exponent of every component, and the whitened
        // differences of full covariances.
        let by_row = dim + components + if full { components * dim } else { 0 };
        let mut scratch = std::mem::take(self.scratch);
        let lanes = rows::lanes::<F>(by_row);
        scratch.resize(by_row * lanes, F::zero());
        let rows = self.rows;
        by_blocks(&mut self, rows, lanes, &mut scratch);
        *self.scratch = scratch;
    }
}

impl<F: Real> Blocks<F> for Evaluate<'_, F> {
    #[inline(always)]
    fn block<const L: usize>(&mut self, start: usize, count: usize, scratch: &mut [F]) {
        let tables = self.tables;
        let (lanes, _) = scratch.as_chunks_mut::<L>();
        let (points, rest) = lanes.split_at_mut(tables.dim);
        let (exponents, whitened) = rest.split_at_mut(tables.constants.len());
        gather(self.x, self.rows, start, count, points);
        squared_distances(tables, points, exponents, whitened);
        if let Output::Distance(out) = &mut self.output {
            out[start..start + count].copy_from_slice(&nearest(tables, exponents)[..count]);
            return;
        }
        let common = tables.common_precision();
        let scale = F::from_f64(-0.5) * common;
        let mut largest = [F::neg_infinity(); L];
        for (&constant, exponents) in tables.constants.iter().zip(exponents.iter_mut()) {
            for exponent in exponents.iter_mut() {
                *exponent = scale.fma(*exponent, constant);
            }
            softmax::raise(&mut largest, exponents);
        }
        let total = softmax::weigh(exponents, &largest);
        if let Output::LogDensity(out) | Output::Both(_, out) = &mut self.output {
            let mut logs = [F::zero(); L];
            for l in 0..L {
                let log = F::from_f64(ln_as_libm(total[l].widen()));
                logs[l] = largest[l] + log + tables.normalisation;
            }
            out[start..start + count].copy_from_slice(&logs[..count]);
        }
        match &mut self.output {
            Output::Distance(_) | Output::LogDensity(_) => {}
            Output::Responsibilities(out) => {
                for (k, weights) in exponents.iter().enumerate() {
                    for l in 0..count {
                        out[k * self.rows + start + l] = weights[l] / total[l];
                    }
                }
            }
            Output::Score(out) | Output::Both(out, _) => {
                let total = total.map(|sum| common / sum);
                score(tables, points, exponents, whitened, |j, sum| {
                    for l in 0..L {
                        sum[l] *= total[l];
                    }
                    out[j * self.rows + start..][..count].copy_from_slice(&sum[..count]);
                });
            }
        }
    }
}

/// (x − μₖ)ᵀ Σₖ⁻¹ (x − μₖ) for every component, without the factor that all components share.
/// Differences are taken before squaring, so nothing cancels.
#[inline(always)]
fn squared_distances<F: Real, const L: usize>(
    tables: &Tables<F>,
    points: &[[F; L]],
    out: &mut [[F; L]],
    whitened: &mut [[F; L]],
) {
    let dim = tables.dim;
    for (k, out) in out.iter_mut().enumerate() {
        let mean = &tables.means[k * dim..(k + 1) * dim];
        match &tables.precision {
            Precision::Isotropic(_) => weighted_squares(points, mean, |_| F::one(), out),
            Precision::Diagonal(precision) => {
                weighted_squares(points, mean, |j| precision[k * dim + j], out)
            }
            Precision::Full(inverse) => {
                let inverse = &inverse[k * dim * (dim + 1) / 2..];
                out.fill(F::zero());
                for i in 0..dim {
                    let mut y = [F::zero(); L];
                    for (j, &c) in inverse[i * (i + 1) / 2..][..=i].iter().enumerate() {
                        let x = &points[j];
                        let mean = mean[j];
                        for l in 0..L {
                            y[l] = c.fma(x[l] - mean, y[l]);
                        }
                    }
                    for l in 0..L {
                        out[l] = y[l].fma(y[l], out[l]);
                    }
                    whitened[k * dim + i] = y;
                }
            }
        }
    }
}

/// Σ (xⱼ − μⱼ)² pⱼ. A pass takes a few coordinates, always in their order.
#[inline(always)]
fn weighted_squares<F: Real, const L: usize>(
    points: &[[F; L]],
    mean: &[F],
    precision: impl Fn(usize) -> F,
    out: &mut [F; L],
) {
    out.fill(F::zero());
    let (groups, rest) = points.as_chunks::<GROUP>();
    for (g, x) in groups.iter().enumerate() {
        let (m, p) = numbers::<F, GROUP>(mean, &precision, g * GROUP);
        add_squares(x, &m, &p, out);
    }
    let j = groups.len() * GROUP;
    if let [a, b] = rest {
        let (m, p) = numbers::<F, 2>(mean, &precision, j);
        add_squares(&[*a, *b], &m, &p, out);
    } else {
        for (i, x) in rest.iter().enumerate() {
            let (m, p) = numbers::<F, 1>(mean, &precision, j + i);
            add_squares(&[*x], &m, &p, out);
        }
    }
}

#[inline(always)]
fn numbers<F: Real, const N: usize>(
    mean: &[F],
    precision: &impl Fn(usize) -> F,
    j: usize,
) -> ([F; N], [F; N]) {
    (std::array::from_fn(|i| mean[j + i]), std::array::from_fn(|i| precision(j + i)))
}

#[inline(always)]
fn add_squares<F: Real, const L: usize, const N: usize>(
    x: &[[F; L]; N],
    mean: &[F; N],
    precision: &[F; N],
    out: &mut [F; L],
) {
    for l in 0..L {
        let mut sum = out[l];
        for i in 0..N {
            let away = x[i][l] - mean[i];
            sum = (away * precision[i]).fma(away, sum);
        }
        out[l] = sum;
    }
}

/// Σₖ weightₖ Σₖ⁻¹ (μₖ − x), coordinate by coordinate, without the factor that all components
/// share.
#[inline(always)]
fn score<F: Real, const L: usize>(
    tables: &Tables<F>,
    points: &[[F; L]],
    weights: &[[F; L]],
    whitened: &[[F; L]],
    mut write: impl FnMut(usize, &mut [F; L]),
) {
    let dim = tables.dim;
    for (j, x) in points.iter().enumerate() {
        let mut sum = [F::zero(); L];
        match &tables.precision {
            Precision::Isotropic(_) => {
                pull(x, weights, &mut sum, |k| (tables.means[k * dim + j], F::one()))
            }
            Precision::Diagonal(precision) => {
                pull(x, weights, &mut sum, |k| (tables.means[k * dim + j], precision[k * dim + j]));
            }
            Precision::Full(inverse) => {
                let size = dim * (dim + 1) / 2;
                for (k, w) in weights.iter().enumerate() {
                    for i in j..dim {
                        let c = -inverse[k * size + i * (i + 1) / 2 + j];
                        let y = &whitened[k * dim + i];
                        for l in 0..L {
                            sum[l] = (w[l] * c).fma(y[l], sum[l]);
                        }
                    }
                }
            }
        }
        write(j, &mut sum);
    }
}

/// sum += Σₖ weightₖ pₖ (μₖ − x). A pass takes a few components, always in their order.
#[inline(always)]
fn pull<F: Real, const L: usize>(
    x: &[F; L],
    weights: &[[F; L]],
    sum: &mut [F; L],
    component: impl Fn(usize) -> (F, F),
) {
    let (groups, rest) = weights.as_chunks::<GROUP>();
    for (g, weights) in groups.iter().enumerate() {
        pull_group(x, weights, sum, std::array::from_fn(|i| component(g * GROUP + i)));
    }
    for (i, weights) in rest.iter().enumerate() {
        pull_group(x, &[*weights], sum, [component(groups.len() * GROUP + i)]);
    }
}

#[inline(always)]
fn pull_group<F: Real, const L: usize, const N: usize>(
    x: &[F; L],
    weights: &[[F; L]; N],
    sum: &mut [F; L],
    numbers: [(F, F); N],
) {
    for l in 0..L {
        let mut pulled = sum[l];
        for i in 0..N {
            let (mean, precision) = numbers[i];
            pulled = weights[i][l].fma((mean - x[l]) * precision, pulled);
        }
        sum[l] = pulled;
    }
}

/// The square root of the smallest squared distance. A component of weight zero does not count.
#[inline(always)]
fn nearest<F: Real, const L: usize>(tables: &Tables<F>, squared: &[[F; L]]) -> [F; L] {
    let common = tables.common_precision();
    let mut out = [F::infinity(); L];
    for (constant, squared) in tables.constants.iter().zip(squared) {
        if *constant > F::neg_infinity() {
            for l in 0..L {
                // Written so that NaN survives the comparison.
                out[l] = if squared[l] >= out[l] { out[l] } else { squared[l] };
            }
        }
    }
    out.map(|d| (d * common).sqrt())
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::drift::GaussianMixture;

    #[test]
    fn the_width_of_blocks_changes_no_bit() {
        let means = Array2::from_shape_fn((7, 3), |(i, j)| ((3 * i + 5 * j) % 11) as f64 - 5.0);
        let mixture = GaussianMixture::isotropic(means.view(), 0.7).unwrap();
        let tables = &mixture.double;
        let rows = 83; // Whole blocks of every width, and a part of one.
        let x: Vec<f64> = (0..3 * rows).map(|i| (i as f64 * 0.37).sin() * 4.0).collect();
        let with = |lanes: usize| {
            let mut out = vec![f64::NAN; 3 * rows];
            let output = Output::Score(&mut out);
            let mut work = Evaluate { tables, rows, x: &x, output, scratch: &mut Aligned::new() };
            by_blocks(&mut work, rows, lanes, &mut vec![0.0; 10 * lanes]);
            out
        };
        let expected = with(64);
        assert!(expected.iter().all(|x| x.is_finite()));
        for lanes in [32, 4] {
            assert_eq!(with(lanes), expected, "{lanes}");
        }
        assert_eq!([1, 1 << 18, 1 << 24].map(crate::math::rows::lanes::<f64>), [64, 32, 4]);
    }
}
