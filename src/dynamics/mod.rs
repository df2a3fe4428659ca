//! Linear dynamics: the part of a sampler's equation that is solved exactly, with small matrices of
//! coefficients.
//!
//! ```text
//! dX = (L X + J b(X, t)) dt + S dW              b: the drift, expensive and nonlinear
//! X(t + h) = A X(t) + G b + N(0, Q)             for a drift that is constant over the step
//! ```

mod check;
mod closed_form;
mod linear;
mod linearized;
mod noiseless;
mod overdamped;
mod phase_space;
mod transition;
mod transitions;
mod underdamped;

pub(crate) use check::check_coefficients;
#[doc(hidden)]
pub use closed_form::ClosedForm;
pub use linear::{ContinuousDynamics, LinearDynamics};
pub use linearized::Linearized;
pub use noiseless::Noiseless;
pub use overdamped::Overdamped;
pub use phase_space::{Letter, PhaseSpace};
pub use transition::Transition;
pub(crate) use transitions::{Part as TransitionsPart, Transitions};
pub use underdamped::Underdamped;
