//! Predictor–corrector: the probability flow forward, then Langevin dynamics at the level reached,
//! phase after phase.

use super::{Sampler, StepInfo, Work};
use crate::drift::{Drift, Times};
use crate::dynamics::Layout;
use crate::error::{BoxError, Error, Result, positive};
use crate::grid::{Step, TimeGrid};
use crate::noise::Noise;
use crate::real::Real;
use crate::state::State;

use ndarray::{ArrayView2, ArrayViewMut2};

/// The times of a predictor–corrector run: from Ornstein–Uhlenbeck time `horizon` down to `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhasePlan {
    /// OU time T at which the run starts.
    pub horizon: f64,
    /// OU time δ at which it ends, > 0.
    pub end: f64,
    /// Predictor steps of equal length in all; the last of them is replaced by the shrinking last
    /// phase.
    pub predictor_steps: usize,
    /// Predictor steps in a phase; a corrector follows each phase.
    pub steps_per_phase: usize,
    /// Time of Langevin dynamics in each corrector.
    pub corrector_time: f64,
    /// Length of a corrector step.
    pub corrector_step: f64,
}

#[derive(Clone, Debug)]
struct Phase {
    /// Sampling times of the predictor.
    knots: Vec<f64>,
    /// Number of the first inner step, which the noise depends on.
    first: u32,
}

/// A predictor on the reverse process alternating with a corrector at fixed levels.
///
/// ```text
/// for each phase:   predictor: steps along the probability flow
///                   corrector: fresh v ~ N(0, u), underdamped Langevin for a time T_corr at the level reached
/// last phase:       predictor steps h/2, h/4, … down to δ, then one corrector
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
pub struct PredictorCorrector<F: Real> {
    predictor: Box<dyn Sampler<F>>,
    /// One for each phase.
    correctors: Vec<Box<dyn Sampler<F>>>,
    phases: Vec<Phase>,
    corrector_steps: usize,
    corrector_step: f64,
}

impl<F: Real> PredictorCorrector<F> {
    /// Combines a predictor with the corrector that `corrector` gives for the OU time of each
    /// phase's end.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the plan makes no sense, [`Error::Shape`] if the predictor does not
    /// work on positions alone or a corrector not on positions and velocities, and whatever
    /// `corrector` returns.
    pub fn new(
        predictor: Box<dyn Sampler<F>>,
        corrector: impl Fn(f64) -> Result<Box<dyn Sampler<F>>>,
        plan: PhasePlan,
    ) -> Result<Self> {
        let check = |what, sampler: &dyn Sampler<F>, blocks: usize| {
            let layout = sampler.layout();
            if layout.columns(1) == blocks && layout.inputs == 1 {
                return Ok(());
            }
            let given = format!("{} blocks", layout.columns(1));
            Err(Error::Shape { what, given, expected: format!("{blocks}, a drift on positions") })
        };
        check("predictor", &*predictor, 1)?;
        positive("end time", plan.end)?;
        positive("horizon less end time", plan.horizon - plan.end)?;
        positive("corrector step", plan.corrector_step)?;
        if !(plan.corrector_time >= 0.0 && plan.corrector_time.is_finite()) {
            let expected = "a finite number >= 0";
            return Err(Error::Invalid {
                name: "corrector time",
                given: plan.corrector_time,
                expected,
            });
        }
        crate::error::count(
            "predictor steps",
            plan.predictor_steps,
            1,
            1 << 24,
            "a whole number from 1 to 16777216",
        )?;
        crate::error::count(
            "steps per phase",
            plan.steps_per_phase,
            1,
            1 << 24,
            "a whole number from 1 to 16777216",
        )?;
        // Steps are rounded up and then made equal, so that a corrector takes exactly its time.
        let corrector_steps = (plan.corrector_time / plan.corrector_step).ceil() as usize;
        crate::error::count(
            "corrector steps in a phase",
            corrector_steps,
            0,
            1 << 24,
            "a whole number up to 16777216",
        )?;
        let corrector_step = plan.corrector_time / corrector_steps.max(1) as f64;
        let (mut phases, mut correctors) = (Vec::new(), Vec::new());
        let mut inner = 0u32;
        let mut add = |knots: Vec<f64>| -> Result<()> {
            let steps = knots.len() - 1 + corrector_steps;
            let sampler = corrector((plan.horizon - knots[knots.len() - 1]).max(plan.end))?;
            check("corrector", &*sampler, 2)?;
            correctors.push(sampler);
            phases.push(Phase { knots, first: inner });
            let given = f64::from(inner) + steps as f64;
            let expected = "below 4294967296 for all phases together";
            inner = inner.checked_add(steps as u32).ok_or(Error::Invalid {
                name: "inner steps",
                given,
                expected,
            })?;
            Ok(())
        };
        let step = (plan.horizon - plan.end) / plan.predictor_steps as f64;
        let whole = plan.predictor_steps - 1;
        let time = |i: usize| step * i as f64;
        let mut done = 0;
        while done < whole {
            let until = (done + plan.steps_per_phase).min(whole);
            add((done..=until).map(time).collect())?;
            done = until;
        }
        add(last_phase(plan.horizon, plan.end, time(whole)))?;
        Ok(Self { predictor, correctors, phases, corrector_steps, corrector_step })
    }

