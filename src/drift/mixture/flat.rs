//! Nested lists of numbers, read into one array: they take no more memory than their numbers.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result};

/// Lists of lists of numbers, `D` levels deep.
#[derive(Clone, Debug)]
pub(super) struct Flat<const D: usize> {
    pub numbers: Vec<f64>,
    /// Lengths of the lists, the outermost first.
    pub shape: [usize; D],
    uneven: Option<Uneven<D>>,
}

/// A list whose length is not that of the first one of its level.
#[derive(Clone, Debug)]
struct Uneven<const D: usize> {
    /// Indices of the lists around it and its own.
    place: [usize; D],
    level: usize,
    length: usize,
}

impl<const D: usize> Flat<D> {
    pub fn new(shape: [usize; D], numbers: Vec<f64>) -> Self {
        Self { numbers, shape, uneven: None }
    }

    /// Refuses lists of different lengths. `name` is that of the outermost list.
    pub fn check(&self, name: &str) -> Result<()> {
        let Some(Uneven { place, level, length }) = &self.uneven else { return Ok(()) };
        let index =
            |numbers: &[usize]| numbers.iter().map(|i| format!("[{i}]")).collect::<String>();
        let first = index(&[0; D][..*level]);
        Err(Error::Value {
            option: format!("{name}{}", index(&place[..*level])),
            given: format!("{length} {}", if level + 1 == D { "numbers" } else { "lists" }),
            expected: format!("{} as in {name}{first}", self.shape[*level]),
        })
    }
}

/// The list at a level, or a number below the last one.
struct Level<'f, const D: usize> {
    flat: &'f mut Flat<D>,
    level: usize,
    place: [usize; D],
}

impl<'de, const D: usize> DeserializeSeed<'de> for Level<'_, D> {
    type Value = ();

    fn deserialize<T: Deserializer<'de>>(self, deserializer: T) -> Result<(), T::Error> {
        if self.level == D {
            self.flat.numbers.push(f64::deserialize(deserializer)?);
            return Ok(());
        }
        deserializer.deserialize_seq(self)
    }
}

impl<'de, const D: usize> Visitor<'de> for Level<'_, D> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { flat, level, mut place } = self;
        let mut length = 0;
        loop {
            place[level] = length;
            let next = Level { flat: &mut *flat, level: level + 1, place };
            if list.next_element_seed(next)?.is_none() {
                break;
            }
            length += 1;
        }
        let is_first = place[..level].iter().all(|index| *index == 0);
        if is_first {
            flat.shape[level] = length;
        } else if flat.shape[level] != length && flat.uneven.is_none() {
            flat.uneven = Some(Uneven { place, level, length });
        }
        Ok(())
    }
}

impl<'de, const D: usize> Deserialize<'de> for Flat<D> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        let mut flat = Self::new([0; D], Vec::new());
        Level { flat: &mut flat, level: 0, place: [0; D] }.deserialize(deserializer)?;
        Ok(flat)
    }
}

/// A part of the numbers with the lengths of its lists.
struct Nested<'n> {
    numbers: &'n [f64],
    shape: &'n [usize],
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((length, inner)) = self.shape.split_first().filter(|(_, inner)| !inner.is_empty())
        else {
            return self.numbers.serialize(serializer);
        };
        let size: usize = inner.iter().product();
        serializer.collect_seq((0..*length).map(|index| Nested {
            numbers: &self.numbers[index * size..(index + 1) * size],
            shape: inner,
        }))
    }
}

impl<const D: usize> Serialize for Flat<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Nested { numbers: &self.numbers, shape: &self.shape }.serialize(serializer)
    }
}
