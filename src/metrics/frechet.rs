//! Squared Fréchet distance between Gaussians fitted to two samples, with a bootstrap error. If the
//! columns are features of a network, it is the FID.

use ndarray::{Array1, Array2, ArrayView2};

use super::check;
use super::estimate::Estimate;
use super::moments::{mirror, moments};
use crate::error::{Error, Result};
use crate::math::eigen::{dot, singular_values};
use crate::math::simd::{self, Kernel};
use crate::noise::philox::philox4x32_10;

/// Number of bootstrap replicates in [`frechet_distance`].
const REPLICATES: usize = 50;
/// Rows and columns of products that are summed together, and rows of samples that stay in the
/// cache meanwhile.
const TALL: usize = 4;
const WIDE: usize = 8;
const NEAR: usize = 32;

/// Squared Fréchet distance between the Gaussian fits to the rows of `a`, shape (n ≥ 2, dim), and
/// of `b`, shape (m ≥ 2, dim). Its unit is the squared unit of the samples. It is
/// [`frechet_distance_with`] with 50 replicates and seed 0.
///
/// # Errors
/// - [`Error::Shape`] for fewer than two rows or unequal columns.
/// - [`Error::NonFinite`] for a NaN or an infinity.
pub fn frechet_distance(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<Estimate> {
    frechet_distance_with(a, b, REPLICATES, 0)
}

/// [`frechet_distance`] with a number of bootstrap replicates (at least 2) and their seed.
///
/// ```text
/// F = |μa − μb|² + tr Σa + tr Σb − 2 tr(Σa^½ Σb Σa^½)^½
///   = W₂² between N(μa, Σa) and N(μb, Σb)
/// tr(Σa^½ Σb Σa^½)^½ = sum of the singular values of Laᵀ Lb      with Σ = L Lᵀ
/// ```
///
/// (Dowson & Landau 1982.) It is the *squared* distance, like the FID of Heusel et al. 2017. The
/// FID is this number for the features of a network. Covariances are divided by n − 1. Only mean
/// and covariance count: distributions with the same mean and covariance are at distance 0.
///
/// Covariances may have any rank (constant columns, fewer rows than columns). L comes from a
/// Cholesky factorisation with pivots. It ends when only rounding errors are left (about 1e-13 of a
/// column's variance). Nothing is added to a diagonal, and no root of a rounding error is taken.
/// The result is accurate to about 1e-14 of tr Σa + tr Σb.
///
/// The error is a bootstrap standard deviation (Efron 1979). Each replicate draws the rows of `a`
/// anew with replacement. Rows are assumed to be independent. The error covers the finite size of
/// `a` only, because `b` counts as the reference.
///
/// The error does not cover the bias. Two samples of one distribution are not at distance 0. For
/// Gaussians of variance s² in every direction, the distance is about s² (dim² + 5 dim)/4 · (1/n +
/// 1/m). Compare with the distance between two halves of a reference sample. A copy of `b` has no
/// such bias and looks better than an honest sample.
/// [`nearest_neighbours`](super::nearest_neighbours) detects such copies.
///
/// The rows of a replicate are a pure function of `seed` (Philox4x32-10), the replicate and n.
/// Cost: `replicates` covariances of n rows and about 40 dim³ operations each.
///
/// # Errors
/// - [`Error::Shape`] for fewer than two rows or unequal columns.
/// - [`Error::Invalid`] for fewer than 2 replicates.
/// - [`Error::NonFinite`] for a NaN or an infinity.
pub fn frechet_distance_with(
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    replicates: usize,
    seed: u64,
) -> Result<Estimate> {
    check::samples("a", a, 2)?;
    check::samples("b", b, 2)?;
    check::same_columns(a, b)?;
    if replicates < 2 {
        return Err(Error::Invalid {
            name: "replicates",
            given: replicates as f64,
            expected: "at least 2",
        });
    }
    let fit_a = moments(a)?;
    let fit_b = moments(b)?;
    let reference = Reference::new(fit_b.mean, fit_b.covariance, b.nrows());
    let value = reference.distance(&fit_a.mean, &fit_a.covariance, a.nrows());

    let mut resampled = Resampled::new(a, fit_a.mean);
    let mut values = Vec::with_capacity(replicates);
    for replicate in 0..replicates {
        let (mean, covariance) = resampled.moments(seed, replicate as u32);
        values.push(reference.distance(&mean, &covariance, a.nrows()));
    }
    let count = replicates as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Ok(Estimate { value, error: (squares / (count - 1.0)).sqrt() })
}

/// The Gaussian fit that others are compared with. It is factorised once.
struct Reference {
    mean: Array1<f64>,
    trace: f64,
    factor: Vec<f64>,
}

impl Reference {
    fn new(mean: Array1<f64>, covariance: Array2<f64>, rows: usize) -> Self {
        Self { mean, trace: covariance.diag().sum(), factor: factor(&covariance, rows) }
    }

    fn distance(&self, mean: &Array1<f64>, covariance: &Array2<f64>, rows: usize) -> f64 {
        let dim = self.mean.len();
        let shift: f64 = mean.iter().zip(&self.mean).map(|(x, y)| (x - y) * (x - y)).sum();
        let own = factor(covariance, rows);
        let mut products = Vec::with_capacity(own.len() / dim * (self.factor.len() / dim));
        for left in own.chunks_exact(dim) {
            products.extend(self.factor.chunks_exact(dim).map(|right| dot(left, right)));
        }
        let shared: f64 = match self.factor.len() / dim {
            0 => 0.0,
            rank => singular_values(&mut products, rank).iter().sum(),
        };
        let distance = shift + (covariance.diag().sum() + self.trace - 2.0 * shared);
        // Never negative in exact arithmetic. Written so that a NaN passes.
        if distance < 0.0 { 0.0 } else { distance }
    }
}

/// The columns of L with L Lᵀ = `covariance`, one after another. Their number is the rank up to
/// rounding.
///
/// The pivot is the column that keeps the largest part of its own variance. So units of columns do
/// not matter. A column is done when the rest of its variance is only rounding. The rounding is
/// that of a sum of `rows` products and of the elimination.
fn factor(covariance: &Array2<f64>, rows: usize) -> Vec<f64> {
    let dim = covariance.nrows();
    let mut left = covariance.clone();
    let variance = covariance.diag().to_owned();
    let rounding = 4.0 * (dim as f64 + (rows as f64).sqrt()) * f64::EPSILON;
    let mut columns: Vec<f64> = Vec::with_capacity(dim * dim);
    for _ in 0..dim {
        let mut pivot = 0;
        let mut share = 0.0;
        for (index, own) in variance.iter().enumerate() {
            if *own > 0.0 && !(left[[index, index]] / own <= share) {
                (pivot, share) = (index, left[[index, index]] / own);
            }
        }
        if share <= rounding {
            break;
        }
        let column = &left.row(pivot) / left[[pivot, pivot]].sqrt();
        for (mut line, factor) in left.rows_mut().into_iter().zip(&column) {
            line.zip_mut_with(&column, |entry, other| *entry -= factor * other);
        }
        // Exactly zero. The subtraction would leave a rounding error.
        left.row_mut(pivot).fill(0.0);
        left.column_mut(pivot).fill(0.0);
        columns.extend(column);
    }
    columns
}

/// The rows of a sample minus its mean. Replicates are drawn from them.
struct Resampled {
    mean: Array1<f64>,
    /// Row by row, padded with zeros to `width` columns.
    centred: Vec<f64>,
    width: usize,
    products: Vec<f64>,
}

impl Resampled {
    fn new(samples: ArrayView2<'_, f64>, mean: Array1<f64>) -> Self {
        let width = samples.ncols().next_multiple_of(WIDE);
        let mut centred = vec![0.0; samples.nrows() * width];
        for (to, row) in centred.chunks_exact_mut(width).zip(samples.rows()) {
            to.iter_mut().zip(row.iter().zip(&mean)).for_each(|(to, (x, m))| *to = x - m);
        }
        Self { mean, centred, width, products: vec![0.0; width * width] }
    }

    /// Mean and covariance of a replicate. It has as many rows as the sample, drawn with
    /// replacement.
    fn moments(&mut self, seed: u64, replicate: u32) -> (Array1<f64>, Array2<f64>) {
        let dim = self.mean.len();
        let rows = self.centred.len() / self.width;
        let chosen: Vec<(usize, f64)> = multiplicities(rows, seed, replicate)
            .into_iter()
            .enumerate()
            .filter(|(_, times)| *times > 0)
            .map(|(row, times)| (row, f64::from(times)))
            .collect();
        let mut shift = Array1::<f64>::zeros(dim);
        for (row, times) in &chosen {
            let line = &self.centred[row * self.width..][..dim];
            shift.iter_mut().zip(line).for_each(|(sum, x)| *sum += times * x);
        }
        shift /= rows as f64;
        let width = self.width;
        let products = &mut self.products;
        simd::dispatch(WeightedProducts { rows: &self.centred, width, chosen: &chosen, products });
        let count = rows as f64;
        let mut covariance = Array2::from_shape_fn((dim, dim), |(i, j)| {
            (self.products[i * self.width + j] - count * shift[i] * shift[j]) / (count - 1.0)
        });
        mirror(&mut covariance);
        (&self.mean + &shift, covariance)
    }
}

/// The counter word that separates these numbers from those of runs. No
/// [`Purpose`](crate::advanced::Purpose) has the number 254.
const BOOTSTRAP: u32 = 254 << 24;

/// How often each of `rows` rows occurs among `rows` draws with replacement.
fn multiplicities(rows: usize, seed: u64, replicate: u32) -> Vec<u32> {
    let mut times = vec![0; rows];
    for draw in (0..rows).step_by(2) {
        let words = philox4x32_10(
            [(draw / 2) as u32, replicate, 0, BOOTSTRAP],
            [seed as u32, (seed >> 32) as u32],
        );
        for half in words.chunks_exact(2).take(rows - draw) {
            let bits = u64::from(half[0]) | u64::from(half[1]) << 32;
            // floor(u · rows) for u in [0, 1), a multiple of 2⁻⁶⁴.
            times[((u128::from(bits) * rows as u128) >> 64) as usize] += 1;
        }
    }
    times
}

/// products ← Σ weight · row rowᵀ over the chosen rows, upper triangle. The sums run in the order
/// of the rows, whatever the width of vectors.
struct WeightedProducts<'a> {
    rows: &'a [f64],
    width: usize,
    chosen: &'a [(usize, f64)],
    products: &'a mut [f64],
}

