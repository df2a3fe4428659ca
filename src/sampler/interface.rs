//! The traits that every sampler implements: `Scheme` and `Sampler`.

use std::sync::Arc;

use super::step::Step;
use crate::dynamics::LinearDynamics;
use crate::error::Result;
use crate::grid::Interval;
use crate::real::Real;
use crate::state::Layout;

/// One outcome of a sampler's coins, for exact averages.
#[derive(Clone, Debug, PartialEq)]
pub struct CoinScript {
    /// Weight of this outcome. The weights of a list sum to 1. Single weights may be negative.
    pub weight: f64,
    /// The uniforms to return: entry i is the coin with index i.
    pub uniforms: Vec<f64>,
}

/// The properties of a sampler that do not depend on the precision.
pub trait Scheme: Send + Sync {
    /// The blocks of the state that the sampler requires.
    fn layout(&self) -> Layout;

    /// Expected drift evaluations per chain and step. With a tolerance, which may save some, it is
    /// the maximum.
    fn evaluations_per_step(&self) -> f64;

    /// The numbers that a step keeps for each chain of dimension `dim`, beside a few copies of its
    /// state. A run counts its memory before the first step, and this is a part of it.
    fn scratch(&self, dim: usize) -> usize {
        let _ = dim;
        0
    }

    /// Whether a step spreads its own calls of the drift over the threads of the run. A run of one
    /// chunk then uses all of them.
    fn spreads_calls(&self) -> bool {
        false
    }

    /// The dynamics that the sampler follows, or `None` if it is made of others or has none. Runs
    /// check its coefficients, and the [`probe`](crate::probe) checks its stationary distribution.
    fn dynamics(&self) -> Option<&dyn LinearDynamics> {
        None
    }

    /// A weighted list of coins for exact averages. Take a step with a linear drift and a function
    /// that is quadratic in the new state. The weighted average over the list then equals the
    /// average over all coins. The [`probe`](crate::probe) needs it.
    ///
    /// # Errors
    /// [`Error::NotProbeable`](crate::Error::NotProbeable) if there is no such list.
    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        Ok(vec![CoinScript { weight: 1.0, uniforms: Vec::new() }])
    }

    /// The same list for the step over this interval, where steps differ: the blocks of a discrete
    /// chain have different numbers of sub-steps.
    ///
    /// # Errors
    /// As for [`coin_scripts`](Self::coin_scripts).
    fn coin_scripts_of(&self, interval: Interval) -> Result<Vec<CoinScript>> {
        let _ = interval;
        self.coin_scripts()
    }
}

/// A method that advances a state by one step.
///
/// A sampler has no state: it holds neither a generator nor the time. The same step of the same
/// chain with the same noise always gives the same bits. The other chains of the state have no
/// effect on it. A method can be chosen at run time as `Box<dyn Sampler<f64>>`.
///
/// [`Run`](crate::Run) contains the loop over steps. Written by hand it is:
///
/// ```
/// use langevin::advanced::{Philox, State, Step, Work};
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 1.0)?;
/// let sampler = EulerMaruyama::new(Underdamped::new(2.0, 1.0)?);
/// let noise = Philox::new(7);
/// let start = array![[0.0], [0.5]];
/// let mut state = State::<f64>::new(start.view(), 1, sampler.layout(), 0, &noise)?;
/// let mut work = Work::new();
/// for interval in &TimeGrid::uniform(0.1, 20)? {
///     sampler.step(&mut Step::new(interval, &target, &noise, &mut state, &mut work))?;
/// }
/// assert!(state.positions().iter().all(|x| x.is_finite()));
/// # Ok::<(), Error>(())
/// ```
pub trait Sampler<F: Real>: Scheme {
    /// Advances the chains of a step over its interval.
    ///
    /// # Errors
    /// - [`Error::Drift`](crate::Error::Drift) if the drift fails. The state is then unspecified.
    /// - [`Error::NoDensity`](crate::Error::NoDensity) if the method requires a log density and the
    ///   drift has none.
    ///
    /// # Panics
    /// A sampler may panic on a state of another [layout](Scheme::layout) than its own.
    fn step(&self, step: &mut Step<'_, F>) -> Result<()>;
}

macro_rules! forward {
    ($pointer:ty) => {
        impl<S: Scheme + ?Sized> Scheme for $pointer {
            fn layout(&self) -> Layout {
                (**self).layout()
            }
            fn evaluations_per_step(&self) -> f64 {
                (**self).evaluations_per_step()
            }
            fn scratch(&self, dim: usize) -> usize {
                (**self).scratch(dim)
            }
            fn spreads_calls(&self) -> bool {
                (**self).spreads_calls()
            }
            fn dynamics(&self) -> Option<&dyn LinearDynamics> {
                (**self).dynamics()
            }
            fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
                (**self).coin_scripts()
            }
            fn coin_scripts_of(&self, interval: Interval) -> Result<Vec<CoinScript>> {
                (**self).coin_scripts_of(interval)
            }
        }

        impl<F: Real, S: Sampler<F> + ?Sized> Sampler<F> for $pointer {
            fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
                (**self).step(step)
            }
        }
    };
}

forward!(&S);
forward!(Box<S>);
forward!(Arc<S>);
