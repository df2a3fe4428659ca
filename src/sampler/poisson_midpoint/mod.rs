//! Poisson midpoint: one step that imitates K small Euler–Maruyama steps with about two
//! evaluations. Weak order 1; for small steps the bias is that of a step K times smaller.

mod coins;
mod table;

use super::{CoinScript, Sampler, StepInfo, Work};
use crate::drift::{Drift, Times, evaluate};
use crate::dynamics::{Layout, LinearDynamics};
use crate::error::{Error, Result, count};
use crate::grid::Step;
use crate::math::kernels::{Coefficients, Panel, PerRow, RowCoefficients, RowMatrix};
use crate::math::simd;
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;
use crate::state::State;
use coins::Midpoints;
use table::Table;

/// Which of the K sub-steps of a step get their own drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Each one by an independent coin of probability 1/K (option 1 of the paper, PLMC-1).
    Bernoulli,
    /// Exactly one, uniformly (option 2, PLMC-2).
    Single,
}

/// The Poisson midpoint method: one step of length h that imitates K Euler–Maruyama steps of length
/// h/K.
///
/// ```text
/// X̂ᵢ₊₁ = A′ X̂ᵢ + G′ b₀ + Γ′ Zᵢ                                       b₀ = b(X, t₀), X̂₀ = X
/// Xᵢ₊₁ = A′ Xᵢ + G′ [ b₀ + K Hᵢ ( b(X̂ᵢ, tᵢ) − b₀ ) ] + Γ′ Zᵢ          X₀ = X, X⁺ = X_K
/// P(Hᵢ = 1) = 1/K, independent or exactly one of them
/// ```
///
/// A′, G′ and Γ′Γ′ᵀ = Q′ belong to a step of length h/K. Only the selected sub-steps are visited,
/// by exact Gaussian jumps between them, so a step costs O(1 + selected) work, whatever K. (The
/// coefficients of the K sub-steps are tabulated once for all steps of equal length; on a grid of
/// unequal steps, once for each step and chunk of chains.) All selected midpoints of all chains go
/// to the drift in one call. Evaluations per chain: 1 + (1 − 1/K) in expectation; a selected
/// sub-step 0 has b₀ and costs none; K = 1 is Euler–Maruyama.
///
/// Option 1 has the larger bias at large steps, where two corrections may fall on one step:
/// overdamped on N(0, 1) at h = 0.4 and K = 16 the variance is 10.8% too large, against 3.3% with
/// option 2 and 25% with Euler–Maruyama. As K grows option 2 becomes the randomized midpoint with
/// its control variate.
///
/// `noise_scale` ρ multiplies Γ′: for large K the correction adds variance of its own, which a ρ a
/// little below 1 can compensate. Default 1.
///
/// Source: Kandasamy & Nagaraj 2024 (arXiv 2405.17068), both options. Deviation: the jumps replace
/// the loop over all sub-steps; the law is the same.
#[derive(Clone, Copy, Debug)]
pub struct PoissonMidpoint<D> {
    dynamics: D,
    substeps: Substeps,
    selection: Selection,
    noise_scale: f64,
}

/// How many small steps a step imitates.
#[derive(Clone, Copy, Debug)]
enum Substeps {
    /// This many, whatever its length.
    Fixed(usize),
    /// As many as the step is long: a discrete chain's own steps.
    Unit,
}

impl<D: LinearDynamics> PoissonMidpoint<D> {
    /// The largest K: a table of its size is kept for each thread.
    pub const MAX_SUBSTEPS: usize = 1_000_000;

    /// Imitates `substeps` = K small steps, one of them selected ([`Selection::Single`]).
    ///
    /// # Errors
    /// [`Error::Invalid`] if K is not from 1 to [`MAX_SUBSTEPS`](Self::MAX_SUBSTEPS).
    pub fn new(dynamics: D, substeps: usize) -> Result<Self> {
        count("substeps", substeps, 1, Self::MAX_SUBSTEPS, "a whole number from 1 to 1000000")?;
        let substeps = Substeps::Fixed(substeps);
        Ok(Self { dynamics, substeps, selection: Selection::Single, noise_scale: 1.0 })
    }

