//! Reads the matrices of a step: unit vectors for the state and the normals go in, and columns come
//! out.

use std::sync::Mutex;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::drift::{Batched, Times};
use crate::error::{Error, Result};
use crate::grid::Interval;
use crate::noise::{Address, Noise, Purpose, Scripted};
use crate::sampler::{CoinScript, Sampler, Step, Work};
use crate::state::State;

/// Relative error of a number that a few dozen operations made.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// A step that is affine differs from its matrices by no more than this, relative to their terms.
const AFFINE: f64 = 1e-9;

/// A number and a bound of its rounding error.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rounded {
    pub(super) value: f64,
    pub(super) error: f64,
}

/// X⁺ = (I + D) X + B z for one outcome of the coins. A single block leaves the rest zero.
#[derive(Clone, Debug)]
pub(super) struct Matrices {
    /// D, row by row.
    pub(super) change: [[Rounded; 2]; 2],
    /// The columns of B.
    pub(super) noise: Vec<[f64; 2]>,
}

/// The sampler on the drift b(x) = −k x, in one interval.
pub(super) struct Reader<'r> {
    pub(super) sampler: &'r dyn Sampler<f64>,
    pub(super) interval: Interval,
    pub(super) curvature: f64,
}

/// One normal that a step requests: its address and the coordinate.
type Normal = (Address, usize);

impl Reader<'_> {
    /// The matrices of every outcome in the list.
    pub(super) fn read(&self, scripts: &[CoinScript]) -> Result<Vec<Matrices>> {
        let blocks = self.sampler.layout().blocks();
        let normals = self.normals(scripts)?;
        // Behind the unit vectors comes a row that mixes them all.
        let inputs = blocks + normals.len();
        let rows = inputs + 1;
        let mut noise = Scripted::new();
        let mut state = self.zeros(scripts.len() * rows)?;
        for (i, script) in scripts.iter().enumerate() {
            for row in 0..rows {
                let chain = (i * rows + row) as u32;
                self.toss(&mut noise, chain, script);
                for input in 0..inputs {
                    let value = if row == inputs { share(input) } else { f64::from(row == input) };
                    match input.checked_sub(blocks) {
                        _ if value == 0.0 => {}
                        None => state.view_mut()[[chain as usize, input]] = value,
                        Some(normal) => {
                            let (address, coordinate) = normals[normal];
                            noise.normal(address, chain, coordinate, value);
                        }
                    }
                }
            }
        }
        self.advance(&noise, &mut state, 0.0)?;
        let shifts = self.shifts(scripts)?;
        let view = state.view();
        let column = |row: usize| [view[[row, 0]], if blocks == 2 { view[[row, 1]] } else { 0.0 }];
        let matrices = |i: usize| {
            let columns: Vec<[f64; 2]> = (i * rows..(i + 1) * rows).map(column).collect();
            affine(&columns)?;
            let change = change(&columns[..blocks], shifts[i]);
            Ok(Matrices { change, noise: columns[blocks..inputs].to_vec() })
        };
        (0..scripts.len()).map(matrices).collect()
    }

    /// Where a step from 0 leads if the target is centred at 1 instead. It is −D times the unit
    /// vector of the position, for a sampler that does not care where 0 is. Nothing cancels.
    fn shifts(&self, scripts: &[CoinScript]) -> Result<Vec<[f64; 2]>> {
        let mut noise = Scripted::new();
        let mut state = self.zeros(scripts.len())?;
        for (chain, script) in scripts.iter().enumerate() {
            self.toss(&mut noise, chain as u32, script);
        }
        self.advance(&noise, &mut state, 1.0)?;
        let blocks = self.sampler.layout().blocks();
        let view = state.view();
        let shift = |row| [view[[row, 0]], if blocks == 2 { view[[row, 1]] } else { 0.0 }];
        Ok((0..scripts.len()).map(shift).collect())
    }

    fn zeros(&self, rows: usize) -> Result<State<f64>> {
        State::zeros(0, rows, 1, self.sampler.layout())
    }

    /// Sets the coins of a chain.
    fn toss(&self, noise: &mut Scripted, chain: u32, script: &CoinScript) {
        for (index, coin) in script.uniforms.iter().enumerate() {
            let address = Address::new(self.interval.index, Purpose::Coin, index as u32);
            noise.uniform(address, chain, *coin);
        }
    }

    /// One step on the drift −k (x − centre) of the position, and −k m of a momentum that the drift
    /// reads.
    fn advance(&self, noise: &dyn Noise<f64>, state: &mut State<f64>, centre: f64) -> Result<()> {
        let curvature = self.curvature;
        let drift = Batched::any(
            move |_: Times<'_>, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>| {
                for (j, (x, mut b)) in x.columns().into_iter().zip(out.columns_mut()).enumerate() {
                    let centre = if j == 0 { centre } else { 0.0 };
                    b.zip_mut_with(&x, |b, x| *b = curvature * (centre - x));
                }
                Ok(())
            },
        );
        self.sampler.step(&mut Step::new(self.interval, &drift, noise, state, &mut Work::new()))
    }

    /// The normals that a step with any of these coins requests.
    fn normals(&self, scripts: &[CoinScript]) -> Result<Vec<Normal>> {
        let mut script = Scripted::new();
        for (chain, coins) in scripts.iter().enumerate() {
            self.toss(&mut script, chain as u32, coins);
        }
        let known = scripts.iter().map(|script| script.uniforms.len()).max().unwrap_or(0);
        let heard = Mutex::new(Heard::default());
        let listener = Listener { script: &script, step: self.interval.index, known, heard };
        self.advance(&listener, &mut self.zeros(scripts.len())?, 0.0)?;
        let heard = listener.heard.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        match heard.problem {
            Some(reason) => Err(Error::NotProbeable { reason }),
            None => Ok(heard.normals),
        }
    }
}

