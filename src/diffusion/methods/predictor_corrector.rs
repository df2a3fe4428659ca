//! Predictor–corrector runs, sequential and parallel.

use super::far::{LATEST_EXPLICIT, first_level};
use super::phase::END_TIME;
use super::randomized::{ROUNDS, TOLERANCE, WINDOWS, midpoint};
use super::recipe::{Choice, Course, DATA, MethodInfo, Recipe, choice};
use super::visits::table;
use crate::diffusion::clock::Clock;
use crate::diffusion::dynamics::ProbabilityFlow;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::{CorrectorPlan, PredictorCorrector};
use crate::diffusion::schedule::{Level, LevelTable};
use crate::dynamics::Underdamped;
use crate::error::{Error, Result, positive};
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, RandomizedMidpoint, Sampler};

const CORRECTOR_TIME: OptionInfo = OptionInfo::new(
    "corrector-time",
    "T",
    "Time of Langevin dynamics in each corrector [default: 1]",
);
const CORRECTOR_STEP: OptionInfo = OptionInfo::new(
    "corrector-step",
    "H",
    "Length of a corrector step [default: 0.2; 0.5 for pc-parallel]",
);
const FRICTION: OptionInfo =
    OptionInfo::new("friction", "G", "Friction of the corrector [default: 2]");

/// Predictor steps of a run at the most.
const MOST_STEPS: usize = 100_000;
/// About one corrector for so much Ornstein–Uhlenbeck time.
const PHASE: f64 = 0.5;

/// Predictor–corrector: randomized midpoints on the flow, then Langevin dynamics, phase by phase.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Corrected {
    parallel: bool,
    /// Windows R of the parallel method. Default 4.
    pub windows: Option<usize>,
    /// Picard rounds P of the parallel method. Default 2.
    pub rounds: Option<usize>,
    /// Tolerance that stops the rounds of a chain early, in the parallel method. Default: none.
    pub tolerance: Option<f64>,
    /// Time of Langevin dynamics in each corrector, with inverse mass 1 − ᾱ at its level. Default
    /// 1.
    pub corrector_time: Option<f64>,
    /// Length of a corrector step. Default 0.2, or 0.5 for the parallel method.
    pub corrector_step: Option<f64>,
    /// Friction of the corrector. Default 2.
    pub friction: Option<f64>,
    /// Ornstein–Uhlenbeck time at which the run ends. Default: that of level 1.
    pub end_time: Option<f64>,
}

type Built<F> = PredictorCorrector<RandomizedMidpoint<ProbabilityFlow>, Box<dyn Sampler<F>>>;

/// The OU time at which a run begins.
fn horizon(table: &LevelTable) -> Result<f64> {
    Ok(table.level(first_level(table, LATEST_EXPLICIT)?).ou_time())
}

impl Corrected {
    /// `pc`: one window, no rounds.
    pub fn sequential() -> Self {
        Self::default()
    }

    /// `pc-parallel`: windows in parallel and Picard rounds, in predictor and corrector.
    pub fn parallel() -> Self {
        Self { parallel: true, ..Self::default() }
    }

    /// Windows and rounds.
    fn midpoints(&self) -> [usize; 2] {
        if self.parallel { [self.windows.unwrap_or(4), self.rounds.unwrap_or(2)] } else { [1, 0] }
    }

