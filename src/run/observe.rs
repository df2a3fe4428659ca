//! Observers: they look at a run between steps and never change its result.

use std::ops::ControlFlow;

use ndarray::{ArrayView2, s};

use super::calls::Calls;
use super::samples::{Content, Divergence, Samples};
use crate::error::{BoxError, Result, count};
use crate::real::Real;
use crate::sampler::Cost;
use crate::state::Layout;

/// What an observer receives.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Snapshot<'m, F> {
    /// Number of completed steps.
    pub step: u64,
    /// Number of steps of the grid.
    pub steps: u64,
    /// Time reached.
    pub time: f64,
    /// All chains, with columns `[position | momentum | carried]`.
    pub state: ArrayView2<'m, F>,
    /// Dimension of a position.
    pub dim: usize,
    /// Which blocks the state has.
    pub layout: Layout,
    /// Number of the chain in row 0.
    pub first_chain: u32,
    /// Drift evaluations so far, over all chains.
    pub evaluations: u64,
    /// The chains that are frozen, ordered by number. They keep their last finite state, which is
    /// no sample.
    pub frozen: &'m [Divergence],
    pub(super) rest: Rest<'m, F>,
}

/// What a state file holds beside what observers look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest<'m, F> {
    pub low: ArrayView2<'m, F>,
    pub cost: &'m Cost,
    pub seed: Option<u64>,
    pub calls: Option<&'m Calls>,
}

impl<F: Real> Snapshot<'_, F> {
    /// All positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        self.state.slice(s![.., ..self.dim])
    }

    /// All momenta, (chains, dim), or `None` if the dynamics has none.
    pub fn momenta(&self) -> Option<ArrayView2<'_, F>> {
        let momentum = self.layout.momentum_variance();
        momentum.map(|_| self.state.slice(s![.., self.dim..2 * self.dim]))
    }

    /// The outcome as if the run ended here. It copies the state.
    pub fn samples(&self) -> Samples<F> {
        let Content { dim, layout, steps, first_chain, seed, rounded, .. } = self.content();
        Samples {
            state: self.state.to_owned(),
            low: self.rest.low.to_owned(),
            dim,
            layout,
            steps,
            first_chain,
            seed,
            cost: *self.rest.cost,
            rounded,
            diverged: self.frozen.to_vec(),
            calls: self.rest.calls.cloned(),
        }
    }

    /// Seed of the noise, or `None` if the noise was given.
    pub fn seed(&self) -> Option<u64> {
        self.rest.seed
    }

    pub(super) fn content(&self) -> Content<'_, F> {
        let Rest { low, cost, seed, calls } = self.rest;
        Content {
            state: self.state,
            low,
            dim: self.dim,
            layout: self.layout,
            steps: self.step,
            first_chain: self.first_chain,
            seed,
            cost,
            rounded: 0,
            diverged: self.frozen,
            calls,
        }
    }

    /// Whether the chain in this row is frozen.
    pub fn is_frozen(&self, row: usize) -> bool {
        let chain = u64::from(self.first_chain) + row as u64;
        self.frozen.binary_search_by_key(&chain, |divergence| divergence.chain).is_ok()
    }
}

/// Looks at the state of all chains after chosen steps.
///
/// Between two looks every chunk of chains runs on its own. So rare looks cost nothing.
pub trait Observer<F: Real>: Send {
    /// The first number of completed steps above `step` at which the observer wants to look. `None`
    /// means never again.
    fn next(&self, step: u64) -> Option<u64>;

    /// Whether the observer also wants to look before step 0 of the grid, at the start. A run that
    /// begins at a later step, as one that resumes, shows no start. There the carried block has no
    /// meaning yet. By default no observer looks.
    fn looks_at_start(&self) -> bool {
        false
    }

    /// Receives the state after the chosen step. `ControlFlow::Break` ends the run.
    ///
    /// # Errors
    /// Any error ends the run with [`Error::Observer`](crate::Error::Observer).
    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError>;

    /// What it has gathered so far, for a [`Checkpoint`](super::Checkpoint). The default is `None`,
    /// for an observer that gathers nothing.
    ///
    /// # Errors
    /// Any error ends the run with [`Error::Observer`](crate::Error::Observer).
    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(None)
    }

    /// Goes on from what [`save`](Self::save) gave, before the first step of a run that
    /// [continues a checkpoint](crate::Run::resume_file).
    ///
    /// # Errors
    /// Any error, as for an observer with other options, ends the run with
    /// [`Error::Observer`](crate::Error::Observer).
    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        let _ = saved;
        Err("this observer saves nothing".into())
    }
}

