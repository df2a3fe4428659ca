//! Drifts: the expensive part b(x, t) of an equation, evaluated in batches. A drift is a score, the
//! gradient of the log density of a posterior, or a network.

pub(crate) mod batch;
mod batched;
mod counted;
mod density;
mod distributed;
mod interface;
mod logistic_regression;
pub(crate) mod mixture;
mod per_chain;
mod per_row;
mod preconditioned;
mod scale;

pub use batched::Batched;
pub use counted::Counted;
pub use density::WithDensity;
pub use distributed::Distributed;
pub use interface::{Drift, LogDensity, Times};
pub(crate) use interface::{eval_both_ways, eval_with};
pub use logistic_regression::LogisticRegression;
pub use mixture::GaussianMixture;
pub use per_chain::PerChain;
pub use per_row::PerRow;
pub use preconditioned::Preconditioned;
pub use scale::Scale;
