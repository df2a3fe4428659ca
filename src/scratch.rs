//! Reusable scratch memory for drifts. They are shared between threads and must not allocate in
//! every call.

use std::sync::Mutex;

use crate::math::aligned::Aligned;
use crate::real::{InBoth, Real};

/// A pool of scratch values. A call takes one and returns it at the end.
#[derive(Debug, Default)]
pub(crate) struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T: Default> ScratchPool<T> {
    /// Runs `f` with a scratch value that no other thread uses.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // A poisoned lock only means that another call panicked. The vector itself is intact.
        let taken = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
        let mut scratch = taken.unwrap_or_default();
        let result = f(&mut scratch);
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(scratch);
        result
    }
}

impl<T> Clone for ScratchPool<T>
where
    T: Default,
{
    /// Returns an empty pool.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Pools of numbers, one for each precision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    single: ScratchPool<Aligned<f32>>,
    double: ScratchPool<Aligned<f64>>,
}

impl Scratch {
    /// The pool of a precision.
    pub(crate) fn of<F: Real>(&self) -> &ScratchPool<Aligned<F>> {
        F::choose(self)
    }
}

impl<'a> InBoth for &'a Scratch {
    type In<F: Real> = &'a ScratchPool<Aligned<F>>;

    fn single(self) -> Self::In<f32> {
        &self.single
    }

    fn double(self) -> Self::In<f64> {
        &self.double
    }
}
