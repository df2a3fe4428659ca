//! The parts of a run, each with some of its chains, as one.

use ndarray::{ArrayView2, Axis, concatenate};

use super::calls::Calls;
use super::samples::Samples;
use super::saved::apart;
use crate::error::Result;
use crate::real::Real;
use crate::sampler::Cost;

fn fail<T>(reason: impl Into<String>) -> Result<T> {
    Err(apart(reason.into()))
}

impl<F: Real> Samples<F> {
    /// The outcome of a run whose chains were shared out over several runs: that of one run with
    /// all chains, to the last bit. The parts may be in any order.
    ///
    /// ```
    /// use langevin::ndarray::array;
    /// use langevin::prelude::*;
    ///
    /// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 0.5)?;
    /// let sampler = EulerMaruyama::new(Overdamped);
    /// let grid = TimeGrid::uniform(0.1, 50)?;
    /// let run = || Run::new(&sampler, &target, grid.clone()).seed(7);
    /// let first = run().chains(3).as_part().run()?;
    /// let second = run().chains(2).first_chain(3).as_part().run()?;
    /// assert_eq!(Samples::join(vec![first, second])?, run().chains(5).run()?);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::StateFile`](crate::Error::StateFile) if the chains do not follow each other without
    /// a gap, if dimension, blocks, steps or seed differ, or if a part was run without
    /// [`as_part`](crate::Run::as_part).
    pub fn join(mut parts: Vec<Self>) -> Result<Self> {
        parts.sort_by_key(|part| part.first_chain);
        let mut calls = Vec::new();
        for part in &mut parts {
            match part.calls.take() {
                Some(own) => calls.push(own),
                None => return fail("one was not run as a part, and has no record of its calls"),
            }
        }
        if calls.windows(2).any(|two| two[0].steps() != two[1].steps()) {
            return fail("they began at different steps");
        }
        let Some(first) = parts.first() else { return fail("there are none") };
        let mut next = u64::from(first.first_chain);
        for part in &parts {
            if u64::from(part.first_chain) != next {
                let found = part.first_chain;
                return fail(format!("chain {next} should come next, but chain {found} does"));
            }
            next += part.state.nrows() as u64;
            first.same_run(part)?;
        }
        let rows = |of: fn(&Self) -> ArrayView2<'_, F>| {
            let all: Vec<_> = parts.iter().map(of).collect();
            concatenate(Axis(0), &all).or_else(|error| fail(error.to_string()))
        };
        let state = rows(|part| part.state.view())?;
        let low = rows(|part| part.low.view())?;
        let mut cost = Cost::default();
        parts.iter().for_each(|part| cost += part.cost);
        [cost.batched_calls, cost.rounds] = Calls::joined(&calls);
        Ok(Self {
            state,
            low,
            dim: first.dim,
            layout: first.layout,
            steps: first.steps,
            first_chain: first.first_chain,
            seed: first.seed,
            cost,
            rounded: parts.iter().map(|part| part.rounded).sum(),
            diverged: parts.iter().flat_map(|part| part.diverged.clone()).collect(),
            calls: None,
        })
    }

    /// Refuses a part of another run.
    fn same_run(&self, part: &Self) -> Result<()> {
        let seed = |of: &Self| of.seed.map_or_else(|| "none".into(), |seed| seed.to_string());
        for (what, own, other) in [
            ("dimension", self.dim.to_string(), part.dim.to_string()),
            ("blocks of the state", self.layout.to_string(), part.layout.to_string()),
            ("steps taken", self.steps.to_string(), part.steps.to_string()),
            ("seed", seed(self), seed(part)),
        ] {
            if own != other {
                let chain = part.first_chain;
                let given = format!("{what}: {own} from chain {}", self.first_chain);
                return fail(format!("{given}, but {other} from chain {chain}"));
            }
        }
        Ok(())
    }
}