#[derive(Default)]
struct Heard {
    normals: Vec<Normal>,
    problem: Option<&'static str>,
}

/// Passes scripted coins on and records what else a step requests.
struct Listener<'a> {
    script: &'a Scripted,
    step: u32,
    /// Number of coins in the script.
    known: usize,
    heard: Mutex<Heard>,
}

impl Listener<'_> {
    fn hear(&self, address: Address, note: impl FnOnce(&mut Heard)) {
        let mut heard = self.heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if address.step() != self.step {
            heard.problem = Some(
                "it uses the noise of another step, so its steps are not independent; \
                 let it use the noise of its own step",
            );
        }
        note(&mut heard);
    }
}

impl Noise<f64> for Listener<'_> {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        out.fill(0.0);
        self.hear(address, |heard| {
            for coordinate in 0..out.len() / chains.len().max(1) {
                if !heard.normals.contains(&(address, coordinate)) {
                    heard.normals.push((address, coordinate));
                }
            }
        });
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        self.hear(address, |heard| {
            if address.purpose() != Purpose::Coin || address.index() as usize >= self.known {
                heard.problem = Some(
                    "it draws uniforms that its list of coins does not have; \
                     probe the samplers that it is made of",
                );
            }
        });
        Noise::<f64>::uniforms(self.script, address, chains, out);
    }
}

/// The share of an input in the row that mixes all of them. It is never 0.
fn share(input: usize) -> f64 {
    let size = 0.25 * (input % 5) as f64;
    if input.is_multiple_of(2) { 0.6 + size } else { 0.6 - size }
}

/// Checks that the last column is the sum of the others, each times its share in it.
fn affine(columns: &[[f64; 2]]) -> Result<()> {
    if columns.iter().flatten().any(|x| !x.is_finite()) {
        return Err(Error::NotProbeable {
            reason: "its step gives numbers that are not finite; \
                     check the constants of the dynamics and the step",
        });
    }
    let Some((sum, inputs)) = columns.split_last() else { return Ok(()) };
    for block in 0..2 {
        let terms = inputs.iter().enumerate().map(|(input, column)| share(input) * column[block]);
        let [expected, size] =
            terms.fold([0.0, 0.0], |[sum, size], term: f64| [sum + term, size + term.abs()]);
        if !((sum[block] - expected).abs() <= AFFINE * size) {
            return Err(Error::NotProbeable {
                reason: "its step is not linear in the state and the normals on a linear drift",
            });
        }
    }
    Ok(())
}

/// D from the columns of I + D, and from the shift, which has more digits.
fn change(columns: &[[f64; 2]], shift: [f64; 2]) -> [[Rounded; 2]; 2] {
    let mut change = [[Rounded::default(); 2]; 2];
    for (from, column) in columns.iter().enumerate() {
        for to in 0..2 {
            let identity = f64::from(to == from);
            let value = column[to] - identity;
            let error = ROUNDING * (identity + column[to].abs());
            change[to][from] = Rounded { value, error };
        }
    }
    let agrees = (0..2).all(|to| {
        let plain = change[to][0];
        (plain.value + shift[to]).abs() <= 10.0 * plain.error + AFFINE * shift[to].abs()
    });
    if agrees {
        for to in 0..2 {
            change[to][0] = Rounded { value: -shift[to], error: ROUNDING * shift[to].abs() };
        }
    }
    change
}
