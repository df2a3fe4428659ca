//! DPM-Solver++(2M), the two-step solver of the probability flow.

use super::multistep;
use super::recipe::{Choice, Course, MethodInfo, Recipe};
use super::visits::Visits;
use crate::diffusion::dynamics::DpmSolver;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::error::Result;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler};

/// DPM-Solver++(2M): one evaluation per step.
///
/// The grids `leading` and `linspace` are those of other software for this solver, which leave out
/// the last noised level: `leading-open` and `linspace-open` of
/// [`Spacing`](crate::diffusion::Spacing).
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
        kind.is_of_data().then_some(MethodInfo {
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
        multistep::course(self.name(), &self.visits, process, evaluations, Prediction::Data)
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let solver = DpmSolver::new(course.table()?.clone(), course.levels.clone())?;
        Ok(Box::new(EulerMaruyama::new(solver)))
    }
}
