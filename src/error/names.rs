//! The names of result and error types in signatures.

use super::Error;

/// The error of a user's drift or observer. It is any error, so that `?` works inside a closure.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
