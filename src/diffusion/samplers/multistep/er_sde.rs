//! ER-SDE solvers of orders 1 to 3: reverse SDEs with a noise that depends on the level.

use super::steps::Steps;
use super::weights::{GAUSS, MOST_NODES};
use super::{Family, Rule};
use crate::error::{Result, count};
use crate::options::{by_name, named_value};

/// The function φ(σ) = σ ψ(σ) that sets the noise of the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoiseFunction {
    /// φ = σ: the probability flow, without noise.
    Flow,
    /// φ = σ²: the noise of DDPM.
    Ddpm,
    /// φ = σ (e^(σ^0.3) + 10), that of the paper.
    #[default]
    Er,
}

impl NoiseFunction {
    /// All functions.
    pub const ALL: [Self; 3] = [Self::Flow, Self::Ddpm, Self::Er];

    /// Its name: `flow`, `ddpm` or `er`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Ddpm => "ddpm",
            Self::Er => "er",
        }
    }

    /// log ψ(σ).
    fn log_share(self, sigma: f64) -> f64 {
        match self {
            Self::Flow => 0.0,
            Self::Ddpm => libm::log(sigma),
            Self::Er => {
                let exponent = libm::pow(sigma, 0.3);
                exponent + libm::log1p(10.0 * libm::exp(-exponent))
            }
        }
    }

    /// log φ(σ).
    fn log(self, sigma: f64) -> f64 {
        libm::log(sigma) + self.log_share(sigma)
    }
}

by_name!(NoiseFunction, "noise function");

named_value!(NoiseFunction);

/// The longest panel of a quadrature, in log σ.
const LONGEST_PANEL: f64 = 1.0;

/// ER-SDE of order 1, 2 or 3.
///
/// ```text
/// x⁺ = √(ᾱ_s/ᾱ_t) R x + √ᾱ_s D + N(0, (1−ᾱ_s)(1 − e^(−2Θ)))
/// R = φ_s/φ_t        Θ = log ψ(σ_t) − log ψ(σ_s)
/// D = (1−R) b + κ₁ d + κ₂ d₂
/// κ₁ = σ_s − σ_t + φ_s ∫ dσ/φ        κ₂ = ½(σ_s−σ_t)² + φ_s ∫ (σ−σ_t) dσ/φ      from σ_s to σ_t
/// d₂ = 2 f[σ_t, σ₋₁, σ₋₂]            d = f[σ_t, σ₋₁], for order 3 + ½(σ_t−σ₋₁) d₂
/// ```
///
/// f[…] are divided differences of the outputs in σ. The integrals have 8 Gauss–Legendre nodes for
/// each unit of log σ.
///
/// Source: Cui et al. 2023 (arXiv 2309.06169). Deviations: the authors' program and others take
/// sums of 100 or 200 rectangles, which are 0.3 % off, and leave out the last term of d, so that
/// their third order is of second order.
#[derive(Clone, Debug, PartialEq)]
pub struct ErSde {
    order: usize,
    function: NoiseFunction,
}

impl ErSde {
    /// The solver of this order.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the order is not 1, 2 or 3.
    pub fn new(order: usize, function: NoiseFunction) -> Result<Self> {
        count("order", order, 1, 3, "1, 2 or 3")?;
        Ok(Self { order, function })
    }

    /// φ_s ∫ (σ − σ_t)ᵏ dσ/φ from σ_s to σ_t, for k = 0 and 1.
    fn integrals(&self, from: f64, to: f64) -> [f64; 2] {
        let [a, b] = [libm::log(to), libm::log(from)];
        // Eight nodes are exact to rounding over a panel of this length, and lose digits beyond.
        let panels = libm::ceil((b - a) / LONGEST_PANEL).clamp(1.0, 1000.0);
        let half = 0.5 * (b - a) / panels;
        let end = self.function.log(to);
        let mut sums = [0.0; 2];
        for panel in 0..panels as usize {
            let middle = a + half * (2 * panel + 1) as f64;
            for [node, weight] in GAUSS {
                for sign in [-1.0, 1.0] {
                    let sigma = libm::exp(middle + sign * half * node);
                    // dσ = σ d(log σ)
                    let value = half * weight * sigma * libm::exp(end - self.function.log(sigma));
                    sums[0] += value;
                    sums[1] += value * (sigma - from);
                }
            }
        }
        sums
    }
}

impl Family for ErSde {
    fn memory(&self) -> u8 {
        (self.order.max(2) - 1) as u8
    }

    fn rule(&self, steps: &Steps, step: usize) -> Rule {
        let span = steps.span(step);
        let [from, to] = [span.from.sigma(), span.to.sigma()];
        let nodes = steps.nodes(step, self.order);
        if to == 0.0 {
            let mut gains = [0.0; MOST_NODES + 1];
            gains[0] = 1.0;
            return Rule { propagator: 0.0, gains, variance: 0.0 };
        }
        let theta = match from.is_infinite() {
            true if self.function == NoiseFunction::Flow => 0.0,
            true => f64::INFINITY,
            false => self.function.log_share(from) - self.function.log_share(to),
        };
        let log_ratio = libm::log(to) - libm::log(from) - theta;
        let mut rule = steps.rule(step, theta, &[-libm::expm1(log_ratio), 0.0, 0.0, 0.0]);
        if nodes == 1 {
            return rule;
        }
        let [zeroth, first] = self.integrals(from, to);
        let change = to - from;
        let slope = change + zeroth;
        let scale = span.to.signal();
        let sigma = |back: usize| steps.level(step - back).sigma();
        // f[σ_t, σ₋₁] = (b − m₁)/(σ_t − σ₋₁)
        let near = 1.0 / (from - sigma(1));
        let mut weights = [slope * near, -slope * near, 0.0];
        if nodes > 2 {
            // ½ d₂ = f[σ_t, σ₋₁, σ₋₂] = (f[σ_t, σ₋₁] − f[σ₋₁, σ₋₂])/(σ_t − σ₋₂)
            let far = 1.0 / (sigma(1) - sigma(2));
            let whole = 1.0 / (from - sigma(2));
            let half_second = [near * whole, -(near + far) * whole, far * whole];
            let curve = 0.5 * change * change + first;
            let factor = 2.0 * curve + slope * (from - sigma(1));
            (0..3).for_each(|j| weights[j] += factor * half_second[j]);
        }
        (0..3).for_each(|j| rule.gains[j] += scale * weights[j]);
        rule
    }
}
