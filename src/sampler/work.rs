//! Working memory of steps. It is kept between steps, so that only the first step allocates.

use std::any::Any;
use std::fmt;

use crate::math::aligned::Aligned;

/// Working memory for [`Sampler::step`](super::Sampler::step). Keep one for each thread. It serves
/// any sampler and any state.
///
/// Its contents may save time. They never change a result.
#[derive(Debug)]
pub struct Work<F> {
    pub(super) drift: Aligned<F>,
    pub(super) normals: Aligned<F>,
    pub(super) chains: Vec<u32>,
    pub(super) numbers: Vec<u32>,
    pub(super) own: Own,
}

impl<F> Work<F> {
    /// Empty working memory.
    pub fn new() -> Self {
        Self {
            drift: Aligned::new(),
            normals: Aligned::new(),
            chains: Vec::new(),
            numbers: Vec::new(),
            own: Own::default(),
        }
    }
}

impl<F> Default for Work<F> {
    fn default() -> Self {
        Self::new()
    }
}

/// A sampler's own working memory: one value of each type that samplers request.
#[derive(Default)]
pub struct Own(Vec<Box<dyn Any + Send>>);

impl Own {
    /// The value of this type. It is made on first use.
    pub fn get<T: Any + Send + Default>(&mut self) -> &mut T {
        let position = match self.0.iter().position(|value| value.is::<T>()) {
            Some(position) => position,
            None => {
                self.0.push(Box::<T>::default());
                self.0.len() - 1
            }
        };
        // The position was found or made for this type, so the cast cannot fail.
        self.0[position].downcast_mut().expect("a value has the type it was looked up by")
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Own({} values)", self.0.len())
    }
}
