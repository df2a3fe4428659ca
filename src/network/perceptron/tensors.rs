//! Tensors out of a safetensors file, checked for type, shape and finite numbers.

use std::collections::HashMap;

use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensors};

use super::header;
use crate::error::Result;
use crate::network::problem::wrong;

const FORMAT: &str = "a safetensors file as in docs/network-format.md";

/// The tensors of a file, and how many numbers were read of each.
pub(super) struct Tensors<'a> {
    header: Metadata,
    /// What follows the header.
    data: &'a [u8],
    read: HashMap<String, usize>,
}

impl<'a> Tensors<'a> {
    /// The tensors of a file, and the text that describes the network.
    pub(super) fn open(bytes: &'a [u8]) -> Result<(Self, String)> {
        header::check(bytes)?;
        let (length, header) = SafeTensors::read_metadata(bytes)
            .map_err(|error| wrong("file", header::kind(bytes, error), FORMAT))?;
        let metadata = header.metadata().as_ref();
        let entry = |key: &str| metadata.and_then(|entries| entries.get(key)).map(String::as_str);
        let version = entry("langevin");
        if version != Some("mlp/1") {
            let expected = "mlp/1; save with metadata={\"langevin\": \"mlp/1\", \
                            \"model\": json.dumps(description)}";
            return Err(wrong("metadata `langevin`", version.unwrap_or("nothing"), expected));
        }
        let Some(model) = entry("model") else {
            return Err(wrong(
                "metadata `model`",
                "nothing",
                "the description of docs/network-format.md as JSON",
            ));
        };
        let model = model.to_string();
        Ok((Self { header, data: &bytes[8 + length..], read: HashMap::new() }, model))
    }

    /// Numbers in the tensors that were read.
    pub(super) fn parameters(&self) -> usize {
        self.read.values().sum()
    }

    /// A tensor whose shape is `expected`, where `None` stands for any positive length; `letters`
    /// say it in words.
    pub(super) fn read(
        &mut self,
        name: &str,
        expected: &[Option<usize>],
        letters: &str,
    ) -> Result<(Vec<usize>, Vec<f32>)> {
        let what = || format!("tensor {name}");
        let Some(tensor) = self.header.info(name) else {
            let mut names = self.header.offset_keys();
            names.sort_unstable();
            let rest = if names.len() > 20 { ", …" } else { "" };
            names.truncate(20);
            return Err(wrong(
                what(),
                "nothing",
                format!("{letters}; the file has {}{rest}", names.join(", ")),
            ));
        };
        if tensor.dtype != Dtype::F32 {
            return Err(wrong(
                what(),
                format!("numbers of type {:?}", tensor.dtype),
                "F32; save model.float()",
            ));
        }
        let shape = &tensor.shape;
        let fits = |(have, want): (&usize, &Option<usize>)| {
            *have > 0 && want.is_none_or(|want| want == *have)
        };
        if shape.len() != expected.len() || !shape.iter().zip(expected).all(fits) {
            let axes: Vec<String> =
                expected.iter().map(|n| n.map_or("at least 1".into(), |n| n.to_string())).collect();
            return Err(wrong(
                what(),
                format!("shape {shape:?}"),
                format!("{letters} of shape [{}]", axes.join(", ")),
            ));
        }
        let (from, to) = tensor.data_offsets;
        let (fours, _) = self.data[from..to].as_chunks::<4>();
        let numbers: Vec<f32> = fours.iter().map(|four| f32::from_le_bytes(*four)).collect();
        if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
            return Err(wrong(
                what(),
                format!("{} at index {at}", numbers[at]),
                "finite numbers; train again",
            ));
        }
        self.read.insert(name.to_string(), numbers.len());
        Ok((shape.to_vec(), numbers))
    }
}
