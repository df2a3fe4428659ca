//! The stages of a randomized midpoint step over all windows and chains: path, start, Picard
//! rounds, finish.

use super::compose::Matrices;
use super::settings::Rule;
use super::shape::Shape;
use crate::drift::Times;
use crate::dynamics::{ContinuousDynamics, Transitions};
use crate::error::Result;
use crate::grid::Interval;
use crate::math::aligned::Aligned;
use crate::math::block::{IDENTITY, ZERO};
use crate::noise::Purpose;
use crate::real::Real;
use crate::sampler::step::{Evaluator, StepNoise};
use crate::sampler::update::{
    Add, Coefficients, Panel, RowCoefficients, RowMatrix, Strided, update_by_row, update_strided,
};
use crate::state::{Parts, State};

/// Working memory. Arrays over windows have shape (windows · chains, columns). The chains of one
/// window are consecutive rows.
#[derive(Default)]
pub(super) struct Windows<F> {
    shape: Shape,
    uniforms: Vec<f64>,
    /// Inner times τᵢ, (windows · chains).
    times: Vec<f64>,
    /// Starts and lengths of the segments between consecutive inner times, and the transitions over
    /// them, ((windows + 1) · chains).
    starts: Vec<f64>,
    lengths: Vec<f64>,
    segments: Transitions,
    /// b(X, t₀), (chains, inputs·dim).
    drift_start: Aligned<F>,
    coefficients: RowCoefficients<F>,
    /// A(t₀,τᵢ) X + Nᵢ, (windows · chains, inputs·dim).
    paths: Aligned<F>,
    /// xᵢ and b(xᵢ, τᵢ), of the same shape.
    points: Aligned<F>,
    drift_there: Aligned<F>,
    matrix: RowMatrix<F>,
    /// Σ over whole windows before the current one, (chains, blocks·dim).
    sums: Aligned<F>,
    /// The chains that need more rounds.
    active: Vec<u32>,
    moved: Vec<f64>,
    compact: Compact<F>,
    /// Start and length of the part of window i up to τᵢ, and the transition over it, (windows ·
    /// chains).
    window_starts: Vec<f64>,
    insides: Vec<f64>,
    partial: Transitions,
    /// The gain from the start of the step to an inner time, (chains).
    gains: Matrices,
    /// A from an inner time to the end of the step, the rate there, and their product, (chains).
    tails: Matrices,
    rates: Matrices,
    weights: Matrices,
}

/// Copies of the midpoints of the active chains.
#[derive(Default)]
struct Compact<F> {
    /// All points before the round. They show how far the points move.
    before: Aligned<F>,
    points: Aligned<F>,
    drift: Aligned<F>,
    times: Vec<f64>,
}

impl<F: Real> Windows<F> {
    /// Draws the inner times and computes the transitions between them.
    pub(super) fn draw_times<D: ContinuousDynamics>(
        &mut self,
        rule: &Rule<'_, D>,
        noise: &StepNoise<'_, F>,
        state: &State<F>,
    ) {
        let layout = state.layout();
        let windows = rule.settings.windows;
        let rows = state.len();
        self.shape = Shape {
            rows,
            dim: state.dim(),
            windows,
            blocks: layout.blocks(),
            inputs: layout.inputs(),
        };
        self.uniforms.resize(windows * rows, 0.0);
        for all in [&mut self.times, &mut self.starts, &mut self.lengths] {
            all.clear();
        }
        self.insides.clear();
        self.window_starts.clear();
        let delta = rule.delta;
        for w in 0..windows {
            let uniforms = &mut self.uniforms[w * rows..(w + 1) * rows];
            noise.uniforms(Purpose::Coin, w as u32, state.chains(), uniforms);
            let window = rule.window_start(w);
            self.insides.extend(uniforms.iter().map(|u| delta * u));
            let insides = &self.insides[w * rows..];
            self.window_starts.extend(insides.iter().map(|_| window));
            if w == 0 {
                self.starts.extend(insides.iter().map(|_| rule.interval.start));
                self.lengths.extend_from_slice(insides);
            } else {
                // Lengths come from the coins alone. Differences of times would cancel late in a
                // run.
                let before = &self.uniforms[(w - 1) * rows..w * rows];
                let rest = before.iter().map(|u| delta * (1.0 - u));
                self.lengths.extend(rest.zip(insides).map(|(rest, inside)| rest + inside));
                self.starts.extend_from_slice(&self.times[(w - 1) * rows..]);
            }
            self.times.extend(insides.iter().map(|inside| window + inside));
        }
        let last = (windows - 1) * rows;
        self.starts.extend_from_slice(&self.times[last..]);
        self.lengths.extend(self.uniforms[last..].iter().map(|u| delta * (1.0 - u)));
        self.segments.fill(rule.dynamics, &self.starts, &self.lengths);
        if rule.settings.rounds > 0 {
            self.partial.fill(rule.dynamics, &self.window_starts, &self.insides);
        }
    }

