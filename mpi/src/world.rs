//! The ranks of an MPI communicator.

use std::fmt;

use langevin::BoxError;
use langevin::ranks::Ranks;
use mpi::topology::{Process, SimpleCommunicator};
use mpi::traits::{Communicator, Destination, Root, Source};

/// The most bytes of one message: MPI counts them in 32 bits.
const MOST: usize = 1 << 30;

/// All processes of the job. MPI must have been initialized, and not be ended before this is used.
pub struct World {
    rank: usize,
    size: usize,
}

impl World {
    pub fn new() -> Self {
        let all = SimpleCommunicator::world();
        Self { rank: all.rank() as usize, size: all.size() as usize }
    }

    /// A process of the job. Handles of MPI do not go from thread to thread, so none is kept.
    fn with<T>(&self, rank: usize, call: impl FnOnce(Process<'_>) -> T) -> T {
        call(SimpleCommunicator::world().process_at_rank(rank as i32))
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank, self.size)
    }
}

/// An error of MPI itself ends the job, as its error handler does by default.
impl Ranks for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, BoxError> {
        if self.rank > 0 {
            self.with(0, |first| {
                first.send(&(own.len() as u64));
                own.chunks(MOST).for_each(|bytes| first.send(bytes));
            });
            return Ok(Vec::new());
        }
        let mut all = vec![own];
        // Ranks are asked one after the other, so the order is never that of their arrival.
        for rank in 1..self.size {
            all.push(self.with(rank, |other| {
                let mut bytes = room(other.receive::<u64>().0)?;
                bytes.chunks_mut(MOST).for_each(|part| {
                    other.receive_into(part);
                });
                Ok::<_, BoxError>(bytes)
            })?);
        }
        Ok(all)
    }

    fn broadcast(&self, own: Vec<u8>) -> Result<Vec<u8>, BoxError> {
        self.with(0, |first| {
            let mut length = own.len() as u64;
            first.broadcast_into(&mut length);
            let mut bytes = if self.rank == 0 { own } else { room(length)? };
            bytes.chunks_mut(MOST).for_each(|part| first.broadcast_into(part));
            Ok(bytes)
        })
    }
}

/// Room for a message, or an error where there is not enough memory for it.
fn room(length: u64) -> Result<Vec<u8>, BoxError> {
    let length = usize::try_from(length)?;
    let mut bytes = Vec::new();
    let reserved = bytes.try_reserve_exact(length);
    reserved.map_err(|error| format!("a message of {length} bytes: {error}"))?;
    bytes.resize(length, 0);
    Ok(bytes)
}
