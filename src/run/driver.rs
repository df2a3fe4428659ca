//! The steps of a run whose drift is asked of somebody outside: each step is replayed until all of
//! its calls have an answer.

use ndarray::Array2;

use super::builder::Run;
use super::chunk::rounded;
use super::samples::{NonFinite, Samples};
use super::start::Initial;
use super::tape::{Question, Tape};
use crate::drift::Drift;
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::math::finite::all_finite;
use crate::math::simd;
use crate::noise::{Noise, Philox};
use crate::real::Real;
use crate::sampler::{Cost, Sampler, Step, Work};
use crate::state::State;

/// All chains of a run, and the steps that are left.
pub(crate) struct Driver<'a, F: Real> {
    sampler: Box<dyn Sampler<F> + 'a>,
    noise: Box<dyn Noise<F> + 'a>,
    seed: Option<u64>,
    grid: TimeGrid,
    state: State<F>,
    /// The state at the start of the step, to which a replay goes back.
    before: State<F>,
    work: Work<F>,
    taken: usize,
    cost: Cost,
    rounded: u64,
}

impl<'a, F: Real> Driver<'a, F> {
    /// The start of a run.
    pub fn new(mut run: Run<'a, F>) -> Result<Self> {
        simd::instruction_set()?;
        refuse(&run)?;
        let seed = run.seed.unwrap_or(0);
        let given = run.noise.take();
        let is_given = given.is_some();
        let noise = given.unwrap_or_else(|| Box::new(Philox::new(seed)));
        let Initial { state: rows, low, dim, carried_known } = run.begin(&*noise, is_given)?;
        let layout = run.sampler.layout();
        let mut state = State::zeros(run.first_chain, rows.nrows(), dim, layout)?;
        state.load(rows.view());
        state.load_low(low.view());
        state.set_carried_known(carried_known);
        Ok(Self {
            before: state.clone(),
            sampler: run.sampler,
            noise,
            seed: (!is_given).then_some(seed),
            grid: run.grid,
            state,
            work: Work::new(),
            taken: run.first_step,
            cost: run.earlier.cost,
            rounded: 0,
        })
    }

    /// Takes steps until a call has no answer, and returns it; `None` after the last step. `drift`
    /// hands its calls to the tape.
    pub fn question<T: Clone + PartialEq + Send>(
        &mut self,
        drift: &dyn Drift<F>,
        tape: &Tape<F, T>,
    ) -> Result<Option<Question<F, T>>> {
        while self.taken < self.grid.steps() {
            let result = self.step(drift);
            if result.is_err() {
                self.state.assign(&self.before);
            }
            if let Some(question) = tape.take_open() {
                return Ok(Some(question));
            }
            result?;
            self.before.assign(&self.state);
            self.taken += 1;
            tape.clear();
        }
        Ok(None)
    }

    /// One replay of the step.
    fn step(&mut self, drift: &dyn Drift<F>) -> Result<()> {
        let interval = self.grid.interval(self.taken);
        let mut step = Step::new(interval, drift, &*self.noise, &mut self.state, &mut self.work);
        self.sampler.step(&mut step)?;
        let cost = step.cost();
        let noisy = step.noise.was_drawn();
        let own = self.state.blocks();
        if !all_finite(own) {
            let rows = self.state.len();
            let is_bad = |row: &usize| own[*row..].iter().step_by(rows).any(|x| !x.is_finite());
            let row = (0..rows).find(is_bad).unwrap_or(0);
            let chain = u64::from(self.state.chains()[row]);
            let step = interval.index as u64 + 1;
            return Err(Error::Diverged { chain, step, time: interval.end });
        }
        self.cost += cost;
        if noisy && self.taken + 1 == self.grid.steps() {
            let before = self.before.data();
            self.rounded = rounded(&self.state, before, &[], cost.proposed > 0);
        }
        Ok(())
    }

    /// The chains, at the start of the step that is open.
    pub fn complete(&self) -> &State<F> {
        &self.before
    }

    /// The number of steps taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// The outcome so far.
    pub fn samples(&self) -> Samples<F> {
        let state = &self.before;
        let mut rows = Array2::zeros(state.view().dim());
        rows.assign(&state.view());
        let mut low = Array2::zeros(state.low_view().dim());
        low.assign(&state.low_view());
        Samples {
            state: rows,
            low,
            dim: state.dim(),
            layout: state.layout(),
            steps: self.taken as u64,
            first_chain: state.chains()[0],
            seed: self.seed,
            cost: self.cost,
            rounded: self.rounded,
            diverged: Vec::new(),
            calls: None,
        }
    }
}

/// Refuses options that have no effect on a run that is driven from outside.
fn refuse<F: Real>(run: &Run<'_, F>) -> Result<()> {
    let option = match (&run.looks, run.non_finite) {
        (looks, _) if looks.checkpoint.is_some() => "checkpoint".into(),
        (looks, _) if !looks.observers.is_empty() => "observe".into(),
        (_, NonFinite::Stop) => return Ok(()),
        (_, policy) => format!("non_finite {policy}"),
    };
    let takes = "start, chains, first_chain, first_step, seed, noise and resume".into();
    Err(Error::NotTaken { option, by: "a stepper".into(), takes })
}
