//! DPM-Solver++(2M), the two-step solver of the probability flow.

use super::far::LATEST;
use super::recipe::{Choice, Course, MethodInfo, Price, Recipe};
use super::visits::{Visits, Walk, chain_course, table};
use crate::diffusion::dynamics::DpmSolver;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::schedule::Spacing;
use crate::error::Result;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler};

/// DPM-Solver++(2M): one evaluation per step.
///
/// The grids `leading` and `linspace` are those of other software for this solver, which leave out
/// the last noised level: [`Spacing::LeadingOpen`] and [`Spacing::LinspaceOpen`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DpmSolver2M {
    /// The levels that are visited.
    pub visits: Visits,
}

impl Recipe for DpmSolver2M {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "dpmpp2m"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        (kind == ProcessKind::Vp).then_some(MethodInfo {
            title: "DPM-Solver++(2M), two-step solver of the probability flow",
            source: "Lu et al. 2022, arXiv 2211.01095",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        8
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        self.visits.choices()
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let price = Price { each: 1, last: 1 };
        let table = table(self.name(), process)?;
        let grid = self.visits.grid.map(|grid| match grid {
            Spacing::Leading => Spacing::LeadingOpen,
            Spacing::Linspace => Spacing::LinspaceOpen,
            other => other,
        });
        let visits = Visits { grid, ..self.visits.clone() };
        let walk = Walk { method: self.name(), price, latest: LATEST };
        let levels = visits.levels(walk, table, evaluations)?;
        let evaluations = price.of(levels.len() - 1) as f64;
        chain_course(table, levels, Prediction::Data, evaluations)
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let table = table(self.name(), process)?;
        let solver = DpmSolver::new(table.clone(), course.levels.clone())?;
        Ok(Box::new(EulerMaruyama::new(solver)))
    }
}