    /// Imitates small steps of length 1, as many as each step is long: on a discrete chain, such as
    /// [`Ancestral`](crate::Ancestral), these are the steps of the chain itself, and a step of the
    /// grid is a block of them.
    pub fn on_chain(dynamics: D) -> Self {
        Self { dynamics, substeps: Substeps::Unit, selection: Selection::Single, noise_scale: 1.0 }
    }

    /// With this way to select sub-steps.
    pub fn with_selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// With the noise of every sub-step multiplied by ρ.
    ///
    /// # Errors
    /// [`Error::Invalid`] if ρ is not in (0, 1].
    pub fn with_noise_scale(mut self, noise_scale: f64) -> Result<Self> {
        if !(noise_scale > 0.0 && noise_scale <= 1.0) {
            return Err(Error::Invalid {
                name: "noise scale",
                given: noise_scale,
                expected: "a number in (0, 1]",
            });
        }
        self.noise_scale = noise_scale;
        Ok(self)
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }

    /// The number K of small steps that a step imitates.
    pub fn substeps(&self, step: Step) -> usize {
        match self.substeps {
            Substeps::Fixed(substeps) => substeps,
            Substeps::Unit => (step.length.round() as usize).clamp(1, Self::MAX_SUBSTEPS),
        }
    }
}

#[derive(Default)]
struct Scratch<F> {
    table: Table,
    midpoints: Midpoints,
    /// b₀, (rows, inputs·dim).
    drift: Vec<F>,
    normals: Vec<F>,
    coefficients: RowCoefficients<F>,
    /// Where each chain's X̂ stands, as a sub-step.
    position: Vec<u32>,
    /// Compact copies for the jumps of a minority of chains.
    compact_state: Vec<F>,
    compact_drift: Vec<F>,
    compact_chains: Vec<u32>,
    /// Midpoints of all chains, (midpoints, inputs·dim), their times, and b there.
    points: Vec<F>,
    times: Vec<f64>,
    drift_there: Vec<F>,
    corrections: RowMatrix<F>,
    /// The chains and dimension that there is room for.
    reserved: (usize, usize),
}

/// Room for `length` numbers in all.
fn reserve_to<T>(vector: &mut Vec<T>, length: usize) {
    vector.reserve(length.saturating_sub(vector.len()));
}

impl<F: Real, D: LinearDynamics> Sampler<F> for PoissonMidpoint<D> {
    fn name(&self) -> &'static str {
        match self.selection {
            Selection::Bernoulli => "pmm1",
            Selection::Single => "pmm2",
        }
    }

    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let (rows, dim, layout) = (state.len(), state.dim(), self.dynamics.layout());
        let width = layout.inputs * dim;
        let place = (step, state.chains()[0]);
        let substeps = self.substeps(step);
        let scratch = work.scratch::<Scratch<F>>();
        scratch.table.update(&self.dynamics, step, substeps, self.noise_scale);
        scratch.drift.resize(rows * width, F::zero());
        evaluate(
            drift,
            Times::Shared(step.start),
            (rows, width),
            state.data(),
            &mut scratch.drift,
            place,
        )?;
        scratch.midpoints.draw(self.selection, substeps, step.index, noise, state.chains());

        if scratch.reserved != (rows, dim) {
            scratch.reserve(self.selection, (rows, dim, layout));
        }
        scratch.position.clear();
        scratch.position.resize(rows, 0);
        let total = scratch.midpoints.len();
        scratch.points.resize(total * width, F::zero());
        for round in 0..scratch.midpoints.rounds() {
            scratch.jump_to_round(round, (step.index, dim, layout), noise, state);
        }
        scratch.jump_to_end((step.index, dim, layout, substeps), noise, state);

        let mut info =
            StepInfo { evaluations: rows as u64, batched_calls: 1, ..StepInfo::default() };
        if substeps > 1 {
            // The second call belongs to the method; a batch in which no chain selected anything
            // skips it.
            info.batched_calls = 2;
        }
        if total > 0 {
            info.evaluations += total as u64;
            scratch.correct((step, dim, layout, substeps), drift, state, place)?;
        }
        Ok(info)
    }

    fn evaluations_per_step(&self) -> f64 {
        match self.substeps {
            Substeps::Fixed(substeps) => 2.0 - 1.0 / substeps as f64,
            Substeps::Unit => 2.0,
        }
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        match self.substeps {
            Substeps::Fixed(substeps) => coins::scripts(self.selection, substeps),
            Substeps::Unit => {
                Err(Error::NotProbeable { reason: "a discrete chain has no stationary law" })
            }
        }
    }
}

