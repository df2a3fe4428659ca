//! Errors about ONNX files and from tract.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::TractResult;

use crate::error::{Error, Result};

/// An error about a place of the file.
pub(super) fn wrong(
    what: impl Into<String>,
    given: impl Into<String>,
    expected: impl Into<String>,
) -> Error {
    Error::Onnx { what: what.into(), given: given.into(), expected: expected.into() }
}

/// Calls tract. It returns errors, but files that are wrong in ways it does not expect can make it
/// panic.
pub(super) fn guarded<T>(doing: &'static str, f: impl FnOnce() -> TractResult<T>) -> Result<T> {
    let message = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said =
                said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            format!("panic: {said}")
        }
    };
    let mut message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if message.chars().count() > 400 {
        message = message.chars().take(400).chain("…".chars()).collect();
    }
    Err(Error::Tract { doing, message })
}
