//! Heun's method on the probability flow.

use super::recipe::{Choice, Course, MethodInfo, Price, Recipe};
use super::visits::{Visits, chain_course, table};
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::Heun;
use crate::error::Result;
use crate::real::Real;
use crate::sampler::Sampler;

/// Heun's method: two evaluations per step, one for the last.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HeunFlow {
    /// The levels that are visited.
    pub visits: Visits,
}

impl Recipe for HeunFlow {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "heun"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        (kind == ProcessKind::Vp).then_some(MethodInfo {
            title: "Heun's method on the probability flow (EDM)",
            source: "Karras et al. 2022, arXiv 2206.00364",
        })
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        self.visits.choices()
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let price = Price { each: 2, last: 1 };
        let table = table(self.name(), process)?;
        let levels = self.visits.levels(self.name(), table, evaluations, price)?;
        let evaluations = price.of(levels.len() - 1) as f64;
        chain_course(table, levels, Prediction::Data, evaluations)
    }

    fn sampler<F: Real>(&self, process: &Process, _: &Course) -> Result<Box<dyn Sampler<F>>> {
        Ok(Box::new(Heun::new(table(self.name(), process)?.clone())))
    }
}
