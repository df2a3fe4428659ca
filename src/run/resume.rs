//! Runs that continue another one, or are to be continued.

use ndarray::Array2;

use super::builder::Run;
use super::checkpoint::Checkpoint;
use super::samples::Samples;
use super::start::{Earlier, Start};
use super::state_file::StateFile;
use crate::real::Real;

impl<F: Real> Run<'_, F> {
    /// Continues an earlier run of the same sampler and drift: from its state, after its last step,
    /// with its seed, chains and frozen chains. The grid is that of the whole run, so it has more
    /// steps than the earlier run has taken. The outcome is that of one uncut run, to the last bit.
    ///
    /// ```
    /// use langevin::ndarray::array;
    /// use langevin::prelude::*;
    ///
    /// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 0.5)?;
    /// let sampler = EulerMaruyama::new(Overdamped);
    /// let grid = |steps| TimeGrid::uniform(0.1, steps);
    /// let run = |grid| Run::new(&sampler, &target, grid);
    /// let first = run(grid(20)?).chains(5).seed(7).run()?;
    /// let longer = run(grid(50)?).resume(&first).run()?;
    /// assert_eq!(longer, run(grid(50)?).chains(5).seed(7).run()?);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// [`Run::noise`] must be given again if the earlier run had noise of its own.
    pub fn resume(mut self, samples: &Samples<F>) -> Self {
        self.start = Some(Start::whole(samples));
        self.first_step = usize::try_from(samples.steps).unwrap_or(usize::MAX);
        self.first_chain = samples.first_chain;
        self.seed = samples.seed;
        self.earlier = Earlier {
            layout: Some(samples.layout),
            cost: samples.cost,
            calls: samples.calls.clone(),
            frozen: samples.diverged.clone(),
            other_noise: samples.seed.is_none(),
        };
        self
    }

    /// Continues from an array that is the [`Samples::state`] of an earlier run after `step` steps.
    /// Seed and chain numbers are those of this run: give those of the earlier one. In f32 the low
    /// part of the positions is not in the array, so [`resume`](Self::resume) alone gives the bits
    /// of an uncut run there.
    pub fn resume_from(mut self, state: Array2<F>, step: usize) -> Self {
        self.start = Some(Start::array(state));
        self.first_step = step;
        self
    }

    /// Continues the run of a state file. If it is a [checkpoint](Checkpoint), the observers go on
    /// too: give those of that run in the same order. Each takes up what it had gathered.
    ///
    /// # Errors
    /// The run ends before its first step with [`Error::Observer`](crate::Error::Observer) if an
    /// observer is not that of the checkpoint, and with [`Error::Mismatch`](crate::Error::Mismatch)
    /// for another number of observers.
    pub fn resume_file(mut self, file: &StateFile<F>) -> Self {
        self.looks.saved = file.observers.clone();
        self.resume(&file.samples)
    }

    /// Writes the state and what the observers have gathered to a file as the run goes on: see
    /// [`Checkpoint`].
    pub fn checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.looks.checkpoint = Some(checkpoint);
        self
    }

    /// Keeps with the samples what [`Samples::join`] needs: the batched calls of every step. Set it
    /// if the chains are a part of a larger run.
    pub fn as_part(mut self) -> Self {
        self.is_part = true;
        self
    }
}
