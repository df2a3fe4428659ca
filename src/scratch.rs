//! Reusable scratch memory for drifts, which are shared between threads and must not allocate at
//! every call.

use std::sync::Mutex;

/// A pool of scratch values: one is taken for the length of a call and given back.
#[derive(Debug, Default)]
pub(crate) struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T: Default> ScratchPool<T> {
    /// Runs `f` with a scratch value that no other thread has.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // A poisoned lock only means that another call panicked; the vector itself is whole.
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
    /// A clone starts with an empty pool.
    fn clone(&self) -> Self {
        Self::default()
    }
}
