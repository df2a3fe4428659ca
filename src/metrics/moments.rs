//! Mean and covariance of a sample, with standard errors, by a two-pass algorithm.

use ndarray::{Array1, Array2, ArrayView2};

use super::check;
use crate::error::Result;
use crate::math::simd::{self, Kernel};

/// First and second moments of a sample of `count` rows. The standard errors assume independent
/// rows.
///
/// Rows of one chain at successive times are correlated. Their errors are larger by √(rows /
/// effective sample size), see [`effective_sample_size`](super::effective_sample_size).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Moments {
    /// Number of rows n.
    pub count: usize,
    /// Sample mean, shape (dim).
    pub mean: Array1<f64>,
    /// Unbiased covariance (divided by n − 1), shape (dim, dim), exactly symmetric.
    pub covariance: Array2<f64>,
    /// Standard error of the mean, √(variance / n), shape (dim).
    pub mean_error: Array1<f64>,
    /// Standard error of the variances on the diagonal of the covariance, shape (dim). It is √((m₄
    /// − s⁴ (n−3)/(n−1)) / n) with the fourth central moment m₄ and the variance s². It holds for
    /// any distribution with four moments.
    pub variance_error: Array1<f64>,
}

/// Moments of `samples`, shape (samples ≥ 2, dim), in any layout.
///
/// There are two passes (Chan, Golub & LeVeque, The American Statistician 37 (1983)). The first
/// computes the mean, the second sums of centred products. So a large common offset costs no
/// digits. The mean is corrected by the mean of the residuals. Every memory layout gives the same
/// bits.
///
/// # Errors
/// - [`Shape`](crate::Error::Shape) for fewer than two rows or no column.
/// - [`NonFinite`](crate::Error::NonFinite) for a NaN or an infinity.
pub fn moments(samples: ArrayView2<'_, f64>) -> Result<Moments> {
    check::samples("samples", samples, 2)?;
    let (count, dim) = samples.dim();
    let rows = count as f64;
    let mut mean = Array1::<f64>::zeros(dim);
    for row in samples.rows() {
        mean += &row;
    }
    mean /= rows;
    let mut residual = Array1::<f64>::zeros(dim);
    for row in samples.rows() {
        residual += &(&row - &mean);
    }
    mean += &(residual / rows);

    let mut products = Array2::<f64>::zeros((dim, dim));
    let mut fourth = Array1::<f64>::zeros(dim);
    let mut centred = Array1::<f64>::zeros(dim);
    for row in samples.rows() {
        centred.assign(&row);
        centred -= &mean;
        add_outer(&mut products, &centred, 1.0);
        fourth.zip_mut_with(&centred, |sum, c| *sum += (c * c) * (c * c));
    }
    mirror(&mut products);
    let covariance = products / (rows - 1.0);
    let variance = covariance.diag();
    let mean_error = variance.mapv(|v| (v / rows).sqrt());
    let mut variance_error = fourth / rows;
    // The difference is never negative in exact arithmetic. Rounding can make it negative for
    // two-point distributions.
    variance_error.zip_mut_with(&variance, |m, v| {
        *m = ((*m - v * v * (rows - 3.0) / (rows - 1.0)).max(0.0) / rows).sqrt();
    });
    Ok(Moments { count, mean, mean_error, variance_error, covariance })
}

/// Adds scale · c cᵀ to the upper triangle. That is half the work. The order of additions is the
/// same for every layout.
pub(super) fn add_outer(products: &mut Array2<f64>, centred: &Array1<f64>, scale: f64) {
    // Both were made here in standard layout. The loop below does the same in any other layout.
    if let (Some(products), Some(centred)) = (products.as_slice_mut(), centred.as_slice()) {
        return simd::dispatch(AddOuter { products, centred, scale });
    }
    for ((first, second), sum) in
        products.indexed_iter_mut().filter(|((first, second), _)| second >= first)
    {
        *sum += scale * centred[first] * centred[second];
    }
}

struct AddOuter<'a> {
    products: &'a mut [f64],
    centred: &'a [f64],
    scale: f64,
}

impl Kernel for AddOuter<'_> {
    #[inline(always)]
    fn run(self) {
        let dim = self.centred.len();
        for (first, line) in self.products.chunks_exact_mut(dim).enumerate() {
            let factor = self.scale * self.centred[first];
            for (sum, value) in line[first..].iter_mut().zip(&self.centred[first..]) {
                *sum += factor * *value;
            }
        }
    }
}

/// Adds scale · c² coordinate by coordinate: the diagonal of [`add_outer`], to the last bit.
pub(super) fn add_squares(squares: &mut Array1<f64>, centred: &Array1<f64>, scale: f64) {
    squares.zip_mut_with(centred, |sum, c| *sum += scale * c * c);
}

