//! What samplers are made of: states, steps, noise by address, and the instruction set in use.

pub use crate::grid::{Interval, Intervals};
pub use crate::math::block::Block;
pub use crate::math::simd::instruction_set;
pub use crate::noise::{Address, Generator, Noise, Philox, Purpose, Scripted, philox4x32_10};
pub use crate::options::{KnownOptions, OptionInfo};
pub use crate::sampler::{CoinScript, Cost, Evaluator, Own, Step, StepNoise, Work};
pub use crate::state::{Layout, State};
