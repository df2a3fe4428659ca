//! Samplers: how a step spends its drift evaluations. One file each; all implement [`Sampler`].

mod euler_maruyama;
mod final_denoise;
mod heun;
mod mala;
mod poisson_midpoint;
mod predictor_corrector;
mod randomized_midpoint;
mod splitting;
mod switch;
mod symmetric_splitting;
mod work;

pub use euler_maruyama::EulerMaruyama;
pub use final_denoise::FinalDenoise;
pub use heun::Heun;
pub use mala::Mala;
pub use poisson_midpoint::{PoissonMidpoint, Selection};
pub use predictor_corrector::{PhasePlan, PredictorCorrector};
pub use randomized_midpoint::RandomizedMidpoint;
pub use splitting::{PositionNoise, Splitting, Word};
pub use switch::Switch;
pub use symmetric_splitting::SymmetricSplitting;
pub use work::Work;

use crate::drift::Drift;
use crate::dynamics::Layout;
use crate::error::Result;
use crate::grid::Step;
use crate::noise::Noise;
use crate::real::Real;
use crate::state::State;

/// What one step cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepInfo {
    /// Rows on which the drift was evaluated, over all chains of the state.
    pub evaluations: u64,
    /// Batched drift calls, one after the other: the sequential depth of the step. A call that the
    /// method plans counts even where no chain of this batch needed it.
    pub batched_calls: u32,
    /// Picard rounds used, the most over the chains; 0 for methods without.
    pub rounds: u32,
    /// Chains that were proposed a move and may have refused it, and those that accepted; 0 for
    /// methods without a test.
    pub proposed: u64,
    /// Chains that accepted their move.
    pub accepted: u64,
}

/// One way a sampler's coins can fall, for exact averages.
#[derive(Clone, Debug, PartialEq)]
pub struct CoinScript {
    /// Weight of this way; the weights of a list sum to 1. Weights may be negative.
    pub weight: f64,
    /// The uniforms to hand out: number i is the coin with index i.
    pub uniforms: Vec<f64>,
}

/// A method that advances a state by one step.
///
/// A sampler is immutable and owns neither a generator nor the time: the same step of the same
/// state with the same noise always gives the same bits, whichever other chains are in the state.
/// Methods can be chosen at run time as `Box<dyn Sampler<f64>>`. [`Run`](crate::Run) does the loop;
/// by hand it is
///
/// ```
/// use langevin::*;
/// use langevin::ndarray::array;
///
/// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 1.0)?;
/// let sampler = EulerMaruyama::new(Underdamped::new(2.0, 1.0)?);
/// let noise = Philox::new(7);
/// let layout = Sampler::<f64>::layout(&sampler);
/// let mut state = State::<f64>::new(array![[0.0], [0.5]].view(), 1, layout, 0, &noise)?;
/// let mut work = Work::new();
/// for step in TimeGrid::uniform(0.1, 20)?.iter() {
///     sampler.step(step, &target, &noise, &mut state, &mut work)?;
/// }
/// assert!(state.positions().iter().all(|x| x.is_finite()));
/// # Ok::<(), Error>(())
/// ```
pub trait Sampler<F: Real>: Send + Sync {
    /// Short name, as on the command line.
    fn name(&self) -> &'static str;

    /// Blocks of the state it works on.
    fn layout(&self) -> Layout;

    /// Advances `state` by `step`. `work` is scratch memory: any will do, and reusing one avoids
    /// allocation.
    ///
    /// # Errors
    /// [`Error::Drift`](crate::Error::Drift) if the drift fails. The state is then unspecified.
    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo>;

    /// Expected drift evaluations per chain and step; the most there can be where a tolerance may
    /// save some.
    fn evaluations_per_step(&self) -> f64;

    /// A weighted list of coins whose average equals the average over all coins, for any function
    /// of a step with a linear drift that is quadratic in the new state. What
    /// [`probe`](crate::probe) needs.
    ///
    /// # Errors
    /// [`Error::NotProbeable`](crate::Error::NotProbeable) if there is no such list.
    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        Ok(vec![CoinScript { weight: 1.0, uniforms: Vec::new() }])
    }
}

impl<F: Real, S: Sampler<F> + ?Sized> Sampler<F> for Box<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn layout(&self) -> Layout {
        (**self).layout()
    }
    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        (**self).step(step, drift, noise, state, work)
    }
    fn evaluations_per_step(&self) -> f64 {
        (**self).evaluations_per_step()
    }
    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        (**self).coin_scripts()
    }
}
