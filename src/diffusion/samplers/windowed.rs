//! Parallel in time with the same bits: a window of steps is scanned with old model outputs, and
//! one batched call renews them all.

use std::ops::Range;

use super::pages::{Kept, Replay, Span};
use super::window::Window;
use crate::dynamics::check_coefficients;
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::noise::Noise;
use crate::real::Real;
use crate::sampler::{Sampler, Scheme, Step, Work};
use crate::state::{Layout, State};

/// Another sampler with one evaluation per step, many of its steps at once.
///
/// ```text
/// for each chain, until its first open step s is the last:
///   scan     i = s … s + W − 1:  the sampler's own step, with the stored output bᵢ as its drift
///   call     b′ᵢ = b(xᵢ, tᵢ) for all of them, in one batch
///   settle   the steps before the first i with b′ᵢ ≠ bᵢ, and i itself;  b ← b′
/// ```
///
/// The result is that of the sampler alone, bit for bit. The chain is right at s. A step from a
/// right place with a right output leads to a right place. So the first output that changed was
/// evaluated at a right place, and is right now. A round settles at least one step of every chain,
/// and N steps take at most N rounds. They usually take far fewer, because the outputs of a model
/// change slowly along a chain. A sampler that keeps the data x̂₀ fixed forgets errors, and takes
/// the fewest.
///
/// One step of a run is many steps of the sampler. The grid of a run is [`grid`](Self::grid), or
/// any other whose times are times of the sampler's grid. Every chain has its own window, so a
/// chain is the same alone and among others. The noise is that of the sampler alone.
///
/// Evaluations: at least N, and about 7 to 9 N with 1000 steps and a window of 100 to 200. Rounds,
/// which wait for each other, are the batched calls of the cost. With a
/// [tolerance](Window::with_tolerance) small changes pass: fewer rounds, and a small error. A
/// trained network must be [`Rounded`](crate::diffusion::Rounded) for the bits to settle. Memory: 4
/// W rows for each chain.
///
/// Source: Shih et al. 2023 (arXiv 2305.16317) for the window; Chen et al. 2024 (arXiv 2405.15986)
/// for the scan with an exact linear part. Deviation: they stop by a tolerance.
#[derive(Clone, Debug)]
pub struct Windowed<S> {
    sampler: S,
    grid: TimeGrid,
    window: Window,
}

impl<S: Scheme> Windowed<S> {
    /// This sampler on its grid, with a window.
    ///
    /// # Errors
    /// [`Error::Model`] if the sampler takes more than one evaluation per step, carries one from
    /// step to step, or keeps low parts of positions; [`Error::Coefficients`] if its dynamics has
    /// no coefficients on the grid.
    pub fn new(sampler: S, grid: TimeGrid, window: Window) -> Result<Self> {
        let layout = sampler.layout();
        let each = sampler.evaluations_per_step();
        if each != 1.0 || layout.carried() > 0 || layout.keeps_low::<f32>() {
            let given = format!("a sampler of {each} evaluations per step, on {layout}");
            let expected = "one evaluation per step, on blocks without carried or low parts";
            return Err(Error::Model { given, expected: format!("{expected}, for a window") });
        }
        if let Some(dynamics) = sampler.dynamics() {
            check_coefficients(dynamics, &grid)?;
        }
        Ok(Self { sampler, grid, window })
    }

    /// The grid of a run: all steps as one.
    ///
    /// # Errors
    /// None: the first time of a grid is below its last one.
    pub fn grid(&self) -> Result<TimeGrid> {
        TimeGrid::from_knots(vec![self.grid.time(0), self.grid.time(self.grid.steps())])
    }

