//! A drift that counts how often it is called.

use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{ArrayView2, ArrayViewMut2};

use super::interface::{Drift, LogDensity, Times};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// Wraps a drift and counts its batched calls and their rows.
///
/// A run counts its evaluations itself. This wrapper is an independent check. It also serves code
/// that calls a drift outside a run.
#[derive(Debug)]
pub struct Counted<D> {
    inner: D,
    calls: AtomicU64,
    rows: AtomicU64,
}

impl<D> Counted<D> {
    /// Wraps a drift. Both counts start at zero.
    pub fn new(inner: D) -> Self {
        Self { inner, calls: AtomicU64::new(0), rows: AtomicU64::new(0) }
    }

    /// Number of batched calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Number of rows evaluated so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

impl<F: Real, D: Drift<F>> Drift<F> for Counted<D> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(x.nrows() as u64, Ordering::Relaxed);
        self.inner.eval(times, x, out)
    }

    fn eval_chains(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(x.nrows() as u64, Ordering::Relaxed);
        self.inner.eval_chains(chains, times, x, out)
    }

    fn eval_with_density(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
        density: &mut [f64],
    ) -> Result<bool, BoxError> {
        let rows = x.nrows() as u64;
        let done = self.inner.eval_with_density(chains, times, x, out, density)?;
        self.calls.fetch_add(u64::from(done), Ordering::Relaxed);
        self.rows.fetch_add(if done { rows } else { 0 }, Ordering::Relaxed);
        Ok(done)
    }

    fn batch(&self) -> Option<usize> {
        self.inner.batch()
    }

    fn columns(&self) -> Option<usize> {
        self.inner.columns()
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        self.inner.density()
    }
}
