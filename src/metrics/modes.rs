//! Tests whether the components of a mixture are visited in the right proportions.

use ndarray::{Array1, ArrayView2};

use super::check;
use super::chi::chi_square_survival;
use crate::error::{Error, Result};

/// The largest allowed distance of a row of responsibilities from the sum 1. The row may have been
/// computed in f32.
const ROW_SUM_TOLERANCE: f64 = 1e-5;

/// Shares of a sample in the components of a mixture, with Pearson's test against the weights.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Occupancy {
    /// Share of the sample in each component, shape (components). It is the mean of the
    /// responsibilities over rows.
    pub weights_found: Array1<f64>,
    /// Expected shares, shape (components): the weights divided by their sum.
    pub expected: Array1<f64>,
    /// Pearson's statistic n Σ (found − expected)² / expected, over the components of positive
    /// weight.
    pub chi_square: f64,
    /// Number of components of positive weight, minus one.
    pub degrees_of_freedom: usize,
    /// Probability of a statistic at least this large if the sample has the distribution of the
    /// mixture. It is 1 with a single component.
    pub p_value: f64,
}

/// Pearson's chi-square test of the shares of the components, with soft counts n_k = Σ_i r_ik.
///
/// `responsibilities` has shape (samples ≥ 1, components). r_ik ≥ 0 is the posterior probability
/// that row i came from component k, and every row sums to one. `weights` (components) are
/// non-negative and need not sum to one. Components of weight 0 are skipped.
///
/// For well separated modes the responsibilities are 0 or 1 and the counts are multinomial. The
/// statistic then follows the chi-square distribution for n · min(weight) ≳ 5. For overlapping
/// modes the counts vary *less*, by the law of total covariance: soft counts are conditional means
/// of hard ones. So the test is conservative, and a small p-value is still significant. Rows are
/// assumed to be independent. Correlated rows make the p-value too small.
///
/// # Errors
/// - [`Error::Shape`] for no rows or a different number of weights.
/// - [`Error::NonFinite`] for a NaN or an infinity.
/// - [`Error::Invalid`] for a negative weight or responsibility, weights that sum to zero, a row
///   that does not sum to 1 within 1e-5, or mass in a component of weight 0.
pub fn occupancy(responsibilities: ArrayView2<'_, f64>, weights: &[f64]) -> Result<Occupancy> {
    check::samples("responsibilities", responsibilities, 1)?;
    let (rows, components) = responsibilities.dim();
    if weights.len() != components {
        return Err(Error::Shape {
            what: "weights",
            given: format!("({})", weights.len()),
            expected: format!("({components})"),
        });
    }
    check::list("weights", weights, 1)?;
    non_negative("weights", weights.iter())?;
    non_negative("responsibilities", responsibilities.iter())?;
    for row in responsibilities.rows() {
        let sum = row.sum();
        if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
            return Err(Error::Invalid {
                name: "responsibilities",
                given: sum,
                expected: "rows that sum to 1",
            });
        }
    }
    let total: f64 = weights.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return Err(Error::Invalid {
            name: "sum of weights",
            given: total,
            expected: "positive and finite",
        });
    }

    let count = rows as f64;
    let expected: Array1<f64> = weights.iter().map(|weight| weight / total).collect();
    let weights_found: Array1<f64> = responsibilities
        .columns()
        .into_iter()
        .map(|column| column.iter().sum::<f64>() / count)
        .collect();
    let mut chi_square = 0.0;
    let mut possible = 0_usize;
    for (found, share) in weights_found.iter().zip(&expected) {
        if *share > 0.0 {
            chi_square += count * (found - share) * (found - share) / share;
            possible += 1;
        } else if *found > 0.0 {
            return Err(Error::Invalid {
                name: "responsibilities",
                given: *found,
                expected: "no mass in a component of weight 0",
            });
        }
    }
    let degrees_of_freedom = possible.saturating_sub(1);
    let p_value = match degrees_of_freedom {
        0 => 1.0,
        degrees => chi_square_survival(chi_square, degrees)?,
    };
    Ok(Occupancy { weights_found, expected, chi_square, degrees_of_freedom, p_value })
}

