//! Ranks: processes that do one run together, and what they send one another.
//!
//! ```text
//! rank 0        rank 1        rank 2        the same program with the same options in each
//! chains 0..3   3..6          6..10         every rank has a share of the rows
//!    └── gather ──┴─────────────┘           in the order of ranks, so never in another order
//! ```
//!
//! [`Ranks`] is what a run needs of them. The package `langevin-mpi` has it for MPI; [`Alone`] is
//! one process, and [`seats`] are threads of one process, for tests.
//!
//! - [`Sampling::over`](crate::posterior::Sampling::over): a tuned posterior.
//! - [`Distributed`](crate::drift::Distributed): the rows of every call of a drift.
//! - [`Samples::join`](crate::Samples::join), [`Whole`](crate::run::Whole),
//!   [`Spread`](crate::run::Spread) and [`Checkpoint::over`](crate::run::Checkpoint::over): chains.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::error::BoxError;

/// Processes with numbers from 0 on. All of them make the same calls in the same order, one at a
/// time: a call returns when the ranks that it needs have made it too.
pub trait Ranks: fmt::Debug + Send + Sync {
    /// The number of this one.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// The bytes of all ranks in the order of their numbers, at rank 0. Others get an empty list.
    ///
    /// # Errors
    /// If a rank cannot be reached, or has left.
    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, BoxError>;

    /// The bytes of rank 0, at every rank. Those of others are dropped.
    ///
    /// # Errors
    /// As for [`gather`](Self::gather).
    fn broadcast(&self, own: Vec<u8>) -> Result<Vec<u8>, BoxError>;

    /// The bytes of all ranks in the order of their numbers, at every rank.
    ///
    /// # Errors
    /// As for [`gather`](Self::gather).
    fn gather_all(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, BoxError> {
        let all = self.gather(own)?;
        let mut packed = Vec::new();
        for bytes in &all {
            packed.extend((bytes.len() as u64).to_le_bytes());
            packed.extend(bytes);
        }
        let packed = self.broadcast(packed)?;
        let mut rest = &packed[..];
        let mut all = Vec::new();
        while let Some((length, tail)) = rest.split_first_chunk::<8>() {
            let length = u64::from_le_bytes(*length) as usize;
            let split = tail.split_at_checked(length).ok_or("a message of the ranks is cut")?;
            all.push(split.0.to_vec());
            rest = split.1;
        }
        Ok(all)
    }

    /// The rows of this rank among so many.
    fn share(&self, rows: usize) -> Range<usize> {
        share(rows, self.rank(), self.size())
    }
}

/// The rows of one part of so many: parts differ by one row at most.
pub fn share(rows: usize, part: usize, of: usize) -> Range<usize> {
    let cut = |part: usize| (rows as u128 * part as u128 / of.max(1) as u128) as usize;
    cut(part)..cut(part + 1)
}

/// One process, which has all rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, BoxError> {
        Ok(vec![own])
    }

    fn broadcast(&self, own: Vec<u8>) -> Result<Vec<u8>, BoxError> {
        Ok(own)
    }
}

/// Ranks for threads of one process: give each thread one. A seat that is dropped has left, and a
/// call that waits for it is an error.
///
/// ```
/// use langevin::ranks::{Ranks, seats};
///
/// let threads: Vec<_> = seats(3)
///     .into_iter()
///     .map(|seat| std::thread::spawn(move || seat.gather_all(vec![seat.rank() as u8]).unwrap()))
///     .collect();
/// for thread in threads {
///     assert_eq!(thread.join().unwrap(), [[0], [1], [2]]);
/// }
/// ```
pub fn seats(count: usize) -> Vec<Seat> {
    let table = Arc::new(Table::default());
    (0..count).map(|rank| Seat { rank, size: count, table: table.clone() }).collect()
}

/// One of [`seats`].
#[derive(Debug)]
pub struct Seat {
    rank: usize,
    size: usize,
    table: Arc<Table>,
}

#[derive(Debug, Default)]
struct Table {
    call: Mutex<Call>,
    changed: Condvar,
}

