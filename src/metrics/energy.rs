//! Energy distance between two samples in any dimension, unbiased, with a jackknife error.

use ndarray::ArrayView2;

use super::check;
use super::estimate::{BLOCKS, Estimate, block_length, jackknife};
use super::pairs::{GROUP, LANES, Tiles, squared};
use crate::error::Result;
use crate::math::simd::{self, Kernel};

/// Energy distance between the distributions of the rows of `a`, shape (n ≥ 20, dim), and of `b`,
/// shape (m ≥ 20, dim). Its unit is that of the samples.
///
/// ```text
/// D² = 2 E|X − Y| − E|X − X'| − E|Y − Y'|
/// X, X' from the distribution of `a`, Y, Y' from that of `b`, all independent
/// ```
///
/// (Székely & Rizzo 2013.) This is the *squared* distance D². It is 0 for equal distributions only,
/// and its root D is a metric. D² sees the whole distributions. There is no choice of direction,
/// bandwidth or seed.
///
/// The means run over pairs of different rows (a U-statistic), so the estimate has no bias. For two
/// samples of one distribution it is around 0 and may be negative. So do not take its root.
///
/// The error is a jackknife over 10 strided blocks: rows i mod 10 of both samples are left out
/// together. Rows are assumed to be independent. If the distributions agree, the error is too large
/// by about √2.
///
/// The two samples are assumed to be independent of each other. A copy of `b`, or `b` with a little
/// noise, is nearer to `b` than a fresh sample could be. It gives a clearly negative value.
/// [`nearest_neighbours`](super::nearest_neighbours) detects such copies.
///
/// Cost: (n + m)²/2 distances. Pass fewer rows if that is too much.
///
/// # Errors
/// - [`Shape`](crate::Error::Shape) for fewer than 20 rows or unequal columns.
/// - [`NonFinite`](crate::Error::NonFinite) for a NaN or an infinity.
pub fn energy_distance(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<Estimate> {
    // Two rows per block, so that no block is the only one of its kind.
    check::samples("a", a, 2 * BLOCKS)?;
    check::samples("b", b, 2 * BLOCKS)?;
    check::same_columns(a, b)?;
    let sums = Sums::new(a, b);
    Ok(jackknife(sums.distance(None), &std::array::from_fn(|block| sums.distance(Some(block)))))
}

/// Sums of distances between the rows of block g and those of block h, `[g][h]`.
struct Sums {
    rows: [usize; 2],
    /// Within `a`, within `b`. Every pair counts once, so entries with g > h are zero.
    within: [[[f64; BLOCKS]; BLOCKS]; 2],
    between: [[f64; BLOCKS]; BLOCKS],
}

impl Sums {
    fn new(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Self {
        let lanes_a = blocks::<LANES>(a);
        let groups_a = blocks::<GROUP>(a);
        let lanes_b = blocks::<LANES>(b);
        let groups_b = blocks::<GROUP>(b);
        Self {
            rows: [a.nrows(), b.nrows()],
            within: [within(&lanes_a, &groups_a), within(&lanes_b, &groups_b)],
            between: std::array::from_fn(|g| {
                std::array::from_fn(|h| sum(&lanes_a[g], &groups_b[h]))
            }),
        }
    }

    /// D² of all rows, or of all rows except those of one block.
    fn distance(&self, without: Option<usize>) -> f64 {
        let total = |sums: &[[f64; BLOCKS]; BLOCKS]| -> f64 {
            let kept = |block: &usize| Some(*block) != without;
            (0..BLOCKS)
                .filter(kept)
                .map(|g| (0..BLOCKS).filter(kept).map(|h| sums[g][h]).sum::<f64>())
                .sum()
        };
        let [n, m] = self
            .rows
            .map(|rows| (rows - without.map_or(0, |block| block_length(rows, block))) as f64);
        let [inside_a, inside_b] = [0, 1].map(|which| total(&self.within[which]));
        2.0 * (total(&self.between) / (n * m)
            - inside_a / (n * (n - 1.0))
            - inside_b / (m * (m - 1.0)))
    }
}

/// The strided blocks of a sample.
fn blocks<const W: usize>(samples: ArrayView2<'_, f64>) -> [Tiles<W>; BLOCKS] {
    std::array::from_fn(|block| Tiles::new(samples, (block..samples.nrows()).step_by(BLOCKS)))
}

fn within(
    lanes: &[Tiles<LANES>; BLOCKS],
    groups: &[Tiles<GROUP>; BLOCKS],
) -> [[f64; BLOCKS]; BLOCKS] {
    std::array::from_fn(|g| {
        std::array::from_fn(|h| match g.cmp(&h) {
            std::cmp::Ordering::Less => sum(&lanes[g], &groups[h]),
            // Every pair counts twice, and rows with themselves are at distance 0.
            std::cmp::Ordering::Equal => 0.5 * sum(&lanes[g], &groups[h]),
            std::cmp::Ordering::Greater => 0.0,
        })
    })
}

/// Sum of the distances between all rows of one sample and all rows of the other.
fn sum(lanes: &Tiles<LANES>, groups: &Tiles<GROUP>) -> f64 {
    let mut sum = 0.0;
    simd::dispatch(PairSum { lanes, groups, sum: &mut sum });
    sum
}

struct PairSum<'a> {
    lanes: &'a Tiles<LANES>,
    groups: &'a Tiles<GROUP>,
    sum: &'a mut f64,
}

impl Kernel for PairSum<'_> {
    #[inline(always)]
    fn run(self) {
        for (_, count, tile) in self.lanes.iter() {
            let mut sums = [0.0; LANES];
            for (_, count_group, group) in self.groups.iter() {
                // All roots are taken, needed or not, so that the number of vectors is fixed.
                let distances = squared(tile, group).map(|squares| squares.map(f64::sqrt));
                for distances in &distances[..count_group] {
                    for l in 0..LANES {
                        sums[l] += distances[l];
                    }
                }
            }
            *self.sum += sums[..count].iter().sum::<f64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::estimate::block_of;
    use super::*;
    use crate::error::Error;
    use crate::noise::splitmix::SplitMix64;
    use ndarray::{Array2, ShapeBuilder, s};
    use std::f64::consts::{FRAC_2_PI, PI, SQRT_2};

    fn normals(rows: usize, dim: usize, seed: u64) -> Array2<f64> {
        let mut generator = SplitMix64::new(seed);
        Array2::from_shape_simple_fn((rows, dim), || generator.normal_pair()[0])
    }

    /// The definition, pair by pair, over the rows that are kept.
    fn by_hand(a: &Array2<f64>, b: &Array2<f64>, kept: impl Fn(usize) -> bool) -> f64 {
        let mean = |x: &Array2<f64>, y: &Array2<f64>, same: bool| {
            let mut sum = 0.0;
            let mut count = 0.0;
            for i in (0..x.nrows()).filter(|i| kept(*i)) {
                for j in (0..y.nrows()).filter(|j| kept(*j) && !(same && *j == i)) {
                    sum += (&x.row(i) - &y.row(j)).mapv(|d| d * d).sum().sqrt();
                    count += 1.0;
                }
            }
            sum / count
        };
        2.0 * mean(a, b, false) - mean(a, a, true) - mean(b, b, true)
    }

    #[test]
    fn it_is_the_definition_and_the_jackknife_its_own() {
        for (n, m, dim) in [(20, 37, 1), (43, 20, 3), (101, 64, 17)] {
            let a = normals(n, dim, 1);
            let b = &normals(m, dim, 2) * 1.5 + 0.2;
            let found = energy_distance(a.view(), b.view()).unwrap();
            assert!((found.value - by_hand(&a, &b, |_| true)).abs() < 1e-13);
            let left: [f64; BLOCKS] =
                std::array::from_fn(|block| by_hand(&a, &b, |row| block_of(row) != block));
            assert!((found.error - jackknife(0.0, &left).error).abs() < 1e-12);
        }
    }

    #[test]
    fn normals_on_the_line_have_the_closed_form() {
        // E|Z| for Z ~ N(μ, s²) is s √(2/π) e^(−μ²/2s²) + μ erf(μ/(s√2)). The estimate has no bias.
        // So the mean over 100 pairs of samples is compared with the exact value, in units of its
        // own standard error (of 100 values). 6 sigma is 2e-9 per comparison (4e-9 with the tails
        // of Student's distribution), for 9 comparisons.
        let absolute = |mean: f64, deviation: f64| {
            deviation * FRAC_2_PI.sqrt() * (-mean * mean / (2.0 * deviation * deviation)).exp()
                + mean * libm::erf(mean / (deviation * SQRT_2))
        };
        for (mean, deviation) in [(0.7_f64, 1.0_f64), (0.0, 2.0), (-1.0, 0.5)] {
            let exact = 2.0 * absolute(mean, (1.0 + deviation * deviation).sqrt())
                - absolute(0.0, SQRT_2)
                - absolute(0.0, SQRT_2 * deviation);
            for seed in [0, 1, u64::MAX] {
                let values: Vec<f64> = (0..100)
                    .map(|pair| {
                        let a = normals(150, 1, seed ^ (2 * pair + 1));
                        let b = &normals(100, 1, seed ^ (2 * pair + 10_000)) * deviation + mean;
                        energy_distance(a.view(), b.view()).unwrap().value
                    })
                    .collect();
                let average = values.iter().sum::<f64>() / 100.0;
                let variance = values.iter().map(|v| (v - average).powi(2)).sum::<f64>() / 99.0;
                assert!(
                    (average - exact).abs() < 6.0 * (variance / 100.0).sqrt(),
                    "seed {seed}: {average} {exact}"
                );
            }
        }
    }

    #[test]
    fn samples_of_one_law_are_at_zero_on_average_and_never_far() {
        // For one distribution D² is a degenerate U-statistic of the doubly centred distance. Its
        // mean square is the distance variance V² = 4/π (1 + π/3 − √3) = 0.401 for normals
        // (Székely, Rizzo & Bakirov 2007). So the variance of D² is V² (2/(n(n−1)) + 2/(m(m−1)) +
        // 4/(nm)). The mean over 400 pairs has 1/20 of its root: 6 sigma, 2e-9 per seed. A biased
        // form would be off by
        // 20. In the limit D²/(1/n + 1/m) is Σ λ (Z² − 1) with Σ λ² = V². It is above V (2√x + 2x)
        //     with probability below e^(−x) (Laurent & Massart 2000). x = 20: 2e-9 per pair, 3e-6
        //     for 1200 pairs.
        let variance = 4.0 / PI * (1.0 + PI / 3.0 - 3.0_f64.sqrt());
        let n = 60.0;
        let m = 80.0;
        let deviation =
            (variance * (2.0 / (n * (n - 1.0)) + 2.0 / (m * (m - 1.0)) + 4.0 / (n * m))).sqrt();
        let far = variance.sqrt() * (2.0 * 20.0_f64.sqrt() + 40.0) * (1.0 / n + 1.0 / m);
        for seed in [0, 1, u64::MAX] {
            let mut mean = 0.0;
            let mut errors = 0.0;
            for pair in 0..400 {
                let a = normals(60, 1, seed ^ (2 * pair + 1));
                let b = normals(80, 1, seed ^ (2 * pair + 10_000));
                let found = energy_distance(a.view(), b.view()).unwrap();
                assert!(found.value.abs() < far, "seed {seed}: {found:?}");
                mean += found.value / 400.0;
                errors += found.error * found.error / 400.0;
            }
            assert!(
                mean.abs() < 6.0 * deviation / 20.0,
                "seed {seed}: {mean:e} against {deviation:e}"
            );
            // Here the jackknife gives √2 times the right error. It also uses n − n/10 rows instead
            // of n, which adds a little. Found: 1.42, 1.49, 1.51. One of the 400 variances varies
            // by at most about itself. That is 5 % for their mean, and half of it for the root.
            let ratio = errors.sqrt() / deviation;
            assert!(ratio > 1.2 && ratio < 1.75, "seed {seed}: {ratio}");
        }
    }

    #[test]
    fn moving_scaling_swapping_and_the_layout() {
        let a = normals(70, 3, 1);
        let b = &normals(90, 3, 2) * 1.3;
        let plain = energy_distance(a.view(), b.view()).unwrap();
        let close = |found: Estimate, factor: f64| {
            assert!(
                (found.value - factor * plain.value).abs() < 1e-12 * factor,
                "{found:?} {plain:?}"
            );
            assert!(
                (found.error - factor * plain.error).abs() < 1e-12 * factor,
                "{found:?} {plain:?}"
            );
        };
        close(energy_distance((&a + 5.0).view(), (&b + 5.0).view()).unwrap(), 1.0);
        close(energy_distance(b.view(), a.view()).unwrap(), 1.0);
        close(energy_distance((&a * -3.0).view(), (&b * -3.0).view()).unwrap(), 3.0);
        let mut columns = Array2::zeros(a.dim().f());
        columns.assign(&a);
        assert_eq!(energy_distance(columns.view(), b.view()).unwrap(), plain);
        // Far apart: twice the distance, minus the distances inside the samples.
        let far = energy_distance(a.view(), (&a + 1e6).view()).unwrap();
        assert!((far.value / (2.0 * 3.0_f64.sqrt() * 1e6) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_error_is_the_spread_over_repetitions() {
        // As for the sliced distance: with 100 repetitions the ratio has relative deviation 7.5 %.
        // A factor 1.6 is over 5 sigma, 6e-7 per seed.
        for seed in [0, 1, u64::MAX] {
            let mut sum = 0.0;
            let mut squares = 0.0;
            let mut errors = 0.0;
            for repetition in 0..100 {
                let a = normals(200, 2, seed ^ (3 * repetition + 1));
                let b = &normals(200, 2, seed ^ (3_000 + 5 * repetition)) * 2.0 + 0.5;
                let found = energy_distance(a.view(), b.view()).unwrap();
                sum += found.value / 100.0;
                squares += found.value * found.value / 99.0;
                errors += found.error * found.error / 100.0;
            }
            let ratio = ((squares - sum * sum * 100.0 / 99.0) / errors).sqrt();
            assert!(ratio > 1.0 / 1.6 && ratio < 1.6, "seed {seed}: {ratio}");
        }
    }

    #[test]
    fn bad_input_is_named() {
        let a = normals(30, 2, 1);
        let b = normals(30, 3, 1);
        assert!(matches!(energy_distance(a.view(), b.view()), Err(Error::Shape { what: "b", .. })));
        assert!(matches!(
            energy_distance(a.slice(s![..19, ..]), a.view()),
            Err(Error::Shape { what: "a", .. })
        ));
        let mut bad = a.clone();
        bad[[4, 1]] = f64::INFINITY;
        assert!(matches!(
            energy_distance(a.view(), bad.view()),
            Err(Error::NonFinite { what: "b", row: 4, column: 1 })
        ));
    }
}
