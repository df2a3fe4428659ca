//! The levels of a table that a method visits: spread over it, or listed.

use super::far::{LATEST, check_listed, first_level};
use super::recipe::{Choice, Course, DATA, Price, choice};
use crate::diffusion::clock::Clock;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::Process;
use crate::diffusion::schedule::{
    Frame, Level, LevelTable, Spacing, blocks, check_levels, from_timesteps, interpolated,
};
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::options::{OptionInfo, OptionValue, Value};

pub(crate) const GRID: OptionInfo = OptionInfo::new(
    "grid",
    "NAME",
    "Spread of the visited levels: equal, quadratic, logsnr, leading, trailing, linspace, or a \
     formula for sigma: karras, exponential, polyexponential, beta, beta-timesteps, sgm-uniform, \
     simple, power, normal, kl-optimal, shifted, flow-linspace, with parameters as karras:rho=7 \
     [default: quadratic on vp, shifted on flow, karras on edm, exponential on ve]; in phase space \
     of the steps: uniform or quadratic [default: uniform]",
);
pub(crate) const SIGMAS: OptionInfo = OptionInfo::new(
    "sigmas",
    "LIST",
    "Sigmas from the noise to the data, as 14.6,1.9,0.4,0.03; their logarithms are interpolated at \
     the points of the steps, and the last one is replaced by the clean end",
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

/// Which levels are visited. At most one of the four may be given.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Visits {
    /// Spread over the levels of the process. Default: its customary grid.
    pub grid: Option<Spacing>,
    /// The exact 0-based training timesteps, decreasing.
    pub timesteps: Option<Vec<usize>>,
    /// A list of σ, from the noise to the data, which is interpolated at the points of the steps.
    pub sigmas: Option<Sigmas>,
    /// Lengths of the blocks between visited levels, from the noise to the data.
    pub blocks: Option<Vec<usize>>,
}

impl Visits {
    /// The options `grid`, `timesteps` and `sigmas`.
    pub(crate) fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, DATA, &mut self.grid),
            choice(&TIMESTEPS, DATA, &mut self.timesteps),
            choice(&SIGMAS, DATA, &mut self.sigmas),
        ]
    }

    /// Whether the levels are listed.
    pub(crate) fn is_listed(&self) -> bool {
        self.timesteps.is_some() || self.blocks.is_some()
    }

    /// The levels to visit in as many steps as the budget pays for, unless they are listed.
    pub(crate) fn route(
        &self,
        walk: Walk,
        process: &Process,
        evaluations: Option<usize>,
    ) -> Result<Route> {
        let Walk { method, price, latest } = walk;
        let table = table(method, process)?;
        let given = [
            self.grid.is_some(),
            self.timesteps.is_some(),
            self.blocks.is_some(),
            self.sigmas.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(Error::Clash { options: "grid, timesteps, sigmas and blocks" });
        }
        let listed = match (&self.timesteps, &self.blocks) {
            (Some(timesteps), _) => Some(from_timesteps(table, timesteps)?),
            (_, Some(lengths)) => Some(blocks(table, lengths)?),
            _ => None,
        };
        if let Some(levels) = listed {
            check_listed(table, &levels, latest)?;
            let needed = price.of(levels.len() - 1);
            if let Some(given) = evaluations.filter(|given| needed > *given) {
                return Err(Error::TooFew { method, given, needed });
            }
            return Ok(Route { table: table.clone(), levels });
        }
        let steps = match (evaluations, &self.sigmas) {
            (Some(given), _) if price.steps(given) == 0 => {
                return Err(Error::TooFew { method, given, needed: price.of(1) });
            }
            (Some(given), _) => price.steps(given),
            (None, Some(Sigmas(list))) => list.len().saturating_sub(1),
            (None, None) => {
                let by = format!("{method} without timesteps and blocks");
                return Err(Error::Missing { option: "evaluations", by });
            }
        };
        if let Some(Sigmas(list)) = &self.sigmas {
            return Route::of(interpolated(list, steps)?);
        }
        let first = first_level(table, latest)?;
        let grid = self.grid.unwrap_or_else(|| process.default_grid());
        if let Spacing::Sigmas(grid) = grid {
            let flow = match process {
                Process::Flow(flow) => Some(flow.shift()),
                _ => None,
            };
            return Route::of(grid.levels(Frame { table: &table.up_to(first), flow }, steps)?);
        }
        let levels = spread(grid, table, first, steps)?;
        check_levels(table, &levels)?;
        Ok(Route { table: table.clone(), levels })
    }
}

/// Levels that a run visits, from the noise to the data, and the table that has them.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub table: LevelTable,
    pub levels: Vec<usize>,
}

impl Route {
    /// All of these levels, from the noise to the clean end, in a table of their own.
    fn of(levels: Vec<Level>) -> Result<Self> {
        let table = LevelTable::from_levels(levels.iter().rev().skip(1).copied())?;
        let levels = (0..=table.len()).rev().collect();
        Ok(Self { table, levels })
    }

    /// The same levels in a table that has those of the process between them, for methods that take
    /// small steps through all of them.
    pub(crate) fn refined(self, process: &LevelTable) -> Result<Self> {
        if self.table == *process {
            return Ok(self);
        }
        let table = self.table.refined(process)?;
        let number = |t: &usize| table.number_of(self.table.level(*t)).unwrap_or(*t);
        let levels = self.levels.iter().map(number).collect();
        Ok(Self { table, levels })
    }

    /// The course of a chain through the levels: time is n − level.
    pub(crate) fn course(self, wanted: Prediction, evaluations: f64) -> Result<Course> {
        let Self { table, levels } = self;
        Ok(Course {
            predictor_steps: 0,
            jumps: Vec::new(),
            grid: TimeGrid::from_knots(table.times(&levels))?,
            clock: Clock::Chain(table.clone()),
            wanted,
            later: None,
            levels,
            table: Some(table),
            evaluations,
        })
    }
}

/// A list of σ from the noise to the data, as text joined by commas or by `+`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sigmas(pub Vec<f64>);

impl Value for Sigmas {
    fn parse(text: &str) -> Result<Self, String> {
        let number = |number: &str| number.trim().parse().ok();
        let numbers = text.split(['+', ',']).map(number).collect::<Option<_>>();
        numbers.map(Self).ok_or_else(|| "numbers, as 14.6,1.9,0.4,0.03".into())
    }

    fn value(&self) -> OptionValue {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        OptionValue::Text(texts.join("+"))
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
        return over(&table.up_to(first.min(first_level(table, LATEST)?)));
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

/// The table of a process of data.
pub(crate) fn table<'p>(method: &'static str, process: &'p Process) -> Result<&'p LevelTable> {
    process.table().ok_or_else(|| super::recipe::not_on(method, process.kind()))
}
