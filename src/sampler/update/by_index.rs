//! Coefficients that rows look up in a table, rounded to the precision of the state.

use super::coefficients::Coefficients;
use crate::real::Real;

/// A, G and C of one update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounded<F> {
    pub(super) propagator: [[F; 2]; 2],
    pub(super) gain: [[F; 2]; 2],
    pub(super) noise: [[F; 2]; 2],
}

impl<F: Real> Rounded<F> {
    pub(crate) fn new(c: &Coefficients) -> Self {
        let round = |block: &[[f64; 2]; 2]| block.map(|row| row.map(F::from_f64));
        Self { propagator: round(&c.propagator), gain: round(&c.gain), noise: round(&c.noise) }
    }
}

/// The coefficients of all rows: those of row i are `entries[index[i]]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indexed<'a, F> {
    pub entries: &'a [Rounded<F>],
    pub index: &'a [u32],
    /// The number of blocks that are updated.
    pub blocks: usize,
}
