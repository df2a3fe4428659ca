//! The processes by which data are noised: variance preserving, flow matching, those stated by σ,
//! and one in phase space.

use std::fmt;

use super::flow::Flow;
use super::noise_range::NoiseRange;
use super::psld::Psld;
use super::schedule::{Beta, LevelTable, SigmaGrid, SigmaRule, Spacing};
use crate::error::{Error, Result};
use crate::options::by_name;

/// The number of levels of processes that are stated by a formula.
const LEVELS: usize = 1000;
/// The formula of EDM.
const KARRAS: SigmaRule = SigmaRule::Karras { rho: 7.0 };

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
    /// Flow matching, (1−t) x₀ + t ε.
    Flow(Flow),
    /// The process of EDM: σ in a range, with levels spread by its formula.
    Edm(NoiseRange),
    /// Variance exploding: σ in a range, with levels equally spaced in log σ.
    Ve(NoiseRange),
    /// A phase-space Langevin diffusion of data and momentum, with the rate β(t) of its clock.
    Psld(Psld, Beta),
}

impl Process {
    /// A variance-preserving process with the levels of this table.
    pub fn vp(table: LevelTable) -> Self {
        Self::Vp(table)
    }

    /// Flow matching with 1000 levels and this shift of time; 1 shifts nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the shift is not finite and positive.
    pub fn flow(shift: f64) -> Result<Self> {
        Flow::new(LEVELS, shift).map(Self::Flow)
    }

    /// The process of EDM with 1000 levels, σ between these numbers, as [`NoiseRange::EDM`].
    ///
    /// # Errors
    /// Those of [`NoiseRange::edm`].
    pub fn edm(sigmas: [f64; 2]) -> Result<Self> {
        NoiseRange::edm(sigmas, LEVELS).map(Self::Edm)
    }

    /// A variance-exploding process with 1000 levels, σ between these numbers, as
    /// [`NoiseRange::VE`].
    ///
    /// # Errors
    /// Those of [`NoiseRange::ve`].
    pub fn ve(sigmas: [f64; 2]) -> Result<Self> {
        NoiseRange::ve(sigmas, LEVELS).map(Self::Ve)
    }

    /// A phase-space Langevin diffusion with this rate.
    pub fn psld(process: Psld, beta: Beta) -> Self {
        Self::Psld(process, beta)
    }

    /// Which process it is.
    pub fn kind(&self) -> ProcessKind {
        match self {
            Self::Vp(_) => ProcessKind::Vp,
            Self::Flow(_) => ProcessKind::Flow,
            Self::Edm(_) => ProcessKind::Edm,
            Self::Ve(_) => ProcessKind::Ve,
            Self::Psld(..) => ProcessKind::Psld,
        }
    }

    /// The process with the noise σ of every level multiplied by `shift`, as larger pictures need.
    ///
    /// # Errors
    /// [`Error::NotTaken`](crate::Error::NotTaken) for a process that is not vp or flow matching,
    /// [`Error::Invalid`](crate::Error::Invalid) if the shift is not finite and positive.
    pub fn shifted(&self, shift: f64) -> Result<Self> {
        match self {
            Self::Vp(table) => table.shifted(shift).map(Self::Vp),
            Self::Flow(flow) => Flow::new(flow.table().len(), flow.shift() * shift).map(Self::Flow),
            other => Err(Error::NotTaken {
                option: "shift".into(),
                by: format!("the process {}", other.kind()),
                takes: "other levels by sigma-min and sigma-max, or none".into(),
            }),
        }
    }

    /// The levels of a process of data, or `None` in phase space.
    pub fn table(&self) -> Option<&LevelTable> {
        match self {
            Self::Vp(table) => Some(table),
            Self::Flow(flow) => Some(flow.table()),
            Self::Edm(range) | Self::Ve(range) => Some(range.table()),
            Self::Psld(..) => None,
        }
    }

    /// The grid of methods that are given none: the customary one of the process.
    pub fn default_grid(&self) -> Spacing {
        match self {
            Self::Vp(_) => Spacing::Quadratic,
            Self::Flow(_) => Spacing::Sigmas(SigmaGrid::new(SigmaRule::Shifted { shift: None })),
            Self::Edm(_) => Spacing::Sigmas(SigmaGrid::new(KARRAS)),
            Self::Ve(_) => Spacing::Sigmas(SigmaGrid::new(SigmaRule::Exponential)),
            Self::Psld(..) => Spacing::Equal,
        }
    }

    /// A few words for the title of a picture.
    pub fn title(&self) -> String {
        match self {
            Self::Flow(_) => "flow matching".into(),
            Self::Edm(_) => "the process of EDM".into(),
            Self::Ve(_) => "a variance-exploding process".into(),
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
            Self::Flow(flow) => {
                write!(f, "flow matching of {} levels", flow.table().len())?;
                if flow.shift() == 1.0 { Ok(()) } else { write!(f, ", shift {}", flow.shift()) }
            }
            Self::Edm(range) | Self::Ve(range) => {
                let [low, high] = range.sigmas();
                write!(f, "{} of sigma from {low} to {high}", self.title())
            }
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
    /// Flow matching.
    Flow,
    /// EDM.
    Edm,
    /// Variance exploding.
    Ve,
    /// Phase space.
    Psld,
}

impl ProcessKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Vp, Self::Flow, Self::Edm, Self::Ve, Self::Psld];

    /// Whether it noises data alone, without momenta.
    pub fn is_of_data(self) -> bool {
        self != Self::Psld
    }

    /// Its name: `vp`, `flow`, `edm`, `ve` or `psld`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vp => "vp",
            Self::Flow => "flow",
            Self::Edm => "edm",
            Self::Ve => "ve",
            Self::Psld => "psld",
        }
    }
}

by_name!(ProcessKind, "process");
