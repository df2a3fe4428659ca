//! Tensors out of a safetensors file, checked for type, shape and finite numbers.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::error::Result;
use crate::network::problem::wrong;

const FORMAT: &str = "a safetensors file as in docs/network-format.md";

/// The tensors of a file, and how many numbers were read of each.
pub(super) struct Tensors<'a> {
    file: SafeTensors<'a>,
    read: HashMap<String, usize>,
}

impl<'a> Tensors<'a> {
    /// The tensors of a file, and the text that describes the network.
    pub(super) fn open(bytes: &'a [u8]) -> Result<(Self, String)> {
        check_offsets(bytes)?;
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|error| wrong("file", error, FORMAT))?;
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
        let file = SafeTensors::deserialize(bytes).map_err(|error| wrong("file", error, FORMAT))?;
        Ok((Self { file, read: HashMap::new() }, model.to_string()))
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
        let Ok(tensor) = self.file.tensor(name) else {
            let mut names = self.file.names();
            names.sort_unstable();
            let rest = if names.len() > 20 { ", …" } else { "" };
            names.truncate(20);
            return Err(wrong(
                what(),
                "nothing",
                format!("{letters}; the file has {}{rest}", names.join(", ")),
            ));
        };
        if tensor.dtype() != Dtype::F32 {
            return Err(wrong(
                what(),
                format!("numbers of type {:?}", tensor.dtype()),
                "F32; save model.float()",
            ));
        }
        let shape = tensor.shape();
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
        let (fours, _) = tensor.data().as_chunks::<4>();
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

/// Refuses offsets beyond the end of the file, with which safetensors 0.8 adds without looking for
/// overflow.
fn check_offsets(bytes: &[u8]) -> Result<()> {
    let header = bytes.first_chunk::<8>().and_then(|eight| {
        let length = usize::try_from(u64::from_le_bytes(*eight)).ok()?;
        bytes.get(8..)?.get(..length)
    });
    let Some(Value::Object(entries)) =
        header.and_then(|header| serde_json::from_slice(header).ok())
    else {
        return Ok(()); // Not a header at all: safetensors says why.
    };
    for (name, entry) in &entries {
        let offsets = entry.get("data_offsets").and_then(Value::as_array).into_iter().flatten();
        if let Some(beyond) = offsets.filter_map(Value::as_u64).find(|at| *at > bytes.len() as u64)
        {
            let expected = "offsets inside the file; is it whole?";
            return Err(wrong(
                format!("tensor {name}"),
                format!("an offset of {beyond}"),
                expected,
            ));
        }
    }
    Ok(())
}