/// The call that goes on: what has been put down for it, and who has it all.
#[derive(Debug, Default)]
struct Call {
    put: Vec<(usize, Vec<u8>)>,
    all: Option<Arc<Vec<Vec<u8>>>>,
    taken: usize,
    left: Option<usize>,
}

impl Seat {
    /// Puts bytes on the table, and takes those of all.
    fn exchange(&self, own: Vec<u8>) -> Result<Arc<Vec<Vec<u8>>>, BoxError> {
        // The call before is over once everybody has what belongs to it.
        let mut call = self.wait(self.lock(), |call| call.all.is_none())?;
        call.put.push((self.rank, own));
        if call.put.len() == self.size {
            call.put.sort_by_key(|(rank, _)| *rank);
            let all = std::mem::take(&mut call.put).into_iter().map(|(_, bytes)| bytes);
            call.all = Some(Arc::new(all.collect()));
            self.table.changed.notify_all();
        }
        let mut call = self.wait(call, |call| call.all.is_some())?;
        let all = call.all.clone().ok_or("the call is over")?;
        call.taken += 1;
        if call.taken == self.size {
            call.taken = 0;
            call.all = None;
            self.table.changed.notify_all();
        }
        Ok(all)
    }

    fn lock(&self) -> MutexGuard<'_, Call> {
        self.table.call.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn wait<'t>(
        &'t self,
        call: MutexGuard<'t, Call>,
        is_met: impl Fn(&Call) -> bool,
    ) -> Result<MutexGuard<'t, Call>, BoxError> {
        let goes_on = |call: &mut Call| !is_met(call) && call.left.is_none();
        let waited = self.table.changed.wait_while(call, goes_on);
        let call = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        match call.left {
            Some(rank) if !is_met(&call) => Err(format!("rank {rank} has left").into()),
            _ => Ok(call),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lock().left = Some(self.rank);
        self.table.changed.notify_all();
    }
}

impl Ranks for Seat {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, BoxError> {
        let all = self.exchange(own)?;
        Ok(if self.rank == 0 { all.to_vec() } else { Vec::new() })
    }

    fn broadcast(&self, own: Vec<u8>) -> Result<Vec<u8>, BoxError> {
        let own = if self.rank == 0 { own } else { Vec::new() };
        Ok(self.exchange(own)?.first().cloned().unwrap_or_default())
    }
}

/// What a rank sends when it may have failed instead, so that the others do not wait for it.
pub(crate) fn sent(result: &Result<Vec<u8>, String>) -> Vec<u8> {
    let (mark, bytes): (u8, &[u8]) = match result {
        Ok(bytes) => (0, bytes),
        Err(why) => (1, why.as_bytes()),
    };
    [&[mark], bytes].concat()
}

/// What was sent, or which rank has failed and why.
pub(crate) fn received(rank: usize, bytes: &[u8]) -> Result<&[u8], BoxError> {
    match bytes.split_first() {
        Some((0, rest)) => Ok(rest),
        Some((_, why)) => Err(format!("rank {rank}: {}", String::from_utf8_lossy(why)).into()),
        None => Err(format!("rank {rank} sent nothing").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_all_rows_and_differ_by_one_at_most() {
        for rows in [0, 1, 5, 16, 23] {
            for of in 1..8 {
                let shares: Vec<_> = (0..of).map(|part| share(rows, part, of)).collect();
                assert!(shares.iter().cloned().flatten().eq(0..rows));
                let sizes = shares.iter().map(|share| share.len());
                assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn a_call_that_waits_for_one_who_has_left_is_an_error() {
        let mut seats = seats(2);
        let other = seats.pop().unwrap();
        let own = seats.pop().unwrap();
        let thread = std::thread::spawn(move || {
            assert_eq!(other.gather(vec![2]).unwrap(), Vec::<Vec<u8>>::new());
            assert_eq!(other.broadcast(vec![2]).unwrap(), [7]);
        });
        assert_eq!(own.gather(vec![1]).unwrap(), [[1], [2]]);
        assert_eq!(own.broadcast(vec![7]).unwrap(), [7]);
        let error = own.gather(vec![1]).unwrap_err().to_string();
        thread.join().unwrap();
        assert_eq!(error, "rank 1 has left");
    }
}
