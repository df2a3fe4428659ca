//! The generation methods: one file each, with its options as plain fields, its course and its
//! sampler.

mod ancestral;
mod continuous;
mod deis;
mod dpm_solver;
mod er_sde;
mod euler;
mod far;
mod heun;
mod multistep;
mod phase;
mod poisson;
mod predictor_corrector;
mod randomized;
pub(crate) mod recipe;
mod sa;
mod sde_dpm;
mod splitting;
mod two_step;
mod unipc;
mod visits;

pub use ancestral::{Ddim, Ddpm, Variance};
pub use deis::DeisFlow;
pub use dpm_solver::DpmSolver2M;
pub use er_sde::ExtendedSde;
pub use euler::Euler;
pub use heun::HeunFlow;
pub use multistep::Walked;
pub use poisson::Poisson;
pub use predictor_corrector::Corrected;
pub use randomized::Randomized;
pub use recipe::MethodInfo;
pub use sa::Sa;
pub use sde_dpm::MultistepDpm;
pub use splitting::{Naive, NoiseForm, Reduced, Symmetric};
pub use two_step::TwoStep;
pub use unipc::UnifiedPc;
pub use visits::{Sigmas, Visits};
