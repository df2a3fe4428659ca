//! Where a planned run starts: how far a standard normal is from the noised data, the right
//! Gaussian where the data are known, and data noised to the first level.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};

use super::clock::Clock;
use super::denoiser::Denoiser;
use super::plan::Plan;
use super::psld::Factor;
use super::schedule::Level;
use crate::drift::GaussianMixture;
use crate::error::{Error, Result};
use crate::noise::{Address, Noise, Philox, Purpose};
use crate::real::Real;
use crate::run::Start;

/// Differences from a standard normal up to this part of its standard deviation or variance are let
/// pass.
const NEGLIGIBLE: f64 = 0.01;
/// The range of data where nothing is known about them.
const CUSTOMARY: [f64; 2] = [-1.0, 1.0];
/// The largest dimension, and the most products in a covariance, for which a start is matched.
const MOST_DIMENSIONS: usize = 512;
const MOST_PRODUCTS: usize = 1 << 32;

/// How far the prior is from the noised data at the first level, as bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mismatch {
    /// Of the mean, in standard deviations of the prior.
    pub mean: f64,
    /// Of variances and correlations, as a part of the variances of the prior.
    pub variance: f64,
}

impl Mismatch {
    /// Whether it can be seen in results.
    pub(crate) fn matters(&self) -> bool {
        !(self.mean <= NEGLIGIBLE && self.variance <= NEGLIGIBLE)
    }
}

/// What becomes of data at the first level: z = (signal) x₀ + N(0, noise) in both blocks, or in
/// the first one alone.
#[derive(Clone, Copy, Debug)]
struct Transition {
    signal: [f64; 2],
    noise: [[f64; 2]; 2],
    /// The variances of the prior.
    prior: [f64; 2],
    blocks: usize,
}

impl Transition {
    /// The part of the mean of the data that is left, in standard deviations of the prior.
    fn mean(&self, mean: f64) -> f64 {
        let part = |i: usize| (self.signal[i] * mean / self.prior[i].sqrt()).abs();
        (0..self.blocks).map(part).fold(0.0, f64::max)
    }

    /// The largest difference from the covariance of the prior, for data of this variance.
    fn variance(&self, variance: f64) -> f64 {
        let mut largest = 0.0f64;
        for i in 0..self.blocks {
            for j in 0..self.blocks {
                let found = self.signal[i] * self.signal[j] * variance + self.noise[i][j];
                let wanted = if i == j { self.prior[i] } else { 0.0 };
                let scale = (self.prior[i] * self.prior[j]).sqrt();
                largest = largest.max((found - wanted).abs() / scale);
            }
        }
        largest
    }
}

impl Plan {
    /// The level at which the run starts.
    ///
    /// # Errors
    /// None for a plan, whose times are those of its clock.
    pub fn first_level(&self) -> Result<Level> {
        self.clock().level(self.grid().time(0))
    }

    fn transition(&self) -> Result<Transition> {
        let level = self.first_level()?;
        Ok(match self.clock() {
            Clock::Phase { process, .. } => {
                let [[x, _], [m, _]] = process.propagator(level.tau());
                Transition {
                    signal: [x, m],
                    noise: process.covariance(level.tau(), 0.0),
                    prior: [1.0, process.mass()],
                    blocks: 2,
                }
            }
            _ => Transition {
                signal: [level.signal(), 0.0],
                noise: [[level.one_minus_alpha_bar(), 0.0], [0.0, 0.0]],
                prior: [1.0, 1.0],
                blocks: 1,
            },
        })
    }

    /// A bound of the difference between the prior and the noised data in this range.
    pub(crate) fn mismatch(&self, range: Option<[f64; 2]>) -> Result<Mismatch> {
        let [low, high] = range.unwrap_or(CUSTOMARY);
        let transition = self.transition()?;
        let most = 0.5 * (high - low);
        let variance = transition.variance(0.0).max(transition.variance(most * most));
        Ok(Mismatch { mean: transition.mean(low.abs().max(high.abs())), variance })
    }

    /// Whether the run can be started from the right Gaussian: the data are not too many.
    pub(crate) fn can_match(data: &GaussianMixture) -> bool {
        let dim = data.dimension();
        let products = dim.saturating_mul(dim).saturating_mul(data.components());
        dim <= MOST_DIMENSIONS && products <= MOST_PRODUCTS
    }

