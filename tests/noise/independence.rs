//! Numbers of neighbouring addresses: uncorrelated, and never the same.

use langevin::advanced::{Address, Philox, Purpose};

use crate::checks::{Checks, check_uncorrelated, correlation_p, uniform_correlation_p};
use crate::numbers::{LAST_INDEX, PURPOSES, SEEDS, first_chains, normals, uniforms};

/// Pairs of neighbouring addresses: they differ in the step, the index or the purpose.
fn neighbouring_addresses() -> Vec<(&'static str, Address, Address)> {
    let at = Address::new;
    let mut pairs = vec![
        ("steps 0, 1", at(0, Purpose::Path, 2), at(1, Purpose::Path, 2)),
        ("steps 7, 8", at(7, Purpose::Path, 2), at(8, Purpose::Path, 2)),
        ("indices 0, 1", at(7, Purpose::Path, 0), at(7, Purpose::Path, 1)),
        ("the last index and the first", at(7, Purpose::Path, LAST_INDEX), at(7, Purpose::Path, 0)),
        (
            "the last index and the next purpose",
            at(7, Purpose::Path, LAST_INDEX),
            at(7, Purpose::Coin, 0),
        ),
    ];
    for purposes in PURPOSES.windows(2) {
        pairs.push(("purposes", at(7, purposes[0].0, 0), at(7, purposes[1].0, 0)));
    }
    pairs
}

/// Adjacent chains: those that differ in one bit, and those that carry.
fn neighbouring_chains(count: u32) -> [(&'static str, Vec<u32>, Vec<u32>); 2] {
    let every_second = |first: u32| (0..count).map(|i| 2 * i + first).collect();
    [
        ("chains 2i, 2i + 1", every_second(0), every_second(1)),
        ("chains 2i + 1, 2i + 2", every_second(1), every_second(2)),
    ]
}

/// Pairs of seeds that differ in little.
fn neighbouring_seeds() -> Vec<[u64; 2]> {
    let mut pairs = vec![[0, 1], [u64::MAX - 1, u64::MAX]];
    for bit in [31, 32, 63] {
        pairs.extend([0, 0xDEAD_BEEF, u64::MAX].map(|seed| [seed, seed ^ 1 << bit]));
    }
    pairs.push([0xDEAD_BEEF, 0xDEAD_BEEF << 32]);
    pairs
}

#[test]
fn normals_of_neighbouring_streams_are_uncorrelated() {
    // A million numbers of either stream: 65536 chains with 16 coordinates.
    let chains = first_chains(1 << 16);
    let dim = 16;
    let mut checks = Checks::default();
    for seed in SEEDS {
        let noise = Philox::new(seed);
        for (what, one, other) in neighbouring_addresses() {
            let [a, b] = [one, other].map(|address| normals::<f64>(&noise, address, &chains, dim));
            check_uncorrelated(&mut checks, what, &a, &b);
        }
        let home = Address::new(7, Purpose::Path, 2);
        for (what, one, other) in neighbouring_chains(1 << 16) {
            let [a, b] = [one, other].map(|chains| normals::<f64>(&noise, home, &chains, dim));
            check_uncorrelated(&mut checks, what, &a, &b);
        }
        // Across pairs. `radius_and_angle_are_independent` tests within a pair.
        let columns = normals::<f64>(&noise, home, &chains, 2 * dim);
        let pick = |first: usize| -> Vec<f64> {
            columns
                .chunks(chains.len())
                .skip(first)
                .step_by(2)
                .take(dim - 1)
                .flatten()
                .copied()
                .collect()
        };
        check_uncorrelated(&mut checks, "coordinates 2j + 1, 2j + 2", &pick(1), &pick(2));
    }
    checks.finish(136);
}

#[test]
fn normals_of_neighbouring_seeds_are_uncorrelated() {
    let chains = first_chains(1 << 16);
    let address = Address::new(7, Purpose::Path, 2);
    let mut checks = Checks::default();
    for seeds in neighbouring_seeds() {
        let [a, b] = seeds.map(|seed| normals::<f64>(&Philox::new(seed), address, &chains, 16));
        check_uncorrelated(&mut checks, &format!("seeds {seeds:x?}"), &a, &b);
    }
    checks.finish(24);
}

#[test]
fn uniforms_of_neighbouring_streams_are_uncorrelated() {
    let chains = first_chains(1 << 20);
    let mut checks = Checks::default();
    for seed in SEEDS {
        let noise = Philox::new(seed);
        for (what, one, other) in neighbouring_addresses().into_iter().take(5) {
            let [u, v] = [one, other].map(|address| uniforms::<f64>(&noise, address, &chains));
            checks.accept(what, uniform_correlation_p(&u, &v));
        }
        let coin = Address::new(7, Purpose::Coin, 0);
        for (what, one, other) in neighbouring_chains(1 << 20) {
            let [u, v] = [one, other].map(|chains| uniforms::<f64>(&noise, coin, &chains));
            checks.accept(what, uniform_correlation_p(&u, &v));
        }
        // The coins of a step against the normals it uses: given the coins, exactly normal again.
        let centred: Vec<f64> =
            uniforms::<f64>(&noise, coin, &chains).iter().map(|u| u - 0.5).collect();
        for purpose in [Purpose::Path, Purpose::Increment] {
            let z = normals::<f64>(&noise, Address::new(7, purpose, 0), &chains, 1);
            checks.accept("coins and normals", correlation_p(&centred, &z));
        }
    }
    for seeds in neighbouring_seeds() {
        let [u, v] = seeds.map(|seed| {
            uniforms::<f64>(&Philox::new(seed), Address::new(7, Purpose::Coin, 0), &chains)
        });
        checks.accept(&format!("seeds {seeds:x?}"), uniform_correlation_p(&u, &v));
    }
    checks.finish(48);
}

#[test]
fn different_addresses_give_different_numbers() {
    // Two normals come from one block, of which 104 bits count. Two blocks agree in them with
    // probability 2⁻¹⁰⁴, and in the rounded normals a few times as often. 1.25 million have 8e11
    // couples, so a right library fails with probability 4e-20 times a few.
    let chains: Vec<u32> = (0..124).chain([u32::MAX]).collect();
    let n = chains.len();
    let pairs = 10;
    let mut found = Vec::new();
    for seed in [0, 1, 2, 1 << 32, u64::MAX] {
        for step in [0, 1, 2, 3, u32::MAX] {
            for (purpose, _) in PURPOSES {
                for index in [0, 1, 2, LAST_INDEX] {
                    let z = normals::<f64>(
                        &Philox::new(seed),
                        Address::new(step, purpose, index),
                        &chains,
                        2 * pairs,
                    );
                    for pair in z.chunks(2 * n) {
                        let both = pair[..n].iter().zip(&pair[n..]);
                        found.extend(
                            both.map(|(x, y)| {
                                u128::from(x.to_bits()) << 64 | u128::from(y.to_bits())
                            }),
                        );
                    }
                }
            }
        }
    }
    assert_eq!(found.len(), 1_250_000);
    found.sort_unstable();
    assert!(found.windows(2).all(|two| two[0] != two[1]));
}
