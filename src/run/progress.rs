//! A progress bar as an observer.

use std::ops::ControlFlow;

use indicatif::{ProgressBar as Bar, ProgressFinish, ProgressStyle};

use super::observe::{Observer, Snapshot};
use crate::error::{BoxError, Result};
use crate::real::Real;

/// A progress bar on stderr with steps, speed and time left. It is hidden if stderr is no terminal.
#[derive(Debug)]
pub struct ProgressBar {
    bar: Bar,
    interval: u64,
}

/// A bar that goes away when it is dropped.
pub(crate) fn bar(length: u64, template: &str) -> Bar {
    let bar = Bar::new(length).with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

impl ProgressBar {
    /// A bar for a run of `steps` steps. It is redrawn about a hundred times.
    pub fn new(steps: usize) -> Self {
        let template = "{bar:40} {pos}/{len} steps  {elapsed} gone, {eta} left";
        let bar = bar(steps as u64, template);
        Self { bar, interval: (steps as u64 / 100).max(1) }
    }

    /// True if the bar is not shown.
    pub fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }
}

impl<F: Real> Observer<F> for ProgressBar {
    fn next(&self, step: u64) -> Option<u64> {
        // Looking costs a pass over the state, so nobody looks at a hidden bar.
        (!self.is_hidden()).then(|| (step / self.interval + 1) * self.interval)
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        self.bar.set_position(snapshot.step);
        Ok(ControlFlow::Continue(()))
    }
}