    /// The start of a run on a model, if it is not the prior of the process.
    ///
    /// Where the data are known and the prior differs from the noised data, the start is the
    /// Gaussian with the mean and the covariance of the noised data,
    ///
    /// ```text
    /// N(√ᾱ m, ᾱ Σ + (1−ᾱ) I)                         m, Σ: mean and covariance of the data
    /// N(E ⊗ m, E Eᵀ ⊗ Σ + R ⊗ I), E = e^{Fτ} (1, 0)   in phase space, of (x, m)
    /// ```
    ///
    /// The prior differs if √ᾱ|m| or ᾱ|Σ − I| exceeds 0.01 for any coordinate. The first levels of
    /// the customary schedules pass for data of unit size. [`run`](Self::run) starts in this way.
    ///
    /// # Errors
    /// None for a plan and data that have passed their checks.
    pub fn start<F: Real>(&self, model: &dyn Denoiser<F>) -> Result<Option<Start<F>>> {
        let Some(data) = model.known_data() else { return Ok(None) };
        if !self.mismatch(model.range())?.matters() || !Self::can_match(data) {
            return Ok(None);
        }
        let mean = data.mean();
        let covariance = data.covariance();
        let transition = self.transition()?;
        if !differs(&transition, &mean, &covariance) {
            return Ok(None);
        }
        let block = |i: usize, j: usize| {
            let mut block = &covariance * (transition.signal[i] * transition.signal[j]);
            block.diag_mut().mapv_inplace(|v| v + transition.noise[i][j]);
            block
        };
        if transition.blocks == 1 {
            return Start::gaussian(&mean * transition.signal[0], block(0, 0).view()).map(Some);
        }
        let shape = |error: ndarray::ShapeError| Error::Shape {
            what: "covariance of the start",
            given: error.to_string(),
            expected: "blocks of one size".into(),
        };
        let row = |i: usize| concatenate(Axis(1), &[block(i, 0).view(), block(i, 1).view()]);
        let [first, second] = [row(0).map_err(shape)?, row(1).map_err(shape)?];
        let all = concatenate(Axis(0), &[first.view(), second.view()]).map_err(shape)?;
        let means = [&mean * transition.signal[0], &mean * transition.signal[1]];
        let means = concatenate(Axis(0), &[means[0].view(), means[1].view()]).map_err(shape)?;
        Start::gaussian(means, all.view()).map(Some)
    }

    /// Data noised to the first level of the plan, shape (chains, dim), or (chains, 2·dim) in phase
    /// space: the start of an image-to-image run.
    ///
    /// ```text
    /// x = √ᾱ x₀ + √(1−ᾱ) z                  z = E x₀ + L ε, L Lᵀ = R in phase space
    /// ```
    ///
    /// The normals are those with which a run of this seed would start. Row i belongs to chain
    /// `first_chain` + i. So parts of a large run are noised as the whole is.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are more rows than numbers of chains.
    pub fn noised<F: Real>(
        &self,
        data: ArrayView2<'_, F>,
        seed: u64,
        first_chain: u32,
    ) -> Result<Array2<F>> {
        let [rows, dim] = [data.nrows(), data.ncols()];
        let most = (u32::MAX - first_chain) as usize + 1;
        crate::error::count("rows of the data", rows, 1, most, "no more than numbers of chains")?;
        let level = self.first_level()?;
        let transition = self.transition()?;
        let root = match self.clock() {
            Clock::Phase { process, .. } => process.noise_factor(level.tau(), Factor::Lower),
            _ => [[level.noise(), 0.0], [0.0, 0.0]],
        };
        let noise = Philox::new(seed);
        let mut out = Array2::zeros((rows, transition.blocks * dim));
        let mut normals: [Vec<F>; 2] = [Vec::new(), Vec::new()];
        for (chunk, from) in data.axis_chunks_iter(Axis(0), 256).enumerate() {
            let n = from.nrows();
            let first = chunk * 256;
            let chains: Vec<u32> = (0..n).map(|i| first_chain + (first + i) as u32).collect();
            for (normals, purpose) in normals.iter_mut().zip([Purpose::Start, Purpose::Momentum]) {
                normals.resize(n * dim, F::zero());
                noise.normals(Address::new(0, purpose, 0), &chains, &mut normals[..n * dim]);
            }
            let mut to = out.slice_mut(s![first..first + n, ..]);
            for ((i, j), x) in from.indexed_iter() {
                let place = j * n + i;
                let [a, b] = [normals[0][place].widen(), normals[1][place].widen()];
                for block in 0..transition.blocks {
                    let z = root[block][0] * a + root[block][1] * b;
                    let value = transition.signal[block] * x.widen() + z;
                    to[[i, block * dim + j]] = F::from_f64(value);
                }
            }
        }
        Ok(out)
    }
}

/// Whether the noised data with these moments differ from the prior.
fn differs(transition: &Transition, mean: &Array1<f64>, covariance: &Array2<f64>) -> bool {
    let mean = mean.iter().map(|m| transition.mean(*m)).fold(0.0, f64::max);
    let variance = covariance.indexed_iter().map(|((i, j), v)| match i == j {
        true => transition.variance(*v),
        false => {
            let strongest = transition.mean(1.0);
            strongest * strongest * v.abs()
        }
    });
    Mismatch { mean, variance: variance.fold(0.0, f64::max) }.matters()
}
