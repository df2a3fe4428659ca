//! The error about a place of a network, its description or its use.

use crate::error::Error;
use crate::quoted::{abridged, quoted};

/// An error about a place, with what both quote of a file shortened.
pub(super) fn wrong(
    what: impl Into<String>,
    given: impl std::fmt::Display,
    expected: impl Into<String>,
) -> Error {
    let given = quoted(&given.to_string());
    Error::Network { what: abridged(what.into()), given, expected: abridged(expected.into()) }
}
