//! Numbers in memory that begins at a cache line. Vector loads of such memory never take two lines.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Like a vector of numbers, but the first one is at the start of a cache line.
///
/// Where memory begins is left to chance by the allocator. With vectors of 64 bytes it makes the
/// hot loops up to a fifth slower. Results never depend on it.
pub struct Aligned<F> {
    /// The numbers, after `start` spare ones.
    memory: Vec<F>,
    start: usize,
}

/// Numbers that fill a line. So many are spare.
const fn spare<F>() -> usize {
    LINE / size_of::<F>()
}

impl<F> Aligned<F> {
    /// No numbers, and no memory.
    pub const fn new() -> Self {
        Self { memory: Vec::new(), start: 0 }
    }

    /// Where numbers in new memory begin, which starts at this address.
    fn place(memory: *const F) -> usize {
        memory.align_offset(LINE).min(spare::<F>())
    }
}

impl<F: Copy + Default> Aligned<F> {
    pub fn clear(&mut self) {
        self.memory.truncate(self.start);
    }

    /// Makes room for so many more numbers.
    pub fn reserve(&mut self, more: usize) {
        let length = self.len();
        if self.start + length + more <= self.memory.capacity() {
            return;
        }
        let room = (length + more).max(2 * length);
        let memory = Vec::with_capacity(room + spare::<F>());
        self.move_to(memory);
    }

    /// Makes room for so many numbers in all.
    pub fn reserve_to(&mut self, length: usize) {
        self.reserve(length.saturating_sub(self.len()));
    }

    /// Makes room for exactly so many numbers in all, if there is memory for them.
    pub fn try_reserve(&mut self, room: usize) -> Result<(), std::collections::TryReserveError> {
        if self.start + room > self.memory.capacity() {
            let mut memory = Vec::new();
            memory.try_reserve_exact(room.saturating_add(spare::<F>()))?;
            self.move_to(memory);
        }
        Ok(())
    }

    fn move_to(&mut self, mut memory: Vec<F>) {
        let start = Self::place(memory.as_ptr());
        memory.resize(start, F::default());
        memory.extend_from_slice(self);
        *self = Self { memory, start };
    }

    pub fn resize(&mut self, length: usize, value: F) {
        self.reserve(length.saturating_sub(self.len()));
        self.memory.resize(self.start + length, value);
    }

    pub fn extend_from_slice(&mut self, numbers: &[F]) {
        self.reserve(numbers.len());
        self.memory.extend_from_slice(numbers);
    }
}

impl<F: Copy + Default> Extend<F> for Aligned<F> {
    fn extend<I: IntoIterator<Item = F>>(&mut self, numbers: I) {
        let mut numbers = numbers.into_iter();
        let hint = numbers.size_hint();
        if hint.1 == Some(hint.0) {
            self.reserve(hint.0);
            return self.memory.extend(numbers);
        }
        // In pieces that fit: a vector that grew by itself would begin elsewhere.
        loop {
            self.reserve(numbers.size_hint().0.max(1));
            let room = self.memory.capacity() - self.memory.len();
            let before = self.memory.len();
            self.memory.extend(numbers.by_ref().take(room));
            if self.memory.len() - before < room {
                return;
            }
        }
    }
}

impl<F> Deref for Aligned<F> {
    type Target = [F];

    fn deref(&self) -> &[F] {
        &self.memory[self.start..]
    }
}

impl<F> DerefMut for Aligned<F> {
    fn deref_mut(&mut self) -> &mut [F] {
        &mut self.memory[self.start..]
    }
}

impl<F> Default for Aligned<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Clone> Clone for Aligned<F> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        if self.start + source.len() > self.memory.capacity() {
            self.memory = Vec::with_capacity(source.len() + spare::<F>());
            self.start = Self::place(self.memory.as_ptr());
        }
        self.memory.truncate(self.start);
        let Some(first) = source.first() else { return };
        // The spare numbers have any value.
        self.memory.resize(self.start, first.clone());
        self.memory.extend_from_slice(source);
    }
}

impl<F: PartialEq> PartialEq for Aligned<F> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<F: fmt::Debug> fmt::Debug for Aligned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Aligned, LINE};

    fn begins_at_a_line<F>(numbers: &Aligned<F>) -> bool {
        numbers.as_ptr().addr().is_multiple_of(LINE)
    }

    #[test]
    fn it_is_a_vector_that_begins_at_a_cache_line() {
        let mut numbers = Aligned::<f32>::new();
        let mut vector = Vec::new();
        for round in 0..200usize {
            match round % 6 {
                0 => {
                    numbers.resize(round * 7, round as f32);
                    vector.resize(round * 7, round as f32);
                }
                1 => {
                    numbers.extend_from_slice(&[1.0; 33]);
                    vector.extend_from_slice(&[1.0; 33]);
                }
                2 => {
                    // The length is not known before.
                    let some = || (0..round * 9).filter(|i| i % 3 == 0).map(|i| i as f32);
                    numbers.extend(some());
                    vector.extend(some());
                }
                3 => numbers = numbers.clone(),
                4 => {
                    let other = numbers.clone();
                    numbers.clone_from(&other);
                    numbers.reserve(round);
                }
                _ if round % 12 == 11 => {
                    numbers.clear();
                    vector.clear();
                }
                _ => numbers.try_reserve(round * 100).unwrap(),
            }
            assert_eq!(*numbers, *vector);
            assert!(numbers.is_empty() || begins_at_a_line(&numbers), "{round}");
        }
        assert!(Aligned::<f64>::new().try_reserve(usize::MAX).is_err());
        assert!(Aligned::<f64>::new().try_reserve(usize::MAX / 8).is_err());
    }

    #[test]
    fn memory_is_kept() {
        let mut numbers = Aligned::<f64>::new();
        numbers.resize(1000, 1.0);
        let place = numbers.as_ptr();
        for length in [0, 1000, 17, 999] {
            numbers.resize(length, 2.0);
            numbers.clear();
            numbers.extend((0..length).map(|i| i as f64));
            assert_eq!(numbers.as_ptr(), place);
            assert_eq!(numbers.len(), length);
        }
    }
}
