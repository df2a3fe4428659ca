//! Heun's method on the probability flow.

use super::far::{LATEST_EXPLICIT, jumps, with_jumps};
use super::recipe::{Choice, Course, MethodInfo, Price, Recipe};
use super::visits::{Visits, Walk};
use crate::diffusion::dynamics::Jump;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::Heun;
use crate::error::Result;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler};

/// Heun's method: two evaluations per step, one for the last and for a jump out of the far noise.
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
        kind.is_of_data().then_some(MethodInfo {
            title: "Heun's method on the probability flow (EDM)",
            source: "Karras et al. 2022, arXiv 2206.00364",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        9
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        self.visits.choices()
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let price = Price { each: 2, last: 1 };
        let walk = Walk { method: self.name(), price, latest: LATEST_EXPLICIT };
        let route = self.visits.route(walk, process, evaluations)?;
        let jumps = jumps(&route.table, &route.levels);
        // A jump has one evaluation.
        let saved = jumps.iter().filter(|jump| **jump).count();
        let evaluations = (price.of(route.levels.len() - 1) - saved) as f64;
        Ok(Course { jumps, ..route.course(Prediction::Data, evaluations)? })
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let heun = Heun::new(course.table()?.clone());
        let jump = Jump::on_flow(course.clock.clone(), course.wanted)?;
        with_jumps(heun, EulerMaruyama::new(jump), &course.jumps)
    }
}
