//! Splitting integrators: words over A, B, O, naive or reduced. Order 2 for palindromes solved
//! exactly, else 1; evaluations by the word: BAOAB 1, reduced OBA 1, naive OBA 2.

mod word;

pub use word::Word;

use super::{Sampler, StepInfo, Work};
use crate::drift::{Drift, Times, evaluate};
use crate::dynamics::{Layout, Letter, PhaseSpace, ReversePsld};
use crate::error::{Error, Result};
use crate::grid::Step;
use crate::math::affine::{Affine, Apply};
use crate::math::simd;
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;
use crate::state::State;

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

/// How much noise the O of a reduced sampler gives to the position of a phase-space diffusion, λ
/// being `scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PositionNoise {
    /// Variance 1 − e^(−Γλh); λ = 1 is the exact O.
    Step {
        /// λ ≥ 0.
        scale: f64,
    },
    /// Variance 1 − e^(−Γλτ̄), τ̄ the time that is left in the middle of the step: more noise
    /// early, none at the end.
    Remaining {
        /// λ ≥ 0.
        scale: f64,
        /// The time at which nothing is left, in the clock of the run.
        end: f64,
    },
}

/// Letters that are applied as one map.
#[derive(Clone, Debug)]
struct Segment {
    letters: Vec<Letter>,
    /// Where the drift is evaluated before them, if it is: after how many of the letters A.
    evaluate_after: Option<usize>,
    /// Whether a letter takes the drift.
    kicked: bool,
    /// The number of the O among them, if there is one.
    noise: Option<u32>,
}

#[derive(Clone, Debug)]
struct Plan {
    segments: Vec<Segment>,
    evaluations: usize,
    /// Whether the last evaluation of a step is the first one of the next.
    carries: bool,
    /// Blocks of normals that an O needs.
    noise_blocks: usize,
}

impl Plan {
    fn new(dynamics: &dyn PhaseSpace, word: &Word, naive: bool) -> Self {
        let mut segments: Vec<Segment> = Vec::new();
        let (mut moves, mut noises, mut evaluations) = (0, 0, 0);
        // How many letters A had passed when the drift was last evaluated.
        let mut evaluated_at = None;
        let mut first_at = None;
        for &letter in word.letters() {
            let takes = dynamics.takes_drift(letter);
            let stale = match evaluated_at {
                None => true,
                Some(at) => naive || (letter == Letter::B && at != moves),
            };
            let evaluate = takes && stale;
            let noisy = letter == Letter::O;
            let full = segments.last().is_none_or(|segment| noisy && segment.noise.is_some());
            if evaluate || full {
                let evaluate_after = evaluate.then_some(if naive { 0 } else { moves });
                segments.push(Segment {
                    letters: Vec::new(),
                    evaluate_after,
                    kicked: false,
                    noise: None,
                });
            }
            if evaluate {
                evaluations += 1;
                evaluated_at = Some(moves);
                first_at.get_or_insert(moves);
            }
            if let Some(segment) = segments.last_mut() {
                segment.letters.push(letter);
                segment.kicked |= takes;
                if noisy {
                    segment.noise = Some(noises);
                }
            }
            noises += u32::from(noisy);
            moves += usize::from(letter == Letter::A);
        }
        let of_position = dynamics.layout().inputs == 1;
        let carries = of_position && !naive && first_at == Some(0) && evaluated_at == Some(moves);
        let noise_blocks = if dynamics.part(Letter::O, 1.0).covariance[0][0] > 0.0 { 2 } else { 1 };
        Self { segments, evaluations: evaluations - usize::from(carries), carries, noise_blocks }
    }
}

impl<D: PhaseSpace> Splitting<D> {
    /// The reduced splitting of these dynamics by this word.
    pub fn new(dynamics: D, word: Word) -> Self {
        let plan = Plan::new(&dynamics, &word, false);
        Self {
            dynamics,
            word,
            naive: false,
            position_noise: PositionNoise::Step { scale: 1.0 },
            plan,
        }
    }

