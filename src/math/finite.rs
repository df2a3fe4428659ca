//! A vector kernel that checks whether all numbers of an array are finite.

use super::simd::{self, Kernel};
use crate::real::Real;

/// Numbers that are processed together.
const LANES: usize = 16;

/// Whether every number is finite.
pub(crate) fn all_finite<F: Real>(data: &[F]) -> bool {
    let mut finite = false;
    simd::dispatch(AllFinite { data, finite: &mut finite });
    finite
}

/// Writes to `finite` whether every number is finite.
struct AllFinite<'a, F> {
    data: &'a [F],
    finite: &'a mut bool,
}

impl<F: Real> Kernel for AllFinite<'_, F> {
    #[inline(always)]
    #[allow(clippy::eq_op)]
    fn run(self) {
        // x − x is 0 for a finite x and NaN otherwise, and a NaN stays in a sum. So the loop needs
        // no branch.
        let mut sums = [F::zero(); LANES];
        let mut blocks = self.data.chunks_exact(LANES);
        for block in &mut blocks {
            for i in 0..LANES {
                sums[i] += block[i] - block[i];
            }
        }
        for (sum, x) in sums.iter_mut().zip(blocks.remainder()) {
            *sum += *x - *x;
        }
        *self.finite = sums.iter().all(|s| *s == F::zero());
    }
}
