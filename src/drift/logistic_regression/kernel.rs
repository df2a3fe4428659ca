//! The vector kernel of a logistic regression: one chain per lane, a panel of observations at a
//! time, which stays in the nearest cache while all chains pass.

use crate::math::aligned::Aligned;
use crate::math::rows::{gather, lanes};
use crate::math::simd::Kernel;
use crate::real::Real;

/// Observations, or coordinates, whose sums are in registers together. Their order within a sum is
/// that of the index, whatever the group.
const GROUP: usize = 6;
/// The same for what is left, before the rest goes one by one.
const SMALL: usize = 3;
/// Observations of a panel.
const PANEL: usize = 8 * GROUP;

/// What to compute.
pub(super) enum Output<'a, F> {
    /// ∇ log π, dim columns, column-major.
    Gradient(&'a mut [F]),
    /// log π, one number for each row.
    LogDensity(&'a mut [F]),
}

/// Evaluates the posterior at `rows` points, column-major.
pub(super) struct Evaluate<'a, F> {
    /// (observations, dim), row by row.
    pub features: &'a [f64],
    pub labels: &'a [f64],
    pub prior_std: f64,
    pub rows: usize,
    pub x: &'a [F],
    pub output: Output<'a, F>,
    pub scratch: &'a mut Aligned<F>,
}

impl<F: Real> Kernel for Evaluate<'_, F> {
    #[inline(always)]
    fn run(self) {
        // A register of AVX-512 in f64, and of AVX2 in f32. With more lanes in f32 the compiler
        // keeps the sums in memory.
        self.all::<8>();
    }
}

impl<F: Real> Evaluate<'_, F> {
    #[inline(always)]
    fn all<const W: usize>(mut self) {
        let dim = self.features.len() / self.labels.len();
        let together = (lanes::<F>(2 * dim) / W).min(self.rows.div_ceil(W)).max(1);
        let mut scratch = std::mem::take(self.scratch);
        scratch.resize(W * (together * 2 * dim + PANEL) + PANEL * dim, F::zero());
        let (panel, vectors) = scratch.split_at_mut(PANEL * dim);
        let (vectors, _) = vectors.as_chunks_mut::<W>();
        let (z, vectors) = vectors.split_at_mut(PANEL);
        let (points, sums) = vectors.split_at_mut(together * dim);
        for start in (0..self.rows).step_by(together * W) {
            let blocks = (self.rows - start).div_ceil(W).min(together);
            for (b, points) in points.chunks_exact_mut(dim).take(blocks).enumerate() {
                let at = start + b * W;
                gather(self.x, self.rows, at, W.min(self.rows - at), points);
            }
            self.start(&points[..blocks * dim], sums);
            for (i, labels) in self.labels.chunks(PANEL).enumerate() {
                let count = labels.len();
                let from = &self.features[i * PANEL * dim..][..count * dim];
                let panel = &mut panel[..count * dim];
                panel.iter_mut().zip(from).for_each(|(to, from)| *to = F::from_f64(*from));
                let z = &mut z[..count];
                for b in 0..blocks {
                    products(panel, dim, &points[b * dim..][..dim], z);
                    self.add(panel, labels, z, &mut sums[b * dim..][..dim]);
                }
            }
            for b in 0..blocks {
                let range = b * dim..(b + 1) * dim;
                self.finish(start + b * W, &points[range.clone()], &sums[range]);
            }
        }
        *self.scratch = scratch;
    }

    /// The part of the prior in the gradient, or zero.
    #[inline(always)]
    fn start<const W: usize>(&self, points: &[[F; W]], sums: &mut [[F; W]]) {
        let shrink = match self.output {
            Output::Gradient(_) => F::from_f64(-1.0 / (self.prior_std * self.prior_std)),
            Output::LogDensity(_) => {
                return sums.fill([F::zero(); W]);
            }
        };
        for (sum, point) in sums.iter_mut().zip(points) {
            for l in 0..W {
                sum[l] = shrink * point[l];
            }
        }
    }

    /// Adds a panel of observations. The density is in the first sum.
    #[inline(always)]
    fn add<const W: usize>(
        &self,
        panel: &[F],
        labels: &[f64],
        z: &mut [[F; W]],
        sums: &mut [[F; W]],
    ) {
        match self.output {
            Output::Gradient(_) => {
                residuals(labels, z);
                gradient(panel, z, sums);
            }
            Output::LogDensity(_) => likelihood(labels, z, &mut sums[0]),
        }
    }

    #[inline(always)]
    fn finish<const W: usize>(&mut self, at: usize, points: &[[F; W]], sums: &[[F; W]]) {
        let count = W.min(self.rows - at);
        match &mut self.output {
            Output::Gradient(out) => {
                for (j, sum) in sums.iter().enumerate() {
                    out[j * self.rows + at..][..count].copy_from_slice(&sum[..count]);
                }
            }
            Output::LogDensity(out) => {
                let mut square = [F::zero(); W];
                for point in points {
                    for l in 0..W {
                        square[l] += point[l] * point[l];
                    }
                }
                let half = F::from_f64(0.5);
                let variance = F::from_f64(self.prior_std * self.prior_std);
                for l in 0..count {
                    out[at + l] = sums[0][l] - half * square[l] / variance;
                }
            }
        }
    }
}

