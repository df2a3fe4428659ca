//! Predictor–corrector: the probability flow forward, then Langevin dynamics at the level reached,
//! phase after phase.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::corrector_plan::{CorrectorPlan, Phase};
use crate::drift::{Drift, Times};
use crate::error::{BoxError, Error, Result};
use crate::grid::{Interval, TimeGrid};
use crate::real::Real;
use crate::sampler::{Sampler, Scheme, Step, Work};
use crate::state::{Layout, State};

/// A predictor on the reverse process alternating with a corrector at fixed levels.
///
/// ```text
/// for each phase
///     predictor: steps along the probability flow
///     corrector: fresh v ~ N(0, u), underdamped Langevin for a time T_corr at the level reached
/// last phase: predictor steps h/2, h/4, … down to δ, then one corrector
/// ```
///
/// The predictor is any sampler on one block (the flow, by a
/// [`RandomizedMidpoint`](crate::RandomizedMidpoint)), the correctors any on position and velocity
/// (ULMC: [`EulerMaruyama`](crate::EulerMaruyama) on [`Underdamped`](crate::Underdamped); in
/// parallel, a randomized midpoint with windows and rounds). Every phase has its own, as the
/// inverse mass u should be about the inverse of the score's Lipschitz constant, which the level
/// bounds: 1 − ᾱ makes one length of step right for all. Both use the drift of the run, the score
/// at its clock; the corrector holds the time still. One step of a run is one phase; its grid is
/// [`grid`](Self::grid).
///
/// Source: Gupta, Cai & Chen 2024 (arXiv 2406.00924), Algorithms 1–3 (sequential) and 4–6
/// (parallel). Deviation: the phases have equal numbers of predictor steps.
#[derive(Clone, Debug)]
pub struct PredictorCorrector<P, C> {
    predictor: P,
    /// One for each phase.
    correctors: Vec<C>,
    phases: Vec<Phase>,
    corrector_steps: usize,
    corrector_step: f64,
}

impl<P: Scheme, C: Scheme> PredictorCorrector<P, C> {
    /// Combines a predictor with the corrector that `corrector` gives for the OU time of each
    /// phase's end.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the plan makes no sense, [`Error::Shape`] if the predictor does not
    /// work on positions alone or a corrector not on positions and velocities, and whatever
    /// `corrector` returns.
    pub fn new(
        predictor: P,
        corrector: impl Fn(f64) -> Result<C>,
        plan: CorrectorPlan,
    ) -> Result<Self> {
        check("predictor", predictor.layout(), 1)?;
        let phases = plan.phases()?;
        let mut correctors = Vec::with_capacity(phases.len());
        for phase in &phases {
            let sampler = corrector((plan.horizon - phase.end()).max(plan.end))?;
            check("corrector", sampler.layout(), 2)?;
            correctors.push(sampler);
        }
        let corrector_steps = plan.corrector_steps()?;
        let corrector_step = plan.corrector_time / corrector_steps.max(1) as f64;
        Ok(Self { predictor, correctors, phases, corrector_steps, corrector_step })
    }

    /// The grid of a run: one step for each phase.
    ///
    /// # Errors
    /// [`Error::Grid`] if rounding made a phase empty.
    pub fn grid(&self) -> Result<TimeGrid> {
        let ends = self.phases.iter().map(Phase::end);
        TimeGrid::from_knots(std::iter::once(0.0).chain(ends).collect())
    }

    /// Drift evaluations of a whole run per chain; the maximum if a tolerance may save some.
    pub fn evaluations(&self) -> f64 {
        let predictor: usize = self.phases.iter().map(|phase| phase.knots.len() - 1).sum();
        let corrector: f64 = self.correctors.iter().map(|c| c.evaluations_per_step()).sum();
        predictor as f64 * self.predictor.evaluations_per_step()
            + corrector * self.corrector_steps as f64
    }
}

/// Refuses a sampler of another number of blocks, or whose drift reads more than positions.
fn check(what: &'static str, layout: Layout, blocks: usize) -> Result<()> {
    if layout.columns(1) == blocks && layout.inputs() == 1 {
        return Ok(());
    }
    let given = format!("{} blocks", layout.columns(1));
    Err(Error::Shape { what, given, expected: format!("{blocks}, a drift on positions") })
}

/// A drift at one time, whatever the time of the run.
struct At<'a, F: Real> {
    drift: &'a dyn Drift<F>,
    time: f64,
}

impl<F: Real> Drift<F> for At<'_, F> {
    fn eval(
        &self,
        _: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.drift.eval(Times::Shared(self.time), x, out)
    }

    fn eval_chains(
        &self,
        chains: &[u32],
        _: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.drift.eval_chains(chains, Times::Shared(self.time), x, out)
    }
}

struct Scratch<F: Real> {
    predictor: Work<F>,
    corrector: Work<F>,
    state: Option<State<F>>,
}

impl<F: Real> Default for Scratch<F> {
    fn default() -> Self {
        Self { predictor: Work::new(), corrector: Work::new(), state: None }
    }
}

impl<P: Scheme, C: Scheme> Scheme for PredictorCorrector<P, C> {
    fn layout(&self) -> Layout {
        self.predictor.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        self.evaluations() / self.phases.len() as f64
    }

    /// That of the predictor, and that of a corrector with its state.
    fn scratch(&self, dim: usize) -> usize {
        let own = |c: &C| c.scratch(dim).saturating_add(c.layout().columns(dim));
        let corrector = self.correctors.iter().map(own).max().unwrap_or(0);
        self.predictor.scratch(dim).saturating_add(corrector)
    }
}

impl<F: Real, P: Sampler<F>, C: Sampler<F>> Sampler<F> for PredictorCorrector<P, C> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let number = step.interval.index as usize;
        let Some(phase) = self.phases.get(number) else {
            let given = number as f64;
            let expected = "below the number of phases, as in the grid of this sampler";
            return Err(Error::Invalid { name: "step of a predictor-corrector", given, expected });
        };
        let scratch = step.own.get::<Scratch<F>>();
        let drift = step.drift.source();
        let noise = step.noise.source();
        let mut index = phase.first;
        for pair in phase.knots.windows(2) {
            let [start, end] = [pair[0], pair[1]];
            let inner = Interval { index, start, length: end - start, end };
            let mut inner = Step::new(inner, drift, noise, step.state, &mut scratch.predictor);
            self.predictor.step(&mut inner)?;
            step.drift.cost += inner.cost();
            index += 1;
        }
        if self.corrector_steps == 0 {
            return Ok(());
        }
        let sampler = &self.correctors[number];
        let layout = sampler.layout();
        let time = phase.end();
        let still = At { drift, time };
        let moving = match &mut scratch.state {
            Some(moving) => moving,
            empty => {
                let [rows, dim] = [step.state.len(), step.state.dim()];
                empty.insert(State::zeros(step.state.chains()[0], rows, dim, layout)?)
            }
        };
        moving.take_positions(step.state, layout);
        moving.draw_momenta(noise, index);
        for _ in 0..self.corrector_steps {
            let inner = Interval { index, start: time, length: self.corrector_step, end: time };
            let mut inner = Step::new(inner, &still, noise, moving, &mut scratch.corrector);
            sampler.step(&mut inner)?;
            step.drift.cost += inner.cost();
            index += 1;
        }
        let length = step.state.data().len();
        step.state.data_mut().copy_from_slice(&moving.data()[..length]);
        Ok(())
    }
}
