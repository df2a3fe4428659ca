//! The distributions of normals and uniforms: moments, tails, cells, and the distribution function.

use langevin::advanced::{Address, Generator, Noise, Philox, Purpose};
use rand_chacha::ChaCha8Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::checks::{
    Checks, check_uncorrelated, chernoff_p, chi_square_p, equal_cells_p, fair_coin_p, hermite3,
    hermite4, kolmogorov_p, normal_p, rare_count_p,
};
use crate::numbers::{SEEDS, cells, first_chains, normal_cdf, normals, uniforms};

/// Nine checks over 8000 normals per step: moments, signs, tails. Returns how many are beyond ±5.
fn check_moments(checks: &mut Checks, noise: &dyn Noise<f64>, steps: u32) -> u32 {
    let chains = first_chains(1000);
    let mut out = vec![0.0; 8000];
    let n = f64::from(steps) * out.len() as f64;
    let [mut sum, mut sum_of_squares, mut third, mut fourth] = [0.0f64; 4];
    let mut positive = 0u32;
    // Beyond the ziggurat's last layer, where tables go wrong (rust-lang/rust#10196), and far out,
    // each side by itself.
    let bounds = [3.4426, 5.0];
    let mut beyond = [[0u32; 2]; 2];
    for step in 0..steps {
        noise.normals(Address::new(step, Purpose::Increment, 0), &chains, &mut out);
        for &z in &out {
            sum += z;
            sum_of_squares += z * z;
            third += hermite3(z);
            fourth += hermite4(z);
            positive += u32::from(z > 0.0);
            for (count, bound) in beyond.iter_mut().zip(bounds) {
                count[0] += u32::from(z > bound);
                count[1] += u32::from(z < -bound);
            }
        }
    }
    // A Hermite polynomial carries what is new in a moment: where E z² = 1, E z⁴ = 3 holds if and
    // only if E (z⁴ − 6 z² + 3) = 0.
    checks.accept("mean", normal_p(sum / n.sqrt()));
    checks.accept("second moment", chi_square_p(sum_of_squares, n));
    checks.accept("third moment", chernoff_p(hermite3, 6.0, third / n, n));
    checks.accept("fourth moment", chernoff_p(hermite4, 24.0, fourth / n, n));
    checks.accept("sign", fair_coin_p(f64::from(positive), n));
    for (counts, bound) in beyond.into_iter().zip(bounds) {
        for count in counts {
            checks.accept("tail", rare_count_p(f64::from(count), n * normal_p(bound) / 2.0));
        }
    }
    beyond[1].iter().sum()
}

/// Two checks over 8000 normals per step: the whole distribution function.
fn check_distribution(checks: &mut Checks, noise: &dyn Noise<f64>, steps: u32) {
    let chains = first_chains(1000);
    let mut uniforms = Vec::with_capacity(8000 * steps as usize);
    for step in 0..steps {
        let z = normals(noise, Address::new(step, Purpose::Path, 1), &chains, 8);
        uniforms.extend(z.into_iter().map(normal_cdf));
    }
    checks.accept("equiprobable cells of normals", equal_cells_p(&cells(&uniforms, 1024)));
    checks.accept("Kolmogorov–Smirnov of normals", kolmogorov_p(uniforms));
}

/// Three checks on 1000 uniforms per step.
fn check_uniforms(checks: &mut Checks, noise: &dyn Noise<f64>, steps: u32) {
    let chains = first_chains(1000);
    let mut u = Vec::with_capacity(1000 * steps as usize);
    (0..steps)
        .for_each(|step| u.extend(uniforms(noise, Address::new(step, Purpose::Coin, 0), &chains)));
    assert!(u.iter().all(|u| *u > 0.0 && *u < 1.0));
    let n = u.len() as f64;
    // Sub-Gaussian with the variance 1/12, as in `uniform_correlation_p`: 2 exp(−6 n (mean − ½)²).
    checks.accept(
        "mean of uniforms",
        2.0 * (-6.0 * n * (u.iter().sum::<f64>() / n - 0.5).powi(2)).exp(),
    );
    checks.accept("equal cells of uniforms", equal_cells_p(&cells(&u, 1024)));
    checks.accept("Kolmogorov–Smirnov of uniforms", kolmogorov_p(u));
}

#[test]
fn the_probability_beyond_the_last_layer_is_the_published_one() {
    assert!((normal_p(3.442_619_855_899) / 5.7611e-4 - 1.0).abs() < 1e-4);
    assert!((normal_p(5.0) / 5.733_031_437_583_9e-7 - 1.0).abs() < 1e-12);
}

#[test]
fn normals_are_normal() {
    let mut checks = Checks::default();
    let mut beyond_five = 0;
    for seed in SEEDS {
        beyond_five += check_moments(&mut checks, &Philox::new(seed), 3125);
        check_distribution(&mut checks, &Philox::new(seed), 500);
    }
    // 57 of 10⁸ normals are expected beyond ±5. One seed alone, with 14, could not tell a missing
    // tail from bad luck.
    checks.accept("tail at all seeds", rare_count_p(f64::from(beyond_five), 1e8 * normal_p(5.0)));
    checks.finish(45);
}

#[test]
fn uniforms_are_uniform() {
    let mut checks = Checks::default();
    SEEDS.into_iter().for_each(|seed| check_uniforms(&mut checks, &Philox::new(seed), 4000));
    checks.finish(12);
}

#[test]
fn radius_and_angle_are_independent() {
    const SIDE: usize = 32;
    let chains = first_chains(1 << 21);
    let mut checks = Checks::default();
    for seed in SEEDS {
        let pairs =
            normals::<f64>(&Philox::new(seed), Address::new(3, Purpose::Start, 0), &chains, 2);
        let (first, second) = pairs.split_at(chains.len());
        check_uncorrelated(&mut checks, "the two coordinates of a pair", first, second);
        // For two independent normals, e^(−r²/2) and the angle are independent uniforms: all 1024
        // cells are equal.
        let mut cells = vec![0; SIDE * SIDE];
        for (x, y) in first.iter().zip(second) {
            let radius = (-(x * x + y * y) / 2.0).exp();
            let turns = y.atan2(*x) / std::f64::consts::TAU + 0.5;
            let [row, column] = [radius, turns].map(|u| ((u * SIDE as f64) as usize).min(SIDE - 1));
            cells[row * SIDE + column] += 1;
        }
        checks.accept("radius × angle", equal_cells_p(&cells));
    }
    checks.finish(12);
}

/// Fourteen checks per seed.
fn check_generator<N: Noise<f64>>(open: fn(u64) -> N) {
    let mut checks = Checks::default();
    for seed in SEEDS {
        check_moments(&mut checks, &open(seed), 125);
        check_distribution(&mut checks, &open(seed), 125);
        check_uniforms(&mut checks, &open(seed), 1000);
    }
    checks.finish(56);
}

#[test]
fn generator_with_chacha_is_normal_and_uniform() {
    check_generator(Generator::<ChaCha8Rng>::new);
}

#[test]
fn generator_with_xoshiro_is_normal_and_uniform() {
    check_generator(Generator::<Xoshiro256PlusPlus>::new);
}
