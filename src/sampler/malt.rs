//! MALT: leapfrog trajectories of underdamped Langevin dynamics that are accepted or rejected. L
//! evaluations per step, exact target.

use super::interface::{CoinScript, Sampler, Scheme};
use super::step::{Step, StepNoise};
use super::update::{Coefficients, Order, Target, Terms, update_blocks};
use crate::drift::Times;
use crate::dynamics::{Letter, LinearDynamics, PhaseSpace, Underdamped};
use crate::error::{Error, Result, count};
use crate::grid::Interval;
use crate::math::aligned::Aligned;
use crate::math::finite::all_finite;
use crate::noise::Purpose;
use crate::real::Real;
use crate::state::{Layout, Parts, State, columns};

/// Metropolis-adjusted Langevin trajectories: L steps of the splitting OBABO on [`Underdamped`]
/// dynamics, accepted or rejected as a whole. It has no bias at any step.
///
/// ```text
/// h = t / L                              t: the step of the grid
/// O½:  v ← e^(−γh/2) v + √(u (1 − e^(−γh))) ξ₀
/// (x₀, v₀) = (x, v)                      the start of the proposal
/// for l = 1, …, L:
///     O:   v ← e^(−γh) v + √(u (1 − e^(−2γh))) ξ      not for l = 1
///     B:   v ← v + (h/2) u b(x)                       Δ ← Δ − |v|²/2u before this B
///     A:   x ← x + h v
///     B:   v ← v + (h/2) u b(x)                       Δ ← Δ + |v|²/2u after this B
/// Δ ← Δ + log π(x₀) − log π(x)
/// keep (x, v) with probability min(1, e^(−Δ)), else (x, v) ← (x₀, −v₀)
/// O½:  v ← e^(−γh/2) v + √(u (1 − e^(−γh))) ξ
/// ```
///
/// - Δ is the energy that the parts B, A, B gain. Energy is −log π(x) + |v|²/2u. Only the change of
///   log π over the whole trajectory matters, as O does not move the position.
/// - The two O between leapfrogs are one, so a step draws L + 1 normals for each coordinate. The
///   first and the last O½ are also made where the proposal is rejected.
/// - The velocity lives on between proposals. Only O refreshes it. A rejection turns it round: the
///   chain leaves the way it came. Without the turn the stationary law would be wrong.
/// - [`with_leapfrogs`](Self::with_leapfrogs) sets L, by default 1. That is generalized
///   Hamiltonian Monte Carlo: a rejection turns every trajectory round, so it needs a high
///   acceptance rate ([`Samples::acceptance`](crate::Samples::acceptance)).
/// - Evaluations: L per step. The state carries the drift of its position, so a run takes one more
///   for its first position.
/// - Each step also evaluates the log density twice, so the drift must have one
///   ([`Drift::density`](crate::Drift::density)).
///   [`WithDensity`](crate::drift::WithDensity) adds one to any other drift.
/// - The test is made in f64. A trajectory that ends outside the support (log density −∞) is
///   rejected. One that overflows on its way is refused, and its chain waits at (x₀, v₀) for the
///   test.
/// - A NaN in a density or in a drift on the way is passed on to the position. So is an infinite
///   drift at the start of a step. The run then applies its policy for such chains.
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let target = GaussianMixture::isotropic(array![[-1.0], [1.0]].view(), 1.0)?;
/// let malt = Malt::new(Underdamped::new(1.0, 1.0)?).with_leapfrogs(4)?;
/// let samples = Run::new(&malt, &target, TimeGrid::uniform(2.0, 25)?).chains(50).run()?;
/// assert_eq!(samples.evaluations_per_chain(), 101.0);
/// assert!(samples.acceptance() > Some(0.8));
/// # Ok::<(), Error>(())
/// ```
///
/// Sources: Riou-Durand & Vogrinc 2022 (arXiv 2202.13230) for trajectories, there with a new
/// velocity for each. Horowitz 1991 for L = 1 and a velocity that lives on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Malt {
    dynamics: Underdamped,
    leapfrogs: usize,
}

impl Malt {
    /// The most leapfrogs of a step.
    pub const MAX_LEAPFROGS: usize = 1_000_000;

    /// The sampler for this dynamics, with one leapfrog per step.
    pub fn new(dynamics: Underdamped) -> Self {
        Self { dynamics, leapfrogs: 1 }
    }

