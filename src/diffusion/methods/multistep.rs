//! The course and the sampler of multistep solvers, which their recipes share.

use super::far::{LATEST, latest_bounded};
use super::recipe::{Choice, Course, DATA, Price, choice};
use super::visits::{Visits, Walk};
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::Process;
use crate::diffusion::samplers::{Family, Multistep, Steps};
use crate::diffusion::schedule::Spacing;
use crate::error::Result;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::Sampler;

pub(crate) const ORDER: OptionInfo = OptionInfo::new(
    "order",
    "P",
    "Order of unipc, er-sde and deis, from 1 to 3 [default: 2; 3 for er-sde and deis]",
);
pub(crate) const LOWER_AT_END: OptionInfo = OptionInfo::new(
    "lower-at-end",
    "",
    "Let the order of a multistep solver fall over the last steps; unipc and sa always do",
);

/// The levels of a multistep solver, and whether its order falls at the end.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Walked {
    /// The levels that are visited.
    pub visits: Visits,
    /// Whether the order is at most the number of steps that are left. Default: only that of the
    /// last step.
    pub lower_at_end: bool,
}

impl Walked {
    /// The options of the levels.
    pub(crate) fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.visits.choices();
        all.push(choice(&LOWER_AT_END, DATA, &mut self.lower_at_end));
        all
    }

    pub(crate) fn course(
        &self,
        method: &'static str,
        process: &Process,
        evaluations: Option<usize>,
        wanted: Prediction,
    ) -> Result<Course> {
        course(method, &self.visits, process, evaluations, wanted)
    }

    pub(crate) fn sampler<F: Real>(
        &self,
        family: impl Family + 'static,
        course: &Course,
    ) -> Result<Box<dyn Sampler<F>>> {
        sampler(family, self.lower_at_end, course)
    }
}

/// One evaluation per step. The grids `leading` and `linspace` are those of other software for
/// multistep solvers, which leave out the last noised level.
pub(crate) fn course(
    method: &'static str,
    visits: &Visits,
    process: &Process,
    evaluations: Option<usize>,
    wanted: Prediction,
) -> Result<Course> {
    let grid = visits.grid.map(|grid| match grid {
        Spacing::Leading => Spacing::LeadingOpen,
        Spacing::Linspace => Spacing::LinspaceOpen,
        other => other,
    });
    let visits = Visits { grid, ..visits.clone() };
    // From pure noise only the data can be told.
    let latest = if wanted == Prediction::Data { latest_bounded(process) } else { LATEST };
    let price = Price { each: 1, last: 1 };
    let route = visits.route(Walk { method, price, latest }, process, evaluations)?;
    let evaluations = price.of(route.levels.len() - 1) as f64;
    route.course(wanted, evaluations)
}

pub(crate) fn sampler<F: Real>(
    family: impl Family + 'static,
    lower_at_end: bool,
    course: &Course,
) -> Result<Box<dyn Sampler<F>>> {
    let steps = Steps::of(course.table()?, &course.levels)?.lower_at_end(lower_at_end);
    Ok(Box::new(Multistep::new(family, steps)?))
}
