//! The score of a noised data set as two matrix products and a softmax, chains being lanes of
//! explicit vectors.
//!
//! ```text
//! exponent_k = ( √ᾱ x′·μ′ₖ − ½ ᾱ |μ′ₖ|² ) / v + log wₖ          v = ᾱ σ² + 1 − ᾱ
//! score      = ( √ᾱ Σ rₖ μ′ₖ − x′ ) / v                         primes: less the mean of the data
//! ```
//!
//! Every sum runs over its index in order with fused multiply-adds, so the result does not depend
//! on the width of the vectors.

use ndarray::{Array2, Axis};

use crate::diffusion::denoiser::Levels;
use crate::math::aligned::Aligned;
use crate::math::eigen::weighted_sum;
use crate::math::simd;
use crate::real::{InBoth, Real};

/// Components, or coordinates, whose sums are kept in registers together: with two vectors of
/// chains they fill AVX.
const TILE: usize = 6;
/// Vectors of chains worked on together.
const VECTORS: usize = 2;

/// A data set's numbers, laid out for the two products.
#[derive(Clone, Debug)]
pub(super) struct Products<F> {
    dim: usize,
    components: usize,
    centre: Vec<F>,
    log_weights: Vec<F>,
    /// ½ |μ′ₖ|².
    half_squares: Vec<F>,
    /// By tile of components: (dim, TILE).
    by_component: Vec<F>,
    /// By tile of coordinates: (components, TILE).
    by_coordinate: Vec<F>,
}

impl Products<f64> {
    pub(super) fn new(means: &Array2<f64>, weights: &[f64]) -> Self {
        let (components, dim) = means.dim();
        let centre = weighted_sum(weights, means.view());
        let centred = means - &centre.view().insert_axis(Axis(0));
        let padded = |n: usize| n.div_ceil(TILE) * TILE;
        let mut by_component = vec![0.0; padded(components) * dim];
        let mut by_coordinate = vec![0.0; padded(dim) * components];
        for ((k, j), &mu) in centred.indexed_iter() {
            by_component[(k / TILE * dim + j) * TILE + k % TILE] = mu;
            by_coordinate[(j / TILE * components + k) * TILE + j % TILE] = mu;
        }
        Self {
            dim,
            components,
            centre: centre.to_vec(),
            log_weights: weights.iter().map(|w| libm::log(*w)).collect(),
            half_squares: centred
                .outer_iter()
                .map(|row| 0.5 * row.iter().map(|x| x * x).sum::<f64>())
                .collect(),
            by_component,
            by_coordinate,
        }
    }

    pub(super) fn rounded(&self) -> Products<f32> {
        let round = |numbers: &[f64]| numbers.iter().map(|x| *x as f32).collect();
        Products {
            dim: self.dim,
            components: self.components,
            centre: round(&self.centre),
            log_weights: round(&self.log_weights),
            half_squares: round(&self.half_squares),
            by_component: round(&self.by_component),
            by_coordinate: round(&self.by_coordinate),
        }
    }
}

/// Writes the score of `rows` column-major points.
pub(super) fn score<F: Real>(call: Call<'_, F>) {
    F::choose(Kernels)(call);
}

/// The kernels of the two precisions.
struct Kernels;

impl InBoth for Kernels {
    type In<F: Real> = for<'c> fn(Call<'c, F>);

    fn single(self) -> Self::In<f32> {
        run_f32
    }

    fn double(self) -> Self::In<f64> {
        run_f64
    }
}

/// The arguments of a call.
pub(super) struct Call<'a, F> {
    pub products: &'a Products<F>,
    pub variance: F,
    pub levels: Levels<'a>,
    pub rows: usize,
    pub x: &'a [F],
    pub out: &'a mut [F],
    pub scratch: &'a mut Aligned<F>,
}

