//! Diffusion models: samples of data, drawn by turning noise into data step by step.
//!
//! You choose three things:
//!
//! - a [`Process`]: how data are noised;
//! - a [`Method`]: how a run goes from noise back to data;
//! - a model, any [`Denoiser`]: the exact score of a mixture or a data set ([`DiffusedMixture`]), a
//!   trained network, or your own type.
//!
//! A method, a process and a budget of model evaluations make a [`Plan`]. [`Plan::run`] applies the
//! plan to a model and returns a [`Run`](crate::Run).
//!
//! ```
//! use langevin::ndarray::array;
//! use langevin::prelude::*;
//!
//! let means = array![[-1.0, 0.0], [1.0, 0.0]];
//! let model = DiffusedMixture::new(GaussianMixture::isotropic(means.view(), 0.1)?);
//! let process = Process::vp(LevelTable::linear(1000)?);
//! let method: Method = "pmm2:grid=quadratic".parse()?;
//! let samples = method.plan(&process, 50)?.run(&model)?.chains(100).seed(7).run()?;
//! assert_eq!(samples.positions().dim(), (100, 2));
//!
//! // The same model along a phase-space diffusion of data and momentum.
//! let process = Process::psld(Psld::PAPER, Beta::constant(8.0)?);
//! let method: Method = "roba".parse()?;
//! let samples = method.plan(&process, 50)?.run(&model)?.chains(100).seed(7).run()?;
//! assert_eq!(samples.evaluations_per_chain(), 50.0);
//! # Ok::<(), Error>(())
//! ```
//!
//! The time of a run is 0 at the noise and increases towards the data. A [`Clock`] maps this time
//! to the [`Level`] of noise.
//!
//! A label and guidance belong to the model: see [`Guided`]. [`Method::on`] lists the methods of a
//! process. The formulas are in `docs/diffusion.md` and `docs/phase-space.md` of the source.

mod adapted;
mod clock;
mod condition;
mod data_of;
mod denoised;
pub(crate) mod denoiser;
pub mod dynamics;
mod exact;
pub(crate) mod face;
mod flow;
mod forecast;
#[cfg(feature = "serde")]
mod form;
mod guided;
mod linear_sum;
mod method;
pub mod methods;
mod noise_range;
mod phase_space;
mod plan;
mod prediction;
mod process;
mod process_options;
mod projected;
mod psld;
mod rounded;
pub mod samplers;
mod schedule;
#[cfg(feature = "mlp")]
mod scheduler;
mod script;
mod start;
mod step_table;
mod stepper;
mod table_stepper;
mod warning;

pub use clock::Clock;
pub use condition::{Inpainting, Known};
pub use denoised::Denoised;
pub use denoiser::{Denoiser, Levels};
pub use exact::DiffusedMixture;
pub use face::{Face, Faced, InputScale, Told};
pub use flow::Flow;
pub use forecast::{Calibration, Forecast, Ranked, Ranking, Spectrum};
pub use guided::Guided;
pub use method::Method;
pub use noise_range::NoiseRange;
pub use phase_space::Lifted;
pub use plan::Plan;
pub use prediction::{Factors, Prediction};
pub use process::{Process, ProcessKind};
pub use projected::Projected;
pub use psld::{Factor, Psld};
pub use rounded::Rounded;
pub use samplers::Window;
pub use schedule::{
    Beta, Level, LevelTable, Schedule, SigmaGrid, SigmaRule, Spacing, blocks, check_levels,
    from_timesteps,
};
#[cfg(feature = "mlp")]
pub use scheduler::SchedulerConfig;
pub use step_table::{Combination, Evaluation, NoiseInput, Outcome, StepRow, StepTable};
pub use stepper::{PlanQuery, PlanStepper, Seen};
pub use table_stepper::{TableQuery, TableStepper};
pub use warning::Warning;
