//! DDPM and DDIM: the steps of a discrete chain, re-spaced where levels are skipped.

use super::far::latest_bounded;
use super::recipe::{Choice, Course, DATA, MethodInfo, Price, Recipe, choice};
use super::visits::{Visits, Walk};
use crate::diffusion::dynamics::{Ancestral, Form};
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::schedule::LevelTable;
use crate::error::Result;
use crate::options::{OptionInfo, by_name, named_value};
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler};

pub(crate) const VARIANCE: OptionInfo = OptionInfo::new(
    "variance",
    "NAME",
    "Variance of the steps of a chain: small (that of the posterior of the level before, given the \
     data) or large (β) [default: small]",
);
const ETA: OptionInfo =
    OptionInfo::new("eta", "E", "Share of noise in the steps of ddim, in [0, 1] [default: 0]");

/// Which variance the steps of a chain have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variance {
    /// That of the posterior of the level before, given the data.
    #[default]
    Small,
    /// β.
    Large,
}

impl Variance {
    /// Both variances.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// Its name: `small` or `large`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// The chain with this variance.
    pub(crate) fn chain(self, table: &LevelTable) -> Ancestral {
        match self {
            Self::Small => Ancestral::small(table.clone()),
            Self::Large => Ancestral::large(table.clone()),
        }
    }
}

by_name!(Variance, "variance");

named_value!(Variance);

/// DDPM ancestral sampling: one evaluation per step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Ddpm {
    /// The levels that are visited.
    pub visits: Visits,
    /// The variance of the steps. Default: small.
    pub variance: Option<Variance>,
}

/// DDIM, deterministic for η = 0: one evaluation per step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Ddim {
    /// The levels that are visited.
    pub visits: Visits,
    /// η, the share of noise. Default 0.
    pub eta: Option<f64>,
}

/// One evaluation per step.
const PRICE: Price = Price { each: 1, last: 1 };

/// The course of a chain.
fn course(
    method: &'static str,
    visits: &Visits,
    process: &Process,
    evaluations: Option<usize>,
) -> Result<Course> {
    let latest = latest_bounded(process);
    let walk = Walk { method, price: PRICE, latest };
    let route = visits.route(walk, process, evaluations)?;
    let evaluations = PRICE.of(route.levels.len() - 1) as f64;
    // From pure noise, where a flow begins, only the data form is finite.
    let wanted = match process.kind() {
        ProcessKind::Vp => Prediction::Epsilon,
        _ => Prediction::Data,
    };
    route.course(wanted, evaluations)
}

/// The form of the steps of a course.
fn form(course: &Course) -> Form {
    if course.wanted == Prediction::Data { Form::Data } else { Form::Noise }
}

impl Recipe for Ddpm {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "ddpm"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "DDPM ancestral sampling, re-spaced where levels are skipped",
            source: "Ho et al. 2020, arXiv 2006.11239",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        20
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.visits.choices();
        all.push(choice(&VARIANCE, DATA, &mut self.variance));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        course(self.name(), &self.visits, process, evaluations)
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let table = course.table()?;
        let chain = self.variance.unwrap_or_default().chain(table);
        Ok(Box::new(EulerMaruyama::new(chain.with_form(form(course)))))
    }
}

impl Recipe for Ddim {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "ddim"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "DDIM; deterministic for eta 0",
            source: "Song, Meng & Ermon 2020, arXiv 2010.02502",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        12
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.visits.choices();
        all.push(choice(&ETA, DATA, &mut self.eta));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        course(self.name(), &self.visits, process, evaluations)
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let table = course.table()?;
        let chain = Ancestral::ddim(table.clone(), self.eta.unwrap_or(0.0))?;
        Ok(Box::new(EulerMaruyama::new(chain.with_form(form(course)))))
    }
}
