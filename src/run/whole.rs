//! An observer of all chains of a run whose chains are shared out over ranks.

use std::ops::ControlFlow;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use super::observe::{Every, Observer, Rest, Snapshot};
use super::samples::Divergence;
use super::saved::{Saved, Saving};
use crate::error::{BoxError, Result};
use crate::ranks::Ranks;
use crate::real::Real;

/// Shows all chains of a run to an observer of rank 0, where each of the [`Ranks`] runs some of
/// them: a file of draws, say. Every rank adds one to its run, with the same steps. At each of
/// these steps the states are gathered, in the order of ranks.
///
/// Evaluations are those of all ranks, batched calls those of rank 0.
#[derive(Debug)]
pub struct Whole<O> {
    inner: Option<O>,
    every: Every,
    ranks: Arc<dyn Ranks>,
}

impl<O> Whole<O> {
    /// Shows these steps to an observer, which rank 0 alone has.
    pub fn new(inner: Option<O>, every: Every, ranks: Arc<dyn Ranks>) -> Self {
        Self { inner: inner.filter(|_| ranks.rank() == 0), every, ranks }
    }

    /// The observer of rank 0.
    pub fn into_inner(self) -> Option<O> {
        self.inner
    }
}

/// What a rank sends of its chains.
struct Piece<F> {
    evaluations: u64,
    frozen: Vec<Divergence>,
    state: Array2<F>,
    low: Array2<F>,
}

impl<F: Real> Piece<F> {
    fn of(bytes: &[u8]) -> Result<Self> {
        let mut from = Saved::all(bytes);
        let evaluations = from.word()?;
        let frozen = from.words()?;
        let frozen = frozen.as_chunks::<3>().0.iter().map(|words| Divergence::of_words(*words));
        let frozen = frozen.collect();
        let state = from.rows()?;
        let low = from.rows()?;
        from.end()?;
        Ok(Self { evaluations, frozen, state, low })
    }
}

fn bytes_of_piece<F: Real>(snapshot: &Snapshot<'_, F>) -> Vec<u8> {
    let mut to = Saving::default();
    to.word(snapshot.evaluations);
    let frozen = snapshot.frozen.iter().flat_map(Divergence::words);
    to.words(frozen.collect::<Vec<_>>().into_iter());
    to.rows(snapshot.state);
    to.rows(snapshot.rest.low);
    to.0
}

impl<F: Real, O: Observer<F>> Observer<F> for Whole<O> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        if self.ranks.size() == 1 {
            return self.inner.observe(snapshot);
        }
        let all = self.ranks.gather(bytes_of_piece(snapshot))?;
        let Some(inner) = &mut self.inner else { return Ok(ControlFlow::Continue(())) };
        let all = all.iter().map(|bytes| Piece::of(bytes)).collect::<Result<Vec<_>>>()?;
        let rows = |of: fn(&Piece<F>) -> ArrayView2<'_, F>| {
            concatenate(Axis(0), &all.iter().map(of).collect::<Vec<_>>())
        };
        let state = rows(|piece| piece.state.view())?;
        let low = rows(|piece| piece.low.view())?;
        let frozen: Vec<_> = all.iter().flat_map(|piece| piece.frozen.iter().copied()).collect();
        let evaluations = all.iter().map(|piece| piece.evaluations).sum();
        let cost = crate::sampler::Cost { evaluations, ..*snapshot.rest.cost };
        let whole = Snapshot {
            state: state.view(),
            evaluations,
            frozen: &frozen,
            rest: Rest { low: low.view(), cost: &cost, ..snapshot.rest },
            ..*snapshot
        };
        match inner.observe(&whole)? {
            ControlFlow::Continue(()) => Ok(ControlFlow::Continue(())),
            // The others would go on, and wait for this one.
            ControlFlow::Break(()) => Err("a run over ranks cannot be ended by an observer".into()),
        }
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        self.inner.save()
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        if self.ranks.rank() == 0 { self.inner.restore(saved) } else { Ok(()) }
    }
}
