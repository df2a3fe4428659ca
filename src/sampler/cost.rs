//! The cost of steps: evaluations, batched calls, rounds, and moves proposed and accepted.

use std::ops::AddAssign;

/// The cost of one step or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Cost {
    /// Rows on which the drift was evaluated, over all chains.
    pub evaluations: u64,
    /// Batched drift calls that had to wait for each other (the sequential depth). A call that is
    /// part of the method counts even if no chain of this batch needed it.
    pub batched_calls: u64,
    /// Picard rounds, the most over the chains. 0 for methods without rounds.
    pub rounds: u64,
    /// Moves that were proposed to chains and could be rejected. 0 for methods without a Metropolis
    /// test.
    pub proposed: u64,
    /// Proposed moves that were accepted.
    pub accepted: u64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.evaluations += other.evaluations;
        self.batched_calls += other.batched_calls;
        self.rounds += other.rounds;
        self.proposed += other.proposed;
        self.accepted += other.accepted;
    }
}
