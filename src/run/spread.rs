//! Moments of a run whose chains are shared out over ranks.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::moments::MomentsObserver;
use super::observe::{Observer, Snapshot};
use crate::error::{BoxError, Error, Result};
use crate::ranks::Ranks;
use crate::real::Real;

/// The moments of a run where each of the [`Ranks`] runs some of the chains. Every rank takes the
/// sums of its own. They are brought to rank 0 for a checkpoint and at the end, and joined in the
/// order of their chains: they are those of one process, to the last bit.
#[derive(Debug)]
pub struct Spread {
    own: MomentsObserver,
    empty: MomentsObserver,
    rows: Range<usize>,
    ranks: Arc<dyn Ranks>,
}

impl Spread {
    /// The sums of these rows of all chains. The observer is still empty.
    pub fn new(own: MomentsObserver, rows: Range<usize>, ranks: Arc<dyn Ranks>) -> Self {
        Self { empty: own.clone(), own, rows, ranks }
    }

    /// The sums of all chains, at rank 0.
    ///
    /// # Errors
    /// [`Error::Ranks`] if a rank cannot be reached. [`Error::StateFile`] as for
    /// [`MomentsObserver::append`]: a [`full`](MomentsObserver::full) observer above 8 dimensions
    /// has no sums that could be joined.
    pub fn joined(&self) -> Result<Option<MomentsObserver>> {
        if self.ranks.size() == 1 {
            return Ok(Some(self.own.clone()));
        }
        let all = self.ranks.gather(self.own.saved()).map_err(Error::Ranks)?;
        let mut joined = None;
        for bytes in &all {
            let mut next = self.empty.clone();
            next.take_up(bytes)?;
            match &mut joined {
                None => joined = Some(next),
                Some(joined) => joined.append(next)?,
            }
        }
        Ok(joined)
    }
}

impl<F: Real> Observer<F> for Spread {
    fn next(&self, step: u64) -> Option<u64> {
        Observer::<F>::next(&self.own, step)
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        self.own.observe(snapshot)
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(self.joined()?.map(|joined| joined.saved()))
    }

    /// Takes up its rows of the sums of all chains.
    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        let mut whole = self.empty.clone();
        whole.take_up(saved)?;
        self.own = match self.ranks.size() {
            1 => whole,
            _ => whole.part(self.rows.clone())?,
        };
        Ok(())
    }
}
