//! Parts of a tuned run: some of its chains in a process of their own, and all of them as one.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayView2, s};

use super::outcome::Outcome;
use super::part_file::{self, Beginning};
use super::sampling::{Sampling, finite_at};
use super::tuned::Tuned;
use crate::drift::{Counted, Distributed, Drift};
use crate::error::{BoxError, Error, Result, count};
use crate::ranks::{Alone, Ranks, share};
use crate::run::{Saving, StateFile, check_of};

/// One process that has some of the rows, and leaves the others to processes that it never meets.
#[derive(Debug)]
struct Apart {
    part: usize,
    of: usize,
}

impl Ranks for Apart {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, BoxError> {
        Ok(vec![own])
    }

    fn broadcast(&self, own: Vec<u8>) -> Result<Vec<u8>, BoxError> {
        Ok(own)
    }

    fn share(&self, rows: usize) -> Range<usize> {
        share(rows, self.part, self.of)
    }
}

impl<D: Drift<f64>> Sampling<'_, D> {
    /// Runs one of `of` parts of the chains, counted from 0, with the settings of
    /// [`tuned`](Self::tuned). Parts differ by one chain at most. A part is a process of its own:
    /// it needs nothing of the others, and [`join`](Self::join) makes one outcome of all of them.
    ///
    /// ```
    /// use langevin::posterior::{Sampling, Tuned};
    /// use langevin::prelude::*;
    ///
    /// let gradient = PerRow::new(1, |_, x: &[f64], out: &mut [f64]| out[0] = -x[0]);
    /// let tuned = Tuned::plain(1, 0.5, 1.0)?;
    /// let sampling = || Sampling::new(&gradient, 1).chains(20).steps(40).tuned(tuned.clone());
    /// let parts = vec![sampling().part(0, 2)?, sampling().part(1, 2)?];
    /// assert_eq!(sampling().join(parts)?.draws, sampling().run()?.draws);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// The file has the final positions of the chains as samples, and the draws as what an observer
    /// saved. Its settings are empty, to be filled by the caller. A search without settings that
    /// are tuned has no parts: all chains together decide what its next run is.
    ///
    /// # Errors
    /// [`Error::Missing`] without [`tuned`](Self::tuned). [`Error::Invalid`] for more parts than
    /// chains, or for a part that is none of them. [`Error::Diverged`] if a chain of this part
    /// becomes infinite. Others as for [`run`](Self::run).
    pub fn part(self, part: usize, of: usize) -> Result<StateFile<f64>> {
        let start = self.checked()?;
        let tuned = self.settings()?;
        count("parts", of, 1, self.chains.chains, "at least one, and no more than chains")?;
        count("part", part, 0, of - 1, "a number from 0 on, below the number of parts")?;
        let apart = Apart { part, of };
        let rows = apart.share(self.chains.chains);
        let drift = Distributed::new(Counted::new(self.drift), Arc::new(apart));
        finite_at(&drift, start.slice(s![rows.clone(), ..]), rows.start)?;
        let beginning = self.beginning(tuned, start.view());
        let plan = self.plan(&drift);
        let gathered = plan.once(tuned, start)?;
        Ok(part_file::of(gathered, rows.start, &beginning, plan.evaluations()?))
    }

    /// The outcome of a run from all its parts, in any order: that of [`run`](Self::run), to the
    /// last bit. The options must be those of the parts. The drift is not evaluated.
    ///
    /// # Errors
    /// [`Error::StateFile`] if a file is not of a part, if a part has other options or another
    /// start, or if chains are missing or given twice. [`Error::Missing`] without
    /// [`tuned`](Self::tuned). Others as for [`run`](Self::run).
    pub fn join(self, parts: Vec<StateFile<f64>>) -> Result<Outcome> {
        let start = self.checked()?;
        let tuned = self.settings()?;
        let beginning = self.beginning(tuned, start.view());
        let (gathered, evaluations) = part_file::joined(parts, tuned, &beginning)?;
        let drift = Distributed::new(Counted::new(self.drift), Arc::new(Alone));
        let outcome = self.plan(&drift).outcome(&gathered, tuned)?;
        Ok(Outcome { evaluations, ..outcome })
    }

    fn settings(&self) -> Result<&Tuned> {
        let missing = || Error::Missing { option: "tuned", by: "a run in parts".into() };
        self.tuned.as_ref().ok_or_else(missing)
    }

    /// What all parts must have begun with.
    fn beginning(&self, tuned: &Tuned, start: ArrayView2<'_, f64>) -> Beginning {
        let scale = tuned.scale();
        let mut bytes = Saving::default();
        bytes.numbers(&[tuned.step(), tuned.friction()]);
        bytes.numbers(&scale.center().to_vec());
        match scale.factor() {
            Some(factor) => bytes.rows(factor),
            None => bytes.numbers(&scale.scales().to_vec()),
        }
        let of_tuned = check_of(&bytes.0);
        let mut bytes = Saving::default();
        bytes.rows(start);
        Beginning {
            chains: self.chains.chains,
            dim: self.dim,
            steps: self.steps,
            seed: self.chains.seed,
            adjusted: self.adjusted,
            tuned: of_tuned,
            start: check_of(&bytes.0),
        }
    }
}
