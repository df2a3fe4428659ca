//! Exact Wasserstein-2 distance between two samples on the line, by coupling quantiles.

use super::check;
use crate::error::Result;

/// W₂ between the empirical distributions of `a` and `b`, which may differ in length. Its unit is
/// that of the samples.
///
/// ```text
/// W₂² = ∫₀¹ (A⁻¹(u) − B⁻¹(u))² du
/// ```
///
/// A⁻¹ and B⁻¹ are the empirical quantile functions. On the line the monotone coupling is optimal
/// (Villani, Topics in Optimal Transportation, theorem 2.18). For equal lengths the result is the
/// root mean square of differences of sorted values. Two samples of one distribution are not at
/// distance 0 but at one of order n^(−1/2) (more for heavy tails).
///
/// # Errors
/// - [`Shape`](crate::Error::Shape) for an empty sample.
/// - [`NonFinite`](crate::Error::NonFinite) for a NaN or an infinity, with the position as row.
pub fn wasserstein_1d(a: &[f64], b: &[f64]) -> Result<f64> {
    check::list("a", a, 1)?;
    check::list("b", b, 1)?;
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    Ok(coupled_cost(sorted(a).into_iter(), a.len(), sorted(b).into_iter(), b.len()).sqrt())
}

/// Mean squared distance under the monotone coupling of two increasing sequences of known lengths.
///
/// Each of the `count_a` points has mass `count_b` and vice versa. So masses are integers, and no
/// rounding can leave a small mass over.
pub(super) fn coupled_cost(
    mut a: impl Iterator<Item = f64>,
    count_a: usize,
    mut b: impl Iterator<Item = f64>,
    count_b: usize,
) -> f64 {
    let mut next_a = a.next();
    let mut next_b = b.next();
    let mut mass_a = count_b;
    let mut mass_b = count_a;
    let mut cost = 0.0;
    while let (Some(x), Some(y)) = (next_a, next_b) {
        let moved = mass_a.min(mass_b);
        cost += moved as f64 * ((x - y) * (x - y));
        mass_a -= moved;
        mass_b -= moved;
        if mass_a == 0 {
            (next_a, mass_a) = (a.next(), count_b);
        }
        if mass_b == 0 {
            (next_b, mass_b) = (b.next(), count_a);
        }
    }
    cost / (count_a as f64 * count_b as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::noise::splitmix::SplitMix64;

    fn uniforms(count: usize, seed: u64) -> Vec<f64> {
        let mut generator = SplitMix64::new(seed);
        (0..count).map(|_| generator.uniform()).collect()
    }

    #[test]
    fn cases_by_hand() {
        assert_eq!(wasserstein_1d(&[3.0], &[0.0]).unwrap(), 3.0);
        assert_eq!(wasserstein_1d(&[2.0, 0.0], &[1.0, 5.0]).unwrap(), 5.0_f64.sqrt());
        // {0, 6} against {0, 3, 6}: thirds of mass at 0−0, 6−6, and a sixth each at 0−3 and 6−3:
        // 9/3.
        assert!(
            (wasserstein_1d(&[6.0, 0.0], &[3.0, 6.0, 0.0]).unwrap() - 3.0_f64.sqrt()).abs() < 1e-15
        );
        // One point against many gives the second moment about it.
        assert!(
            (wasserstein_1d(&[1.0], &[0.0, 2.0, 4.0]).unwrap() - (11.0_f64 / 3.0).sqrt()).abs()
                < 1e-15
        );
    }

    #[test]
    fn shifting_scaling_swapping_and_repeating() {
        let a = uniforms(60, 1);
        let shifted: Vec<f64> = a.iter().rev().map(|x| x + 2.5).collect();
        assert!((wasserstein_1d(&a, &shifted).unwrap() - 2.5).abs() < 1e-14);
        let b = uniforms(84, 2);
        let distance = wasserstein_1d(&a, &b).unwrap();
        assert!((wasserstein_1d(&b, &a).unwrap() - distance).abs() < 1e-15);
        let (mirrored_a, mirrored_b): (Vec<f64>, Vec<f64>) =
            (a.iter().map(|x| -3.0 * x).collect(), b.iter().map(|x| -3.0 * x).collect());
        assert!((wasserstein_1d(&mirrored_a, &mirrored_b).unwrap() - 3.0 * distance).abs() < 1e-14);
        // A sample written three times has the same distribution. Repeating both to 420 points
        // gives the plain formula.
        let repeat = |values: &[f64], times: usize| values.repeat(times);
        assert!((wasserstein_1d(&repeat(&a, 3), &b).unwrap() - distance).abs() < 1e-14);
        let mut long_a = repeat(&a, 7);
        let mut long_b = repeat(&b, 5);
        long_a.sort_by(f64::total_cmp);
        long_b.sort_by(f64::total_cmp);
        let mean: f64 =
            long_a.iter().zip(&long_b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>() / 420.0;
        assert!((mean.sqrt() - distance).abs() < 1e-14);
        assert_eq!(wasserstein_1d(&repeat(&a, 2), &a).unwrap(), 0.0);
    }

    #[test]
    fn bad_input_is_named() {
        assert!(matches!(wasserstein_1d(&[], &[1.0]), Err(Error::Shape { what: "a", .. })));
        let error = wasserstein_1d(&[1.0], &[0.0, f64::NAN]).unwrap_err();
        assert!(matches!(error, Error::NonFinite { what: "b", row: 1, column: 0 }));
    }
}
