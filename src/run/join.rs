//! The parts of a run, each with some of its chains, as one.

use std::ops::Range;

use ndarray::{ArrayView2, Axis, Slice, concatenate};

use super::calls::Calls;
use super::samples::{Divergence, Samples};
use super::saved::apart;
use super::settings::Settings;
use super::state_file::StateFile;
use crate::error::{Error, Result};
use crate::ranks::Ranks;
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
        // Calls before the record: those of the run that was cut into these parts.
        let mut before = [0, 0];
        for (part, calls) in parts.iter().zip(&calls) {
            let own = calls.sums();
            let all = [part.cost.batched_calls, part.cost.rounds];
            before = [0, 1].map(|at: usize| before[at].max(all[at].saturating_sub(own[at])));
        }
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
        let since = Calls::joined(&calls);
        cost.batched_calls = before[0].saturating_add(since[0]);
        cost.rounds = before[1].saturating_add(since[1]);
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

    /// The outcome of all chains at rank 0, where each of the [`Ranks`] has run
    /// [a part](crate::Run::as_part) of them. Others get none.
    ///
    /// # Errors
    /// [`Error::Ranks`] if a rank cannot be reached, and those of [`join`](Self::join).
    pub fn gathered(self, ranks: &dyn Ranks) -> Result<Option<Self>> {
        let mut own = Vec::new();
        self.write_state(&Settings::new(), &mut own)?;
        drop(self);
        let all = ranks.gather(own).map_err(Error::Ranks)?;
        let parts = all.into_iter().map(|bytes| StateFile::<F>::read(&mut &bytes[..]));
        let parts: Vec<_> = parts.map(|file| Ok(file?.samples)).collect::<Result<_>>()?;
        if parts.is_empty() { Ok(None) } else { Self::join(parts).map(Some) }
    }

    /// Some rows of the chains, to go on with as [a part](crate::Run::as_part) of a run:
    /// [`join`](Self::join) makes the whole again. What is counted over all chains, such as
    /// evaluations, stays with the first rows.
    ///
    /// ```
    /// use langevin::ndarray::array;
    /// use langevin::prelude::*;
    ///
    /// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 0.5)?;
    /// let sampler = EulerMaruyama::new(Overdamped);
    /// let run = |steps| Run::new(&sampler, &target, TimeGrid::uniform(0.1, steps).unwrap());
    /// let begun = run(20).chains(5).run()?;
    /// let first = run(50).resume(&begun.part(0..2)?).as_part().run()?;
    /// let second = run(50).resume(&begun.part(2..5)?).as_part().run()?;
    /// assert_eq!(Samples::join(vec![first, second])?, run(50).chains(5).run()?);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::StateFile`](crate::Error::StateFile) without rows, and for more than there are.
    pub fn part(&self, rows: Range<usize>) -> Result<Self> {
        let all = self.state.nrows();
        if rows.is_empty() || rows.end > all {
            return fail(format!("rows {rows:?} of {all} chains"));
        }
        let own = Slice::from(rows.clone());
        let first_chain = self.first_chain + rows.start as u32;
        let last = u64::from(first_chain) + rows.len() as u64;
        let is_own = |d: &&Divergence| (u64::from(first_chain)..last).contains(&d.chain);
        let Cost { batched_calls, rounds, .. } = self.cost;
        let is_first = rows.start == 0;
        let others = Cost { batched_calls, rounds, ..Cost::default() };
        Ok(Self {
            state: self.state.slice_axis(Axis(0), own).to_owned(),
            low: self.low.slice_axis(Axis(0), own).to_owned(),
            first_chain,
            cost: if is_first { self.cost } else { others },
            rounded: if is_first { self.rounded } else { 0 },
            diverged: self.diverged.iter().filter(is_own).copied().collect(),
            calls: Some(Calls::default()),
            ..*self
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
