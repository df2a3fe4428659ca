//! The Poisson midpoint around a two-step base: within a block the output of the model follows the
//! line through this output and the one of the block before.

use crate::diffusion::dynamics::Ancestral;
use crate::drift::Times;
use crate::dynamics::LinearDynamics;
use crate::error::{Error, Result};
use crate::grid::{Interval, TimeGrid};
use crate::math::aligned::Aligned;
use crate::noise::Purpose;
use crate::real::Real;
use crate::sampler::{CoinScript, Odds, Sampler, Scheme, Selection, Shares, Step, scripts};
use crate::state::{Layout, Parts};

/// The Poisson midpoint on a chain of levels, around a two-step base. A step is a block of K
/// levels.
///
/// ```text
/// fᵢ = b + eᵢ (b − m)                     eᵢ = min( (λᵢ − λ₀)/(λ₀ − λ₋₁), E )
/// X̂ᵢ₊₁ = A″ᵢ X̂ᵢ + G″ᵢ fᵢ + Γᵢ Zᵢ           b = f(X), X̂₀ = X
/// X⁺ = X̂_K + (w_I/q_I) (f(X̂_I) − f_I)      wᵢ = G″ᵢ Π_{j>i} A″ⱼ,  I = i with probability qᵢ
/// m⁺ = b
/// ```
///
/// f is the output of the model in the form of the chain, and λ = ½ log(ᾱ/(1−ᾱ)). λ₋₁ is the level
/// at which the block before began. The memory m is the output there. The first block has eᵢ = 0,
/// so it is that of the [`PoissonMidpoint`](crate::PoissonMidpoint). So are all with E = 0.
///
/// - A line that is followed without a limit overshoots where blocks grow in λ. Then b − m is
///   mostly noise. The limit E (`extrapolation`) is ½ by default: half of the block before.
/// - The mean over the coins is one Picard round of the chain around the path X̂. The base is of
///   second order, so X̂ is nearer to the chain, and the corrections are smaller.
/// - Evaluations: 2 − q₀ per block and chain in expectation, 1 for a block of one level. A block
///   that ends in the data selects its last level always, if the chain holds the data.
/// - The distribution of a Gaussian is that of all levels, up to a term of second order in the
///   length of the blocks.
/// - The state has one memory block. A run starts with an empty memory.
///
/// Source: ours; the base is that of DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095), the
/// correction that of Kandasamy & Nagaraj 2024 (arXiv 2405.17068), option 2.
#[derive(Clone, Debug)]
pub struct TwoStepMidpoint {
    chain: Ancestral,
    grid: TimeGrid,
    odds: Odds,
    extrapolation: f64,
}

impl TwoStepMidpoint {
    /// The limit E of a method without one.
    pub const EXTRAPOLATION: f64 = 0.5;

    /// Blocks of this chain, between the times of this grid. Sub-steps are selected by importance.
    pub fn new(chain: Ancestral, grid: TimeGrid) -> Self {
        Self { chain, grid, odds: Odds::Importance, extrapolation: Self::EXTRAPOLATION }
    }

    /// Selects sub-steps with these probabilities. Default [`Odds::Importance`].
    pub fn with_odds(mut self, odds: Odds) -> Self {
        self.odds = odds;
        self
    }

    /// Follows the line up to this multiple E of the block before. Default ½.
    ///
    /// # Errors
    /// [`Error::Invalid`] if E is not in [0, 1].
    pub fn with_extrapolation(mut self, extrapolation: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&extrapolation) {
            let expected = "a number in [0, 1]";
            return Err(Error::Invalid { name: "extrapolation", given: extrapolation, expected });
        }
        self.extrapolation = extrapolation;
        Ok(self)
    }

    /// Expected evaluations of a step over this interval: 2 − q₀.
    pub fn evaluations_of(&self, interval: Interval) -> f64 {
        self.table(interval).shares.evaluations()
    }

    fn table(&self, interval: Interval) -> Table {
        let mut table = Table::default();
        table.update(self, interval);
        table
    }

    /// eᵢ of the sub-steps of a block, from λ at their times.
    fn extrapolated(&self, interval: Interval, clock: &[f64]) -> impl Iterator<Item = f64> {
        let before = interval.index.checked_sub(1);
        let before = before.map(|i| self.chain.drift_clock(self.grid.time(i as usize)));
        clock.iter().map(move |time| {
            let Some(before) = before else { return 0.0 };
            let ratio = (time - clock[0]) / (clock[0] - before);
            // A NaN stays one, where a time is outside of the table.
            if ratio > self.extrapolation { self.extrapolation } else { ratio }
        })
    }
}

/// A path of sub-steps: X ↦ p X + g b + c (b − m) + N(0, v).
#[derive(Clone, Copy, Debug)]
struct Jump {
    p: f64,
    g: f64,
    c: f64,
    v: f64,
}