/// An observer that may be absent.
impl<F: Real, O: Observer<F>> Observer<F> for Option<O> {
    fn next(&self, step: u64) -> Option<u64> {
        self.as_ref().and_then(|observer| observer.next(step))
    }

    fn looks_at_start(&self) -> bool {
        self.as_ref().is_some_and(Observer::looks_at_start)
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        match self {
            Some(observer) => observer.observe(snapshot),
            None => Ok(ControlFlow::Continue(())),
        }
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        self.as_mut().map_or(Ok(None), |observer| observer.save())
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        match self {
            Some(observer) => observer.restore(saved),
            None => Err("the run to resume has this observer, and this run has not".into()),
        }
    }
}

/// An observer that is kept elsewhere.
impl<F: Real, O: Observer<F> + ?Sized> Observer<F> for &mut O {
    fn next(&self, step: u64) -> Option<u64> {
        (**self).next(step)
    }

    fn looks_at_start(&self) -> bool {
        (**self).looks_at_start()
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        (**self).observe(snapshot)
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        (**self).save()
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        (**self).restore(saved)
    }
}

/// Every so many steps after a burn-in. These are the steps s > `burn_in` for which s − `burn_in`
/// is a multiple of `interval`, and the end if [`with_end`](Self::with_end) asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    interval: u64,
    burn_in: u64,
    end: Option<u64>,
}

impl Every {
    /// Every `interval` steps.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the interval is 0.
    pub fn new(interval: usize) -> Result<Self> {
        count("every", interval, 1, u32::MAX as usize, "a whole number from 1 to 4294967295")?;
        Ok(Self { interval: interval as u64, burn_in: 0, end: None })
    }

    /// Skips the first `burn_in` steps.
    pub fn after(mut self, burn_in: usize) -> Self {
        self.burn_in = burn_in as u64;
        self
    }

    /// Also chooses the end of a run of `steps` steps, if it is no chosen step yet and lies after
    /// the burn-in.
    pub fn with_end(mut self, steps: usize) -> Self {
        self.end = Some(steps as u64);
        self
    }

    /// The interval and the burn-in in words, without the end.
    pub(crate) fn words(&self) -> String {
        format!("every {} steps after {}", self.interval, self.burn_in)
    }

    /// The first chosen step above `step`.
    pub fn next(&self, step: u64) -> u64 {
        let past = step.saturating_sub(self.burn_in);
        let after = (past / self.interval).saturating_add(1).saturating_mul(self.interval);
        let next = self.burn_in.saturating_add(after);
        let end = self.end.filter(|end| *end > step.max(self.burn_in));
        end.map_or(next, |end| next.min(end))
    }

    /// The number of chosen steps in a run of `steps` steps.
    pub fn count(&self, steps: usize) -> usize {
        let multiples = |steps: u64| steps.saturating_sub(self.burn_in) / self.interval;
        let steps = steps as u64;
        // The end counts once more where it is no multiple.
        let extra = self.end.is_some_and(|end| {
            let multiple = self.burn_in + multiples(end) * self.interval;
            self.burn_in < end && end <= steps && end != multiple
        });
        multiples(steps) as usize + usize::from(extra)
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn the_end_is_chosen_once() {
        for interval in 1..8 {
            for burn_in in 0..9 {
                for steps in 1..25 {
                    let every = Every::new(interval).unwrap().with_end(steps).after(burn_in);
                    let chosen: Vec<u64> =
                        (1..=steps as u64).filter(|step| every.next(step - 1) == *step).collect();
                    assert_eq!(chosen.len(), every.count(steps), "{every:?}");
                    assert_eq!(chosen.last() == Some(&(steps as u64)), steps > burn_in);
                    let plain = Every::new(interval).unwrap().after(burn_in);
                    let others = (1..steps as u64).filter(|step| plain.next(step - 1) == *step);
                    assert!(others.eq(chosen.into_iter().filter(|step| *step < steps as u64)));
                }
            }
        }
    }

    #[test]
    fn absent_observers_never_look() {
        let target = GaussianMixture::isotropic(ndarray::array![[0.0]].view(), 1.0).unwrap();
        let grid = TimeGrid::uniform(0.1, 4).unwrap();
        let every = Every::new(2).unwrap();
        let mut present = Some(MomentsObserver::new(every));
        let mut absent: Option<MomentsObserver> = None;
        assert_eq!(Observer::<f64>::next(&absent, 0), None);
        let sampler = EulerMaruyama::new(Overdamped);
        let run = Run::new(sampler, &target, grid).chains(3);
        run.observe(&mut present).observe(&mut absent).run().unwrap();
        assert_eq!(present.map(|moments| moments.count()), Some(6));
    }
}
