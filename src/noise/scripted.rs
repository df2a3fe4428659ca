//! Noise from a script: it reads the step of a sampler as matrices.

use std::collections::HashMap;

use super::{Address, Noise, Purpose};
use crate::real::Real;

/// Noise from a script. Normals are zero and uniforms are one half, unless the script sets them.
///
/// With a linear drift every step is affine in the state and the normals. So unit vectors fed
/// through this source give the matrices of a step exactly. [`probe`](crate::probe) and most tests
/// of this crate use it.
///
/// ```
/// use langevin::advanced::{Address, Noise, Purpose, Scripted};
/// let address = Address::new(0, Purpose::Increment, 0);
/// let mut script = Scripted::new();
/// script.normal(address, 3, 1, 1.0); // chain 3, coordinate 1
/// let mut z = [9.0f64; 4];
/// script.normals(address, &[2, 3], &mut z); // two chains, two coordinates, chains contiguous
/// assert_eq!(z, [0.0, 0.0, 0.0, 1.0]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    normals: HashMap<(Address, u32), Vec<(usize, f64)>>,
    uniforms: HashMap<(Address, u32), f64>,
}

impl Scripted {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the normal of a chain and a coordinate.
    pub fn normal(&mut self, address: Address, chain: u32, coordinate: usize, value: f64) {
        self.normals.entry((address, chain)).or_default().push((coordinate, value));
    }

    /// Sets the uniform of a chain.
    pub fn uniform(&mut self, address: Address, chain: u32, value: f64) {
        self.uniforms.insert((address, chain), value);
    }

    /// Sets the coins of step 0 of a chain. Entry i is the coin with index i.
    pub fn coins(&mut self, chain: u32, coins: &[f64]) {
        for (i, u) in coins.iter().enumerate() {
            self.uniform(Address::new(0, Purpose::Coin, i as u32), chain, *u);
        }
    }
}

impl<F: Real> Noise<F> for Scripted {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]) {
        out.fill(F::zero());
        let n = chains.len();
        for (i, chain) in chains.iter().enumerate() {
            for (coordinate, value) in self.normals.get(&(address, *chain)).into_iter().flatten() {
                let place = coordinate.checked_mul(n).and_then(|start| start.checked_add(i));
                if let Some(z) = place.and_then(|place| out.get_mut(place)) {
                    *z = F::from_f64(*value);
                }
            }
        }
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        for (chain, u) in chains.iter().zip(out) {
            *u = self.uniforms.get(&(address, *chain)).copied().unwrap_or(0.5);
        }
    }
}