impl<F: Real> Scratch<F> {
    /// Makes room for as many midpoints as there will ever be, so that no later step allocates.
    fn reserve(&mut self, selection: Selection, (rows, dim, layout): (usize, usize, Layout)) {
        // Independent coins give about one midpoint per chain: eight standard deviations more are
        // not seen in 10^14 steps.
        let most = match selection {
            Selection::Single => rows,
            Selection::Bernoulli => rows + 8 * (rows as f64).sqrt() as usize + 16,
        };
        let (width, columns) = (layout.inputs * dim, layout.blocks * dim);
        self.midpoints.reserve(most);
        reserve_to(&mut self.points, most * width);
        reserve_to(&mut self.drift_there, most * width);
        reserve_to(&mut self.times, most);
        self.corrections.resize(most, layout.blocks, layout.inputs);
        if selection == Selection::Bernoulli {
            reserve_to(&mut self.compact_state, rows * columns);
            reserve_to(&mut self.compact_drift, rows * width);
            reserve_to(&mut self.compact_chains, rows);
        }
        self.reserved = (rows, dim);
    }

    /// Carries X̂ of the chains of a round to their next midpoint, and keeps it.
    fn jump_to_round(
        &mut self,
        round: usize,
        (step, dim, layout): (u32, usize, Layout),
        noise: &dyn Noise<F>,
        state: &mut State<F>,
    ) {
        let range = self.midpoints.round(round);
        let (chosen, targets) =
            (&self.midpoints.rows[range.clone()], &self.midpoints.substeps[range.clone()]);
        let rows = state.len();
        let (chains, data) = state.parts();
        let draw = Draw::new(step, Purpose::Path, round as u32);
        let total = self.midpoints.len();
        let width = layout.inputs * dim;
        if round == 0 {
            // Most chains have a first midpoint: all of them jump in place, those without by a jump
            // of length zero.
            self.coefficients.resize(rows, layout);
            (0..rows).for_each(|row| self.coefficients.set(row, &Table::STAY));
            for (&row, &to) in chosen.iter().zip(targets) {
                self.coefficients.set(row as usize, &self.table.jump(0, to));
                self.position[row as usize] = to;
            }
            self.normals.resize(rows * layout.blocks * dim, F::zero());
            noise.normals(draw, chains, &mut self.normals);
            let (coefficients, drift, normals) =
                (&self.coefficients, &self.drift[..], &self.normals[..]);
            simd::dispatch(PerRow { coefficients, dim, state: data, drift, normals });
            for j in 0..width {
                let column = &data[j * rows..(j + 1) * rows];
                let to = &mut self.points[j * total + range.start..j * total + range.end];
                to.iter_mut().zip(chosen).for_each(|(x, &row)| *x = column[row as usize]);
            }
            return;
        }
        let few = chosen.len();
        if few == 0 {
            return;
        }
        let columns = layout.blocks * dim;
        self.compact_state.resize(few * columns, F::zero());
        self.compact_drift.resize(few * width, F::zero());
        self.compact_chains.clear();
        self.compact_chains.extend(chosen.iter().map(|&row| chains[row as usize]));
        self.coefficients.resize(few, layout);
        for (i, (&row, &to)) in chosen.iter().zip(targets).enumerate() {
            let row = row as usize;
            self.coefficients.set(i, &self.table.jump(self.position[row], to));
            self.position[row] = to;
            (0..columns).for_each(|j| self.compact_state[j * few + i] = data[j * rows + row]);
            (0..width).for_each(|j| self.compact_drift[j * few + i] = self.drift[j * rows + row]);
        }
        self.normals.resize(few * columns, F::zero());
        noise.normals(draw, &self.compact_chains, &mut self.normals);
        simd::dispatch(PerRow {
            coefficients: &self.coefficients,
            dim,
            state: &mut self.compact_state,
            drift: &self.compact_drift,
            normals: &self.normals,
        });
        for (i, &row) in chosen.iter().enumerate() {
            (0..columns)
                .for_each(|j| data[j * rows + row as usize] = self.compact_state[j * few + i]);
            (0..width).for_each(|j| {
                self.points[j * total + range.start + i] = self.compact_state[j * few + i]
            });
        }
    }

