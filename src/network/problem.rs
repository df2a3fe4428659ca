//! The error about a place of a network, its description or its use.

use crate::error::Error;

/// An error about a place.
pub(crate) fn wrong(
    what: impl Into<String>,
    given: impl std::fmt::Display,
    expected: impl Into<String>,
) -> Error {
    Error::Network { what: what.into(), given: given.to_string(), expected: expected.into() }
}