impl Kernel for WeightedProducts<'_> {
    #[inline(always)]
    fn run(self) {
        self.products.fill(0.0);
        for chosen in self.chosen.chunks(NEAR) {
            for top in (0..self.width).step_by(TALL) {
                for left in (top / WIDE * WIDE..self.width).step_by(WIDE) {
                    let mut sums = [[0.0; WIDE]; TALL];
                    for (i, sums) in sums.iter_mut().enumerate() {
                        sums.copy_from_slice(
                            &self.products[(top + i) * self.width + left..][..WIDE],
                        );
                    }
                    for (row, times) in chosen {
                        let line = &self.rows[row * self.width..][..self.width];
                        let tall = &line[top..top + TALL];
                        let wide = &line[left..left + WIDE];
                        for i in 0..TALL {
                            let factor = times * tall[i];
                            for j in 0..WIDE {
                                sums[i][j] += factor * wide[j];
                            }
                        }
                    }
                    for (i, sums) in sums.iter().enumerate() {
                        self.products[(top + i) * self.width + left..][..WIDE]
                            .copy_from_slice(sums);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::splitmix::SplitMix64;
    use ndarray::{ShapeBuilder, array, s};

    fn normals(rows: usize, dim: usize, seed: u64) -> Array2<f64> {
        let mut generator = SplitMix64::new(seed);
        Array2::from_shape_simple_fn((rows, dim), || generator.normal_pair()[0])
    }

    /// A sample with this mean and covariance, up to rounding. It consists of plus and minus the
    /// columns of the Cholesky factor, scaled.
    fn exact(covariance: &Array2<f64>, mean: &Array1<f64>) -> Array2<f64> {
        let dim = covariance.nrows();
        let columns = factor(covariance, 0);
        let scale = ((2 * dim - 1) as f64 / 2.0).sqrt();
        let mut rows = Array2::zeros((2 * dim, dim));
        for (k, column) in columns.chunks_exact(dim).enumerate() {
            for (j, x) in column.iter().enumerate() {
                rows[[2 * k, j]] = scale * x;
                rows[[2 * k + 1, j]] = -scale * x;
            }
        }
        rows + mean
    }

    fn value(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
        frechet_distance_with(a.view(), b.view(), 2, 0).unwrap().value
    }

    #[test]
    fn equal_samples_are_at_distance_zero_and_a_shift_at_its_square() {
        // Full rank, fewer rows than columns, constant and copied columns. The error is relative to
        // the trace.
        let mut flat = normals(500, 12, 3);
        flat.column_mut(2).fill(0.1);
        flat.column_mut(7).fill(-3.0);
        let copy = flat.column(1).to_owned();
        flat.column_mut(5).assign(&copy);
        for sample in [normals(300, 7, 1), normals(9, 20, 2), flat, Array2::from_elem((5, 3), 0.3)]
        {
            let trace = moments(sample.view()).unwrap().covariance.diag().sum();
            assert!(value(&sample, &sample) <= 1e-12 * trace, "{:e}", value(&sample, &sample));
            let shifted = &sample + &Array1::from_shape_fn(sample.ncols(), |j| j as f64 - 1.0);
            let squares: f64 = (0..sample.ncols()).map(|j| (j as f64 - 1.0).powi(2)).sum();
            assert!((value(&sample, &shifted) / squares - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn closed_forms() {
        // Diagonal: Σ (√a − √b)², with one direction that only one of them has.
        let a = array![4.0, 1.0, 9.0, 0.0];
        let b = array![1.0, 1.0, 0.0, 25.0];
        let x = exact(&Array2::from_diag(&a), &array![1.0, 0.0, 0.0, 0.0]);
        let y = exact(&Array2::from_diag(&b), &Array1::zeros(4));
        assert!((value(&x, &y) - (1.0 + 1.0 + 9.0 + 25.0)).abs() < 1e-13);
        // 2 × 2: (tr (Σa^½ Σb Σa^½)^½)² = tr Σa Σb + 2 √det Σa Σb, as for the roots of any two
        // eigenvalues. First two that commute, then two that do not, then one of rank 1.
        for (a, b) in [
            (array![[2.0, 1.0], [1.0, 2.0]], array![[5.0, -2.0], [-2.0, 5.0]]),
            (array![[2.0, 1.0], [1.0, 2.0]], array![[4.0, -1.0], [-1.0, 1.0]]),
            (array![[1.0, 2.0], [2.0, 4.0]], array![[4.0, -1.0], [-1.0, 1.0]]),
            (array![[1.0, 2.0], [2.0, 4.0]], array![[9.0, 3.0], [3.0, 1.0]]),
        ] {
            let det = |m: &Array2<f64>| m[[0, 0]] * m[[1, 1]] - m[[0, 1]] * m[[1, 0]];
            let root = (a.dot(&b).diag().sum() + 2.0 * (det(&a) * det(&b)).sqrt()).sqrt();
            let expected = a.diag().sum() + b.diag().sum() - 2.0 * root + 0.25;
            let found = value(&exact(&a, &array![0.5, 3.0]), &exact(&b, &array![0.0, 3.0]));
            assert!((found - expected).abs() < 1e-13, "{found} {expected}");
        }
    }

    #[test]
    fn turning_embedding_layout_and_units_change_nothing() {
        let a = normals(3000, 3, 1);
        let b = &normals(200, 3, 2) * &array![1.3, 0.2, 2.0] + 0.3;
        let plain = frechet_distance(a.view(), b.view()).unwrap();
        // Orthonormal rows: a reflection in three dimensions, and the same space inside six. There
        // the rank is not full, and every column is a combination of others.
        let mirror = |dim: usize| {
            let axis = Array1::from_shape_fn(dim, |j| 1.0 + (j * j) as f64);
            let length = axis.dot(&axis);
            Array2::from_shape_fn((dim, dim), |(i, j)| {
                f64::from(i == j) - 2.0 * axis[i] * axis[j] / length
            })
        };
        for turn in [mirror(3), mirror(6).slice(s![..3, ..]).to_owned()] {
            let found = frechet_distance(a.dot(&turn).view(), b.dot(&turn).view()).unwrap();
            assert!((found.value / plain.value - 1.0).abs() < 1e-11, "{found:?} {plain:?}");
            assert!((found.error / plain.error - 1.0).abs() < 1e-9, "{found:?} {plain:?}");
        }
        let scaled = frechet_distance((&a * 1024.0).view(), (&b * 1024.0).view()).unwrap();
        assert_eq!(scaled.value, plain.value * 1024.0 * 1024.0);
        let mut columns = Array2::zeros(a.dim().f());
        columns.assign(&a);
        assert_eq!(frechet_distance(columns.view(), b.view()).unwrap(), plain);
        assert!((value(&b, &a) / plain.value - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_replicate_has_the_moments_of_its_rows() {
        let samples = normals(41, 11, 5) + 7.0;
        let mut resampled = Resampled::new(samples.view(), moments(samples.view()).unwrap().mean);
        for replicate in 0..5 {
            let times = multiplicities(41, 9, replicate);
            assert_eq!(times.iter().sum::<u32>(), 41);
            let rows: Vec<usize> = (0..41).flat_map(|row| vec![row; times[row] as usize]).collect();
            let written = moments(samples.select(ndarray::Axis(0), &rows).view()).unwrap();
            let (mean, covariance) = resampled.moments(9, replicate);
            // The same operations in the same order give equal bits, with vectors of any width.
            for (i, j) in (0..11).flat_map(|i| (i..11).map(move |j| (i, j))) {
                let lines =
                    resampled.centred.chunks_exact(16).zip(&times).filter(|(_, times)| **times > 0);
                let expected = lines
                    .fold(0.0, |sum, (line, times)| sum + f64::from(*times) * line[i] * line[j]);
                assert_eq!(resampled.products[i * 16 + j], expected);
            }
            assert!((&mean - &written.mean).iter().all(|e| e.abs() < 1e-14));
            assert!((&covariance - &written.covariance).iter().all(|e| e.abs() < 1e-14));
        }
        // Pinned, because other rows give other errors.
        assert_eq!(multiplicities(7, 0, 0), [1, 0, 1, 0, 3, 0, 2]);
        assert_ne!(multiplicities(41, 9, 0), multiplicities(41, 9, 1));
        assert_ne!(multiplicities(41, 9, 0), multiplicities(41, 10, 0));
        // 40 000 draws from 40 000 rows. The counts are Poisson with mean 1. Their mean square is 2
        // with standard deviation √(11/40 000) (E N⁴ = 15): 6 sigma, 2e-9.
        let squares: u32 = multiplicities(40_000, 3, 0).iter().map(|n| n * n).sum();
        assert!((f64::from(squares) / 40_000.0 - 2.0).abs() < 0.1, "{squares}");
    }

    #[test]
    fn the_bias_between_samples_of_one_law_is_the_promised_one() {
        // 200 pairs of n = 400, m = 300 in 6 dimensions. To second order n F is a sum of 27
        // chi-squares: 6 shifts of weight 1, 15 off-diagonal of ½, 6 diagonal of ½. The relative
        // standard deviation of F is √(2·(6 + 21/4))/16.5 = 0.29, so the mean of 200 has 2.0 %. The
        // third order is another 2 or 3 %. A window of 15 %: 6 sigma, 2e-9 per seed.
        for seed in [0, 1, u64::MAX] {
            let mut mean = 0.0;
            for pair in 0..200 {
                let a = normals(400, 6, seed ^ (2 * pair + 1));
                let b = normals(300, 6, seed ^ (1000 + 2 * pair));
                mean += value(&a, &b) / 200.0;
            }
            let expected = 66.0 / 4.0 * (1.0 / 400.0 + 1.0 / 300.0);
            assert!((mean / expected - 1.0).abs() < 0.15, "seed {seed}: {mean} {expected}");
        }
    }

    #[test]
    fn the_error_is_the_spread_over_repetitions() {
        // 100 samples of n = 300 against one reference. The standard deviation over 100 has
        // relative error 7.1 %. The root of the mean of 100 bootstrap variances of 20 replicates
        // has 1.6 %, plus their own variation. A factor 1.5 is over 5 sigma, 6e-7 per seed.
        let reference = &normals(5000, 3, 77) * &array![1.0, 2.0, 0.5] + 0.5;
        for seed in [0, 1, u64::MAX] {
            let mut sum = 0.0;
            let mut squares = 0.0;
            let mut errors = 0.0;
            for repetition in 0..100 {
                let a = normals(300, 3, seed ^ (3 * repetition + 1));
                let found = frechet_distance_with(a.view(), reference.view(), 20, seed).unwrap();
                sum += found.value / 100.0;
                squares += found.value * found.value / 99.0;
                errors += found.error * found.error / 100.0;
            }
            let ratio = ((squares - sum * sum * 100.0 / 99.0) / errors).sqrt();
            assert!(ratio > 1.0 / 1.5 && ratio < 1.5, "seed {seed}: {ratio}");
        }
    }

    #[test]
    fn bad_input_is_named() {
        let a = normals(30, 2, 1);
        let b = normals(30, 3, 1);
        assert!(matches!(
            frechet_distance(a.view(), b.view()),
            Err(Error::Shape { what: "b", .. })
        ));
        assert!(matches!(
            frechet_distance(a.slice(s![..1, ..]), a.view()),
            Err(Error::Shape { what: "a", .. })
        ));
        assert!(matches!(
            frechet_distance_with(a.view(), a.view(), 1, 0),
            Err(Error::Invalid { name: "replicates", .. })
        ));
        let mut bad = a.clone();
        bad[[4, 1]] = f64::NAN;
        assert!(matches!(
            frechet_distance(a.view(), bad.view()),
            Err(Error::NonFinite { what: "b", row: 4, column: 1 })
        ));
    }
}