/// zᵢ = xᵢᵀ θ for the observations of a panel.
#[inline(always)]
fn products<F: Real, const W: usize>(panel: &[F], dim: usize, points: &[[F; W]], z: &mut [[F; W]]) {
    let mut done = 0;
    while done + GROUP <= z.len() {
        product_group::<F, W, GROUP>(&panel[done * dim..], points, &mut z[done..]);
        done += GROUP;
    }
    if done + SMALL <= z.len() {
        product_group::<F, W, SMALL>(&panel[done * dim..], points, &mut z[done..]);
        done += SMALL;
    }
    while done < z.len() {
        product_group::<F, W, 1>(&panel[done * dim..], points, &mut z[done..]);
        done += 1;
    }
}

#[inline(always)]
fn product_group<F: Real, const W: usize, const N: usize>(
    panel: &[F],
    points: &[[F; W]],
    z: &mut [[F; W]],
) {
    let dim = points.len();
    let features: [&[F]; N] = std::array::from_fn(|n| &panel[n * dim..][..dim]);
    let mut sums = [[F::zero(); W]; N];
    for (j, point) in points.iter().enumerate() {
        for n in 0..N {
            let x = features[n][j];
            for l in 0..W {
                sums[n][l] = x.fma(point[l], sums[n][l]);
            }
        }
    }
    z[..N].copy_from_slice(&sums);
}

/// yᵢ − 1/(1 + e^(−zᵢ)), in place of zᵢ.
#[inline(always)]
fn residuals<F: Real, const W: usize>(labels: &[f64], z: &mut [[F; W]]) {
    for (z, label) in z.iter_mut().zip(labels) {
        let label = F::from_f64(*label);
        for l in 0..W {
            // 1/(1 + e^−|z|) never overflows. For negative z the complement is needed.
            let e = (-z[l].abs()).exp_lane();
            let upper = F::one() / (F::one() + e);
            let probability = if z[l] < F::zero() { e * upper } else { upper };
            z[l] = label - probability;
        }
    }
}

/// sums += Σᵢ residualᵢ xᵢ.
#[inline(always)]
fn gradient<F: Real, const W: usize>(panel: &[F], residuals: &[[F; W]], sums: &mut [[F; W]]) {
    let dim = sums.len();
    let mut done = 0;
    while done + GROUP <= dim {
        gradient_group::<F, W, GROUP>(panel, done, residuals, sums);
        done += GROUP;
    }
    if done + SMALL <= dim {
        gradient_group::<F, W, SMALL>(panel, done, residuals, sums);
        done += SMALL;
    }
    while done < dim {
        gradient_group::<F, W, 1>(panel, done, residuals, sums);
        done += 1;
    }
}

#[inline(always)]
fn gradient_group<F: Real, const W: usize, const N: usize>(
    panel: &[F],
    at: usize,
    residuals: &[[F; W]],
    sums: &mut [[F; W]],
) {
    let mut own: [[F; W]; N] = std::array::from_fn(|n| sums[at + n]);
    for (features, residual) in panel.chunks_exact(sums.len()).zip(residuals) {
        let features = &features[at..at + N];
        for n in 0..N {
            for l in 0..W {
                own[n][l] = features[n].fma(residual[l], own[n][l]);
            }
        }
    }
    sums[at..at + N].copy_from_slice(&own);
}

/// sum += Σᵢ [ yᵢ zᵢ − log(1 + e^(zᵢ)) ].
///
/// A panel takes one logarithm, that of the product of all 1 + e^−|z|. It is at most 2^48. What it
/// loses by rounding is less than the sum loses.
#[inline(always)]
fn likelihood<F: Real, const W: usize>(labels: &[f64], z: &[[F; W]], sum: &mut [F; W]) {
    let mut product = [F::one(); W];
    for (z, label) in z.iter().zip(labels) {
        let label = F::from_f64(*label);
        for l in 0..W {
            let above = if z[l] > F::zero() { z[l] } else { F::zero() };
            sum[l] += label * z[l] - above;
            product[l] *= F::one() + (-z[l].abs()).exp_lane();
        }
    }
    for l in 0..W {
        sum[l] -= product[l].ln_lane();
    }
}
