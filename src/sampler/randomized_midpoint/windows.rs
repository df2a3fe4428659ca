//! The stages of a randomized midpoint step over all windows and chains: path, start, Picard
//! rounds, finish.

use super::RandomizedMidpoint;
use crate::drift::{Drift, Times, evaluate};
use crate::dynamics::{ContinuousDynamics, Transition};
use crate::error::Result;
use crate::grid::Step;
use crate::math::block::{self, Block, IDENTITY};
use crate::math::kernels::{Add, Coefficients, Panel, PerRow, RowCoefficients, RowMatrix, Shared};
use crate::math::simd;
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;
use crate::sampler::StepInfo;
use crate::state::State;

/// Scratch memory. Arrays over windows have shape (windows · chains, columns), a window's chains in
/// a row.
#[derive(Default)]
pub(super) struct Scratch<F> {
    uniforms: Vec<f64>,
    /// Inner times τᵢ, (windows · chains).
    times: Vec<f64>,
    /// Transitions between consecutive inner times, ((windows + 1) · chains).
    segments: Vec<Transition>,
    /// b(X, t₀), (chains, inputs·dim).
    drift_start: Vec<F>,
    normals: Vec<F>,
    coefficients: RowCoefficients<F>,
    /// A(t₀,τᵢ) X + Nᵢ, (windows · chains, inputs·dim).
    paths: Vec<F>,
    /// xᵢ and b(xᵢ, τᵢ), same shape.
    points: Vec<F>,
    drift_there: Vec<F>,
    matrix: RowMatrix<F>,
    /// Σ over whole windows before the current one, (chains, blocks·dim).
    sums: Vec<F>,
    /// Picard rounds of the chains that are not done yet.
    active: Vec<u32>,
    moved: Vec<f64>,
    compact_points: Vec<F>,
    compact_drift: Vec<F>,
    compact_times: Vec<f64>,
    /// Propagator and gain of window i up to τᵢ, (windows · chains).
    partial: Vec<Transition>,
    /// A from an inner time to the end of the step, (chains).
    tails: Vec<Block>,
}

impl<F: Real> Scratch<F> {
    /// Draws the inner times and the transitions between them.
    pub(super) fn prepare<D: ContinuousDynamics>(
        &mut self,
        method: &RandomizedMidpoint<D>,
        step: Step,
        noise: &dyn Noise<F>,
        state: &State<F>,
    ) {
        let (rows, windows, dynamics) = (state.len(), method.windows, &method.dynamics);
        let delta = step.length / windows as f64;
        self.uniforms.resize(windows * rows, 0.0);
        self.times.clear();
        self.segments.clear();
        self.partial.clear();
        for w in 0..windows {
            let draw = Draw::new(step.index, Purpose::Coin, w as u32);
            noise.uniforms(draw, state.chains(), &mut self.uniforms[w * rows..(w + 1) * rows]);
            let window = step.start + delta * w as f64;
            for row in 0..rows {
                let inside = delta * self.uniforms[w * rows + row];
                // Lengths come from the coins alone: differences of times would cancel late in a
                // run.
                let (previous, length) = if w == 0 {
                    (step.start, inside)
                } else {
                    let before = (w - 1) * rows + row;
                    (self.times[before], delta * (1.0 - self.uniforms[before]) + inside)
                };
                self.times.push(window + inside);
                self.segments.push(dynamics.transition(previous, length));
                if method.rounds > 0 {
                    self.partial.push(dynamics.transition(window, inside));
                }
            }
        }
        for last in (windows - 1) * rows..windows * rows {
            self.segments
                .push(dynamics.transition(self.times[last], delta * (1.0 - self.uniforms[last])));
        }
    }