    /// The grid of a run: one step for each phase.
    ///
    /// # Errors
    /// [`Error::Grid`] if rounding made a phase empty.
    pub fn grid(&self) -> Result<TimeGrid> {
        let ends = self.phases.iter().filter_map(|phase| phase.knots.last().copied());
        TimeGrid::from_knots(std::iter::once(0.0).chain(ends).collect())
    }

    /// Drift evaluations of a whole run per chain; the most there can be where a tolerance may save
    /// some.
    pub fn evaluations(&self) -> f64 {
        let predictor: usize = self.phases.iter().map(|phase| phase.knots.len() - 1).sum();
        let corrector: f64 = self.correctors.iter().map(|c| c.evaluations_per_step()).sum();
        predictor as f64 * self.predictor.evaluations_per_step()
            + corrector * self.corrector_steps as f64
    }
}

/// From sampling time `start` to the end in steps that halve the time left, until what is left is
/// below four times the end.
fn last_phase(horizon: f64, end: f64, start: f64) -> Vec<f64> {
    let mut knots = vec![start];
    let mut left = horizon - start;
    while 0.5 * left > 2.0 * end {
        left *= 0.5;
        knots.push(horizon - left);
    }
    knots.push(horizon - end);
    knots
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
}

struct Scratch<F> {
    predictor: Work,
    corrector: Work,
    state: Option<State<F>>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self { predictor: Work::new(), corrector: Work::new(), state: None }
    }
}

impl<F: Real> Sampler<F> for PredictorCorrector<F> {
    fn name(&self) -> &'static str {
        "pc"
    }

    fn layout(&self) -> Layout {
        self.predictor.layout()
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let number = (step.index as usize).min(self.phases.len() - 1);
        let phase = &self.phases[number];
        let Scratch { predictor, corrector, state: moving } = work.scratch::<Scratch<F>>();
        let mut info = StepInfo::default();
        let mut add = |part: StepInfo| {
            info.evaluations += part.evaluations;
            info.batched_calls += part.batched_calls;
            info.rounds += part.rounds;
            info.proposed += part.proposed;
            info.accepted += part.accepted;
        };
        let mut index = phase.first;
        for pair in phase.knots.windows(2) {
            let inner = Step { index, start: pair[0], length: pair[1] - pair[0], end: pair[1] };
            add(self.predictor.step(inner, drift, noise, state, predictor)?);
            index += 1;
        }
        if self.corrector_steps > 0 {
            let sampler = &self.correctors[number];
            let layout = sampler.layout();
            let time = phase.knots[phase.knots.len() - 1];
            let still = At { drift, time };
            if moving.is_none() {
                *moving = Some(State::zeros(state.chains()[0], state.len(), state.dim(), layout)?);
            }
            if let Some(moving) = moving {
                moving.take_positions(state, layout);
                moving.draw_momenta(noise, index);
                for _ in 0..self.corrector_steps {
                    let inner = Step { index, start: time, length: self.corrector_step, end: time };
                    add(sampler.step(inner, &still, noise, moving, corrector)?);
                    index += 1;
                }
                let length = state.data().len();
                state.data_mut().copy_from_slice(&moving.data()[..length]);
            }
        }
        Ok(info)
    }

    fn evaluations_per_step(&self) -> f64 {
        self.evaluations() / self.phases.len() as f64
    }
}
