//! One step on a linear drift, read off as an affine map with scripted noise.

use std::sync::Mutex;

use langevin::advanced::{Address, CoinScript, Interval, Noise, Purpose, State, Step, Work};
use langevin::prelude::*;

use super::matrix::{Matrix, ZERO, carried, near, plus, scale};

/// A step as an affine map, X⁺ = M X + Σ c z over all its normals z.
#[derive(Clone, Debug)]
pub struct Affine {
    /// M, over the updated blocks.
    pub map: Matrix,
    /// The column c of every normal.
    pub columns: Vec<[f64; 2]>,
}

impl Affine {
    /// The covariance of the noise of the step, Σ c cᵀ.
    pub fn covariance(&self) -> Matrix {
        let outer = |c: &[f64; 2]| [[c[0] * c[0], c[0] * c[1]], [c[1] * c[0], c[1] * c[1]]];
        self.columns.iter().fold(ZERO, |sum, c| plus(&sum, &outer(c)))
    }

    /// Fails unless map and covariance are these, to 1e-12 of their largest entries.
    pub fn check(&self, name: &str, map: &Matrix, covariance: &Matrix) {
        let found = self.covariance();
        assert!(near(&self.map, map, 1e-12), "{name}: map {:?}, by hand {map:?}", self.map);
        assert!(near(&found, covariance, 1e-12), "{name}: {found:?}, by hand {covariance:?}");
    }
}

/// Coins by their index, the same at every step, and unit vectors as normals. Keeps the addresses
/// of the normals that a step draws.
struct Script<'s> {
    scripts: &'s [CoinScript],
    blocks: u32,
    inputs: Vec<(Address, usize)>,
    heard: Mutex<Vec<(Address, usize)>>,
}

impl Script<'_> {
    /// Rows of a script: one for each block of the state, and one for each normal.
    fn rows(&self) -> u32 {
        self.blocks + self.inputs.len() as u32
    }
}

impl Noise<f64> for Script<'_> {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        out.fill(0.0);
        let mut heard = self.heard.lock().unwrap();
        for coordinate in 0..out.len() / chains.len() {
            if !heard.contains(&(address, coordinate)) {
                heard.push((address, coordinate));
            }
            for (i, chain) in chains.iter().enumerate() {
                let row = chain % self.rows();
                if row >= self.blocks
                    && self.inputs[(row - self.blocks) as usize] == (address, coordinate)
                {
                    out[coordinate * chains.len() + i] = 1.0;
                }
            }
        }
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        assert_eq!(address.purpose(), Purpose::Coin);
        for (chain, u) in chains.iter().zip(out) {
            let script = &self.scripts[(chain / self.rows()) as usize];
            *u = script.uniforms[address.index() as usize];
        }
    }
}

/// The affine map of a step in one dimension, for each of these ways that its coins can fall.
pub fn read_all(
    sampler: &dyn Sampler<f64>,
    interval: Interval,
    drift: &dyn Drift<f64>,
    scripts: &[CoinScript],
) -> Vec<Affine> {
    let layout = sampler.layout();
    let blocks = layout.blocks() as u32;
    let mut script = Script { scripts, blocks, inputs: Vec::new(), heard: Mutex::default() };
    let advance = |script: &Script<'_>| {
        let rows = scripts.len() as u32 * script.rows();
        let mut state = State::zeros(0, rows as usize, 1, layout).unwrap();
        for row in 0..rows {
            let block = row % script.rows();
            if block < blocks {
                state.view_mut()[[row as usize, block as usize]] = 1.0;
            }
        }
        let mut work = Work::new();
        sampler.step(&mut Step::new(interval, drift, script, &mut state, &mut work)).unwrap();
        state
    };
    advance(&script);
    script.inputs = std::mem::take(&mut *script.heard.lock().unwrap());
    let state = advance(&script);
    let second = |row: usize| if blocks == 2 { state.view()[[row, 1]] } else { 0.0 };
    let column = |row: usize| [state.view()[[row, 0]], second(row)];
    let rows = script.rows() as usize;
    let affine = |i: usize| {
        let all: Vec<[f64; 2]> = (i * rows..(i + 1) * rows).map(column).collect();
        let (state, noise) = all.split_at(blocks as usize);
        let map = |r: usize, c: usize| state.get(c).map_or(0.0, |column| column[r]);
        Affine { map: [[map(0, 0), map(0, 1)], [map(1, 0), map(1, 1)]], columns: noise.to_vec() }
    };
    (0..scripts.len()).map(affine).collect()
}

/// The affine map of a step with these coins.
pub fn read(
    sampler: &dyn Sampler<f64>,
    interval: Interval,
    drift: &dyn Drift<f64>,
    coins: &[f64],
) -> Affine {
    let script = CoinScript { weight: 1.0, uniforms: coins.to_vec() };
    read_all(sampler, interval, drift, &[script]).remove(0)
}

/// The covariance after a step, averaged over the coins: E[ M S Mᵀ + Σ c cᵀ ].
pub fn after(
    sampler: &dyn Sampler<f64>,
    interval: Interval,
    drift: &dyn Drift<f64>,
    scripts: &[CoinScript],
    covariance: &Matrix,
) -> Matrix {
    let maps = read_all(sampler, interval, drift, scripts);
    scripts.iter().zip(&maps).fold(ZERO, |sum, (script, affine)| {
        let own = plus(&carried(&affine.map, covariance), &affine.covariance());
        plus(&sum, &scale(&own, script.weight))
    })
}

/// The drift −k(t) x.
pub fn linear(k: impl Fn(f64) -> f64 + Send + Sync) -> impl Drift<f64> {
    Batched::any(move |times: Times<'_>, x, mut out| {
        for (i, (x, mut out)) in x.rows().into_iter().zip(out.rows_mut()).enumerate() {
            out.zip_mut_with(&x, |b, x: &f64| *b = -k(times.at(i)) * x);
        }
        Ok(())
    })
}

/// The drift K(t) (x, m) on position and momentum together, in one dimension.
pub fn joint(k: impl Fn(f64) -> Matrix + Send + Sync) -> impl Drift<f64> {
    Batched::new(2, move |times: Times<'_>, z, mut out| {
        for (i, (z, mut out)) in z.rows().into_iter().zip(out.rows_mut()).enumerate() {
            let z: [f64; 2] = [z[0], z[1]];
            let k = k(times.at(i));
            out[0] = k[0][0] * z[0] + k[0][1] * z[1];
            out[1] = k[1][0] * z[0] + k[1][1] * z[1];
        }
        Ok(())
    })
}
