//! Coefficients that differ from row to row, rounded to the precision of the state.

use crate::math::aligned::Aligned;
use crate::math::block::Block;
use crate::real::Real;
use crate::state::Layout;

/// A, G and C of every row. Slot s of row i is at `s · rows + i`.
#[derive(Debug, Default)]
pub(crate) struct RowCoefficients<F> {
    rows: usize,
    blocks: usize,
    inputs: usize,
    data: Aligned<F>,
}

impl<F: Real> RowCoefficients<F> {
    pub(crate) fn resize(&mut self, rows: usize, layout: Layout) {
        self.rows = rows;
        self.blocks = layout.blocks();
        self.inputs = layout.inputs();
        let slots = 2 * self.blocks * self.blocks + self.blocks * self.inputs;
        self.data.resize(rows * slots, F::zero());
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// The numbers of one slot, row after row.
    #[inline(always)]
    pub(super) fn slot(&self, slot: usize) -> &[F] {
        &self.data[slot * self.rows..(slot + 1) * self.rows]
    }

    /// The same for writing.
    #[inline(always)]
    pub(super) fn slot_mut(&mut self, slot: usize) -> &mut [F] {
        &mut self.data[slot * self.rows..(slot + 1) * self.rows]
    }

    #[inline(always)]
    pub(super) fn propagator_slot(&self, r: usize, k: usize) -> usize {
        r * self.blocks + k
    }

    #[inline(always)]
    pub(super) fn gain_slot(&self, r: usize, k: usize) -> usize {
        self.blocks * self.blocks + r * self.inputs + k
    }

    #[inline(always)]
    pub(super) fn noise_slot(&self, r: usize, k: usize) -> usize {
        self.blocks * (self.blocks + self.inputs) + r * self.blocks + k
    }
}

/// One matrix (outputs × inputs) for every row. Entry (r, k) of row i is at `(r · inputs + k) ·
/// rows + i`.
#[derive(Debug, Default)]
pub(crate) struct RowMatrix<F> {
    rows: usize,
    outputs: usize,
    inputs: usize,
    data: Aligned<F>,
}

impl<F: Real> RowMatrix<F> {
    pub(crate) fn resize(&mut self, rows: usize, outputs: usize, inputs: usize) {
        self.rows = rows;
        self.outputs = outputs;
        self.inputs = inputs;
        self.data.resize(rows * outputs * inputs, F::zero());
    }

    #[inline]
    pub(crate) fn set(&mut self, row: usize, matrix: &Block) {
        for r in 0..self.outputs {
            for k in 0..self.inputs {
                self.data[(r * self.inputs + k) * self.rows + row] = F::from_f64(matrix[r][k]);
            }
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// The numbers of one entry, row after row.
    #[inline(always)]
    pub(crate) fn entry(&self, output: usize, input: usize) -> &[F] {
        let slot = output * self.inputs + input;
        &self.data[slot * self.rows..(slot + 1) * self.rows]
    }

    /// The same for writing.
    #[inline(always)]
    pub(super) fn entry_mut(&mut self, output: usize, input: usize) -> &mut [F] {
        let slot = output * self.inputs + input;
        &mut self.data[slot * self.rows..(slot + 1) * self.rows]
    }
}
