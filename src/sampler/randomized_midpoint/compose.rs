//! Products of the two-by-two matrices of many rows, over lanes.

use crate::dynamics::TransitionsPart;
use crate::math::simd::{Kernel, dispatch};

/// A matrix of every row, (blocks × 2). Entry (r, k) of row i is at (2 r + k) · rows + i.
#[derive(Default)]
pub(super) struct Matrices {
    rows: usize,
    data: Vec<f64>,
}

impl Matrices {
    /// The same matrix in every row.
    pub(super) fn fill(&mut self, rows: usize, matrix: &[[f64; 2]; 2]) {
        self.rows = rows;
        self.data.resize(4 * rows, 0.0);
        for (slot, number) in matrix.as_flattened().iter().enumerate() {
            self.data[slot * rows..(slot + 1) * rows].fill(*number);
        }
    }

    pub(super) fn set(&mut self, row: usize, matrix: &[[f64; 2]; 2]) {
        for (slot, number) in matrix.as_flattened().iter().enumerate() {
            self.data[slot * self.rows + row] = *number;
        }
    }

    /// Entry (r, k), row after row.
    pub(super) fn entry(&self, r: usize, k: usize) -> &[f64] {
        let slot = 2 * r + k;
        &self.data[slot * self.rows..(slot + 1) * self.rows]
    }

    /// M ← A M + G, the gain from the start to the end of the next interval.
    pub(super) fn carry(&mut self, next: &TransitionsPart<'_>, blocks: usize, inputs: usize) {
        dispatch(Carry { gains: self, next, blocks, inputs });
    }

    /// M ← M A, the propagator from one interval earlier.
    pub(super) fn extend_back(&mut self, next: &TransitionsPart<'_>, blocks: usize) {
        dispatch(ExtendBack { tails: self, next, blocks });
    }

    /// The first entries of this matrix times another one, times a number: `shape` gives how many
    /// rows and columns of the product.
    pub(super) fn times(&self, other: &Self, factor: f64, shape: [usize; 2], out: &mut Self) {
        out.rows = self.rows;
        out.data.resize(4 * self.rows, 0.0);
        dispatch(Times { left: self, right: other, factor, shape, out });
    }

    #[inline(always)]
    fn columns(&mut self) -> [&mut [f64]; 4] {
        let (upper, lower) = self.data.split_at_mut(2 * self.rows);
        let (a, b) = upper.split_at_mut(self.rows);
        let (c, d) = lower.split_at_mut(self.rows);
        [a, b, c, d]
    }
}

struct Carry<'a, 'b> {
    gains: &'a mut Matrices,
    next: &'a TransitionsPart<'b>,
    blocks: usize,
    inputs: usize,
}

impl Kernel for Carry<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { gains, next, blocks, inputs } = self;
        let rows = next.len();
        let [g00, g01, g10, g11] = gains.columns();
        for (k, upper, lower) in [(0, g00, g10), (1, g01, g11)].into_iter().take(inputs) {
            let upper = &mut upper[..rows];
            let lower = &mut lower[..rows];
            let a00 = &next.propagator(0, 0)[..rows];
            let g0 = &next.gain(0, k)[..rows];
            if blocks == 1 {
                for i in 0..rows {
                    upper[i] = (a00[i] * upper[i] + 0.0) + g0[i];
                }
                continue;
            }
            let a01 = &next.propagator(0, 1)[..rows];
            let a10 = &next.propagator(1, 0)[..rows];
            let a11 = &next.propagator(1, 1)[..rows];
            let g1 = &next.gain(1, k)[..rows];
            for i in 0..rows {
                let above = upper[i];
                let below = lower[i];
                upper[i] = (a00[i] * above + a01[i] * below) + g0[i];
                lower[i] = (a10[i] * above + a11[i] * below) + g1[i];
            }
        }
    }
}

struct ExtendBack<'a, 'b> {
    tails: &'a mut Matrices,
    next: &'a TransitionsPart<'b>,
    blocks: usize,
}

impl Kernel for ExtendBack<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.next.len();
        let next = self.next;
        let a00 = &next.propagator(0, 0)[..rows];
        let [t00, t01, t10, t11] = self.tails.columns();
        if self.blocks == 1 {
            let t00 = &mut t00[..rows];
            for i in 0..rows {
                t00[i] = t00[i] * a00[i] + 0.0;
            }
            return;
        }
        let a01 = &next.propagator(0, 1)[..rows];
        let a10 = &next.propagator(1, 0)[..rows];
        let a11 = &next.propagator(1, 1)[..rows];
        for (left, right) in [(t00, t01), (t10, t11)] {
            let left = &mut left[..rows];
            let right = &mut right[..rows];
            for i in 0..rows {
                let l = left[i];
                let r = right[i];
                left[i] = l * a00[i] + r * a10[i];
                right[i] = l * a01[i] + r * a11[i];
            }
        }
    }
}

struct Times<'a> {
    left: &'a Matrices,
    right: &'a Matrices,
    factor: f64,
    shape: [usize; 2],
    out: &'a mut Matrices,
}

impl Kernel for Times<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.left.rows;
        let factor = self.factor;
        for r in 0..self.shape[0] {
            for k in 0..self.shape[1] {
                let a = &self.left.entry(r, 0)[..rows];
                let b = &self.left.entry(r, 1)[..rows];
                let c = &self.right.entry(0, k)[..rows];
                let d = &self.right.entry(1, k)[..rows];
                let slot = 2 * r + k;
                let out = &mut self.out.data[slot * rows..(slot + 1) * rows];
                for i in 0..rows {
                    out[i] = (a[i] * c[i] + b[i] * d[i]) * factor;
                }
            }
        }
    }
}
