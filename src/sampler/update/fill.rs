//! Rounds the transitions of many rows to the coefficients of an update, over lanes.

use super::by_row::{RowCoefficients, RowMatrix};
use super::panel::{LANES, lanes, lanes_mut};
use crate::dynamics::TransitionsPart;
use crate::math::block::cholesky;
use crate::math::simd::{Kernel, dispatch};
use crate::real::Real;

impl<F: Real> RowCoefficients<F> {
    /// Sets A and C of every row, C being the lower Cholesky factor of Q. Returns whether there is
    /// noise. G is left as it was.
    pub(crate) fn set_flow(&mut self, transitions: &TransitionsPart<'_>) -> bool {
        let mut noisy = false;
        dispatch(Flow { to: self, from: transitions, noisy: &mut noisy });
        noisy
    }
}

impl<F: Real> RowMatrix<F> {
    /// Sets entry (output, input) of every row to the numbers that `of` gives for it.
    pub(crate) fn set_entries<'a>(&mut self, of: impl Fn(usize, usize) -> &'a [f64]) {
        for output in 0..self.outputs() {
            for input in 0..self.inputs() {
                let to = self.entry_mut(output, input).iter_mut();
                to.zip(of(output, input)).for_each(|(to, number)| *to = F::from_f64(*number));
            }
        }
    }
}

struct Flow<'a, 'b, F> {
    to: &'a mut RowCoefficients<F>,
    from: &'a TransitionsPart<'b>,
    noisy: &'a mut bool,
}

impl<F: Real> Kernel for Flow<'_, '_, F> {
    #[inline(always)]
    fn run(mut self) {
        let rows = self.from.len();
        let whole = rows / LANES * LANES;
        // Loops and no `for_each`: its closure would be compiled for the baseline.
        let one = self.to.blocks() == 1;
        for at in (0..whole).step_by(LANES) {
            if one { self.block::<1, LANES>(at) } else { self.block::<2, LANES>(at) }
        }
        for at in whole..rows {
            if one { self.block::<1, 1>(at) } else { self.block::<2, 1>(at) }
        }
    }
}

impl<F: Real> Flow<'_, '_, F> {
    /// N rows of M blocks.
    #[inline(always)]
    fn block<const M: usize, const N: usize>(&mut self, at: usize) {
        for r in 0..M {
            for k in 0..M {
                let from: &[f64; N] = lanes(self.from.propagator(r, k), at);
                let slot = self.to.propagator_slot(r, k);
                round(from, lanes_mut(self.to.slot_mut(slot), at));
            }
        }
        let zero = [0.0; N];
        let [mut first, mut below, mut last] = [zero; 3];
        let variance: &[f64; N] = lanes(self.from.covariance(0, 0), at);
        let (cross, rest): (&[f64; N], &[f64; N]) = if M == 2 {
            (lanes(self.from.covariance(1, 0), at), lanes(self.from.covariance(1, 1), at))
        } else {
            (&zero, &zero)
        };
        let mut noisy = false;
        for l in 0..N {
            let factor = cholesky(&[[variance[l], 0.0], [cross[l], rest[l]]]);
            first[l] = factor[0][0];
            below[l] = factor[1][0];
            last[l] = factor[1][1];
            noisy |= (first[l] != 0.0) | (below[l] != 0.0) | (last[l] != 0.0);
        }
        *self.noisy |= noisy;
        for (r, k, numbers) in [(0, 0, first), (1, 0, below), (1, 1, last)] {
            if r < M {
                let slot = self.to.noise_slot(r, k);
                round(&numbers, lanes_mut(self.to.slot_mut(slot), at));
            }
        }
    }
}

#[inline(always)]
fn round<F: Real, const N: usize>(from: &[f64; N], to: &mut [F; N]) {
    for i in 0..N {
        to[i] = F::from_f64(from[i]);
    }
}
