//! exp, ln, sin and cos for the lanes of a vector kernel. They have no branches and give the same
//! bits on every processor.
//!
//! The polynomials are minimax fits. Their maximal relative errors in exact arithmetic are 3.7e-18
//! for exp, 1.3e-18 for ln, and below 4e-18 for sin and cos. The rest of the error is rounding,
//! about one unit in the last place. Outside a dispatched kernel these functions are slow on
//! processors without fused multiply-add.

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts. The upper part has 32 trailing zero bits, so multiples of it are exact.
#[allow(clippy::approx_constant)]
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
#[allow(clippy::approx_constant)]
const LN2_HIGH_F32: f32 = 0.693_145_75;
const LN2_LOW_F32: f32 = 1.428_606_8e-6;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1.5 · 2^52. Adding it rounds to an integer, which is then in the lowest bits.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;
const ROUND_F32: f32 = 12_582_912.0;

#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = sum.mul_add(x, coefficients[k]);
    }
    sum
}

const EXP_F64: [f64; 12] = [
    1.0,
    1.0,
    0.500_000_000_000_001_11,
    0.166_666_666_666_664_66,
    4.166_666_666_652_881_6e-2,
    8.333_333_333_470_171_7e-3,
    1.388_888_894_369_421_9e-3,
    1.984_126_954_635_243e-4,
    2.480_149_317_839_999_6e-5,
    2.755_755_838_096_370_4e-6,
    2.763_019_195_030_031_9e-7,
    2.500_724_691_962_049_7e-8,
];

/// e^x for x ≤ 709, and 0 for x below −690. That bound is well above the smallest normal number, so
/// products of weights and numbers stay normal. Subnormal operands are many times slower.
#[inline(always)]
pub(crate) fn exp_f64(x: f64) -> f64 {
    let shifted = x.mul_add(LOG2_E, ROUND_F64);
    let n = shifted - ROUND_F64;
    let r = (-n).mul_add(LN2_LOW, (-n).mul_add(LN2_HIGH, x));
    let p = polynomial(r, &EXP_F64);
    // The integer n is in the low bits of `shifted`. Shifted to the exponent it is 2^n. NaN passes
    // through p.
    let scaled = p * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < -690.0 { 0.0 } else { scaled }
}

const EXP_F32: [f32; 7] =
    [1.0, 1.0, 0.499_999_94, 0.166_665_226, 4.166_829_2e-2, 8.368_532e-3, 1.381_829_96e-3];

/// e^x for x ≤ 88, and 0 for x below −80, for the same reason.
#[inline(always)]
pub(crate) fn exp_f32(x: f32) -> f32 {
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND_F32);
    let n = shifted - ROUND_F32;
    let r = (-n).mul_add(LN2_LOW_F32, (-n).mul_add(LN2_HIGH_F32, x));
    let mut p = EXP_F32[6];
    let mut k = 6;
    while k > 0 {
        k -= 1;
        p = p.mul_add(r, EXP_F32[k]);
    }
    let scaled = p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < -80.0 { 0.0 } else { scaled }
}

const LOG_F64: [f64; 7] = [
    0.666_666_666_666_673_4,
    0.399_999_999_994_170_41,
    0.285_714_287_418_936_4,
    0.222_221_986_215_692_61,
    0.181_835_619_058_711_71,
    0.153_141_104_659_306_72,
    0.147_953_675_019_055_85,
];

/// A positive number as 2^exponent · (1 + fraction), with 1 + fraction in [√½, √2).
pub(crate) struct LnParts {
    pub(crate) fraction: f64,
    pub(crate) exponent: f64,
}

