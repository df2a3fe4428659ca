//! Underdamped (kinetic) Langevin dynamics: position and velocity with friction. The linear part is
//! solved exactly.

use super::closed_form::{ClosedForm, Form};
use super::linear::{ContinuousDynamics, LinearDynamics};
use super::phase_space::{Letter, PhaseSpace};
use super::transition::Transition;
use crate::error::{Result, positive};
use crate::math::block::{Block, IDENTITY, ZERO};
use crate::math::phi::Phi;
use crate::math::phi_lanes::PhiLanes;
use crate::state::Layout;

/// Underdamped Langevin dynamics with friction γ (`friction`, 1/time) and inverse mass u
/// (`inverse_mass`). It is stationary for π(x) exp(−|v|²/2u).
///
/// ```text
/// dx = v dt      dv = −γ v dt + u b(x) dt + √(2γu) dW      b = ∇ log π
/// e₁ = 1 − e^(−γh)      e₂ = 1 − e^(−2γh)
/// A = [[1, e₁/γ], [0, 1 − e₁]]     G = u [(h − e₁/γ)/γ, e₁/γ]
/// Q = u [[(2/γ)(h − 2e₁/γ + e₂/2γ), e₁²/γ], [e₁²/γ, e₂]]
/// ```
///
/// As a [`PhaseSpace`] it splits into three parts:
///
/// ```text
/// A: x += h v
/// B: v += h u b(x)
/// O: v ← e^(−γh) v + √(u (1 − e^(−2γh))) ξ
/// ```
///
/// Terms that cancel for small γh are evaluated by series. The relative error of a coefficient is
/// at most 1e-13 for γh from 1e-10 to 50. If one of them underflows, as with γ = 1e110, all are NaN
/// and a run is refused.
///
/// Source: Cheng et al. 2018. Shen & Lee 2019 use γ = 2, u = 1/L.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Underdamped {
    friction: f64,
    inverse_mass: f64,
}

/// The third power of a shorter step is rightly zero, and nothing moves.
const SHORTEST: f64 = 1e-90;

impl Underdamped {
    /// Dynamics with friction γ and inverse mass u, both finite and positive.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if a constant is not finite and positive. It names
    /// the constant.
    pub fn new(friction: f64, inverse_mass: f64) -> Result<Self> {
        Ok(Self {
            friction: positive("friction", friction)?,
            inverse_mass: positive("inverse mass", inverse_mass)?,
        })
    }

    /// The friction γ.
    pub fn friction(&self) -> f64 {
        self.friction
    }

    /// The inverse mass u. It is the variance of a velocity coordinate.
    pub fn inverse_mass(&self) -> f64 {
        self.inverse_mass
    }
}

/// The transitions over L lengths, by the operations of
/// [`transition`](LinearDynamics::transition): the numbers of A, G and Q, each with its place
/// in a row of all three. The second input has none.
#[inline(always)]
pub(super) fn transition_lanes<const L: usize>(
    gamma: f64,
    u: f64,
    lengths: &[f64; L],
) -> [(usize, [f64; L]); 10] {
    let phi = PhiLanes::at(&lengths.map(|h| gamma * h));
    let mut out = [0, 1, 2, 3, 4, 6, 8, 9, 10, 11].map(|slot| (slot, [0.0; L]));
    for l in 0..L {
        let h = lengths[l];
        let drag = h * phi.phi1[l];
        let cross = u * gamma * drag * drag;
        let push = u * h * h * phi.phi2[l];
        let variance = u * gamma * h * h * h * phi.position_variance[l];
        let smallest = drag.min(push).min(variance).min(phi.lost_twice[l]);
        let is_undefined = (h > SHORTEST) & !(smallest >= f64::MIN_POSITIVE);
        let fresh = u * phi.lost_twice[l];
        let kept = phi.decay[l];
        let numbers = [1.0, drag, 0.0, kept, push, u * drag, variance, cross, cross, fresh];
        for s in 0..10 {
            out[s].1[l] = if is_undefined { f64::NAN } else { numbers[s] };
        }
    }
    out
}

impl LinearDynamics for Underdamped {
    fn layout(&self) -> Layout {
        Layout::with_momentum(self.inverse_mass).keeping_low_part()
    }

    fn transition(&self, _: f64, length: f64) -> Transition {
        let gamma = self.friction;
        let u = self.inverse_mass;
        let h = length;
        let phi = Phi::at(gamma * h);
        let drag = h * phi.phi1; // e₁/γ
        let cross = u * gamma * drag * drag; // u e₁²/γ
        let push = u * h * h * phi.phi2;
        let variance = u * gamma * h * h * h * phi.position_variance;
        let smallest = drag.min(push).min(variance).min(phi.lost_twice);
        // Zero would mean that the position does not move, and a subnormal number has few digits.
        if h > SHORTEST && !(smallest >= f64::MIN_POSITIVE) {
            return Transition::UNDEFINED;
        }
        Transition {
            propagator: [[1.0, drag], [0.0, phi.decay]],
            gain: [[push, 0.0], [u * drag, 0.0]],
            covariance: [[variance, cross], [cross, u * phi.lost_twice]],
        }
    }

    fn is_autonomous(&self) -> bool {
        true
    }
}

impl ContinuousDynamics for Underdamped {
    fn rate(&self, _: f64) -> Block {
        [[0.0, 0.0], [self.inverse_mass, 0.0]]
    }

    fn generator(&self, _: f64) -> Block {
        [[0.0, 1.0], [0.0, -self.friction]]
    }

    fn intensity(&self, _: f64) -> Block {
        [[0.0, 0.0], [0.0, 2.0 * self.friction * self.inverse_mass]]
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        let Self { friction, inverse_mass } = *self;
        Some(ClosedForm(Form::Underdamped { friction, inverse_mass }))
    }
}

impl PhaseSpace for Underdamped {
    fn part(&self, letter: Letter, h: f64) -> Transition {
        let gamma = self.friction;
        let u = self.inverse_mass;
        let still = Transition { propagator: IDENTITY, gain: ZERO, covariance: ZERO };
        match letter {
            Letter::A => Transition { propagator: [[1.0, h], [0.0, 1.0]], ..still },
            Letter::B => Transition { gain: [[0.0, 0.0], [h * u, 0.0]], ..still },
            Letter::O => Transition {
                propagator: [[1.0, 0.0], [0.0, libm::exp(-gamma * h)]],
                covariance: [[0.0, 0.0], [0.0, -u * libm::expm1(-2.0 * gamma * h)]],
                ..still
            },
        }
    }
}
