//! A block of levels of a Poisson midpoint on Gaussian data, by hand: mean and variance, in any
//! form and with any probabilities of the sub-steps.

use langevin::diffusion::Level;
use langevin::diffusion::dynamics::{Ancestral, Form};
use langevin::dynamics::LinearDynamics;
use langevin::prelude::*;

/// Mean and variance of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    pub mean: f64,
    pub variance: f64,
}

/// How a block selects its sub-steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coins {
    /// As the sampler does.
    Of(Selection, Odds),
    /// One sub-step, with these odds in the last block too.
    Plain(Odds),
    /// The mean over all coins: one Picard round, without noise of the selection.
    Mean,
}

/// A block of levels on data with the distribution N(mean, variance).
pub struct Block<'b> {
    pub chain: &'b Ancestral,
    pub data: Normal,
    pub coins: Coins,
    pub from: usize,
    pub to: usize,
}

/// A number a X + c + n, with the variance of n.
#[derive(Clone, Copy, Debug)]
struct Noisy {
    factor: f64,
    offset: f64,
    variance: f64,
}

impl Noisy {
    /// The mean and the second moment for an X like this.
    fn moments(self, x: Normal) -> [f64; 2] {
        let mean = self.factor * x.mean + self.offset;
        [mean, mean * mean + self.factor * self.factor * x.variance + self.variance]
    }
}

/// What is held fixed, as factor and offset of x.
fn frozen(form: Form, data: Normal, level: Level) -> [f64; 2] {
    let a = level.signal();
    let s = level.noise();
    let noised = a * a * data.variance + s * s;
    // E[ε | x] and E[x₀ | x] for x ~ N(a μ, noised).
    let noise = [s / noised, -s * a * data.mean / noised];
    let clean = [a * data.variance / noised, data.mean * s * s / noised];
    match form {
        Form::Noise => noise,
        Form::Data => clean,
        _ => [0, 1].map(|i| a * noise[i] - s * clean[i]),
    }
}

/// The numbers of a block that all selections share.
struct Path {
    /// X̂ at every sub-step.
    points: Vec<Noisy>,
    /// `[i]` is the product of A′ from sub-step i on.
    products: Vec<f64>,
    /// wᵢ, the effect of sub-step i on the end.
    weights: Vec<f64>,
    /// What is held fixed there.
    slopes: Vec<[f64; 2]>,
    /// λ.
    clock: Vec<f64>,
}

impl Path {
    /// f(X̂ᵢ) − f(X).
    fn change(&self, i: usize) -> Noisy {
        let [slope, offset] = self.slopes[i];
        let point = self.points[i];
        Noisy {
            factor: slope * point.factor - self.slopes[0][0],
            offset: slope * point.offset + offset - self.slopes[0][1],
            variance: slope * slope * point.variance,
        }
    }

    fn shares(&self, odds: Odds) -> Vec<f64> {
        let count = self.weights.len();
        let last = count - 1;
        if last > 0 && self.weights[..last].iter().all(|w| *w == 0.0) {
            return (0..count).map(|i| f64::from(u8::from(i == last))).collect();
        }
        self.plain_shares(odds)
    }

    /// The shares without the rule for a last block.
    fn plain_shares(&self, odds: Odds) -> Vec<f64> {
        let count = self.weights.len();
        let importance = |i: usize| self.weights[i].abs() * (self.clock[i] - self.clock[0]).abs();
        let all: Vec<f64> = (0..count).map(importance).collect();
        let sum: f64 = all.iter().sum();
        let even = 1.0 / count as f64;
        match odds {
            Odds::Importance if sum > 0.0 => {
                all.iter().map(|u| 0.1 * even + 0.9 * u / sum).collect()
            }
            _ => vec![even; count],
        }
    }
}