    /// Computes b(X, t₀), the Brownian path through all inner times, and the first midpoints.
    pub(super) fn start<D: ContinuousDynamics>(
        &mut self,
        rule: &Rule<'_, D>,
        drift: &mut Evaluator<'_, F>,
        noise: &mut StepNoise<'_, F>,
        state: &mut State<F>,
    ) -> Result<()> {
        let shape = self.shape;
        let rows = shape.rows;
        let width = shape.width();
        self.drift_start.resize(rows * width, F::zero());
        let start = Times::Shared(rule.interval.start);
        drift.at(start, width, state.blocks(), &mut self.drift_start)?;
        for all in [&mut self.paths, &mut self.points, &mut self.drift_there] {
            all.resize(shape.total() * width, F::zero());
        }
        self.matrix.resize(rows, shape.inputs, shape.inputs);
        self.coefficients.resize(rows, state.layout());
        for w in 0..=shape.windows {
            self.advance_path(w, noise, state);
        }
        if rule.settings.rounds == 0 {
            // Nothing needs the paths again.
            std::mem::swap(&mut self.points, &mut self.paths);
        } else {
            self.points.copy_from_slice(&self.paths);
        }
        // G(t₀,τᵢ) by composition, window after window.
        self.gains.fill(rows, &ZERO);
        for w in 0..shape.windows {
            let segment = self.segments.of(w * rows..(w + 1) * rows);
            self.gains.carry(&segment, shape.blocks, shape.inputs);
            self.matrix.set_entries(|r, k| self.gains.entry(r, k));
            self.add_to_points(w, Source::Start);
        }
        Ok(())
    }

    /// Carries A X + N to the next inner time, or to the end of the step.
    fn advance_path(&mut self, window: usize, noise: &mut StepNoise<'_, F>, state: &mut State<F>) {
        let shape = self.shape;
        let rows = shape.rows;
        let segment = self.segments.of(window * rows..(window + 1) * rows);
        let noisy = self.coefficients.set_flow(&segment);
        let mut z: &[F] = &[];
        if noisy {
            let last = window == shape.windows;
            let purpose = if last { Purpose::Increment } else { Purpose::Path };
            let index = if last { 0 } else { window as u32 };
            z = noise.normals(purpose, index, state.chains(), state.blocks().len());
        }
        let Parts { own: x, low, .. } = state.parts();
        update_by_row(x, low, &self.coefficients, &[], z);
        if window < shape.windows {
            for j in 0..shape.width() {
                let at = shape.panel(window).at(j);
                self.paths[at..at + rows].copy_from_slice(&x[j * rows..(j + 1) * rows]);
            }
        }
    }

    /// Adds matrix · b to the points of a window.
    fn add_to_points(&mut self, window: usize, source: Source) {
        let out_panel = self.shape.panel(window);
        let contiguous = Panel::contiguous(self.shape.rows);
        let (input, input_panel) = match source {
            Source::Start => (&self.drift_start, contiguous),
            Source::There => (&self.drift_there, out_panel),
            Source::Sums => (&self.sums, contiguous),
        };
        Add {
            matrix: &self.matrix,
            dim: self.shape.dim,
            out: &mut self.points,
            out_panel,
            low: &mut [],
            input,
            input_panel,
            minus: &[],
        }
        .run();
    }

