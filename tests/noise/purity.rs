//! Noise is a pure function: a number does not depend on which others are drawn with it.

use langevin::advanced::{Address, Generator, Noise, Philox, Purpose};
use langevin::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::numbers::{SEEDS, normals, uniforms};
use crate::support::bits;

/// The numbers of a chain are the same alone and together with any other chains, in any order and
/// with any number of coordinates.
fn check_pure<F: Real>(noise: &dyn Noise<F>) {
    const DIM: usize = 7;
    let address = Address::new(41, Purpose::Path, 3);
    let mut all: Vec<u32> = (0..1000u32).map(|i| i.wrapping_mul(0x9E37_79B9) >> (i % 20)).collect();
    all[..4].copy_from_slice(&[0, u32::MAX, 17, 17]);
    let alone: Vec<Vec<u64>> =
        all.iter().map(|chain| bits(&normals(noise, address, &[*chain], DIM))).collect();
    let coins: Vec<u64> =
        all.iter().map(|chain| uniforms(noise, address, &[*chain])[0].to_bits()).collect();
    let mut orders: Vec<Vec<usize>> =
        [1, 2, 15, 16, 17, 31, 33, 1000].map(|length| (0..length).collect()).into();
    orders.push((983..1000).collect());
    orders.push((0..1000).rev().collect());
    orders.push((0..17).rev().collect());
    orders.push((0..1000).map(|i| i * 387 % 1000).collect());
    orders.push((0..1000).step_by(3).collect());
    for order in orders {
        let chains: Vec<u32> = order.iter().map(|i| all[*i]).collect();
        for dim in 1..=DIM {
            let found = bits(&normals(noise, address, &chains, dim));
            for (row, i) in order.iter().enumerate() {
                assert!(
                    (0..dim).all(|j| found[j * chains.len() + row] == alone[*i][j]),
                    "chain {}, dim {dim}",
                    all[*i]
                );
            }
        }
        let expected: Vec<u64> = order.iter().map(|i| coins[*i]).collect();
        assert_eq!(bits(&uniforms(noise, address, &chains)), expected);
    }
    noise.normals(address, &[], &mut []);
    noise.uniforms(address, &[], &mut []);
}

#[test]
fn numbers_do_not_depend_on_what_else_is_drawn() {
    for seed in SEEDS {
        check_pure::<f64>(&Philox::new(seed));
        check_pure::<f32>(&Philox::new(seed));
        check_pure::<f64>(&Generator::<ChaCha8Rng>::new(seed));
        check_pure::<f32>(&Generator::<ChaCha8Rng>::new(seed));
        check_pure::<f64>(&Generator::<Xoshiro256PlusPlus>::new(seed));
        check_pure::<f32>(&Generator::<Xoshiro256PlusPlus>::new(seed));
    }
}
