//! Kernels that go over rows in blocks, one lane for each row.

use crate::real::Real;

/// Rows that are processed together. They give enough independent operations for every vector unit.
const WIDE: usize = 64;
/// The same for the remaining rows.
const NARROW: usize = 16;

/// The same where a row takes so much scratch that more would fill the memory.
const FEW: usize = 4;
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
    if lanes < NARROW {
        for start in (0..rows).step_by(FEW) {
            work.block::<FEW>(start, FEW.min(rows - start), scratch);
        }
        return;
    }
    let wide = if lanes < WIDE { 0 } else { rows / WIDE * WIDE };
    for start in (0..wide).step_by(WIDE) {
        work.block::<WIDE>(start, WIDE, scratch);
    }
    for start in (wide..rows).step_by(NARROW) {
        work.block::<NARROW>(start, NARROW.min(rows - start), scratch);
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
