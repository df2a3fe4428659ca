//! Numbers of a source of noise, and the addresses that the tests use.

use langevin::advanced::{Address, Noise, Purpose};
use langevin::prelude::*;

/// Seeds of all Monte-Carlo tests.
pub const SEEDS: [u64; 4] = [0, 1, 0xDEAD_BEEF, u64::MAX];

/// Every purpose with its pinned number.
pub const PURPOSES: [(Purpose, u32); 10] = [
    (Purpose::Increment, 0),
    (Purpose::Path, 1),
    (Purpose::Coin, 2),
    (Purpose::Momentum, 3),
    (Purpose::Start, 4),
    (Purpose::Target, 5),
    (Purpose::Accept, 6),
    (Purpose::Known, 7),
    (Purpose::Jump, 8),
    (Purpose::User, 255),
];

/// The largest index of a draw.
pub const LAST_INDEX: u32 = (1 << 24) - 1;

/// `dim` normals for every chain, column-major.
pub fn normals<F: Real>(
    noise: &dyn Noise<F>,
    address: Address,
    chains: &[u32],
    dim: usize,
) -> Vec<F> {
    let mut out = vec![F::from_f64(f64::NAN); chains.len() * dim];
    noise.normals(address, chains, &mut out);
    out
}

/// One uniform for every chain.
pub fn uniforms<F: Real>(noise: &dyn Noise<F>, address: Address, chains: &[u32]) -> Vec<f64> {
    let mut out = vec![f64::NAN; chains.len()];
    noise.uniforms(address, chains, &mut out);
    out
}

/// The chains 0, 1, …
pub fn first_chains(count: u32) -> Vec<u32> {
    (0..count).collect()
}

/// The standard normal distribution function, by libm and not by this crate.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// How many numbers fall into each of this many equal cells.
pub fn cells(uniforms: &[f64], count: usize) -> Vec<u32> {
    let mut cells = vec![0; count];
    uniforms.iter().for_each(|u| cells[((u * count as f64) as usize).min(count - 1)] += 1);
    cells
}
