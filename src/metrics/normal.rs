//! The quantile function of the standard normal distribution.

use crate::error::{Error, Result};

/// z with Φ(z) = `probability`, for a probability strictly between 0 and 1.
///
/// It is Wichura's algorithm AS 241 (PPND16, Applied Statistics 37 (1988) 477–484). The formula has
/// a relative error of about 1e-16. As evaluated it has a few 1e-16. A probability near 1 has only
/// the digits of 1 − p. If you know 1 − p better, use −z(1 − p).
///
/// # Errors
/// [`Error::Invalid`] unless 0 < probability < 1.
pub fn normal_quantile(probability: f64) -> Result<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return Err(Error::Invalid {
            name: "probability",
            given: probability,
            expected: "strictly between 0 and 1",
        });
    }
    Ok(quantile(probability))
}

/// The same without the check, for probabilities that are inside by construction.
pub(super) fn quantile(probability: f64) -> f64 {
    let centred = probability - 0.5;
    if centred.abs() <= 0.425 {
        let square = 0.180625 - centred * centred;
        return centred * polynomial(&CENTRE.0, square) / polynomial(&CENTRE.1, square);
    }
    let tail = if centred < 0.0 { probability } else { 1.0 - probability };
    let root = libm::sqrt(-libm::log(tail));
    let magnitude = if root <= 5.0 {
        polynomial(&MIDDLE.0, root - 1.6) / polynomial(&MIDDLE.1, root - 1.6)
    } else {
        polynomial(&FAR.0, root - 5.0) / polynomial(&FAR.1, root - 5.0)
    };
    if centred < 0.0 { -magnitude } else { magnitude }
}

/// Evaluates a polynomial whose coefficients are listed from the highest power down.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// Numerator and denominator for |p − ½| ≤ 0.425, in 0.180625 − (p − ½)².
const CENTRE: ([f64; 8], [f64; 8]) = (
    [
        2509.0809287301227,
        33430.57558358813,
        67265.7709270087,
        45921.95393154987,
        13731.69376550946,
        1971.5909503065513,
        133.14166789178438,
        3.3871328727963665,
    ],
    [
        5226.495278852854,
        28729.085735721943,
        39307.89580009271,
        21213.794301586597,
        5394.196021424751,
        687.1870074920579,
        42.31333070160091,
        1.0,
    ],
);

/// For √(−ln tail) ≤ 5, in √(−ln tail) − 1.6.
const MIDDLE: ([f64; 8], [f64; 8]) = (
    [
        0.0007745450142783414,
        0.022723844989269184,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
    ],
    [
        1.0507500716444169e-9,
        0.0005475938084995345,
        0.015198666563616457,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1.0,
    ],
);

/// For larger √(−ln tail), in √(−ln tail) − 5.
const FAR: ([f64; 8], [f64; 8]) = (
    [
        2.0103343992922881e-7,
        2.7115555687434876e-5,
        0.0012426609473880784,
        0.026532189526576124,
        0.29656057182850487,
        1.7848265399172913,
        5.463784911164114,
        6.657904643501103,
    ],
    [
        2.0442631033899397e-15,
        1.421511758316446e-7,
        1.8463183175100548e-5,
        0.0007868691311456133,
        0.014875361290850615,
        0.1369298809227358,
        0.599832206555888,
        1.0,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_to_forty_digits() {
        // From mpmath 1.3: √2 · erfinv(2p − 1), computed with 400 digits.
        let table = [
            (1e-300, -37.0470962993612),
            (1e-20, -9.262340089798407),
            (1e-5, -4.264890793922825),
            (0.02, -2.053748910631823),
            (0.0749, -1.4402382675279637),
            (0.0751, -1.43882539275254),
            (0.3, -0.5244005127080408),
            (0.9, 1.2815515655446006),
            (1.0 - f64::EPSILON / 2.0, 8.209536151601387),
        ];
        for (probability, expected) in table {
            let found = normal_quantile(probability).unwrap();
            assert!(
                (found / expected - 1.0).abs() < 2e-15,
                "{probability}: {found} against {expected}"
            );
        }
        assert_eq!(normal_quantile(0.5).unwrap(), 0.0);
    }

    #[test]
    fn probabilities_outside_are_refused() {
        for probability in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert!(matches!(normal_quantile(probability), Err(Error::Invalid { .. })));
        }
    }
}