    /// Splits a step into this many leapfrogs: from 1 to [`MAX_LEAPFROGS`](Self::MAX_LEAPFROGS).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number outside this range.
    pub fn with_leapfrogs(self, leapfrogs: usize) -> Result<Self> {
        let expected = "a whole number from 1 to 1000000";
        let leapfrogs = count("leapfrogs", leapfrogs, 1, Self::MAX_LEAPFROGS, expected)?;
        Ok(Self { leapfrogs, ..self })
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &Underdamped {
        &self.dynamics
    }

    /// The number of leapfrogs of a step.
    pub fn leapfrogs(&self) -> usize {
        self.leapfrogs
    }

    /// The parts of a step of this length.
    fn parts(&self, length: f64) -> LeapfrogParts {
        let h = length / self.leapfrogs as f64;
        let part = |letter, h| self.dynamics.part(letter, h);
        LeapfrogParts {
            half_friction: Coefficients::new(&part(Letter::O, 0.5 * h)),
            friction: Coefficients::new(&part(Letter::O, h)),
            kick_and_move: Coefficients::new(&part(Letter::B, 0.5 * h)).then(&part(Letter::A, h)),
            kick: Coefficients::new(&part(Letter::B, 0.5 * h)),
        }
    }
}

/// The maps of a leapfrog and of the friction around it.
struct LeapfrogParts {
    half_friction: Coefficients,
    friction: Coefficients,
    kick_and_move: Coefficients,
    kick: Coefficients,
}

/// Chains where a proposal starts, and what its test needs. All arrays are column-major.
#[derive(Default)]
struct Scratch<F> {
    start: Aligned<F>,
    low: Aligned<F>,
    drift: Aligned<F>,
    before: Vec<f64>,
    after: Vec<f64>,
    /// Σ |v|² after the leapfrogs less |v|² before them.
    gain: Vec<f64>,
    coins: Vec<f64>,
}

impl<F: Real> Scratch<F> {
    /// Keeps the chains as they are.
    fn keep(&mut self, from: &Parts<'_, F>, rows: usize) {
        self.start.clear();
        self.start.extend_from_slice(from.own);
        self.low.clear();
        self.low.extend_from_slice(from.low);
        self.drift.clear();
        self.drift.extend_from_slice(from.carried);
        self.gain.clear();
        self.gain.resize(rows, 0.0);
        // What a density leaves unwritten must not be that of an earlier step.
        for log in [&mut self.before, &mut self.after] {
            log.clear();
            log.resize(rows, f64::NAN);
        }
        self.coins.resize(rows, 0.0);
    }

    /// Puts the chain of this row back to where the proposal started, with its velocity times
    /// `sign`.
    fn put_back(&self, row: usize, to: &mut Parts<'_, F>, sign: F) {
        let rows = self.coins.len();
        let size = self.drift.len();
        for at in (row..size).step_by(rows) {
            to.own[at] = self.start[at];
            to.own[size + at] = sign * self.start[size + at];
            to.carried[at] = self.drift[at];
            if !self.low.is_empty() {
                to.low[at] = self.low[at];
            }
        }
    }

    /// Adds `sign` |v|² of each chain.
    fn add_energy(&mut self, v: &[F], sign: f64) {
        for column in v.chunks_exact(self.gain.len()) {
            for (gain, v) in self.gain.iter_mut().zip(column) {
                *gain += sign * v.widen() * v.widen();
            }
        }
    }

    /// Refuses trajectories that overflow from finite numbers: their density is 0 in this
    /// precision. They wait where they started, and no coin accepts them.
    fn refuse_overflow(&mut self, to: &mut Parts<'_, F>) {
        if all_finite(to.own) {
            return;
        }
        let rows = self.coins.len();
        for row in 0..rows {
            let mut own = to.own[row..].iter().step_by(rows);
            let overflows = own.clone().any(|x| x.is_infinite()) && !own.any(|x| x.is_nan());
            if overflows && self.starts_finite(row) {
                self.put_back(row, to, F::one());
                self.coins[row] = f64::INFINITY;
            }
        }
    }

    /// Whether the drift of this row is finite where the proposal starts.
    fn starts_finite(&self, row: usize) -> bool {
        self.drift[row..].iter().step_by(self.coins.len()).all(|b| b.is_finite())
    }

