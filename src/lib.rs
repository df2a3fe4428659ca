//! Samplers for Langevin dynamics and diffusion models on ndarray: Euler–Maruyama, Poisson
//! midpoint, randomized midpoint, predictor–corrector and splitting integrators, on any linear
//! dynamics and any drift; reproducible bit for bit, vectorised over chains.
//!
//! ```
//! use langevin::ndarray::{Axis, array};
//! use langevin::*;
//!
//! fn main() -> Result<()> {
//!     let target = GaussianMixture::isotropic(array![[-2.0, 0.0], [2.0, 0.0]].view(), 0.5)?;
//!     let sampler = PoissonMidpoint::new(Underdamped::new(2.0, 1.0)?, 16)?;
//!     let samples = Run::new(&sampler, &target, TimeGrid::uniform(0.2, 300)?).chains(1_000).seed(7).run()?;
//!     println!("mean {}", samples.positions().mean_axis(Axis(0)).unwrap());
//!     println!("{} evaluations per chain", samples.evaluations_per_chain());
//!     Ok(())
//! }
//! ```
//!
//! # One idea
//!
//! [dynamics](LinearDynamics) × [sampler](Sampler) × [drift](Drift) × [noise](Noise): every linear
//! dynamics works with every sampler that makes sense for it, and every drift with both. Pairs that
//! make no sense do not compile:
//!
//! ```
//! use langevin::{Linearized, Overdamped, RandomizedMidpoint};
//! let sampler = RandomizedMidpoint::new(Overdamped);
//! ```
//!
//! ```compile_fail,E0277
//! // Plain Euler coefficients do not compose, so a randomized midpoint has no meaning on them.
//! use langevin::{Linearized, Overdamped, RandomizedMidpoint};
//! let sampler = RandomizedMidpoint::new(Linearized::new(Overdamped));
//! ```
//!
//! ```compile_fail,E0277
//! // Without a momentum there is nothing to split.
//! use langevin::{Overdamped, Splitting, Word};
//! let sampler = Splitting::new(Overdamped, "BAOAB".parse::<Word>().unwrap());
//! ```
//!
//! | method | evaluations per step | batched calls | type |
//! |---|---|---|---|
//! | Euler–Maruyama (ULA, ULMC) | 1 | 1 | [`EulerMaruyama`] |
//! | Poisson midpoint, options 1 and 2 | 2 − 1/K | 2 | [`PoissonMidpoint`] |
//! | randomized midpoint, R windows, P rounds | 1 + (P + 1) R | P + 2 | [`RandomizedMidpoint`] |
//! | splitting words, BAOAB and others | 1, or by the word | the same | [`Splitting`] |
//! | symmetric splitting (SSCS) of a phase-space diffusion | 1 | 1 | [`SymmetricSplitting`] |
//! | Metropolis-adjusted Langevin | 1 | 1 | [`Mala`] |
//! | Heun (probability flow) | 2 | 2 | [`Heun`] |
//! | predictor–corrector, switch, final denoising | of their parts | of their parts | [`PredictorCorrector`], [`Switch`], [`FinalDenoise`] |
//!
//! | dynamics | state | type |
//! |---|---|---|
//! | overdamped Langevin | position | [`Overdamped`] |
//! | underdamped Langevin | position, velocity | [`Underdamped`] |
//! | plain Euler coefficients of any continuous one | the same | [`Linearized`] |
//! | reverse SDE and probability flow of a diffusion | data | [`ReverseSde`], [`ProbabilityFlow`] |
//! | DDPM and DDIM chains, DPM-Solver++(2M) | data | [`Ancestral`], [`DpmSolver`] |
//! | reverse SDE and probability flow in phase space | data, momentum | [`ReversePsld`], [`PsldFlow`] |
//! | any without its noise | the same | [`Noiseless`] |
//!
//! Diffusion models: a [`Denoiser`] (the exact one of a noised mixture is [`DiffusedMixture`])
//! becomes a drift by [`Denoised`]; [`generation::plan`] puts sampler, grid and clock together by
//! name and budget. In phase space the same is a [`PhaseDenoiser`], [`PhaseDenoised`] and
//! [`generation::plan_phase`], and [`Lifted`] makes one of any [`Denoiser`]. Trained networks come
//! from files with the feature `mlp`; [`Guided`] combines two drifts.
//!
//! # Which bits
//!
//! A run is a pure function of sampler, drift, grid, start and seed. Threads, chunks, observers and
//! the instruction set never change a bit of it, and chain k is the same chain alone or among a
//! million. See [`Philox`].

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub use ndarray;

pub mod catalog;
mod drift;
mod dynamics;
mod error;
pub mod generation;
mod grid;
#[cfg(feature = "plot")]
pub mod image;
mod math;
pub mod metrics;
#[cfg(feature = "mlp")]
pub mod network;
mod noise;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "plot")]
pub mod plot;
pub mod probe;
mod real;
mod run;
mod sampler;
pub mod schedule;
mod state;

pub use drift::{
    Clock, Counted, Denoised, Denoiser, DiffusedMixture, Drift, GaussianMixture, Guided, Levels,
    Lifted, LogDensity, LogisticRegression, PerRow, PhaseDenoised, PhaseDenoiser, PhasePrediction,
    Prediction, Times, WithDensity,
};
pub use dynamics::{
    Ancestral, ContinuousDynamics, DpmSolver, Layout, Letter, LinearDynamics, Linearized,
    Noiseless, Overdamped, PhaseSpace, ProbabilityFlow, PsldFlow, ReversePsld, ReverseSde,
    Transition, Underdamped,
};
pub use error::{BoxError, Error, Result};
pub use grid::{Step, TimeGrid};
pub use math::block::Block;
pub use math::simd::instruction_set;
pub use noise::{Draw, Generator, Noise, Philox, Purpose, Scripted, philox4x32_10};
pub use real::Real;
#[cfg(feature = "progress")]
pub use run::ProgressBar;
pub use run::{
    Divergence, Every, Flow, Moment, MomentsObserver, NonFinite, Observer, Run, Samples, StopWhen,
    Trace,
};
pub use sampler::{
    CoinScript, EulerMaruyama, FinalDenoise, Heun, Mala, PhasePlan, PoissonMidpoint, PositionNoise,
    PredictorCorrector, RandomizedMidpoint, Sampler, Selection, Splitting, StepInfo, Switch,
    SymmetricSplitting, Word, Work,
};
pub use schedule::{Factor, Level, LevelTable, Psld};
pub use state::State;

/// The program in the README, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
