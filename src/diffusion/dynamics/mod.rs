//! The dynamics of diffusion models run backwards.

mod ancestral;
mod dpm_solver;
mod form;
mod jump;
mod psld_reverse;
mod restated;
mod reverse;

pub use ancestral::Ancestral;
pub use dpm_solver::DpmSolver;
pub use form::{Form, Forms};
pub use jump::Jump;
pub use psld_reverse::{PsldFlow, ReversePsld};
pub use restated::Restated;
pub use reverse::{ProbabilityFlow, ReverseSde};
