//! Coefficients of the jumps between sub-steps, composed from small steps. They are kept while the
//! small step stays the same.

use super::selection::Rule;
use super::shares::Shares;
use crate::dynamics::{LinearDynamics, Transition};
use crate::grid::Interval;
use crate::math::block::{self, Block, ZERO};
use crate::sampler::update::Coefficients;

/// Jumps and corrections of one coarse step.
#[derive(Default)]
pub(super) struct Table {
    /// The input of the table. While it stays the same, the table is kept.
    key: Option<(Transition, usize, Rule)>,
    autonomous: bool,
    /// The small steps. There is one if the dynamics is autonomous, else K.
    small: Vec<Transition>,
    /// Autonomous: `[g]` is g small steps. Otherwise: `[i]` goes from 0 to i.
    from_start: Vec<Coefficients>,
    /// Not autonomous: `[i]` goes from i to K.
    to_end: Vec<Coefficients>,
    /// `[i]` is wᵢ/qᵢ with wᵢ = A(i+1, K) G′ᵢ.
    corrections: Vec<Block>,
    shares: Shares,
}

impl Table {
    /// Composes the coefficients of a step. Returns whether they may have changed.
    pub(super) fn update(
        &mut self,
        dynamics: &dyn LinearDynamics,
        interval: Interval,
        substeps: usize,
        rule: Rule,
    ) -> bool {
        let length = interval.length / substeps as f64;
        let small = |i: usize| {
            let small = dynamics.transition(interval.start + length * i as f64, length);
            small.with_noise_scaled(rule.noise_scale)
        };
        let first = small(0);
        self.autonomous = dynamics.is_autonomous();
        if self.autonomous && self.key == Some((first, substeps, rule)) {
            return false;
        }
        // A dynamics that changes with time has new small steps in every step. So its table is
        // never reused.
        self.key = self.autonomous.then_some((first, substeps, rule));
        self.small.clear();
        self.small.push(first);
        if !self.autonomous {
            self.small.extend((1..substeps).map(small));
        }

        self.from_start.clear();
        let mut jump = Transition::IDENTITY;
        self.from_start.push(Coefficients::IDENTITY);
        for i in 0..substeps {
            jump = jump.then(self.small_step(i));
            self.from_start.push(Coefficients::new(&jump));
        }
        self.to_end.clear();
        self.corrections.clear();
        let mut rest = Transition::IDENTITY;
        for i in (0..substeps).rev() {
            let small = *self.small_step(i);
            self.corrections.push(block::product(&rest.propagator, &small.gain));
            rest = small.then(&rest);
            if !self.autonomous {
                self.to_end.push(Coefficients::new(&rest));
            }
        }
        self.corrections.reverse();
        self.to_end.reverse();
        let start = interval.start;
        let moved = |i: usize| match i {
            _ if self.autonomous => length * i as f64,
            _ => dynamics.drift_clock(start + length * i as f64) - dynamics.drift_clock(start),
        };
        let size = |w: &Block| w.iter().flatten().map(|x| x * x).sum::<f64>().sqrt();
        self.shares.assign(rule.odds, &self.corrections, size, moved);
        for (i, weight) in self.corrections.iter_mut().enumerate() {
            *weight = block::scaled(weight, self.shares.factor(i));
        }
        true
    }

    /// Whether all jumps of the same length are the same.
    pub(super) fn is_autonomous(&self) -> bool {
        self.autonomous
    }

    /// K.
    pub(super) fn substeps(&self) -> usize {
        self.corrections.len()
    }

    /// The probabilities of the sub-steps.
    pub(super) fn shares(&self) -> &Shares {
        &self.shares
    }

    fn small_step(&self, i: usize) -> &Transition {
        &self.small[if self.autonomous { 0 } else { i }]
    }

    /// The jump from one sub-step to a later one.
    pub(super) fn jump(&self, from: u32, to: u32) -> Coefficients {
        let from = from as usize;
        let to = to as usize;
        if self.autonomous {
            return self.from_start[to - from];
        }
        if from == 0 {
            return self.from_start[to];
        }
        if to + 1 == self.from_start.len() {
            return self.to_end[from];
        }
        let jump = (from..to).fold(Transition::IDENTITY, |jump, i| jump.then(&self.small[i]));
        Coefficients::new(&jump)
    }

    /// The weight of b(X̂ᵢ) − b₀ in the final state.
    pub(super) fn correction(&self, substep: u32) -> &Block {
        &self.corrections[substep as usize]
    }

    pub(super) fn is_noisy(&self) -> bool {
        self.small.iter().any(|t| t.covariance != ZERO)
    }
}
