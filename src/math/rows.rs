//! Kernels that go over rows in blocks, one lane for each row.

use crate::real::Real;

/// Rows that are processed together. They give enough independent operations for every vector unit.
pub(crate) const WIDE: usize = 64;
/// The same for the remaining rows.
const NARROW: usize = 16;

/// Work on rows in blocks. Implement `block` with `#[inline(always)]`.
pub(crate) trait Blocks<F> {
    /// Works on `count` rows from `start`, at most L.
    fn block<const L: usize>(&mut self, start: usize, count: usize, scratch: &mut [F]);
}

/// Goes over all rows. `scratch` has room for [`WIDE`] rows.
#[inline(always)]
pub(crate) fn by_blocks<F>(work: &mut impl Blocks<F>, rows: usize, scratch: &mut [F]) {
    let wide = rows / WIDE * WIDE;
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
