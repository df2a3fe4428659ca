//! Runs one sampler for the first steps of a run and another one for the rest.

use super::either::Either;
use super::interface::{CoinScript, Sampler, Scheme};
use super::step::Step;
use crate::error::Result;
use crate::grid::Interval;
use crate::real::Real;
use crate::state::Layout;

/// Uses `first` for the steps before `at`, and `second` for the others. Both samplers work on the
/// same blocks.
///
/// One use is sampling a log-concave target in total variation (Gupta, Cai & Chen 2024, arXiv
/// 2406.00924). An underdamped randomized midpoint brings the distribution close in W₂. Then ULMC
/// with a smaller step smooths the rest. The grid gives steps of different length:
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let target = GaussianMixture::isotropic(array![[0.0, 0.0]].view(), 1.0)?;
/// let dynamics = Underdamped::new(2.0, 1.0)?;
/// let first = RandomizedMidpoint::new(dynamics);
/// let second = EulerMaruyama::new(dynamics);
/// let sampler = Switch::new(first, second, 50)?;
/// let long = (0..=50).map(|i| 0.2 * f64::from(i));
/// let short = (1..=20).map(|i| 10.0 + 0.02 * f64::from(i));
/// let grid = TimeGrid::from_knots(long.chain(short).collect())?;
/// let samples = Run::new(&sampler, &target, grid).chains(100).run()?;
/// assert_eq!(samples.evaluations_per_chain(), 50.0 * 2.0 + 20.0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Switch<A, B> {
    samplers: Either<A, B>,
    at: u32,
}

impl<A: Scheme, B: Scheme> Switch<A, B> {
    /// `first` for the steps 0 to `at` − 1, and `second` for those after.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the two require different blocks.
    pub fn new(first: A, second: B, at: u32) -> Result<Self> {
        Ok(Self { samplers: Either::new(first, second, "second sampler", "the first")?, at })
    }
}

impl<A: Scheme, B: Scheme> Scheme for Switch<A, B> {
    fn layout(&self) -> Layout {
        self.samplers.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        self.samplers.evaluations_per_step()
    }

    fn scratch(&self, dim: usize) -> usize {
        self.samplers.scratch(dim)
    }

    fn coin_scripts_of(&self, interval: Interval) -> Result<Vec<CoinScript>> {
        match interval.index < self.at {
            true => self.samplers.first.coin_scripts_of(interval),
            false => self.samplers.second.coin_scripts_of(interval),
        }
    }
}

impl<F: Real, A: Sampler<F>, B: Sampler<F>> Sampler<F> for Switch<A, B> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        self.samplers.step(step.interval.index < self.at, step)
    }
}
