//! DEIS: exponential integrator of the probability flow with a polynomial of the noise.

use super::steps::Steps;
use super::weights::{MOST_NODES, lagrange, moments_before};
use super::{Family, Rule};
use crate::diffusion::prediction::Prediction;
use crate::error::{Result, count};

/// DEIS of order p = 1, 2 or 3 in log ρ; its outputs are ε̂.
///
/// ```text
/// x⁺ = √(ᾱ_s/ᾱ_t) x − √ᾱ_s σ_t Σ_j w_j m_j        m₀ = b,  w_j = ∫₀ʰ e^(−u) L_j(u) du
/// ```
///
/// L_j are the Lagrange polynomials on the nodes 0, λ₋₁ − λ_t, … Order 1 is DDIM.
///
/// Source: Zhang & Chen 2022 (arXiv 2204.13902), as in diffusers. Deviation: diffusers 0.42 stops
/// at the last noised level; here the last step goes to the clean end.
#[derive(Clone, Debug, PartialEq)]
pub struct Deis {
    order: usize,
}

impl Deis {
    /// The solver of this order.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the order is not 1, 2 or 3.
    pub fn new(order: usize) -> Result<Self> {
        count("order", order, 1, 3, "1, 2 or 3")?;
        Ok(Self { order })
    }
}

impl Family for Deis {
    fn memory(&self) -> u8 {
        (self.order.max(2) - 1) as u8
    }

    fn prediction(&self) -> Prediction {
        Prediction::Epsilon
    }

    fn rule(&self, steps: &Steps, step: usize) -> Rule {
        let span = steps.span(step);
        let count = steps.nodes(step, self.order);
        let places = steps.places(step, count);
        let weights = lagrange(&places[..count], &moments_before(span.h));
        let growth = libm::exp(0.5 * (span.to.log_alpha_bar() - span.from.log_alpha_bar()));
        let scale = -span.to.signal() * span.from.sigma();
        let mut gains = [0.0; MOST_NODES + 1];
        (0..count).for_each(|j| gains[j] = scale * weights[j]);
        Rule { propagator: growth, gains, variance: 0.0 }
    }
}