    /// Moves the chosen chains by a step with their stored outputs.
    fn replay<F: Real>(
        &self,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        scratch: &mut Replaying<F>,
    ) -> Result<()>
    where
        S: Sampler<F>,
    {
        let Replaying { replay, part, work } = scratch;
        let pages = replay.pages();
        let interval = self.grid.interval(pages.step);
        let count = pages.active.len();
        let all = count == state.len();
        let part = part.get_or_insert_with(|| state.clone());
        if !all {
            part.take_rows(state, &pages.active);
        }
        let moved = if all { &mut *state } else { &mut *part };
        let kept = Kept { source: noise, replay };
        let mut inner = Step::new(interval, replay, &kept, moved, work);
        self.sampler.step(&mut inner)?;
        let evaluations = inner.cost().evaluations;
        if evaluations != count as u64 {
            let name = "evaluations in a step of a windowed sampler";
            let given = evaluations as f64 / count as f64;
            return Err(Error::Invalid { name, given, expected: "1 for each chain" });
        }
        if !all {
            part.put_rows(state, &replay.pages().active);
        }
        Ok(())
    }

    /// Moves every chain through these of its steps.
    fn replay_all<F: Real>(
        &self,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        scratch: &mut Replaying<F>,
        of: impl Fn(&Span) -> Range<usize> + Copy,
    ) -> Result<()>
    where
        S: Sampler<F>,
    {
        for step in scratch.replay.pages().steps(of) {
            let pages = scratch.replay.pages();
            pages.choose(step, of);
            if !pages.active.is_empty() {
                self.replay(noise, state, scratch)?;
            }
        }
        Ok(())
    }
}

/// What a replay needs: the stored outputs, room for some of the chains, and working memory.
struct Replaying<F: Real> {
    replay: Replay<F>,
    part: Option<State<F>>,
    work: Work<F>,
}

struct Scratch<F: Real> {
    replaying: Replaying<F>,
    /// The chains ahead of their first open step.
    ahead: Option<State<F>>,
}

impl<F: Real> Default for Scratch<F> {
    fn default() -> Self {
        let replaying = Replaying { replay: Replay::default(), part: None, work: Work::new() };
        Self { replaying, ahead: None }
    }
}

impl<S: Scheme> Scheme for Windowed<S> {
    fn layout(&self) -> Layout {
        self.sampler.layout()
    }

    /// The least: every step once.
    fn evaluations_per_step(&self) -> f64 {
        self.grid.steps() as f64
    }

    fn scratch(&self, dim: usize) -> usize {
        let layout = self.sampler.layout();
        // Inputs, outputs old and new, and normals.
        let blocks = layout.inputs().saturating_mul(3).saturating_add(layout.blocks());
        let row = blocks.saturating_mul(dim).saturating_add(3);
        let window = self.window.steps().min(self.grid.steps()).saturating_mul(row);
        let states = layout.columns(dim).saturating_mul(2);
        window.saturating_add(states).saturating_add(self.sampler.scratch(dim))
    }

    fn spreads_calls(&self) -> bool {
        true
    }
}

impl<F: Real, S: Sampler<F>> Sampler<F> for Windowed<S> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let steps = self.grid.within(step.interval)?;
        let window = self.window.steps().min(steps.len());
        let width = step.state.layout().inputs() * step.state.dim();
        let chains = step.state.len();
        let noise = step.noise.source();
        let threads = step.drift.threads();
        let Scratch { replaying, ahead } = step.own.get::<Scratch<F>>();
        let ahead = ahead.get_or_insert_with(|| step.state.clone());
        replaying.replay.pages().begin(chains, width, window, &steps);
        while replaying.replay.pages().slide(steps.end, threads) {
            ahead.assign(step.state);
            replaying.replay.pages().notes = true;
            self.replay_all(noise, ahead, replaying, |span| span.start..span.end)?;
            let pages = replaying.replay.pages();
            pages.notes = false;
            pages.call(&mut step.drift)?;
            step.drift.cost.rounds += 1;
            pages.settle(self.window.tolerance());
            self.replay_all(noise, step.state, replaying, |span| {
                span.start..span.start + span.settled
            })?;
            let spans = &mut replaying.replay.pages().spans;
            spans.iter_mut().for_each(|span| span.start += span.settled);
        }
        Ok(())
    }
}
