//! Functions that cancel near zero, each with the series that takes over there.
//!
//! With y = friction × time ≥ 0. Checked against 50-digit tables in `tests/coefficients.rs`.

/// Below this the series is used: there the closed forms lose more than two digits, above it less.
const SERIES_BELOW: f64 = 0.9;

/// φ₁(y) = (1 − e^(−y)) / y, and 1 at 0.
pub(crate) fn phi1(y: f64) -> f64 {
    if y == 0.0 { 1.0 } else { -libm::expm1(-y) / y }
}

/// φ₂(y) = (y − 1 + e^(−y)) / y², and ½ at 0.
pub(crate) fn phi2(y: f64) -> f64 {
    if y >= SERIES_BELOW {
        return (y + libm::expm1(-y)) / (y * y);
    }
    // Σ (−y)^k / (k+2)!, from the smallest term up: 18 terms leave less than 1e-18.
    let mut sum = 0.0;
    for k in (0..18).rev() {
        sum = 1.0 - y * sum / f64::from(k + 3);
    }
    0.5 * sum
}

/// (2y − 3 + 4 e^(−y) − e^(−2y)) / y³, and ⅔ at 0: the position variance of a Brownian velocity with friction.
pub(crate) fn position_variance(y: f64) -> f64 {
    if y >= SERIES_BELOW {
        // 4e − e² − 3 with e = 1 + w is w(2 − w): one cancellation instead of three.
        let w = libm::expm1(-y);
        return (2.0 * y + w * (2.0 - w)) / (y * y * y);
    }
    // Σ_{n≥3} (−1)^(n+1) (2^n − 4)/n! y^(n−3); 28 terms leave less than 1e-18.
    const TERMS: usize = 28;
    let mut coefficients = [0.0; TERMS];
    let (mut factorial, mut power) = (6.0, 8.0);
    for (i, c) in coefficients.iter_mut().enumerate() {
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        *c = sign * (power - 4.0) / factorial;
        factorial *= (i + 4) as f64;
        power *= 2.0;
    }
    coefficients.iter().rev().fold(0.0, |sum, c| sum * y + c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_at_zero() {
        assert_eq!(phi1(0.0), 1.0);
        assert_eq!(phi2(0.0), 0.5);
        assert!((position_variance(0.0) - 2.0 / 3.0).abs() < 1e-16);
    }

    #[test]
    fn series_and_closed_form_meet() {
        let below = SERIES_BELOW * (1.0 - f64::EPSILON);
        assert!((phi2(below) / phi2(SERIES_BELOW) - 1.0).abs() < 3e-15);
        assert!((position_variance(below) / position_variance(SERIES_BELOW) - 1.0).abs() < 2e-14);
    }
}
