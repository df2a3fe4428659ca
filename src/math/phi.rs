//! Functions that cancel near zero. Below a threshold each is computed by its series.
//!
//! The argument is y = friction × time ≥ 0. The functions are checked against values of 25 digits,
//! here and in `tests/coefficients.rs`.

/// Below this the series are used. The closed forms lose more than two digits below it, and fewer
/// above it.
pub(super) const SERIES_BELOW: f64 = 0.25;

/// The functions of y in the coefficients of a velocity with friction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phi {
    /// e^(−y).
    pub decay: f64,
    /// 1 − e^(−2y).
    pub lost_twice: f64,
    /// φ₁(y) = (1 − e^(−y)) / y, and 1 at 0.
    pub phi1: f64,
    /// φ₂(y) = (y − 1 + e^(−y)) / y², and ½ at 0.
    pub phi2: f64,
    /// (2y − 3 + 4 e^(−y) − e^(−2y)) / y³, and ⅔ at 0. It is the position variance of a Brownian
    /// velocity with friction.
    pub position_variance: f64,
}

impl Phi {
    /// All functions at y ≥ 0, from one evaluation of e^(−y) − 1.
    pub(crate) fn at(y: f64) -> Self {
        let w = libm::expm1(-y);
        // 1 + w is accurate to the last digit if w is above −½.
        let decay = if w > -0.5 { 1.0 + w } else { libm::exp(-y) };
        let (phi1, phi2, position_variance) = if y < SERIES_BELOW {
            let phi1 = if y == 0.0 { 1.0 } else { -w / y };
            (phi1, horner(&PHI2, y), horner(&POSITION_VARIANCE, y))
        } else {
            // With e = 1 + w, 4e − e² − 3 is w (2 − w). That is one cancellation instead of three.
            (-w / y, (y + w) / (y * y), (2.0 * y + w * (2.0 - w)) / (y * y * y))
        };
        Self { decay, lost_twice: -w * (2.0 + w), phi1, phi2, position_variance }
    }
}

/// (1/h^(k+1)) ∫₀ʰ s^k e^(as) ds for k = 0, 1, 2 at y = a h of either sign. The values at 0 are 1,
/// ½ and ⅓.
///
/// ```text
/// k = 0: (e^y − 1)/y      k = 1: (e^y (y − 1) + 1)/y²      k = 2: (e^y (y² − 2y + 2) − 2)/y³
/// ```
pub(crate) fn power_means(y: f64) -> [f64; 3] {
    /// Below this the series Σ y^j/(j! (j+k+1)) is used. Above it the closed forms are used, which
    /// lose a factor of at most 20 there.
    const BELOW: f64 = 1.0;
    if y.abs() < BELOW {
        let mut sums = [0.0; 3];
        let mut term = 1.0;
        for j in 0..22 {
            let j = f64::from(j);
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum += term / (j + 1.0 + k as f64);
            }
            term *= y / (j + 1.0);
        }
        return sums;
    }
    let e = libm::exp(y);
    [
        libm::expm1(y) / y,
        (e * (y - 1.0) + 1.0) / (y * y),
        (e * (y * (y - 2.0) + 2.0) - 2.0) / (y * y * y),
    ]
}

pub(super) const TERMS: usize = 16;

/// Σ (−y)^k / (k+2)!. After 16 terms the relative error is below 1e-24.
pub(super) const PHI2: [f64; TERMS] = {
    let mut coefficients = [0.0; TERMS];
    let mut k = 0;
    let mut term = 0.5;
    while k < TERMS {
        coefficients[k] = term;
        term /= -((k + 3) as f64);
        k += 1;
    }
    coefficients
};

/// Σ_{n≥3} (−1)^(n+1) (2^n − 4)/n! y^(n−3). After 16 terms the relative error is below 1e-19.
pub(super) const POSITION_VARIANCE: [f64; TERMS] = {
    let mut coefficients = [0.0; TERMS];
    let mut k = 0;
    let mut factorial = 6.0;
    let mut power = 8.0;
    while k < TERMS {
        let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
        coefficients[k] = sign * (power - 4.0) / factorial;
        factorial *= (k + 4) as f64;
        power *= 2.0;
        k += 1;
    }
    coefficients
};

fn horner(coefficients: &[f64; TERMS], y: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * y + c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_at_zero() {
        let phi = Phi::at(0.0);
        assert_eq!((phi.decay, phi.lost_twice, phi.phi1, phi.phi2), (1.0, 0.0, 1.0, 0.5));
        assert_eq!(phi.position_variance, 2.0 / 3.0);
    }

    #[test]
    fn power_means_are_their_integrals() {
        // Gauss–Legendre with 5 points on each of 200 cells, exact up to rounding.
        const NODES: [(f64, f64); 5] = [
            (0.0, 0.568_888_888_888_888_9),
            (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
            (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
            (0.906_179_845_938_664, 0.236_926_885_056_189_1),
            (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
        ];
        for y in [
            -40.0, -5.0, -1.0001, -0.9999, -0.1, -1e-9, 0.0, 1e-12, 0.3, 0.9999, 1.0001, 4.0, 16.0,
            50.0,
        ] {
            let mut want = [0.0; 3];
            for cell in 0..200 {
                for (node, weight) in NODES {
                    let s = (f64::from(cell) + 0.5 + 0.5 * node) / 200.0;
                    for (k, want) in want.iter_mut().enumerate() {
                        *want += weight / 400.0 * s.powi(k as i32) * libm::exp(y * s);
                    }
                }
            }
            for (found, want) in power_means(y).into_iter().zip(want) {
                assert!((found / want - 1.0).abs() < 2e-14, "y = {y}: {found} {want}");
            }
        }
    }

    #[test]
    fn right_against_fifty_digits() {
        let mut count = 0;
        for line in include_str!("../../tests/golden/phi.csv").lines().skip(1) {
            let n: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
            let phi = Phi::at(n[0]);
            for (found, want) in [(phi.phi1, n[1]), (phi.phi2, n[2]), (phi.position_variance, n[3])]
            {
                assert!((found / want - 1.0).abs() < 1e-14, "y = {}: {found} {want}", n[0]);
            }
            assert!((phi.decay - 1.0 - n[4]).abs() < 2e-16);
            count += 1;
        }
        assert!(count >= 200);
    }
}
