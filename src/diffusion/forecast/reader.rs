//! Means and covariances of a state step by step: the matrices of a step are read off the sampler.

use super::spectrum::Spectrum;
use crate::diffusion::script::{Input, Script};
use crate::drift::Drift;
use crate::error::{Error, Result};
use crate::grid::Interval;
use crate::sampler::{CoinScript, Sampler, Step, Work};
use crate::state::State;

/// Numbers in a batch of probes.
const MOST_NUMBERS: usize = 1 << 21;

/// The distribution of a state, in every coordinate by itself.
pub(super) struct Reader<'a> {
    sampler: &'a dyn Sampler<f64>,
    drift: &'a dyn Drift<f64>,
    dim: usize,
    /// The number of blocks B of the state.
    blocks: usize,
    /// Means, (B, dim).
    mean: Vec<f64>,
    /// Covariances of the blocks, (B, B, dim).
    covariance: Vec<f64>,
    is_stochastic: bool,
    work: Work<f64>,
}

/// The first two moments after a step, summed over the coins.
struct Sums {
    /// Weights times means of each script, kept to centre them afterwards, (scripts, B, dim).
    means: Vec<f64>,
    weights: Vec<f64>,
    covariance: Vec<f64>,
}

impl<'a> Reader<'a> {
    /// Positions with these means and variances, and momenta from their prior.
    pub(super) fn new(
        sampler: &'a dyn Sampler<f64>,
        drift: &'a dyn Drift<f64>,
        start: &Spectrum,
    ) -> Self {
        let dim = start.len();
        let layout = sampler.layout();
        let blocks = layout.columns(1);
        let mut covariance = vec![0.0; blocks * blocks * dim];
        covariance[..dim].copy_from_slice(start.variances());
        if let Some(variance) = layout.momentum_variance() {
            covariance[(blocks + 1) * dim..(blocks + 2) * dim].fill(variance);
        }
        let mut mean = vec![0.0; blocks * dim];
        mean[..dim].copy_from_slice(start.mean());
        let work = Work::new();
        Self { sampler, drift, dim, blocks, mean, covariance, is_stochastic: false, work }
    }

    /// Mean and variance of the positions.
    pub(super) fn position(&self) -> (Vec<f64>, Vec<f64>) {
        (self.mean[..self.dim].to_vec(), self.covariance[..self.dim].to_vec())
    }

    /// Whether a step has drawn normals.
    pub(super) fn is_stochastic(&self) -> bool {
        self.is_stochastic
    }

    /// Carries the distribution over a step.
    pub(super) fn step(&mut self, interval: Interval) -> Result<()> {
        let scripts = self.sampler.coin_scripts_of(interval)?;
        let mut sums = Sums {
            means: Vec::new(),
            weights: Vec::new(),
            covariance: vec![0.0; self.covariance.len()],
        };
        let width = self.blocks * self.dim;
        let few = (MOST_NUMBERS / (width * (self.blocks + 8))).clamp(1, 256);
        for scripts in scripts.chunks(few) {
            let inputs = self.inputs(interval, scripts)?;
            self.is_stochastic |= !inputs.is_empty();
            let state = self.probe(interval, scripts, &inputs)?;
            self.add(scripts, inputs.len(), &state, &mut sums);
        }
        self.centre(sums);
        Ok(())
    }

    /// What the step draws with these coins.
    fn inputs(&mut self, interval: Interval, scripts: &[CoinScript]) -> Result<Vec<Input>> {
        let script = Script::new(scripts, self.dim, 1, &[]);
        let mut state = State::zeros(0, scripts.len(), self.dim, self.sampler.layout())?;
        let mut step = Step::new(interval, self.drift, &script, &mut state, &mut self.work);
        self.sampler.step(&mut step)?;
        script.into_inputs().ok_or(Error::NotProbeable {
            reason: "its step draws coins that no list can average; forecast another method",
        })
    }

    /// The state after a step from zero and from unit vectors, for each script.
    fn probe(
        &mut self,
        interval: Interval,
        scripts: &[CoinScript],
        inputs: &[Input],
    ) -> Result<State<f64>> {
        let first_input = 1 + self.blocks;
        let script = Script::new(scripts, self.dim, first_input, inputs);
        let rows = scripts.len() * script.probes();
        let mut state = State::zeros(0, rows, self.dim, self.sampler.layout())?;
        let mut view = state.view_mut();
        for at in 0..scripts.len() {
            for block in 0..self.blocks {
                let row = at * script.probes() + 1 + block;
                (0..self.dim).for_each(|j| view[[row, block * self.dim + j]] = 1.0);
            }
        }
        let mut step = Step::new(interval, self.drift, &script, &mut state, &mut self.work);
        self.sampler.step(&mut step)?;
        Ok(state)
    }

    /// Adds the moments after a step with the coins of some scripts.
    fn add(&self, scripts: &[CoinScript], inputs: usize, state: &State<f64>, sums: &mut Sums) {
        let view = state.view();
        let blocks = self.blocks;
        let dim = self.dim;
        let probes = 1 + blocks + inputs;
        for (at, script) in scripts.iter().enumerate() {
            let row = at * probes;
            sums.weights.push(script.weight);
            let start = sums.means.len();
            sums.means.resize(start + blocks * dim, 0.0);
            for j in 0..dim {
                let at_zero = |r: usize| view[[row, r * dim + j]];
                let moved = |r: usize, probe: usize| {
                    view[[row + probe, r * dim + j]] - view[[row, r * dim + j]]
                };
                for r in 0..blocks {
                    let of = |k: usize| moved(r, 1 + k) * self.mean[k * dim + j];
                    sums.means[start + r * dim + j] = at_zero(r) + (0..blocks).map(of).sum::<f64>();
                    for c in 0..blocks {
                        let mut own = 0.0;
                        for k in 0..blocks {
                            for l in 0..blocks {
                                let entry = self.covariance[(k * blocks + l) * dim + j];
                                own += moved(r, 1 + k) * entry * moved(c, 1 + l);
                            }
                        }
                        for input in 0..inputs {
                            let probe = 1 + blocks + input;
                            own += moved(r, probe) * moved(c, probe);
                        }
                        sums.covariance[(r * blocks + c) * dim + j] += script.weight * own;
                    }
                }
            }
        }
    }

    /// Adds the covariance of the means of the scripts around their mean.
    fn centre(&mut self, sums: Sums) {
        let Sums { means, weights, mut covariance } = sums;
        let width = self.blocks * self.dim;
        let mut mean = vec![0.0; width];
        for (weight, own) in weights.iter().zip(means.chunks(width)) {
            mean.iter_mut().zip(own).for_each(|(m, x)| *m += weight * x);
        }
        for (weight, own) in weights.iter().zip(means.chunks(width)) {
            for r in 0..self.blocks {
                for c in 0..self.blocks {
                    for j in 0..self.dim {
                        let [at, other] = [r * self.dim + j, c * self.dim + j];
                        let product = (own[at] - mean[at]) * (own[other] - mean[other]);
                        covariance[(r * self.blocks + c) * self.dim + j] += weight * product;
                    }
                }
            }
        }
        self.mean = mean;
        self.covariance = covariance;
    }
}
