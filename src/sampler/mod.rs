//! Samplers: each decides where a step spends its drift evaluations. All implement [`Sampler`].

mod cost;
mod either;
mod euler_maruyama;
mod interface;
mod mala;
mod malt;
mod metropolis;
mod poisson_midpoint;
mod randomized_midpoint;
mod splitting;
mod step;
mod switch;
pub(crate) mod update;
mod work;

pub use cost::Cost;
pub(crate) use either::Either;
pub use euler_maruyama::EulerMaruyama;
pub use interface::{CoinScript, Sampler, Scheme};
pub use mala::Mala;
pub use malt::Malt;
pub use poisson_midpoint::{Odds, PoissonMidpoint, Selection};
pub(crate) use poisson_midpoint::{Shares, scripts};
pub use randomized_midpoint::RandomizedMidpoint;
pub use splitting::{PositionNoise, Splitting, Word};
pub(crate) use step::PieceRows;
pub use step::{Evaluator, Step, StepNoise};
pub use switch::Switch;
pub use work::{Own, Work};