    /// The naive splitting: a fresh drift for every letter that needs one, at the time of the start
    /// of the step.
    pub fn naive(dynamics: D, word: Word) -> Self {
        let plan = Plan::new(&dynamics, &word, true);
        Self {
            dynamics,
            word,
            naive: true,
            position_noise: PositionNoise::Step { scale: 1.0 },
            plan,
        }
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
    fn map(&self, segment: &Segment, step: &Step) -> Affine {
        let mut map = Affine::IDENTITY;
        for &letter in &segment.letters {
            let length = step.length / self.word.count(letter) as f64;
            let mut part = self.dynamics.part(letter, length);
            if letter == Letter::O {
                self.scale_position_noise(&mut part.covariance[0][0], length, step);
            }
            map = map.then(&part);
        }
        map
    }

    /// The variance of the position after an O with λ: from 1 − e^(−Γh) to 1 − e^(−Γλh).
    fn scale_position_noise(&self, variance: &mut f64, length: f64, step: &Step) {
        let exponent = match self.position_noise {
            PositionNoise::Step { scale: 1.0 } => return,
            // No noise at all, also where a long step would have given all there is.
            PositionNoise::Step { scale: 0.0 } | PositionNoise::Remaining { scale: 0.0, .. } => 0.0,
            PositionNoise::Step { scale } => scale,
            PositionNoise::Remaining { scale, end } => {
                scale * (end - step.start - 0.5 * step.length).max(0.0) / length
            }
        };
        *variance =
            if exponent > 0.0 { -libm::expm1(exponent * libm::log1p(-*variance)) } else { 0.0 };
    }
}

impl Splitting<ReversePsld> {
    /// Scales the noise of the position in O; the momentum keeps its own, as anything else is
    /// unstable.
    ///
    /// # Errors
    /// [`Error::Invalid`] if λ is negative or not finite, [`Error::NotTaken`] for a naive sampler.
    pub fn with_position_noise(mut self, noise: PositionNoise) -> Result<Self> {
        let (PositionNoise::Step { scale } | PositionNoise::Remaining { scale, .. }) = noise;
        if self.naive {
            return Err(Error::NotTaken { option: "lambda-s", by: "naive splitting" });
        }
        if !(scale >= 0.0 && scale.is_finite()) {
            return Err(Error::Invalid {
                name: "lambda-s",
                given: scale,
                expected: "a finite number >= 0",
            });
        }
        if let PositionNoise::Remaining { end, .. } = noise {
            crate::error::finite("end of the position noise", end)?;
        }
        self.position_noise = noise;
        Ok(self)
    }
}

#[derive(Default)]
struct Scratch<F> {
    drift: Vec<F>,
    normals: Vec<F>,
}

impl<F: Real, D: PhaseSpace> Sampler<F> for Splitting<D> {
    fn name(&self) -> &'static str {
        // The names of the lists.
        let words: &[&'static str] = match (self.dynamics.layout().inputs, self.naive) {
            (1, _) => &["baoab", "obabo", "aboba"],
            (_, true) => &["oba", "bao", "obab"],
            _ => &["roba", "rbao", "robab"],
        };
        let own = self.word.to_string();
        let same = |name: &&&str| name.trim_start_matches('r').eq_ignore_ascii_case(&own);
        words.iter().find(same).copied().unwrap_or("splitting")
    }

    fn layout(&self) -> Layout {
        Layout { carried: usize::from(self.plan.carries), ..self.dynamics.layout() }
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let (rows, dim) = (state.len(), state.dim());
        let size = rows * dim;
        let width = self.dynamics.layout().inputs * dim;
        let moves = self.word.count(Letter::A);
        let Scratch { drift: own, normals } = work.scratch::<Scratch<F>>();
        let place = (step, state.chains()[0]);
        let mut known = self.plan.carries && state.carried_known();
        let mut calls = 0;
        let (chains, data) = state.parts();
        let (phase, carried) = data.split_at_mut(2 * size);
        let b = if self.plan.carries {
            carried
        } else {
            own.resize(rows * width, F::zero());
            own
        };
        for segment in &self.plan.segments {
            if let Some(after) = segment.evaluate_after
                && !std::mem::take(&mut known)
            {
                let time = match after {
                    0 => step.start,
                    all if all == moves => step.end,
                    some => step.start + step.length * (some as f64 / moves as f64),
                };
                evaluate(drift, Times::Shared(time), (rows, width), phase, b, place)?;
                calls += 1;
            }
            let mut drawn: &[F] = &[];
            if let Some(index) = segment.noise {
                normals.resize(self.plan.noise_blocks * size, F::zero());
                noise.normals(Draw::new(step.index, Purpose::Increment, index), chains, normals);
                drawn = normals;
            }
            let map = self.map(segment, &step);
            let (position, momentum) = phase.split_at_mut(size);
            let drift: &[F] = if segment.kicked { b } else { &[] };
            simd::dispatch(Apply { map: &map, position, momentum, drift, normals: drawn });
        }
        state.set_carried_known(self.plan.carries);
        Ok(StepInfo {
            evaluations: calls * rows as u64,
            batched_calls: calls as u32,
            ..StepInfo::default()
        })
    }

    fn evaluations_per_step(&self) -> f64 {
        self.plan.evaluations as f64
    }
}
