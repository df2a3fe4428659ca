//! The header of a safetensors file, looked through before it is read: reading takes many times the
//! memory of what it says.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::content::recognize;
use crate::error::{Error, Result};
use crate::network::problem::wrong;
use crate::quoted::quoted;

/// The longest header.
const LONGEST: usize = 8 << 20;
/// The most entries of the metadata.
const MOST_METADATA: usize = 1000;
/// The most axes of a tensor.
const MOST_AXES: usize = 8;

/// Refuses a header that is longer than the file or than any should be, and entries that no network
/// has. Safetensors 0.8 adds offsets without looking for overflow.
pub(super) fn check(bytes: &[u8]) -> Result<()> {
    const FORMAT: &str = "a safetensors file as in docs/network-format.md";
    let Some(eight) = bytes.first_chunk::<8>() else { return Ok(()) }; // Safetensors says why.
    let length = u64::from_le_bytes(*eight);
    let rest = &bytes[8..];
    if rest.first() != Some(&b'{') {
        return Err(wrong("file", kind(bytes, "another beginning"), FORMAT));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LONGEST {
        let expected = format!("at most {LONGEST}");
        return Err(wrong("header of the file", format!("{length} bytes"), expected));
    }
    let Some(header) = rest.get(..length) else {
        let given = format!("a header of {length} bytes in a file of {}", bytes.len());
        return Err(wrong("file", given, FORMAT));
    };
    let mut problem = None;
    let entries = Entries { file: bytes.len() as u64, problem: &mut problem };
    let read = entries.deserialize(&mut serde_json::Deserializer::from_slice(header));
    match (problem, read) {
        (Some(problem), _) => Err(problem),
        (None, Err(error)) => Err(wrong("file", format!("a header with {error}"), FORMAT)),
        (None, Ok(())) => Ok(()),
    }
}

/// Reads a file whose beginning is that of a network, and no more than the beginning of another: a
/// device never ends.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    (&file).take(1024).read_to_end(&mut bytes)?;
    if bytes.get(8) == Some(&b'{') {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// What a file is that cannot be read, or else why it cannot.
pub(super) fn kind(bytes: &[u8], why: impl fmt::Display) -> String {
    match recognize(bytes) {
        None | Some("a safetensors file" | "JSON" | "text") => why.to_string(),
        Some(kind) => format!("a file that is {kind}"),
    }
}

/// All entries of a header.
struct Entries<'p> {
    file: u64,
    problem: &'p mut Option<Error>,
}

/// What is read of a tensor.
#[derive(Deserialize)]
struct Tensor {
    shape: Axes,
    data_offsets: (u64, u64),
}

/// The number of entries of a list.
struct Axes(usize);

/// The number of entries of an object.
struct Metadata(usize);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut fault = |what: String, given: String, expected: &str| {
            *self.problem = Some(wrong(what, given, expected));
            Err(serde::de::Error::custom("told elsewhere"))
        };
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                let Metadata(entries) = map.next_value()?;
                if entries > MOST_METADATA {
                    return fault("metadata".into(), format!("{entries} entries"), "at most 1000");
                }
                continue;
            }
            let Tensor { shape: Axes(axes), data_offsets: (from, to) } = map.next_value()?;
            let what = format!("tensor {}", quoted(&name));
            if axes > MOST_AXES {
                return fault(what, format!("{axes} axes"), "at most 8");
            }
            if from.max(to) > self.file {
                let expected = "offsets inside the file; is it whole?";
                return fault(what, format!("an offset of {}", from.max(to)), expected);
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = Axes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Axes, A::Error> {
                let mut count = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Axes(count))
            }
        }
        deserializer.deserialize_seq(Count)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut count = 0;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Metadata(count))
            }
        }
        deserializer.deserialize_map(Count)
    }
}
