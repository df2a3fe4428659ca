//! Scripted noise that reads a step as an affine map: coins by their index, and unit vectors as
//! normals.

use std::sync::Mutex;

use crate::noise::{Address, Noise, Purpose};
use crate::sampler::CoinScript;

/// The normals of a block that a step draws at an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Input {
    pub address: Address,
    pub block: usize,
}

/// Coins by their index, and unit vectors as normals. It keeps what a step draws.
pub(super) struct Script<'s> {
    scripts: &'s [CoinScript],
    dim: usize,
    /// Probes of a script: some without normals, one for each input, and others without normals.
    first_input: usize,
    inputs: &'s [Input],
    others: usize,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    inputs: Vec<Input>,
    /// Whether a coin was drawn that the script does not have.
    unknown_coin: bool,
}

impl<'s> Script<'s> {
    /// `first_input` probes without normals, and one for each of these inputs.
    pub fn new(
        scripts: &'s [CoinScript],
        dim: usize,
        first_input: usize,
        inputs: &'s [Input],
    ) -> Self {
        Self { scripts, dim, first_input, inputs, others: 0, heard: Mutex::default() }
    }

    /// The same with more probes without normals, after those of the inputs.
    pub fn with_others(self, others: usize) -> Self {
        Self { others, ..self }
    }

    /// The probes of a script.
    pub fn probes(&self) -> usize {
        self.first_input + self.inputs.len() + self.others
    }

    /// The normals that were drawn, or `None` if a coin was drawn that the script does not have.
    pub fn into_inputs(self) -> Option<Vec<Input>> {
        let heard = self.heard.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        (!heard.unknown_coin).then_some(heard.inputs)
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        // A panic in another thread leaves nothing half done here.
        self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Noise<f64> for Script<'_> {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        out.fill(0.0);
        let rows = chains.len();
        let blocks = out.len() / rows / self.dim;
        let mut heard = self.heard();
        for input in (0..blocks).map(|block| Input { address, block }) {
            if !heard.inputs.contains(&input) {
                heard.inputs.push(input);
            }
        }
        drop(heard);
        for (i, chain) in chains.iter().enumerate() {
            let probe = *chain as usize % self.probes();
            let at = probe.checked_sub(self.first_input);
            let Some(input) = at.and_then(|at| self.inputs.get(at)) else {
                continue;
            };
            if input.address == address {
                let from = input.block * self.dim;
                (from..from + self.dim).for_each(|column| out[column * rows + i] = 1.0);
            }
        }
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        for (chain, u) in chains.iter().zip(out) {
            let script = &self.scripts[*chain as usize / self.probes()];
            let coin = script.uniforms.get(address.index() as usize);
            if coin.is_none() || address.purpose() != Purpose::Coin {
                self.heard().unknown_coin = true;
            }
            *u = coin.copied().unwrap_or(0.5);
        }
    }
}
