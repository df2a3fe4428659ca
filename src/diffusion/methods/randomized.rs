//! The randomized midpoint on the probability flow.

use super::recipe::{ALL, Choice, Course, DATA, MethodInfo, PSLD, Recipe, choice};
use super::visits::{GRID, SIGMAS, TIMESTEPS, Visits};
use super::{continuous, phase};
use crate::diffusion::dynamics::{Jump, ProbabilityFlow, PsldFlow};
use crate::diffusion::process::{Process, ProcessKind};
use crate::dynamics::ContinuousDynamics;
use crate::error::Result;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::{RandomizedMidpoint, Sampler, Scheme};

pub(crate) const WINDOWS: OptionInfo = OptionInfo::new(
    "windows",
    "R",
    "Windows of randomized midpoints [default: 1; 4 for pc-parallel]",
);
pub(crate) const ROUNDS: OptionInfo = OptionInfo::new(
    "rounds",
    "P",
    "Picard rounds of randomized midpoints [default: 0; 2 for pc-parallel]",
);
pub(crate) const TOLERANCE: OptionInfo = OptionInfo::new(
    "tolerance",
    "E",
    "Stop the rounds of a chain once its midpoints move by no more than this",
);
const CONTROL_VARIATE: OptionInfo = OptionInfo::new(
    "control-variate",
    "",
    "Subtract the drift at the start of the step in the finish of rm",
);

/// The randomized midpoint: 1 + (P + 1) R evaluations per step, one for the last.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Randomized {
    /// The levels that are visited, or the spread of the steps in phase space.
    pub visits: Visits,
    /// In phase space: the time at which the steps end. Default 1e-3.
    pub end_time: Option<f64>,
    /// Windows R. Default 1.
    pub windows: Option<usize>,
    /// Picard rounds P. Default 0.
    pub rounds: Option<usize>,
    /// Tolerance that stops the rounds of a chain early. Default: none.
    pub tolerance: Option<f64>,
    /// Control variate. Default: without.
    pub control_variate: bool,
}

/// A randomized midpoint with these windows, rounds and tolerance.
pub(crate) fn midpoint<D: ContinuousDynamics>(
    dynamics: D,
    windows: usize,
    rounds: usize,
    tolerance: Option<f64>,
) -> Result<RandomizedMidpoint<D>> {
    let sampler = RandomizedMidpoint::new(dynamics).with_windows(windows)?.with_rounds(rounds)?;
    match tolerance {
        Some(tolerance) => sampler.with_tolerance(tolerance),
        None => Ok(sampler),
    }
}

impl Randomized {
    fn on<D: ContinuousDynamics>(&self, dynamics: D) -> Result<RandomizedMidpoint<D>> {
        let windows = self.windows.unwrap_or(1);
        let rounds = self.rounds.unwrap_or(0);
        let sampler = midpoint(dynamics, windows, rounds, self.tolerance)?;
        Ok(sampler.with_control_variate(self.control_variate))
    }
}

impl Recipe for Randomized {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "rm"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        let title = match kind {
            ProcessKind::Psld => "randomized midpoint on the probability flow",
            _ => "randomized midpoint on the probability flow, with a final denoising step",
        };
        Some(MethodInfo { title, source: "Gupta, Cai & Chen 2024, arXiv 2406.00924" })
    }

    fn enough_steps(&self, kind: ProcessKind) -> usize {
        match kind {
            ProcessKind::Psld => 31,
            _ => 17,
        }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, ALL, &mut self.visits.grid),
            choice(&TIMESTEPS, DATA, &mut self.visits.timesteps),
            choice(&SIGMAS, DATA, &mut self.visits.sigmas),
            choice(&phase::END_TIME, PSLD, &mut self.end_time),
            choice(&WINDOWS, ALL, &mut self.windows),
            choice(&ROUNDS, ALL, &mut self.rounds),
            choice(&TOLERANCE, ALL, &mut self.tolerance),
            choice(&CONTROL_VARIATE, ALL, &mut self.control_variate),
        ]
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let cost = self.on(ProbabilityFlow)?.evaluations_per_step();
        match process {
            Process::Psld(..) => {
                let steps = phase::Steps { grid: self.visits.grid, end_time: self.end_time, cost };
                steps.course(self.name(), process, evaluations)
            }
            _ => continuous::course(self.name(), &self.visits, process, evaluations, cost as usize),
        }
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        match process {
            Process::Psld(psld, _) => {
                phase::finished(self.on(PsldFlow::new(*psld))?, *psld, course)
            }
            _ => {
                let jump = Jump::on_flow(course.clock.clone(), course.wanted)?;
                continuous::denoised(self.on(ProbabilityFlow)?, jump, course)
            }
        }
    }
}
