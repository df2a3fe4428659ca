//! Tests whether the shape inside a mode is right: the Wasserstein-2 distance between distances to
//! the nearest mode and their exact chi distribution.

use super::check;
use super::chi;
use super::estimate::{BLOCKS, Estimate, block_length, block_of, jackknife};
use crate::error::{Error, Result};

/// Number of cells of the table that replaces exact quantiles if there are more quantiles than
/// this.
const CELLS: usize = 512;

/// W₂ between the empirical distribution of `distances` and the chi distribution with `dim` degrees
/// of freedom (Rayleigh's for 2).
///
/// ```text
/// W² = 1/n Σ_i (r_(i) − q((i − ½)/n))²          r_(i) sorted, q the chi quantile
/// ```
///
/// `distances` (n ≥ 20) are Mahalanobis distances to the nearest mode. Their unit is the standard
/// deviation of that mode, and so is the unit of the result. For a single Gaussian the chi
/// distribution is exact. For a mixture it holds as well as the modes are separated. At a distance
/// of 8 standard deviations, one row in 30 000 is nearer to a given wrong mode.
///
/// The quantiles represent the chi distribution at the midpoints. This leaves out the spread inside
/// each 1/n of mass, of order 1/n. The value of a perfect sampler is not 0 but of order n^(−1/2).
/// It is 0.0137 for n = 8000 in the plane.
///
/// The error is a jackknife over 10 strided blocks (distances i mod 10). Distances are assumed to
/// be independent.
///
/// # Errors
/// - [`Error::Shape`] for fewer than 20 distances.
/// - [`Error::NonFinite`] with the position as row.
/// - [`Error::Invalid`] for a negative distance, or a dimension of 0 or above 2e8.
pub fn radial_wasserstein(distances: &[f64], dim: usize) -> Result<Estimate> {
    check::list("distances", distances, 2 * BLOCKS)?;
    if let Some(given) = distances.iter().find(|distance| **distance < 0.0) {
        return Err(Error::Invalid { name: "distances", given: *given, expected: "at least 0" });
    }
    chi::check_dim("dim", dim)?;
    let count = distances.len();
    let mut sorted: Vec<(f64, usize)> =
        distances.iter().enumerate().map(|(row, distance)| (*distance, block_of(row))).collect();
    sorted.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));

    let value =
        root_mean_square(sorted.iter().map(|(distance, _)| *distance), &quantile_grid(count, dim));
    // Blocks have one of two lengths, the longer ones first. So at most two more grids are needed.
    let mut grid = Vec::new();
    let mut without_block = [0.0; BLOCKS];
    for (block, left) in without_block.iter_mut().enumerate() {
        let remaining = count - block_length(count, block);
        if grid.len() != remaining {
            grid = quantile_grid(remaining, dim);
        }
        let kept = sorted.iter().filter(|(_, own)| *own != block).map(|(distance, _)| *distance);
        *left = root_mean_square(kept, &grid);
    }
    Ok(jackknife(value, &without_block))
}

fn root_mean_square(sorted: impl Iterator<Item = f64>, grid: &[f64]) -> f64 {
    let sum: f64 = sorted
        .zip(grid)
        .map(|(distance, quantile)| (distance - quantile) * (distance - quantile))
        .sum();
    (sum / grid.len() as f64).sqrt()
}

/// q((i − ½)/count) for i = 1..count, increasing.
///
/// Up to 512 of them come from [`chi::quantile`]. More come from the quintic Hermite interpolant of
/// the distribution function, which is inverted cell by cell. It has 512 cells between the
/// outermost quantiles. Value, density and slope of the density are exact at the nodes. So the
/// error is below 1e-9 (tested), and a grid of 10⁵ costs milliseconds in any dimension.
fn quantile_grid(count: usize, dim: usize) -> Vec<f64> {
    let probability = |index: usize| (index as f64 + 0.5) / count as f64;
    if count <= CELLS {
        return (0..count).map(|index| chi::quantile(probability(index), dim)).collect();
    }
    let first = chi::quantile(probability(0), dim);
    let last = chi::quantile(probability(count - 1), dim);
    let width = (last - first) / CELLS as f64;
    let mut cell = 0;
    let mut left = chi::value_and_derivatives(first, dim);
    let mut right = chi::value_and_derivatives(first + width, dim);
    let mut quintic = Quintic::new(left, right, width);
    let mut fraction = 0.0;
    let mut grid = Vec::with_capacity(count);
    for index in 0..count {
        let target = probability(index);
        while target > right[0] && cell + 1 < CELLS {
            cell += 1;
            left = right;
            right = chi::value_and_derivatives(first + (cell + 1) as f64 * width, dim);
            quintic = Quintic::new(left, right, width);
            fraction = 0.0;
        }
        fraction = quintic.solve(target, fraction);
        grid.push(first + (cell as f64 + fraction) * width);
    }
    grid
}

