//! The noise: Philox against an independent implementation, the laws of its numbers, independence,
//! purity, pinned bits.
//!
//! # False alarms
//!
//! Everything here is seeded, so a test passes always or never; what has a probability is that a
//! *right* library fails at the seeds and addresses chosen. Every Monte-Carlo assertion goes
//! through [`Checks::accept`] and compares a p-value, or a proven upper bound of one, with
//! [`LEVEL`] = 1e-9. Each test states how many it makes and fails if the number is wrong:
//!
//! | test | assertions |
//! |---|---|
//! | `normals_are_normal` | 45 |
//! | `radius_and_angle_are_independent` | 12 |
//! | `normals_of_neighbouring_streams_are_uncorrelated` | 120 |
//! | `normals_of_neighbouring_seeds_are_uncorrelated` | 24 |
//! | `uniforms_are_uniform` | 12 |
//! | `uniforms_of_neighbouring_streams_are_uncorrelated` | 48 |
//! | `generator_with_*` | 2 × 56 |
//! | together | 373: false alarms below 3.8e-7 |
//!
//! `different_addresses_give_different_numbers` adds less than 1e-18. The bounds are exact or
//! conservative, except Pearson's chi-square, whose law is a limit: with λ expected per cell its
//! third cumulant is 8 + 22/λ for 8, which moves a p-value of 1e-9 by less than 2 % at the λ ≥ 900
//! used here.

use langevin::metrics::{gamma_lower, gamma_upper};
use langevin::*;
use rand_chacha::ChaCha8Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The false-alarm rate of one assertion.
const LEVEL: f64 = 1e-9;

const SEEDS: [u64; 4] = [0, 1, 0xDEAD_BEEF, u64::MAX];

/// Every purpose with the number it has for ever.
const PURPOSES: [(Purpose, u32); 8] = [
    (Purpose::Increment, 0),
    (Purpose::Path, 1),
    (Purpose::Coin, 2),
    (Purpose::Momentum, 3),
    (Purpose::Start, 4),
    (Purpose::Target, 5),
    (Purpose::Accept, 6),
    (Purpose::User, 255),
];

const LAST_INDEX: u32 = (1 << 24) - 1;

/// The Monte-Carlo assertions of one test, counted.
#[derive(Default)]
struct Checks {
    made: usize,
    smallest: Option<f64>,
}

impl Checks {
    fn accept(&mut self, what: &str, p_value: f64) {
        self.made += 1;
        self.smallest = Some(self.smallest.unwrap_or(1.0).min(p_value));
        assert!(p_value >= LEVEL, "{what}: p-value {p_value:e} below {LEVEL:e}");
    }

    fn finish(self, stated: usize) {
        println!(
            "{} assertions at {LEVEL:e}, smallest p-value {:.1e}",
            self.made,
            self.smallest.unwrap()
        );
        assert_eq!(self.made, stated, "the header states another number of assertions");
    }
}

// ----------------------------------------------------------------------------------------------------------
// p-values

/// P(|Z| ≥ |`value`|) for a standard normal Z: exact.
fn normal_p(value: f64) -> f64 {
    gamma_upper(0.5, value * value / 2.0).unwrap()
}

/// Two-sided p-value of a chi-square statistic: exact where the statistic has that law.
fn chi_square_p(statistic: f64, degrees_of_freedom: f64) -> f64 {
    let [shape, x] = [degrees_of_freedom / 2.0, statistic / 2.0];
    2.0 * gamma_lower(shape, x).unwrap().min(gamma_upper(shape, x).unwrap())
}

/// Two-sided bound for a binomial count with mean `expected`. Outside expected ± 1 its tails are
/// below those of the Poisson law with the same mean (Anderson & Samuels 1967), and inside no count
/// is rare.
fn rare_count_p(count: f64, expected: f64) -> f64 {
    let at_least = if count > 0.0 { gamma_lower(count, expected).unwrap() } else { 1.0 };
    2.0 * at_least.min(gamma_upper(count + 1.0, expected).unwrap())
}

/// Two-sided bound for `count` heads of n fair coins (Hoeffding): 2 exp(−2 n (count/n − ½)²).
fn fair_coin_p(count: f64, n: f64) -> f64 {
    2.0 * (-2.0 * n * (count / n - 0.5).powi(2)).exp()
}

