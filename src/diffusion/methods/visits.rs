//! The levels of a table that a method visits: spread over it, or listed.

use super::far::{check_listed, first_level};
use super::recipe::{Choice, Course, Price, VP, choice};
use crate::diffusion::clock::Clock;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::Process;
use crate::diffusion::schedule::{LevelTable, Spacing, blocks, check_levels, from_timesteps};
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::options::OptionInfo;

pub(crate) const GRID: OptionInfo = OptionInfo::new(
    "grid",
    "NAME",
    "Spread of the visited levels: equal, quadratic, logsnr, leading, trailing or linspace \
     [default: quadratic]; in phase space of the steps: uniform or quadratic [default: uniform]",
);
pub(crate) const TIMESTEPS: OptionInfo = OptionInfo::new(
    "timesteps",
    "LIST",
    "The 0-based levels at which the model is evaluated, decreasing, as 999,500,0; the last step \
     goes to the data",
);
pub(crate) const BLOCKS: OptionInfo = OptionInfo::new(
    "blocks",
    "LIST",
    "Lengths of the blocks of levels that a Poisson midpoint steps over, from the noise to the \
     data, as 600,399,1",
);

/// Which levels of a table are visited. At most one of the three may be given.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Visits {
    /// Spread over the table. Default: quadratic.
    pub grid: Option<Spacing>,
    /// The exact 0-based training timesteps, decreasing.
    pub timesteps: Option<Vec<usize>>,
    /// Lengths of the blocks between visited levels, from the noise to the data.
    pub blocks: Option<Vec<usize>>,
}

impl Visits {
    /// The options `grid` and `timesteps`.
    pub(crate) fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![choice(&GRID, VP, &mut self.grid), choice(&TIMESTEPS, VP, &mut self.timesteps)]
    }

    /// Whether the levels are listed.
    pub(crate) fn is_listed(&self) -> bool {
        self.timesteps.is_some() || self.blocks.is_some()
    }

    /// The levels to visit in as many steps as the budget pays for, unless they are listed.
    pub(crate) fn levels(
        &self,
        walk: Walk,
        table: &LevelTable,
        evaluations: Option<usize>,
    ) -> Result<Vec<usize>> {
        let Walk { method, price, latest } = walk;
        let given = [self.grid.is_some(), self.timesteps.is_some(), self.blocks.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(Error::Clash { options: "grid, timesteps and blocks" });
        }
        let listed = match (&self.timesteps, &self.blocks) {
            (Some(timesteps), _) => Some(from_timesteps(table, timesteps)?),
            (_, Some(lengths)) => Some(blocks(table, lengths)?),
            _ => None,
        };
        if let Some(levels) = &listed {
            check_listed(table, levels)?;
        }
        match (listed, evaluations) {
            (Some(levels), None) => Ok(levels),
            (Some(levels), Some(given)) => {
                let needed = price.of(levels.len() - 1);
                if needed > given {
                    return Err(Error::TooFew { method, given, needed });
                }
                Ok(levels)
            }
            (None, None) => {
                let by = format!("{method} without timesteps and blocks");
                Err(Error::Missing { option: "evaluations", by })
            }
            (None, Some(given)) => {
                let steps = price.steps(given);
                if steps == 0 {
                    return Err(Error::TooFew { method, given, needed: price.of(1) });
                }
                let first = first_level(table, latest)?;
                let levels = spread(self.grid.unwrap_or_default(), table, first, steps)?;
                check_levels(table, &levels)?;
                Ok(levels)
            }
        }
    }
}

/// The levels of a grid of so many steps, or of as many as there are levels, from level `first` on.
/// If only its first level lies beyond that, the others keep their places. Otherwise the grid is
/// spread over the levels up to `first`, as `logsnr` always is: it has no meaning at ᾱ = 0.
fn spread(spacing: Spacing, table: &LevelTable, first: usize, steps: usize) -> Result<Vec<usize>> {
    let over = |table: &LevelTable| {
        let most = table.len() - usize::from(spacing.is_open() && table.len() > 1);
        spacing.levels(table, steps.min(most))
    };
    if spacing == Spacing::LogSnr {
        return over(&table.up_to(first));
    }
    let mut levels = over(table)?;
    if levels[1] >= first {
        levels = over(&table.up_to(first))?;
    }
    levels[0] = levels[0].min(first);
    Ok(levels)
}

/// What the choice of levels depends on, beside the table and the budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub method: &'static str,
    pub price: Price,
    /// The OU time at which a run begins at the latest, unless its levels are listed.
    pub latest: f64,
}

/// The table of a variance-preserving process.
pub(crate) fn table<'p>(method: &'static str, process: &'p Process) -> Result<&'p LevelTable> {
    match process {
        Process::Vp(table) => Ok(table),
        other => Err(super::recipe::not_on(method, other.kind())),
    }
}

/// The course of a chain through these levels of its table: time is n − level.
pub(crate) fn chain_course(
    table: &LevelTable,
    levels: Vec<usize>,
    wanted: Prediction,
    evaluations: f64,
) -> Result<Course> {
    Ok(Course {
        predictor_steps: 0,
        jumps: Vec::new(),
        grid: TimeGrid::from_knots(table.times(&levels))?,
        clock: Clock::Chain(table.clone()),
        wanted,
        levels,
        evaluations,
    })
}