    /// Carries X̂ of all chains to the end of the step.
    fn jump_to_end(
        &mut self,
        (step, dim, layout, substeps): (u32, usize, Layout, usize),
        noise: &dyn Noise<F>,
        state: &mut State<F>,
    ) {
        let rows = state.len();
        let (chains, data) = state.parts();
        self.coefficients.resize(rows, layout);
        for (row, &from) in self.position.iter().enumerate() {
            self.coefficients.set(row, &self.table.jump(from, substeps as u32));
        }
        self.normals.clear();
        if self.table.is_noisy() {
            self.normals.resize(rows * layout.blocks * dim, F::zero());
            noise.normals(Draw::new(step, Purpose::Increment, 0), chains, &mut self.normals);
        }
        let (coefficients, drift, normals) =
            (&self.coefficients, &self.drift[..], &self.normals[..]);
        simd::dispatch(PerRow { coefficients, dim, state: data, drift, normals });
    }

    /// Evaluates the drift at all midpoints in one call and adds what it changes.
    fn correct(
        &mut self,
        (step, dim, layout, substeps): (Step, usize, Layout, usize),
        drift: &dyn Drift<F>,
        state: &mut State<F>,
        place: (Step, u32),
    ) -> Result<()> {
        let (rows, total, width) = (state.len(), self.midpoints.len(), layout.inputs * dim);
        let small = step.length / substeps as f64;
        self.times.clear();
        self.times
            .extend(self.midpoints.substeps.iter().map(|&i| step.start + small * f64::from(i)));
        self.drift_there.resize(total * width, F::zero());
        evaluate(
            drift,
            Times::PerRow(&self.times),
            (total, width),
            &self.points,
            &mut self.drift_there,
            place,
        )?;
        self.corrections.resize(total, layout.blocks, layout.inputs);
        for (i, &substep) in self.midpoints.substeps.iter().enumerate() {
            self.corrections.set(i, self.table.correction(substep));
        }
        let panel = Panel::contiguous(rows);
        let data = state.data_mut();
        for k in 0..layout.inputs {
            for j in k * dim..(k + 1) * dim {
                let (base, there) =
                    (&self.drift[j * rows..(j + 1) * rows], &self.drift_there[j * total..]);
                for r in 0..layout.blocks {
                    let to = panel.at(r * dim + j - k * dim);
                    for (i, &row) in self.midpoints.rows.iter().enumerate() {
                        let row = row as usize;
                        data[to + row] += self.corrections.get(i, r, k) * (there[i] - base[row]);
                    }
                }
            }
        }
        Ok(())
    }
}
