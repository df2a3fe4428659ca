//! The parts inside a run: states, steps, noise, and the instruction set in use.
//!
//! You need these names to write a sampler or a loop of your own, to replay a single step, or to
//! use another source of random numbers. Programs that call [`Run`](crate::Run) do not need them.
//!
//! A loop written by hand gives the same bits as [`Run`](crate::Run):
//!
//! ```
//! use langevin::advanced::{Philox, State, Step, Work};
//! use langevin::ndarray::array;
//! use langevin::prelude::*;
//!
//! let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 1.0)?;
//! let sampler = EulerMaruyama::new(Underdamped::new(2.0, 1.0)?);
//! let grid = TimeGrid::uniform(0.1, 20)?;
//! let start = array![[0.0], [0.5]]; // two chains in one dimension
//!
//! let noise = Philox::new(7);
//! let mut state = State::<f64>::new(start.view(), 1, sampler.layout(), 0, &noise)?;
//! let mut work = Work::new();
//! for interval in &grid {
//!     sampler.step(&mut Step::new(interval, &target, &noise, &mut state, &mut work))?;
//! }
//!
//! let samples = Run::new(&sampler, &target, grid).start(start).seed(7).run()?;
//! assert_eq!(state.positions(), samples.positions());
//! # Ok::<(), Error>(())
//! ```

pub use crate::content::recognize;
pub use crate::grid::{Interval, Intervals};
pub use crate::math::block::Block;
pub use crate::math::simd::instruction_set;
pub use crate::noise::{
    Address, Coarse, Generator, Noise, Philox, Purpose, Scripted, philox4x32_10,
};
pub use crate::options::{KnownOptions, OptionInfo, OptionValue};
pub use crate::quoted::{abridged, escaped, quoted};
pub use crate::sampler::{CoinScript, Cost, Evaluator, Own, Step, StepNoise, Work};
pub use crate::state::{Layout, State};