/// The polynomial of degree 5 with given value, slope and curvature at 0 and 1.
struct Quintic([f64; 6]);

impl Quintic {
    fn new(left: [f64; 3], right: [f64; 3], width: f64) -> Self {
        let slope = [left[1] * width, right[1] * width];
        let bend = [left[2] * width * width, right[2] * width * width];
        let rise = right[0] - left[0] - slope[0] - bend[0] / 2.0;
        let turn = slope[1] - slope[0] - bend[0];
        let twist = bend[1] - bend[0];
        Self([
            left[0],
            slope[0],
            bend[0] / 2.0,
            10.0 * rise - 4.0 * turn + twist / 2.0,
            -15.0 * rise + 7.0 * turn - twist,
            6.0 * rise - 3.0 * turn + twist / 2.0,
        ])
    }

    /// The argument in [0, 1] at which the (increasing) polynomial has the value `target`. It is
    /// found by Newton's method from `start`.
    fn solve(&self, target: f64, start: f64) -> f64 {
        let mut argument = start;
        for _ in 0..8 {
            let mut value = 0.0;
            let mut slope = 0.0;
            for coefficient in self.0.iter().rev() {
                slope = slope * argument + value;
                value = value * argument + coefficient;
            }
            let next = (argument + (target - value) / slope).clamp(0.0, 1.0);
            let moved = (next - argument).abs();
            argument = next;
            if moved < 1e-10 {
                break;
            }
        }
        argument
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::splitmix::SplitMix64;

    #[test]
    fn the_grid_is_the_quantile_function() {
        for dim in [1, 2, 3, 10, 100, 10_000] {
            for count in [1, 2, 512, 513, 20_001] {
                let grid = quantile_grid(count, dim);
                assert!(grid.is_sorted() && grid.len() == count);
                let step = (count / 500).max(1);
                for index in (0..count.min(40)).chain((0..count).step_by(step)).chain([count - 1]) {
                    let exact = chi::quantile((index as f64 + 0.5) / count as f64, dim);
                    assert!((grid[index] - exact).abs() < 1e-9, "dim {dim}: {} of {count}", index);
                }
            }
        }
    }

    #[test]
    fn exact_quantiles_are_at_distance_zero_and_wrong_ones_at_theirs() {
        let dim = 3;
        // The order 7i mod 3001 is a permutation, because sorting is part of the function.
        let grid = quantile_grid(3001, dim);
        let shuffled: Vec<f64> = (0..3001).map(|i| grid[7 * i % 3001]).collect();
        assert!(radial_wasserstein(&shuffled, dim).unwrap().value < 1e-15);
        let shifted: Vec<f64> = shuffled.iter().map(|r| r + 0.25).collect();
        let found = radial_wasserstein(&shifted, dim).unwrap();
        assert!((found.value - 0.25).abs() < 1e-12);
        // A scale c is at distance |c − 1| √E r² = |c − 1| √dim, up to the midpoint rule.
        let scaled: Vec<f64> = shuffled.iter().map(|r| 1.1 * r).collect();
        let found = radial_wasserstein(&scaled, dim).unwrap();
        assert!((found.value - 0.1 * 3.0_f64.sqrt()).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn normal_vectors_are_near_and_the_bound_is_a_theorem() {
        // √n · W₂ is a Lipschitz function of the normals with constant 1. So P(W₂ > E W₂ + t) ≤
        // exp(−n t²/2) (Gaussian concentration). n = 8000, t = 0.06: exp(−14.4) = 5.6e-7 per seed.
        // E W₂ ≤ √(E W₂²) ≈ 0.0137 (quantile process, computed with scipy).
        for seed in [0, 1, u64::MAX] {
            let mut generator = SplitMix64::new(seed);
            let distances: Vec<f64> = (0..8000)
                .map(|_| {
                    let [x, y] = generator.normal_pair();
                    x.hypot(y)
                })
                .collect();
            let found = radial_wasserstein(&distances, 2).unwrap();
            assert!(found.value < 0.0137 + 0.06, "seed {seed}: {found:?}");
            assert!(found.error > 0.0 && found.error < 0.02, "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn bad_input_is_named() {
        let mut distances = vec![1.0; 20];
        assert!(radial_wasserstein(&distances, 2).is_ok());
        assert!(matches!(
            radial_wasserstein(&distances, 0),
            Err(Error::Invalid { name: "dim", .. })
        ));
        assert!(matches!(radial_wasserstein(&distances[..19], 2), Err(Error::Shape { .. })));
        distances[3] = -1.0;
        assert!(matches!(
            radial_wasserstein(&distances, 2),
            Err(Error::Invalid { given: -1.0, .. })
        ));
        distances[3] = f64::INFINITY;
        assert!(matches!(
            radial_wasserstein(&distances, 2),
            Err(Error::NonFinite { what: "distances", row: 3, column: 0 })
        ));
    }
}