/// Bound on P(√n D ≥ x) for the Kolmogorov–Smirnov distance D of n uniforms: 2 exp(−2 x²) for every
/// n (Massart 1990).
fn kolmogorov_p(mut uniforms: Vec<f64>) -> f64 {
    uniforms.sort_unstable_by(f64::total_cmp);
    let n = uniforms.len() as f64;
    let distance = |(i, u): (usize, &f64)| (u - i as f64 / n).max((i + 1) as f64 / n - u);
    let largest = uniforms.iter().enumerate().map(distance).fold(0.0, f64::max);
    2.0 * (-2.0 * n * largest * largest).exp()
}

/// Pearson's chi-square over equally probable cells, two-sided: too even is as wrong as too uneven.
fn equal_cells_p(cells: &[u32]) -> f64 {
    let expected = cells.iter().sum::<u32>() as f64 / cells.len() as f64;
    assert!(expected > 900.0);
    let statistic: f64 =
        cells.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    chi_square_p(statistic, cells.len() as f64 - 1.0)
}

/// Two-sided Chernoff bound for the mean `found` of n independent values f(z), z normal, E f = 0:
/// 2 inf_θ exp(n (ln E e^(θ f) − θ found)).
///
/// Any θ gives a valid bound; those tried surround the best one for small means. The integral is
/// over |z| ≤ 8.58: from 53 bits Box–Muller gives nothing above √(2 · 53 ln 2) = 8.572, and an
/// ideal normal does so with probability 1e-17. The trapezoidal rule is exact to rounding for such
/// an integrand.
fn chernoff_p(f: fn(f64) -> f64, variance: f64, found: f64, n: f64) -> f64 {
    const STEP: f64 = 1.0 / 64.0;
    let nodes: Vec<f64> = (-549..=549).map(|k| f64::from(k) * STEP).collect();
    let log_moment = |theta: f64| {
        let term = |z: &f64| (-z * z / 2.0).exp() * (theta * f(*z)).exp_m1();
        (nodes.iter().map(term).sum::<f64>() * STEP / std::f64::consts::TAU.sqrt()).ln_1p()
    };
    let exponent = |theta: f64| n * (log_moment(theta) - theta * found);
    let best =
        (1..=40).map(|k| exponent(found / variance * f64::from(k) / 20.0)).fold(0.0, f64::min);
    (2.0 * best.exp()).min(1.0)
}

fn hermite3(z: f64) -> f64 {
    z * (z * z - 3.0)
}

fn hermite4(z: f64) -> f64 {
    z * z * (z * z - 6.0) + 3.0
}

/// Linear correlation of normals: given a, Σ a b / |a| is exactly standard normal, whatever a is.
fn correlation_p(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let [mut product, mut square] = [0.0; 2];
    for (x, y) in a.iter().zip(b) {
        product += x * y;
        square += x * x;
    }
    normal_p(product / square.sqrt())
}

/// Correlation of squares of normals. With w = a² − 1 given, S = Σ w (b² − 1) has P(|S| ≥ 2 |w|₂ √x
/// + 2 |w|_∞ x) ≤ 2 e^(−x) (Laurent & Massart 2000, lemma 1 on w⁺ and w⁻ at once); solved for x.
fn square_correlation_p(a: &[f64], b: &[f64]) -> f64 {
    let [mut product, mut square, mut largest] = [0.0f64; 3];
    for (x, y) in a.iter().zip(b) {
        let weight = x * x - 1.0;
        product += weight * (y * y - 1.0);
        square += weight * weight;
        largest = largest.max(weight.abs());
    }
    let root = ((square + 2.0 * largest * product.abs()).sqrt() - square.sqrt()) / (2.0 * largest);
    2.0 * (-root * root).exp()
}

/// Correlation of uniforms. A centred uniform is sub-Gaussian with its own variance 1/12 (sinh t ≤
/// t e^(t²/6)), so given w = u − ½, P(|Σ w (v − ½)| ≥ s) ≤ 2 exp(−6 s² / |w|²).
fn uniform_correlation_p(u: &[f64], v: &[f64]) -> f64 {
    assert_eq!(u.len(), v.len());
    let [mut product, mut square] = [0.0; 2];
    for (x, y) in u.iter().zip(v) {
        product += (x - 0.5) * (y - 0.5);
        square += (x - 0.5) * (x - 0.5);
    }
    2.0 * (-6.0 * product * product / square).exp()
}

