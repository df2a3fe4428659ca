//! Standard normals from random bits: Box–Muller over lanes of chains.

use super::philox::{UNIFORM, blocks};
use crate::math::elementary::{cos_sin_turns_f64, ln_f64};
use crate::math::simd::Kernel;
use crate::real::Real;

/// Chains worked on together: two AVX-512 registers, four AVX ones.
const LANES: usize = 16;

/// The upper 52 of 64 random bits as a number in the open interval (0, 1): the middle of one of
/// 2^52 equal cells.
#[inline(always)]
pub(super) fn open_unit(bits: u64) -> f64 {
    // Bits below the exponent of 1 give a number in [1, 2); the shift to the middle of the cell is
    // exact.
    f64::from_bits((bits >> 12) | 0x3FF0_0000_0000_0000) - (1.0 - 0.5 * f64::EPSILON)
}

/// The numbers of up to LANES chains.
#[inline(always)]
fn load(chains: &[u32]) -> [u64; LANES] {
    let mut ids = [0u64; LANES];
    for (id, chain) in ids.iter_mut().zip(chains) {
        *id = u64::from(*chain);
    }
    ids
}

/// Fills a slice with one uniform for each chain; see [`Philox`](super::Philox) for the counter.
pub(super) struct FillUniform<'a> {
    pub key: [u32; 2],
    pub step: u32,
    pub tag: u32,
    pub chains: &'a [u32],
    pub out: &'a mut [f64],
}

impl Kernel for FillUniform<'_> {
    #[inline(always)]
    fn run(self) {
        for (chains, out) in self.chains.chunks(LANES).zip(self.out.chunks_mut(LANES)) {
            let fixed = [self.step, UNIFORM, self.tag].map(|word| [u64::from(word); LANES]);
            let [w0, w1, _, _] = blocks([load(chains), fixed[0], fixed[1], fixed[2]], self.key);
            let mut numbers = [0.0; LANES];
            for l in 0..LANES {
                numbers[l] = open_unit(w0[l] << 32 | w1[l]);
            }
            out.copy_from_slice(&numbers[..out.len()]);
        }
    }
}

/// Fills a column-major array with normals; see [`Philox`](super::Philox) for the counter.
pub(super) struct Fill<'a, F> {
    pub key: [u32; 2],
    pub step: u32,
    pub tag: u32,
    pub chains: &'a [u32],
    pub out: &'a mut [F],
}

impl<F: Real> Kernel for Fill<'_, F> {
    #[inline(always)]
    fn run(self) {
        let n = self.chains.len();
        if n == 0 {
            return;
        }
        for (pair, columns) in self.out.chunks_mut(2 * n).enumerate() {
            let (even, odd) = columns.split_at_mut(n);
            for start in (0..n).step_by(LANES) {
                let count = LANES.min(n - start);
                let ids = load(&self.chains[start..start + count]);
                let counter = [
                    ids,
                    [u64::from(self.step); LANES],
                    [pair as u64; LANES],
                    [u64::from(self.tag); LANES],
                ];
                let [w0, w1, w2, w3] = blocks(counter, self.key);
                let (mut first, mut second) = ([F::zero(); LANES], [F::zero(); LANES]);
                for l in 0..LANES {
                    let radius = (-2.0 * ln_f64(open_unit(w0[l] << 32 | w1[l]))).sqrt();
                    // An angle anywhere in its cell will do, so the half is left out: [0, 1).
                    let turns =
                        f64::from_bits((w2[l] << 20 | w3[l] >> 12) | 0x3FF0_0000_0000_0000) - 1.0;
                    let (cos, sin) = cos_sin_turns_f64(turns);
                    first[l] = F::from_f64(radius * cos);
                    second[l] = F::from_f64(radius * sin);
                }
                if count == LANES {
                    even[start..start + LANES].copy_from_slice(&first);
                    if !odd.is_empty() {
                        odd[start..start + LANES].copy_from_slice(&second);
                    }
                } else {
                    even[start..].copy_from_slice(&first[..count]);
                    if !odd.is_empty() {
                        odd[start..].copy_from_slice(&second[..count]);
                    }
                }
            }
        }
    }
}
