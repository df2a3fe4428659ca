//! Tests whether samples are copies of the data: distances to the nearest row of the data, compared
//! with the distances inside the data.

use ndarray::{Array1, ArrayView2};

use super::check;
use super::pairs::{GROUP, LANES, Tiles, squared};
use crate::error::{Error, Result};
use crate::math::simd::{self, Kernel};

/// The result of [`nearest_neighbours`]. Distances are Euclidean, in the unit of the samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NearestNeighbours {
    /// From each sample to the nearest row of the data, shape (samples).
    pub distances: Array1<f64>,
    /// The number of that row. If several are equally near, it is the smallest number.
    pub indices: Vec<usize>,
    /// From each sample to the second nearest row of the data, which differs from the one in
    /// [`indices`](Self::indices).
    pub second_distances: Array1<f64>,
    /// From each row of the data to the nearest row that differs from it, shape (data).
    pub data_distances: Array1<f64>,
    /// Number of different rows in the data.
    pub distinct: usize,
    /// Median of [`distances`](Self::distances).
    pub median: f64,
    /// Median of [`data_distances`](Self::data_distances).
    pub data_median: f64,
    /// Share of samples that are closer to a row of the data than that row is to its own nearest
    /// neighbour.
    pub closer_share: f64,
    /// Share of samples whose distance to the nearest row is below a third of that to the second
    /// nearest. By the usual criterion these are copies.
    pub memorised_share: f64,
}

impl NearestNeighbours {
    /// Numbers of the `count` samples closest to the data, the closest first. Of equal distances
    /// the first sample comes first. If there are fewer samples, all are returned.
    pub fn closest(&self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.distances.len()).collect();
        order.sort_by(|left, right| self.distances[*left].total_cmp(&self.distances[*right]));
        order.truncate(count);
        order
    }
}

/// Compares the distances of `samples`, shape (n ≥ 1, dim), to their nearest rows of `data`, shape
/// (m ≥ 2, dim), with the distances inside the data.
///
/// ```text
/// closer     d₁ < e         d₁, d₂: from a sample to its nearest and second nearest row of data
/// memorised  d₁ < d₂ / 3    e: from that nearest row to its own nearest neighbour
/// ```
///
/// The second criterion is that of Yoon, Choi, Kwon & Ryu 2023. Gu et al. 2023 use it for diffusion
/// models.
///
/// Neither share is 0 for honest samples. Take independent draws from the distribution of the data,
/// with a density that changes little over the distance to a neighbour. Let `dim` be the dimension
/// of the set on which the data lie.
///
/// - memorised: a share of 3^(−dim). That is a third on the line, and 1e-3 in six dimensions.
/// - closer: 2/3 on the line, 0.62 in the plane, and towards 1/2 in higher dimensions. With few
///   data in many dimensions it is lower (0.17 for 1,797 normal rows of 64 columns).
///
/// So compare with the shares of data that were held back.
///
/// Copies inside the data count as one row. Otherwise d₁ = d₂ at a row that occurs twice. Then the
/// rows that a model memorises first would never be counted. A sample at distance 0 is closer and
/// memorised.
///
/// Cost: m (n + m) distances.
///
/// # Errors
/// - [`Error::Shape`] for no samples, fewer than two rows of data or unequal columns.
/// - [`Error::Invalid`] for data whose rows are all the same.
/// - [`Error::NonFinite`] for a NaN or an infinity.
pub fn nearest_neighbours(
    samples: ArrayView2<'_, f64>,
    data: ArrayView2<'_, f64>,
) -> Result<NearestNeighbours> {
    check::samples("samples", samples, 1)?;
    check::samples("data", data, 2)?;
    if samples.ncols() != data.ncols() {
        return Err(Error::Shape {
            what: "data",
            given: format!("({}, {})", data.nrows(), data.ncols()),
            expected: format!("(rows, {})", samples.ncols()),
        });
    }
    let originals = originals(data);
    let mut distinct: Vec<usize> = originals.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 2 {
        return Err(Error::Invalid {
            name: "different rows of data",
            given: 1.0,
            expected: "at least 2",
        });
    }

    let groups = Tiles::<GROUP>::new(data, distinct.iter().copied());
    let near = Found::new(&Tiles::new(samples, 0..samples.nrows()), &groups, false);
    let inside = Found::new(&Tiles::new(data, distinct.iter().copied()), &groups, true);

    let indices: Vec<usize> = near.places.iter().map(|place| distinct[*place as usize]).collect();
    let mut closer = 0_usize;
    let mut memorised = 0_usize;
    for ((first, second), place) in near.first.iter().zip(&near.second).zip(&near.places) {
        // The comparisons alone would miss copies if the square of the other distance underflows to
        // 0.
        closer += usize::from(*first == 0.0 || *first < inside.first[*place as usize]);
        memorised += usize::from(*first == 0.0 || 3.0 * first < *second);
    }
    let data_distances: Vec<f64> = originals
        .iter()
        .map(|row| inside.first[distinct.partition_point(|original| original < row)])
        .collect();
    let count = samples.nrows() as f64;
    Ok(NearestNeighbours {
        median: median(&near.first),
        data_median: median(&data_distances),
        closer_share: closer as f64 / count,
        memorised_share: memorised as f64 / count,
        distances: near.first.into(),
        second_distances: near.second.into(),
        indices,
        data_distances: data_distances.into(),
        distinct: distinct.len(),
    })
}

