//! The exact stationary covariance of a sampler on a Gaussian target. There is no simulation, no
//! seed and no tolerance window.
//!
//! The target is N(0, 1/k) with the drift b(x) = −k x. Once the coins of the method are fixed, a
//! step is affine in the state and the normals:
//!
//! ```text
//! X⁺ = M X + B z                       M, B depend on the coins
//! S  = E[ M S Mᵀ + B Bᵀ ]              the mean is over the coins
//! ```
//!
//! Unit vectors fed through a [`Scripted`] source give M and B. The coins are averaged exactly. The
//! stationary covariance S then solves a linear equation.
//!
//! The probe answers one question: how biased is this method at this step on a target of this
//! curvature? The answer is exact up to rounding errors of about 1e-16 divided by 1 − contraction.
//! So very short steps cost digits.
//!
//! ```
//! use langevin::{EulerMaruyama, Overdamped, probe};
//! let stationary = probe::stationary_covariance(&EulerMaruyama::new(Overdamped), 0.1, 1.0)?;
//! // ULA on N(0, 1) has the variance 1/(1 − h/2).
//! assert!((stationary.covariance[[0, 0]] - 1.0 / 0.95).abs() < 1e-14);
//! # Ok::<(), langevin::Error>(())
//! ```

use std::fmt;

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use crate::drift::{Batched, Times};
use crate::error::{Error, Result, positive};
use crate::grid::{Interval, TimeGrid};
use crate::noise::{Address, Noise, Purpose, Scripted};
use crate::sampler::{CoinScript, Sampler, Step, Work};
use crate::state::State;

/// The result of [`stationary_covariance`]. It prints itself as a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stationary {
    /// Covariance of the sampler's stationary distribution, (blocks, blocks), in the order
    /// position, momentum.
    pub covariance: Array2<f64>,
    /// Covariance of the target distribution, diag(1/k, u).
    pub target: Array2<f64>,
    /// Factor by which second moments approach the stationary ones per step. The closer to 1, the
    /// slower.
    pub contraction: f64,
}

impl fmt::Display for Stationary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stationary variance        exact             target     relative excess")?;
        let blocks = self.covariance.nrows();
        for (i, name) in ["position", "velocity"].iter().enumerate().take(blocks) {
            let exact = self.covariance[[i, i]];
            let target = self.target[[i, i]];
            let excess = exact / target - 1.0;
            write!(f, "\n  {name:<14} {exact:>18.15} {target:>18.15} {excess:>+15.6e}")?;
        }
        if blocks == 2 {
            let exact = self.covariance[[0, 1]];
            let target = self.target[[0, 1]];
            write!(f, "\n  {:<14} {exact:>18.15} {target:>18.15}", "covariance")?;
        }
        let factor = self.contraction;
        write!(f, "\n\nsecond moments approach it by a factor {factor:.6} per step")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Stationary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let rows = |matrix: &Array2<f64>| -> Vec<Vec<f64>> {
            matrix.outer_iter().map(|row| row.to_vec()).collect()
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("covariance", &rows(&self.covariance))?;
        map.serialize_entry("target", &rows(&self.target))?;
        map.serialize_entry("contraction", &self.contraction)?;
        map.end()
    }
}

/// The stationary covariance of a sampler with steps of length `step` on the target N(0,
/// 1/`curvature`).
///
/// # Errors
/// - [`Error::Invalid`] if step or curvature is not finite and positive.
/// - [`Error::Unstable`] if there is no stationary distribution.
/// - [`Error::NotProbeable`] if the coins of the method cannot be averaged exactly.
pub fn stationary_covariance(
    sampler: &dyn Sampler<f64>,
    step: f64,
    curvature: f64,
) -> Result<Stationary> {
    positive("curvature", curvature)?;
    let interval = TimeGrid::uniform(step, 1)?.interval(0);
    let blocks = sampler.layout().blocks();
    let mut mean = SecondMoments::default();
    // Scripts are probed in batches. The unit vectors of all scripts of a batch are its chains.
    for scripts in sampler.coin_scripts()?.chunks(256) {
        for (script, matrices) in
            scripts.iter().zip(read_matrices(sampler, interval, curvature, scripts)?)
        {
            mean.add(script.weight, &matrices, blocks);
        }
    }
    let mut target = Array2::zeros((blocks, blocks));
    target[[0, 0]] = 1.0 / curvature;
    if let Some(variance) = sampler.layout().momentum_variance() {
        target[[1, 1]] = variance;
    }
    let (covariance, contraction) = mean.solve(blocks)?;
    Ok(Stationary { covariance, target, contraction })
}

