//! The names that most programs need, for `use langevin::prelude::*`.

pub use crate::diffusion::{
    Beta, Denoiser, DiffusedMixture, Guided, LevelTable, Method, Plan, Prediction, Process, Psld,
};
pub use crate::drift::{
    Batched, Drift, GaussianMixture, LogDensity, LogisticRegression, PerRow, Times, WithDensity,
};
pub use crate::dynamics::{Overdamped, Underdamped};
pub use crate::error::{BoxError, Error, Result};
pub use crate::grid::TimeGrid;
pub use crate::real::Real;
pub use crate::run::{
    Every, MomentsObserver, NonFinite, Observer, Run, Samples, Snapshot, StopWhen, Trace,
};
pub use crate::sampler::{
    EulerMaruyama, Mala, PoissonMidpoint, RandomizedMidpoint, Sampler, Scheme, Selection,
    Splitting, Switch, Word,
};