/// Splits a positive normal x. The fraction is exact.
#[inline(always)]
pub(crate) fn ln_parts(x: f64) -> LnParts {
    // The offset carries into the exponent if the mantissa is above √2.
    const SQRT_HALF_BITS: u64 = 0x3FE6_A09E_667F_3BCD;
    let offset = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let m = f64::from_bits((offset & 0x000F_FFFF_FFFF_FFFF).wrapping_add(SQRT_HALF_BITS));
    // The exponent as a number without an integer conversion: the biased exponent in the mantissa
    // of 2^52, minus the bias.
    let biased = (offset.wrapping_add(1023 << 52)) >> 52;
    let exponent =
        f64::from_bits(biased | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    LnParts { fraction: m - 1.0, exponent }
}

/// ln x for a positive normal x.
#[inline(always)]
pub(crate) fn ln_f64(x: f64) -> f64 {
    let LnParts { fraction: f, exponent: k } = ln_parts(x);
    let s = f / (2.0 + f);
    let z = s * s;
    let half = 0.5 * f * f;
    // 2s = f − s f, so ln(1+f) = f − (f²/2 − s (f²/2 + z L(z))), as in fdlibm. The small part is
    // added last.
    let tail = s * z.mul_add(polynomial(z, &LOG_F64), half);
    k.mul_add(LN2_HIGH, f - (half - k.mul_add(LN2_LOW, tail)))
}

/// (ln(1 + f) − f)/f² on [√½ − 1, √2 − 1].
const LOG_F32: [f32; 9] = [
    -0.499_999_88,
    0.333_333_08,
    -0.250_015_23,
    0.200_030_16,
    -0.166_111_5,
    0.141_634_69,
    -0.132_087_95,
    0.130_048_32,
    -0.078_233_8,
];

/// ln(2^exponent (1 + fraction)) of the rounded parts of a number, in f32.
#[inline(always)]
pub(crate) fn ln_from_parts(fraction: f32, exponent: f32) -> f32 {
    let mut p = LOG_F32[8];
    let mut k = 8;
    while k > 0 {
        k -= 1;
        p = p.mul_add(fraction, LOG_F32[k]);
    }
    let log = (p * fraction).mul_add(fraction, fraction);
    exponent.mul_add(LN2_HIGH_F32, exponent.mul_add(LN2_LOW_F32, log))
}

/// ln x with the bits of `libm::log` (FreeBSD's e_log.c), without its branches, for a positive
/// normal x. Infinity and NaN stay what they are.
#[inline(always)]
pub(crate) fn ln_as_libm(x: f64) -> f64 {
    const G: [f64; 7] = [
        6.666_666_666_666_735_130e-1,
        3.999_999_999_940_941_908e-1,
        2.857_142_874_366_239_149e-1,
        2.222_219_843_214_978_396e-1,
        1.818_357_216_161_805_012e-1,
        1.531_383_769_920_937_332e-1,
        1.479_819_860_511_658_591e-1,
    ];
    // As in `ln_f64`, with the threshold of that source: the upper word of √½ alone.
    const SQRT_HALF_BITS: u64 = 0x3FE6_A09E_0000_0000;
    let offset = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let m = f64::from_bits((offset & 0x000F_FFFF_FFFF_FFFF).wrapping_add(SQRT_HALF_BITS));
    let biased = (offset.wrapping_add(1023 << 52)) >> 52;
    let k = f64::from_bits(biased | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let f = m - 1.0;
    let half = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (G[1] + w * (G[3] + w * G[5]));
    let odd = z * (G[0] + w * (G[2] + w * (G[4] + w * G[6])));
    let r = odd + even;
    let log = s * (half + r) + k * LN2_LOW - half + f + k * LN2_HIGH;
    if x < f64::INFINITY { log } else { x }
}

const SIN_F64: [f64; 7] = [
    std::f64::consts::TAU,
    -4.134_170_224_039_967e1,
    8.160_524_927_596_378_6e1,
    -7.670_585_970_743_141_5e1,
    4.205_868_532_692_237_9e1,
    -1.509_381_848_274_598_8e1,
    3.781_123_530_805_516_4,
];
const SIN_LOW_F64: f64 = 2.449_293_598_294_706_4e-16;
const COS_F64: [f64; 8] = [
    1.0,
    -1.973_920_880_217_871_6e1,
    6.493_939_402_266_667_6e1,
    -8.545_681_720_598_926_7e1,
    6.024_464_122_724_167_2e1,
    -2.642_624_113_310_883_2e1,
    7.902_629_316_033_854_3,
    -1.688_299_082_070_461_5,
];

/// (cos, sin) of 2π·`turns` for turns in [0, 1).
#[inline(always)]
pub(crate) fn cos_sin_turns_f64(turns: f64) -> (f64, f64) {
    let shifted = 4.0f64.mul_add(turns, ROUND_F64);
    let quadrant = shifted.to_bits();
    let a = (-0.25f64).mul_add(shifted - ROUND_F64, turns);
    let z = a * a;
    let tail = {
        let mut sum = SIN_F64[6];
        let mut k = 6;
        while k > 1 {
            k -= 1;
            sum = sum.mul_add(z, SIN_F64[k]);
        }
        sum * z
    };
    let sin = a.mul_add(SIN_F64[0], a * (tail + SIN_LOW_F64));
    let cos = polynomial(z, &COS_F64);
    let odd = quadrant & 1 == 1;
    let (c, s) = if odd { (sin, cos) } else { (cos, sin) };
    // cos changes sign in quadrants 1 and 2, sin in 2 and 3.
    let sign_c = (quadrant.wrapping_add(1) & 2) << 62;
    let sign_s = (quadrant & 2) << 62;
    (f64::from_bits(c.to_bits() ^ sign_c), f64::from_bits(s.to_bits() ^ sign_s))
}

const SIN_F32: [f32; 4] = [std::f32::consts::TAU, -41.341_663, 81.592_55, -75.402_07];
const COS_F32: [f32; 5] = [1.0, -19.739_208, 64.939_32, -85.443_74, 59.245_964];

/// (cos, sin) of 2π·`angle`/2³² in f32.
#[inline(always)]
pub(crate) fn cos_sin_turns_f32(angle: u32) -> (f32, f32) {
    // The nearest quarter, and the signed distance to it in units of 2⁻³² turns.
    let shifted = angle.wrapping_add(1 << 29);
    let quadrant = shifted >> 30;
    let away = (shifted & 0x3FFF_FFFF) as i32 - (1 << 29);
    let a = away as f32 * (0.5 / 2_147_483_648.0);
    let z = a * a;
    let mut sin = SIN_F32[3];
    let mut cos = COS_F32[4];
    let mut k = 3;
    while k > 0 {
        k -= 1;
        sin = sin.mul_add(z, SIN_F32[k]);
        cos = cos.mul_add(z, COS_F32[k + 1]);
    }
    sin *= a;
    cos = cos.mul_add(z, COS_F32[0]);
    let odd = quadrant & 1 == 1;
    let (c, s) = if odd { (sin, cos) } else { (cos, sin) };
    let sign_c = (quadrant.wrapping_add(1) & 2) << 30;
    let sign_s = (quadrant & 2) << 30;
    (f32::from_bits(c.to_bits() ^ sign_c), f32::from_bits(s.to_bits() ^ sign_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(a: f64, b: f64) -> f64 {
        (a - b).abs() / (b.abs() * f64::EPSILON).max(f64::MIN_POSITIVE)
    }

    #[test]
    fn exp_is_right_to_an_ulp() {
        let mut worst = 0.0f64;
        for i in 0..=200_000 {
            let x = -690.0 + 1380.0 * f64::from(i) / 200_000.0;
            worst = worst.max(ulps(exp_f64(x), libm::exp(x)));
            let y = x / 8.1;
            let got = f64::from(exp_f32(y as f32));
            let want = libm::exp(f64::from(y as f32));
            assert!(y < -80.0 || (got - want).abs() <= 1.3e-7 * want, "{y}: {got} {want}");
        }
        assert!(worst <= 1.5, "{worst}");
        assert_eq!(exp_f64(0.0), 1.0);
        assert_eq!(exp_f64(-1e4), 0.0);
        assert_eq!(exp_f64(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp_f32(f32::NEG_INFINITY), 0.0);
        assert!(exp_f64(f64::NAN).is_nan() && exp_f32(f32::NAN).is_nan());
    }

    #[test]
    fn ln_is_right_to_an_ulp() {
        let mut worst = 0.0f64;
        for i in 0..200_000 {
            let u = (f64::from(i) + 0.5) / 200_000.0;
            for x in [u, 1.0 - u * 1e-9, u * 1e-12, 1.0 + u, u * 1e300] {
                worst = worst.max(ulps(ln_f64(x), libm::log(x)));
            }
        }
        assert!(worst <= 1.5, "{worst}");
        assert_eq!(ln_f64(1.0), 0.0);
    }

    #[test]
    fn ln_has_the_bits_of_libm() {
        for i in 0..200_000 {
            let u = (f64::from(i) + 0.5) / 200_000.0;
            for x in [u, 1.0 - u * 1e-9, u * 1e-12, 1.0 + u, 1.0 + 7.0 * u, u * 1e300, 1e-307 * u] {
                let x = x.max(f64::MIN_POSITIVE);
                assert_eq!(ln_as_libm(x).to_bits(), libm::log(x).to_bits(), "{x}");
            }
        }
        for x in [1.0, f64::MAX, f64::INFINITY, std::f64::consts::FRAC_1_SQRT_2, 8.0] {
            assert_eq!(ln_as_libm(x).to_bits(), libm::log(x).to_bits(), "{x}");
        }
        assert!(ln_as_libm(f64::NAN).is_nan());
    }

    #[test]
    fn cos_and_sin_are_right() {
        let mut worst = 0.0f64;
        for i in 0..400_000 {
            let turns = f64::from(i) / 400_000.0;
            let (c, s) = cos_sin_turns_f64(turns);
            // Exact reduction first. Otherwise the reference loses its last digits near the axes.
            let nearest = (turns * 4.0).round();
            let angle = std::f64::consts::TAU * (turns - nearest / 4.0);
            let rs = libm::sin(angle);
            let rc = libm::cos(angle);
            let (wc, ws) = match nearest as i64 % 4 {
                0 => (rc, rs),
                1 => (-rs, rc),
                2 => (-rc, -rs),
                _ => (rs, -rc),
            };
            worst = worst.max((c - wc).abs()).max((s - ws).abs());
            assert!((c * c + s * s - 1.0).abs() < 1e-15);
        }
        assert!(worst < 3e-16, "{worst}");
    }
}