    /// The sampler with this many predictor steps.
    fn build<F: Real>(&self, table: &LevelTable, predictor_steps: usize) -> Result<Built<F>> {
        let [windows, rounds] = self.midpoints();
        let horizon = horizon(table)?;
        let end = positive("end time", self.end_time.unwrap_or(table.level(1).ou_time()))?;
        let step = (horizon - end) / predictor_steps as f64;
        let plan = CorrectorPlan {
            horizon,
            end,
            predictor_steps,
            steps_per_phase: ((PHASE / step).round() as usize).clamp(1, predictor_steps),
            corrector_time: self.corrector_time.unwrap_or(1.0),
            corrector_step: self.corrector_step.unwrap_or(if self.parallel { 0.5 } else { 0.2 }),
        };
        let friction = self.friction.unwrap_or(2.0);
        let corrector = |time: f64| -> Result<Box<dyn Sampler<F>>> {
            let inverse_mass = Level::from_ou_time(time)?.one_minus_alpha_bar();
            let dynamics = Underdamped::new(friction, inverse_mass)?;
            Ok(if self.parallel {
                Box::new(midpoint(dynamics, windows, rounds, self.tolerance)?)
            } else {
                Box::new(EulerMaruyama::new(dynamics))
            })
        };
        let predictor = midpoint(ProbabilityFlow, windows, rounds, self.tolerance)?;
        PredictorCorrector::new(predictor, corrector, plan)
    }

    /// The most predictor steps that a budget pays for. The total rises with their number except
    /// for the rounding of the phases, so bisection finds it, give or take a phase; what is planned
    /// is what is checked.
    fn predictor_steps(&self, table: &LevelTable, evaluations: usize) -> Result<usize> {
        let cost = |steps: usize| self.build::<f64>(table, steps).map(|pc| pc.evaluations());
        let budget = evaluations as f64;
        let fewest = cost(1)?;
        if fewest > budget {
            let needed = fewest.ceil() as usize;
            return Err(Error::TooFew { method: self.name(), given: evaluations, needed });
        }
        let mut best = 1;
        let mut above = evaluations.min(MOST_STEPS) + 1;
        while above - best > 1 {
            let middle = best + (above - best) / 2;
            if cost(middle)? <= budget { best = middle } else { above = middle }
        }
        Ok(best)
    }
}

impl Recipe for Corrected {
    fn all() -> Vec<Self> {
        vec![Self::sequential(), Self::parallel()]
    }

    fn name(&self) -> &'static str {
        if self.parallel { "pc-parallel" } else { "pc" }
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        let info = if self.parallel {
            MethodInfo {
                title: "the same with windows in parallel and Picard rounds in both",
                source: "Gupta, Cai & Chen 2024, Algorithms 4-6",
            }
        } else {
            MethodInfo {
                title: "predictor-corrector: randomized midpoint on the flow, then ULMC, phase by \
                        phase",
                source: "Gupta, Cai & Chen 2024, Algorithms 1-3",
            }
        };
        kind.is_of_data().then_some(info)
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        if self.parallel { 3 } else { 6 }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = Vec::new();
        if self.parallel {
            all.push(choice(&WINDOWS, DATA, &mut self.windows));
            all.push(choice(&ROUNDS, DATA, &mut self.rounds));
            all.push(choice(&TOLERANCE, DATA, &mut self.tolerance));
        }
        all.push(choice(&CORRECTOR_TIME, DATA, &mut self.corrector_time));
        all.push(choice(&CORRECTOR_STEP, DATA, &mut self.corrector_step));
        all.push(choice(&FRICTION, DATA, &mut self.friction));
        all.push(choice(&END_TIME, DATA, &mut self.end_time));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let table = table(self.name(), process)?;
        let Some(evaluations) = evaluations else {
            return Err(Error::Missing { option: "evaluations", by: self.name().into() });
        };
        let steps = self.predictor_steps(table, evaluations)?;
        let sampler = self.build::<f64>(table, steps)?;
        Ok(Course {
            grid: sampler.grid()?,
            clock: Clock::Reverse { horizon: horizon(table)? },
            wanted: Prediction::Score,
            later: None,
            levels: Vec::new(),
            table: None,
            evaluations: sampler.evaluations(),
            jumps: Vec::new(),
            predictor_steps: steps,
        })
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let table = table(self.name(), process)?;
        Ok(Box::new(self.build::<F>(table, course.predictor_steps)?))
    }
}
