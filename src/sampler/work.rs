//! Scratch memory of samplers, kept between steps so that no step after the first allocates.

use std::any::Any;

/// Scratch memory for [`Sampler::step`](crate::Sampler::step): one for each thread, for any sampler
/// and any state.
///
/// Each sampler keeps a value of its own type here. What it keeps may save time, never change a
/// result.
#[derive(Default)]
pub struct Work(Vec<Box<dyn Any + Send>>);

impl Work {
    /// Empty scratch memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The scratch value of this type, made on first use.
    pub fn scratch<T: Any + Send + Default>(&mut self) -> &mut T {
        let position = match self.0.iter().position(|value| value.is::<T>()) {
            Some(position) => position,
            None => {
                self.0.push(Box::<T>::default());
                self.0.len() - 1
            }
        };
        // The position was found, or made, by this very type.
        self.0[position].downcast_mut().expect("scratch has the type it was looked up by")
    }
}
