//! One sampler for the first steps of a run, another for the rest.

use super::{Sampler, StepInfo, Work};
use crate::drift::Drift;
use crate::dynamics::Layout;
use crate::error::{Error, Result};
use crate::grid::Step;
use crate::noise::Noise;
use crate::real::Real;
use crate::state::State;

/// `first` before step `at`, `second` from there on; both work on the same blocks.
///
/// With an underdamped randomized midpoint first and ULMC with a smaller step after it, this
/// samples a log-concave target in total variation (Gupta, Cai & Chen 2024, arXiv 2406.00924): the
/// first brings the law close in W₂, the second smooths what is left. Steps of different length
/// come from the grid:
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::*;
///
/// let target = GaussianMixture::isotropic(array![[0.0, 0.0]].view(), 1.0)?;
/// let dynamics = Underdamped::new(2.0, 1.0)?;
/// let sampler: Switch<f64> =
///     Switch::new(Box::new(RandomizedMidpoint::new(dynamics)), Box::new(EulerMaruyama::new(dynamics)), 50)?;
/// let knots = (0..=50).map(|i| 0.2 * f64::from(i)).chain((1..=20).map(|i| 10.0 + 0.02 * f64::from(i))).collect();
/// let samples = Run::new(&sampler, &target, TimeGrid::from_knots(knots)?).chains(100).run()?;
/// assert_eq!(samples.evaluations_per_chain(), 50.0 * 2.0 + 20.0);
/// # Ok::<(), Error>(())
/// ```
pub struct Switch<F: Real> {
    first: Box<dyn Sampler<F>>,
    second: Box<dyn Sampler<F>>,
    at: u32,
}

impl<F: Real> Switch<F> {
    /// `first` for the steps 0 to `at` − 1, `second` for those after.
    ///
    /// # Errors
    /// [`Error::Shape`] if the two work on different blocks.
    pub fn new(first: Box<dyn Sampler<F>>, second: Box<dyn Sampler<F>>, at: u32) -> Result<Self> {
        if first.layout() != second.layout() {
            let (given, expected) =
                (format!("{:?}", second.layout()), format!("{:?}, as the first", first.layout()));
            return Err(Error::Shape { what: "second sampler", given, expected });
        }
        Ok(Self { first, second, at })
    }
}

#[derive(Default)]
struct Scratch {
    first: Work,
    second: Work,
}

impl<F: Real> Sampler<F> for Switch<F> {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn layout(&self) -> Layout {
        self.first.layout()
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let scratch = work.scratch::<Scratch>();
        if step.index < self.at {
            self.first.step(step, drift, noise, state, &mut scratch.first)
        } else {
            self.second.step(step, drift, noise, state, &mut scratch.second)
        }
    }

    fn evaluations_per_step(&self) -> f64 {
        self.first.evaluations_per_step().max(self.second.evaluations_per_step())
    }
}
