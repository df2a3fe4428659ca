//! Means and standard deviations by quadrature.

use crate::targets::{Known, SIGMA, Y};

/// Sums of a weight, and of values and their squares times the weight.
struct Sums {
    weight: f64,
    /// E[v] and E[v²] for each coordinate.
    values: Vec<[f64; 2]>,
}

impl Sums {
    fn new(dim: usize) -> Self {
        Self { weight: 0.0, values: vec![[0.0; 2]; dim] }
    }

    /// Adds coordinate j with this conditional mean and variance.
    fn add(&mut self, j: usize, weight: f64, mean: f64, variance: f64) {
        self.values[j][0] += weight * mean;
        self.values[j][1] += weight * (mean * mean + variance);
    }

    fn known(&self) -> Known {
        let mean: Vec<f64> = self.values.iter().map(|v| v[0] / self.weight).collect();
        let sd = self.values.iter().zip(&mean).map(|(v, m)| (v[1] / self.weight - m * m).sqrt());
        Known { sd: sd.collect(), mean }
    }
}

/// The eight schools, non-centred or centred.
///
/// ```text
/// yⱼ | μ, τ ~ N(μ, σⱼ² + τ²)                   μ | τ is Gaussian with precision A and mean m
/// tⱼ | μ, τ ~ N(τ (yⱼ − μ) / (σⱼ² + τ²), σⱼ² / (σⱼ² + τ²))            θⱼ = μ + τ tⱼ
/// ```
///
/// So one integral is left, over log τ.
pub fn schools(centred: bool) -> Known {
    let mut sums = Sums::new(10);
    // The density falls as τ below and as 1/τ⁸ above.
    for i in -20_000..=5_000 {
        let log_tau = 2e-3 * f64::from(i);
        let tau = log_tau.exp();
        let variance = SIGMA.map(|sigma| sigma * sigma + tau * tau);
        let mut precision = 1.0 / 25.0;
        let mut b = 0.0;
        let mut log = log_tau - (1.0 + tau * tau / 25.0).ln();
        for j in 0..8 {
            precision += 1.0 / variance[j];
            b += Y[j] / variance[j];
            log -= 0.5 * (variance[j].ln() + Y[j] * Y[j] / variance[j]);
        }
        let mean = b / precision;
        let weight = (log + 0.5 * b * mean - 0.5 * precision.ln() + 25.0).exp();
        sums.weight += weight;
        sums.add(0, weight, mean, 1.0 / precision);
        sums.add(1, weight, log_tau, 0.0);
        for j in 0..8 {
            let slope = tau / variance[j];
            let own = SIGMA[j] * SIGMA[j] / variance[j];
            // θⱼ = (1 − τ slope) μ + τ slope yⱼ + τ · noise.
            let on_mu = if centred { 1.0 - tau * slope } else { -slope };
            let unit = if centred { tau } else { 1.0 };
            let spread = on_mu * on_mu / precision + unit * unit * own;
            sums.add(2 + j, weight, on_mu * mean + unit * slope * Y[j], spread);
        }
    }
    sums.known()
}

/// The density exp(−2 (x² − 1)²). The trapezoidal rule is exact to rounding for a smooth function
/// that vanishes at both ends.
pub fn double_well() -> Known {
    let mut sums = Sums::new(1);
    for i in -4000..=4000 {
        let x = 1e-3 * f64::from(i);
        let weight = (-2.0 * (x * x - 1.0).powi(2)).exp();
        sums.weight += weight;
        sums.add(0, weight, x, 0.0);
    }
    sums.known()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E[∂ log π / ∂μ] = 0, by partial integration.
    #[test]
    fn the_gradient_of_the_schools_has_no_mean() {
        let known = schools(true);
        let rest = |j: usize| (Y[j] - known.mean[2 + j]) / (SIGMA[j] * SIGMA[j]);
        let sum: f64 = (0..8).map(rest).sum();
        assert!((sum - known.mean[0] / 25.0).abs() < 1e-10);
    }
}
