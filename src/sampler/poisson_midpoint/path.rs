//! The stages of a Poisson midpoint step over all chains: jumps to the selected sub-steps, the jump
//! to the end, and the correction by the drift at the midpoints.

use super::coins::Midpoints;
use super::selection::{Rule, Selection};
use super::table::Table;
use crate::drift::Times;
use crate::dynamics::LinearDynamics;
use crate::error::Result;
use crate::grid::Interval;
use crate::math::aligned::Aligned;
use crate::noise::{Noise, Purpose};
use crate::real::Real;
use crate::sampler::step::{Evaluator, StepNoise};
use crate::sampler::update::{Indexed, Rounded, add_exactly, update_by_index};
use crate::state::{Parts, State};

/// Working memory of a step.
#[derive(Default)]
pub(super) struct Path<F> {
    table: Table,
    jumps: Jumps<F>,
    substeps: usize,
    selection: Selection,
    midpoints: Midpoints,
    /// b₀, (rows, inputs·dim).
    drift: Aligned<F>,
    /// The sub-step that each chain's X̂ has reached.
    position: Vec<u32>,
    /// Compact copies of the chains that jump in a round of option 1.
    compact: Compact<F>,
    /// Midpoints of all chains, (midpoints, inputs·dim), their times, and b at them.
    points: Aligned<F>,
    times: Vec<f64>,
    drift_there: Aligned<F>,
    /// The number of chains and the dimension for which memory is reserved.
    reserved: [usize; 2],
}

/// The jumps of the table in the precision of the state.
#[derive(Default)]
struct Jumps<F> {
    /// `[i]` goes from 0 to i. If all jumps of a length are the same, it is any jump of length i.
    from_start: Vec<Rounded<F>>,
    /// Otherwise: `[i]` goes from i to K.
    to_end: Vec<Rounded<F>>,
    /// The weight of b(X̂ᵢ) − b₀ in the final state: entry (r, k) at `[r][k][i]`.
    corrections: [[Vec<F>; 2]; 2],
}

impl<F: Real> Jumps<F> {
    fn round(&mut self, table: &Table) {
        let last = table.substeps() as u32;
        self.from_start.clear();
        self.from_start.extend((0..=last).map(|i| Rounded::new(&table.jump(0, i))));
        self.to_end.clear();
        if !table.is_autonomous() {
            self.to_end.extend((0..last).map(|i| Rounded::new(&table.jump(i, last))));
        }
        for (r, row) in self.corrections.iter_mut().enumerate() {
            for (k, weights) in row.iter_mut().enumerate() {
                weights.clear();
                weights.extend((0..last).map(|i| F::from_f64(table.correction(i)[r][k])));
            }
        }
    }
}

/// State, drift and numbers of the chains that have a midpoint in a round of option 1.
#[derive(Default)]
struct Compact<F> {
    /// The jump of each chain: its place among the jumps from the start, or in `jumps`.
    index: Vec<u32>,
    jumps: Vec<Rounded<F>>,
    state: Aligned<F>,
    low: Aligned<F>,
    drift: Aligned<F>,
    chains: Vec<u32>,
}

impl<F> Compact<F> {
    fn clear(&mut self) {
        self.index.clear();
        self.jumps.clear();
        self.chains.clear();
    }
}

/// Copies these rows of column-major numbers.
fn gather<F: Real>(chosen: &[u32], from: &[F], rows: usize, to: &mut Aligned<F>) {
    let few = chosen.len();
    to.resize(few * (from.len() / rows), F::zero());
    for (to, column) in to.chunks_exact_mut(few).zip(from.chunks_exact(rows)) {
        to.iter_mut().zip(chosen).for_each(|(x, row)| *x = column[*row as usize]);
    }
}

