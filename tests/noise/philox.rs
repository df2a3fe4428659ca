//! Philox and its numbers against an independent implementation.

use langevin::advanced::{Address, Philox, philox4x32_10};

use crate::numbers::{LAST_INDEX, PURPOSES, SEEDS, first_chains, normals, uniforms};
use crate::support::bits;

/// Four words of the block with this counter, from `rand_philox`.
fn foreign_words(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let counter = counter.iter().rev().fold(0u128, |whole, word| whole << 32 | u128::from(*word));
    let mut generator = rand_philox::Philox::new(key, counter);
    std::array::from_fn(|_| generator.next_u32())
}

#[test]
fn philox_gives_the_known_answers() {
    // Random123 1.14, kat_vectors, philox4x32 10.
    let pi = ([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
    for (counter, key, answer) in [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (pi.0, pi.1, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
    ] {
        assert_eq!(philox4x32_10(counter, key), answer);
    }
}

#[test]
fn philox_is_the_one_of_rand_philox() {
    // Counters and keys with few bits, with many, and at the ends.
    let word =
        |i: u32| [0, u32::MAX, 1 << (i % 32), i, i.wrapping_mul(0x9E37_79B9)][i as usize % 5];
    for i in 0..200_000u32 {
        let counter = std::array::from_fn(|j| word(i.wrapping_add(i / 5 * j as u32)));
        let key = [word(i / 3), word(i / 7)];
        assert_eq!(philox4x32_10(counter, key), foreign_words(counter, key));
    }
    for seed in SEEDS {
        let key = rand_philox::splitmix64(seed);
        for (stream, block) in
            [(0, 0), (1, 7), (u64::MAX, u64::MAX), (0x0123_4567_89AB_CDEF, 1 << 40)]
        {
            let mut generator = rand_philox::Philox::from_u64_seed_stream(seed, stream);
            generator.seek(u128::from(stream) << 64 | u128::from(block));
            let counter =
                [block as u32, (block >> 32) as u32, stream as u32, (stream >> 32) as u32];
            for word in philox4x32_10(counter, [key as u32, (key >> 32) as u32]) {
                assert_eq!(word, generator.next_u32());
            }
        }
    }
}

/// Addresses that fill every field of the counter, up to its ends.
fn addresses() -> Vec<(u64, Address, u32)> {
    let mut addresses = Vec::new();
    for seed in SEEDS {
        for (purpose, number) in PURPOSES {
            assert_eq!(purpose as u32, number);
            for (step, index) in [(0, 0), (1, 0), (0, 1), (77, 3), (u32::MAX, LAST_INDEX)] {
                addresses.push((seed, Address::new(step, purpose, index), number << 24 | index));
            }
        }
    }
    addresses
}

#[test]
fn numbers_are_the_documented_function_of_the_address() {
    const TWO_52: f64 = (1u64 << 52) as f64;
    let chains: Vec<u32> = (0..37).chain([1 << 16, 1 << 31, u32::MAX]).collect();
    let dim = 11;
    let n = chains.len();
    let mut worst = 0.0f64;
    for (seed, address, tag) in addresses() {
        let noise = Philox::new(seed);
        let key = [seed as u32, (seed >> 32) as u32];
        let found = normals::<f64>(&noise, address, &chains, dim);
        let found_uniforms = uniforms::<f64>(&noise, address, &chains);
        for (i, chain) in chains.iter().enumerate() {
            for j in 0..dim {
                let [a, b, c, d] =
                    foreign_words([*chain, address.step(), j as u32 / 2, tag], key).map(u64::from);
                let open = (((a << 32 | b) >> 12) as f64 + 0.5) / TWO_52;
                let turns = ((c << 32 | d) >> 12) as f64 / TWO_52;
                let angle = std::f64::consts::TAU * turns;
                let expected =
                    (-2.0 * open.ln()).sqrt() * if j % 2 == 0 { angle.cos() } else { angle.sin() };
                worst = worst.max((found[j * n + i] - expected).abs());
            }
            // The uniform of a draw stands where no normal does.
            let [a, b, ..] =
                foreign_words([*chain, address.step(), u32::MAX, tag], key).map(u64::from);
            assert_eq!(found_uniforms[i], (((a << 32 | b) >> 12) as f64 + 0.5) / TWO_52);
        }
    }
    println!("largest distance from std's ln, cos and sin: {worst:.1e}");
    assert!(worst < 1e-14, "{worst:e}");
}

#[test]
fn normals_in_f32_are_those_in_f64_up_to_rounding() {
    let mut worst = 0.0f64;
    for (seed, address, _) in addresses() {
        for (chains, dim) in [(first_chains(1000), 3), (vec![u32::MAX - 1, 5, 0], 8)] {
            let n = chains.len();
            // Whole pairs, for their lengths.
            let whole = dim + dim % 2;
            let wide = normals::<f64>(&Philox::new(seed), address, &chains, whole);
            let narrow = normals::<f32>(&Philox::new(seed), address, &chains, dim);
            for (at, z) in narrow.iter().enumerate() {
                let first = at / (2 * n) * 2 * n + at % n;
                let length = wide[first].hypot(wide[first + n]);
                worst = worst.max((f64::from(*z) - wide[at]).abs() / length);
            }
            let [u, v] = [
                uniforms::<f64>(&Philox::new(seed), address, &chains),
                uniforms::<f32>(&Philox::new(seed), address, &chains),
            ];
            assert_eq!(bits(&u), bits(&v));
        }
    }
    // The bound of Philox: 4.6 roundings of 2⁻²⁴ at most.
    assert!(worst < 2.7e-7, "{worst:e}");
}
