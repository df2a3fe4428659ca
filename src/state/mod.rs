//! The state of chains, and the layout of its columns.

mod chains;
mod layout;

pub use chains::State;
pub(crate) use chains::{Parts, check_finite, check_start, column_major, columns, columns_mut};
pub use layout::Layout;
