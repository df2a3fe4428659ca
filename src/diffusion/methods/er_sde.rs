//! ER-SDE solvers: reverse SDEs with a noise that depends on the level.

use super::multistep::{ORDER, Walked};
use super::recipe::{Choice, Course, DATA, MethodInfo, Recipe, choice};
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::{ErSde, NoiseFunction};
use crate::error::Result;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::Sampler;

const FUNCTION: OptionInfo = OptionInfo::new(
    "noise-function",
    "NAME",
    "Noise of the steps of er-sde: er, ddpm or flow (none) [default: er]",
);

/// ER-SDE: one evaluation per step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExtendedSde {
    /// The levels that are visited.
    pub walked: Walked,
    /// Order, from 1 to 3. Default 3.
    pub order: Option<usize>,
    /// Noise of the steps. Default: that of the paper.
    pub noise_function: Option<NoiseFunction>,
}

impl ExtendedSde {
    fn family(&self) -> Result<ErSde> {
        ErSde::new(self.order.unwrap_or(3), self.noise_function.unwrap_or_default())
    }
}

impl Recipe for ExtendedSde {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "er-sde"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "ER-SDE, multistep solver with a noise that depends on the level",
            source: "Cui et al. 2023, arXiv 2309.06169",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        10
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.walked.choices();
        all.push(choice(&ORDER, DATA, &mut self.order));
        all.push(choice(&FUNCTION, DATA, &mut self.noise_function));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        self.family()?;
        self.walked.course(self.name(), process, evaluations, Prediction::Data)
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        self.walked.sampler(self.family()?, course)
    }
}
