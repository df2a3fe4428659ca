//! The options of a randomized midpoint, and the rule that they give for one step.

use crate::dynamics::ContinuousDynamics;
use crate::grid::Interval;

/// The options of the method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settings {
    pub windows: usize,
    pub rounds: usize,
    pub tolerance: Option<f64>,
    pub control_variate: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { windows: 1, rounds: 0, tolerance: None, control_variate: false }
    }
}

impl Settings {
    /// The rule of a step over this interval.
    pub(super) fn rule<'r, D: ContinuousDynamics>(
        &self,
        dynamics: &'r D,
        interval: Interval,
    ) -> Rule<'r, D> {
        Rule { dynamics, settings: *self, interval, delta: interval.length / self.windows as f64 }
    }
}

/// The rule of one step: the dynamics, the options, the interval, and the length δ of a window.
pub(super) struct Rule<'r, D> {
    pub dynamics: &'r D,
    pub settings: Settings,
    pub interval: Interval,
    pub delta: f64,
}

impl<D> Rule<'_, D> {
    /// The time at which a window begins.
    pub(super) fn window_start(&self, window: usize) -> f64 {
        self.interval.start + self.delta * window as f64
    }
}
