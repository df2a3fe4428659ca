//! The vector kernel of a noised mixture with few components: lanes are chains, each with its own
//! level.

use ndarray::{Array2, Array3, Axis};

use super::products::{self, Call, Products};
use crate::diffusion::denoiser::Levels;
use crate::drift::GaussianMixture;
use crate::drift::mixture::Spread;
use crate::math::aligned::Aligned;
use crate::math::eigen;
use crate::math::rows::{self, Blocks, by_blocks, gather};
use crate::math::simd::{self, Kernel};
use crate::math::softmax;
use crate::real::Real;

/// From this many isotropic components on, the score is two matrix products.
const MANY: usize = 32;

#[derive(Clone, Debug)]
enum Shape<F> {
    /// One variance.
    Isotropic(F),
    /// Variances, (components, dim), along the eigenvectors (rows of dim × dim matrices) where
    /// there are any.
    Diagonal(Vec<F>, Option<Vec<F>>),
}

/// The numbers of a mixture in one precision.
#[derive(Clone, Debug)]
pub(super) struct Law<F> {
    dim: usize,
    log_weights: Vec<F>,
    means: Vec<F>,
    shape: Shape<F>,
    products: Option<Products<F>>,
}

impl Law<f64> {
    pub(super) fn new(data: &GaussianMixture) -> Self {
        let log_weights: Vec<f64> = data.weights().iter().map(|w| libm::log(*w)).collect();
        let shape = match data.spread() {
            Spread::Isotropic(std) => Shape::Isotropic(std * std),
            Spread::Diagonal(variances) => {
                Shape::Diagonal(variances.iter().copied().collect(), None)
            }
            Spread::Full(factors) => {
                let (values, vectors) = eigensystems(factors);
                // Stored so that row i of a matrix is eigenvector i.
                let rows = vectors
                    .outer_iter()
                    .flat_map(|q| q.reversed_axes().iter().copied().collect::<Vec<_>>());
                Shape::Diagonal(values.iter().copied().collect(), Some(rows.collect()))
            }
        };
        let products = match data.spread() {
            Spread::Isotropic(_) if data.components() >= MANY => {
                Some(Products::new(data.means(), data.weights()))
            }
            _ => None,
        };
        let means: &Array2<f64> = data.means();
        Self {
            dim: data.dimension(),
            log_weights,
            means: means.iter().copied().collect(),
            shape,
            products,
        }
    }

    pub(super) fn rounded(&self) -> Law<f32> {
        let round = |numbers: &[f64]| numbers.iter().map(|x| *x as f32).collect::<Vec<f32>>();
        Law {
            dim: self.dim,
            log_weights: round(&self.log_weights),
            means: round(&self.means),
            shape: match &self.shape {
                Shape::Isotropic(variance) => Shape::Isotropic(*variance as f32),
                Shape::Diagonal(v, q) => Shape::Diagonal(round(v), q.as_ref().map(|q| round(q))),
            },
            products: self.products.as_ref().map(Products::rounded),
        }
    }
}

/// Eigenvalues, (components, dim), and eigenvectors of the covariances of a mixture with full ones.
fn eigensystems(factors: &Array3<f64>) -> (Array2<f64>, Array3<f64>) {
    let (components, dim, _) = factors.dim();
    let mut values = Array2::zeros((components, dim));
    let mut vectors = Array3::zeros((components, dim, dim));
    for (k, factor) in factors.axis_iter(Axis(0)).enumerate() {
        let (v, q) = eigen::symmetric(&eigen::gram(factor));
        values.row_mut(k).assign(&v);
        vectors.index_axis_mut(Axis(0), k).assign(&q);
    }
    (values, vectors)
}

impl<F: Real> Law<F> {
    /// Writes the score of `rows` column-major points.
    pub(super) fn score(
        &self,
        levels: Levels<'_>,
        rows: usize,
        x: &[F],
        out: &mut [F],
        scratch: &mut Aligned<F>,
    ) {
        match (&self.products, &self.shape) {
            (Some(products), &Shape::Isotropic(variance)) => {
                let call = Call { products, variance, levels, rows, x, out, scratch };
                products::score(call);
            }
            _ => simd::dispatch(Score { law: self, levels, rows, x, out, scratch }),
        }
    }
}

struct Score<'a, F> {
    law: &'a Law<F>,
    levels: Levels<'a>,
    rows: usize,
    x: &'a [F],
    out: &'a mut [F],
    scratch: &'a mut Aligned<F>,
}

/// √ᾱ, ᾱ and 1 − ᾱ of the rows of a block.
struct BlockLevels<F, const L: usize> {
    signal: [F; L],
    alpha_bar: [F; L],
    noise: [F; L],
}

impl<F: Real> Kernel for Score<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let components = self.law.log_weights.len();
        let dim = self.law.dim;
        // By row: the point, the result, the exponents, the whitened differences, and one
        // difference to be rotated.
        let by_row = 3 * dim + components * (1 + dim);
        let mut scratch = std::mem::take(self.scratch);
        let lanes = rows::lanes::<F>(by_row);
        scratch.resize(by_row * lanes, F::zero());
        let rows = self.rows;
        by_blocks(&mut self, rows, lanes, &mut scratch);
        *self.scratch = scratch;
    }
}

