//! One array of a Zarr store: its description, and its chunks as bytes.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Dimension, IxDyn, indices};
use serde_json::{Value, json};

/// The type of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Single,
    Double,
    Whole,
    Truth,
}

impl Kind {
    /// A real number of so many bytes.
    pub fn real(is_single: bool) -> Self {
        if is_single { Self::Single } else { Self::Double }
    }

    fn data_type(self) -> &'static str {
        match self {
            Self::Single => "float32",
            Self::Double => "float64",
            Self::Whole => "int64",
            Self::Truth => "bool",
        }
    }

    pub fn size(self) -> usize {
        match self {
            Self::Single => 4,
            Self::Double | Self::Whole => 8,
            Self::Truth => 1,
        }
    }

    /// The padding of chunks.
    fn fill(self) -> Value {
        match self {
            Self::Single | Self::Double => json!("NaN"),
            Self::Whole => json!(0),
            Self::Truth => json!(false),
        }
    }

    /// The bytes of the padding.
    fn padding(self) -> Vec<u8> {
        match self {
            Self::Single => f32::NAN.to_le_bytes().into(),
            Self::Double => f64::NAN.to_le_bytes().into(),
            Self::Whole | Self::Truth => vec![0; self.size()],
        }
    }
}

/// An array of a store.
#[derive(Clone, Debug)]
pub struct Array {
    pub name: String,
    pub dimensions: Vec<String>,
    pub shape: Vec<usize>,
    pub kind: Kind,
}

impl Array {
    /// The shape of the chunks: with so many draws, and all of the other axes if that has no more
    /// than so many bytes, else its longest axes halved until that holds.
    pub fn chunk_shape(&self, draws: usize, most: usize) -> Vec<usize> {
        let mut shape = self.shape.clone();
        if let Some(axis) = self.draw_axis() {
            shape[axis] = draws;
        }
        while shape.iter().product::<usize>().saturating_mul(self.kind.size()) > most {
            let Some(longest) = shape.iter_mut().max() else { break };
            if *longest == 1 {
                break;
            }
            *longest = longest.div_ceil(2);
        }
        shape
    }

    pub fn draw_axis(&self) -> Option<usize> {
        self.dimensions.iter().position(|name| name == "draw")
    }

    /// The content of its `zarr.json`.
    pub fn metadata(&self, chunk: &[usize]) -> Value {
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": self.kind.data_type(),
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.kind.fill(),
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "dimension_names": self.dimensions,
            "attributes": {},
        })
    }

    /// The indices of all chunks.
    pub fn chunks(&self, chunk: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
        let counts: Vec<_> = self.shape.iter().zip(chunk).map(|(n, c)| n.div_ceil(*c)).collect();
        indices(IxDyn(&counts)).into_iter().map(|index| index.slice().to_vec())
    }
}

/// Draws on their way to a file: (rows, draws, width), row by row. A number that is not there yet
/// is the padding.
#[derive(Clone, Debug)]
pub struct Buffer {
    rows: usize,
    draws: usize,
    /// Numbers of a row and a draw.
    width: usize,
    kind: Kind,
    bytes: Vec<u8>,
}

impl Buffer {
    pub fn new([rows, draws, width]: [usize; 3], kind: Kind) -> Self {
        let bytes = kind.padding().repeat(rows * draws * width);
        Self { rows, draws, width, kind, bytes }
    }

    /// Its shape: rows, draws and width.
    pub fn shape(&self) -> [usize; 3] {
        [self.rows, self.draws, self.width]
    }

    fn span(&self, row: usize, draws: Range<usize>) -> Range<usize> {
        let at = |draw| (row * self.draws + draw) * self.width * self.kind.size();
        at(draws.start)..at(draws.end)
    }

    /// The bytes of some draws of a row.
    pub fn draws(&self, row: usize, draws: Range<usize>) -> &[u8] {
        &self.bytes[self.span(row, draws)]
    }

    /// The places of the numbers of a row and a draw.
    pub fn numbers(&mut self, row: usize, draw: usize) -> impl Iterator<Item = &mut [u8]> {
        let span = self.span(row, draw..draw + 1);
        self.bytes[span].chunks_exact_mut(self.kind.size())
    }

