//! A drift that counts how often it is called.

use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Drift, LogDensity, Times};
use crate::error::BoxError;
use crate::real::Real;

/// Wraps a drift and counts its batched calls and the rows in them.
///
/// A run reports its evaluations by itself; this wrapper is the independent witness, and serves
/// code that calls a drift outside a run.
pub struct Counted<'a, F> {
    inner: &'a dyn Drift<F>,
    calls: AtomicU64,
    rows: AtomicU64,
}

impl<'a, F: Real> Counted<'a, F> {
    /// Starts counting at zero.
    pub fn new(inner: &'a dyn Drift<F>) -> Self {
        Self { inner, calls: AtomicU64::new(0), rows: AtomicU64::new(0) }
    }

    /// Batched calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Rows evaluated so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

impl<F: Real> Drift<F> for Counted<'_, F> {
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

    fn dim(&self) -> Option<usize> {
        self.inner.dim()
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        self.inner.density()
    }
}