/// For every row, the number of the first row that is equal to it.
fn originals(data: ArrayView2<'_, f64>) -> Vec<usize> {
    let compare = |left: usize, right: usize| {
        let pairs = data.row(left).into_iter().zip(data.row(right));
        // 0 and −0 are the same number.
        pairs.map(|(x, y)| (x + 0.0).total_cmp(&(y + 0.0))).find(|order| order.is_ne())
    };
    let mut order: Vec<usize> = (0..data.nrows()).collect();
    order.sort_by(|left, right| compare(*left, *right).unwrap_or(std::cmp::Ordering::Equal));
    let mut originals = vec![0; data.nrows()];
    let mut original = order[0];
    for row in order {
        // The sort is stable, so the first of equal rows has the smallest number.
        if compare(original, row).is_some() {
            original = row;
        }
        originals[row] = original;
    }
    originals
}

/// The median of at least one number. Of an even count it is the mean of the middle two.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { 0.5 * (sorted[half - 1] + sorted[half]) }
}

/// Distances to the nearest and second nearest row, and the place of the nearest (a whole number).
struct Found {
    first: Vec<f64>,
    second: Vec<f64>,
    places: Vec<f64>,
}

impl Found {
    /// With `same`, both have the same rows in the same order, and a row is not its own neighbour.
    fn new(lanes: &Tiles<LANES>, groups: &Tiles<GROUP>, same: bool) -> Self {
        let mut found = Self { first: Vec::new(), second: Vec::new(), places: Vec::new() };
        simd::dispatch(Nearest { lanes, groups, same, found: &mut found });
        found
    }
}

struct Nearest<'a> {
    lanes: &'a Tiles<LANES>,
    groups: &'a Tiles<GROUP>,
    same: bool,
    found: &'a mut Found,
}

