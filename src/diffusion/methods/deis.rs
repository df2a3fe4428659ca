//! DEIS: exponential integrator of the probability flow with a polynomial of the noise.

use super::multistep::{ORDER, Walked};
use super::recipe::{Choice, Course, DATA, MethodInfo, Recipe, choice};
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::Deis;
use crate::error::Result;
use crate::real::Real;
use crate::sampler::Sampler;

/// DEIS: one evaluation per step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeisFlow {
    /// The levels that are visited.
    pub walked: Walked,
    /// Order, from 1 to 3. Default 3.
    pub order: Option<usize>,
}

impl DeisFlow {
    fn family(&self) -> Result<Deis> {
        Deis::new(self.order.unwrap_or(3))
    }
}

impl Recipe for DeisFlow {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "deis"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "DEIS, multistep solver of the probability flow on the noise",
            source: "Zhang & Chen 2022, arXiv 2204.13902",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        8
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.walked.choices();
        all.push(choice(&ORDER, DATA, &mut self.order));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        self.family()?;
        self.walked.course(self.name(), process, evaluations, Prediction::Epsilon)
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        self.walked.sampler(self.family()?, course)
    }
}
