//! Adds a matrix times a vector to an array, with one matrix for each row.

use super::by_row::RowMatrix;
use super::kernel::two_sums;
use super::panel::{LANES, Panel, lanes, lanes_mut};
use crate::math::simd::{self, Kernel};
use crate::real::Real;

/// out ← out + C (b − minus), with one C for each row. `minus` may be empty.
pub(crate) struct Add<'a, F> {
    pub matrix: &'a RowMatrix<F>,
    pub dim: usize,
    pub out: &'a mut [F],
    pub out_panel: Panel,
    /// The low part of the first output, with contiguous columns, or empty.
    pub low: &'a mut [F],
    pub input: &'a [F],
    pub input_panel: Panel,
    pub minus: &'a [F],
}

impl<F: Real> Add<'_, F> {
    pub(crate) fn run(self) {
        simd::dispatch(self);
    }
}

impl<F: Real> Kernel for Add<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let rows = self.matrix.rows();
        let whole = rows / LANES * LANES;
        for k in 0..self.matrix.inputs() {
            for r in 0..self.matrix.outputs() {
                for start in (0..whole).step_by(LANES) {
                    self.block::<LANES>(r, k, start);
                }
                for start in whole..rows {
                    self.block::<1>(r, k, start);
                }
            }
        }
    }
}

impl<F: Real> Add<'_, F> {
    /// Adds entry (r, k) of the matrix times block k of the input, on N rows.
    #[inline(always)]
    fn block<const N: usize>(&mut self, r: usize, k: usize, start: usize) {
        let rows = self.matrix.rows();
        let c: &[F; N] = lanes(self.matrix.entry(r, k), start);
        for j in 0..self.dim {
            let mut b: [F; N] = *lanes(self.input, self.input_panel.at(k * self.dim + j) + start);
            if !self.minus.is_empty() {
                let away: &[F; N] = lanes(self.minus, (k * self.dim + j) * rows + start);
                for i in 0..N {
                    b[i] -= away[i];
                }
            }
            let x: &mut [F; N] = lanes_mut(self.out, self.out_panel.at(r * self.dim + j) + start);
            if r == 0 && !self.low.is_empty() {
                let low: &mut [F; N] = lanes_mut(self.low, j * rows + start);
                let mut terms = *low;
                for i in 0..N {
                    terms[i] = c[i].fma(b[i], terms[i]);
                }
                let sum = two_sums(x, &terms);
                *x = sum.high;
                *low = sum.low;
                continue;
            }
            for i in 0..N {
                x[i] = c[i].fma(b[i], x[i]);
            }
        }
    }
}
