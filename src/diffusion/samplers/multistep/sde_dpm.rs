//! SDE-DPM-Solver++ of orders 1 to 3, and DPM-Solver++ without noise.

use super::nodes::Choice;
use super::steps::Steps;
use super::two_nodes::TwoNodes;
use super::weights::{lagrange, moments};
use super::{Family, Rule};
use crate::error::{Error, Result, count};

/// SDE-DPM-Solver++ of order 1, 2 or 3, between the probability flow (η = 0, DPM-Solver++) and the
/// reverse SDE (η = 1).
///
/// ```text
/// x⁺ = √((1−ᾱ_s)/(1−ᾱ_t)) e^(−ηh) x + √ᾱ_s D + N(0, (1−ᾱ_s)(1 − e^(−2ηh)))
/// h = λ_s − λ_t,  λ = ½ log(ᾱ/(1−ᾱ)),  y = (1+η) h,  M₀ = 1−e^(−y), M₁ = 1−M₀/y, M₂ = 1−2M₁/y
/// 1   D = M₀ b
/// 2   D = M₀ b + κ d                      d = (b − m₁) h/(λ_t − λ₋₁)
/// 3   D = M₀ b + M₁ d + M₂ d₂             d, d₂: first and half the second derivative, times h, h²
/// ```
///
/// Order 1 with η = 1 is the posterior of DDPM. Order 3 has [`TwoNodes::Exact`] for the integral of
/// the parabola. Other programs have M₂/2 in place of M₂, which is of second order, and so has
/// [`TwoNodes::Midpoint`] here.
///
/// Source: Lu et al. 2022 (arXiv 2211.01095). Deviation: the exact third order. diffusers 0.42 has
/// a wrong sign in its stochastic third order.
#[derive(Clone, Debug, PartialEq)]
pub struct SdeDpm {
    order: usize,
    eta: f64,
    rule: TwoNodes,
}

impl SdeDpm {
    /// The solver of this order.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the order is not 1, 2 or 3, or η is not in [0, 1].
    pub fn new(order: usize, eta: f64, rule: TwoNodes) -> Result<Self> {
        count("order", order, 1, 3, "1, 2 or 3")?;
        if !(0.0..=1.0).contains(&eta) {
            return Err(Error::Invalid { name: "eta", given: eta, expected: "a number in [0, 1]" });
        }
        Ok(Self { order, eta, rule })
    }
}

impl Family for SdeDpm {
    fn memory(&self) -> u8 {
        (self.order.max(2) - 1) as u8
    }

    fn rule(&self, steps: &Steps, step: usize) -> Rule {
        let span = steps.span(step);
        // η h is not a number where η = 0 and h is infinite.
        let theta = if self.eta == 0.0 { 0.0 } else { self.eta * span.h };
        let y = (1.0 + self.eta) * span.h;
        let count = steps.nodes(step, self.order);
        let weights = if count == 3 && self.rule != TwoNodes::Exact {
            let mut halved = moments(y);
            halved[2] *= 0.5;
            lagrange(&steps.places(step, count)[..count], &halved)
        } else {
            Choice { count, corrects: false, two_nodes: self.rule }.weights(steps, step, y).own
        };
        steps.rule(step, theta, &weights)
    }
}
