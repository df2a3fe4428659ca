//! The dynamics of diffusion models run backwards.

mod ancestral;
mod dpm_solver;
mod psld_reverse;
mod reverse;

pub use ancestral::Ancestral;
pub use dpm_solver::DpmSolver;
pub use psld_reverse::{PsldFlow, ReversePsld};
pub use reverse::{ProbabilityFlow, ReverseSde};