/// Copies numbers back to these rows.
fn scatter<F: Real>(chosen: &[u32], from: &[F], to: &mut [F], rows: usize) {
    for (column, from) in to.chunks_exact_mut(rows).zip(from.chunks_exact(chosen.len())) {
        chosen.iter().zip(from).for_each(|(row, x)| column[*row as usize] = *x);
    }
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
        if self.table.update(dynamics, interval, substeps, rule) {
            self.jumps.round(&self.table);
        }
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
        self.selection = selection;
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
        self.points.reserve_to(most * width);
        self.drift_there.reserve_to(most * width);
        self.times.reserve(most.saturating_sub(self.times.len()));
        if selection == Selection::Bernoulli {
            self.compact.state.reserve_to(state.blocks().len());
            self.compact.low.reserve_to(state.low().len());
            self.compact.drift.reserve_to(rows * width);
            self.compact.clear();
            self.compact.chains.reserve(rows);
            self.compact.index.reserve(rows);
            self.compact.jumps.reserve(rows);
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
        match (self.selection, self.midpoints.round(round).len()) {
            (_, 0) => {}
            (Selection::Single, _) => self.jump_in_place(noise, state),
            (Selection::Bernoulli, _) => self.jump_in_copy(round, noise, state),
        }
    }

    /// The only round of option 2. Most chains have a midpoint, so all of them jump in place. A
    /// chain without one makes a jump of length zero.
    fn jump_in_place(&mut self, noise: &mut StepNoise<'_, F>, state: &mut State<F>) {
        let range = self.midpoints.round(0);
        let chosen = &self.midpoints.rows[range.clone()];
        let rows = state.len();
        self.position.copy_from_slice(self.midpoints.picked());
        let z = noise.normals(Purpose::Path, 0, state.chains(), state.blocks().len());
        let width = self.drift.len() / rows;
        let blocks = state.layout().blocks();
        let jumps = Indexed { entries: &self.jumps.from_start, index: &self.position, blocks };
        let Parts { own: x, low, .. } = state.parts();
        update_by_index(x, low, jumps, &self.drift, z);
        let total = self.midpoints.len();
        for j in 0..width {
            let column = &x[j * rows..(j + 1) * rows];
            let to = &mut self.points[j * total + range.start..j * total + range.end];
            to.iter_mut().zip(chosen).for_each(|(x, &row)| *x = column[row as usize]);
        }
    }

    /// A round of option 1. Up to half of the chains have a midpoint, so they jump in a compact
    /// copy.
    fn jump_in_copy(&mut self, round: usize, noise: &mut StepNoise<'_, F>, state: &mut State<F>) {
        let range = self.midpoints.round(round);
        let chosen = &self.midpoints.rows[range.clone()];
        let targets = &self.midpoints.substeps[range.clone()];
        let few = chosen.len();
        let rows = state.len();
        let blocks = state.layout().blocks();
        let columns = blocks * state.dim();
        let width = self.drift.len() / rows;
        let Compact { index, jumps, state: compact, low: few_low, drift, chains } =
            &mut self.compact;
        chains.clear();
        chains.extend(chosen.iter().map(|&row| state.chains()[row as usize]));
        index.clear();
        jumps.clear();
        let alike = self.table.is_autonomous();
        let Parts { own: x, low, .. } = state.parts();
        for (i, (&row, &to)) in chosen.iter().zip(targets).enumerate() {
            let row = row as usize;
            let from = std::mem::replace(&mut self.position[row], to);
            if alike {
                index.push(to - from);
            } else {
                index.push(i as u32);
                jumps.push(Rounded::new(&self.table.jump(from, to)));
            }
        }
        gather(chosen, x, rows, compact);
        gather(chosen, low, rows, few_low);
        gather(chosen, &self.drift, rows, drift);
        let z = noise.normals(Purpose::Path, round as u32, chains, few * columns);
        let entries = if alike { &self.jumps.from_start } else { &*jumps };
        update_by_index(compact, few_low, Indexed { entries, index, blocks }, drift, z);
        let total = self.midpoints.len();
        scatter(chosen, compact, x, rows);
        scatter(chosen, few_low, low, rows);
        for (j, column) in compact.chunks_exact(few).take(width).enumerate() {
            self.points[j * total..(j + 1) * total][range.clone()].copy_from_slice(column);
        }
    }

    /// Carries X̂ of all chains to the end of the step.
    pub(super) fn jump_to_end(&mut self, noise: &mut StepNoise<'_, F>, state: &mut State<F>) {
        let blocks = state.layout().blocks();
        let mut entries = &self.jumps.to_end;
        if self.table.is_autonomous() {
            // Positions are not needed any more. From now on they are the lengths of the jumps.
            let last = self.substeps as u32;
            self.position.iter_mut().for_each(|position| *position = last - *position);
            entries = &self.jumps.from_start;
        }
        let jumps = Indexed { entries, index: &self.position, blocks };
        let mut z: &[F] = &[];
        if self.table.is_noisy() {
            z = noise.normals(Purpose::Increment, 0, state.chains(), state.blocks().len());
        }
        let Parts { own, low, .. } = state.parts();
        update_by_index(own, low, jumps, &self.drift, z);
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
        let Parts { own: x, low, .. } = state.parts();
        let chosen = &self.midpoints.rows[..];
        let substeps = &self.midpoints.substeps[..];
        for j in 0..width {
            let k = j / dim;
            let base = &self.drift[j * rows..(j + 1) * rows];
            let there = &self.drift_there[j * total..(j + 1) * total];
            for r in 0..layout.blocks() {
                let column = r * dim + j - k * dim;
                let to = &mut x[column * rows..(column + 1) * rows];
                let low = low.get_mut(column * rows..(column + 1) * rows).filter(|_| r == 0);
                let weights = &self.jumps.corrections[r][k][..];
                let terms =
                    chosen.iter().zip(substeps).zip(there).map(|((row, substep), there)| {
                        let row = *row as usize;
                        (row, weights[*substep as usize] * (*there - base[row]))
                    });
                match low {
                    Some(low) => {
                        terms.for_each(|(row, y)| add_exactly(&mut to[row], &mut low[row], y));
                    }
                    None => terms.for_each(|(row, y)| to[row] += y),
                }
            }
        }
        Ok(())
    }
}
