//! exp, ln, sin and cos for loops that a compiler vectorises, and a cheap generator of normals.
//!
//! They are as accurate as the loops by hand need: a few units in the last place.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A number of a loop by hand.
pub trait Lane:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    const ZERO: Self;
    fn of(x: f64) -> Self;
    fn wide(self) -> f64;
    /// self * a + b
    fn fma(self, a: Self, b: Self) -> Self;
    /// e^x for x between -80 and 0, and about 0 below.
    fn exp(self) -> Self;
    /// Two normals of 64 random bits (f32), or of two times 64 (f64).
    fn normals<const L: usize>(words: &mut Words<L>) -> [[Self; L]; 2];
}

/// xoshiro256+, one generator for each lane.
pub struct Words<const L: usize> {
    state: [[u64; L]; 4],
}

impl<const L: usize> Words<L> {
    pub fn new(seed: u64) -> Self {
        let mut word = seed;
        let mut next = || {
            // SplitMix64
            word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = word;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        Self { state: std::array::from_fn(|_| std::array::from_fn(|_| next())) }
    }

    #[inline(always)]
    fn next(&mut self) -> [u64; L] {
        let mut out = [0; L];
        let [s0, s1, s2, s3] = &mut self.state;
        for l in 0..L {
            out[l] = s0[l].wrapping_add(s3[l]);
            let shifted = s1[l] << 17;
            s2[l] ^= s0[l];
            s3[l] ^= s1[l];
            s1[l] ^= s2[l];
            s0[l] ^= s3[l];
            s2[l] ^= shifted;
            s3[l] = (s3[l] << 45) | (s3[l] >> 19);
        }
        out
    }
}

/// 1/0!, 1/1!, ...: the coefficients of exp.
const EXP: [f64; 14] = inverse_factorials(0, 1, 1.0);
/// Those of cos x in x^2.
const COS: [f64; 9] = inverse_factorials(0, 2, -1.0);
/// Those of (sin x)/x in x^2.
const SIN: [f64; 9] = inverse_factorials(1, 2, -1.0);

/// sign^k / (first + k step)! for k = 0, 1, ...
const fn inverse_factorials<const N: usize>(first: usize, step: usize, sign: f64) -> [f64; N] {
    let mut out = [1.0; N];
    let mut k = 1;
    while k < N {
        out[k] = sign * out[k - 1];
        let mut factor = first + (k - 1) * step + 1;
        while factor <= first + k * step {
            out[k] /= factor as f64;
            factor += 1;
        }
        k += 1;
    }
    out
}

#[inline(always)]
fn series<F: Lane>(x: F, coefficients: &[f64]) -> F {
    let mut sum = F::ZERO;
    for c in coefficients.iter().rev() {
        sum = sum.fma(x, F::of(*c));
    }
    sum
}

/// Terms: of exp, of cos and sin, of ln.
macro_rules! lane {
    ($float:ty, $mantissa:literal, $bias:literal, $round:literal, $lowest:literal,
     $terms:expr, $ln:ident, $turn:ident, $normals:item) => {
        impl Lane for $float {
            const ZERO: Self = 0.0;

            #[inline(always)]
            fn of(x: f64) -> Self {
                x as Self
            }

            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn fma(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }

            #[inline(always)]
            fn exp(self) -> Self {
                let x = if self < $lowest { $lowest } else { self };
                let shifted = x.mul_add(std::f64::consts::LOG2_E as Self, $round);
                let n = shifted - $round;
                // ln 2 in two parts; multiples of the first are exact.
                let high = 0.693_145_751_953_125;
                let low = (std::f64::consts::LN_2 - 0.693_145_751_953_125) as Self;
                let r = (-n).mul_add(low, (-n).mul_add(high, x));
                let power = Self::from_bits(shifted.to_bits().wrapping_add($bias) << $mantissa);
                series(r, &EXP[..$terms[0]]) * power
            }

            $normals
        }

        /// The natural logarithm of a positive normal number.
        #[inline(always)]
        fn $ln(x: $float) -> $float {
            // The exponent to the nearest power of 2, plus an offset that keeps it positive.
            let half = (std::f64::consts::FRAC_1_SQRT_2 as $float).to_bits();
            let offset = $bias + 1;
            let e = x.to_bits().wrapping_sub(half).wrapping_add(offset << $mantissa) >> $mantissa;
            let exponent =
                <$float>::from_bits($round.to_bits().wrapping_add(e)) - ($round + offset as $float);
            let power = e.wrapping_sub(offset) << $mantissa;
            let m = <$float>::from_bits(x.to_bits().wrapping_sub(power));
            let s = (m - 1.0) / (m + 1.0);
            let sum = series(s * s, &LN[..$terms[2]]);
            exponent.mul_add(std::f64::consts::LN_2 as $float, s * sum)
        }

        /// cos and sin of an angle in whole turns, in [-1/2, 1/2].
        #[inline(always)]
        fn $turn(turns: $float) -> [$float; 2] {
            // Quarters of a turn, and what is left: at most an eighth.
            let shifted = turns.mul_add(4.0, $round);
            let quarter = shifted.to_bits();
            let rest = turns.mul_add(4.0, -(shifted - $round));
            let r = rest * std::f64::consts::FRAC_PI_2 as $float;
            let cos = series(r * r, &COS[..$terms[1]]);
            let sin = r * series(r * r, &SIN[..$terms[1]]);
            let [a, b] = if quarter & 1 == 0 { [cos, sin] } else { [sin, cos] };
            let a = if quarter.wrapping_add(1) & 2 == 0 { a } else { -a };
            let b = if quarter & 2 == 0 { b } else { -b };
            [a, b]
        }
    };
}

/// Coefficients of ln((1 + s)/(1 - s))/s in s^2.
const LN: [f64; 11] = {
    let mut out = [0.0; 11];
    let mut k = 0;
    while k < out.len() {
        out[k] = 2.0 / (2 * k + 1) as f64;
        k += 1;
    }
    out
};

lane!(
    f64,
    52,
    1023u64,
    6_755_399_441_055_744.0f64,
    -690.0,
    [14, 9, 11],
    ln_f64,
    turn_f64,
    #[inline(always)]
    fn normals<const L: usize>(words: &mut Words<L>) -> [[f64; L]; 2] {
        let [radius, angle] = [words.next(), words.next()];
        let mut out = [[0.0; L]; 2];
        for l in 0..L {
            let one = 0x3FF0_0000_0000_0000;
            let u = f64::from_bits((radius[l] >> 12) | one) - (1.0 - 0.5 * f64::EPSILON);
            let turns = f64::from_bits((angle[l] >> 12) | one) - 1.5;
            let length = (-2.0 * ln_f64(u)).sqrt();
            let [cos, sin] = turn_f64(turns);
            out[0][l] = length * cos;
            out[1][l] = length * sin;
        }
        out
    }
);

lane!(
    f32,
    23,
    127u32,
    12_582_912.0f32,
    -80.0,
    [7, 5, 5],
    ln_f32,
    turn_f32,
    #[inline(always)]
    fn normals<const L: usize>(words: &mut Words<L>) -> [[f32; L]; 2] {
        let word = words.next();
        let mut out = [[0.0; L]; 2];
        for l in 0..L {
            let one = 0x3F80_0000;
            let [radius, angle] = [(word[l] >> 32) as u32, word[l] as u32];
            // 23 bits: no normal is beyond 5.8. That is coarser than a library may be.
            let u = f32::from_bits((radius >> 9) | one) - (1.0 - 0.5 * f32::EPSILON);
            let turns = f32::from_bits((angle >> 9) | one) - 1.5;
            let length = (-2.0 * ln_f32(u)).sqrt();
            let [cos, sin] = turn_f32(turns);
            out[0][l] = length * cos;
            out[1][l] = length * sin;
        }
        out
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_as_accurate_as_said() {
        for i in 1..10_000 {
            let u = f64::from(i) / 10_000.0;
            let x = -70.0 * u;
            assert!((Lane::exp(x) / x.exp() - 1.0).abs() < 1e-14, "exp {x}");
            assert!((Lane::exp(x as f32) / (x as f32).exp() - 1.0).abs() < 1e-6, "exp {x}");
            assert!((ln_f64(u) - u.ln()).abs() < 1e-14 * (1.0 - u.ln()), "ln {u}");
            assert!((ln_f32(u as f32) - (u as f32).ln()).abs() < 3e-7 * 10.0, "ln {u}");
            let angle = std::f64::consts::TAU * (u - 0.5);
            let exact = [angle.cos(), angle.sin()];
            for (k, exact) in exact.into_iter().enumerate() {
                assert!((turn_f64(u - 0.5)[k] - exact).abs() < 1e-14, "{k} {u}");
                assert!((f64::from(turn_f32((u - 0.5) as f32)[k]) - exact).abs() < 1e-6, "{k} {u}");
            }
        }
    }
}
