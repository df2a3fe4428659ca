//! Monte-Carlo assertions: p-values of statistics, exact or proven bounds, and a count of them.

use langevin::metrics::{gamma_lower, gamma_upper};

/// The false-alarm rate of one assertion.
pub const LEVEL: f64 = 1e-9;

/// The Monte-Carlo assertions of one test, counted.
#[derive(Default)]
pub struct Checks {
    made: usize,
    smallest: Option<f64>,
}

impl Checks {
    /// Fails if the p-value is below the level.
    pub fn accept(&mut self, what: &str, p_value: f64) {
        self.made += 1;
        self.smallest = Some(self.smallest.unwrap_or(1.0).min(p_value));
        assert!(p_value >= LEVEL, "{what}: p-value {p_value:e} below {LEVEL:e}");
    }

    /// Fails if the number of assertions is not the stated one.
    pub fn finish(self, stated: usize) {
        println!(
            "{} assertions at {LEVEL:e}, smallest p-value {:.1e}",
            self.made,
            self.smallest.unwrap()
        );
        assert_eq!(self.made, stated, "the header of main.rs states another number of assertions");
    }
}

/// P(|Z| ≥ |`value`|) for a standard normal Z: exact.
pub fn normal_p(value: f64) -> f64 {
    gamma_upper(0.5, value * value / 2.0).unwrap()
}

/// Two-sided p-value of a chi-square statistic: exact where the statistic has that distribution.
pub fn chi_square_p(statistic: f64, degrees_of_freedom: f64) -> f64 {
    let [shape, x] = [degrees_of_freedom / 2.0, statistic / 2.0];
    2.0 * gamma_lower(shape, x).unwrap().min(gamma_upper(shape, x).unwrap())
}

/// Two-sided bound for a binomial count with mean `expected`. Outside expected ± 1 its tails are
/// below those of the Poisson distribution with the same mean (Anderson & Samuels 1967). Inside no
/// count is rare.
pub fn rare_count_p(count: f64, expected: f64) -> f64 {
    let at_least = if count > 0.0 { gamma_lower(count, expected).unwrap() } else { 1.0 };
    2.0 * at_least.min(gamma_upper(count + 1.0, expected).unwrap())
}

/// Two-sided bound for `count` heads of n fair coins (Hoeffding): 2 exp(−2 n (count/n − ½)²).
pub fn fair_coin_p(count: f64, n: f64) -> f64 {
    2.0 * (-2.0 * n * (count / n - 0.5).powi(2)).exp()
}

/// Bound on P(√n D ≥ x) for the Kolmogorov–Smirnov distance D of n uniforms: 2 exp(−2 x²) for every
/// n (Massart 1990).
pub fn kolmogorov_p(mut uniforms: Vec<f64>) -> f64 {
    uniforms.sort_unstable_by(f64::total_cmp);
    let n = uniforms.len() as f64;
    let distance = |(i, u): (usize, &f64)| (u - i as f64 / n).max((i + 1) as f64 / n - u);
    let largest = uniforms.iter().enumerate().map(distance).fold(0.0, f64::max);
    2.0 * (-2.0 * n * largest * largest).exp()
}

/// Pearson's chi-square over equally probable cells, two-sided: too even is as wrong as too uneven.
pub fn equal_cells_p(cells: &[u32]) -> f64 {
    let expected = cells.iter().sum::<u32>() as f64 / cells.len() as f64;
    assert!(expected > 900.0);
    let statistic: f64 =
        cells.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    chi_square_p(statistic, cells.len() as f64 - 1.0)
}

/// Two-sided Chernoff bound for the mean `found` of n independent values f(z), z normal, E f = 0:
/// 2 inf_θ exp(n (ln E e^(θ f) − θ found)).
///
/// Any θ gives a valid bound. Those tried surround the best one for small means. The integral is
/// over |z| ≤ 8.58: from 53 bits Box–Muller gives nothing above √(2 · 53 ln 2) = 8.572, and an
/// ideal normal is above it with probability 1e-17. The trapezoidal rule is exact to rounding for
/// such an integrand.
pub fn chernoff_p(f: fn(f64) -> f64, variance: f64, found: f64, n: f64) -> f64 {
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

/// The third Hermite polynomial.
pub fn hermite3(z: f64) -> f64 {
    z * (z * z - 3.0)
}

/// The fourth Hermite polynomial.
pub fn hermite4(z: f64) -> f64 {
    z * z * (z * z - 6.0) + 3.0
}

/// Two checks: that numbers and squares of two sets of normals are uncorrelated.
pub fn check_uncorrelated(checks: &mut Checks, what: &str, a: &[f64], b: &[f64]) {
    checks.accept(what, correlation_p(a, b));
    checks.accept(&format!("squares: {what}"), square_correlation_p(a, b));
}

/// Linear correlation of normals: given any a, Σ a b / |a| is exactly standard normal.
pub fn correlation_p(a: &[f64], b: &[f64]) -> f64 {
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
pub fn square_correlation_p(a: &[f64], b: &[f64]) -> f64 {
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
pub fn uniform_correlation_p(u: &[f64], v: &[f64]) -> f64 {
    assert_eq!(u.len(), v.len());
    let [mut product, mut square] = [0.0; 2];
    for (x, y) in u.iter().zip(v) {
        product += (x - 0.5) * (y - 0.5);
        square += (x - 0.5) * (x - 0.5);
    }
    2.0 * (-6.0 * product * product / square).exp()
}
