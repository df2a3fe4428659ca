//! SA-Solver: stochastic Adams predictor and corrector.

use super::multistep;
use super::recipe::{Choice, Course, DATA, MethodInfo, Recipe, choice};
use super::visits::Visits;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::{SaSolver, Tau};
use crate::error::{Error, Result};
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::Sampler;

const PREDICTOR: OptionInfo =
    OptionInfo::new("predictor", "P", "Outputs in the predictor of sa, from 1 to 4 [default: 2]");
const CORRECTOR: OptionInfo = OptionInfo::new(
    "corrector",
    "Q",
    "Outputs in the corrector of sa, from 0 (none) to 4 [default: 2]",
);
const TAU: OptionInfo =
    OptionInfo::new("tau", "T", "Noise of the steps of sa, in [0, 1] [default: 1]");
const TAU_INTERVAL: OptionInfo = OptionInfo::new(
    "tau-interval",
    "LO+HI",
    "Sigmas between which steps of sa have noise [default: the timesteps 200 to 800 of 1000]",
);

/// SA-Solver: one evaluation per step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Sa {
    /// The levels that are visited.
    pub visits: Visits,
    /// Outputs in the predictor. Default 2.
    pub predictor: Option<usize>,
    /// Outputs in the corrector. Default 2.
    pub corrector: Option<usize>,
    /// τ. Default 1.
    pub tau: Option<f64>,
    /// σ between which steps have noise. Default: those of the timesteps 200 to 800 of 1000.
    pub tau_interval: Option<super::visits::Sigmas>,
}

impl Sa {
    fn family(&self, process: &Process) -> Result<SaSolver> {
        let value = self.tau.unwrap_or(1.0);
        let tau = match (&self.tau_interval, process.table()) {
            (Some(list), _) => match list.0[..] {
                [low, high] => Tau::between(value, [low, high])?,
                _ => {
                    let given = format!("{} numbers", list.0.len());
                    let expected = "two sigmas LO+HI".into();
                    return Err(Error::Value { option: "tau-interval".into(), given, expected });
                }
            },
            (None, Some(table)) => Tau::customary(table)?.with_value(value)?,
            (None, None) => Tau::constant(value)?,
        };
        SaSolver::new(self.predictor.unwrap_or(2), self.corrector.unwrap_or(2), tau)
    }
}

impl Recipe for Sa {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "sa"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "SA-Solver, stochastic Adams predictor and corrector",
            source: "Xue et al. 2023, arXiv 2309.05019",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        20
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.visits.choices();
        all.push(choice(&PREDICTOR, DATA, &mut self.predictor));
        all.push(choice(&CORRECTOR, DATA, &mut self.corrector));
        all.push(choice(&TAU, DATA, &mut self.tau));
        all.push(choice(&TAU_INTERVAL, DATA, &mut self.tau_interval));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        self.family(process)?;
        multistep::course(self.name(), &self.visits, process, evaluations, Prediction::Data)
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        multistep::sampler(self.family(process)?, true, course)
    }
}