    /// b(X, t₀), the Brownian path through all inner times, and the first guess at the midpoints.
    pub(super) fn start<D: ContinuousDynamics>(
        &mut self,
        method: &RandomizedMidpoint<D>,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        info: &mut StepInfo,
    ) -> Result<()> {
        let (rows, dim, layout, windows) =
            (state.len(), state.dim(), method.dynamics.layout(), method.windows);
        let width = layout.inputs * dim;
        let place = (step, state.chains()[0]);
        self.drift_start.resize(rows * width, F::zero());
        evaluate(
            drift,
            Times::Shared(step.start),
            (rows, width),
            state.data(),
            &mut self.drift_start,
            place,
        )?;
        info.evaluations += rows as u64;
        info.batched_calls += 1;

        let total = windows * rows;
        self.paths.resize(total * width, F::zero());
        self.points.resize(total * width, F::zero());
        self.drift_there.resize(total * width, F::zero());
        self.matrix.resize(rows, layout.inputs, layout.inputs);
        self.coefficients.resize(rows, layout);
        let (chains, data) = state.parts();
        for w in 0..=windows {
            let mut noisy = false;
            for row in 0..rows {
                let coefficients = Coefficients::new(&self.segments[w * rows + row]);
                noisy |= coefficients.is_noisy();
                self.coefficients.set(row, &coefficients);
            }
            self.normals.clear();
            if noisy {
                self.normals.resize(rows * layout.blocks * dim, F::zero());
                let purpose = if w == windows { Purpose::Increment } else { Purpose::Path };
                let index = if w == windows { 0 } else { w as u32 };
                noise.normals(Draw::new(step.index, purpose, index), chains, &mut self.normals);
            }
            let (coefficients, normals) = (&self.coefficients, &self.normals[..]);
            simd::dispatch(PerRow { coefficients, dim, state: data, drift: &[], normals });
            if w < windows {
                for j in 0..width {
                    let at = j * total + w * rows;
                    self.paths[at..at + rows].copy_from_slice(&data[j * rows..(j + 1) * rows]);
                }
            }
        }
        self.points.copy_from_slice(&self.paths);
        // G(t₀,τᵢ) by composition, window after window.
        for row in 0..rows {
            let mut gain = block::ZERO;
            for w in 0..windows {
                let segment = &self.segments[w * rows + row];
                gain = block::sum(&block::product(&segment.propagator, &gain), &segment.gain);
                // From here on the segment's own gain is not needed: the entry keeps the one from
                // t₀.
                self.segments[w * rows + row].gain = gain;
            }
        }
        for w in 0..windows {
            (0..rows).for_each(|row| self.matrix.set(row, &self.segments[w * rows + row].gain));
            self.add_to_points(w, total, dim, rows, Source::Start);
        }
        Ok(())
    }

    /// Adds matrix · b to the points of a window.
    fn add_to_points(
        &mut self,
        window: usize,
        total: usize,
        dim: usize,
        rows: usize,
        source: Source,
    ) {
        let at = Panel { offset: window * rows, stride: total };
        let (input, input_panel) = match source {
            Source::Start => (&self.drift_start, Panel::contiguous(rows)),
            Source::There => (&self.drift_there, at),
            Source::Sums => (&self.sums, Panel::contiguous(rows)),
        };
        simd::dispatch(Add {
            matrix: &self.matrix,
            dim,
            out: &mut self.points,
            out_panel: at,
            input,
            input_panel,
            minus: &[],
        });
    }

    /// Up to P rounds; a chain whose midpoints no longer move leaves early where there is a
    /// tolerance.
    pub(super) fn picard<D: ContinuousDynamics>(
        &mut self,
        method: &RandomizedMidpoint<D>,
        step: Step,
        drift: &dyn Drift<F>,
        state: &State<F>,
        info: &mut StepInfo,
    ) -> Result<()> {
        let (rows, dim, layout, windows) =
            (state.len(), state.dim(), method.dynamics.layout(), method.windows);
        let (total, width) = (windows * rows, layout.inputs * dim);
        self.active.clear();
        self.active.extend(0..rows as u32);
        for _ in 0..method.rounds {
            if self.active.is_empty() {
                break;
            }
            self.evaluate_points(drift, rows, windows, width, (step, state.chains()[0]), info)?;
            info.rounds += 1;
            if method.tolerance.is_some() {
                self.moved.clear();
                self.moved.resize(rows, 0.0);
                self.compact_points.clear();
                self.compact_points.extend_from_slice(&self.points);
            }
            self.points.copy_from_slice(&self.paths);
            let whole = method.dynamics.transition(step.start, step.length / windows as f64);
            self.sums.clear();
            self.sums.resize(rows * layout.blocks * dim, F::zero());
            for w in 0..windows {
                // xᵢ = path + A(window start, τᵢ) (whole windows before) + G(window start, τᵢ) bᵢ
                self.matrix.resize(rows, layout.inputs, layout.blocks);
                (0..rows)
                    .for_each(|row| self.matrix.set(row, &self.partial[w * rows + row].propagator));
                self.add_to_points(w, total, dim, rows, Source::Sums);
                self.matrix.resize(rows, layout.inputs, layout.inputs);
                (0..rows).for_each(|row| self.matrix.set(row, &self.partial[w * rows + row].gain));
                self.add_to_points(w, total, dim, rows, Source::There);
                let window = if method.dynamics.is_autonomous() {
                    whole
                } else {
                    let delta = step.length / windows as f64;
                    method.dynamics.transition(step.start + delta * w as f64, delta)
                };
                simd::dispatch(Shared {
                    layout,
                    coefficients: &Coefficients::new(&window),
                    rows,
                    dim,
                    state: &mut self.sums,
                    drift: &self.drift_there,
                    drift_panel: Panel { offset: w * rows, stride: total },
                    normals: &[],
                });
            }
            if let Some(tolerance) = method.tolerance {
                self.retire(tolerance, rows, windows, width);
            }
        }
        // The finish needs b at the last midpoints of every chain.
        self.active.clear();
        self.active.extend(0..rows as u32);
        Ok(())
    }

