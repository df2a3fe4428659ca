//! What acts on one lane at a time: SiLU and the normalisation of a row.

use crate::math::elementary::exp_f32;

/// A layer norm.
#[derive(Clone)]
pub(super) struct Norm {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// h ← h/(1 + exp(−h)); below −88, where the exponential would overflow, h · 0, so that −∞ becomes
/// NaN as in PyTorch.
#[inline(always)]
pub(super) fn silu(numbers: &mut [f32]) {
    for h in numbers {
        let below = *h < -88.0;
        let quotient = *h / (1.0 + exp_f32(if below { 0.0 } else { -*h }));
        *h = if below { *h * 0.0 } else { quotient };
    }
}

/// Sums that run side by side, so that no addition waits for the one before it.
const SUMS: usize = 4;

/// Σ `term`(h) over the features, feature i in partial sum i mod 4.
#[inline(always)]
fn sum<S: pulp::Simd, const V: usize>(
    simd: S,
    h: &[[S::f32s; V]],
    term: impl Fn(S::f32s, usize) -> S::f32s,
) -> [S::f32s; V] {
    let mut sums = [[simd.splat_f32s(0.0); V]; SUMS];
    let (fours, rest) = h.as_chunks::<SUMS>();
    for four in fours {
        for i in 0..SUMS {
            for v in 0..V {
                sums[i][v] = simd.add_f32s(sums[i][v], term(four[i][v], v));
            }
        }
    }
    for (sum, h) in sums.iter_mut().zip(rest) {
        for v in 0..V {
            sum[v] = simd.add_f32s(sum[v], term(h[v], v));
        }
    }
    let mut total = sums[0];
    for v in 0..V {
        let first = simd.add_f32s(sums[0][v], sums[1][v]);
        let second = simd.add_f32s(sums[2][v], sums[3][v]);
        total[v] = simd.add_f32s(first, second);
    }
    total
}

/// Mean of every lane, and 1/√(variance + epsilon).
#[inline(always)]
pub(super) fn moments<S: pulp::Simd, const V: usize>(
    simd: S,
    epsilon: f32,
    h: &[f32],
) -> [[S::f32s; V]; 2] {
    let (h, _) = S::as_simd_f32s(h).0.as_chunks::<V>();
    let count = simd.splat_f32s(h.len() as f32);
    let mut mean = sum(simd, h, |h, _| h);
    for v in 0..V {
        mean[v] = simd.div_f32s(mean[v], count);
    }
    let mut scale = sum(simd, h, |h, v| {
        let away = simd.sub_f32s(h, mean[v]);
        simd.mul_f32s(away, away)
    });
    for v in 0..V {
        let variance = simd.add_f32s(simd.div_f32s(scale[v], count), simd.splat_f32s(epsilon));
        scale[v] = simd.div_f32s(simd.splat_f32s(1.0), simd.sqrt_f32s(variance));
    }
    [mean, scale]
}

/// (h − mean) · scale · weight + bias of feature `i`.
#[inline(always)]
pub(super) fn normalise<S: pulp::Simd, const V: usize>(
    simd: S,
    norm: &Norm,
    i: usize,
    h: &[S::f32s; V],
    [mean, scale]: &[[S::f32s; V]; 2],
) -> [S::f32s; V] {
    let weight = simd.splat_f32s(norm.weight[i]);
    let bias = simd.splat_f32s(norm.bias[i]);
    let mut out = *h;
    for v in 0..V {
        let away = simd.mul_f32s(simd.sub_f32s(h[v], mean[v]), scale[v]);
        out[v] = simd.mul_add_f32s(away, weight, bias);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(h: f32) -> f32 {
        let mut one = [h];
        silu(&mut one);
        one[0]
    }

    #[test]
    fn silu_is_right_to_a_few_ulps() {
        let mut worst = 0.0f64;
        for i in -80_000..=80_000 {
            let h = i as f32 / 1000.0;
            let exact = f64::from(h) / (1.0 + (-f64::from(h)).exp());
            let ulp = f64::from(f32::EPSILON) * exact.abs().max(f64::from(f32::MIN_POSITIVE));
            worst = worst.max((f64::from(of(h)) - exact).abs() / ulp);
        }
        assert!(worst < 3.0, "{worst}");
        assert!(
            of(-88.0).abs() < 1e-36 && of(-88.1) == 0.0 && of(-3e38) == 0.0 && of(3e38) == 3e38
        );
        assert_eq!((of(0.0), of(f32::INFINITY)), (0.0, f32::INFINITY));
        assert!(of(f32::NAN).is_nan() && of(f32::NEG_INFINITY).is_nan());
    }
}
