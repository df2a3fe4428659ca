//! Numbers as text for tables: enough digits at every size, and no sign on a zero.

/// Sizes that five decimals show well, and the text is still short.
const PLAIN: std::ops::Range<f64> = 1e-3..1e7;
/// Digits behind the first one that are shown of other sizes.
const DIGITS: i32 = 4;
/// An f64 has no more digits than this behind its first one.
const MOST_DIGITS: i32 = 16;

/// A number with as many digits as its own size needs.
pub(crate) fn number(x: f64) -> String {
    scaled(x, x)
}

/// A number with as many digits as show parts of `scale`, such as a mean whose standard deviation
/// is `scale`.
///
/// It has five decimals where that is right, else more decimals or a power of ten.
pub(crate) fn scaled(x: f64, scale: f64) -> String {
    let own = x.abs();
    let scale = scale.abs();
    if !own.is_finite() || !scale.is_finite() {
        return fixed(x, 5);
    }
    // A zero takes the size of its neighbour, and anything far below that is a zero.
    let size = if scale > 0.0 { scale } else { own };
    if size == 0.0 || PLAIN.contains(&size) && own < PLAIN.end {
        return fixed(x, 5);
    }
    let below = exponent(size) - DIGITS;
    if PLAIN.contains(&own) && -below <= MOST_DIGITS - exponent(own) {
        return fixed(x, usize::try_from(-below).unwrap_or(0));
    }
    if own == 0.0 || exponent(own) < below {
        return "0".into();
    }
    let digits = (exponent(own) - below).clamp(DIGITS, MOST_DIGITS);
    format!("{x:.*e}", digits as usize)
}

/// A number of size `scale` with 16 digits.
pub(crate) fn precise(x: f64, scale: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if PLAIN.contains(&scale) && x.abs() < PLAIN.end || !x.is_finite() {
        return fixed(x, 15);
    }
    format!("{x:.15e}")
}

/// The exponent of the first digit of x > 0.
fn exponent(x: f64) -> i32 {
    libm::floor(libm::log10(x)) as i32
}

fn fixed(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.into(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_digits() {
        for (x, text) in [
            (0.0, "0.00000"),
            (-0.0, "0.00000"),
            (1.5, "1.50000"),
            (-0.25, "-0.25000"),
            (0.001, "0.00100"),
            (9e-4, "9.0000e-4"),
            (1e-9, "1.0000e-9"),
            (-1.23456e-9, "-1.2346e-9"),
            (123456.789, "123456.78900"),
            (1e7, "1.0000e7"),
            (-2.5e300, "-2.5000e300"),
            (5e-324, "4.9407e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(number(x), text, "{x:e}");
        }
    }

    #[test]
    fn precise_numbers_have_sixteen_digits() {
        for (x, scale, text) in [
            (0.0, 1.0, "0"),
            (1.0 / 3.0, 1.0, "0.333333333333333"),
            (-1e-17, 1.0, "0.000000000000000"),
            (1e-18, 1e-18, "1.000000000000000e-18"),
        ] {
            assert_eq!(precise(x, scale), text);
        }
    }

    #[test]
    fn a_mean_is_shown_in_parts_of_its_deviation() {
        for (x, scale, text) in [
            (-1e-7, 1.0, "0.00000"),
            (0.0031, 1.0, "0.00310"),
            (0.0, 1e-9, "0"),
            (1e-20, 1e-9, "0"),
            (3e-9, 1e-9, "3.0000e-9"),
            (100.00000213, 1e-4, "100.00000213"),
            (100.0, 1e-3, "100.00000"),
            (100.0, 1e-30, "1.0000000000000000e2"),
            (1e10, 1.0, "1.00000000000000e10"),
            (0.5, 1e9, "0"),
            (1e5, 1e9, "100000"),
            (3.0, 0.0, "3.00000"),
            (3.0, f64::NAN, "3.00000"),
        ] {
            assert_eq!(scaled(x, scale), text, "{x:e} {scale:e}");
        }
    }
}
