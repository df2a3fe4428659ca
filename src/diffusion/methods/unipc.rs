//! UniPC: a predictor and a corrector on the probability flow.

use super::multistep::{self, ORDER};
use super::recipe::{Choice, Course, DATA, MethodInfo, Recipe, choice};
use super::visits::Visits;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::{UniPc, Variant};
use crate::error::Result;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::Sampler;

const VARIANT: OptionInfo =
    OptionInfo::new("variant", "NAME", "Function B of unipc: bh1 or bh2 [default: bh2]");

/// UniPC: one evaluation per step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UnifiedPc {
    /// The levels that are visited.
    pub visits: Visits,
    /// Order of the predictor, from 1 to 3. Default 2.
    pub order: Option<usize>,
    /// The function B. Default: bh2.
    pub variant: Option<Variant>,
}

impl UnifiedPc {
    fn family(&self) -> Result<UniPc> {
        UniPc::new(self.order.unwrap_or(2), self.variant.unwrap_or_default())
    }
}

impl Recipe for UnifiedPc {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "unipc"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "UniPC, predictor and corrector on the probability flow",
            source: "Zhao et al. 2023, arXiv 2302.09867",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        8
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.visits.choices();
        all.push(choice(&ORDER, DATA, &mut self.order));
        all.push(choice(&VARIANT, DATA, &mut self.variant));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        self.family()?;
        multistep::course(self.name(), &self.visits, process, evaluations, Prediction::Data)
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        multistep::sampler(self.family()?, true, course)
    }
}
