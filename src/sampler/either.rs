//! One of two samplers for every step. Whoever owns the pair decides which.

use super::interface::{Sampler, Scheme};
use super::step::Step;
use super::work::Work;
use crate::error::{Error, Result};
use crate::real::Real;
use crate::state::Layout;

/// Two samplers on the same blocks.
#[derive(Clone, Debug)]
pub(crate) struct Either<A, B> {
    pub first: A,
    pub second: B,
}

impl<A: Scheme, B: Scheme> Either<A, B> {
    /// The two samplers. In an error the second is called `what`, and the first `other`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the two require different blocks.
    pub fn new(first: A, second: B, what: &'static str, other: &str) -> Result<Self> {
        if first.layout() != second.layout() {
            let given = format!("{:?}", second.layout());
            let expected = format!("{:?}, as {other}", first.layout());
            return Err(Error::Shape { what, given, expected });
        }
        Ok(Self { first, second })
    }

    pub fn layout(&self) -> Layout {
        self.first.layout()
    }

    /// The larger number of the two.
    pub fn evaluations_per_step(&self) -> f64 {
        self.first.evaluations_per_step().max(self.second.evaluations_per_step())
    }

    /// What steps of both keep: each has working memory of its own.
    pub fn scratch(&self, dim: usize) -> usize {
        self.first.scratch(dim).saturating_add(self.second.scratch(dim))
    }

    /// A step of the first sampler, or of the second. Each has working memory of its own.
    pub fn step<F: Real>(&self, takes_first: bool, step: &mut Step<'_, F>) -> Result<()>
    where
        A: Sampler<F>,
        B: Sampler<F>,
    {
        let scratch = step.own.get::<Scratch<F>>();
        let work = if takes_first { &mut scratch.first } else { &mut scratch.second };
        let drift = step.drift.source();
        let noise = step.noise.source();
        let mut inner = Step::new(step.interval, drift, noise, step.state, work);
        if takes_first {
            self.first.step(&mut inner)?
        } else {
            self.second.step(&mut inner)?
        }
        step.drift.cost += inner.cost();
        Ok(())
    }
}

struct Scratch<F> {
    first: Work<F>,
    second: Work<F>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self { first: Work::new(), second: Work::new() }
    }
}
