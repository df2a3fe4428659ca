//! Samplers for Langevin dynamics and diffusion models, on [`ndarray`].
//!
//! You bring a *drift*: the gradient ∇ log π of a density, or a model of noised data. The library
//! draws samples. It moves many independent *chains* at once, and each row of the result is one
//! chain.
//!
//! ```
//! use langevin::prelude::*;
//!
//! // ∇ log π of a standard normal in two dimensions, at one point x.
//! let gradient = PerRow::new(2, |_time, x: &[f64], out: &mut [f64]| {
//!     out[0] = -x[0];
//!     out[1] = -x[1];
//! });
//! let sampler = Splitting::new(Underdamped::new(2.0, 1.0)?, "BAOAB".parse()?);
//! let grid = TimeGrid::uniform(0.2, 100)?; // 100 steps of length 0.2
//! let samples = Run::new(&sampler, &gradient, grid).chains(1_000).seed(7).run()?;
//! assert_eq!(samples.positions().dim(), (1_000, 2));
//! # Ok::<(), Error>(())
//! ```
//!
//! A run has four parts, and each can be replaced alone:
//!
//! ```text
//! dX = (L X + J b(X, t)) dt + S dW
//!
//! dynamics   the equation; its linear part L, J, S is solved exactly
//! sampler    where a step evaluates the drift
//! drift      b, the expensive part
//! grid       the times of the steps
//! ```
//!
//! # Contents
//!
//! | module | what is in it |
//! |---|---|
//! | [`prelude`] | the names that most programs need |
//! | [`drift`] | your gradient ([`PerRow`], [`Batched`], [`PerChain`]), mixtures, regression |
//! | [`dynamics`] | [`Overdamped`], [`Underdamped`], and the traits for an equation of your own |
//! | [`sampler`] | the methods: [`EulerMaruyama`], [`PoissonMidpoint`], [`Splitting`], … |
//! | [`run`] | [`Run`], [`Samples`], and observers that look at a run while it goes on |
//! | [`posterior`] | draws from a posterior, tuned without being asked, with a measured bias |
//! | [`diffusion`] | diffusion models: how data are noised, and how to go back |
//! | [`compare`] | generation methods × budgets × seeds, as a table |
//! | [`posterior`] | draws of a posterior without anything to choose, and whether to trust them |
//! | [`metrics`] | distances between samples, mixing of chains |
//! | [`probe`] | the exact bias of a sampler on a Gaussian, without sampling |
//! | [`catalog`] | the samplers by name, for programs that read names |
//! | [`advanced`] | states, steps, noise: for your own loop or your own sampler |
//! | `network` | trained networks from safetensors files (feature `mlp`) |
//! | `onnx` | trained networks from ONNX files (feature `onnx`) |
//! | `draws` | kept positions as files that ArviZ opens (feature `serde`) |
//! | `plot`, `image` | SVG plots, PNG grids of small images (feature `plot`) |
//!
//! All errors have one type, [`Error`]. A function that can panic says so in its documentation.
//!
//! # Methods for a density
//!
//! The names are those of the [`catalog`] and of the command-line program.
//!
//! | name | type | [`Overdamped`] | [`Underdamped`] | evaluations per step | order |
//! |---|---|---|---|---|---|
//! | `em` | [`EulerMaruyama`] | yes | yes | 1 | 1 |
//! | `pmm1`, `pmm2` | [`PoissonMidpoint`] | yes | yes | 2 − 1/K | 1 |
//! | `rm` | [`RandomizedMidpoint`] | yes | yes | 1 + (P + 1) R | 3 or 2 |
//! | `baoab`, `obabo`, `aboba` | [`Splitting`] | no | yes | 1 | 2 |
//! | `splitting` | [`Splitting`] | no | yes | by the word | 2 for a palindrome, else 1 |
//! | `mala` | [`Mala`](sampler::Mala) | yes | no | 1 | exact |
//! | `malt` | [`Malt`](sampler::Malt) | no | yes | L | exact |
//!
//! - The order is that of the error of the stationary variance on a Gaussian. The positions of
//!   BAOAB have no error there.
//! - K is the number of sub-steps of the Poisson midpoint. For short steps its error is that of
//!   Euler–Maruyama with a step K times shorter.
//! - R is the number of windows of the randomized midpoint, and P the number of Picard rounds. The
//!   default is R = 1 and P = 0. The order is 2 on overdamped dynamics with other R and P, else 3.
//!
//! # Ways to generate
//!
//! A diffusion model turns noise into data. A [`Process`](diffusion::Process) says how data are
//! noised. A [`Method`](diffusion::Method) goes back, and is read from text such as `"ddim"` or
//! `"pmm2:grid=quadratic"`.
//!
//! | [`vp`](diffusion::Process::vp) | [`psld`](diffusion::Process::psld) | method |
//! |---|---|---|
//! | `ddpm`, `ddim` | | DDPM, DDIM |
//! | `dpmpp2m` | | DPM-Solver++(2M) |
//! | `heun` | | Heun's method on the probability flow |
//! | `em` | `em`, `ei` | Euler–Maruyama |
//! | `pmm1`, `pmm2` | `pmm1`, `pmm2` | Poisson midpoint |
//! | `rm` | `rm` | randomized midpoint |
//! | `pc`, `pc-parallel` | | predictor–corrector |
//! | | `sscs` | symmetric splitting |
//! | | `oba`, `bao`, `obab` | naive splitting |
//! | | `roba`, `rbao`, `robab` | reduced splitting |
//!
//! [`diffusion`] has a complete example.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `rayon` (default) | all cores |
//! | `progress` | a progress bar, `run::ProgressBar` |
//! | `plot` | the modules `plot` and `image` |
//! | `mlp` | the module `network` |
//! | `onnx` | the module `onnx`, and `mlp`; loads the library of ONNX Runtime when it runs |
//! | `serde` | reading and writing of methods, processes, mixtures, samples; the module `draws` |
//!
//! # Reproducibility
//!
//! A run is a pure function of sampler, drift, grid, start and seed. Threads, chunks, observers,
//! features and the instruction set never change a bit, and chain k is the same alone and among a
//! million. Two things are outside this promise: what your own drift computes, and ONNX networks on
//! different machines.
//!
//! # What does not compile
//!
//! A sampler accepts only dynamics that it makes sense for.
//!
//! Splitting needs a position and a momentum. [`Overdamped`] has no momentum:
//!
//! ```compile_fail,E0277
//! use langevin::prelude::*;
//! let sampler = Splitting::new(Overdamped, "BAOAB".parse()?);
//! # Ok::<(), Error>(())
//! ```
//!
//! [`Underdamped`] has one:
//!
//! ```
//! use langevin::prelude::*;
//! let sampler = Splitting::new(Underdamped::new(2.0, 1.0)?, "BAOAB".parse()?);
//! # Ok::<(), Error>(())
//! ```
//!
//! A randomized midpoint stops at random times inside a step. The coefficients of
//! [`Linearized`](dynamics::Linearized) hold for whole steps only:
//!
//! ```compile_fail,E0277
//! use langevin::dynamics::Linearized;
//! use langevin::prelude::*;
//! let sampler = RandomizedMidpoint::new(Linearized::new(Underdamped::new(2.0, 1.0)?));
//! # Ok::<(), Error>(())
//! ```
//!
//! Both work on their own, and Euler–Maruyama takes whole steps:
//!
//! ```
//! use langevin::dynamics::Linearized;
//! use langevin::prelude::*;
//! let sampler = RandomizedMidpoint::new(Underdamped::new(2.0, 1.0)?);
//! let sampler = EulerMaruyama::new(Linearized::new(Underdamped::new(2.0, 1.0)?));
//! # Ok::<(), Error>(())
//! ```
//!
//! # More
//!
//! These pages are in the folder `docs` of the source.
//!
//! | page | content |
//! |---|---|
//! | `posterior.md` | a posterior in ten minutes: draws, and whether to trust them |
//! | `choosing.md` | which method, which step, which budget |
//! | `langevin.md` | dynamics, samplers, update rules, sources |
//! | `diffusion.md`, `phase-space.md` | processes, generation methods, sources |
//! | `claims.md` | measured results |
//! | `metrics.md` | what each distance sees |
//! | `reproducibility.md` | which bits are the same, and for how long |
//! | `network-format.md` | files of trained networks |
//! | `command-line.md` | the program `langevin` |
//! | `performance.md` | what it costs beside other programs |
//! | `hardening.md` | bad inputs, drifts and disks |
//! | `scaling.md` | runs over the ranks of MPI, and what they cost |
#![deny(unsafe_code)]
#![deny(missing_debug_implementations)]
#![warn(missing_docs)]