/// Columns of M (the state) or of B (the normals), each of `blocks` numbers.
type Columns = Vec<[f64; 2]>;

fn read_matrices(
    sampler: &dyn Sampler<f64>,
    interval: Interval,
    curvature: f64,
    scripts: &[CoinScript],
) -> Result<Vec<(Columns, Columns)>> {
    let layout = sampler.layout();
    let blocks = layout.blocks();
    let addresses = addresses(sampler, interval, curvature, scripts)?;
    let inputs = blocks + addresses.len() * blocks;
    let rows = scripts.len() * inputs;
    let mut noise = Scripted::new();
    let mut state = State::zeros(0, rows, 1, layout)?;
    for (i, script) in scripts.iter().enumerate() {
        for input in 0..inputs {
            let chain = (i * inputs + input) as u32;
            noise.coins(chain, &script.uniforms);
            if input < blocks {
                state.view_mut()[[chain as usize, input]] = 1.0;
            } else {
                let address = (input - blocks) / blocks;
                let block = (input - blocks) % blocks;
                noise.normal(addresses[address], chain, block, 1.0);
            }
        }
    }
    advance(sampler, interval, curvature, &noise, &mut state)?;
    let state = state.view();
    let column = |row: usize| [state[[row, 0]], if blocks == 2 { state[[row, 1]] } else { 0.0 }];
    let matrices = |i: usize| {
        let first = i * inputs;
        (
            (first..first + blocks).map(column).collect(),
            (first + blocks..first + inputs).map(column).collect(),
        )
    };
    Ok((0..scripts.len()).map(matrices).collect())
}

fn advance(
    sampler: &dyn Sampler<f64>,
    interval: Interval,
    curvature: f64,
    noise: &dyn Noise<f64>,
    state: &mut State<f64>,
) -> Result<()> {
    let drift =
        Batched::any(|_: Times<'_>, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>| {
            out.zip_mut_with(&x, |b, x| *b = -curvature * x);
            Ok(())
        });
    sampler.step(&mut Step::new(interval, &drift, noise, state, &mut Work::new()))?;
    Ok(())
}

/// Passes scripted coins on and records which normals a step requests.
struct Listener<'a> {
    script: &'a Scripted,
    heard: std::sync::Mutex<Vec<Address>>,
}

impl Noise<f64> for Listener<'_> {
    fn normals(&self, address: Address, _: &[u32], out: &mut [f64]) {
        out.fill(0.0);
        let mut heard = self.heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !heard.contains(&address) {
            heard.push(address);
        }
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        Noise::<f64>::uniforms(self.script, address, chains, out);
    }
}

/// The normals that a step with any of these coins requests.
fn addresses(
    sampler: &dyn Sampler<f64>,
    interval: Interval,
    curvature: f64,
    scripts: &[CoinScript],
) -> Result<Vec<Address>> {
    let mut script = Scripted::new();
    for (chain, coins) in scripts.iter().enumerate() {
        script.coins(chain as u32, &coins.uniforms);
    }
    let listener = Listener { script: &script, heard: std::sync::Mutex::new(Vec::new()) };
    let mut state = State::zeros(0, scripts.len(), 1, sampler.layout())?;
    advance(sampler, interval, curvature, &listener, &mut state)?;
    let heard = listener.heard.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    // Momenta are drawn before a run, not in a step.
    Ok(heard.into_iter().filter(|address| address.purpose() != Purpose::Momentum).collect())
}

