//! The only loop behind every update X ← A X + G b + C z: fused multiply-adds over lanes of chains.
//!
//! Arrays are column-major panels. Block r of a state of dimension `dim` consists of its columns
//! r·dim to (r + 1)·dim. Terms are summed in a fixed order, so every caller gets the bits that it
//! promises.

use super::by_index::Indexed;
use super::by_row::RowCoefficients;
use super::coefficients::Coefficients;
use super::numbers::{Number, Numbers, Same, by_index, by_row};
use super::panel::{LANES, Panel, lanes, lanes_mut};
use crate::math::simd::Kernel;
use crate::real::Real;

/// The order in which the blocks of b and of z are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The first block first.
    Forward,
    /// The last block first.
    Backward,
}

/// Where the coefficients of an update come from.
pub(super) enum Source<'a, F> {
    /// One set for all rows.
    Shared(&'a Coefficients),
    /// One set for every row.
    ByRow(&'a RowCoefficients<F>),
    /// One set for every row, out of a table.
    ByIndex(Indexed<'a, F>),
}

/// One update. The lengths of `drift` and `normals` give their numbers of blocks. An empty slice
/// leaves the term out. If there is one block of normals and the state has two, it belongs to the
/// second.
pub(super) struct Update<'a, F> {
    pub source: Source<'a, F>,
    pub blocks: usize,
    pub state: &'a mut [F],
    /// The low part of the first block, for an update that adds to it, or empty.
    pub low: &'a mut [F],
    pub drift: &'a [F],
    /// The place of the drift's columns, if they are not contiguous. The drift then has one block
    /// for each input, and `rows` is the length of a column.
    pub panel: Option<(Panel, Inputs)>,
    pub normals: &'a [F],
    pub order: Order,
}

/// The shape of a drift whose columns are not contiguous.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs {
    pub rows: usize,
    pub blocks: usize,
}

impl<F: Real> Kernel for Update<'_, F> {
    #[inline(always)]
    fn run(self) {
        let size = (self.state.len() / self.blocks).max(1);
        let drifts = self.panel.map_or(self.drift.len() / size, |(_, inputs)| inputs.blocks);
        let normals = self.normals.len() / size;
        // One loop for each number of blocks, so that the compiler knows these numbers.
        match (self.blocks, drifts, normals) {
            (1, 0, 0) => self.update::<1, 0, 0>(),
            (1, 0, _) => self.update::<1, 0, 1>(),
            (1, _, 0) => self.update::<1, 1, 0>(),
            (1, _, _) => self.update::<1, 1, 1>(),
            (_, 0, 0) => self.update::<2, 0, 0>(),
            (_, 0, 1) => self.update::<2, 0, 1>(),
            (_, 0, _) => self.update::<2, 0, 2>(),
            (_, 1, 0) => self.update::<2, 1, 0>(),
            (_, 1, 1) => self.update::<2, 1, 1>(),
            (_, 1, _) => self.update::<2, 1, 2>(),
            (_, _, 0) => self.update::<2, 2, 0>(),
            (_, _, 1) => self.update::<2, 2, 1>(),
            (_, _, _) => self.update::<2, 2, 2>(),
        }
    }
}