impl Jump {
    const IDENTITY: Self = Self { p: 1.0, g: 0.0, c: 0.0, v: 0.0 };

    fn then(self, next: Self) -> Self {
        Self {
            p: next.p * self.p,
            g: next.p * self.g + next.g,
            c: next.p * self.c + next.c,
            v: next.p * next.p * self.v + next.v,
        }
    }
}

/// The jumps and corrections of one block.
#[derive(Default)]
struct Table {
    small: Vec<Jump>,
    /// `[i]` goes from 0 to i.
    from_start: Vec<Jump>,
    /// `[i]` goes from i to K.
    to_end: Vec<Jump>,
    /// λᵢ and eᵢ.
    clock: Vec<f64>,
    extrapolated: Vec<f64>,
    /// wᵢ/qᵢ.
    corrections: Vec<f64>,
    shares: Shares,
}

impl Table {
    fn update(&mut self, method: &TwoStepMidpoint, interval: Interval) {
        let substeps = (interval.length.round() as usize).max(1);
        let time = |i: usize| interval.start + i as f64;
        self.clock.clear();
        self.clock.extend((0..substeps).map(|i| method.chain.drift_clock(time(i))));
        self.extrapolated.clear();
        self.extrapolated.extend(method.extrapolated(interval, &self.clock));
        self.small.clear();
        self.small.extend((0..substeps).map(|i| {
            let step = method.chain.transition(time(i), 1.0);
            let g = step.gain[0][0];
            Jump {
                p: step.propagator[0][0],
                g,
                c: g * self.extrapolated[i],
                v: step.covariance[0][0],
            }
        }));
        self.from_start.clear();
        self.from_start.push(Jump::IDENTITY);
        for (i, small) in self.small.iter().enumerate() {
            self.from_start.push(self.from_start[i].then(*small));
        }
        self.to_end.clear();
        self.to_end.resize(substeps + 1, Jump::IDENTITY);
        for i in (0..substeps).rev() {
            self.to_end[i] = self.small[i].then(self.to_end[i + 1]);
        }
        self.corrections.clear();
        self.corrections.extend((0..substeps).map(|i| self.small[i].g * self.to_end[i + 1].p));
        let moved = |i: usize| self.clock[i] - self.clock[0];
        self.shares.assign(method.odds, &self.corrections, |w| w.abs(), moved);
        for (i, weight) in self.corrections.iter_mut().enumerate() {
            *weight *= self.shares.factor(i);
        }
    }
}

/// Coefficients of a jump of every row.
#[derive(Default)]
struct Rows<F> {
    p: Aligned<F>,
    g: Aligned<F>,
    c: Aligned<F>,
    noise: Aligned<F>,
}

impl<F: Real> Rows<F> {
    fn set(&mut self, jumps: impl Iterator<Item = Jump> + Clone) {
        let fill = |to: &mut Aligned<F>, of: fn(Jump) -> f64| {
            to.clear();
            to.extend(jumps.clone().map(|jump| F::from_f64(of(jump))));
        };
        fill(&mut self.p, |jump| jump.p);
        fill(&mut self.g, |jump| jump.g);
        fill(&mut self.c, |jump| jump.c);
        fill(&mut self.noise, |jump| jump.v.sqrt());
    }

    fn is_noisy(&self) -> bool {
        self.noise.iter().any(|s| *s != F::zero())
    }

    /// Carries all rows; `z` is empty without noise.
    fn apply(&self, x: &mut [F], b: &[F], change: &[F], z: &[F]) {
        let rows = self.p.len();
        for (j, x) in x.chunks_exact_mut(rows).enumerate() {
            let at = j * rows..(j + 1) * rows;
            let [b, change] = [&b[at.clone()], &change[at.clone()]];
            for r in 0..rows {
                x[r] = self.p[r] * x[r] + self.g[r] * b[r] + self.c[r] * change[r];
            }
            if !z.is_empty() {
                let z = &z[at];
                (0..rows).for_each(|r| x[r] += self.noise[r] * z[r]);
            }
        }
    }
}

/// Working memory of a step.
#[derive(Default)]
struct Block<F> {
    table: Table,
    uniforms: Vec<f64>,
    /// I of every row.
    selected: Vec<usize>,
    /// The rows with I > 0.
    moved: Vec<usize>,
    rows: Rows<F>,
    /// b and b − m.
    base: Aligned<F>,
    change: Aligned<F>,
    /// X̂_I of the moved rows, the times there, and f there.
    points: Aligned<F>,
    times: Vec<f64>,
    there: Aligned<F>,
}

