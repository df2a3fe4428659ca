//! Inpainting by replacement: after every step the known part is that of the known data, noised to
//! the level reached. With repeats the run jumps up by fresh noise and comes down again.

use std::ops::Range;

use crate::diffusion::clock::Clock;
use crate::diffusion::condition::Known;
use crate::error::{Error, Result, count};
use crate::grid::TimeGrid;
use crate::math::aligned::Aligned;
use crate::noise::{Address, Noise, Purpose};
use crate::real::Real;
use crate::sampler::{Sampler, Scheme, Step, Work};
use crate::state::{Layout, State};

/// Another sampler that is held to a known part of the data.
///
/// ```text
/// after a step to level s:     x ← m (√ᾱ_s known + √(1−ᾱ_s) z) + (1 − m) x
/// with repeats, U > 1, a step of the run is a stretch of the sampler's steps from level t to s:
///   the stretch;  then U − 1 times:  x ← √(ᾱ_t/ᾱ_s) x + √(1 − ᾱ_t/ᾱ_s) z,  and the stretch again
/// ```
///
/// Every z is fresh, and has a purpose of its own. The samples do **not** follow the conditional
/// distribution. Repeats bring the mean nearer to it and the variance below it: see the guide,
/// `docs/diffusion.md` of the source.
///
/// Evaluations: those of the sampler, U times. The grid of a run is [`grid`](Self::grid).
///
/// Source: Lugmayr et al. 2022 (arXiv 2201.09865). Deviation: stretches are counted from the
/// noise, and the last one is repeated from the clean end too.
#[derive(Clone, Debug)]
pub struct Replaced<S> {
    sampler: S,
    grid: TimeGrid,
    clock: Clock,
    known: Known,
    repeats: u32,
    jump: usize,
}

impl<S: Scheme> Replaced<S> {
    /// This sampler on its grid, held to the known part after every step.
    ///
    /// # Errors
    /// [`Error::Model`] if the sampler has momenta, or a drift that it carries from step to step.
    pub fn new(sampler: S, grid: TimeGrid, clock: Clock, known: Known) -> Result<Self> {
        let layout = sampler.layout();
        if layout.carried() > 0 || layout.momentum_variance().is_some() || layout.inputs() > 1 {
            let given = format!("a sampler on {layout}");
            let expected = "one of positions without momenta, to replace a part of them".into();
            return Err(Error::Model { given, expected });
        }
        Ok(Self { sampler, grid, clock, known, repeats: 1, jump: 1 })
    }

    /// Takes every stretch of `jump` steps `repeats` times.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a number is 0, or steps cannot be counted, [`Error::Model`] if the
    /// sampler keeps a memory from step to step, which would be that of another level.
    pub fn with_repeats(self, jump: usize, repeats: usize) -> Result<Self> {
        count("jump", jump, 1, u32::MAX as usize, "a whole number from 1 to 4294967295")?;
        let most = u32::MAX as usize / self.grid.steps().max(1);
        count("repeats", repeats, 1, most, "a whole number >= 1, so that steps can be counted")?;
        if repeats > 1 && self.sampler.layout().blocks() > 1 {
            let given = format!("a sampler on {}", self.sampler.layout());
            let expected = "one without a memory, to repeat its steps".into();
            return Err(Error::Model { given, expected });
        }
        Ok(Self { repeats: repeats as u32, jump, ..self })
    }

    /// The grid of a run: one step for each step of the sampler, or for each stretch with repeats.
    ///
    /// # Errors
    /// None for the grid of a sampler.
    pub fn grid(&self) -> Result<TimeGrid> {
        if self.repeats == 1 {
            return Ok(self.grid.clone());
        }
        let steps = self.grid.steps();
        let ends = (0..steps).step_by(self.jump).chain([steps]);
        TimeGrid::from_knots(ends.map(|step| self.grid.time(step)).collect())
    }

