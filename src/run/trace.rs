//! An observer that keeps positions, and momenta on request.

use std::ops::ControlFlow;

use ndarray::{Array2, Array3, Axis, concatenate};

use super::observe::{Every, Observer, Snapshot};
use super::samples::Divergence;
use super::saved::{Saved, Saving, apart, fail, of_another};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// Keeps the positions of all chains every so many steps.
///
/// ```
/// use langevin::prelude::*;
///
/// let score = PerRow::new(1, |_, x: &[f64], out: &mut [f64]| out[0] = -x[0]);
/// let sampler = Splitting::new(Underdamped::new(2.0, 1.0)?, "BAOAB".parse()?);
/// let mut trace = Trace::new(Every::new(5)?).with_momenta().with_start();
/// Run::new(&sampler, &score, TimeGrid::uniform(0.2, 20)?).chains(3).observe(&mut trace).run()?;
/// assert_eq!(trace.steps(), [0, 5, 10, 15, 20]);
/// assert_eq!(trace.positions().dim(), (5, 3, 1));
/// assert_eq!(trace.momenta().unwrap().dim(), (5, 3, 1));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trace<F> {
    every: Every,
    wants_momenta: bool,
    wants_start: bool,
    frames: Vec<Array2<F>>,
    momenta: Vec<Array2<F>>,
    momentum_variance: Option<f64>,
    steps: Vec<u64>,
    first_chain: u32,
    frozen: Vec<Divergence>,
}

impl<F: Real> Trace<F> {
    /// An empty trace.
    pub fn new(every: Every) -> Self {
        Self {
            every,
            wants_momenta: false,
            wants_start: false,
            frames: Vec::new(),
            momenta: Vec::new(),
            momentum_variance: None,
            steps: Vec::new(),
            first_chain: 0,
            frozen: Vec::new(),
        }
    }

    /// Keeps momenta too. Dynamics without momenta change nothing.
    pub fn with_momenta(mut self) -> Self {
        self.wants_momenta = true;
        self
    }

    /// Keeps the start too, as step 0. A run that begins at a later step has none.
    pub fn with_start(mut self) -> Self {
        self.wants_start = true;
        self
    }

    /// The steps at which positions were kept.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// The kept positions, (saved, chains, dim). The array is empty if nothing was kept.
    pub fn positions(&self) -> Array3<F> {
        stacked(&self.frames)
    }

    /// The kept momenta, (saved, chains, dim), or `None` if none were kept.
    pub fn momenta(&self) -> Option<Array3<F>> {
        (!self.momenta.is_empty()).then(|| stacked(&self.momenta))
    }

    /// The variance of a momentum under the stationary distribution, or `None` if the dynamics has
    /// no momenta.
    pub fn momentum_variance(&self) -> Option<f64> {
        self.momentum_variance
    }

    /// Number of the chain in row 0.
    pub fn first_chain(&self) -> u32 {
        self.first_chain
    }

    /// Adds the chains of the next part of a run behind its own.
    ///
    /// # Errors
    /// [`Error::StateFile`](crate::Error::StateFile) if the next part does not begin behind this
    /// one, or kept other steps.
    pub fn append(&mut self, next: Self) -> Result<()> {
        let fail = |reason: &str| apart(reason);
        let chains = self.frames.first().map_or(0, |frame| frame.nrows());
        if self.steps != next.steps || self.momenta.len() != next.momenta.len() {
            return Err(fail("their traces are of different steps"));
        }
        if u64::from(self.first_chain) + chains as u64 != u64::from(next.first_chain) {
            return Err(fail("the chains of their traces do not follow each other"));
        }
        let own = self.frames.iter_mut().chain(&mut self.momenta);
        for (own, next) in own.zip(next.frames.iter().chain(&next.momenta)) {
            let joined = concatenate(Axis(0), &[own.view(), next.view()]);
            *own = joined.map_err(|_| fail("their traces have different dimensions"))?;
        }
        self.frozen.extend(next.frozen);
        Ok(())
    }

