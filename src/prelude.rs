//! The names that most programs need.
//!
//! ```
//! use langevin::prelude::*;
//! let sampler = EulerMaruyama::new(Underdamped::new(2.0, 1.0)?);
//! # Ok::<(), Error>(())
//! ```
//!
//! `Result` is the one of this crate, with one type parameter: `Result<T>` is
//! `std::result::Result<T, langevin::Error>`. Write `std::result::Result` where you need another
//! type of error.

pub use crate::diffusion::{
    Beta, Denoiser, DiffusedMixture, Guided, LevelTable, Method, Plan, Prediction, Process, Psld,
};
pub use crate::drift::{
    Batched, Drift, GaussianMixture, LogDensity, LogisticRegression, PerChain, PerRow, Times,
    WithDensity,
};
pub use crate::dynamics::{Overdamped, Underdamped};
pub use crate::error::{BoxError, Error, Result};
pub use crate::grid::TimeGrid;
pub use crate::real::Real;
pub use crate::run::{
    Every, MomentsObserver, NonFinite, Observer, Run, Samples, Snapshot, StopWhen, Trace,
};
pub use crate::sampler::{
    EulerMaruyama, Mala, Malt, Odds, PoissonMidpoint, RandomizedMidpoint, Sampler, Scheme,
    Selection, Splitting, Switch, Word,
};
