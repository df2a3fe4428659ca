//! Numbers as bytes and back, in their own precision, little-endian.

use crate::real::Real;

/// Adds the bytes of numbers.
pub(crate) fn bytes_of<'n, F: Real>(numbers: impl Iterator<Item = &'n F>, to: &mut Vec<u8>) {
    for x in numbers {
        match size_of::<F>() {
            4 => to.extend((x.widen() as f32).to_le_bytes()),
            _ => to.extend(x.widen().to_le_bytes()),
        }
    }
}

/// The numbers in bytes that [`bytes_of`] made.
pub(crate) fn numbers_in<F: Real>(bytes: &[u8]) -> Vec<F> {
    let single = |word: &[u8; 4]| F::from_f64(f64::from(f32::from_le_bytes(*word)));
    let double = |word: &[u8; 8]| F::from_f64(f64::from_le_bytes(*word));
    if size_of::<F>() == 4 {
        bytes.as_chunks().0.iter().map(single).collect()
    } else {
        bytes.as_chunks().0.iter().map(double).collect()
    }
}
