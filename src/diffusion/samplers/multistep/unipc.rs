//! UniPC: a predictor and a corrector on the probability flow, with one evaluation per step.

use super::nodes::{Choice, Weights, add_correction};
use super::steps::Steps;
use super::two_nodes::TwoNodes;
use super::{Family, Rule};
use crate::error::{Result, count};
use crate::options::{by_name, named_value};

/// The function B(h) of UniPC, which matters only where a rule has two outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variant {
    /// B(h) = h.
    Bh1,
    /// B(h) = e^h − 1, the customary one.
    #[default]
    Bh2,
}

impl Variant {
    /// Both variants.
    pub const ALL: [Self; 2] = [Self::Bh1, Self::Bh2];

    /// Its name: `bh1` or `bh2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bh1 => "bh1",
            Self::Bh2 => "bh2",
        }
    }

    fn two_nodes(self) -> TwoNodes {
        match self {
            Self::Bh1 => TwoNodes::Linear,
            Self::Bh2 => TwoNodes::Midpoint,
        }
    }
}

by_name!(Variant, "variant of UniPC");

named_value!(Variant);

/// UniPC of order p = 1, 2 or 3.
///
/// ```text
/// predict  x⁺ = A x + √ᾱ_s Σ_j w_j m_j          p outputs, m₀ = b
/// correct  the same step with p + 1 outputs, the one at the predicted point among them
/// ```
///
/// The output at the predicted point is the b of the next step, so the correction is made there:
///
/// ```text
/// x⁺ = A (x + e) + √ᾱ_s Σ_j w_j m_j
/// e  = √ᾱ_t [ w′_new b + Σ_j (w′_j − w_j) m_{j+1} ]        w, w′: predictor and corrector before
/// ```
///
/// The predicted point is what a run records, and the last one is not corrected. The order is at
/// most the number of steps that are left.
///
/// Source: Zhao et al. 2023 (arXiv 2302.09867). Deviation: none; diffusers 0.42 gives NaN at the
/// clean end with `bh1`.
#[derive(Clone, Debug, PartialEq)]
pub struct UniPc {
    order: usize,
    variant: Variant,
}

impl UniPc {
    /// The solver of this order.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the order is not 1, 2 or 3.
    pub fn new(order: usize, variant: Variant) -> Result<Self> {
        count("order", order, 1, 3, "1, 2 or 3")?;
        Ok(Self { order, variant })
    }

    fn predictor(&self, steps: &Steps, step: usize) -> Weights {
        let count = steps.nodes(step, self.order);
        let choice = Choice { count, corrects: false, two_nodes: self.variant.two_nodes() };
        choice.weights(steps, step, steps.span(step).h)
    }
}

impl Family for UniPc {
    fn memory(&self) -> u8 {
        self.order as u8
    }

    fn rule(&self, steps: &Steps, step: usize) -> Rule {
        let own = self.predictor(steps, step).own;
        let mut rule = steps.rule(step, 0.0, &own);
        // The step from pure noise has no corrector: its nodes are infinitely far apart.
        if step == 0 || steps.span(step - 1).h.is_infinite() || rule.propagator == 0.0 {
            return rule;
        }
        let before = self.predictor(steps, step - 1).own;
        let corrector = Choice {
            count: steps.nodes(step - 1, self.order),
            corrects: true,
            two_nodes: self.variant.two_nodes(),
        };
        let corrector = corrector.weights(steps, step - 1, steps.span(step - 1).h);
        add_correction(&mut rule, steps.level(step).signal(), &corrector, &before);
        rule
    }
}
