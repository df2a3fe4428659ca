//! A planned generation: a method on a process with a budget, ready to run on a model.

use super::clock::Clock;
use super::condition::{Inpainting, Known};
use super::denoised::Denoised;
use super::denoiser::Denoiser;
use super::method::Method;
use super::methods::recipe::Course;
use super::phase_space::Lifted;
use super::prediction::Prediction;
use super::process::Process;
use super::projected::Projected;
use super::samplers::{Replaced, Window, Windowed};
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
    pub(super) course: Course,
    /// How many steps of the method are left out at the noisy end.
    pub(super) skipped: usize,
    /// The known part of the data, and how the run is held to it.
    pub(super) held: Option<(Known, Inpainting)>,
    pub(super) window: Option<Window>,
    /// The grid of a run.
    grid: TimeGrid,
}

/// A sampler and the grid of a run with it.
pub(super) struct Gridded<F: Real> {
    pub sampler: Box<dyn Sampler<F>>,
    pub grid: TimeGrid,
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
        Ok(Self {
            method: method.clone(),
            process: process.clone(),
            grid: course.grid.clone(),
            course,
            skipped: 0,
            held: None,
            window: None,
        })
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The time grid of a run: the steps of the method. Some are one if the plan is
    /// [windowed](Self::windowed), or repeats them for a [known part](Self::inpainted) of the data.
    pub fn grid(&self) -> &TimeGrid {
        &self.grid
    }

    /// The times of the steps of the method.
    pub fn method_grid(&self) -> &TimeGrid {
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
    /// some. A [windowed](Self::windowed) run takes more.
    pub fn evaluations(&self) -> f64 {
        self.course.evaluations
    }

    /// The sampler of a run.
    ///
    /// # Errors
    /// None that planning has not found already.
    pub fn sampler<F: Real>(&self) -> Result<Box<dyn Sampler<F>>> {
        let held = self.held_sampler()?;
        let Some(window) = self.window else { return Ok(held.sampler) };
        Ok(Box::new(Windowed::new(held.sampler, held.grid, window)?))
    }

    /// The sampler without a window, held to what is known of the data.
    pub(super) fn held_sampler<F: Real>(&self) -> Result<Gridded<F>> {
        let sampler = self.method.sampler::<F>(&self.process, &self.course)?;
        let grid = self.course.grid.clone();
        let (known, repeats) = match &self.held {
            None | Some((_, Inpainting::Projection)) => return Ok(Gridded { sampler, grid }),
            Some((known, Inpainting::Replacement)) => (known, None),
            Some((known, Inpainting::Repaint { jump, repeats })) => {
                (known, Some((*jump, *repeats)))
            }
        };
        let mut held = Replaced::new(sampler, grid, self.course.clock.clone(), known.clone())?;
        if let Some((jump, repeats)) = repeats {
            held = held.with_repeats(jump, repeats)?;
        }
        Ok(Gridded { grid: held.grid()?, sampler: Box::new(held) })
    }

    /// The same plan with the grid that its sampler needs.
    pub(super) fn regridded(mut self) -> Result<Self> {
        let Gridded { sampler, grid } = self.held_sampler::<f64>()?;
        self.grid = match self.window {
            Some(window) => Windowed::new(sampler, grid, window)?.grid()?,
            None => grid,
        };
        Ok(self)
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
        match &self.held {
            Some((known, Inpainting::Projection)) => {
                self.plain_drift(Projected::new(model, known)?)
            }
            _ => self.plain_drift(model),
        }
    }

    fn plain_drift<'m, F: Real>(
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
        let run = Run::with_precision(sampler, drift, self.grid().clone());
        Ok(match start {
            Some(start) => run.start(start),
            None => run,
        })
    }
}
