//! The dynamics whose transitions this crate computes over lanes.

/// A dynamics whose transitions have a kernel. It gives the bits of
/// [`transition`](super::LinearDynamics::transition).
#[derive(Clone, Copy, Debug)]
pub struct ClosedForm(pub(super) Form);

#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Overdamped,
    Underdamped { friction: f64, inverse_mass: f64 },
}
