//! The generation methods: one file each, with its options as plain fields, its course and its
//! sampler.

mod ancestral;
mod continuous;
mod dpm_solver;
mod euler;
mod far;
mod heun;
mod phase;
mod poisson;
mod predictor_corrector;
mod randomized;
pub(crate) mod recipe;
mod splitting;
mod visits;

pub use ancestral::{Ddim, Ddpm, Variance};
pub use dpm_solver::DpmSolver2M;
pub use euler::Euler;
pub use heun::HeunFlow;
pub use poisson::Poisson;
pub use predictor_corrector::Corrected;
pub use randomized::Randomized;
pub use recipe::MethodInfo;
pub use splitting::{Naive, NoiseForm, Reduced, Symmetric};
pub use visits::Visits;
