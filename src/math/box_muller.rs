//! Pairs of standard normals from random bits over lanes [Box & Muller 1958], in both precisions.
//!
//! ```text
//! r = √(−2 ln u)    z₁ = r cos 2πt    z₂ = r sin 2πt
//! ```
//!
//! u is the middle of one of 2⁵² cells of (0, 1), from the first 64 bits of a block. t comes from
//! the next 64 bits. Both precisions take the same bits. So they see the same normals up to
//! rounding.

use super::elementary::{cos_sin_turns_f32, cos_sin_turns_f64, ln_f64, ln_from_parts, ln_parts};

/// Lanes of a call. They fill two AVX-512 registers or four AVX registers.
pub(crate) const LANES: usize = 16;

/// A source of random bits: one block of four words of 32 bits for each lane.
pub trait Words {
    /// The blocks of P lanes from lane `at`. The upper halves of the words are 0.
    fn part<const P: usize>(&self, at: usize) -> [[u64; P]; 4];
}

/// The upper 52 of 64 random bits as a number in the open interval (0, 1). The number is the middle
/// of one of 2^52 equal cells.
#[inline(always)]
pub(crate) fn open_unit(bits: u64) -> f64 {
    // Bits below the exponent of 1 give a number in [1, 2). The shift to the middle of the cell is
    // exact.
    f64::from_bits((bits >> 12) | 0x3FF0_0000_0000_0000) - (1.0 - 0.5 * f64::EPSILON)
}

/// Both normals of every lane. P lanes are computed at a time, all that the registers hold.
#[inline(always)]
pub(crate) fn double<const P: usize>(words: &impl Words) -> [[f64; LANES]; 2] {
    let [mut first, mut second] = [[0.0; LANES]; 2];
    for at in (0..LANES).step_by(P) {
        let [w0, w1, w2, w3] = words.part::<P>(at);
        for l in 0..P {
            let radius = (-2.0 * ln_f64(open_unit(w0[l] << 32 | w1[l]))).sqrt();
            // An angle may be anywhere in its cell, so the shift by half a cell is left out.
            let turns = f64::from_bits((w2[l] << 20 | w3[l] >> 12) | 0x3FF0_0000_0000_0000) - 1.0;
            let (cos, sin) = cos_sin_turns_f64(turns);
            first[at + l] = radius * cos;
            second[at + l] = radius * sin;
        }
    }
    [first, second]
}

/// The same in f32. Of an angle the first 32 bits are used. ln u is split in f64, where 1 − u and
/// small u keep all their digits.
#[inline(always)]
pub(crate) fn single<const P: usize>(words: &impl Words) -> [[f32; LANES]; 2] {
    let mut bits = [[0u64; LANES]; 3];
    for at in (0..LANES).step_by(P) {
        let part = words.part::<P>(at);
        for (all, part) in bits.iter_mut().zip(&part) {
            all[at..at + P].copy_from_slice(part);
        }
    }
    let [w0, w1, w2] = bits;
    let [mut fractions, mut exponents] = [[0f32; LANES]; 2];
    let mut angles = [0u32; LANES];
    for l in 0..LANES {
        let parts = ln_parts(open_unit(w0[l] << 32 | w1[l]));
        fractions[l] = parts.fraction as f32;
        exponents[l] = parts.exponent as f32;
        angles[l] = w2[l] as u32;
    }
    let [mut first, mut second] = [[0f32; LANES]; 2];
    for l in 0..LANES {
        let radius = (-2.0 * ln_from_parts(fractions[l], exponents[l])).sqrt();
        let (cos, sin) = cos_sin_turns_f32(angles[l]);
        first[l] = radius * cos;
        second[l] = radius * sin;
    }
    [first, second]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks that are given.
    struct Given([[u64; LANES]; 4]);

    impl Words for Given {
        fn part<const P: usize>(&self, at: usize) -> [[u64; P]; 4] {
            std::array::from_fn(|word| std::array::from_fn(|l| self.0[word][at + l]))
        }
    }

    fn normals(words: &Given) -> ([[f64; LANES]; 2], [[f32; LANES]; 2]) {
        (double::<8>(words), single::<8>(words))
    }

    #[test]
    fn single_precision_is_the_double_one_up_to_rounding() {
        let mut state = 1u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 32
        };
        let [mut worst, mut worst_radius] = [0.0f64; 2];
        for round in 0..20_000u64 {
            let mut words = Given(std::array::from_fn(|_| std::array::from_fn(|_| next())));
            // The ends of the interval of u, and angles near the axes and the diagonals.
            for l in 0..LANES {
                match (round + l as u64) % 8 {
                    0 => words.0[0][l] >>= 8 * (round % 5),
                    1 => words.0[0][l] |= (0xFFFF_FFFF << (8 * (round % 5))) & 0xFFFF_FFFF,
                    2 => words.0[0][l] = 0xFFFF_FFFF,
                    3 => words.0[0][l] = 0,
                    4 => words.0[2][l] = (words.0[2][l] & 0xE000_0000) | (round & 7),
                    _ => {}
                }
            }
            let (wide, narrow) = normals(&words);
            for l in 0..LANES {
                let radius = wide[0][l].hypot(wide[1][l]);
                let own = f64::from(narrow[0][l]).hypot(f64::from(narrow[1][l]));
                worst_radius = worst_radius.max((own - radius).abs() / radius);
                for i in 0..2 {
                    worst = worst.max((f64::from(narrow[i][l]) - wide[i][l]).abs() / radius);
                }
            }
        }
        // In units of 2⁻²⁴ = 6.0e-8, the largest error of one rounding: ln has 2.8 (1.2 from the
        // rounded fraction, which its slope enlarges, 0.6 from the polynomial, 1 from the last
        // sum), the root halves it and adds 1, a cosine has 1.2 and its product 1. Together 4.6.
        assert!(worst < 2.7e-7, "{worst:e}");
        assert!(worst_radius < 2.7e-7, "{worst_radius:e}");
    }

    #[test]
    fn the_ends_are_finite() {
        for words in [0u64, 0xFFFF_FFFF] {
            let (wide, narrow) = normals(&Given([[words; LANES]; 4]));
            let radius = wide[0][0].hypot(wide[1][0]);
            let own = f64::from(narrow[0][0]).hypot(f64::from(narrow[1][0]));
            assert!((own / radius - 1.0).abs() < 2e-7, "{own} {radius}");
        }
        // u is within 2⁻⁵³ of 0, and of 1.
        let (wide, _) = normals(&Given([[0; LANES]; 4]));
        assert!((wide[0][0] - 8.571_674_348_652_905).abs() < 1e-14, "{}", wide[0][0]);
        let (_, narrow) = normals(&Given([[0xFFFF_FFFF; LANES]; 4]));
        assert!((f64::from(narrow[0][0]) - 1.490_116_119_384_765_6e-8).abs() < 1e-14);
    }

    #[test]
    fn the_width_of_parts_changes_no_bit() {
        let words = Given(std::array::from_fn(|i| {
            std::array::from_fn(|l| (0x1234_5678 * (4 * l + i) as u64) & 0xFFFF_FFFF)
        }));
        assert_eq!(double::<8>(&words), double::<16>(&words));
        assert_eq!(single::<8>(&words), single::<16>(&words));
    }
}
