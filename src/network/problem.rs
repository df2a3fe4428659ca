//! The error about a place of a network, its description or its use.

use crate::error::Error;

/// An error about a place, with what was given shortened.
pub(super) fn wrong(
    what: impl Into<String>,
    given: impl std::fmt::Display,
    expected: impl Into<String>,
) -> Error {
    let mut given = given.to_string();
    if given.chars().count() > 100 {
        given = given.chars().take(100).chain("…".chars()).collect();
    }
    Error::Network { what: what.into(), given, expected: expected.into() }
}