impl<F: Real> Block<F> {
    /// Evaluates b, and selects a sub-step for every row.
    fn begin(&mut self, step: &mut Step<'_, F>) -> Result<()> {
        let [rows, dim] = [step.state.len(), step.state.dim()];
        let size = rows * dim;
        self.base.resize(size, F::zero());
        step.drift.at(
            Times::Shared(step.interval.start),
            dim,
            step.state.blocks(),
            &mut self.base,
        )?;
        let memory = &step.state.blocks()[size..2 * size];
        self.change.clear();
        self.change.extend(self.base.iter().zip(memory).map(|(b, m)| *b - *m));
        let shares = &self.table.shares;
        self.selected.clear();
        if shares.substeps() == 1 || shares.certain().is_some() {
            self.selected.resize(rows, shares.certain().unwrap_or(0));
        } else {
            self.uniforms.resize(rows, 0.0);
            step.noise.uniforms(Purpose::Coin, 0, step.state.chains(), &mut self.uniforms);
            self.selected.extend(self.uniforms.iter().map(|u| shares.pick(*u)));
        }
        self.moved.clear();
        let moved = |row: &usize| self.selected[*row] > 0;
        self.moved.reserve(rows);
        self.moved.extend((0..rows).filter(moved));
        // The most that any later step needs.
        self.points.reserve(size.saturating_sub(self.points.len()));
        self.there.reserve(size.saturating_sub(self.there.len()));
        self.times.reserve(rows.saturating_sub(self.times.len()));
        Ok(())
    }

    /// Carries X̂ to the selected sub-steps, keeps the points, and goes on to the end.
    fn jump(&mut self, step: &mut Step<'_, F>) {
        let rows = step.state.len();
        let size = self.base.len();
        if !self.moved.is_empty() {
            self.rows.set(self.selected.iter().map(|i| self.table.from_start[*i]));
            let mut z: &[F] = &[];
            if self.rows.is_noisy() {
                z = step.noise.normals(Purpose::Path, 0, step.state.chains(), size);
            }
            let Parts { own, .. } = step.state.parts();
            self.rows.apply(&mut own[..size], &self.base, &self.change, z);
        }
        let x = &step.state.blocks()[..size];
        self.points.clear();
        for column in x.chunks_exact(rows) {
            self.points.extend(self.moved.iter().map(|row| column[*row]));
        }
        self.rows.set(self.selected.iter().map(|i| self.table.to_end[*i]));
        let mut z: &[F] = &[];
        if self.rows.is_noisy() {
            z = step.noise.normals(Purpose::Increment, 0, step.state.chains(), size);
        }
        let Parts { own, .. } = step.state.parts();
        self.rows.apply(&mut own[..size], &self.base, &self.change, z);
    }

    /// Evaluates f at the points, adds the corrections, and keeps b.
    fn correct(&mut self, step: &mut Step<'_, F>) -> Result<()> {
        let [rows, dim] = [step.state.len(), step.state.dim()];
        let count = self.moved.len();
        if count > 0 {
            let time = |row: &usize| step.interval.start + self.selected[*row] as f64;
            self.times.clear();
            self.times.extend(self.moved.iter().map(time));
            self.there.resize(count * dim, F::zero());
            let rows_of = self.moved.iter().copied();
            let times = Times::PerRow(&self.times);
            step.drift.at_rows(rows_of, times, dim, &self.points, &mut self.there)?;
        } else {
            // The second call is part of the method, so it counts.
            step.drift.cost.batched_calls += u64::from(self.table.small.len() > 1);
        }
        let Parts { own, .. } = step.state.parts();
        let (x, memory) = own.split_at_mut(rows * dim);
        for (i, &row) in self.moved.iter().enumerate() {
            let selected = self.selected[row];
            let weight = F::from_f64(self.table.corrections[selected]);
            let e = F::from_f64(self.table.extrapolated[selected]);
            for j in 0..dim {
                let at = j * rows + row;
                let followed = self.base[at] + e * self.change[at];
                x[at] += weight * (self.there[j * count + i] - followed);
            }
        }
        memory.copy_from_slice(&self.base);
        Ok(())
    }
}

impl Scheme for TwoStepMidpoint {
    fn layout(&self) -> Layout {
        Layout::with_memory()
    }

    fn evaluations_per_step(&self) -> f64 {
        2.0
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        Err(Error::NotProbeable { reason: "its coins depend on the interval of the step" })
    }

    fn coin_scripts_of(&self, interval: Interval) -> Result<Vec<CoinScript>> {
        scripts(Selection::Single, &self.table(interval).shares)
    }
}

impl<F: Real> Sampler<F> for TwoStepMidpoint {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        // Taken out of the step, because its parts borrow the step as a whole.
        let mut block = std::mem::take(step.own.get::<Block<F>>());
        block.table.update(self, step.interval);
        let result = block.begin(step).and_then(|()| {
            block.jump(step);
            block.correct(step)
        });
        *step.own.get::<Block<F>>() = block;
        result
    }
}