    /// Replaces the known part at the level of a time.
    fn replace<F: Real>(
        &self,
        time: f64,
        address: Address,
        source: &dyn Noise<F>,
        state: &mut State<F>,
        normals: &mut Aligned<F>,
    ) -> Result<()> {
        let level = self.clock.level(time)?;
        let signal = level.signal();
        let noise = level.noise();
        draw(address, source, state, normals);
        let chains = state.len();
        let columns = state.data_mut().chunks_exact_mut(chains).zip(normals.chunks_exact(chains));
        let known = self.known.mask().iter().zip(self.known.data());
        for ((column, z), (mask, known)) in columns.zip(known) {
            if *mask == 0.0 {
                continue;
            }
            for (x, z) in column.iter_mut().zip(z) {
                let there = signal * known + noise * z.widen();
                *x = F::from_f64(mask * there + (1.0 - mask) * x.widen());
            }
        }
        Ok(())
    }

    /// Noises the state up from the level at the end of a stretch to that at its start.
    fn jump_up<F: Real>(
        &self,
        steps: &Range<usize>,
        address: Address,
        source: &dyn Noise<F>,
        state: &mut State<F>,
        normals: &mut Aligned<F>,
    ) -> Result<()> {
        let from = self.clock.level(self.grid.time(steps.end))?.log_alpha_bar();
        let to = self.clock.level(self.grid.time(steps.start))?.log_alpha_bar();
        let kept = libm::exp(0.5 * (to - from));
        let added = (-libm::expm1(to - from)).sqrt();
        draw(address, source, state, normals);
        let numbers = state.data_mut().iter_mut().zip(normals.iter());
        numbers.for_each(|(x, z)| *x = F::from_f64(kept * x.widen() + added * z.widen()));
        Ok(())
    }
}

/// Fills `normals` with one number for each coordinate of a position.
fn draw<F: Real>(
    address: Address,
    source: &dyn Noise<F>,
    state: &State<F>,
    normals: &mut Aligned<F>,
) {
    normals.resize(state.len() * state.dim(), F::zero());
    source.normals(address, state.chains(), normals);
}

/// Another source of noise, at later steps: so a step that is repeated has fresh noise.
struct Later<'n, F: Real> {
    source: &'n dyn Noise<F>,
    steps: u32,
}

impl<F: Real> Later<'_, F> {
    fn address(&self, address: Address) -> Address {
        Address::new(address.step() + self.steps, address.purpose(), address.index())
    }
}

impl<F: Real> Noise<F> for Later<'_, F> {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]) {
        self.source.normals(self.address(address), chains, out);
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        self.source.uniforms(self.address(address), chains, out);
    }
}

struct Scratch<F: Real> {
    work: Work<F>,
    normals: Aligned<F>,
}

impl<F: Real> Default for Scratch<F> {
    fn default() -> Self {
        Self { work: Work::new(), normals: Aligned::new() }
    }
}

impl<S: Scheme> Scheme for Replaced<S> {
    fn layout(&self) -> Layout {
        self.sampler.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        let steps = if self.repeats == 1 { 1 } else { self.jump.min(self.grid.steps()) };
        self.sampler.evaluations_per_step() * (steps * self.repeats as usize) as f64
    }

    fn scratch(&self, dim: usize) -> usize {
        self.sampler.scratch(dim).saturating_add(dim)
    }
}

impl<F: Real, S: Sampler<F>> Sampler<F> for Replaced<S> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        self.known.check(step.state.dim())?;
        let steps = self.grid.within(step.interval)?;
        let Scratch { work, normals } = step.own.get::<Scratch<F>>();
        let all = self.grid.steps() as u32;
        for repeat in 0..self.repeats {
            let noise = Later { source: step.noise.source(), steps: repeat * all };
            if repeat > 0 {
                let address = Address::new(steps.start as u32, Purpose::Jump, 0);
                self.jump_up(&steps, address, &noise, step.state, normals)?;
            }
            for index in steps.clone() {
                let interval = self.grid.interval(index);
                let source = step.drift.source();
                let mut inner = Step::new(interval, source, &noise, step.state, work);
                self.sampler.step(&mut inner)?;
                step.drift.cost += inner.cost();
                let address = Address::new(interval.index, Purpose::Known, 0);
                self.replace(interval.end, address, &noise, step.state, normals)?;
            }
        }
        Ok(())
    }
}
