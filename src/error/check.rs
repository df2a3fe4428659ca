//! Checks of numbers that are given: positive, finite, a count in its bounds.

use super::{Error, Result};

/// Returns a finite number greater than zero, else an error with its name.
pub(crate) fn positive(name: &'static str, given: f64) -> Result<f64> {
    if given > 0.0 && given.is_finite() {
        Ok(given)
    } else {
        Err(Error::Invalid { name, given, expected: "a finite number > 0" })
    }
}

/// Returns a finite number, else an error with its name.
pub(crate) fn finite(name: &'static str, given: f64) -> Result<f64> {
    if given.is_finite() {
        Ok(given)
    } else {
        Err(Error::Invalid { name, given, expected: "a finite number" })
    }
}

/// Returns a count from `least` to `most`, else an error with its name.
pub(crate) fn count(
    name: &'static str,
    given: usize,
    least: usize,
    most: usize,
    expected: &'static str,
) -> Result<usize> {
    if (least..=most).contains(&given) {
        Ok(given)
    } else {
        Err(Error::Invalid { name, given: given as f64, expected })
    }
}
