//! Numbers as bytes and back, in their own precision, little-endian.

use crate::real::Real;

/// Writes a number as its bytes, little-endian. `to` has four or eight.
pub(crate) fn put<F: Real>(number: F, to: &mut [u8]) {
    match to.len() {
        4 => to.copy_from_slice(&(number.widen() as f32).to_le_bytes()),
        _ => to.copy_from_slice(&number.widen().to_le_bytes()),
    }
}

/// Reads what [`put`] wrote.
pub(crate) fn taken<F: Real>(from: &[u8]) -> F {
    match (from.first_chunk::<8>(), from.first_chunk::<4>()) {
        (Some(bytes), _) if from.len() == 8 => F::from_f64(f64::from_le_bytes(*bytes)),
        (_, Some(bytes)) => F::from_f64(f64::from(f32::from_le_bytes(*bytes))),
        _ => F::from_f64(f64::NAN),
    }
}

/// Adds the bytes of numbers.
pub(crate) fn bytes_of<'n, F: Real>(numbers: impl Iterator<Item = &'n F>, to: &mut Vec<u8>) {
    let mut word = [0; 8];
    let word = &mut word[..size_of::<F>()];
    for x in numbers {
        put(*x, word);
        to.extend_from_slice(word);
    }
}

/// The numbers in bytes that [`bytes_of`] made.
pub(crate) fn numbers_in<F: Real>(bytes: &[u8]) -> Vec<F> {
    bytes.chunks_exact(size_of::<F>()).map(taken).collect()
}