pub use ndarray;

pub mod advanced;
mod bytes;
pub mod catalog;
pub mod compare;
mod content;
pub mod diffusion;
#[cfg(feature = "serde")]
pub mod draws;
pub mod drift;
pub mod dynamics;
mod error;
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
mod options;
#[cfg(feature = "plot")]
pub mod plot;
pub mod posterior;
pub mod prelude;
pub mod probe;
mod quoted;
pub mod ranks;
mod real;
pub mod run;
pub mod sampler;
mod scratch;
mod state;

pub use drift::{Batched, Drift, GaussianMixture, PerChain, PerRow};
pub use dynamics::{Overdamped, Underdamped};
pub use error::{BoxError, Error, Result};
pub use grid::TimeGrid;
pub use real::Real;
pub use run::{Run, Samples};
pub use sampler::{EulerMaruyama, PoissonMidpoint, RandomizedMidpoint, Splitting};

// The programs of the README and of the pages in docs must compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/choosing.md")]
    struct Choosing;

    #[doc = include_str!("../docs/diffusion.md")]
    struct Diffusion;

    #[doc = include_str!("../docs/metrics.md")]
    struct Metrics;

    #[doc = include_str!("../docs/own-loop.md")]
    struct OwnLoop;

    #[doc = include_str!("../docs/phase-space.md")]
    struct PhaseSpace;

    #[doc = include_str!("../docs/posterior.md")]
    struct Posterior;

    // Its parts are shown in `docs/posterior.md`.
    #[cfg(feature = "serde")]
    #[doc = concat!("```\n", include_str!("../examples/eight_schools.rs"), "\n```")]
    struct EightSchools;
}