    /// Everything is padding again.
    pub fn clear(&mut self) {
        let padding = self.kind.padding();
        for number in self.bytes.chunks_exact_mut(padding.len()) {
            number.copy_from_slice(&padding);
        }
    }

    /// A block of this shape, the one with this index along rows and width; of its draws, as many
    /// as are asked for. Beyond the edge is padding.
    pub fn block(&self, shape: [usize; 3], which: [usize; 2]) -> Cow<'_, [u8]> {
        if shape == self.shape() {
            return Cow::Borrowed(&self.bytes);
        }
        let [rows, draws, width] = shape;
        let size = self.kind.size();
        let first = [which[0] * rows, which[1] * width];
        let mut block = self.kind.padding().repeat(rows * draws * width);
        for row in first[0]..self.rows.min(first[0] + rows) {
            for draw in 0..draws.min(self.draws) {
                let all = &self.bytes[self.span(row, draw..draw + 1)];
                let end = self.width.min(first[1] + width);
                let own = &all[first[1] * size..end * size];
                let to = ((row - first[0]) * draws + draw) * width * size;
                block[to..to + own.len()].copy_from_slice(own);
            }
        }
        Cow::Owned(block)
    }

    /// Takes such a block up again.
    pub fn take(&mut self, block: &[u8], shape: [usize; 3], which: [usize; 2]) {
        let [rows, draws, width] = shape;
        let size = self.kind.size();
        let first = [which[0] * rows, which[1] * width];
        for row in first[0]..self.rows.min(first[0] + rows) {
            for draw in 0..draws.min(self.draws) {
                let end = self.width.min(first[1] + width);
                let from = ((row - first[0]) * draws + draw) * width * size;
                let start = self.span(row, draw..draw + 1).start;
                let own = start + first[1] * size..start + end * size;
                let length = own.len();
                self.bytes[own].copy_from_slice(&block[from..from + length]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array() -> Array {
        Array {
            name: "a".into(),
            dimensions: ["chain", "draw", "a_dim_0"].map(String::from).into(),
            shape: vec![3, 5, 4],
            kind: Kind::Double,
        }
    }

    #[test]
    fn chunks_have_draws_and_are_halved_along_other_axes() {
        let array = array();
        assert_eq!(array.chunk_shape(5, 480), [3, 5, 4]);
        assert_eq!(array.chunk_shape(2, 192), [3, 2, 4]);
        assert_eq!(array.chunk_shape(1, 95), [3, 1, 2]);
        assert_eq!(array.chunk_shape(1, 1), [1, 1, 1]);
        let all: Vec<_> = array.chunks(&[2, 5, 3]).collect();
        assert_eq!(all, [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1]]);
    }

    #[test]
    fn blocks_are_padded_and_come_back() {
        let mut buffer = Buffer::new([3, 2, 4], Kind::Double);
        let value = |row, draw, i| (100 * row + 10 * draw + i) as f64;
        for row in 0..3 {
            for draw in 0..2 {
                for (i, to) in buffer.numbers(row, draw).enumerate() {
                    to.copy_from_slice(&value(row, draw, i).to_le_bytes());
                }
            }
        }
        assert!(matches!(buffer.block([3, 2, 4], [0, 0]), Cow::Borrowed(_)));
        let shape = [2, 3, 3];
        let mut other = Buffer::new([3, 2, 4], Kind::Double);
        for which in [[0, 0], [0, 1], [1, 0], [1, 1]] {
            let block = buffer.block(shape, which).into_owned();
            let numbers: Vec<f64> =
                block.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
            for (at, x) in numbers.iter().enumerate() {
                let place = [at / 9 + 2 * which[0], at / 3 % 3, at % 3 + 3 * which[1]];
                let [row, draw, i] = place;
                let is_inside = row < 3 && draw < 2 && i < 4;
                assert_eq!(is_inside.then(|| value(row, draw, i)), (!x.is_nan()).then_some(*x));
            }
            other.take(&block, shape, which);
        }
        assert_eq!(other.bytes, buffer.bytes);
        other.clear();
        assert!(other.bytes.as_chunks().0.iter().all(|b| f64::from_le_bytes(*b).is_nan()));
        assert_eq!(buffer.draws(1, 1..2), &buffer.bytes[96..128]);
    }
}