impl Kernel for Nearest<'_> {
    #[inline(always)]
    fn run(self) {
        for (start, count, tile) in self.lanes.iter() {
            let mut first = [f64::INFINITY; LANES];
            let mut second = [f64::INFINITY; LANES];
            let mut places = [0.0; LANES];
            for (start_group, count_group, group) in self.groups.iter() {
                let mut squares = squared(tile, group);
                for (g, squares) in squares[..count_group].iter_mut().enumerate() {
                    let place = start_group + g;
                    if self.same && (start..start + LANES).contains(&place) {
                        squares[place - start] = f64::INFINITY;
                    }
                    for l in 0..LANES {
                        let square = squares[l];
                        let nearer = square < first[l];
                        let pushed = if nearer { first[l] } else { square };
                        second[l] = if pushed < second[l] { pushed } else { second[l] };
                        places[l] = if nearer { place as f64 } else { places[l] };
                        first[l] = if nearer { square } else { first[l] };
                    }
                }
            }
            self.found.first.extend(first[..count].iter().map(|square| square.sqrt()));
            self.found.second.extend(second[..count].iter().map(|square| square.sqrt()));
            self.found.places.extend_from_slice(&places[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::splitmix::SplitMix64;
    use ndarray::{Array2, Axis, ShapeBuilder, array, concatenate, s};

    fn uniforms(rows: usize, dim: usize, seed: u64) -> Array2<f64> {
        let mut generator = SplitMix64::new(seed);
        Array2::from_shape_simple_fn((rows, dim), || generator.uniform())
    }

    #[test]
    fn it_is_the_definition() {
        for (n, m, dim) in [(1, 2, 1), (30, 9, 2), (77, 41, 5), (40, 101, 19)] {
            let samples = uniforms(n, dim, 1);
            let data = uniforms(m, dim, 2);
            let found = nearest_neighbours(samples.view(), data.view()).unwrap();
            let distance = |x: ndarray::ArrayView1<f64>, row: usize| {
                (&x - &data.row(row)).mapv(|d| d * d).sum().sqrt()
            };
            let mut inside = Vec::new();
            for row in 0..m {
                let others = (0..m)
                    .filter(|other| *other != row)
                    .map(|other| distance(data.row(row), other));
                inside.push(others.fold(f64::INFINITY, f64::min));
                assert!((found.data_distances[row] - inside[row]).abs() < 1e-15);
            }
            let mut closer = 0;
            let mut memorised = 0;
            for (i, x) in samples.rows().into_iter().enumerate() {
                let mut order: Vec<(f64, usize)> =
                    (0..m).map(|row| (distance(x, row), row)).collect();
                order.sort_by(|left, right| left.0.total_cmp(&right.0));
                assert_eq!(found.indices[i], order[0].1);
                assert!((found.distances[i] - order[0].0).abs() < 1e-15);
                assert!((found.second_distances[i] - order[1].0).abs() < 1e-15);
                closer += usize::from(order[0].0 < inside[order[0].1]);
                memorised += usize::from(order[0].0 / order[1].0 < 1.0 / 3.0);
            }
            assert_eq!(found.closer_share, closer as f64 / n as f64);
            assert_eq!(found.memorised_share, memorised as f64 / n as f64);
            assert_eq!(found.distinct, m);
            let order = found.closest(n + 1);
            assert_eq!(order.len(), n);
            assert!(
                order.is_sorted_by(|left, right| found.distances[*left] <= found.distances[*right])
            );
            let mut columns = Array2::zeros(samples.dim().f());
            columns.assign(&samples);
            assert_eq!(nearest_neighbours(columns.view(), data.view()).unwrap(), found);
        }
    }

    #[test]
    fn copies_are_all_memorised_and_what_is_far_away_is_not() {
        let data = uniforms(50, 4, 3);
        let copied = nearest_neighbours(data.view(), data.view()).unwrap();
        assert_eq!((copied.closer_share, copied.memorised_share, copied.median), (1.0, 1.0, 0.0));
        assert_eq!(copied.indices, (0..50).collect::<Vec<_>>());
        assert_eq!(copied.second_distances, copied.data_distances);
        let far = nearest_neighbours((&data + 100.0).view(), data.view()).unwrap();
        assert_eq!((far.closer_share, far.memorised_share), (0.0, 0.0));
        assert!(far.median > 190.0 && far.data_median < 1.0);
    }

    #[test]
    fn duplicates_in_the_data_count_once() {
        let data = array![[0.0, 5.0], [3.0, 5.0], [-0.0, 5.0], [9.0, 5.0], [3.0, 5.0], [0.0, 5.0]];
        // A copy of a row that occurs three times, one almost such, one half way, and one nearest
        // to the row that occurs once.
        let samples = array![[0.0, 5.0], [0.125, 5.0], [1.5, 5.0], [8.0, 5.0]];
        let found = nearest_neighbours(samples.view(), data.view()).unwrap();
        assert_eq!(found.distinct, 3);
        assert_eq!(found.indices, [0, 0, 0, 3]);
        assert_eq!(found.distances, array![0.0, 0.125, 1.5, 1.0]);
        assert_eq!(found.second_distances, array![3.0, 2.875, 1.5, 5.0]);
        assert_eq!(found.data_distances, array![3.0, 3.0, 3.0, 6.0, 3.0, 3.0]);
        assert_eq!((found.median, found.data_median), (0.5625, 3.0));
        assert_eq!((found.closer_share, found.memorised_share), (1.0, 0.75));
        assert_eq!(found.closest(3), [0, 1, 3]);
        // Without the copies the result for the samples is the same.
        let once =
            nearest_neighbours(samples.view(), data.select(Axis(0), &[0, 1, 3]).view()).unwrap();
        assert_eq!(
            (once.distances, once.second_distances),
            (found.distances, found.second_distances)
        );
        // Rows whose difference has a square that underflows to 0.
        let tiny = array![[0.0], [1e-200], [1.0]];
        let found = nearest_neighbours(tiny.view(), tiny.view()).unwrap();
        assert_eq!((found.distinct, found.closer_share, found.memorised_share), (3, 1.0, 1.0));
    }

    #[test]
    fn honest_draws_have_the_promised_shares() {
        // A lattice first, by hand. A sample at t from the nearest integer has d₁/d₂ = t/(1 − t).
        // That is below a third for t < ¼, half of all.
        let data = Array2::from_shape_fn((102, 1), |(i, _)| i as f64);
        let samples = Array2::from_shape_fn((16_000, 1), |(i, _)| 1.0 + (i as f64 + 0.5) / 160.0);
        let found = nearest_neighbours(samples.view(), data.view()).unwrap();
        assert_eq!((found.closer_share, found.memorised_share), (1.0, 0.5));
        // Then 4000 uniforms and 4000 more on the line: 2/3 and 1/3. A row with gaps g, h on its
        // sides (of mean length 1) accounts for at most (g + h)/2 of what is counted. The variance
        // is below 1.1, with both neighbours 3.3, and ¼ for the samples. So the standard deviation
        // is below √(3.55/4000) = 0.03. The window of 0.15 is just over 5 sigma: 6e-7 per check, 6
        // checks.
        for seed in [0, 1, u64::MAX] {
            let found = nearest_neighbours(
                uniforms(4000, 1, seed).view(),
                uniforms(4000, 1, seed ^ 77).view(),
            )
            .unwrap();
            assert!(
                (found.closer_share - 2.0 / 3.0).abs() < 0.15,
                "seed {seed}: {}",
                found.closer_share
            );
            assert!(
                (found.memorised_share - 1.0 / 3.0).abs() < 0.15,
                "seed {seed}: {}",
                found.memorised_share
            );
        }
    }

    #[test]
    fn bad_input_is_named() {
        let samples = uniforms(3, 2, 1);
        let data = uniforms(4, 2, 2);
        let none = samples.slice(s![..0, ..]);
        assert!(matches!(
            nearest_neighbours(none, data.view()),
            Err(Error::Shape { what: "samples", .. })
        ));
        let one = data.slice(s![..1, ..]);
        assert!(matches!(
            nearest_neighbours(samples.view(), one),
            Err(Error::Shape { what: "data", .. })
        ));
        let wide = uniforms(4, 3, 1);
        assert!(matches!(
            nearest_neighbours(samples.view(), wide.view()),
            Err(Error::Shape { what: "data", .. })
        ));
        let same = concatenate![Axis(0), one, one];
        assert!(matches!(
            nearest_neighbours(samples.view(), same.view()),
            Err(Error::Invalid { given: 1.0, .. })
        ));
        let mut bad = data.clone();
        bad[[3, 0]] = f64::NAN;
        assert!(matches!(
            nearest_neighbours(samples.view(), bad.view()),
            Err(Error::NonFinite { what: "data", row: 3, column: 0 })
        ));
    }
}
