//! Splitting integrators: words over A, B and O, reduced or naive. Order 2 for palindromes whose
//! parts are solved exactly, else 1. Evaluations depend on the word: BAOAB 1, reduced OBA 1, naive
//! OBA 2.

mod plan;
mod position_noise;
mod word;

pub use position_noise::PositionNoise;
pub use word::Word;

use plan::{Plan, Segment};

use super::interface::{Sampler, Scheme};
use super::step::Step;
use super::update::{Coefficients, Order, Target, Terms, update_blocks};
use crate::drift::Times;
use crate::dynamics::{Letter, LinearDynamics, PhaseSpace};
use crate::error::Result;
use crate::grid::Interval;
use crate::math::aligned::Aligned;
use crate::noise::Purpose;
use crate::real::Real;
use crate::state::{Layout, Parts};

/// A splitting integrator. It solves the parts of phase-space dynamics one after another, in the
/// order of a [`Word`].
///
/// ```text
/// for each letter of the word, from left to right:
///     z ← part of that letter over h/k        k: how often the letter occurs in the word
///
/// z = (position, momentum)
/// A: position    B: momentum    O: friction and noise, exact
/// ```
///
/// Letter B adds the drift to the momentum. On some dynamics letter A uses the drift too. A
/// splitting is reduced or naive. The two differ in which drift a letter gets.
///
/// *Reduced* ([`new`](Self::new)):
///
/// - The first letter that uses the drift evaluates it. Later letters use the same drift again.
///   There is one exception: a B evaluates a new drift if an A has moved the position since the
///   last evaluation.
/// - That evaluation is at the position and time reached so far, e.g. T − (t+h) for the last B of
///   OBAB.
/// - On [`Underdamped`](crate::Underdamped) dynamics the drift depends on the position alone, so
///   this is exact. There, words such as BAOAB and OBABO end a step with the drift that the next
///   step begins with. The state carries this drift to the next step.
/// - BAOAB, OBABO and ABOBA therefore take one evaluation per step. A run takes one more for its
///   first position if a B comes before the first A.
///
/// *Naive* ([`naive`](Self::naive)): every letter that uses the drift evaluates a new one, always
/// at the time of the start of the step.
///
/// | on [`ReversePsld`](crate::diffusion::dynamics::ReversePsld) | OBA, BAO | OBAB |
/// |---|---|---|
/// | reduced, evaluations per step | 1 | 2 |
/// | naive, evaluations per step | 2 | 3 |
///
/// Letters between two evaluations act as one affine map, composed in f64. It has at most one set
/// of normals.
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::*;
///
/// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 1.0)?;
/// let baoab = Splitting::new(Underdamped::new(1.0, 1.0)?, "BAOAB".parse()?);
/// let samples = Run::new(&baoab, &target, TimeGrid::uniform(0.5, 100)?).chains(50).run()?;
/// assert_eq!(samples.evaluations_per_chain(), 101.0);
/// # Ok::<(), Error>(())
/// ```
///
/// Order: weak 2 for palindromes if every part is solved exactly, else weak 1.
///
/// Sources: Leimkuhler & Matthews 2013 for BAOAB and related words. Pandey, Rudolph & Mandt 2024
/// (arXiv 2402.07211) for naive and reduced splitting of phase-space diffusions. Deviation: the
/// rules above. They give the samplers of that paper for its words, and they define all other
/// words.
#[derive(Clone, Debug)]
pub struct Splitting<D> {
    dynamics: D,
    word: Word,
    naive: bool,
    position_noise: PositionNoise,
    plan: Plan,
}

impl<D: PhaseSpace> Splitting<D> {
    /// The reduced splitting of these dynamics by this word.
    pub fn new(dynamics: D, word: Word) -> Self {
        let plan = Plan::new(&dynamics, &word, false);
        Self { dynamics, word, naive: false, position_noise: PositionNoise::EXACT, plan }
    }

    /// The naive splitting: every letter that uses the drift evaluates a new one, at the time of
    /// the start of the step.
    pub fn naive(dynamics: D, word: Word) -> Self {
        let plan = Plan::new(&dynamics, &word, true);
        Self { dynamics, word, naive: true, position_noise: PositionNoise::EXACT, plan }
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }

    /// The word, which gives the order of the parts.
    pub fn word(&self) -> &Word {
        &self.word
    }

    /// Number of drift evaluations of one step.
    pub fn evaluations(&self) -> usize {
        self.plan.evaluations
    }

    /// The composed map of the letters of a segment.
    fn map(&self, segment: &Segment, interval: &Interval) -> Coefficients {
        let mut map = Coefficients::IDENTITY;
        for &letter in &segment.letters {
            let length = interval.length / self.word.count(letter) as f64;
            let mut part = self.dynamics.part(letter, length);
            if letter == Letter::O {
                let variance = &mut part.covariance[0][0];
                self.position_noise.scale(variance, length, interval);
            }
            map = map.then(&part);
        }
        map
    }

    /// The time reached after `moves` of the letters A.
    fn time_after(&self, moves: usize, interval: &Interval) -> f64 {
        match (moves, self.word.count(Letter::A)) {
            (0, _) => interval.start,
            (done, all) if done == all => interval.end,
            (done, all) => interval.start + interval.length * (done as f64 / all as f64),
        }
    }

    /// Whether every letter that uses the drift evaluates a new one.
    pub(crate) fn is_naive(&self) -> bool {
        self.naive
    }

    /// Replaces the noise of the position.
    pub(crate) fn position_noise(self, position_noise: PositionNoise) -> Self {
        Self { position_noise, ..self }
    }
}

#[derive(Default)]
struct Scratch<F> {
    drift: Aligned<F>,
}

impl<D: PhaseSpace> Scheme for Splitting<D> {
    fn layout(&self) -> Layout {
        self.dynamics.layout().carrying(self.plan.carries)
    }

    fn dynamics(&self) -> Option<&dyn LinearDynamics> {
        Some(&self.dynamics)
    }

    fn evaluations_per_step(&self) -> f64 {
        self.plan.evaluations as f64
    }
}

impl<F: Real, D: PhaseSpace> Sampler<F> for Splitting<D> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let size = step.state.len() * step.state.dim();
        let width = self.dynamics.layout().inputs() * step.state.dim();
        let mut known = self.plan.carries && step.state.carried_known();
        let Scratch { drift: own } = step.own.get::<Scratch<F>>();
        for segment in &self.plan.segments {
            let z: &[F] = match segment.noise {
                Some(index) => {
                    let count = self.plan.noise_blocks * size;
                    step.noise.normals(Purpose::Increment, index, step.state.chains(), count)
                }
                None => &[],
            };
            let Parts { own: x, carried, low } = step.state.parts();
            let b = if self.plan.carries {
                carried
            } else {
                own.resize(size * self.dynamics.layout().inputs(), F::zero());
                &mut own[..]
            };
            if let Some(after) = segment.evaluate_after
                && !std::mem::take(&mut known)
            {
                step.drift.at(
                    Times::Shared(self.time_after(after, &step.interval)),
                    width,
                    x,
                    b,
                )?;
            }
            let map = self.map(segment, &step.interval);
            let b: &[F] = if segment.kicked { b } else { &[] };
            let to = Target { x, low, blocks: 2 };
            update_blocks(to, &map, Terms { b, z, order: Order::Backward });
        }
        step.state.set_carried_known(self.plan.carries);
        Ok(())
    }
}
