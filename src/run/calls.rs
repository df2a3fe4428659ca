//! The batched calls and rounds of every step, which the parts of a run need to be joined.

use super::saved::fail;
use crate::error::Result;

/// Batched calls and rounds of every step from step 0 on. Neighbours that are equal are kept
/// together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Calls(Vec<[u64; 3]>);

impl Calls {
    /// Adds a step.
    pub fn push(&mut self, batched_calls: u64, rounds: u64) {
        match self.0.last_mut() {
            Some(last) if last[1..] == [batched_calls, rounds] => last[0] += 1,
            _ => self.0.push([1, batched_calls, rounds]),
        }
    }

    /// The sums over all steps: batched calls and rounds.
    pub fn sums(&self) -> [u64; 2] {
        Self::joined(std::slice::from_ref(self))
    }

    /// The slowest part of every step, and their sums: batched calls and rounds.
    pub fn joined(parts: &[Self]) -> [u64; 2] {
        let mut places = vec![(0, 0); parts.len()];
        let mut sums = [0, 0];
        loop {
            let mut most = [0, 0];
            let mut length = u64::MAX;
            for (part, (at, taken)) in parts.iter().zip(&places) {
                let Some([steps, calls, rounds]) = part.0.get(*at) else { return sums };
                length = length.min(steps - taken);
                most = [most[0].max(*calls), most[1].max(*rounds)];
            }
            if parts.is_empty() {
                return sums;
            }
            let add = |at: usize| length.saturating_mul(most[at]).saturating_add(sums[at]);
            sums = [add(0), add(1)];
            for (part, (at, taken)) in parts.iter().zip(&mut places) {
                *taken += length;
                if *taken == part.0[*at][0] {
                    *at += 1;
                    *taken = 0;
                }
            }
        }
    }

    /// All entries as numbers in a row.
    pub fn words(&self) -> &[u64] {
        self.0.as_flattened()
    }

    /// The number of steps.
    pub fn steps(&self) -> u64 {
        self.0.iter().map(|entry| entry[0]).sum()
    }

    /// The record of at most so many steps in these numbers.
    pub fn of(words: &[u64], steps: u64) -> Result<Self> {
        let entries = words.as_chunks::<3>().0.to_vec();
        let all = entries.iter().try_fold(0_u64, |sum, entry| sum.checked_add(entry[0]));
        if all.is_none_or(|all| all > steps) || entries.iter().any(|entry| entry[0] == 0) {
            return Err(fail("its record of calls is not that of its steps"));
        }
        Ok(Self(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_counts_for_its_slowest_part() {
        let record = |steps: &[(u64, u64)]| {
            let mut calls = Calls::default();
            steps.iter().for_each(|(batched, rounds)| calls.push(*batched, *rounds));
            calls
        };
        let one = record(&[(1, 0), (1, 0), (3, 2), (3, 2), (2, 1)]);
        let other = record(&[(2, 0), (1, 0), (1, 1), (4, 1), (4, 1)]);
        assert_eq!(one.words(), [2, 1, 0, 2, 3, 2, 1, 2, 1]);
        assert_eq!(Calls::joined(&[one.clone(), other]), [2 + 1 + 3 + 4 + 4, 5]);
        assert_eq!(Calls::joined(&[]), [0, 0]);
        assert_eq!(Calls::of(one.words(), 5).unwrap(), one);
        assert_eq!(one.steps(), 5);
        assert!(Calls::of(one.words(), 4).is_err());
    }
}
