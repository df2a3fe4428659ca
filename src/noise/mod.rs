//! Noise as a pure function of the seed, the chain, the step, the purpose, an index and the
//! coordinate.
//!
//! Nothing here has a state. So a result cannot depend on the order in which chains are visited, on
//! chunks, on threads, or on who else drew numbers.

mod coarse;
mod generator;
pub(crate) mod philox;
mod scripted;
pub(crate) mod splitmix;

pub use coarse::Coarse;
pub use generator::Generator;
pub use philox::{Philox, philox4x32_10};
pub use scripted::Scripted;

use crate::real::Real;

/// What a draw is for. Each purpose has its own stream. So changing one option of a method does not
/// shift the numbers that another option uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// The Brownian increment of a step. If a method stops at inner times, it is the last part of
    /// the increment.
    Increment = 0,
    /// The Brownian path up to the inner times of a step.
    Path = 1,
    /// The coins of midpoint methods, which select the inner times of a step.
    Coin = 2,
    /// Momenta at the start.
    Momentum = 3,
    /// Positions at the start.
    Start = 4,
    /// Exact samples of a target.
    Target = 5,
    /// Acceptance or rejection of a proposal.
    Accept = 6,
    /// The noise of data that are known, at the level that a step has reached.
    Known = 7,
    /// A jump up to a noisier level.
    Jump = 8,
    /// For code outside this crate.
    User = 255,
}

/// The address of a draw in a run, without the chain and the coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    step: u32,
    purpose: Purpose,
    index: u32,
}

impl Address {
    /// The address of draw `index` of this purpose in this step.
    ///
    /// # Panics
    /// If `index` is 2²⁴ or more. The counter has 24 bits for it.
    #[inline]
    pub const fn new(step: u32, purpose: Purpose, index: u32) -> Self {
        assert!(index < 1 << 24, "the index of a draw must be below 2^24");
        Self { step, purpose, index }
    }

    /// Number of the step.
    pub fn step(&self) -> u32 {
        self.step
    }

    /// What the draw is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Number of the draw of this purpose in the step, below 2²⁴.
    pub fn index(&self) -> u32 {
        self.index
    }
}

/// A source of independent standard normals and uniforms, addressed by [`Address`], chain and
/// coordinate.
///
/// Implementations are pure functions. The same address always gives the same number. Different
/// addresses give independent numbers.
pub trait Noise<F: Real>: Send + Sync {
    /// Fills `out` with standard normals. Coordinate j of the i-th chain goes to `out[j *
    /// chains.len() + i]`. The number of coordinates is `out.len() / chains.len()`.
    ///
    /// # Panics
    /// An implementation may panic if `out.len()` is no multiple of `chains.len()`.
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]);

    /// Fills `out` with one uniform number in the open interval (0, 1) for each chain.
    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]);
}

impl<F: Real, N: Noise<F> + ?Sized> Noise<F> for &N {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]) {
        (**self).normals(address, chains, out);
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        (**self).uniforms(address, chains, out);
    }
}
