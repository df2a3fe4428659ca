//! Philox4x32-10, the counter-based generator behind all noise. Normals and uniforms are made from
//! its bits over lanes of chains.
//!
//! Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". It matches the
//! Random123 known answers.

use super::{Address, Noise};
use crate::math::box_muller::{LANES, Words, open_unit};
use crate::math::simd::{self, Kernel};
use crate::real::Real;

const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;
/// The coordinate pair of uniforms. No normal has it, so a draw may request both.
pub(super) const UNIFORM: u32 = u32::MAX;

/// One block of the Philox4x32-10 bijection: 128 random bits from a counter and a key.
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let lanes = blocks(counter.map(|c| [u64::from(c)]), key);
    lanes.map(|[word]| word as u32)
}

/// Ten rounds over W counters at once. A word of a counter is the lower half of a u64 lane.
#[inline(always)]
pub(super) fn blocks<const W: usize>(counter: [[u64; W]; 4], key: [u32; 2]) -> [[u64; W]; 4] {
    const LOW: u64 = 0xFFFF_FFFF;
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let mut key = key;
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        for l in 0..W {
            // Only the lower 32 bits of a lane enter a product, so the bits above them do no harm.
            let p0 = (c0[l] & LOW) * MULTIPLIERS[0];
            let p1 = (c2[l] & LOW) * MULTIPLIERS[1];
            c0[l] = (p1 >> 32) ^ c1[l] ^ u64::from(key[0]);
            c2[l] = (p0 >> 32) ^ c3[l] ^ u64::from(key[1]);
            c1[l] = p1;
            c3[l] = p0;
        }
    }
    for word in [&mut c0, &mut c1, &mut c2, &mut c3] {
        word.iter_mut().for_each(|w| *w &= LOW);
    }
    [c0, c1, c2, c3]
}

/// The default noise: Philox4x32-10 with the seed as key and the address as counter.
///
/// ```text
/// key     = seed (64 bits)
/// counter = (chain, step, coordinate pair, purpose · 2²⁴ + index)
/// normals = Box–Muller: one block gives two coordinates,
///           64 bits for a radius and 64 bits for an angle
/// uniform = the first 64 bits of the block of coordinate pair 2³² − 1
/// ```
///
/// Normals in `f32` are computed in f32 from the same bits. So both precisions see the same noise,
/// up to an error of 2.7e-7 of the length of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// Noise with this seed. Every seed is as good as any other, including 0.
    pub fn new(seed: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32] }
    }
}

pub(super) fn tag(address: Address) -> u32 {
    ((address.purpose as u32) << 24) | (address.index)
}

impl<F: Real> Noise<F> for Philox {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]) {
        simd::dispatch_simd(Fill {
            key: self.key,
            step: address.step,
            tag: tag(address),
            chains,
            out,
        });
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        simd::dispatch(FillUniform {
            key: self.key,
            step: address.step,
            tag: tag(address),
            chains,
            out,
        });
    }
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

/// Fills a slice with one uniform for each chain. [`Philox`] describes the counter.
struct FillUniform<'a> {
    key: [u32; 2],
    step: u32,
    tag: u32,
    chains: &'a [u32],
    out: &'a mut [f64],
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

/// Fills a column-major array with normals. [`Philox`] describes the counter.
struct Fill<'a, F> {
    key: [u32; 2],
    step: u32,
    tag: u32,
    chains: &'a [u32],
    out: &'a mut [F],
}

impl<F: Real> pulp::WithSimd for Fill<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        // Four words of P lanes and what their rounds need must fit into 16 registers of AVX2, or
        // 32 of AVX-512.
        if S::F64_LANES > 4 { self.fill::<LANES>() } else { self.fill::<8>() }
    }
}

/// The blocks of the chains of all lanes for one pair of coordinates.
struct Counters {
    key: [u32; 2],
    chains: [u64; LANES],
    step: u32,
    pair: u32,
    tag: u32,
}

impl Words for Counters {
    #[inline(always)]
    fn part<const P: usize>(&self, at: usize) -> [[u64; P]; 4] {
        let mut chains = [0; P];
        chains.copy_from_slice(&self.chains[at..at + P]);
        let [step, pair, tag] = [self.step, self.pair, self.tag].map(|word| [u64::from(word); P]);
        blocks([chains, step, pair, tag], self.key)
    }
}

impl<F: Real> Fill<'_, F> {
    #[inline(always)]
    fn fill<const P: usize>(self) {
        let n = self.chains.len();
        if n == 0 {
            return;
        }
        let Self { key, step, tag, .. } = self;
        for (pair, columns) in self.out.chunks_mut(2 * n).enumerate() {
            let (even, odd) = columns.split_at_mut(n);
            for start in (0..n).step_by(LANES) {
                let count = LANES.min(n - start);
                let chains = load(&self.chains[start..start + count]);
                let counters = Counters { key, chains, step, pair: pair as u32, tag };
                let [first, second] = F::normal_pairs::<P>(&counters);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random123_known_answers() {
        let pi = ([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        for (counter, key, answer) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi.0, pi.1, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ] {
            assert_eq!(philox4x32_10(counter, key), answer);
        }
    }
}
