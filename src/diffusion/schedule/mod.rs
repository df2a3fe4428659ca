//! Noise levels of variance-preserving diffusions, the schedules that order them, and grids over
//! them.

mod beta;
mod level;
mod sigma_grid;
mod sigma_text;
mod spacing;
mod table;

pub use beta::Beta;
pub use level::Level;
pub(crate) use sigma_grid::{Frame, interpolated, shifted};
pub use sigma_grid::{SigmaGrid, SigmaRule};
pub use spacing::{Spacing, blocks, check_levels, from_timesteps};
pub use table::{LevelTable, Schedule};