macro_rules! products {
    (
        $name:ident,
        $real:ident,
        $vector:ident,
        $lanes:ident,
        $splat:ident,
        $fma:ident,
        $view:ident,
        $view_mut:ident
    ) => {
        /// Runs a call with the widest instruction set there is.
        fn $name(call: Call<'_, $real>) {
            simd::dispatch_simd($name::Op(call));
        }

        mod $name {
            use super::*;

            pub(super) struct Op<'a>(pub Call<'a, $real>);

            impl pulp::WithSimd for Op<'_> {
                type Output = ();

                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, simd: S) {
                    let call = self.0;
                    let width = VECTORS * S::$lanes;
                    let dim = call.products.dim;
                    let components = call.products.components;
                    let padded = components.div_ceil(TILE) * TILE;
                    let mut scratch = std::mem::take(call.scratch);
                    scratch.resize(width * (dim + padded), 0.0);
                    let (points, exponents) = scratch.split_at_mut(width * dim);
                    let mut numbers = [[0.0; 64]; 3];
                    for start in (0..call.rows).step_by(width) {
                        let count = width.min(call.rows - start);
                        scales(call.variance, call.levels, start, count, &mut numbers);
                        let [signal, inverse, slope] = &numbers;
                        for (j, point) in points.chunks_exact_mut(width).enumerate() {
                            let from = &call.x[j * call.rows + start..][..count];
                            gather(from, -call.products.centre[j], &signal[..width], point);
                        }
                        dots(simd, call.products, points, exponents);
                        let mut total = [0.0; 64];
                        soften(
                            call.products,
                            exponents,
                            &signal[..width],
                            &slope[..width],
                            &mut total[..width],
                        );
                        means(simd, call.products, exponents, |j, v, sum| {
                            let lanes = S::$lanes;
                            let point = &points[j * width + v * lanes..][..lanes];
                            let mut sums = [0.0; 32];
                            S::$view_mut(&mut sums[..lanes]).0[0] = sum;
                            for l in 0..lanes {
                                let at = v * lanes + l;
                                sums[l] = (signal[at] * total[at]).mul_add(sums[l], -point[l])
                                    * inverse[at];
                            }
                            let kept = lanes.min(count.saturating_sub(v * lanes));
                            let to = j * call.rows + start + v * lanes;
                            if kept > 0 {
                                call.out[to..to + kept].copy_from_slice(&sums[..kept]);
                            }
                        });
                    }
                    *call.scratch = scratch;
                }
            }

            /// One coordinate of a block, less that of the noised centre; lanes beyond the last row
            /// repeat it.
            #[inline(always)]
            fn gather(from: &[$real], minus_centre: $real, signal: &[$real], point: &mut [$real]) {
                point.fill(from[from.len() - 1]);
                point[..from.len()].copy_from_slice(from);
                for (x, signal) in point.iter_mut().zip(signal) {
                    *x = minus_centre.mul_add(*signal, *x);
                }
            }

            /// √ᾱ, 1/v and √ᾱ/v of the rows of a block.
            #[inline(always)]
            fn scales(
                variance: $real,
                levels: Levels<'_>,
                start: usize,
                count: usize,
                out: &mut [[$real; 64]; 3],
            ) {
                let numbers = |row: usize| {
                    let level = levels.at(row);
                    let signal = level.signal();
                    let inverse = 1.0
                        / (level.alpha_bar() * f64::from(variance) + level.one_minus_alpha_bar());
                    [signal as $real, inverse as $real, (signal * inverse) as $real]
                };
                if let Levels::Shared(_) = levels {
                    let shared = numbers(0);
                    for (out, number) in out.iter_mut().zip(shared) {
                        out.fill(number);
                    }
                    return;
                }
                for l in 0..count {
                    for (out, number) in out.iter_mut().zip(numbers(start + l)) {
                        out[l] = number;
                    }
                }
                for out in out.iter_mut() {
                    let last = out[count - 1];
                    out[count..].fill(last);
                }
            }

            /// x′·μ′ₖ for all components.
            #[inline(always)]
            fn dots<S: pulp::Simd>(
                simd: S,
                products: &Products<$real>,
                points: &[$real],
                out: &mut [$real],
            ) {
                let (points, _) = S::$view(points);
                let (out, _) = S::$view_mut(out);
                let tiles = products.by_component.chunks_exact(TILE * products.dim);
                for (tile, out) in tiles.zip(out.chunks_exact_mut(TILE * VECTORS)) {
                    let mut sums = [[simd.$splat(0.0); VECTORS]; TILE];
                    for (x, mu) in points.chunks_exact(VECTORS).zip(tile.chunks_exact(TILE)) {
                        for t in 0..TILE {
                            let mu = simd.$splat(mu[t]);
                            for v in 0..VECTORS {
                                sums[t][v] = simd.$fma(mu, x[v], sums[t][v]);
                            }
                        }
                    }
                    for t in 0..TILE {
                        for v in 0..VECTORS {
                            out[t * VECTORS + v] = sums[t][v];
                        }
                    }
                }
            }

            /// Turns dot products into responsibilities but for their common factor, 1/Σ, which
            /// goes to `total`.
            #[inline(always)]
            fn soften(
                products: &Products<$real>,
                exponents: &mut [$real],
                signal: &[$real],
                slope: &[$real],
                total: &mut [$real],
            ) {
                let width = signal.len();
                let mut largest = [<$real>::NEG_INFINITY; 64];
                let largest = &mut largest[..width];
                for (k, exponents) in
                    exponents.chunks_exact_mut(width).take(products.components).enumerate()
                {
                    let weight = products.log_weights[k];
                    let square = products.half_squares[k];
                    for l in 0..width {
                        let offset = (-square * signal[l]).mul_add(slope[l], weight);
                        let exponent = slope[l].mul_add(exponents[l], offset);
                        exponents[l] = exponent;
                        let most = largest[l];
                        largest[l] = if most < exponent { exponent } else { most };
                    }
                }
                for exponents in exponents.chunks_exact_mut(width).take(products.components) {
                    for l in 0..width {
                        let weight = (exponents[l] - largest[l]).exp_lane();
                        exponents[l] = weight;
                        total[l] += weight;
                    }
                }
                total.iter_mut().for_each(|t| *t = 1.0 / *t);
            }

            /// Σ rₖ μ′ₖ, handed over coordinate by coordinate and vector by vector.
            #[inline(always)]
            fn means<S: pulp::Simd>(
                simd: S,
                products: &Products<$real>,
                responsibilities: &[$real],
                mut write: impl FnMut(usize, usize, S::$vector),
            ) {
                let (responsibilities, _) = S::$view(responsibilities);
                let tiles = products.by_coordinate.chunks_exact(TILE * products.components);
                for (tile, mu) in tiles.enumerate() {
                    let mut sums = [[simd.$splat(0.0); VECTORS]; TILE];
                    for (r, mu) in responsibilities.chunks_exact(VECTORS).zip(mu.chunks_exact(TILE))
                    {
                        for t in 0..TILE {
                            let mu = simd.$splat(mu[t]);
                            for v in 0..VECTORS {
                                sums[t][v] = simd.$fma(mu, r[v], sums[t][v]);
                            }
                        }
                    }
                    for t in 0..TILE.min(products.dim - tile * TILE) {
                        for v in 0..VECTORS {
                            write(tile * TILE + t, v, sums[t][v]);
                        }
                    }
                }
            }
        }
    };
}

products!(run_f32, f32, f32s, F32_LANES, splat_f32s, mul_add_f32s, as_simd_f32s, as_mut_simd_f32s);
products!(run_f64, f64, f64s, F64_LANES, splat_f64s, mul_add_f64s, as_simd_f64s, as_mut_simd_f64s);
