//! Adds a matrix times a vector to an array, with one matrix for each row.

use super::by_row::RowMatrix;
use super::kernel::two_sums;
use super::panel::{LANES, Panel, load, store};
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
    fn run(self) {
        let n = self.matrix.rows();
        for k in 0..self.matrix.inputs() {
            for r in 0..self.matrix.outputs() {
                let entry = self.matrix.entry(r, k);
                for start in (0..n).step_by(LANES) {
                    let count = LANES.min(n - start);
                    let c = load(entry, start, count);
                    for j in 0..self.dim {
                        let from = self.input_panel.at(k * self.dim + j) + start;
                        let mut b = load(self.input, from, count);
                        if !self.minus.is_empty() {
                            let away = load(self.minus, (k * self.dim + j) * n + start, count);
                            for i in 0..LANES {
                                b[i] -= away[i];
                            }
                        }
                        let to = self.out_panel.at(r * self.dim + j) + start;
                        let mut x = load(self.out, to, count);
                        if r == 0 && !self.low.is_empty() {
                            let at = j * n + start;
                            let mut terms = load(self.low, at, count);
                            for i in 0..LANES {
                                terms[i] = c[i].fma(b[i], terms[i]);
                            }
                            let sum = two_sums(&x, &terms);
                            store(&sum.high, self.out, to, count);
                            store(&sum.low, self.low, at, count);
                            continue;
                        }
                        for i in 0..LANES {
                            x[i] = c[i].fma(b[i], x[i]);
                        }
                        store(&x, self.out, to, count);
                    }
                }
            }
        }
    }
}
