//! A value with its standard error, and the block jackknife that computes the error.

use std::fmt;

use crate::math::digits::scaled;

/// Number of blocks of the jackknife.
pub(super) const BLOCKS: usize = 10;

/// An estimate and its standard error, in the unit of the value.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Estimate {
    /// The value of the estimate.
    pub value: f64,
    /// One standard error of [`value`](Self::value).
    pub error: f64,
}

impl fmt::Display for Estimate {
    /// Value and error with the same number of decimals, as `0.36400 ± 0.01200`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [value, error] = self.texts();
        write!(f, "{value} ± {error}")
    }
}

impl Estimate {
    /// Value and error as text for a table.
    pub(crate) fn texts(&self) -> [String; 2] {
        // The larger one decides, so that both have the same unit.
        let scale = self.value.abs().max(self.error.abs());
        [scaled(self.value, scale), scaled(self.error, scale)]
    }
}

/// The block of a row, row mod 10. The blocks are strided, so every block samples the whole run if
/// rows drift slowly.
pub(super) fn block_of(row: usize) -> usize {
    row % BLOCKS
}

/// The number of rows in `block`, of `rows` rows in total.
pub(super) fn block_length(rows: usize, block: usize) -> usize {
    rows / BLOCKS + usize::from(block < rows % BLOCKS)
}

/// Delete-a-block jackknife: error² = (B−1)/B · Σ_g (value without block g − their mean)², B = 10.
///
/// Source: Efron & Stein, Annals of Statistics 9 (1981). Blocks may differ by one row. This changes
/// the error only at relative order 10/rows.
pub(super) fn jackknife(value: f64, without_block: &[f64; BLOCKS]) -> Estimate {
    let blocks = BLOCKS as f64;
    let mean = without_block.iter().sum::<f64>() / blocks;
    let spread: f64 = without_block.iter().map(|left| (left - mean) * (left - mean)).sum();
    Estimate { value, error: ((blocks - 1.0) / blocks * spread).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_partition_the_rows() {
        for rows in [1, 9, 10, 20, 23, 100, 1009] {
            let mut counted = [0; BLOCKS];
            (0..rows).for_each(|row| counted[block_of(row)] += 1);
            for (block, count) in counted.iter().enumerate() {
                assert_eq!(*count, block_length(rows, block));
            }
        }
    }

    #[test]
    fn the_jackknife_of_a_mean_is_the_standard_error_of_the_block_means() {
        // For a mean, the jackknife is algebraically std(block means)/√B.
        let means = [0.3, -1.0, 2.0, 0.5, 0.7, -0.2, 1.1, 0.0, 3.0, -2.0];
        let total: f64 = means.iter().sum();
        let without: [f64; BLOCKS] = std::array::from_fn(|block| (total - means[block]) / 9.0);
        let mean = total / 10.0;
        let variance: f64 = means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / 9.0;
        let estimate = jackknife(mean, &without);
        assert!((estimate.error - (variance / 10.0).sqrt()).abs() < 1e-14);
        assert_eq!(estimate.value, mean);
    }

    #[test]
    fn estimates_print_value_and_error() {
        for (value, error, text) in [
            (0.364, 0.012, "0.36400 ± 0.01200"),
            (-1e-9, 2e-10, "-1.0000e-9 ± 2.0000e-10"),
            (f64::NAN, 0.0, "NaN ± 0.00000"),
        ] {
            assert_eq!(Estimate { value, error }.to_string(), text);
        }
    }
}