/// Copies the upper triangle to the lower one.
pub(super) fn mirror(products: &mut Array2<f64>) {
    for row in 1..products.nrows() {
        for column in 0..row {
            products[[row, column]] = products[[column, row]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::noise::splitmix::SplitMix64;
    use ndarray::{ShapeBuilder, array};

    #[test]
    fn a_case_by_hand() {
        // Column 0 is 1, 2, 3, 6 with mean 3, squares 4+1+0+9 = 14 and fourth powers 16+1+0+81 =
        // 98.
        let samples = array![[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [6.0, 3.0]];
        let found = moments(samples.view()).unwrap();
        assert_eq!(found.count, 4);
        assert_eq!(found.mean, array![3.0, 1.0]);
        // Cross products: (−2)(−1) + (−1)(0) + 0 + 3·2 = 8. Second column: 1+0+1+4 = 6.
        let expected = array![[14.0, 8.0], [8.0, 6.0]] / 3.0;
        assert!((&found.covariance - &expected).iter().all(|e| e.abs() < 1e-15));
        assert!((found.mean_error[0] - (14.0_f64 / 12.0).sqrt()).abs() < 1e-15);
        let variance: f64 = 14.0 / 3.0;
        let error = ((98.0 / 4.0 - variance * variance / 3.0) / 4.0).sqrt();
        assert!((found.variance_error[0] - error).abs() < 1e-14);
    }

    #[test]
    fn a_large_offset_costs_no_digits_and_the_layout_no_bits() {
        let mut generator = SplitMix64::new(3);
        let small =
            Array2::from_shape_simple_fn((400, 3), || (generator.uniform() * 1024.0).floor());
        // Offsets and values are integers below 2⁵³, so the shifted sample is exact.
        let shifted = &small + 1e12;
        let a = moments(small.view()).unwrap();
        let b = moments(shifted.view()).unwrap();
        for (x, y) in a.covariance.iter().zip(&b.covariance) {
            assert!((x - y).abs() <= 1e-9 * a.covariance[[0, 0]], "{x} {y}");
        }
        let mut columns = Array2::zeros(small.dim().f());
        columns.assign(&small);
        assert_eq!(moments(columns.view()).unwrap(), a);
    }

    #[test]
    fn a_two_point_law_has_the_binomial_errors() {
        // ±1 in equal halves: m₄ = 1, s² = n/(n−1), so the bracket is 1 − n²(n−3)/(n−1)³ ≥ 0.
        let samples =
            Array2::from_shape_fn((1000, 1), |(i, _)| if i % 2 == 0 { 1.0 } else { -1.0 });
        let found = moments(samples.view()).unwrap();
        let n = 1000.0_f64;
        let bracket = 1.0 - n * n * (n - 3.0) / (n - 1.0).powi(3);
        assert!((found.variance_error[0] - (bracket / n).sqrt()).abs() < 1e-9);
        assert!((found.mean_error[0] - (1.0 / (n - 1.0)).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn the_errors_are_the_spread_over_repetitions() {
        // 400 repetitions of n = 200 normals per seed. The standard deviation over 400 has relative
        // error 1/√800 = 3.5 % for a mean. For a variance (kurtosis of s² about 3.1) it has 3.6 %.
        // A window of 20 % is 5.5 sigma: 4e-8 per check, 2.4e-7 for the 3 · 2 checks.
        for seed in [0, 1, u64::MAX] {
            let mut generator = SplitMix64::new(seed);
            let mut means = Vec::new();
            let mut variances = Vec::new();
            let mut errors = [0.0, 0.0];
            for _ in 0..400 {
                let samples = Array2::from_shape_simple_fn((200, 1), || generator.normal_pair()[0]);
                let found = moments(samples.view()).unwrap();
                means.push(found.mean[0]);
                variances.push(found.covariance[[0, 0]]);
                errors[0] += found.mean_error[0].powi(2) / 400.0;
                errors[1] += found.variance_error[0].powi(2) / 400.0;
            }
            for (values, error) in [(means, errors[0]), (variances, errors[1])] {
                let spread =
                    moments(Array2::from_shape_vec((400, 1), values).unwrap().view()).unwrap();
                let ratio = (spread.covariance[[0, 0]] / error).sqrt();
                assert!((ratio - 1.0).abs() < 0.2, "seed {seed}: {ratio}");
            }
        }
    }

    #[test]
    fn bad_input_is_named() {
        assert!(matches!(moments(array![[1.0]].view()), Err(Error::Shape { .. })));
        let error = moments(array![[1.0, 2.0], [3.0, f64::NAN]].view()).unwrap_err();
        assert!(matches!(error, Error::NonFinite { what: "samples", row: 1, column: 1 }));
    }
}