impl<F: Real> Blocks<F> for Score<'_, F> {
    #[inline(always)]
    fn block<const L: usize>(&mut self, start: usize, count: usize, scratch: &mut [F]) {
        let law = self.law;
        let dim = self.law.dim;
        let (lanes, _) = scratch.as_chunks_mut::<L>();
        let (points, rest) = lanes.split_at_mut(dim);
        let (sums, rest) = rest.split_at_mut(dim);
        let (away, rest) = rest.split_at_mut(dim);
        let (exponents, pulls) = rest.split_at_mut(law.log_weights.len());
        gather(self.x, self.rows, start, count, points);
        let levels = self.block_levels::<L>(start, count);
        let half = F::from_f64(-0.5);
        let mut largest = [F::neg_infinity(); L];
        for (k, exponent) in exponents.iter_mut().enumerate() {
            let mean = &law.means[k * dim..(k + 1) * dim];
            for (j, away) in away.iter_mut().enumerate() {
                let x = &points[j];
                let mu = -mean[j];
                for l in 0..L {
                    away[l] = mu.fma(levels.signal[l], x[l]);
                }
            }
            let weight = law.log_weights[k];
            match &law.shape {
                Shape::Isotropic(variance) => {
                    let mut squares = [F::zero(); L];
                    for away in away.iter() {
                        for l in 0..L {
                            squares[l] = away[l].fma(away[l], squares[l]);
                        }
                    }
                    for l in 0..L {
                        let inverse = F::one() / variance.fma(levels.alpha_bar[l], levels.noise[l]);
                        exponent[l] = (half * squares[l]).fma(inverse, weight);
                    }
                }
                Shape::Diagonal(variances, vectors) => {
                    exponent.fill(weight);
                    let variances = &variances[k * dim..][..dim];
                    let vectors = vectors.as_ref().map(|all| &all[k * dim * dim..][..dim * dim]);
                    let pulls = &mut pulls[k * dim..][..dim];
                    pull(&levels, variances, vectors, away, pulls, exponent);
                }
            }
            softmax::raise(&mut largest, exponent);
        }
        let inverse = softmax::weigh(exponents, &largest).map(|sum| F::one() / sum);
        self.sums(&levels, points, exponents, pulls, sums);
        for (j, sum) in sums.iter_mut().enumerate() {
            for l in 0..L {
                sum[l] *= inverse[l];
            }
            self.out[j * self.rows + start..][..count].copy_from_slice(&sum[..count]);
        }
    }
}

impl<F: Real> Score<'_, F> {
    #[inline(always)]
    fn block_levels<const L: usize>(&self, start: usize, count: usize) -> BlockLevels<F, L> {
        let mut levels =
            BlockLevels { signal: [F::one(); L], alpha_bar: [F::one(); L], noise: [F::one(); L] };
        if let Levels::Shared(level) = self.levels {
            levels.signal = [F::from_f64(level.signal()); L];
            levels.alpha_bar = [F::from_f64(level.alpha_bar()); L];
            levels.noise = [F::from_f64(level.one_minus_alpha_bar()); L];
        } else {
            for l in 0..count {
                let level = self.levels.at(start + l);
                levels.signal[l] = F::from_f64(level.signal());
                levels.alpha_bar[l] = F::from_f64(level.alpha_bar());
                levels.noise[l] = F::from_f64(level.one_minus_alpha_bar());
            }
        }
        levels
    }

    /// Σₖ weightₖ (noised Σₖ)⁻¹ (√ᾱ μₖ − x), coordinate by coordinate.
    #[inline(always)]
    fn sums<const L: usize>(
        &self,
        levels: &BlockLevels<F, L>,
        points: &[[F; L]],
        weights: &[[F; L]],
        pulls: &[[F; L]],
        sums: &mut [[F; L]],
    ) {
        let law = self.law;
        let dim = self.law.dim;
        for (j, sum) in sums.iter_mut().enumerate() {
            sum.fill(F::zero());
            for (k, w) in weights.iter().enumerate() {
                match &law.shape {
                    Shape::Isotropic(_) => {
                        let mu = law.means[k * dim + j];
                        for l in 0..L {
                            let away = mu.fma(levels.signal[l], -points[j][l]);
                            sum[l] = w[l].fma(away, sum[l]);
                        }
                    }
                    Shape::Diagonal(_, None) => {
                        for l in 0..L {
                            sum[l] = (-w[l]).fma(pulls[k * dim + j][l], sum[l]);
                        }
                    }
                    Shape::Diagonal(_, Some(vectors)) => {
                        for i in 0..dim {
                            let q = -vectors[(k * dim + i) * dim + j];
                            let pull = &pulls[k * dim + i];
                            for l in 0..L {
                                sum[l] = (q * w[l]).fma(pull[l], sum[l]);
                            }
                        }
                    }
                }
            }
            if let Shape::Isotropic(variance) = &law.shape {
                for l in 0..L {
                    sum[l] /= variance.fma(levels.alpha_bar[l], levels.noise[l]);
                }
            }
        }
    }
}

/// The differences along the principal axes of a component, over their variances. Their part of
/// the log density is added to the exponent.
#[inline(always)]
fn pull<F: Real, const L: usize>(
    levels: &BlockLevels<F, L>,
    variances: &[F],
    vectors: Option<&[F]>,
    away: &[[F; L]],
    pulls: &mut [[F; L]],
    exponent: &mut [F; L],
) {
    let half = F::from_f64(-0.5);
    let dim = variances.len();
    for i in 0..dim {
        let mut along = away[i];
        if let Some(vectors) = vectors {
            along = [F::zero(); L];
            for (away, &q) in away.iter().zip(&vectors[i * dim..][..dim]) {
                for l in 0..L {
                    along[l] = q.fma(away[l], along[l]);
                }
            }
        }
        let pull = &mut pulls[i];
        for l in 0..L {
            let noised = variances[i].fma(levels.alpha_bar[l], levels.noise[l]);
            pull[l] = along[l] / noised;
            let density = along[l].fma(pull[l], noised.ln_lane());
            exponent[l] = half.fma(density, exponent[l]);
        }
    }
}
