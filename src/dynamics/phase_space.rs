//! Dynamics with a position and a momentum, split into three parts that are solved one after
//! another.

use super::linear::ContinuousDynamics;
use super::transition::Transition;

/// A part of the flow of phase-space dynamics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// The position moves.
    A,
    /// The drift changes the momentum.
    B,
    /// Friction and noise, an Ornstein–Uhlenbeck process solved exactly.
    O,
}

/// Dynamics of a position and a momentum that split into the parts A, B and O.
/// [`Splitting`](crate::Splitting) composes these parts.
///
/// The parts add up: their generators, rates and intensities sum to those of the whole.
pub trait PhaseSpace: ContinuousDynamics {
    /// The transition of one part over `length` ≥ 0.
    fn part(&self, letter: Letter, length: f64) -> Transition;

    /// Whether a part uses the drift. B always does. A does if the position has a score of its own.
    fn takes_drift(&self, letter: Letter) -> bool {
        letter == Letter::B
    }
}
