//! SA-Solver: stochastic Adams predictor and corrector on the reverse SDE.

use super::nodes::{Choice, Weights, add_correction};
use super::steps::Steps;
use super::two_nodes::TwoNodes;
use super::weights::MOST_NODES;
use super::{Family, Rule};
use crate::diffusion::schedule::{Level, LevelTable};
use crate::error::{Error, Result, count};

/// How much noise the steps have: τ between two levels, and none elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tau {
    value: f64,
    /// The steps that begin at these σ and between them have noise.
    sigmas: [f64; 2],
}

impl Tau {
    /// The same τ in all steps: 0 is the probability flow, 1 the reverse SDE.
    ///
    /// # Errors
    /// [`Error::Invalid`] if τ is not in [0, 1].
    pub fn constant(value: f64) -> Result<Self> {
        Self::between(value, [0.0, f64::INFINITY])
    }

    /// τ in the steps that begin at a σ between these two, ends included, and no noise elsewhere.
    ///
    /// # Errors
    /// [`Error::Invalid`] if τ is not in [0, 1], [`Error::Value`] if the ends are not in order.
    pub fn between(value: f64, sigmas: [f64; 2]) -> Result<Self> {
        if !(0.0..=1.0).contains(&value) {
            let expected = "a number in [0, 1]";
            return Err(Error::Invalid { name: "tau", given: value, expected });
        }
        if !(sigmas[0] >= 0.0 && sigmas[0] <= sigmas[1]) {
            return Err(Error::Value {
                option: "tau-interval".into(),
                given: format!("{},{}", sigmas[0], sigmas[1]),
                expected: "two sigmas LO,HI with 0 <= LO <= HI".into(),
            });
        }
        Ok(Self { value, sigmas })
    }

    /// The timesteps 200 to 800 of 1000, as in the paper and in diffusers: these levels of a table.
    ///
    /// # Errors
    /// As for [`between`](Self::between).
    pub fn customary(table: &LevelTable) -> Result<Self> {
        let n = table.len() as f64;
        let sigma = |share: f64| table.between(share * n + 1.0).map(|level| level.sigma());
        // A last digit must not shut out the level of a bound.
        Self::between(1.0, [sigma(0.2)? * (1.0 - 1e-12), sigma(0.8)? * (1.0 + 1e-12)])
    }

    /// The same steps with another τ.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not in [0, 1].
    pub fn with_value(self, value: f64) -> Result<Self> {
        Self::between(value, self.sigmas)
    }

    fn at(&self, level: Level) -> f64 {
        let sigma = level.sigma();
        let inside = self.sigmas[0] <= sigma && sigma <= self.sigmas[1];
        if inside { self.value } else { 0.0 }
    }
}

/// SA-Solver with p outputs in the predictor and q in the corrector.
///
/// ```text
/// predict  x⁺ = √((1−ᾱ_s)/(1−ᾱ_t)) e^(−τ²h) x + √ᾱ_s Σ_j w_j m_j + N(0, (1−ᾱ_s)(1 − e^(−2τ²h)))
/// correct  the same step with the same noise, of q outputs, that at the predicted point among them
/// ```
///
/// The weights are integrals of the interpolating polynomial with c = 1 + τ², and y/2 for two
/// outputs. The correction is made in the next step, as for [`UniPc`](super::UniPc): one evaluation
/// per step. τ is constant over a step.
///
/// Source: Xue et al. 2023 (arXiv 2309.05019), as in diffusers. Deviation: diffusers 0.42 stops at
/// the last noised level; here the last step goes to the clean end.
#[derive(Clone, Debug, PartialEq)]
pub struct SaSolver {
    predictor: usize,
    corrector: usize,
    tau: Tau,
}

impl SaSolver {
    /// The solver with these numbers of outputs; a corrector of 0 outputs is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the predictor has not 1 to 4, or the corrector more than 4.
    pub fn new(predictor: usize, corrector: usize, tau: Tau) -> Result<Self> {
        count("predictor", predictor, 1, MOST_NODES, "from 1 to 4 outputs")?;
        count("corrector", corrector, 0, MOST_NODES, "from 0 to 4 outputs")?;
        Ok(Self { predictor, corrector, tau })
    }

    /// y = (1 + τ²) h of a step.
    fn y(&self, steps: &Steps, step: usize) -> f64 {
        let tau = self.tau.at(steps.level(step));
        (1.0 + tau * tau) * steps.span(step).h
    }

    fn predicted(&self, steps: &Steps, step: usize) -> Weights {
        let count = steps.nodes(step, self.predictor);
        let choice = Choice { count, corrects: false, two_nodes: TwoNodes::Linear };
        choice.weights(steps, step, self.y(steps, step))
    }
}

impl Family for SaSolver {
    fn memory(&self) -> u8 {
        self.predictor.max(self.corrector.max(2) - 1).min(MOST_NODES) as u8
    }

    fn rule(&self, steps: &Steps, step: usize) -> Rule {
        let tau = self.tau.at(steps.level(step));
        let own = self.predicted(steps, step).own;
        // τ² h is not a number where τ = 0 and h is infinite.
        let theta = if tau == 0.0 { 0.0 } else { tau * tau * steps.span(step).h };
        let mut rule = steps.rule(step, theta, &own);
        let none = self.corrector == 0 || step == 0 || rule.propagator == 0.0;
        if none || steps.span(step - 1).h.is_infinite() {
            return rule;
        }
        let before = self.predicted(steps, step - 1).own;
        let count = (self.corrector - 1).min(steps.nodes(step - 1, MOST_NODES));
        let choice = Choice { count, corrects: true, two_nodes: TwoNodes::Linear };
        let corrector = choice.weights(steps, step - 1, self.y(steps, step - 1));
        add_correction(&mut rule, steps.level(step).signal(), &corrector, &before);
        rule
    }
}