/// The map from symmetric second moments (s₀₀, s₀₁, s₁₁) to those after a step, s⁺ = P s + q. It is
/// averaged over the coins.
#[derive(Default)]
struct SecondMoments {
    map: [[f64; 3]; 3],
    constant: [f64; 3],
}

const PAIRS: [(usize, usize); 3] = [(0, 0), (0, 1), (1, 1)];

impl SecondMoments {
    fn add(&mut self, weight: f64, (state, noise): &(Columns, Columns), blocks: usize) {
        for (to, (r, c)) in PAIRS.into_iter().enumerate() {
            for (from, (a, b)) in PAIRS.into_iter().enumerate() {
                if blocks == 2 || from == 0 {
                    // (M S Mᵀ)_rc contains S_ab once if a = b, and twice otherwise, as S_ab and
                    // S_ba.
                    let mut entry = state[a][r] * state[b][c];
                    if a != b {
                        entry += state[b][r] * state[a][c];
                    }
                    self.map[to][from] += weight * entry;
                }
            }
            self.constant[to] +=
                weight * noise.iter().map(|column| column[r] * column[c]).sum::<f64>();
        }
    }

    fn solve(&self, blocks: usize) -> Result<(Array2<f64>, f64)> {
        let size = if blocks == 2 { 3 } else { 1 };
        let growth = self.spectral_radius(size);
        // A deterministic word conserves some second moment. Its factor is 1 up to rounding.
        if !(growth < 1.0 - 1e-12) {
            return Err(Error::Unstable { growth });
        }
        // Gaussian elimination with pivoting on (I − P) s = q.
        let mut rows: Vec<[f64; 4]> = (0..size)
            .map(|i| {
                let entry = |j: usize| f64::from(i == j) - self.map[i][j];
                [entry(0), entry(1), entry(2), self.constant[i]]
            })
            .collect();
        for i in 0..size {
            let pivot = (i..size)
                .max_by(|a, b| rows[*a][i].abs().total_cmp(&rows[*b][i].abs()))
                .unwrap_or(i);
            rows.swap(i, pivot);
            for k in 0..size {
                if k != i {
                    let factor = rows[k][i] / rows[i][i];
                    let pivot_row = rows[i];
                    rows[k].iter_mut().zip(pivot_row).for_each(|(x, p)| *x -= factor * p);
                }
            }
        }
        let solution: Vec<f64> = (0..size).map(|i| rows[i][3] / rows[i][i]).collect();
        let covariance = if blocks == 2 {
            Array2::from_shape_fn((2, 2), |(i, j)| solution[i + j])
        } else {
            Array2::from_elem((1, 1), solution[0])
        };
        Ok((covariance, growth))
    }

    /// Repeated squaring with rescaling: the norm of P^(2^40) to the power of 2^−40.
    fn spectral_radius(&self, size: usize) -> f64 {
        let mut power = self.map;
        let mut log_scale = 0.0;
        const SQUARINGS: i32 = 40;
        for _ in 0..SQUARINGS {
            let mut square = [[0.0; 3]; 3];
            for i in 0..size {
                for j in 0..size {
                    square[i][j] = (0..size).map(|k| power[i][k] * power[k][j]).sum();
                }
            }
            let norm = square.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
            if norm == 0.0 {
                return 0.0;
            }
            if !norm.is_finite() {
                return f64::INFINITY;
            }
            square.iter_mut().flatten().for_each(|x| *x /= norm);
            power = square;
            log_scale = 2.0 * log_scale + libm::log(norm);
        }
        libm::exp(libm::ldexp(log_scale, -SQUARINGS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_print_as_a_table() {
        let covariance = ndarray::array![[1.5]];
        let target = ndarray::array![[1.0]];
        let found = Stationary { covariance, target, contraction: 0.25 };
        let lines = [
            "stationary variance        exact             target     relative excess",
            "  position        1.500000000000000  1.000000000000000    +5.000000e-1",
            "",
            "second moments approach it by a factor 0.250000 per step",
        ];
        assert_eq!(found.to_string(), lines.join("\n"));
    }
}