impl Block<'_> {
    fn path(&self) -> Path {
        let table = self.chain.table();
        let count = self.from - self.to;
        let start = |i: usize| (table.len() - self.from + i) as f64;
        let steps: Vec<_> = (0..count).map(|i| self.chain.transition(start(i), 1.0)).collect();
        let level = |i: usize| table.level(self.from - i);
        let form = self.chain.form_at(self.from);
        let slopes: Vec<_> = (0..count).map(|i| frozen(form, self.data, level(i))).collect();
        let mut points = vec![Noisy { factor: 1.0, offset: 0.0, variance: 0.0 }];
        for (i, step) in steps.iter().enumerate() {
            let [a, g] = [step.propagator[0][0], step.gain[0][0]];
            points.push(Noisy {
                factor: a * points[i].factor + g * slopes[0][0],
                offset: a * points[i].offset + g * slopes[0][1],
                variance: a * a * points[i].variance + step.covariance[0][0],
            });
        }
        let mut products = vec![1.0; count + 1];
        for i in (0..count).rev() {
            products[i] = products[i + 1] * steps[i].propagator[0][0];
        }
        let weights = (0..count).map(|i| products[i + 1] * steps[i].gain[0][0]).collect();
        let clock = (0..count).map(|i| 0.5 * level(i).log_snr()).collect();
        Path { points, products, weights, slopes, clock }
    }

    /// qᵢ of every sub-step.
    pub fn shares(&self, odds: Odds) -> Vec<f64> {
        self.path().shares(odds)
    }

    /// Σ E(wᵢ Δᵢ)²/qᵢ − …: the second moment of the correction for a start like this.
    pub fn correction_squared(&self, x: Normal, shares: &[f64]) -> f64 {
        let path = self.path();
        let own = |i: usize| {
            let [_, square] = path.change(i).moments(x);
            let weighted = path.weights[i] * path.weights[i] * square;
            if shares[i] > 0.0 { weighted / shares[i] } else { 0.0 }
        };
        (0..shares.len()).map(own).sum()
    }

    /// The root of E(wᵢ Δᵢ)² of every sub-step.
    pub fn sizes(&self, x: Normal) -> Vec<f64> {
        let path = self.path();
        let size = |i: usize| (path.weights[i].powi(2) * path.change(i).moments(x)[1]).sqrt();
        (0..path.weights.len()).map(size).collect()
    }

    /// Mean and variance after the block. With Pᵢ the product of A′ from sub-step i on,
    ///
    /// ```text
    /// X⁺ = X̂_K + Σ Hᵢ/qᵢ Yᵢ          Yᵢ = wᵢ (f(X̂ᵢ) − f(X))
    /// Cov(X̂ᵢ, X̂ⱼ | X) = Pᵢ/Pⱼ Var(X̂ᵢ | X), i ≤ j
    /// ```
    pub fn after(&self, x: Normal) -> Normal {
        let path = self.path();
        match self.coins {
            Coins::Of(Selection::Single, odds) => self.one(&path, &path.shares(odds), x),
            Coins::Plain(odds) => self.one(&path, &path.plain_shares(odds), x),
            Coins::Of(_, odds) => {
                let shares = path.shares(odds);
                let all = self.all(&path, x);
                let spread: f64 = (0..shares.len())
                    .map(|i| {
                        let [_, square] = path.change(i).moments(x);
                        let odds = if shares[i] > 0.0 { 1.0 / shares[i] - 1.0 } else { 0.0 };
                        path.weights[i].powi(2) * square * odds
                    })
                    .sum();
                Normal { mean: all.mean, variance: all.variance + spread }
            }
            Coins::Mean => self.all(&path, x),
        }
    }

    /// Exactly one sub-step.
    fn one(&self, path: &Path, shares: &[f64], x: Normal) -> Normal {
        let end = path.points[shares.len()];
        let mut mean = 0.0;
        let mut square = 0.0;
        for (i, &share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let change = path.change(i);
            let weight = path.weights[i] / share;
            // Cov(X̂_K, f(X̂ᵢ)); P_i may be 0, and then the path has forgotten.
            let shared = path.slopes[i][0] * path.products[i] * path.points[i].variance;
            let whole = Noisy {
                factor: end.factor + weight * change.factor,
                offset: end.offset + weight * change.offset,
                variance: end.variance + weight * weight * change.variance + 2.0 * weight * shared,
            };
            let [first, second] = whole.moments(x);
            mean += share * first;
            square += share * second;
        }
        Normal { mean, variance: square - mean * mean }
    }

    /// The mean over the coins: every Yᵢ with factor 1.
    fn all(&self, path: &Path, x: Normal) -> Normal {
        let count = path.weights.len();
        let end = path.points[count];
        let mut whole = end;
        // The covariance of later corrections with X̂ of this sub-step, per variance of it.
        let mut later = 0.0;
        for i in (0..count).rev() {
            let change = path.change(i);
            let weight = path.weights[i];
            whole.factor += weight * change.factor;
            whole.offset += weight * change.offset;
            let own = weight * path.slopes[i][0];
            let variance = path.points[i].variance;
            whole.variance += own * own * variance + 2.0 * own * variance * path.products[i];
            whole.variance += 2.0 * own * variance * later;
            // Moves `later` from sub-step i to sub-step i − 1.
            if i > 0 {
                let step = path.products[i - 1];
                let factor = if path.products[i] == 0.0 {
                    self.step_factor(i - 1)
                } else {
                    step / path.products[i]
                };
                later = factor * (later + own);
            }
        }
        let [mean, square] = whole.moments(x);
        Normal { mean, variance: square - mean * mean }
    }

    /// A′ of sub-step i.
    fn step_factor(&self, i: usize) -> f64 {
        let start = (self.chain.table().len() - self.from + i) as f64;
        self.chain.transition(start, 1.0).propagator[0][0]
    }
}

/// Mean and variance after a run through these levels, from these.
pub fn run(
    chain: &Ancestral,
    data: Normal,
    coins: Coins,
    levels: &[usize],
    start: Normal,
) -> Normal {
    levels
        .windows(2)
        .fold(start, |x, pair| Block { chain, data, coins, from: pair[0], to: pair[1] }.after(x))
}
