//! Dynamics with a position and a momentum, cut into three parts that are solved one after another.

use super::linear::ContinuousDynamics;
use super::transition::Transition;

/// A part of the flow of phase-space dynamics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// The position moves.
    A,
    /// The momentum is kicked by the drift.
    B,
    /// Friction and noise, an Ornstein–Uhlenbeck process solved exactly.
    O,
}

/// Dynamics of a position and a momentum that splits into the parts A, B and O, as
/// [`Splitting`](crate::Splitting) composes them.
///
/// The parts add up: their generators, rates and intensities sum to those of the whole.
pub trait PhaseSpace: ContinuousDynamics {
    /// What one part does over `length` ≥ 0.
    fn part(&self, letter: Letter, length: f64) -> Transition;

    /// Whether a part depends on the drift: B always, A where the position is driven by a score of
    /// its own.
    fn takes_drift(&self, letter: Letter) -> bool {
        letter == Letter::B
    }
}
