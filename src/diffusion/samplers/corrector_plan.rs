//! The times of a predictor–corrector run: its phases and the steps in them.

use crate::error::{Error, Result, count, positive};

/// The times of a predictor–corrector run: from Ornstein–Uhlenbeck time `horizon` down to `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorrectorPlan {
    /// OU time T at which the run starts.
    pub horizon: f64,
    /// OU time δ at which it ends, > 0.
    pub end: f64,
    /// Predictor steps of equal length in all; the last of them is replaced by the shrinking last
    /// phase.
    pub predictor_steps: usize,
    /// Predictor steps in a phase; a corrector follows each phase.
    pub steps_per_phase: usize,
    /// Time of Langevin dynamics in each corrector.
    pub corrector_time: f64,
    /// Length of a corrector step.
    pub corrector_step: f64,
}

/// Predictor steps followed by a corrector.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// Sampling times of the predictor.
    pub knots: Vec<f64>,
    /// Number of the first inner step, which the noise depends on.
    pub first: u32,
}

impl Phase {
    /// The sampling time at its end.
    pub(super) fn end(&self) -> f64 {
        self.knots[self.knots.len() - 1]
    }
}

impl CorrectorPlan {
    /// The number of steps of each corrector. Steps are rounded up and then made equal, so that a
    /// corrector takes exactly its time.
    pub(super) fn corrector_steps(&self) -> Result<usize> {
        positive("corrector step", self.corrector_step)?;
        if !(self.corrector_time >= 0.0 && self.corrector_time.is_finite()) {
            let expected = "a finite number >= 0";
            let given = self.corrector_time;
            return Err(Error::Invalid { name: "corrector time", given, expected });
        }
        let steps = (self.corrector_time / self.corrector_step).ceil() as usize;
        count("corrector steps in a phase", steps, 0, 1 << 24, "a whole number up to 16777216")
    }

    /// The phases, whose inner steps are numbered through.
    pub(super) fn phases(&self) -> Result<Vec<Phase>> {
        const STEPS: &str = "a whole number from 1 to 16777216";
        positive("end time", self.end)?;
        positive("horizon less end time", self.horizon - self.end)?;
        count("predictor steps", self.predictor_steps, 1, 1 << 24, STEPS)?;
        count("steps per phase", self.steps_per_phase, 1, 1 << 24, STEPS)?;
        let corrector_steps = self.corrector_steps()?;
        let step = (self.horizon - self.end) / self.predictor_steps as f64;
        let whole = self.predictor_steps - 1;
        let time = |i: usize| step * i as f64;
        let mut done = 0;
        let mut all: Vec<Vec<f64>> = Vec::new();
        while done < whole {
            let until = (done + self.steps_per_phase).min(whole);
            all.push((done..=until).map(time).collect());
            done = until;
        }
        all.push(last_phase(self.horizon, self.end, time(whole)));
        let mut first = 0u32;
        let mut phases = Vec::with_capacity(all.len());
        for knots in all {
            let steps = knots.len() - 1 + corrector_steps;
            phases.push(Phase { knots, first });
            let given = f64::from(first) + steps as f64;
            let expected = "below 4294967296 for all phases together";
            let too_many = Error::Invalid { name: "inner steps", given, expected };
            first = first.checked_add(steps as u32).ok_or(too_many)?;
        }
        Ok(phases)
    }
}

/// From sampling time `start` to the end in steps that halve the time left, until less than four
/// times the end is left.
fn last_phase(horizon: f64, end: f64, start: f64) -> Vec<f64> {
    let mut knots = vec![start];
    let mut left = horizon - start;
    while 0.5 * left > 2.0 * end {
        left *= 0.5;
        knots.push(horizon - left);
    }
    knots.push(horizon - end);
    knots
}
