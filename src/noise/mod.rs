//! Noise as a pure function: of the seed, the chain, the step, the purpose, an index and the
//! coordinate.
//!
//! Nothing here has a state, so a result cannot depend on the order in which chains are visited, on
//! how they are cut into chunks, on threads, or on who else drew numbers.

mod generator;
mod normal;
mod philox;
mod scripted;

pub use generator::Generator;
pub use philox::Philox;
pub use scripted::Scripted;

pub use philox::philox4x32_10;

use crate::real::Real;

/// What a draw is for. Each purpose has a stream of its own, so changing one option of a method
/// does not shift the numbers another one uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// The Brownian increment of a step (the last part of it, where a method stops at inner times).
    Increment = 0,
    /// The Brownian path up to the inner times of a step.
    Path = 1,
    /// Which inner times a step visits: the coins of midpoint methods.
    Coin = 2,
    /// Momenta at the start.
    Momentum = 3,
    /// Positions at the start.
    Start = 4,
    /// Exact samples of a target.
    Target = 5,
    /// Accepting or rejecting a proposal.
    Accept = 6,
    /// For code outside this crate.
    User = 255,
}

/// The address of a draw, but for the chain and the coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Draw {
    /// Number of the step.
    pub step: u32,
    /// What the draw is for.
    pub purpose: Purpose,
    /// Which draw of that purpose in the step, below 2²⁴.
    pub index: u32,
}

impl Draw {
    /// The address of draw `index` of this purpose in this step.
    pub fn new(step: u32, purpose: Purpose, index: u32) -> Self {
        debug_assert!(index < 1 << 24, "draw index {index} is not below 2^24");
        Self { step, purpose, index }
    }
}

/// A source of independent standard normals and uniforms, addressed by [`Draw`], chain and
/// coordinate.
///
/// Implementations are pure: the same address gives the same number for ever, and different
/// addresses independent ones.
pub trait Noise<F: Real>: Sync {
    /// Fills `out` with standard normals: coordinate j of the i-th chain goes to `out[j *
    /// chains.len() + i]`, and the number of coordinates is `out.len() / chains.len()`.
    fn normals(&self, draw: Draw, chains: &[u32], out: &mut [F]);

    /// Fills `out` with one uniform number in the open interval (0, 1) for each chain.
    fn uniforms(&self, draw: Draw, chains: &[u32], out: &mut [f64]);
}
