//! The Poisson midpoint: on the DDPM chain, where a step is a block of levels, and in phase space.

use super::ancestral::{VARIANCE, Variance};
use super::far::{LATEST_EXPLICIT, jumps, with_jumps};
use super::phase;
use super::recipe::{ALL, Choice, Course, DATA, MethodInfo, PSLD, Price, Recipe, choice};
use super::visits::{BLOCKS, GRID, SIGMAS, TIMESTEPS, Visits, Walk, table};
use crate::diffusion::dynamics::ReversePsld;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::dynamics::LinearDynamics;
use crate::error::Result;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, PoissonMidpoint, Sampler, Scheme, Selection};

const SUBSTEPS: OptionInfo = OptionInfo::new(
    "substeps",
    "K",
    "Sub-steps that a Poisson midpoint step imitates in phase space [default: 16]; on vp they are \
     the levels of a block",
);
const NOISE_SCALE: OptionInfo = OptionInfo::new(
    "noise-scale",
    "R",
    "Factor in (0, 1] on the noise of every sub-step of a Poisson midpoint [default: 1]",
);

/// The Poisson midpoint: 2 − 1/K evaluations per step in expectation, and 1 for a jump out of the
/// far noise.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Poisson {
    /// Which sub-steps get their own evaluation: option 1 or 2 of the paper.
    pub selection: Selection,
    /// The levels that are visited, or the spread of the steps in phase space.
    pub visits: Visits,
    /// On a chain: the variance of its steps. Default: small.
    pub variance: Option<Variance>,
    /// In phase space: the time at which the steps end. Default 1e-3.
    pub end_time: Option<f64>,
    /// In phase space: the sub-steps K that a step imitates. Default 16.
    pub substeps: Option<usize>,
    /// Noise scale ρ. Default 1.
    pub noise_scale: Option<f64>,
}

impl Poisson {
    /// The method with this selection: `pmm1` or `pmm2`.
    pub fn new(selection: Selection) -> Self {
        Self { selection, ..Self::default() }
    }

    fn configured<D: LinearDynamics>(
        &self,
        sampler: PoissonMidpoint<D>,
    ) -> Result<PoissonMidpoint<D>> {
        let sampler = sampler.with_selection(self.selection);
        sampler.with_noise_scale(self.noise_scale.unwrap_or(1.0))
    }

    fn in_phase_space(&self, process: &Process) -> Result<PoissonMidpoint<ReversePsld>> {
        let (psld, _) = phase::phase(self.name(), process)?;
        let reverse = ReversePsld::new(psld);
        self.configured(PoissonMidpoint::new(reverse, self.substeps.unwrap_or(16))?)
    }
}

impl Recipe for Poisson {
    fn all() -> Vec<Self> {
        vec![Self::new(Selection::Bernoulli), Self::new(Selection::Single)]
    }

    fn name(&self) -> &'static str {
        match self.selection {
            Selection::Bernoulli => "pmm1",
            Selection::Single => "pmm2",
        }
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        let title = match (kind, self.selection) {
            (ProcessKind::Psld, Selection::Bernoulli) => {
                "Poisson midpoint on the reverse SDE, option 1"
            }
            (ProcessKind::Psld, Selection::Single) => {
                "Poisson midpoint on the reverse SDE, option 2"
            }
            (_, Selection::Bernoulli) => {
                "Poisson midpoint on the DDPM chain, option 1: a step is a block of levels"
            }
            (_, Selection::Single) => "Poisson midpoint on the DDPM chain, option 2",
        };
        Some(MethodInfo { title, source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068" })
    }

    fn enough_steps(&self, kind: ProcessKind) -> usize {
        match (kind, self.selection) {
            (ProcessKind::Psld, Selection::Bernoulli) => 42,
            (ProcessKind::Psld, Selection::Single) => 32,
            (_, Selection::Bernoulli) => 22,
            (_, Selection::Single) => 18,
        }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, ALL, &mut self.visits.grid),
            choice(&TIMESTEPS, DATA, &mut self.visits.timesteps),
            choice(&SIGMAS, DATA, &mut self.visits.sigmas),
            choice(&BLOCKS, DATA, &mut self.visits.blocks),
            choice(&VARIANCE, DATA, &mut self.variance),
            choice(&phase::END_TIME, PSLD, &mut self.end_time),
            choice(&SUBSTEPS, PSLD, &mut self.substeps),
            choice(&NOISE_SCALE, ALL, &mut self.noise_scale),
        ]
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        if let Process::Psld(..) = process {
            let cost = self.in_phase_space(process)?.evaluations_per_step();
            let steps = phase::Steps { grid: self.visits.grid, end_time: self.end_time, cost };
            return steps.course(self.name(), process, evaluations);
        }
        let table = table(self.name(), process)?;
        let price = Price { each: 2, last: 2 };
        let walk = Walk { method: self.name(), price, latest: LATEST_EXPLICIT };
        let route = self.visits.route(walk, process, evaluations)?.refined(table)?;
        let jumps = jumps(&route.table, &route.levels);
        let expected = route.levels.windows(2).zip(&jumps).map(|(pair, jump)| match jump {
            true => 1.0,
            false => 2.0 - 1.0 / (pair[0] - pair[1]) as f64,
        });
        let evaluations = expected.sum();
        Ok(Course { jumps, ..route.course(Prediction::Epsilon, evaluations)? })
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        if let Process::Psld(psld, _) = process {
            return phase::finished(self.in_phase_space(process)?, *psld, course);
        }
        let chain = self.variance.unwrap_or_default().chain(course.table()?);
        let jump = EulerMaruyama::new(chain.clone());
        with_jumps(self.configured(PoissonMidpoint::on_chain(chain))?, jump, &course.jumps)
    }
}
