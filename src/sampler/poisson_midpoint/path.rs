//! The stages of a Poisson midpoint step over all chains: jumps to the selected sub-steps, the jump
//! to the end, and the correction by the drift at the midpoints.

use super::coins::Midpoints;
use super::selection::{Rule, Selection};
use super::table::Table;
use crate::drift::Times;
use crate::dynamics::LinearDynamics;
use crate::error::Result;
use crate::grid::Interval;
use crate::noise::{Noise, Purpose};
use crate::real::Real;
use crate::sampler::step::{Evaluator, StepNoise};
use crate::sampler::update::{
    Coefficients, RowCoefficients, RowMatrix, add_exactly, update_by_row,
};
use crate::state::{Parts, State};

/// Working memory of a step.
#[derive(Default)]
pub(super) struct Path<F> {
    table: Table,
    substeps: usize,
    midpoints: Midpoints,
    /// b₀, (rows, inputs·dim).
    drift: Vec<F>,
    coefficients: RowCoefficients<F>,
    /// The sub-step that each chain's X̂ has reached.
    position: Vec<u32>,
    /// Compact copies of the chains that jump in a late round.
    compact: Compact<F>,
    /// Midpoints of all chains, (midpoints, inputs·dim), their times, and b at them.
    points: Vec<F>,
    times: Vec<f64>,
    drift_there: Vec<F>,
    corrections: RowMatrix<F>,
    /// The number of chains and the dimension for which memory is reserved.
    reserved: [usize; 2],
}

/// State, drift and numbers of the chains that have a midpoint in a late round.
#[derive(Default)]
struct Compact<F> {
    state: Vec<F>,
    low: Vec<F>,
    drift: Vec<F>,
    chains: Vec<u32>,
}

/// Reserves room for `length` numbers in total.
fn reserve_to<T>(vector: &mut Vec<T>, length: usize) {
    vector.reserve(length.saturating_sub(vector.len()));
}

impl<F: Real> Path<F> {
    /// Prepares the coefficients of K = `substeps` small steps.
    pub(super) fn prepare(
        &mut self,
        dynamics: &dyn LinearDynamics,
        interval: Interval,
        substeps: usize,
        rule: Rule,
    ) {
        self.table.update(dynamics, interval, substeps, rule);
        self.substeps = substeps;
    }

    /// Evaluates b₀ and selects the midpoints of all chains.
    pub(super) fn begin(
        &mut self,
        interval: Interval,
        selection: Selection,
        drift: &mut Evaluator<'_, F>,
        noise: &dyn Noise<F>,
        state: &State<F>,
    ) -> Result<()> {
        let width = state.layout().inputs() * state.dim();
        self.drift.resize(state.len() * width, F::zero());
        drift.at(Times::Shared(interval.start), width, state.blocks(), &mut self.drift)?;
        let shares = self.table.shares();
        self.midpoints.draw(selection, shares, interval.index, noise, state.chains());
        if self.reserved != [state.len(), state.dim()] {
            self.reserve(selection, state);
        }
        self.position.clear();
        self.position.resize(state.len(), 0);
        self.points.resize(self.midpoints.len() * width, F::zero());
        Ok(())
    }

    /// Reserves memory for as many midpoints as can be expected, so that no later step allocates.
    fn reserve(&mut self, selection: Selection, state: &State<F>) {
        let rows = state.len();
        let layout = state.layout();
        // Independent coins give about one midpoint per chain. A count of eight standard deviations
        // more occurs less than once in 10^14 steps.
        let most = match selection {
            Selection::Single => rows,
            Selection::Bernoulli => rows + 8 * (rows as f64).sqrt() as usize + 16,
        };
        let width = layout.inputs() * state.dim();
        self.midpoints.reserve(most);
        reserve_to(&mut self.points, most * width);
        reserve_to(&mut self.drift_there, most * width);
        reserve_to(&mut self.times, most);
        self.corrections.resize(most, layout.blocks(), layout.inputs());
        if selection == Selection::Bernoulli {
            reserve_to(&mut self.compact.state, state.blocks().len());
            reserve_to(&mut self.compact.low, state.low().len());
            reserve_to(&mut self.compact.drift, rows * width);
            reserve_to(&mut self.compact.chains, rows);
        }
        self.reserved = [rows, state.dim()];
    }

    /// The number of rounds of jumps.
    pub(super) fn rounds(&self) -> usize {
        self.midpoints.rounds()
    }

    /// Carries X̂ of the chains of a round to their next midpoint, and stores the midpoint.
    pub(super) fn jump_to_round(
        &mut self,
        round: usize,
        noise: &mut StepNoise<'_, F>,
        state: &mut State<F>,
    ) {
        match (round, self.midpoints.round(round).len()) {
            (0, _) => self.first_jump(noise, state),
            (_, 0) => {}
            _ => self.later_jump(round, noise, state),
        }
    }

    /// The first round. Most chains have a first midpoint, so all of them jump in place. A chain
    /// without one makes a jump of length zero.
    fn first_jump(&mut self, noise: &mut StepNoise<'_, F>, state: &mut State<F>) {
        let range = self.midpoints.round(0);
        let chosen = &self.midpoints.rows[range.clone()];
        let targets = &self.midpoints.substeps[range.clone()];
        let rows = state.len();
        self.coefficients.resize(rows, state.layout());
        (0..rows).for_each(|row| self.coefficients.set(row, &Coefficients::IDENTITY));
        for (&row, &to) in chosen.iter().zip(targets) {
            self.coefficients.set(row as usize, &self.table.jump(0, to));
            self.position[row as usize] = to;
        }
        let z = noise.normals(Purpose::Path, 0, state.chains(), state.blocks().len());
        let width = self.drift.len() / rows;
        let Parts { own: x, low, .. } = state.parts();
        update_by_row(x, low, &self.coefficients, &self.drift, z);
        let total = self.midpoints.len();
        for j in 0..width {
            let column = &x[j * rows..(j + 1) * rows];
            let to = &mut self.points[j * total + range.start..j * total + range.end];
            to.iter_mut().zip(chosen).for_each(|(x, &row)| *x = column[row as usize]);
        }
    }

