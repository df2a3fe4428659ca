//! A planned generation: a method on a process with a budget, ready to run on a model.

use super::clock::Clock;
use super::denoised::Denoised;
use super::denoiser::Denoiser;
use super::method::Method;
use super::methods::recipe::Course;
use super::phase_space::Lifted;
use super::prediction::Prediction;
use super::process::Process;
use super::schedule::{Level, LevelTable};
use crate::drift::Drift;
use crate::error::Result;
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::run::Run;
use crate::sampler::Sampler;

/// A generation that is planned: its grid, its price, and the way from a model to a run.
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let means = array![[-1.0, 0.0], [1.0, 0.0]];
/// let model = DiffusedMixture::new(GaussianMixture::isotropic(means.view(), 0.1)?);
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let plan = Method::named("pmm2")?.plan(&process, 50)?;
/// let samples = plan.run(&model)?.chains(100).seed(7).run()?;
/// assert!(samples.evaluations_per_chain() <= 50.0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    method: Method,
    process: Process,
    course: Course,
}

impl Method {
    /// Plans a generation with at most `evaluations` model evaluations per chain, in expectation.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) if the method does not run on this kind of
    /// process, [`Error::NotTaken`](crate::Error::NotTaken) for an option without effect on it,
    /// [`Error::TooFew`](crate::Error::TooFew) if the budget is too small, and whatever the parts
    /// refuse.
    pub fn plan(&self, process: &Process, evaluations: usize) -> Result<Plan> {
        Plan::new(self, process, Some(evaluations))
    }

    /// Plans a generation through the levels that its options list, with as many evaluations as
    /// they need.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) if no levels are listed, and as for
    /// [`plan`](Self::plan).
    pub fn plan_listed(&self, process: &Process) -> Result<Plan> {
        Plan::new(self, process, None)
    }
}

impl Plan {
    fn new(method: &Method, process: &Process, evaluations: Option<usize>) -> Result<Self> {
        let course = method.course(process, evaluations)?;
        // The builders of the sampler check its options: now, not when the plan is run.
        method.sampler::<f64>(process, &course)?;
        Ok(Self { method: method.clone(), process: process.clone(), course })
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The time grid of a run.
    pub fn grid(&self) -> &TimeGrid {
        &self.course.grid
    }

    /// Which level belongs to which time.
    pub fn clock(&self) -> &Clock {
        &self.course.clock
    }

    /// What the sampler asks of the model at first.
    pub fn wanted(&self) -> Prediction {
        self.course.wanted
    }

    /// The levels visited, from the noise to the data, as numbers in [`table`](Self::table), if the
    /// method visits levels of a table.
    pub fn levels(&self) -> &[usize] {
        &self.course.levels
    }

    /// The table that [`levels`](Self::levels) index: that of the process, or one that has the
    /// levels of a grid between its entries. `None` if the method visits no levels of a table.
    pub fn table(&self) -> Option<&LevelTable> {
        self.course.table.as_ref()
    }

    /// The levels visited, from the noise to the clean end; empty if the method visits no levels of
    /// a table.
    pub fn visited(&self) -> Vec<Level> {
        let level = |table: &LevelTable| self.levels().iter().map(|t| table.level(*t)).collect();
        self.table().map(level).unwrap_or_default()
    }

    /// The numbers of the steps, from 0, that jump out of the far noise: they are steps of DDIM or
    /// DDPM, because the method's own would be unstable over so much noise.
    pub fn jumps(&self) -> Vec<usize> {
        let jumps = self.course.jumps.iter().enumerate();
        jumps.filter(|(_, jump)| **jump).map(|(step, _)| step).collect()
    }

    /// The 0-based training timesteps at which the model is evaluated, from the noise to the data,
    /// if the method visits levels of the table of the process.
    pub fn timesteps(&self) -> Option<Vec<usize>> {
        let (_, visited) = self.course.levels.split_last()?;
        if self.course.table.as_ref() != self.process.table() {
            return None;
        }
        Some(visited.iter().map(|level| level - 1).collect())
    }

    /// Expected evaluations per chain, at most the budget; the maximum if a tolerance may save
    /// some.
    pub fn evaluations(&self) -> f64 {
        self.course.evaluations
    }

    /// The sampler of a run.
    ///
    /// # Errors
    /// None that planning has not found already.
    pub fn sampler<F: Real>(&self) -> Result<Box<dyn Sampler<F>>> {
        self.method.sampler(&self.process, &self.course)
    }

    /// The drift of a run: the model, asked what the sampler needs at the level of each time. A
    /// model of data gives the joint score of a phase-space diffusion too, by [`Lifted`].
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) or [`Error::Unreachable`](crate::Error::Unreachable)
    /// if the model does not give what the sampler needs.
    pub fn drift<'m, F: Real>(
        &self,
        model: impl Denoiser<F> + 'm,
    ) -> Result<Box<dyn Drift<F> + 'm>> {
        let clock = self.course.clock.clone();
        let wanted = self.course.wanted;
        let time = self.course.grid.time(0);
        let later = self.course.later;
        Ok(match &self.process {
            Process::Psld(psld, _) if !model.prediction().is_joint() => {
                let model = Lifted::new(model, *psld)?;
                Box::new(Denoised::starting_at(time, model, clock, wanted)?.changing(later))
            }
            _ => Box::new(Denoised::starting_at(time, model, clock, wanted)?.changing(later)),
        })
    }

    /// A run in f64 on this model, which is given by reference or by value. It starts from the
    /// process's noise: a standard normal, and momenta from their prior.
    ///
    /// # Errors
    /// As for [`drift`](Self::drift).
    pub fn run<'m>(&self, model: impl Denoiser<f64> + 'm) -> Result<Run<'m, f64>> {
        self.run_in::<f64>(model)
    }

    /// A run in the precision `F`, as in `plan.run_in::<f32>(&model)`.
    ///
    /// # Errors
    /// As for [`drift`](Self::drift).
    pub fn run_in<'m, F: Real>(&self, model: impl Denoiser<F> + 'm) -> Result<Run<'m, F>> {
        let sampler = self.sampler::<F>()?;
        let start = self.start(&model)?;
        let drift = self.drift::<F>(model)?;
        let run = Run::with_precision(sampler, drift, self.course.grid.clone());
        Ok(match start {
            Some(start) => run.start(start),
            None => run,
        })
    }
}
