//! Errors about ONNX files and of ONNX Runtime.

use crate::error::Error;

/// An error about a place of the file.
pub(super) fn wrong(
    what: impl Into<String>,
    given: impl Into<String>,
    expected: impl Into<String>,
) -> Error {
    Error::Onnx { what: what.into(), given: given.into(), expected: expected.into() }
}

/// The error of a call of ONNX Runtime, on one line and not too long.
pub(super) fn failed(doing: &'static str, error: impl std::fmt::Display) -> Error {
    let mut message = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    if message.chars().count() > 400 {
        message = message.chars().take(400).chain("…".chars()).collect();
    }
    Error::Engine { doing, message }
}
