//! A drift whose rows are shared out over ranks.

use std::sync::{Arc, Mutex};

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder, s};

use super::interface::{Drift, LogDensity, Times, eval_both_ways, eval_with};
use crate::bytes::{bytes_of, numbers_in};
use crate::error::{BoxError, Result};
use crate::ranks::{Ranks, received, sent, share};
use crate::real::Real;

const FEW: &str = "a call has less times or numbers of chains than rows";

/// Shares the rows of every call out over [`Ranks`]: each evaluates its own, and all get all of
/// them. Rows do not depend on each other, so the numbers are those of the inner drift.
///
/// The ranks do the same run with the same chains, so that all of them make the same calls in the
/// same order. For this a run with such a drift has one caller: its chains are together, on one
/// thread. It is worth it where a call has many rows and each costs more than to be sent: a network
/// in a [windowed](crate::diffusion::Plan::windowed) run. Where there are many chains, give each
/// rank some of them instead.
///
/// ```
/// use std::sync::Arc;
///
/// use langevin::drift::Distributed;
/// use langevin::prelude::*;
/// use langevin::ranks::seats;
///
/// let score = PerRow::new(1, |_, x: &[f64], out: &mut [f64]| out[0] = -x[0]);
/// let sampler = EulerMaruyama::new(Overdamped);
/// let run = |drift: &dyn Drift<f64>| {
///     Run::new(&sampler, drift, TimeGrid::uniform(0.1, 20)?).chains(5).run()
/// };
/// let alone = run(&score)?;
/// std::thread::scope(|scope| {
///     for seat in seats(3) {
///         scope.spawn(|| {
///             let drift = Distributed::new(&score, Arc::new(seat));
///             assert_eq!(run(&drift).unwrap(), alone);
///         });
///     }
/// });
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Distributed<D> {
    inner: D,
    ranks: Arc<dyn Ranks>,
    /// Held during a call, as ranks make one at a time.
    turn: Mutex<()>,
}

impl<D> Distributed<D> {
    /// A drift that these ranks evaluate together.
    pub fn new(inner: D, ranks: Arc<dyn Ranks>) -> Self {
        Self { inner, ranks, turn: Mutex::new(()) }
    }

    /// The drift of this rank alone.
    pub fn inner(&self) -> &D {
        &self.inner
    }

    /// The ranks.
    pub fn ranks(&self) -> &dyn Ranks {
        &*self.ranks
    }

    fn eval_some<F: Real>(
        &self,
        chains: Option<&[u32]>,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>
    where
        D: Drift<F>,
    {
        let size = self.ranks.size();
        if size == 1 {
            return eval_with(&self.inner, chains, times, x, out);
        }
        let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let own = self.ranks.share(x.nrows());
        let mut part = Array2::from_elem((own.len(), out.ncols()).f(), F::nan());
        let times = match times {
            Times::PerRow(times) => Times::PerRow(times.get(own.clone()).ok_or(FEW)?),
            shared => shared,
        };
        let chains = chains.map(|chains| chains.get(own.clone()).ok_or(FEW)).transpose()?;
        let rows = x.slice(s![own.clone(), ..]);
        // A rank without rows has nothing to evaluate.
        let done = match own.len() {
            0 => Ok(()),
            _ => eval_with(&self.inner, chains, times, rows, part.view_mut()),
        };
        let mut bytes = Vec::new();
        bytes_of(part.iter(), &mut bytes);
        let bytes = done.as_ref().map(|()| bytes).map_err(|error| error.to_string());
        let all = self.ranks.gather_all(sent(&bytes))?;
        done?;
        for (rank, bytes) in all.iter().enumerate() {
            let numbers = numbers_in::<F>(received(rank, bytes)?);
            let to = share(x.nrows(), rank, size);
            let part = Array2::from_shape_vec((to.len(), out.ncols()), numbers)?;
            out.slice_mut(s![to, ..]).assign(&part);
        }
        Ok(())
    }
}

impl<F: Real, D: Drift<F>> Drift<F> for Distributed<D> {
    eval_both_ways!();

    fn columns(&self) -> Option<usize> {
        self.inner.columns()
    }

    /// All rows of a step in one call, as every call is a message to all.
    fn batch(&self) -> Option<usize> {
        match self.ranks.size() {
            1 => self.inner.batch(),
            _ => Some(usize::MAX),
        }
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        self.inner.density()
    }
}