    /// A later round. Few chains have one more midpoint, so they jump in a compact copy.
    fn later_jump(&mut self, round: usize, noise: &mut StepNoise<'_, F>, state: &mut State<F>) {
        let range = self.midpoints.round(round);
        let chosen = &self.midpoints.rows[range.clone()];
        let targets = &self.midpoints.substeps[range.clone()];
        let few = chosen.len();
        let rows = state.len();
        let columns = state.layout().blocks() * state.dim();
        let width = self.drift.len() / rows;
        let Compact { state: compact, low: few_low, drift, chains } = &mut self.compact;
        compact.resize(few * columns, F::zero());
        drift.resize(few * width, F::zero());
        chains.clear();
        chains.extend(chosen.iter().map(|&row| state.chains()[row as usize]));
        self.coefficients.resize(few, state.layout());
        let Parts { own: x, low, .. } = state.parts();
        let lows = low.len() / rows;
        few_low.resize(few * lows, F::zero());
        for (i, (&row, &to)) in chosen.iter().zip(targets).enumerate() {
            let row = row as usize;
            self.coefficients.set(i, &self.table.jump(self.position[row], to));
            self.position[row] = to;
            (0..columns).for_each(|j| compact[j * few + i] = x[j * rows + row]);
            (0..lows).for_each(|j| few_low[j * few + i] = low[j * rows + row]);
            (0..width).for_each(|j| drift[j * few + i] = self.drift[j * rows + row]);
        }
        let z = noise.normals(Purpose::Path, round as u32, chains, few * columns);
        update_by_row(compact, few_low, &self.coefficients, drift, z);
        let total = self.midpoints.len();
        for (i, &row) in chosen.iter().enumerate() {
            (0..columns).for_each(|j| x[j * rows + row as usize] = compact[j * few + i]);
            (0..lows).for_each(|j| low[j * rows + row as usize] = few_low[j * few + i]);
            let at = range.start + i;
            (0..width).for_each(|j| self.points[j * total + at] = compact[j * few + i]);
        }
    }

    /// Carries X̂ of all chains to the end of the step.
    pub(super) fn jump_to_end(&mut self, noise: &mut StepNoise<'_, F>, state: &mut State<F>) {
        self.coefficients.resize(state.len(), state.layout());
        for (row, &from) in self.position.iter().enumerate() {
            self.coefficients.set(row, &self.table.jump(from, self.substeps as u32));
        }
        let mut z: &[F] = &[];
        if self.table.is_noisy() {
            z = noise.normals(Purpose::Increment, 0, state.chains(), state.blocks().len());
        }
        let Parts { own, low, .. } = state.parts();
        update_by_row(own, low, &self.coefficients, &self.drift, z);
    }

    /// Evaluates the drift at all midpoints in one call and adds the corrections.
    pub(super) fn correct(
        &mut self,
        interval: Interval,
        drift: &mut Evaluator<'_, F>,
        state: &mut State<F>,
    ) -> Result<()> {
        let total = self.midpoints.len();
        if total == 0 {
            // The second call is part of the method, so it counts. A batch without midpoints skips
            // it.
            drift.cost.batched_calls += u64::from(self.substeps > 1);
            return Ok(());
        }
        let layout = state.layout();
        let rows = state.len();
        let dim = state.dim();
        let width = layout.inputs() * dim;
        let small = interval.length / self.substeps as f64;
        let time = |&i: &u32| interval.start + small * f64::from(i);
        self.times.clear();
        self.times.extend(self.midpoints.substeps.iter().map(time));
        self.drift_there.resize(total * width, F::zero());
        let rows_of = self.midpoints.rows.iter().map(|row| *row as usize);
        let times = Times::PerRow(&self.times);
        drift.at_rows(rows_of, times, width, &self.points, &mut self.drift_there)?;
        self.corrections.resize(total, layout.blocks(), layout.inputs());
        for (i, &substep) in self.midpoints.substeps.iter().enumerate() {
            self.corrections.set(i, self.table.correction(substep));
        }
        let Parts { own: x, low, .. } = state.parts();
        for j in 0..width {
            let k = j / dim;
            let base = &self.drift[j * rows..(j + 1) * rows];
            let there = &self.drift_there[j * total..(j + 1) * total];
            for r in 0..layout.blocks() {
                let column = r * dim + j - k * dim;
                let to = &mut x[column * rows..(column + 1) * rows];
                let low = low.get_mut(column * rows..(column + 1) * rows).filter(|_| r == 0);
                let chosen = self.midpoints.rows.iter().map(|&row| row as usize).enumerate();
                let term = |i, row: usize| self.corrections.get(i, r, k) * (there[i] - base[row]);
                match low {
                    Some(low) => chosen.for_each(|(i, row)| {
                        add_exactly(&mut to[row], &mut low[row], term(i, row));
                    }),
                    None => chosen.for_each(|(i, row)| to[row] += term(i, row)),
                }
            }
        }
        Ok(())
    }
}
