//! Squared distances between the rows of two samples, eight by four at a time. It is the inner loop
//! of metrics over all pairs.

use ndarray::ArrayView2;

/// Rows of one sample that are processed together. Each is a lane.
pub(super) const LANES: usize = 8;
/// Rows of the other sample that share the loaded numbers.
pub(super) const GROUP: usize = 4;

/// Some rows of a sample, cut into tiles of `W` rows. A tile is stored column by column. The last
/// one is padded with zeros.
pub(super) struct Tiles<const W: usize> {
    rows: usize,
    dim: usize,
    data: Vec<f64>,
}

impl<const W: usize> Tiles<W> {
    pub(super) fn new(
        samples: ArrayView2<'_, f64>,
        rows: impl ExactSizeIterator<Item = usize>,
    ) -> Self {
        let count = rows.len();
        let dim = samples.ncols();
        let mut data = vec![0.0; count.div_ceil(W) * W * dim];
        for (place, row) in rows.enumerate() {
            let tile = &mut data[place / W * W * dim..];
            tile.iter_mut()
                .skip(place % W)
                .step_by(W)
                .zip(samples.row(row))
                .for_each(|(to, from)| *to = *from);
        }
        Self { rows: count, dim, data }
    }

    /// Every tile, with the number of its first row and its number of rows.
    #[inline(always)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize, &[f64])> {
        let starts = (0..self.rows).step_by(W);
        starts
            .zip(self.data.chunks_exact(W * self.dim))
            .map(|(first, tile)| (first, W.min(self.rows - first), tile))
    }
}

/// |x − y|² for the rows x of a tile and y of another, `[y][x]`.
///
/// Differences are formed before they are squared, so near rows lose no digits. Every sum runs over
/// the columns in order and without fused multiply-adds. So vectors of any width give the same
/// bits, and processors without such an instruction are not slower.
#[inline(always)]
pub(super) fn squared(lanes: &[f64], group: &[f64]) -> [[f64; LANES]; GROUP] {
    let mut sums = [[0.0; LANES]; GROUP];
    for (x, y) in lanes.chunks_exact(LANES).zip(group.chunks_exact(GROUP)) {
        for g in 0..GROUP {
            for l in 0..LANES {
                let difference = x[l] - y[g];
                sums[g][l] += difference * difference;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn tiles_hold_the_rows_and_their_distances() {
        let samples =
            Array2::from_shape_fn((23, 5), |(i, j)| ((i * 37 + j * j * 11) % 19) as f64 / 7.0);
        let lanes = Tiles::<LANES>::new(samples.view(), 0..23);
        let groups = Tiles::<GROUP>::new(samples.view(), 2..20);
        let mut seen = 0;
        for (first, count, tile) in lanes.iter() {
            for (first_group, count_group, group) in groups.iter() {
                let found = squared(tile, group);
                for (g, l) in (0..count_group).flat_map(|g| (0..count).map(move |l| (g, l))) {
                    // The same operations in the same order give equal bits.
                    let columns =
                        samples.row(first + l).into_iter().zip(samples.row(2 + first_group + g));
                    let expected = columns
                        .map(|(x, y)| (x - y) * (x - y))
                        .fold(0.0, |sum, square| sum + square);
                    assert_eq!(found[g][l], expected);
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 23 * 18);
    }
}