/// The arrays of an update, cut into blocks in the order of summation.
struct Arrays<'a, F, const P: usize, const Z: usize> {
    state: &'a mut [F],
    low: &'a mut [F],
    /// Size of a block of the state.
    size: usize,
    /// Number of columns of a block, and their length.
    columns: usize,
    length: usize,
    drift: [&'a [F]; P],
    drift_stride: usize,
    normals: [&'a [F]; Z],
    moves: bool,
}

impl<F: Real, const P: usize, const Z: usize> Arrays<'_, F, P, Z> {
    /// Updates N rows from `start` on.
    #[inline(always)]
    fn block<const N: usize, const M: usize, C: Number<F>>(
        &mut self,
        start: usize,
        numbers: &Numbers<C, M, P, Z>,
    ) {
        for j in 0..self.columns {
            let at = j * self.length + start;
            let from = j * self.drift_stride + start;
            let b = std::array::from_fn(|k| lanes(self.drift[k], from));
            let z = std::array::from_fn(|k| lanes(self.normals[k], at));
            let state = &*self.state;
            let x: [&[F; N]; M] = std::array::from_fn(|r| lanes(state, r * self.size + at));
            if self.low.is_empty() {
                let last = numbers.row(M - 1, x, b, z);
                if M == 2 && self.moves {
                    let first = numbers.row(0, x, b, z);
                    *lanes_mut(self.state, at) = first;
                }
                *lanes_mut(self.state, (M - 1) * self.size + at) = last;
                continue;
            }
            let second = (M == 2).then(|| numbers.row(M - 1, x, b, z));
            if self.moves {
                // The small terms first, with what rounding cut off before; then the position.
                let terms = numbers.add_terms(0, *lanes(self.low, at), x, b, z);
                let sum = two_sums(x[0], &terms);
                *lanes_mut(self.state, at) = sum.high;
                *lanes_mut(self.low, at) = sum.low;
            }
            if let Some(second) = second {
                *lanes_mut(self.state, self.size + at) = second;
            }
        }
    }

    /// Updates all rows by the same coefficients. Here and below there are loops in place of a
    /// function with a closure: a closure may be compiled for the baseline.
    #[inline(always)]
    fn alike<const M: usize>(&mut self, numbers: &Numbers<Same<F>, M, P, Z>) {
        let whole = self.length / LANES * LANES;
        for start in (0..whole).step_by(LANES) {
            self.block::<LANES, M, _>(start, numbers);
        }
        for start in whole..self.length {
            self.block::<1, M, _>(start, numbers);
        }
    }

    /// Updates all rows, each by its own coefficients.
    #[inline(always)]
    fn row_by_row<const M: usize>(
        &mut self,
        table: &RowCoefficients<F>,
        inputs: [usize; P],
        columns: [usize; Z],
    ) {
        let whole = self.length / LANES * LANES;
        for start in (0..whole).step_by(LANES) {
            let numbers = by_row::<F, LANES, M, P, Z>(table, start, inputs, columns);
            self.block::<LANES, M, _>(start, &numbers);
        }
        for start in whole..self.length {
            let numbers = by_row::<F, 1, M, P, Z>(table, start, inputs, columns);
            self.block::<1, M, _>(start, &numbers);
        }
    }

    /// Updates all rows by coefficients out of a table.
    #[inline(always)]
    fn look_up<const M: usize>(
        &mut self,
        table: Indexed<'_, F>,
        inputs: [usize; P],
        columns: [usize; Z],
    ) {
        let whole = self.length / LANES * LANES;
        for start in (0..whole).step_by(LANES) {
            let numbers = by_index::<F, LANES, M, P, Z>(table, start, inputs, columns);
            self.block::<LANES, M, _>(start, &numbers);
        }
        for start in whole..self.length {
            let numbers = by_index::<F, 1, M, P, Z>(table, start, inputs, columns);
            self.block::<1, M, _>(start, &numbers);
        }
    }
}

/// A sum and what its rounding cut off.
pub(in crate::sampler) struct TwoSums<F, const N: usize> {
    pub high: [F; N],
    pub low: [F; N],
}

/// x + y on N lanes, exactly: the rounded sum and its error (Knuth).
#[inline(always)]
pub(in crate::sampler) fn two_sums<F: Real, const N: usize>(
    x: &[F; N],
    y: &[F; N],
) -> TwoSums<F, N> {
    let mut sum = TwoSums { high: [F::zero(); N], low: [F::zero(); N] };
    for i in 0..N {
        let high = x[i] + y[i];
        let of_y = high - x[i];
        sum.high[i] = high;
        sum.low[i] = (x[i] - (high - of_y)) + (y[i] - of_y);
    }
    sum
}

impl<F: Real> Update<'_, F> {
    #[inline(always)]
    fn update<const M: usize, const P: usize, const Z: usize>(self) {
        let backward = self.order == Order::Backward;
        let place = |k: usize, of: usize| if backward { of - 1 - k } else { k };
        // A single block of normals belongs to the last block of the state.
        let columns = std::array::from_fn(|k| place(k, Z) + M - Z);
        let inputs: [usize; P] = std::array::from_fn(|k| place(k, P));
        let size = self.state.len() / M;
        let rows = match (&self.source, self.panel) {
            (Source::ByRow(table), _) => table.rows(),
            (Source::ByIndex(table), _) => table.index.len(),
            (Source::Shared(_), Some((_, inputs))) => inputs.rows,
            // If all arrays are contiguous, a whole block is one long column.
            (Source::Shared(_), None) => size,
        };
        let dim = size / rows.max(1);
        let (drift_stride, block) = match self.panel {
            Some((panel, _)) => (panel.stride, dim * panel.stride),
            None => (rows, size),
        };
        let offset = self.panel.map_or(0, |(panel, _)| panel.offset);
        let mut arrays = Arrays::<F, P, Z> {
            state: self.state,
            low: self.low,
            size,
            columns: dim,
            length: rows,
            drift: inputs.map(|k| &self.drift[offset + k * block..]),
            drift_stride,
            normals: columns.map(|k| {
                let k = k + Z - M;
                &self.normals[k * size..(k + 1) * size]
            }),
            moves: true,
        };
        match self.source {
            Source::Shared(c) => {
                arrays.moves = c.moves_first_block();
                let number = |x: f64| Same(F::from_f64(x));
                let numbers = Numbers::<Same<F>, M, P, Z> {
                    propagator: std::array::from_fn(|r| {
                        std::array::from_fn(|k| number(c.propagator[r][k]))
                    }),
                    gain: std::array::from_fn(|r| inputs.map(|k| number(c.gain[r][k]))),
                    noise: std::array::from_fn(|r| columns.map(|k| number(c.noise[r][k]))),
                    crosses: c.noise[0][1] != 0.0,
                    columns,
                };
                arrays.alike::<M>(&numbers);
            }
            Source::ByRow(table) => arrays.row_by_row::<M>(table, inputs, columns),
            Source::ByIndex(table) => arrays.look_up::<M>(table, inputs, columns),
        }
    }
}
