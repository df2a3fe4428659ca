//! What can end the program, and with which exit code: 2 for what was given, 1 for what happened on
//! the way, 3 for draws that cannot be trusted, 128 and its number for a signal.

use std::io::Write;
use std::path::Path;

use langevin::advanced::escaped;

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something that was given makes no sense; nothing was run or written.
    #[error("{0}")]
    Input(String),
    /// The run itself failed.
    #[error("{0}")]
    Run(String),
    /// Draws that were written and cannot be trusted.
    #[error("{0}")]
    Untrusted(String),
    /// A signal ended the run before its last step. What it had by then was written.
    #[error("stopped after step {step} of {steps}")]
    Stopped { step: u64, steps: u64, signal: i32 },
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Run(_) => 1,
            Self::Untrusted(_) => 3,
            Self::Stopped { signal, .. } => 128 + *signal as u8,
        }
    }

    /// The line for stderr: one, and without what a terminal would obey. `of` says whose it is, if
    /// there are several ranks.
    pub fn line(&self, of: &str) -> String {
        match self {
            Self::Stopped { .. } => self.to_string(),
            _ => escaped(&format!("error: {of}{self}")),
        }
    }
}

/// Refuses what was given.
pub fn refuse<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Input(message.into()))
}

/// The error of one file.
pub fn of_file(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::Input(format!("{}: {why}", path.display()))
}

/// Prints what does not end the program but makes its results doubtful.
pub fn print_warning(warning: &dyn std::fmt::Display) {
    // Where stderr is closed or full, nothing can be said.
    let _ = writeln!(std::io::stderr(), "warning: {warning}");
}

impl From<langevin::Error> for Failure {
    fn from(error: langevin::Error) -> Self {
        use langevin::Error::{Diverged, Drift, Missing, Observer, Ranks, StateFile, Threads};
        let message = error.to_string();
        match error {
            Diverged { .. } => Self::Run(format!("{message} (--non-finite freeze|ignore)")),
            Missing { option, by } => Self::Input(format!("--{option} is missing: {by} needs it")),
            Drift { .. } | Observer { .. } | Ranks(_) | StateFile { .. } | Threads { .. } => {
                Self::Run(message)
            }
            _ => Self::Input(message),
        }
    }
}
