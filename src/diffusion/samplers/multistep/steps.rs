//! The levels of a multistep run, and the nodes that a step interpolates.

use super::Rule;
use super::weights::MOST_NODES;
use crate::diffusion::schedule::{Level, LevelTable};
use crate::error::{Error, Result};

/// The levels of a run from the noise to the data, and how orders start and end.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    levels: Vec<Level>,
    lower_at_end: bool,
}

/// What a step needs: its ends and what lies between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub from: Level,
    pub to: Level,
    /// λ_s − λ_t, λ = ½ log-SNR. It is infinite from pure noise and to the clean end.
    pub h: f64,
}

impl Span {
    /// A = √((1−ᾱ_s)/(1−ᾱ_t)) e^(−Θ) and Q = (1−ᾱ_s)(1 − e^(−2Θ)).
    pub fn reverse(&self, theta: f64) -> [f64; 2] {
        let ratio = self.to.noise() / self.from.noise();
        let variance = self.to.one_minus_alpha_bar() * -libm::expm1(-2.0 * theta);
        [ratio * libm::exp(-theta), variance]
    }
}

impl Steps {
    /// These levels, strictly from the noise to the data. The last is often the clean end.
    ///
    /// # Errors
    /// [`Error::Value`] if there are fewer than two, or one is not less noisy than the one before.
    pub fn new(levels: Vec<Level>) -> Result<Self> {
        let falls = |pair: &[Level]| pair[0] < pair[1];
        if levels.len() < 2 || !levels.windows(2).all(falls) {
            return Err(Error::Value {
                option: "levels of a multistep solver".into(),
                given: format!("{} levels", levels.len()),
                expected: "at least two, each less noisy than the one before".into(),
            });
        }
        Ok(Self { levels, lower_at_end: false })
    }

    /// The levels of a table with these numbers.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    ///
    /// # Panics
    /// If a number is above that of the last level.
    pub fn of(table: &LevelTable, numbers: &[usize]) -> Result<Self> {
        Self::new(numbers.iter().map(|number| table.level(*number)).collect())
    }

    /// With orders that fall to 1 over the last steps: the order is at most the number of steps
    /// that are left.
    pub fn lower_at_end(self, lower: bool) -> Self {
        Self { lower_at_end: lower, ..self }
    }

    /// The number of steps.
    pub fn len(&self) -> usize {
        self.levels.len() - 1
    }

    /// Never true: there is at least one step.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The level at the start of a step; that of step `len` is the end.
    pub fn level(&self, step: usize) -> Level {
        self.levels[step]
    }

    fn half_snr(&self, step: usize) -> f64 {
        0.5 * self.levels[step].log_snr()
    }

    pub(super) fn span(&self, step: usize) -> Span {
        let h = self.half_snr(step + 1) - self.half_snr(step);
        Span { from: self.levels[step], to: self.levels[step + 1], h }
    }

    /// The number of nodes of a step for a rule of this many: as many as there are outputs, 1 for
    /// the step to the clean end and the one from pure noise, and fewer near the end if asked.
    pub(super) fn nodes(&self, step: usize, most: usize) -> usize {
        if self.levels[step + 1] == Level::CLEAN || self.levels[step] == Level::PURE_NOISE {
            return 1;
        }
        // An output at pure noise has its node at −∞.
        let pure = usize::from(self.levels[0] == Level::PURE_NOISE);
        let left = if self.lower_at_end { self.len() - step } else { usize::MAX };
        most.min(step + 1 - pure).min(left).max(1)
    }

    /// The first nodes of a step in units of h: 0, (λ₋₁ − λ_t)/h, …
    pub(super) fn places(&self, step: usize, count: usize) -> [f64; MOST_NODES] {
        let own = self.half_snr(step);
        let h = self.span(step).h;
        let mut places = [0.0; MOST_NODES];
        for (j, place) in places.iter_mut().enumerate().take(count).skip(1) {
            *place = (self.half_snr(step - j) - own) / h;
        }
        places
    }

    /// The step along the reverse SDE of this Θ, with these weights of the outputs of the step and
    /// of earlier ones. From pure noise it forgets x.
    pub(super) fn rule(&self, step: usize, theta: f64, weights: &[f64; MOST_NODES]) -> Rule {
        let span = self.span(step);
        let [propagator, variance] = span.reverse(theta);
        let mut gains = [0.0; MOST_NODES + 1];
        gains.iter_mut().zip(weights).for_each(|(gain, weight)| *gain = span.to.signal() * weight);
        Rule { propagator, gains, variance }
    }
}