    /// Runs up to P rounds. With a tolerance, a chain stops once its midpoints no longer move.
    pub(super) fn picard<D: ContinuousDynamics>(
        &mut self,
        rule: &Rule<'_, D>,
        drift: &mut Evaluator<'_, F>,
        state: &State<F>,
    ) -> Result<()> {
        let rows = self.shape.rows;
        self.active.clear();
        self.active.extend(0..rows as u32);
        for _ in 0..rule.settings.rounds {
            if self.active.is_empty() {
                break;
            }
            self.evaluate_points(drift)?;
            drift.cost.rounds += 1;
            if rule.settings.tolerance.is_some() {
                self.moved.clear();
                self.moved.resize(rows, 0.0);
                self.compact.before.clear();
                self.compact.before.extend_from_slice(&self.points);
            }
            self.points.copy_from_slice(&self.paths);
            self.sums.clear();
            self.sums.resize(state.blocks().len(), F::zero());
            for window in 0..self.shape.windows {
                self.integrate_window(rule, window);
            }
            if let Some(tolerance) = rule.settings.tolerance {
                self.retire(tolerance);
            }
        }
        // The finish needs b at the last midpoints of every chain.
        self.active.clear();
        self.active.extend(0..rows as u32);
        Ok(())
    }

    /// Adds the integral of the drift up to τᵢ to the points of a window. Then adds the whole
    /// window to the sums.
    ///
    /// ```text
    /// xᵢ = path + A(window start, τᵢ) (whole windows before) + G(window start, τᵢ) bᵢ
    /// ```
    fn integrate_window<D: ContinuousDynamics>(&mut self, rule: &Rule<'_, D>, window: usize) {
        let shape = self.shape;
        let rows = shape.rows;
        let partial = self.partial.of(window * rows..(window + 1) * rows);
        self.matrix.resize(rows, shape.inputs, shape.blocks);
        self.matrix.set_entries(|r, k| partial.propagator(r, k));
        self.add_to_points(window, Source::Sums);
        let partial = self.partial.of(window * rows..(window + 1) * rows);
        self.matrix.resize(rows, shape.inputs, shape.inputs);
        self.matrix.set_entries(|r, k| partial.gain(r, k));
        self.add_to_points(window, Source::There);
        let start = if rule.dynamics.is_autonomous() {
            rule.interval.start
        } else {
            rule.window_start(window)
        };
        let whole = Coefficients::new(&rule.dynamics.transition(start, rule.delta));
        let numbers = &self.drift_there;
        let b = Strided { numbers, panel: shape.panel(window), rows, blocks: shape.inputs };
        update_strided(&mut self.sums, shape.blocks, &whole, b);
    }

    /// Removes converged chains from the active ones. Chains that had converged before keep their
    /// midpoints.
    fn retire(&mut self, tolerance: f64) {
        let Shape { rows, windows, .. } = self.shape;
        let total = self.shape.total();
        let width = self.shape.width();
        let mut is_active = 0;
        for row in 0..rows {
            let active = self.active.get(is_active) == Some(&(row as u32));
            is_active += usize::from(active);
            let places =
                (0..width).flat_map(|j| (0..windows).map(move |w| j * total + w * rows + row));
            for at in places {
                if active {
                    let moved = (self.points[at] - self.compact.before[at]).abs().widen();
                    // NaN must not look like convergence.
                    self.moved[row] =
                        if moved <= self.moved[row] { self.moved[row] } else { moved };
                } else {
                    self.points[at] = self.compact.before[at];
                }
            }
        }
        let moved = &self.moved;
        self.active.retain(|&row| !(moved[row as usize] <= tolerance));
    }

