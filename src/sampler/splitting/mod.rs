//! Splitting integrators: words over A, B, O, naive or reduced. Order 2 for palindromes solved
//! exactly, else 1; evaluations by the word: BAOAB 1, reduced OBA 1, naive OBA 2.

mod plan;
mod position_noise;
mod word;

pub use position_noise::PositionNoise;
pub use word::Word;

use plan::{Plan, Segment};

use super::interface::{Sampler, Scheme};
use super::step::Step;
use super::update::{Coefficients, Order, Terms, update_blocks};
use crate::drift::Times;
use crate::dynamics::{Letter, PhaseSpace};
use crate::error::Result;
use crate::grid::Interval;
use crate::noise::Purpose;
use crate::real::Real;
use crate::state::Layout;

/// A splitting integrator: the parts of phase-space dynamics, one after another, as a [`Word`]
/// says.
///
/// ```text
/// for each letter of the word, from left to right, k its count:
///     z ← part of that letter over h/k           A: position    B: momentum    O: friction and noise, exact
/// a letter that needs the drift b takes the last one, unless the position has moved and the letter is B (reduced)
/// ```
///
/// *Reduced* (the default): the drift computed for B is used again by an A behind it, and by the
/// next B if no A stands between; a B after an A has its own, at the position and the time reached:
/// T − (t+h) for the last B of OBAB. On [`Underdamped`](crate::Underdamped) dynamics, whose drift
/// depends on the position alone, this is exact, and the drift of the last position is carried to
/// the next step: BAOAB, OBABO and ABOBA all take one evaluation per step (a run one more for its
/// first position). *Naive* ([`naive`](Self::naive)): a fresh drift for every letter that needs
/// one, always at the time of the start of the step.
///
/// | on [`ReversePsld`](crate::ReversePsld) | OBA, BAO | OBAB |
/// |---|---|---|
/// | reduced, evaluations per step | 1 | 2 |
/// | naive | 2 | 3 |
///
/// Letters between two evaluations are applied as one affine map, composed in f64, with at most one
/// set of normals.
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
/// Source: Leimkuhler & Matthews 2013 (BAOAB and its relatives); Pandey, Rudolph & Mandt 2024
/// (arXiv 2402.07211) for naive and reduced splitting of phase-space diffusions. Deviation: the
/// rule above, which gives their samplers for their words and has a meaning for all others.
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

    /// The naive splitting: a fresh drift for every letter that needs one, at the time of the start
    /// of the step.
    pub fn naive(dynamics: D, word: Word) -> Self {
        let plan = Plan::new(&dynamics, &word, true);
        Self { dynamics, word, naive: true, position_noise: PositionNoise::EXACT, plan }
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }

    /// The word.
    pub fn word(&self) -> &Word {
        &self.word
    }

    /// Drift evaluations of one step.
    pub fn evaluations(&self) -> usize {
        self.plan.evaluations
    }

    /// What the letters of a segment do together.
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

    /// The time after this many of the letters A.
    fn time_after(&self, moves: usize, interval: &Interval) -> f64 {
        match (moves, self.word.count(Letter::A)) {
            (0, _) => interval.start,
            (done, all) if done == all => interval.end,
            (done, all) => interval.start + interval.length * (done as f64 / all as f64),
        }
    }

    /// Whether every letter gets a fresh drift.
    pub(crate) fn is_naive(&self) -> bool {
        self.naive
    }

    /// The same with another noise of the position.
    pub(crate) fn position_noise(self, position_noise: PositionNoise) -> Self {
        Self { position_noise, ..self }
    }
}

#[derive(Default)]
struct Scratch<F> {
    drift: Vec<F>,
}

impl<D: PhaseSpace> Scheme for Splitting<D> {
    fn layout(&self) -> Layout {
        self.dynamics.layout().carrying(self.plan.carries)
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
            let (x, carried) = step.state.split_carried();
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
            update_blocks(x, 2, &map, Terms { b, z, order: Order::Backward });
        }
        step.state.set_carried_known(self.plan.carries);
        Ok(())
    }
}