    /// Keeps or rejects each proposal. Returns how many are kept.
    fn decide(&self, to: &mut Parts<'_, F>, inverse_mass: f64) -> u64 {
        let rows = self.coins.len();
        let mut accepted = 0;
        for row in 0..rows {
            let kinetic = self.gain[row] / (2.0 * inverse_mass);
            let log_ratio = self.after[row] - self.before[row] - kinetic;
            let finite = self.starts_finite(row);
            let refused = self.coins[row] == f64::INFINITY || self.after[row] == f64::NEG_INFINITY;
            if !finite || (log_ratio.is_nan() && !refused) {
                (row..self.drift.len()).step_by(rows).for_each(|at| to.own[at] = F::nan());
            } else if !refused && libm::log(self.coins[row]) < log_ratio {
                accepted += 1;
            } else {
                self.put_back(row, to, -F::one());
            }
        }
        accepted
    }
}

/// X ← A X + G b + C z on position and velocity, where a single block of z is for the velocity.
fn apply<F: Real>(to: &mut Parts<'_, F>, map: &Coefficients, kicked: bool, z: &[F]) {
    let b: &[F] = if kicked { to.carried } else { &[] };
    let target = Target { x: to.own, low: to.low, blocks: 2 };
    update_blocks(target, map, Terms { b, z, order: Order::Backward });
}

impl Scheme for Malt {
    fn layout(&self) -> Layout {
        self.dynamics.layout().carrying(true)
    }

    fn evaluations_per_step(&self) -> f64 {
        self.leapfrogs as f64
    }

    fn dynamics(&self) -> Option<&dyn LinearDynamics> {
        Some(&self.dynamics)
    }

    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        Err(Error::NotProbeable {
            reason: "accepting or refusing depends on the state, so a step is not affine; \
                     the target of malt is exact anyway",
        })
    }
}

/// Draw `index` of a friction part.
fn friction<F: Real>(
    noise: &mut StepNoise<'_, F>,
    state: &mut State<F>,
    index: u32,
    map: &Coefficients,
) {
    let size = state.len() * state.dim();
    let z = noise.normals(Purpose::Increment, index, state.chains(), size);
    apply(&mut state.parts(), map, false, z);
}

impl<F: Real> Sampler<F> for Malt {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let density = step.drift.density().ok_or(Error::NoDensity { method: "malt" })?;
        let Interval { start, end, length, .. } = step.interval;
        let maps = self.parts(length);
        let own = step.own.get::<Scratch<F>>();
        let rows = step.state.len();
        let dim = step.state.dim();
        let size = rows * dim;
        if !step.state.carried_known() {
            let Parts { own: x, carried: b, .. } = step.state.parts();
            step.drift.at(Times::Shared(start), dim, &x[..size], b)?;
        }
        friction(&mut step.noise, step.state, 0, &maps.half_friction);
        own.keep(&step.state.parts(), rows);
        step.noise.uniforms(Purpose::Accept, 0, step.state.chains(), &mut own.coins);
        for l in 1..=self.leapfrogs {
            if l > 1 {
                friction(&mut step.noise, step.state, l as u32 - 1, &maps.friction);
            }
            let chains = &mut step.state.parts();
            own.add_energy(&chains.own[size..], -1.0);
            apply(chains, &maps.kick_and_move, true, &[]);
            own.refuse_overflow(chains);
            let passed = l as f64 / self.leapfrogs as f64;
            let time = if l == self.leapfrogs { end } else { start + length * passed };
            step.drift.at(Times::Shared(time), dim, &chains.own[..size], chains.carried)?;
            apply(chains, &maps.kick, true, &[]);
            own.refuse_overflow(chains);
            own.add_energy(&chains.own[size..], 1.0);
        }
        let fail = |source| step.drift.failure(source);
        density.log_density(columns(&own.start, rows, dim), &mut own.before).map_err(fail)?;
        density.log_density(step.state.positions(), &mut own.after).map_err(fail)?;
        let accepted = own.decide(&mut step.state.parts(), self.dynamics.inverse_mass());
        friction(&mut step.noise, step.state, self.leapfrogs as u32, &maps.half_friction);
        step.state.set_carried_known(true);
        step.drift.cost.proposed += rows as u64;
        step.drift.cost.accepted += accepted;
        Ok(())
    }
}