    /// Computes b at the midpoints of the active chains, in one batched call.
    fn evaluate_points(&mut self, drift: &mut Evaluator<'_, F>) -> Result<()> {
        let Shape { rows, windows, .. } = self.shape;
        let total = self.shape.total();
        let width = self.shape.width();
        let some = self.active.len();
        if some == rows {
            let times = Times::PerRow(&self.times);
            return drift.at(times, width, &self.points, &mut self.drift_there);
        }
        let few = windows * some;
        let gathered = &mut self.compact.points;
        // Reserves room for all chains, so that a later step with more active chains does not
        // allocate.
        self.compact.drift.resize(total * width, F::zero());
        gathered.reserve((total * width).saturating_sub(gathered.len()));
        self.compact.times.reserve(total.saturating_sub(self.compact.times.len()));
        gathered.clear();
        self.compact.times.clear();
        let active = &self.active;
        let at = |w: usize| active.iter().map(move |&row| w * rows + row as usize);
        self.compact.times.extend((0..windows).flat_map(at).map(|i| self.times[i]));
        for j in 0..width {
            gathered.extend((0..windows).flat_map(at).map(|i| self.points[j * total + i]));
        }
        let times = Times::PerRow(&self.compact.times);
        let there = &mut self.compact.drift[..few * width];
        let rows_of = (0..windows).flat_map(|_| active.iter().map(|&row| row as usize));
        drift.at_rows(rows_of, times, width, gathered, there)?;
        for j in 0..width {
            for (from, i) in (0..windows).flat_map(at).enumerate() {
                self.drift_there[j * total + i] = there[j * few + from];
            }
        }
        Ok(())
    }

    /// Computes X⁺ from the drift at all midpoints. The state already holds A X + N.
    pub(super) fn finish<D: ContinuousDynamics>(
        &mut self,
        rule: &Rule<'_, D>,
        drift: &mut Evaluator<'_, F>,
        state: &mut State<F>,
    ) -> Result<()> {
        self.evaluate_points(drift)?;
        let Shape { rows, dim, windows, blocks, inputs } = self.shape;
        self.matrix.resize(rows, blocks, inputs);
        let out_panel = Panel::contiguous(rows);
        let Parts { own: out, low, .. } = state.parts();
        let mut minus: &[F] = &[];
        if rule.settings.control_variate {
            let Interval { start, length, .. } = rule.interval;
            let gain = rule.dynamics.transition(start, length).gain;
            (0..rows).for_each(|row| self.matrix.set(row, &gain));
            minus = &self.drift_start;
            let matrix = &self.matrix;
            let input_panel = out_panel;
            Add { matrix, dim, out, out_panel, low, input: minus, input_panel, minus: &[] }.run();
        }
        // A(τᵢ, t₁) by composition, from the last window to the first.
        self.tails.fill(rows, &IDENTITY);
        let constant = rule.dynamics.closed_form().is_some();
        self.rates.fill(rows, &rule.dynamics.rate(rule.interval.start));
        for w in (0..windows).rev() {
            self.tails.extend_back(&self.segments.of((w + 1) * rows..(w + 2) * rows), blocks);
            if !constant {
                let times = &self.times[w * rows..(w + 1) * rows];
                let rate = |time: &f64| rule.dynamics.rate(*time);
                times.iter().enumerate().for_each(|(row, t)| self.rates.set(row, &rate(t)));
            }
            self.tails.times(&self.rates, rule.delta, [blocks, inputs], &mut self.weights);
            self.matrix.set_entries(|r, k| self.weights.entry(r, k));
            Add {
                matrix: &self.matrix,
                dim,
                out,
                out_panel,
                low,
                input: &self.drift_there,
                input_panel: self.shape.panel(w),
                minus,
            }
            .run();
        }
        Ok(())
    }
}

/// What is added to the midpoints.
enum Source {
    /// b(X, t₀).
    Start,
    /// b at the midpoints of the window.
    There,
    /// The integral over the earlier windows.
    Sums,
}
