//! The looks at a run between its steps: which comes next, and who wants it.

use std::time::Instant;

use super::checkpoint::Checkpoint;
use super::chunk::LONGEST;
use super::observe::{Observer, Snapshot};
use crate::error::{BoxError, Error, Result};
use crate::real::Real;

/// All that looks at a run.
pub(super) struct Looks<'a, F: Real> {
    pub observers: Vec<&'a mut dyn Observer<F>>,
    pub checkpoint: Option<Checkpoint>,
    /// What the observers of the run to resume had saved.
    pub saved: Option<Vec<Option<Vec<u8>>>>,
}

impl<F: Real> Default for Looks<'_, F> {
    fn default() -> Self {
        Self { observers: Vec::new(), checkpoint: None, saved: None }
    }
}

impl<F: Real> Looks<'_, F> {
    /// The number of completed steps at which the next observer looks, or at which the run ends.
    pub fn next(&self, done: usize, last: usize) -> usize {
        let next = self.observers.iter().filter_map(|o| o.next(done as u64)).min();
        let next = next.unwrap_or(u64::MAX);
        let own = self.checkpoint.as_ref().map_or(u64::MAX, |own| own.next(done as u64));
        let next = next.min(own).clamp(done as u64 + 1, last as u64);
        next.min((done + LONGEST) as u64) as usize
    }

    /// Gives the observers what those of the run to resume had saved. Settings that a checkpoint
    /// cannot keep are refused here, before the first step.
    pub fn restore(&mut self, step: u64) -> Result<()> {
        self.checkpoint.as_ref().map_or(Ok(()), Checkpoint::check)?;
        let Some(saved) = self.saved.take() else { return Ok(()) };
        if saved.len() != self.observers.len() {
            let given = self.observers.len().to_string();
            let expected = saved.len().to_string();
            return Err(Error::Mismatch { what: "number of observers".into(), given, expected });
        }
        for (index, (observer, saved)) in self.observers.iter_mut().zip(saved).enumerate() {
            let restored = match saved {
                Some(saved) => observer.restore(&saved),
                None => match observer.save() {
                    Ok(None) => Ok(()),
                    Ok(Some(_)) => Err(missing(index)),
                    Err(error) => Err(error),
                },
            };
            restored.map_err(|source| Error::Observer { step, source })?;
        }
        Ok(())
    }

    /// Calls the observers that want to look now, and writes a checkpoint if one is due. Returns
    /// true if an observer ends the run.
    pub fn look(&mut self, snapshot: &Snapshot<'_, F>) -> Result<bool> {
        let step = snapshot.step;
        let mut stopped = false;
        for observer in &mut self.observers {
            let wants = match step.checked_sub(1) {
                Some(before) => observer.next(before) == Some(step),
                None => observer.looks_at_start(),
            };
            if wants {
                let flow = observer.observe(snapshot);
                stopped |= flow.map_err(|source| Error::Observer { step, source })?.is_break();
            }
        }
        let Some(checkpoint) = &mut self.checkpoint else { return Ok(stopped) };
        // What has come to its end is not continued, and before step 0 nothing is lost.
        if step > 0 && step < snapshot.steps && (checkpoint.is_due(step)? || stopped) {
            // What the observers do for it is part of its time: frames are brought to the disk.
            let begun = Instant::now();
            let saved = self.observers.iter_mut().map(|observer| observer.save());
            let saved = saved.collect::<Result<Vec<_>, _>>();
            let saved = saved.map_err(|source| Error::Observer { step, source })?;
            checkpoint.write(begun, snapshot, &saved)?;
        }
        Ok(stopped)
    }
}

fn missing(index: usize) -> BoxError {
    format!("the run to resume has nothing of observer {index}").into()
}
