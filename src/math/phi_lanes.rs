//! The functions of [`Phi`] over the lanes of a vector kernel, with the same bits.

use super::phi::Phi;
use super::phi::{PHI2, POSITION_VARIANCE, SERIES_BELOW, TERMS};

/// Above this e^(−y) is no longer 1 + (e^(−y) − 1), and the lanes take the scalar functions.
const MOST: f64 = 0.69;

/// The functions of [`Phi`] at L numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhiLanes<const L: usize> {
    pub decay: [f64; L],
    pub lost_twice: [f64; L],
    pub phi1: [f64; L],
    pub phi2: [f64; L],
    pub position_variance: [f64; L],
}

impl<const L: usize> PhiLanes<L> {
    /// All functions at y ≥ 0. The operations are those of [`Phi::at`] in the same order.
    #[inline(always)]
    pub(crate) fn at(y: &[f64; L]) -> Self {
        let zero = [0.0; L];
        let mut out =
            Self { decay: zero, lost_twice: zero, phi1: zero, phi2: zero, position_variance: zero };
        let mut largest = 0.0;
        for l in 0..L {
            // Written so that NaN is taken for large.
            largest = if y[l] <= largest { largest } else { y[l] };
        }
        if !(largest < MOST) {
            out.one_by_one(y);
            return out;
        }
        let mut w = [0.0; L];
        for l in 0..L {
            w[l] = expm1_of_minus(y[l]);
        }
        for l in 0..L {
            out.decay[l] = 1.0 + w[l];
            out.lost_twice[l] = -w[l] * (2.0 + w[l]);
            let ratio = -w[l] / y[l];
            out.phi1[l] = if y[l] == 0.0 { 1.0 } else { ratio };
        }
        series(&PHI2, y, &mut out.phi2);
        series(&POSITION_VARIANCE, y, &mut out.position_variance);
        if largest >= SERIES_BELOW {
            for l in 0..L {
                let phi2 = (y[l] + w[l]) / (y[l] * y[l]);
                let variance = (2.0 * y[l] + w[l] * (2.0 - w[l])) / (y[l] * y[l] * y[l]);
                let small = y[l] < SERIES_BELOW;
                out.phi2[l] = if small { out.phi2[l] } else { phi2 };
                out.position_variance[l] = if small { out.position_variance[l] } else { variance };
            }
        }
        out
    }

    #[inline(never)]
    fn one_by_one(&mut self, y: &[f64; L]) {
        for l in 0..L {
            let phi = Phi::at(y[l]);
            self.decay[l] = phi.decay;
            self.lost_twice[l] = phi.lost_twice;
            self.phi1[l] = phi.phi1;
            self.phi2[l] = phi.phi2;
            self.position_variance[l] = phi.position_variance;
        }
    }
}

#[inline(always)]
fn series<const L: usize>(coefficients: &[f64; TERMS], y: &[f64; L], out: &mut [f64; L]) {
    // Term by term, so that the lanes are independent chains.
    let mut sum = [coefficients[TERMS - 1]; L];
    let mut k = TERMS - 1;
    while k > 0 {
        k -= 1;
        for l in 0..L {
            sum[l] = sum[l] * y[l] + coefficients[k];
        }
    }
    *out = sum;
}

/// e^(−y) − 1 for 0 ≤ y ≤ 1.03, by the operations of `libm::expm1` (FreeBSD's s_expm1.c) without
/// its branches.
#[inline(always)]
fn expm1_of_minus(y: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
    const Q: [f64; 5] = [
        -3.333_333_333_333_313_164_28e-2,
        1.587_301_587_254_814_601_65e-3,
        -7.936_507_578_674_879_424_73e-5,
        4.008_217_827_329_362_395_52e-6,
        -2.010_992_181_836_243_713_26e-7,
    ];
    let given = -y;
    let high = (given.to_bits() >> 32) & 0x7fff_ffff;
    let is_reduced = high > 0x3fd6_2e42; // |x| > ½ ln 2
    let is_tiny = high < 0x3c90_0000; // |x| < 2⁻⁵⁴
    let upper = given + LN2_HIGH;
    let reduced = upper + LN2_LOW;
    let cut = (upper - reduced) + LN2_LOW;
    let x = if is_reduced { reduced } else { given };
    let c = if is_reduced { cut } else { 0.0 };
    let half = 0.5 * x;
    let z = x * half;
    let r = 1.0 + z * (Q[0] + z * (Q[1] + z * (Q[2] + z * (Q[3] + z * Q[4]))));
    let t = 3.0 - r * half;
    let e = z * ((r - t) / (6.0 - x * t));
    let whole = x - (x * e - z);
    let halved = 0.5 * (x - ((x * (e - c) - c) - z)) - 0.5;
    let w = if is_reduced { halved } else { whole };
    if is_tiny { given } else { w }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::simd::{Kernel, dispatch};

    struct Compare<'a>(&'a [[f64; 16]]);

    impl Kernel for Compare<'_> {
        #[inline(always)]
        fn run(self) {
            for y in self.0 {
                let lanes = PhiLanes::at(y);
                for l in 0..16 {
                    let one = Phi::at(y[l]);
                    let bits = |numbers: [f64; 5]| numbers.map(f64::to_bits);
                    let found = [
                        lanes.decay[l],
                        lanes.lost_twice[l],
                        lanes.phi1[l],
                        lanes.phi2[l],
                        lanes.position_variance[l],
                    ];
                    let Phi { decay, lost_twice, phi1, phi2, position_variance } = one;
                    let want = [decay, lost_twice, phi1, phi2, position_variance];
                    assert_eq!(bits(found), bits(want), "y = {}", y[l]);
                }
            }
        }
    }

    #[test]
    fn lanes_have_the_bits_of_single_numbers() {
        let special: [f64; 10] =
            [0.0, -0.0, 1e-300, 5e-324, 1e-17, 5.5e-17, 6e-17, 0.25, 0.346_573, 0.346_574];
        let mut blocks = Vec::new();
        for most in [1e-8, 0.1, 0.2499, 0.3, 0.5, 0.6899, 2.0, 60.0] {
            for block in 0..2000 {
                let place = |l: usize| ((block * 16 + l) as f64 * 0.618_033_988_749_895).fract();
                let mut y: [f64; 16] = std::array::from_fn(|l| most * place(l));
                y[block % 16] = special[block % special.len()].min(most);
                blocks.push(y);
            }
        }
        blocks.push([f64::INFINITY; 16]);
        dispatch(Compare(&blocks));
    }
}