fn non_negative<'a>(name: &'static str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    match values.find(|value| **value < 0.0) {
        Some(given) => Err(Error::Invalid { name, given: *given, expected: "at least 0" }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kolmogorov_survival;
    use super::*;
    use crate::noise::splitmix::SplitMix64;
    use ndarray::{Array2, array};

    /// Hard responsibilities of independent rows with weights (0.2, 0.3, 0.5).
    fn draws(generator: &mut SplitMix64, count: usize) -> Array2<f64> {
        let mut rows = Array2::zeros((count, 3));
        for mut row in rows.rows_mut() {
            let uniform = generator.uniform();
            row[if uniform < 0.2 { 0 } else { 1 + usize::from(uniform >= 0.5) }] = 1.0;
        }
        rows
    }

    #[test]
    fn a_case_by_hand() {
        // Ten rows, counts 5, 3, 2 against weights 1 : 1 : 2 (expected 2.5, 2.5, 5): 2.5 + 0.1 +
        // 1.8 = 4.4 with two degrees: e^(−2.2).
        let mut hard = Array2::zeros((10, 3));
        for row in 0..10 {
            hard[[row, usize::from(row >= 5) + usize::from(row >= 8)]] = 1.0;
        }
        let found = occupancy(hard.view(), &[1.0, 1.0, 2.0]).unwrap();
        assert_eq!(found.weights_found, array![0.5, 0.3, 0.2]);
        assert_eq!(found.expected, array![0.25, 0.25, 0.5]);
        assert_eq!(found.degrees_of_freedom, 2);
        assert!((found.chi_square - 4.4).abs() < 1e-14);
        assert!((found.p_value - (-2.2_f64).exp()).abs() < 1e-14);
        // The order of components and the scale of weights do not matter. A component of weight
        // zero is skipped.
        let mut wide = Array2::zeros((10, 4));
        wide.column_mut(3).assign(&hard.column(0));
        wide.column_mut(0).assign(&hard.column(1));
        wide.column_mut(1).assign(&hard.column(2));
        let skipped = occupancy(wide.view(), &[3.0, 6.0, 0.0, 3.0]).unwrap();
        assert_eq!(skipped.degrees_of_freedom, 2);
        assert!((skipped.p_value - found.p_value).abs() < 1e-14);
    }

    #[test]
    fn one_component_proves_nothing_and_soft_counts_count() {
        let all = occupancy(Array2::ones((7, 1)).view(), &[0.3]).unwrap();
        assert_eq!((all.chi_square, all.degrees_of_freedom, all.p_value), (0.0, 0, 1.0));
        let soft = occupancy(array![[0.25, 0.75], [0.5, 0.5]].view(), &[0.5, 0.5]).unwrap();
        assert_eq!(soft.weights_found, array![0.375, 0.625]);
        assert_eq!(soft.chi_square, 2.0 * 2.0 * 0.125 * 0.125 / 0.5);
    }

    #[test]
    fn p_values_are_uniform_for_the_right_weights() {
        // 500 p-values of 1000 rows in 3 components. Kolmogorov's test has level 1e-6 per seed,
        // 3e-6 in total. The counts are discrete, but the statistic takes thousands of values. That
        // gives a bias of about 1e-3 against a threshold of 2.69/√500 = 0.12.
        let weights = [0.2, 0.3, 0.5];
        for seed in [0, 1, u64::MAX] {
            let mut generator = SplitMix64::new(seed);
            let mut p_values = Vec::new();
            for _ in 0..500 {
                let rows = draws(&mut generator, 1000);
                p_values.push(occupancy(rows.view(), &weights).unwrap().p_value);
            }
            p_values.sort_by(f64::total_cmp);
            let distance = p_values
                .iter()
                .enumerate()
                .map(|(i, p)| (p - i as f64 / 500.0).abs().max((p - (i + 1) as f64 / 500.0).abs()))
                .fold(0.0, f64::max);
            assert!(
                kolmogorov_survival(distance * 500.0_f64.sqrt()) > 1e-6,
                "seed {seed}: {distance}"
            );
        }
    }

    #[test]
    fn swapped_weights_are_noticed() {
        // 2000 rows drawn with (0.2, 0.3, 0.5), tested against (0.3, 0.2, 0.5). A statistic ≤ 10
        // needs n₀ ≥ 523 and n₁ ≤ 463, so n₀ − n₁ ≥ 60. That difference has mean −200 and std
        // √(2000 · 0.49) = 31: 8 sigma, 1e-15 per seed.
        for seed in [0, 1, u64::MAX] {
            let rows = draws(&mut SplitMix64::new(seed), 2000);
            assert!(occupancy(rows.view(), &[0.3, 0.2, 0.5]).unwrap().chi_square > 10.0);
        }
    }

    #[test]
    fn bad_input_is_named() {
        let good = array![[0.5, 0.5], [1.0, 0.0]];
        assert!(matches!(
            occupancy(good.view(), &[1.0]),
            Err(Error::Shape { what: "weights", .. })
        ));
        assert!(matches!(
            occupancy(good.view(), &[1.0, -1.0]),
            Err(Error::Invalid { name: "weights", .. })
        ));
        assert!(matches!(
            occupancy(good.view(), &[0.0, 0.0]),
            Err(Error::Invalid { name: "sum of weights", .. })
        ));
        assert!(matches!(
            occupancy(good.view(), &[1.0, f64::NAN]),
            Err(Error::NonFinite { what: "weights", row: 1, .. })
        ));
        assert!(matches!(
            occupancy(good.view(), &[1.0, 0.0]),
            Err(Error::Invalid { given: 0.25, .. })
        ));
        assert!(matches!(
            occupancy(array![[0.5, 0.6]].view(), &[1.0, 1.0]),
            Err(Error::Invalid { given: 1.1, .. })
        ));
        assert!(matches!(
            occupancy(array![[1.5, -0.5]].view(), &[1.0, 1.0]),
            Err(Error::Invalid { given: -0.5, .. })
        ));
        let error = occupancy(array![[1.0, 0.0], [0.0, f64::NAN]].view(), &[1.0, 1.0]).unwrap_err();
        assert!(matches!(error, Error::NonFinite { what: "responsibilities", row: 1, column: 1 }));
    }
}
