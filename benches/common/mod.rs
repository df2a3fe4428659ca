//! What the benches share: the target and the hand-written scalar loop they are measured against.

use langevin::ndarray::Array2;
use langevin::prelude::*;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

pub const RADIUS: f64 = 4.0;
pub const STD: f64 = 0.5;
pub const STEP: f64 = 0.01;

fn means() -> [[f64; 2]; 8] {
    std::array::from_fn(|k| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        [RADIUS * angle.cos(), RADIUS * angle.sin()]
    })
}

/// Eight Gaussians on a circle.
pub fn circle() -> GaussianMixture {
    GaussianMixture::isotropic(Array2::from(means().to_vec()).view(), STD).unwrap()
}

/// ULA on the circle as one writes it by hand: chain by chain, xoshiro256++, ziggurat, the standard
/// library's exp. Returns a sum of the final states, so that nothing is optimised away.
pub fn scalar_ula(chains: usize, steps: usize) -> f64 {
    let means = means();
    let noise = (2.0 * STEP).sqrt();
    let mut sum = 0.0;
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(7);
    for _ in 0..chains {
        let (mut x, mut y) = (0.0f64, 0.0f64);
        for _ in 0..steps {
            let mut exponents = [0.0f64; 8];
            let mut largest = f64::NEG_INFINITY;
            for (e, mean) in exponents.iter_mut().zip(&means) {
                let (dx, dy) = (x - mean[0], y - mean[1]);
                *e = -0.5 / (STD * STD) * (dx * dx + dy * dy);
                largest = largest.max(*e);
            }
            let (mut total, mut bx, mut by) = (0.0, 0.0, 0.0);
            for (e, mean) in exponents.iter().zip(&means) {
                let weight = (e - largest).exp();
                total += weight;
                bx += weight * (mean[0] - x);
                by += weight * (mean[1] - y);
            }
            let scale = STEP / (STD * STD * total);
            let zx: f64 = StandardNormal.sample(&mut generator);
            let zy: f64 = StandardNormal.sample(&mut generator);
            x += scale * bx + noise * zx;
            y += scale * by + noise * zy;
        }
        sum += x + y;
    }
    sum
}

/// A run of the library on one thread; returns a sum of the final states.
pub fn library<F: Real>(
    sampler: &dyn Sampler<F>,
    target: &GaussianMixture,
    chains: usize,
    steps: usize,
    step: f64,
) -> f64 {
    let grid = TimeGrid::uniform(step, steps).unwrap();
    let run = Run::<F>::with_precision(sampler, target, grid).chains(chains).threads(1).seed(7);
    run.run().unwrap().state.iter().map(|x| x.widen()).sum()
}
