//! One array of a Zarr store: its description, and its chunks as bytes.

use ndarray::{Dimension, IxDyn, indices};
use serde_json::{Value, json};

/// A number at each index.
type At<'a, T> = Box<dyn Fn(&[usize]) -> T + 'a>;

/// The numbers of an array, each a function of its index.
pub enum Numbers<'a> {
    Single(At<'a, f32>),
    Double(At<'a, f64>),
    Whole(At<'a, u64>),
    Truth(At<'a, bool>),
}

impl Numbers<'_> {
    fn data_type(&self) -> &'static str {
        match self {
            Self::Single(_) => "float32",
            Self::Double(_) => "float64",
            Self::Whole(_) => "int64",
            Self::Truth(_) => "bool",
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Single(_) => 4,
            Self::Double(_) | Self::Whole(_) => 8,
            Self::Truth(_) => 1,
        }
    }

    /// The padding of chunks.
    fn fill(&self) -> Value {
        match self {
            Self::Single(_) | Self::Double(_) => json!("NaN"),
            Self::Whole(_) => json!(0),
            Self::Truth(_) => json!(false),
        }
    }

    /// Appends the number at an index, or the padding.
    fn push(&self, index: Option<&[usize]>, to: &mut Vec<u8>) {
        match self {
            Self::Single(at) => to.extend(index.map_or(f32::NAN, at).to_le_bytes()),
            Self::Double(at) => to.extend(index.map_or(f64::NAN, at).to_le_bytes()),
            // Chains and steps are far below 2⁶³, so the sign bit is free.
            Self::Whole(at) => to.extend(index.map_or(0, at).to_le_bytes()),
            Self::Truth(at) => to.push(index.is_some_and(at).into()),
        }
    }
}

/// An array of a store.
pub struct Array<'a> {
    pub name: String,
    pub dimensions: Vec<String>,
    pub shape: Vec<usize>,
    pub numbers: Numbers<'a>,
}

impl Array<'_> {
    /// The shape of the chunks: all of the array if it has no more than so many bytes, else its
    /// longest axes halved until that holds.
    pub fn chunk_shape(&self, most: usize) -> Vec<usize> {
        let mut shape = self.shape.clone();
        while shape.iter().product::<usize>().saturating_mul(self.numbers.size()) > most {
            let Some(longest) = shape.iter_mut().max() else { break };
            if *longest == 1 {
                break;
            }
            *longest = longest.div_ceil(2);
        }
        shape
    }

    /// The content of its `zarr.json`.
    pub fn metadata(&self, chunk: &[usize]) -> Value {
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": self.numbers.data_type(),
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.numbers.fill(),
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "dimension_names": self.dimensions,
            "attributes": {},
        })
    }

    /// The indices of all chunks.
    pub fn chunks(&self, chunk: &[usize]) -> impl Iterator<Item = Vec<usize>> {
        let counts: Vec<_> = self.shape.iter().zip(chunk).map(|(n, c)| n.div_ceil(*c)).collect();
        indices(IxDyn(&counts)).into_iter().map(|index| index.slice().to_vec())
    }

    /// The bytes of one chunk, row by row. A chunk that reaches over the edge is padded.
    pub fn bytes(&self, chunk: &[usize], which: &[usize]) -> Vec<u8> {
        let count: usize = chunk.iter().product();
        let mut bytes = Vec::with_capacity(count * self.numbers.size());
        let mut at = vec![0; chunk.len()];
        for inner in indices(IxDyn(chunk)) {
            for axis in 0..chunk.len() {
                at[axis] = which[axis] * chunk[axis] + inner[axis];
            }
            let is_inside = at.iter().zip(&self.shape).all(|(i, length)| i < length);
            self.numbers.push(is_inside.then_some(&at), &mut bytes);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_an_array_and_are_padded() {
        let array = Array {
            name: "a".into(),
            dimensions: vec!["chain".into(), "draw".into()],
            shape: vec![2, 5],
            numbers: Numbers::Double(Box::new(|at| (10 * at[0] + at[1]) as f64)),
        };
        assert_eq!(array.chunk_shape(80), [2, 5]);
        assert_eq!(array.chunk_shape(79), [2, 3]);
        assert_eq!(array.chunk_shape(1), [1, 1]);
        let chunk = array.chunk_shape(48);
        let all: Vec<_> = array.chunks(&chunk).collect();
        assert_eq!(all, [[0, 0], [0, 1]]);
        let numbers = |which: &[usize]| -> Vec<f64> {
            let bytes = array.bytes(&chunk, which);
            bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
        };
        assert_eq!(numbers(&[0, 0]), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
        let edge = numbers(&[0, 1]);
        assert_eq!([&edge[..2], &edge[3..5]], [[3.0, 4.0], [13.0, 14.0]]);
        assert!(edge[2].is_nan() && edge[5].is_nan());
    }
}