    fn title(&self) -> String {
        let momenta = if self.wants_momenta { " with momenta" } else { "" };
        let start = if self.wants_start { " with the start" } else { "" };
        format!("{} trace{momenta}{start} {}", F::NAME, self.every.words())
    }

    fn saved(&self) -> Vec<u8> {
        let mut to = Saving::of(&self.title());
        to.words(self.steps.iter().copied());
        let variance = self.momentum_variance.map(f64::to_bits);
        to.words(variance.into_iter().collect::<Vec<_>>().into_iter());
        to.word(self.first_chain.into());
        let frozen = self.frozen.iter().flat_map(Divergence::words);
        to.words(frozen.collect::<Vec<_>>().into_iter());
        for frames in [&self.frames, &self.momenta] {
            to.word(frames.len() as u64);
            frames.iter().for_each(|frame| to.rows(frame.view()));
        }
        to.0
    }

    fn take_up(&mut self, saved: &[u8]) -> Result<()> {
        let mut from = Saved::of(&self.title(), saved)?;
        self.steps = from.words()?;
        self.momentum_variance = from.words()?.first().map(|bits| f64::from_bits(*bits));
        self.first_chain = from.word()? as u32;
        let frozen = from.words()?;
        let frozen = frozen.as_chunks::<3>().0.iter().map(|words| Divergence::of_words(*words));
        self.frozen = frozen.collect();
        for frames in [&mut self.frames, &mut self.momenta] {
            frames.clear();
            for _ in 0..from.word()? {
                frames.push(from.rows()?);
            }
        }
        self.check_shapes()?;
        from.end()
    }

    /// Refuses frames that do not belong to one run.
    fn check_shapes(&self) -> Result<()> {
        let wrong = Err(fail("the frames that an observer saved do not fit each other"));
        let Some(shape) = self.frames.first().map(Array2::dim) else {
            return if self.steps.is_empty() && self.momenta.is_empty() { Ok(()) } else { wrong };
        };
        let first = u64::from(self.first_chain);
        let chains = first..first + shape.0 as u64;
        let fits = self.frames.len() == self.steps.len()
            && [0, self.frames.len()].contains(&self.momenta.len())
            && self.frames.iter().chain(&self.momenta).all(|frame| frame.dim() == shape)
            && self.frozen.iter().all(|frozen| chains.contains(&frozen.chain));
        if fits { Ok(()) } else { wrong }
    }

    /// The chains that were frozen at the last look, ordered by number. From its step on, a
    /// frozen chain has no samples.
    pub fn frozen(&self) -> &[Divergence] {
        &self.frozen
    }
}

impl<F: Real> Observer<F> for Trace<F> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn looks_at_start(&self) -> bool {
        self.wants_start
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        let positions = snapshot.positions();
        if let Some(frame) = self.frames.last()
            && frame.dim() != positions.dim()
        {
            return Err(of_another(frame.dim(), positions.dim()).into());
        }
        self.frames.push(positions.to_owned());
        if self.wants_momenta {
            self.momenta.extend(snapshot.momenta().map(|momenta| momenta.to_owned()));
        }
        self.momentum_variance = snapshot.layout.momentum_variance();
        self.first_chain = snapshot.first_chain;
        self.frozen.clear();
        self.frozen.extend_from_slice(snapshot.frozen);
        self.steps.push(snapshot.step);
        Ok(ControlFlow::Continue(()))
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(Some(self.saved()))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        Ok(self.take_up(saved)?)
    }
}

/// The frames along a new first axis.
fn stacked<F: Real>(frames: &[Array2<F>]) -> Array3<F> {
    let (chains, dim) = frames.first().map_or((0, 0), |frame| frame.dim());
    let mut all = Array3::zeros((frames.len(), chains, dim));
    for (mut to, frame) in all.axis_iter_mut(Axis(0)).zip(frames) {
        to.assign(frame);
    }
    all
}