// -----------------------------------------------------------------------------------------------------------
// numbers

fn normals<F: Real>(noise: &dyn Noise<F>, draw: Draw, chains: &[u32], dim: usize) -> Vec<F> {
    let mut out = vec![F::from_f64(f64::NAN); chains.len() * dim];
    noise.normals(draw, chains, &mut out);
    out
}

fn uniforms<F: Real>(noise: &dyn Noise<F>, draw: Draw, chains: &[u32]) -> Vec<f64> {
    let mut out = vec![f64::NAN; chains.len()];
    noise.uniforms(draw, chains, &mut out);
    out
}

fn first_chains(count: u32) -> Vec<u32> {
    (0..count).collect()
}

fn bits<F: Real>(numbers: &[F]) -> Vec<u64> {
    numbers.iter().map(|z| z.widen().to_bits()).collect()
}

/// The standard normal distribution function, by libm and not by this crate.
fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

fn cells(uniforms: &[f64], count: usize) -> Vec<u32> {
    let mut cells = vec![0; count];
    uniforms.iter().for_each(|u| cells[((u * count as f64) as usize).min(count - 1)] += 1);
    cells
}

// --------------------------------------------------------------------------------------- against
// another implementation

/// Four words of the block with this counter, from `rand_philox`.
fn foreign_words(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let counter = counter.iter().rev().fold(0u128, |whole, word| whole << 32 | u128::from(*word));
    let mut generator = rand_philox::Philox::new(key, counter);
    std::array::from_fn(|_| generator.next_u32())
}

