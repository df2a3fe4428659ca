//! What a generation method has to provide: names, options, the course of a run, and a sampler.

use crate::diffusion::clock::Clock;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::schedule::LevelTable;
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::options::{Entry, Field, OptionInfo};
use crate::real::Real;
use crate::sampler::Sampler;

/// What is known about a method on one kind of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodInfo {
    /// One line about it.
    pub title: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// An option of a method, and the kinds of process on which it has an effect.
pub(crate) struct Choice<'o> {
    pub entry: Entry<'o>,
    pub on: &'static [ProcessKind],
}

/// On all kinds of process.
pub(crate) const ALL: &[ProcessKind] = &ProcessKind::ALL;
/// On processes of data alone.
pub(crate) const DATA: &[ProcessKind] =
    &[ProcessKind::Vp, ProcessKind::Flow, ProcessKind::Edm, ProcessKind::Ve];
/// On phase-space diffusions.
pub(crate) const PSLD: &[ProcessKind] = &[ProcessKind::Psld];

/// An option for [`Recipe::choices`].
pub(crate) fn choice<'o>(
    info: &'static OptionInfo,
    on: &'static [ProcessKind],
    field: &'o mut dyn Field,
) -> Choice<'o> {
    Choice { entry: Entry { info, field }, on }
}

/// The course of a run: where it goes, and what it asks of the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Course {
    pub grid: TimeGrid,
    pub clock: Clock,
    pub wanted: Prediction,
    /// What is asked from a time on, if that is another prediction.
    pub later: Option<(f64, Prediction)>,
    /// The table that [`levels`](Self::levels) index, if the method visits any: that of the
    /// process, or one with the levels of a grid between its entries.
    pub table: Option<LevelTable>,
    /// Levels of the table that are visited, from the noise to the data, if the method visits any.
    pub levels: Vec<usize>,
    /// Expected evaluations per chain.
    pub evaluations: f64,
    /// Which steps jump out of the far noise by the ancestral rule; none if it is empty.
    pub jumps: Vec<bool>,
    /// Steps of the predictor of a predictor–corrector run; 0 for other methods.
    pub predictor_steps: usize,
}

impl Course {
    /// The table that the levels index.
    pub(crate) fn table(&self) -> Result<&LevelTable> {
        let missing = || Error::Missing { option: "levels", by: "a chain of levels".into() };
        self.table.as_ref().ok_or_else(missing)
    }
}

/// A generation method with its options: one file each.
pub(crate) trait Recipe: Sized {
    /// Every method of this file, with default options.
    fn all() -> Vec<Self>;

    /// Its name.
    fn name(&self) -> &'static str;

    /// What is known about it on this kind of process, or `None` if it does not run on it.
    fn info(&self, kind: ProcessKind) -> Option<MethodInfo>;

    /// The fewest steps from which on the variance of Gaussian data is right within a factor of 2.
    fn enough_steps(&self, _: ProcessKind) -> usize {
        1
    }

    /// Its options.
    fn choices(&mut self) -> Vec<Choice<'_>>;

    /// The course of a run with at most this many evaluations per chain, in expectation. Without a
    /// number the levels must be listed, and it is as many as they need.
    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course>;

    /// The sampler of a run along a course.
    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>>;
}

/// What a method pays for a number of steps: so much for each, and so much for the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    pub each: usize,
    pub last: usize,
}

impl Price {
    /// The price of this many steps.
    pub(crate) fn of(&self, steps: usize) -> usize {
        self.each.saturating_mul(steps.saturating_sub(1)).saturating_add(self.last)
    }

    /// The most steps that this many evaluations pay for.
    pub(crate) fn steps(&self, evaluations: usize) -> usize {
        if evaluations < self.last { 0 } else { (evaluations - self.last) / self.each + 1 }
    }
}

/// The error of a method that does not run on this kind of process.
pub(crate) fn not_on(method: &str, kind: ProcessKind) -> Error {
    let given = format!("{method} on a process of the kind {kind}");
    Error::Model { given, expected: "a method of that process".into() }
}
