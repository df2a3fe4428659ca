//! The processes by which data are noised: variance preserving, or in phase space.

use std::fmt;

use super::psld::Psld;
use super::schedule::{Beta, LevelTable};
use crate::options::by_name;

/// The process by which data are noised, and which a generation runs backwards.
///
/// ```
/// use langevin::prelude::*;
/// let process = Process::vp(LevelTable::linear(1000)?);
/// assert_eq!(process.to_string(), "the linear schedule of 1000 levels");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Process {
    /// Variance preserving, x = √ᾱ x₀ + √(1−ᾱ) ε, at the levels of a table.
    Vp(LevelTable),
    /// A phase-space Langevin diffusion of data and momentum, with the rate β(t) of its clock.
    Psld(Psld, Beta),
}

impl Process {
    /// A variance-preserving process with the levels of this table.
    pub fn vp(table: LevelTable) -> Self {
        Self::Vp(table)
    }

    /// A phase-space Langevin diffusion with this rate.
    pub fn psld(process: Psld, beta: Beta) -> Self {
        Self::Psld(process, beta)
    }

    /// Which of the two it is.
    pub fn kind(&self) -> ProcessKind {
        match self {
            Self::Vp(_) => ProcessKind::Vp,
            Self::Psld(..) => ProcessKind::Psld,
        }
    }

    /// A few words for the title of a picture.
    pub fn title(&self) -> String {
        match self {
            Self::Vp(table) => match table.schedule() {
                Some(schedule) => format!("{schedule} schedule"),
                None => "a table of levels".into(),
            },
            Self::Psld(..) => "phase space".into(),
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vp(table) => match table.schedule() {
                Some(schedule) => write!(f, "the {schedule} schedule of {} levels", table.len()),
                None => write!(f, "a table of {} levels", table.len()),
            },
            Self::Psld(process, beta) => write!(
                f,
                "phase space with beta {beta}, gamma {}, nu {}, kappa {}",
                process.gamma(),
                process.nu(),
                process.kappa()
            ),
        }
    }
}

/// The kind of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessKind {
    /// Variance preserving.
    #[default]
    Vp,
    /// Phase space.
    Psld,
}

impl ProcessKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Vp, Self::Psld];

    /// Its name: `vp` or `psld`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vp => "vp",
            Self::Psld => "psld",
        }
    }
}

by_name!(ProcessKind, "process");
