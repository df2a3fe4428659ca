//! Generations of Gaussian data in one dimension: the exact model, and fine runs between levels far
//! from the ends.

use langevin::advanced::{CoinScript, Interval};
use langevin::diffusion::{Clock, Denoised, Level};
use langevin::ndarray::array;
use langevin::prelude::*;

use super::affine::after;
use super::matrix::{Matrix, diagonal};

/// The exact model of data with the distribution N(0, `variance`).
pub fn model(variance: f64) -> DiffusedMixture {
    let data = GaussianMixture::isotropic(array![[0.0]].view(), variance.sqrt()).unwrap();
    DiffusedMixture::new(data)
}

/// What the model predicts at a level, as factors of x.
#[derive(Clone, Copy, Debug)]
pub struct Slopes {
    pub score: f64,
    pub noise: f64,
    pub data: f64,
}

/// The factors of x for data with the distribution N(0, `variance`).
pub fn slopes(variance: f64, level: Level) -> Slopes {
    let noised = level.alpha_bar() * variance + level.one_minus_alpha_bar();
    Slopes {
        score: -1.0 / noised,
        noise: level.noise() / noised,
        data: level.signal() * variance / noised,
    }
}

/// β̃, the variance of the posterior at level s of a chain, given the data and level t.
pub fn posterior(t: Level, s: Level) -> f64 {
    let beta = 1.0 - t.alpha_bar() / s.alpha_bar();
    beta * s.one_minus_alpha_bar() / t.one_minus_alpha_bar()
}

/// √ᾱ_s x̂₀ + √(1−ᾱ_s−σ²) ε̂, the mean of a step of a chain from level t to level s, as a factor
/// of x, for data with the distribution N(0, `variance`).
pub fn chain_mean(variance: f64, t: Level, s: Level, sigma_squared: f64) -> Matrix {
    let noise = slopes(variance, t).noise;
    let data = (1.0 - t.noise() * noise) / t.signal();
    let rest = (s.one_minus_alpha_bar() - sigma_squared).max(0.0).sqrt();
    diagonal(s.signal() * data + rest * noise, 0.0)
}

/// No coins.
pub fn no_coins() -> Vec<CoinScript> {
    vec![CoinScript { weight: 1.0, uniforms: Vec::new() }]
}

/// A run from the exact distribution of N(0, 0.3) data at one level to that at another, far from
/// the ends, where all methods have their orders.
pub struct Fine {
    clock: Clock,
    end: f64,
}

const FINE: f64 = 0.3;

impl Fine {
    /// On a table of 4000 small rates, from the last level down to level 400.
    pub fn chain() -> Self {
        Self { clock: Clock::Chain(Self::table()), end: 3600.0 }
    }

    /// In Ornstein–Uhlenbeck time, from 3 to 0.1.
    pub fn reverse() -> Self {
        Self { clock: Clock::Reverse { horizon: 3.0 }, end: 2.9 }
    }

    /// The table of [`chain`](Self::chain).
    pub fn table() -> LevelTable {
        LevelTable::linear_between(4000, 1e-4, 2e-3).unwrap()
    }

    /// The levels of equal steps on the table, and level 0.
    pub fn levels(steps: usize) -> Vec<usize> {
        let visited = (0..=steps).map(|i| 4000 - i * (3600 / steps));
        visited.chain([0]).collect()
    }

    /// The exact variance at the end of a run in equal steps, relative to that of the noised data.
    pub fn end(
        &self,
        sampler: &dyn Sampler<f64>,
        wanted: Prediction,
        steps: usize,
        coins: &dyn Fn(Interval) -> Vec<CoinScript>,
    ) -> f64 {
        let drift = Denoised::new(model(FINE), self.clock.clone(), wanted).unwrap();
        let noised = |time: f64| -1.0 / slopes(FINE, self.clock.level(time).unwrap()).score;
        let mut covariance = diagonal(noised(0.0), 0.0);
        for interval in &TimeGrid::between(0.0, self.end, steps).unwrap() {
            covariance = after(sampler, interval, &drift, &coins(interval), &covariance);
        }
        covariance[0][0] / noised(self.end)
    }

    /// The errors of [`end`](Self::end) at 36, 72 and 144 steps, of a sampler without coins.
    pub fn errors(&self, sampler: &dyn Sampler<f64>, wanted: Prediction) -> [f64; 3] {
        [36, 72, 144].map(|steps| self.end(sampler, wanted, steps, &|_| no_coins()) - 1.0)
    }
}

/// The orders that follow from errors at steps that are halved each time.
pub fn orders(errors: &[f64]) -> Vec<f64> {
    errors.windows(2).map(|pair| (pair[0] / pair[1]).abs().log2()).collect()
}

/// Fails unless all orders are near this one.
pub fn check_orders(name: &str, errors: &[f64], order: f64) {
    let found = orders(errors);
    let near = found.iter().all(|found| (found - order).abs() < 0.2);
    assert!(near, "{name}: errors {errors:?}, orders {found:?}");
}