#[test]
fn philox_gives_the_known_answers() {
    // Random123 1.14, kat_vectors, philox4x32 10.
    let pi = ([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
    for (counter, key, answer) in [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (pi.0, pi.1, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
    ] {
        assert_eq!(philox4x32_10(counter, key), answer);
    }
}

#[test]
fn philox_is_the_one_of_rand_philox() {
    // Counters and keys with few bits, with many, and at the ends.
    let word =
        |i: u32| [0, u32::MAX, 1 << (i % 32), i, i.wrapping_mul(0x9E37_79B9)][i as usize % 5];
    for i in 0..200_000u32 {
        let counter = std::array::from_fn(|j| word(i.wrapping_add(i / 5 * j as u32)));
        let key = [word(i / 3), word(i / 7)];
        assert_eq!(philox4x32_10(counter, key), foreign_words(counter, key));
    }
    for seed in SEEDS {
        let key = rand_philox::splitmix64(seed);
        for (stream, block) in
            [(0, 0), (1, 7), (u64::MAX, u64::MAX), (0x0123_4567_89AB_CDEF, 1 << 40)]
        {
            let mut generator = rand_philox::Philox::from_u64_seed_stream(seed, stream);
            generator.seek(u128::from(stream) << 64 | u128::from(block));
            let counter =
                [block as u32, (block >> 32) as u32, stream as u32, (stream >> 32) as u32];
            for word in philox4x32_10(counter, [key as u32, (key >> 32) as u32]) {
                assert_eq!(word, generator.next_u32());
            }
        }
    }
}

/// Addresses that fill every field of the counter, up to its ends.
fn addresses() -> Vec<(u64, Draw, u32)> {
    let mut addresses = Vec::new();
    for seed in SEEDS {
        for (purpose, number) in PURPOSES {
            assert_eq!(purpose as u32, number);
            for (step, index) in [(0, 0), (1, 0), (0, 1), (77, 3), (u32::MAX, LAST_INDEX)] {
                addresses.push((seed, Draw::new(step, purpose, index), number << 24 | index));
            }
        }
    }
    addresses
}

#[test]
fn numbers_are_the_documented_function_of_the_address() {
    const TWO_52: f64 = (1u64 << 52) as f64;
    let chains: Vec<u32> = (0..37).chain([1 << 16, 1 << 31, u32::MAX]).collect();
    let (dim, n) = (11, chains.len());
    let mut worst = 0.0f64;
    for (seed, draw, tag) in addresses() {
        let (noise, key) = (Philox::new(seed), [seed as u32, (seed >> 32) as u32]);
        let found = normals::<f64>(&noise, draw, &chains, dim);
        let found_uniforms = uniforms::<f64>(&noise, draw, &chains);
        for (i, chain) in chains.iter().enumerate() {
            for j in 0..dim {
                let [a, b, c, d] =
                    foreign_words([*chain, draw.step, j as u32 / 2, tag], key).map(u64::from);
                let open = (((a << 32 | b) >> 12) as f64 + 0.5) / TWO_52;
                let turns = ((c << 32 | d) >> 12) as f64 / TWO_52;
                let angle = std::f64::consts::TAU * turns;
                let expected =
                    (-2.0 * open.ln()).sqrt() * if j % 2 == 0 { angle.cos() } else { angle.sin() };
                worst = worst.max((found[j * n + i] - expected).abs());
            }
            // The uniform of a draw stands where no normal does.
            let [a, b, ..] = foreign_words([*chain, draw.step, u32::MAX, tag], key).map(u64::from);
            assert_eq!(found_uniforms[i], (((a << 32 | b) >> 12) as f64 + 0.5) / TWO_52);
        }
    }
    println!("largest distance from std's ln, cos and sin: {worst:.1e}");
    assert!(worst < 1e-14, "{worst:e}");
}

#[test]
fn normals_in_f32_are_those_in_f64_rounded() {
    for (seed, draw, _) in addresses() {
        for (chains, dim) in [(first_chains(1000), 3), (vec![u32::MAX - 1, 5, 0], 8)] {
            let wide = normals::<f64>(&Philox::new(seed), draw, &chains, dim);
            let narrow = normals::<f32>(&Philox::new(seed), draw, &chains, dim);
            assert!(
                wide.iter()
                    .zip(&narrow)
                    .all(|(z, rounded)| (*z as f32).to_bits() == rounded.to_bits())
            );
            let [u, v] = [
                uniforms::<f64>(&Philox::new(seed), draw, &chains),
                uniforms::<f32>(&Philox::new(seed), draw, &chains),
            ];
            assert_eq!(bits(&u), bits(&v));
        }
    }
}

// --------------------------------------------------------------------------------------------------------------
// laws

/// Nine checks over 8000 normals per step: moments, signs, tails. How many lay beyond ±5 is
/// returned.
fn check_moments(checks: &mut Checks, noise: &dyn Noise<f64>, steps: u32) -> u32 {
    let chains = first_chains(1000);
    let mut out = vec![0.0; 8000];
    let n = f64::from(steps) * out.len() as f64;
    let [mut sum, mut sum_of_squares, mut third, mut fourth] = [0.0f64; 4];
    let mut positive = 0u32;
    // Beyond the ziggurat's last layer, where tables go wrong (rust-lang/rust#10196), and far out;
    // each side by itself.
    let bounds = [3.4426, 5.0];
    let mut beyond = [[0u32; 2]; 2];
    for step in 0..steps {
        noise.normals(Draw::new(step, Purpose::Increment, 0), &chains, &mut out);
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
    // Hermite polynomials carry what is new in a moment: E z⁴ = 3 ⇔ E (z⁴ − 6 z² + 3) = 0 where E
    // z² = 1.
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
        let z = normals(noise, Draw::new(step, Purpose::Path, 1), &chains, 8);
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
        .for_each(|step| u.extend(uniforms(noise, Draw::new(step, Purpose::Coin, 0), &chains)));
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
    // Of 10⁸ normals 57 are out there. One seed alone, with 14, could not tell a tail that is
    // missing from bad luck.
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
        let pairs = normals::<f64>(&Philox::new(seed), Draw::new(3, Purpose::Start, 0), &chains, 2);
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

// ------------------------------------------------------------------------------------------------------
// independence

/// Two checks.
fn check_uncorrelated(checks: &mut Checks, what: &str, a: &[f64], b: &[f64]) {
    checks.accept(what, correlation_p(a, b));
    checks.accept(&format!("squares: {what}"), square_correlation_p(a, b));
}

/// Where neighbours differ from `home`, in everything but chain, coordinate and seed.
fn neighbouring_draws() -> Vec<(&'static str, Draw, Draw)> {
    let draw = Draw::new;
    let mut pairs = vec![
        ("steps 0, 1", draw(0, Purpose::Path, 2), draw(1, Purpose::Path, 2)),
        ("steps 7, 8", draw(7, Purpose::Path, 2), draw(8, Purpose::Path, 2)),
        ("indices 0, 1", draw(7, Purpose::Path, 0), draw(7, Purpose::Path, 1)),
        (
            "the last index and the first",
            draw(7, Purpose::Path, LAST_INDEX),
            draw(7, Purpose::Path, 0),
        ),
        (
            "the last index and the next purpose",
            draw(7, Purpose::Path, LAST_INDEX),
            draw(7, Purpose::Coin, 0),
        ),
    ];
    for purposes in PURPOSES.windows(2) {
        pairs.push(("purposes", draw(7, purposes[0].0, 0), draw(7, purposes[1].0, 0)));
    }
    pairs
}

/// Adjacent chains: those that differ in one bit, and those that carry.
fn neighbouring_chains(count: u32) -> [(&'static str, Vec<u32>, Vec<u32>); 2] {
    let every_second = |first: u32| (0..count).map(|i| 2 * i + first).collect();
    [
        ("chains 2i, 2i + 1", every_second(0), every_second(1)),
        ("chains 2i + 1, 2i + 2", every_second(1), every_second(2)),
    ]
}

fn neighbouring_seeds() -> Vec<[u64; 2]> {
    let mut pairs = vec![[0, 1], [u64::MAX - 1, u64::MAX]];
    for bit in [31, 32, 63] {
        pairs.extend([0, 0xDEAD_BEEF, u64::MAX].map(|seed| [seed, seed ^ 1 << bit]));
    }
    pairs.push([0xDEAD_BEEF, 0xDEAD_BEEF << 32]);
    pairs
}

#[test]
fn normals_of_neighbouring_streams_are_uncorrelated() {
    // A million numbers of either stream: 65536 chains with 16 coordinates.
    let (chains, dim) = (first_chains(1 << 16), 16);
    let mut checks = Checks::default();
    for seed in SEEDS {
        let noise = Philox::new(seed);
        for (what, one, other) in neighbouring_draws() {
            let [a, b] = [one, other].map(|draw| normals::<f64>(&noise, draw, &chains, dim));
            check_uncorrelated(&mut checks, what, &a, &b);
        }
        let home = Draw::new(7, Purpose::Path, 2);
        for (what, one, other) in neighbouring_chains(1 << 16) {
            let [a, b] = [one, other].map(|chains| normals::<f64>(&noise, home, &chains, dim));
            check_uncorrelated(&mut checks, what, &a, &b);
        }
        // Across pairs; within a pair is `radius_and_angle_are_independent`.
        let columns = normals::<f64>(&noise, home, &chains, 2 * dim);
        let pick = |first: usize| -> Vec<f64> {
            columns
                .chunks(chains.len())
                .skip(first)
                .step_by(2)
                .take(dim - 1)
                .flatten()
                .copied()
                .collect()
        };
        check_uncorrelated(&mut checks, "coordinates 2j + 1, 2j + 2", &pick(1), &pick(2));
    }
    checks.finish(120);
}

#[test]
fn normals_of_neighbouring_seeds_are_uncorrelated() {
    let (chains, draw) = (first_chains(1 << 16), Draw::new(7, Purpose::Path, 2));
    let mut checks = Checks::default();
    for seeds in neighbouring_seeds() {
        let [a, b] = seeds.map(|seed| normals::<f64>(&Philox::new(seed), draw, &chains, 16));
        check_uncorrelated(&mut checks, &format!("seeds {seeds:x?}"), &a, &b);
    }
    checks.finish(24);
}

#[test]
fn uniforms_of_neighbouring_streams_are_uncorrelated() {
    let chains = first_chains(1 << 20);
    let mut checks = Checks::default();
    for seed in SEEDS {
        let noise = Philox::new(seed);
        for (what, one, other) in neighbouring_draws().into_iter().take(5) {
            let [u, v] = [one, other].map(|draw| uniforms::<f64>(&noise, draw, &chains));
            checks.accept(what, uniform_correlation_p(&u, &v));
        }
        let coin = Draw::new(7, Purpose::Coin, 0);
        for (what, one, other) in neighbouring_chains(1 << 20) {
            let [u, v] = [one, other].map(|chains| uniforms::<f64>(&noise, coin, &chains));
            checks.accept(what, uniform_correlation_p(&u, &v));
        }
        // The coins of a step against the normals it uses: given the coins, exactly normal again.
        let centred: Vec<f64> =
            uniforms::<f64>(&noise, coin, &chains).iter().map(|u| u - 0.5).collect();
        for purpose in [Purpose::Path, Purpose::Increment] {
            let z = normals::<f64>(&noise, Draw::new(7, purpose, 0), &chains, 1);
            checks.accept("coins and normals", correlation_p(&centred, &z));
        }
    }
    for seeds in neighbouring_seeds() {
        let [u, v] = seeds.map(|seed| {
            uniforms::<f64>(&Philox::new(seed), Draw::new(7, Purpose::Coin, 0), &chains)
        });
        checks.accept(&format!("seeds {seeds:x?}"), uniform_correlation_p(&u, &v));
    }
    checks.finish(48);
}

#[test]
fn different_addresses_give_different_numbers() {
    // Two normals come from one block, of which 104 bits count: two blocks agree in them with
    // probability 2⁻¹⁰⁴, in the rounded normals a few times as often. A million have 5e11 couples,
    // so a right library fails with 3e-20 times a few.
    let chains: Vec<u32> = (0..124).chain([u32::MAX]).collect();
    let (n, pairs) = (chains.len(), 10);
    let mut found = Vec::new();
    for seed in [0, 1, 2, 1 << 32, u64::MAX] {
        for step in [0, 1, 2, 3, u32::MAX] {
            for (purpose, _) in PURPOSES {
                for index in [0, 1, 2, LAST_INDEX] {
                    let z = normals::<f64>(
                        &Philox::new(seed),
                        Draw::new(step, purpose, index),
                        &chains,
                        2 * pairs,
                    );
                    for pair in z.chunks(2 * n) {
                        let both = pair[..n].iter().zip(&pair[n..]);
                        found.extend(
                            both.map(|(x, y)| {
                                u128::from(x.to_bits()) << 64 | u128::from(y.to_bits())
                            }),
                        );
                    }
                }
            }
        }
    }
    assert_eq!(found.len(), 1_000_000);
    found.sort_unstable();
    assert!(found.windows(2).all(|two| two[0] != two[1]));
}

// ------------------------------------------------------------------------------------------------------------
// purity

/// Whatever chains are asked for together, in whatever order and with however many coordinates, the
/// numbers are those of every chain alone.
fn check_pure<F: Real>(noise: &dyn Noise<F>) {
    const DIM: usize = 7;
    let draw = Draw::new(41, Purpose::Path, 3);
    let mut all: Vec<u32> = (0..1000u32).map(|i| i.wrapping_mul(0x9E37_79B9) >> (i % 20)).collect();
    all[..4].copy_from_slice(&[0, u32::MAX, 17, 17]);
    let alone: Vec<Vec<u64>> =
        all.iter().map(|chain| bits(&normals(noise, draw, &[*chain], DIM))).collect();
    let coins: Vec<u64> =
        all.iter().map(|chain| uniforms(noise, draw, &[*chain])[0].to_bits()).collect();
    let mut orders: Vec<Vec<usize>> =
        [1, 2, 15, 16, 17, 31, 33, 1000].map(|length| (0..length).collect()).into();
    orders.push((983..1000).collect());
    orders.push((0..1000).rev().collect());
    orders.push((0..17).rev().collect());
    orders.push((0..1000).map(|i| i * 387 % 1000).collect());
    orders.push((0..1000).step_by(3).collect());
    for order in orders {
        let chains: Vec<u32> = order.iter().map(|i| all[*i]).collect();
        for dim in 1..=DIM {
            let found = bits(&normals(noise, draw, &chains, dim));
            for (row, i) in order.iter().enumerate() {
                assert!(
                    (0..dim).all(|j| found[j * chains.len() + row] == alone[*i][j]),
                    "chain {}, dim {dim}",
                    all[*i]
                );
            }
        }
        let expected: Vec<u64> = order.iter().map(|i| coins[*i]).collect();
        assert_eq!(bits(&uniforms(noise, draw, &chains)), expected);
    }
    noise.normals(draw, &[], &mut []);
    noise.uniforms(draw, &[], &mut []);
}

#[test]
fn numbers_do_not_depend_on_who_else_is_asked_for() {
    for seed in SEEDS {
        check_pure::<f64>(&Philox::new(seed));
        check_pure::<f32>(&Philox::new(seed));
        check_pure::<f64>(&Generator::<ChaCha8Rng>::new(seed));
        check_pure::<f32>(&Generator::<ChaCha8Rng>::new(seed));
        check_pure::<f64>(&Generator::<Xoshiro256PlusPlus>::new(seed));
        check_pure::<f32>(&Generator::<Xoshiro256PlusPlus>::new(seed));
    }
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

// ---------------------------------------------------------------------------------------------------
// value stability

/// Address and bits of its first three normals and of its uniform.
type Pin = ((u64, Draw, u32), [u64; 3], u64);

/// Changing a number here needs a "Value-breaking" line in CHANGELOG.md: every result of every run
/// changes with it.
fn pins() -> [Pin; 5] {
    let draw = Draw::new;
    [
        (
            (0, draw(0, Purpose::Increment, 0), 0),
            [0xBFBF_1BCD_5498_3807, 0xBFF5_99BB_D8A9_EDA7, 0x3FF1_2386_9522_3C92],
            0x3FDE_FE91_39C9_CF4A,
        ),
        (
            (1, draw(1, Purpose::Path, 2), 3),
            [0x3FBA_2D18_3263_72A2, 0xBFEC_8DC9_CCDF_2C3D, 0x3FEF_5568_DC2A_AB31],
            0x3FEF_5AF8_7F12_0117,
        ),
        (
            (7, draw(300, Purpose::Coin, 15), 999),
            [0xBFEF_8139_5E5B_2D41, 0x3FDA_8E55_8BA5_1BE8, 0x3FE0_E3D8_1382_4DC8],
            0x3FEF_B031_45C2_D017,
        ),
        (
            (0xDEAD_BEEF, draw(0, Purpose::Start, 0), 1 << 20),
            [0xBFE7_8913_D472_DD73, 0xBFE8_35F4_7EB5_F289, 0x3FAC_8013_6808_9FAF],
            0x3FB9_0112_9F87_5608,
        ),
        (
            (u64::MAX, draw(u32::MAX, Purpose::User, LAST_INDEX), u32::MAX),
            [0xBFDE_59C1_7A55_745B, 0xBFFF_C16F_BD04_9997, 0xBFE7_B3E4_716C_EB04],
            0x3FD0_23C9_DB50_720E,
        ),
    ]
}

/// FNV-1a over the words.
fn hash(words: &[u64]) -> u64 {
    words
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01B3))
}

#[test]
fn pinned_values() {
    for ((seed, draw, chain), three_normals, uniform) in pins() {
        let noise = Philox::new(seed);
        assert_eq!(
            bits(&normals::<f64>(&noise, draw, &[chain], 3)),
            three_normals,
            "{seed:#x} {draw:?} {chain}"
        );
        assert_eq!(
            bits(&uniforms::<f64>(&noise, draw, &[chain])),
            [uniform],
            "{seed:#x} {draw:?} {chain}"
        );
    }
    // A hundred thousand at once, for what shows in few of them: the last bit of a logarithm, a
    // lane.
    let many = normals::<f64>(
        &Philox::new(1),
        Draw::new(0, Purpose::Increment, 0),
        &first_chains(10_001),
        10,
    );
    assert_eq!(hash(&bits(&many)), 0xAEA0_FABE_B47C_C354);
}

#[test]
fn every_instruction_set_gives_the_pinned_values() {
    // The choice is made once per process, so other choices need other processes; a set that is
    // missing falls back.
    for instruction_set in ["baseline", "avx2", "avx512"] {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["pinned_values", "--exact"])
            .env("LANGEVIN_SIMD", instruction_set)
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && report.contains("1 passed"),
            "{instruction_set}: {report}"
        );
    }
}
