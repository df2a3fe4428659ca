//! Plans that are changed: begun at less noise, held to a known part of the data, or parallel in
//! time.

use super::condition::{Inpainting, Known};
use super::method::Method;
use super::plan::Plan;
use super::prediction::Prediction;
use super::samplers::{Window, Windowed};
use crate::error::{Error, Result};

impl Plan {
    /// The window of a run that is parallel in time.
    pub fn window(&self) -> Option<Window> {
        self.window
    }

    /// The same plan, parallel in time with the same bits: steps of the method are scanned with old
    /// outputs of the model, and one batched call renews those of a whole window. See
    /// [`samplers::Windowed`](super::samplers::Windowed).
    ///
    /// The chains of `ddpm` and `ddim` are taken [in data form](Self::in_data_form). A trained
    /// network needs [`Rounded`](super::Rounded), or a tolerance.
    ///
    /// ```
    /// use langevin::diffusion::Window;
    /// use langevin::ndarray::array;
    /// use langevin::prelude::*;
    ///
    /// let means = array![[-1.0, 0.0], [1.0, 0.0]];
    /// let model = DiffusedMixture::new(GaussianMixture::isotropic(means.view(), 0.1)?);
    /// let process = Process::vp(LevelTable::linear(1000)?);
    /// let plan = Method::named("ddpm")?.plan(&process, 1000)?.in_data_form();
    /// let sequential = plan.run(&model)?.seed(7).run()?;
    /// let parallel = plan.windowed(Window::new(100)?)?.run(&model)?.seed(7).run()?;
    /// assert_eq!(parallel.state, sequential.state);
    /// assert!(parallel.cost.batched_calls < 110);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] if a step of the method evaluates the model more than once.
    pub fn windowed(&self, window: Window) -> Result<Self> {
        let mut plan = self.in_data_form();
        plan.window = None;
        let held = plan.held_sampler::<f64>()?;
        if Windowed::new(held.sampler, held.grid, window).is_err() {
            let name = self.method().name();
            return Err(Error::Value {
                option: "window".into(),
                given: window.steps().to_string(),
                expected: format!("none: a step of {name} takes more than one evaluation"),
            });
        }
        plan.window = Some(window);
        plan.regridded()
    }

    /// The same plan, with the chains of `ddpm` and `ddim` written for the data x̂₀ in place of the
    /// noise. They are the same steps up to rounding. Other plans are returned as they are.
    pub fn in_data_form(&self) -> Self {
        let mut plan = self.clone();
        if matches!(self.method(), Method::Ddpm(_) | Method::Ddim(_)) {
            plan.course.wanted = Prediction::Data;
        }
        plan
    }

    /// The last ⌊f N⌋ of the N steps of the plan: image to image. The run starts from data that are
    /// [noised](Self::noised) to the level of the first of them. The convention is that of
    /// diffusers. A multistep method begins with an empty memory.
    ///
    /// ```
    /// use langevin::ndarray::array;
    /// use langevin::prelude::*;
    ///
    /// let means = array![[-1.0, 0.0], [1.0, 0.0]];
    /// let model = DiffusedMixture::new(GaussianMixture::isotropic(means.view(), 0.1)?);
    /// let process = Process::vp(LevelTable::linear(1000)?);
    /// let plan = Method::named("ddim")?.plan(&process, 50)?.with_strength(0.4)?;
    /// assert_eq!(plan.evaluations(), 20.0);
    /// let start = plan.noised(array![[0.9, 0.2], [-1.1, 0.0]].view(), 7, 0)?;
    /// let samples = plan.run(&model)?.start(start).seed(7).run()?;
    /// assert_eq!(samples.positions().dim(), (2, 2));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// Source: Meng et al. 2021 (arXiv 2108.01073).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the strength is not in (0, 1], or leaves no step; [`Error::Model`] for
    /// a predictor–corrector run, whose steps are phases of many.
    pub fn with_strength(&self, strength: f64) -> Result<Self> {
        if !(strength > 0.0 && strength <= 1.0) {
            let expected = "a number in (0, 1]";
            return Err(Error::Invalid { name: "strength", given: strength, expected });
        }
        let steps = self.course.grid.steps();
        let taken = (strength * steps as f64).floor() as usize;
        if taken == 0 {
            let expected = "a share of the steps that is at least one of them";
            return Err(Error::Invalid { name: "strength", given: strength, expected });
        }
        self.check_phases("a start in the middle")?;
        let skipped = steps - taken;
        let saved: f64 = (0..skipped).map(|step| self.cost_of(step)).sum::<Result<f64>>()?;
        let mut plan = self.clone();
        let course = &mut plan.course;
        course.grid = course.grid.skipping(skipped)?;
        course.levels.drain(..skipped.min(course.levels.len()));
        course.jumps.drain(..skipped.min(course.jumps.len()));
        course.evaluations -= saved;
        plan.skipped += skipped;
        plan.regridded()
    }

    /// Expected evaluations of a step of the method that is not its last.
    fn cost_of(&self, step: usize) -> Result<f64> {
        let course = &self.course;
        if course.jumps.get(step) == Some(&true) {
            return Ok(1.0);
        }
        match self.method() {
            Method::Poisson(own) if self.process().kind().is_of_data() => {
                own.cost_of(self.process(), course, step)
            }
            Method::TwoStep(own) => own.cost_of(course, step),
            _ => Ok(self.method().sampler::<f64>(self.process(), course)?.evaluations_per_step()),
        }
    }

    /// Refuses a run whose steps are phases.
    fn check_phases(&self, what: &str) -> Result<()> {
        if self.course.predictor_steps == 0 {
            return Ok(());
        }
        let given = format!("{what} of {}", self.method().name());
        Err(Error::Model { given, expected: "a method whose steps are no phases".into() })
    }

    /// The same plan, held to a known part of the data.
    ///
    /// ```
    /// use langevin::diffusion::{Inpainting, Known};
    /// use langevin::ndarray::array;
    /// use langevin::prelude::*;
    ///
    /// let means = array![[-1.0, 0.0], [1.0, 2.0]];
    /// let model = DiffusedMixture::new(GaussianMixture::isotropic(means.view(), 0.1)?);
    /// let process = Process::vp(LevelTable::linear(1000)?);
    /// // The first of two coordinates is 1.
    /// let known = Known::new(vec![1.0, 0.0], vec![1.0, 0.0])?;
    /// let plan = Method::named("ddpm")?.plan(&process, 50)?;
    /// let plan = plan.inpainted(known, Inpainting::repaint(5, 3)?)?;
    /// let samples = plan.run(&model)?.chains(10).seed(7).run()?;
    /// assert!(samples.positions().column(0).iter().all(|x| *x == 1.0));
    /// assert_eq!(samples.evaluations_per_chain(), plan.evaluations());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// No way of it samples the conditional distribution: see `docs/diffusion.md` of the source.
    ///
    /// # Errors
    /// [`Error::Model`] for replacement with a method that has momenta, and for repeats of a method
    /// with a memory or with phases; [`Error::Clash`] if a part is known already.
    pub fn inpainted(&self, known: Known, way: Inpainting) -> Result<Self> {
        if self.held.is_some() {
            return Err(Error::Clash { options: "known parts of the data" });
        }
        let mut plan = self.clone();
        plan.held = Some((known, way));
        if let Inpainting::Repaint { repeats, .. } = way
            && repeats > 1
        {
            self.check_phases("repeated steps")?;
            plan.course.evaluations *= repeats as f64;
        }
        plan.regridded()
    }
}
