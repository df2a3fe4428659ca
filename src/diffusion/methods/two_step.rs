//! The Poisson midpoint around a two-step base, on the DDPM chain: a step is a block of levels.

use super::ancestral::{VARIANCE, Variance};
use super::far::latest_bounded;
use super::poisson::SELECTION;
use super::recipe::{Choice, Course, DATA, MethodInfo, Price, Recipe, choice};
use super::visits::{BLOCKS, GRID, SIGMAS, TIMESTEPS, Visits, Walk, table};
use crate::diffusion::dynamics::Form;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::TwoStepMidpoint;
use crate::error::Result;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::{Odds, Sampler};

const EXTRAPOLATION: OptionInfo = OptionInfo::new(
    "extrapolation",
    "E",
    "Limit in [0, 1] up to which pmm2m follows the line through its last two outputs, in lengths \
     of the block before [default: 0.5]",
);

/// The Poisson midpoint around a two-step base (`pmm2m`). A block holds no output fixed. It
/// follows the line through the outputs of this block and the one before, up to a limit. The rule
/// is that of [`TwoStepMidpoint`].
///
/// - The data is the output, and sub-steps are selected by importance.
/// - Evaluations: 2 − q₀ per block in expectation, 1 for one level, 2 for the block that ends in
///   the data.
/// - Its error is that of the chain with all levels, up to a term of second order in the length of
///   the blocks.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TwoStep {
    /// The levels that are visited.
    pub visits: Visits,
    /// The variance of the steps of the chain. Default: small.
    pub variance: Option<Variance>,
    /// How likely each sub-step is selected. Default: by importance.
    pub odds: Option<Odds>,
    /// The limit E of the line, in lengths of the block before. Default ½.
    pub extrapolation: Option<f64>,
}

impl TwoStep {
    fn midpoint(&self, course: &Course) -> Result<TwoStepMidpoint> {
        let chain = self.variance.unwrap_or_default().chain(course.table()?);
        let midpoint = TwoStepMidpoint::new(chain.with_form(Form::Data), course.grid.clone());
        let midpoint = midpoint.with_odds(self.odds.unwrap_or(Odds::Importance));
        midpoint.with_extrapolation(self.extrapolation.unwrap_or(TwoStepMidpoint::EXTRAPOLATION))
    }

    /// Expected evaluations of a block of a course.
    pub(crate) fn cost_of(&self, course: &Course, step: usize) -> Result<f64> {
        Ok(self.midpoint(course)?.evaluations_of(course.grid.interval(step)))
    }
}

impl Recipe for TwoStep {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "pmm2m"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "Poisson midpoint on the DDPM chain, option 2 around a two-step base",
            source: "this crate; Kandasamy & Nagaraj 2024, arXiv 2405.17068, for the correction",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        8
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, DATA, &mut self.visits.grid),
            choice(&TIMESTEPS, DATA, &mut self.visits.timesteps),
            choice(&SIGMAS, DATA, &mut self.visits.sigmas),
            choice(&BLOCKS, DATA, &mut self.visits.blocks),
            choice(&VARIANCE, DATA, &mut self.variance),
            choice(&SELECTION, DATA, &mut self.odds),
            choice(&EXTRAPOLATION, DATA, &mut self.extrapolation),
        ]
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let table = table(self.name(), process)?;
        let price = Price { each: 2, last: 2 };
        let walk = Walk { method: self.name(), price, latest: latest_bounded(process) };
        let route = self.visits.route(walk, process, evaluations)?.refined(table)?;
        let course = route.course(Prediction::Data, 0.0)?;
        let midpoint = self.midpoint(&course)?;
        let each = |interval| midpoint.evaluations_of(interval);
        let evaluations = course.grid.iter().map(each).sum();
        Ok(Course { evaluations, ..course })
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        Ok(Box::new(self.midpoint(course)?))
    }
}
