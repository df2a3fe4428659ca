//! Kernels that go over rows in blocks, one lane for each row.

use crate::real::Real;

/// Rows that are processed together. They give enough independent operations for every vector unit.
const WIDE: usize = 64;
/// The same for half of them or less.
const NARROW: usize = 32;
/// The same for a few rows, and where a row takes so much scratch that more would fill the memory.
const FEW: usize = 4;
/// Up to so many rows take less time in several blocks of a few than in a narrow one.
const STILL_FEW: usize = 12;
/// The most bytes of scratch for a block of more than a few rows.
const MOST_SCRATCH: usize = 1 << 26;

/// The number of rows of a block, whose scratch takes this many numbers for each. It never changes
/// a result.
pub(crate) fn lanes<F>(numbers: usize) -> usize {
    let bytes = numbers.saturating_mul(size_of::<F>());
    let fits = |lanes: &usize| bytes.saturating_mul(*lanes) <= MOST_SCRATCH;
    [WIDE, NARROW].into_iter().find(fits).unwrap_or(FEW)
}

/// Work on rows in blocks. Implement `block` with `#[inline(always)]`.
pub(crate) trait Blocks<F> {
    /// Works on `count` rows from `start`, at most L.
    fn block<const L: usize>(&mut self, start: usize, count: usize, scratch: &mut [F]);
}

/// Goes over all rows. `scratch` has room for `lanes` rows, see [`lanes`].
#[inline(always)]
pub(crate) fn by_blocks<F>(
    work: &mut impl Blocks<F>,
    rows: usize,
    lanes: usize,
    scratch: &mut [F],
) {
    let mut start = 0;
    while start < rows {
        let left = rows - start;
        // A block that is not full costs as much as one that is.
        start += if lanes < NARROW || left <= STILL_FEW {
            work.block::<FEW>(start, FEW.min(left), scratch);
            FEW
        } else if lanes < WIDE || left <= NARROW {
            work.block::<NARROW>(start, NARROW.min(left), scratch);
            NARROW
        } else {
            work.block::<WIDE>(start, WIDE.min(left), scratch);
            WIDE
        };
    }
}

/// Copies rows out of column-major numbers, a lane for each row. Lanes beyond the last row repeat
/// it, so they stay finite.
#[inline(always)]
pub(crate) fn gather<F: Real, const L: usize>(
    x: &[F],
    rows: usize,
    start: usize,
    count: usize,
    points: &mut [[F; L]],
) {
    for (j, point) in points.iter_mut().enumerate() {
        let from = &x[j * rows + start..][..count];
        point.fill(from[count - 1]);
        point[..count].copy_from_slice(from);
    }
}