    /// Takes chains that have converged out of the active ones; chains that had converged before
    /// keep their midpoints.
    fn retire(&mut self, tolerance: f64, rows: usize, windows: usize, width: usize) {
        let total = windows * rows;
        let mut is_active = 0;
        for row in 0..rows {
            let active = self.active.get(is_active) == Some(&(row as u32));
            is_active += usize::from(active);
            for at in (0..width).flat_map(|j| (0..windows).map(move |w| j * total + w * rows + row))
            {
                if active {
                    let moved = (self.points[at] - self.compact_points[at]).abs().widen();
                    // NaN must not look like convergence.
                    self.moved[row] =
                        if moved <= self.moved[row] { self.moved[row] } else { moved };
                } else {
                    self.points[at] = self.compact_points[at];
                }
            }
        }
        let moved = &self.moved;
        self.active.retain(|&row| !(moved[row as usize] <= tolerance));
    }

    /// b at the midpoints of the active chains, in one batched call.
    fn evaluate_points(
        &mut self,
        drift: &dyn Drift<F>,
        rows: usize,
        windows: usize,
        width: usize,
        place: (Step, u32),
        info: &mut StepInfo,
    ) -> Result<()> {
        let total = windows * rows;
        let some = self.active.len();
        info.evaluations += (some * windows) as u64;
        info.batched_calls += 1;
        if some == rows {
            let times = Times::PerRow(&self.times);
            return evaluate(
                drift,
                times,
                (total, width),
                &self.points,
                &mut self.drift_there,
                place,
            );
        }
        let few = windows * some;
        let mut gathered = std::mem::take(&mut self.normals);
        // Room for all, so that a later step with more active chains does not allocate.
        self.compact_drift.resize(total * width, F::zero());
        gathered.reserve((total * width).saturating_sub(gathered.len()));
        self.compact_times.reserve(total.saturating_sub(self.compact_times.len()));
        gathered.clear();
        self.compact_times.clear();
        let active = &self.active;
        let at = |w: usize| active.iter().map(move |&row| w * rows + row as usize);
        self.compact_times.extend((0..windows).flat_map(at).map(|i| self.times[i]));
        for j in 0..width {
            gathered.extend((0..windows).flat_map(at).map(|i| self.points[j * total + i]));
        }
        let times = Times::PerRow(&self.compact_times);
        let result =
            evaluate(drift, times, (few, width), &gathered, &mut self.compact_drift, place);
        self.normals = gathered;
        result?;
        for j in 0..width {
            for (from, i) in (0..windows).flat_map(at).enumerate() {
                self.drift_there[j * total + i] = self.compact_drift[j * few + from];
            }
        }
        Ok(())
    }

    /// X⁺ from the drift at all midpoints; the state already holds A X + N.
    pub(super) fn finish<D: ContinuousDynamics>(
        &mut self,
        method: &RandomizedMidpoint<D>,
        step: Step,
        drift: &dyn Drift<F>,
        state: &mut State<F>,
        info: &mut StepInfo,
    ) -> Result<()> {
        let (rows, dim, layout, windows) =
            (state.len(), state.dim(), method.dynamics.layout(), method.windows);
        let (total, width) = (windows * rows, layout.inputs * dim);
        self.evaluate_points(drift, rows, windows, width, (step, state.chains()[0]), info)?;
        let delta = step.length / windows as f64;
        self.matrix.resize(rows, layout.blocks, layout.inputs);
        let out_panel = Panel::contiguous(rows);
        if method.control_variate {
            let gain = method.dynamics.transition(step.start, step.length).gain;
            (0..rows).for_each(|row| self.matrix.set(row, &gain));
            let (matrix, input, out) = (&self.matrix, &self.drift_start[..], state.data_mut());
            simd::dispatch(Add {
                matrix,
                dim,
                out,
                out_panel,
                input,
                input_panel: out_panel,
                minus: &[],
            });
        }
        let minus: &[F] = if method.control_variate { &self.drift_start } else { &[] };
        // A(τᵢ, t₁) by composition, from the last window to the first.
        self.tails.clear();
        self.tails.resize(rows, IDENTITY);
        for w in (0..windows).rev() {
            for row in 0..rows {
                let tail = block::product(
                    &self.tails[row],
                    &self.segments[(w + 1) * rows + row].propagator,
                );
                self.tails[row] = tail;
                let rate = method.dynamics.rate(self.times[w * rows + row]);
                self.matrix.set(row, &block::scaled(&block::product(&tail, &rate), delta));
            }
            simd::dispatch(Add {
                matrix: &self.matrix,
                dim,
                out: state.data_mut(),
                out_panel,
                input: &self.drift_there,
                input_panel: Panel { offset: w * rows, stride: total },
                minus,
            });
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
    /// The integral over the windows before.
    Sums,
}
