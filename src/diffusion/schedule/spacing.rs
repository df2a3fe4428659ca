//! Grids over the levels of a table: which ones a method with few steps visits.

use std::fmt;
use std::str::FromStr;

use super::level::Level;
use super::sigma_grid::{Frame, SigmaGrid};
use super::table::LevelTable;
use crate::error::{Error, Result, count};
use crate::options::{self, named_value};

/// How the visited levels are spread over a table. `leading`, `trailing` and `linspace` have the
/// names and numbers of diffusers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Spacing {
    /// round(n (1 − j/N)): equal steps, also in the time of a phase-space diffusion.
    Equal,
    /// round(n (1 − j/N)²): small steps near the data.
    #[default]
    Quadratic,
    /// Equally spaced in log signal-to-noise ratio from level n to level 1, then the clean end.
    LogSnr,
    /// Timesteps 0, r, 2r, … with r = ⌊n/N⌋.
    Leading,
    /// Timesteps n − 1, n − 1 − n/N, …, rounded.
    Trailing,
    /// N timesteps from n − 1 to 0, rounded.
    Linspace,
    /// `Leading` as in the DPM-Solver of diffusers: r = ⌊n/(N+1)⌋, and timestep 0 is left out.
    LeadingOpen,
    /// `Linspace` as in the DPM-Solver of diffusers: N + 1 timesteps of which 0 is left out.
    LinspaceOpen,
    /// A formula for σ, whose levels may lie between the entries of the table.
    Sigmas(SigmaGrid),
}

impl Spacing {
    /// All spacings over the entries of a table.
    pub const ALL: [Self; 8] = [
        Self::Equal,
        Self::Quadratic,
        Self::LogSnr,
        Self::Leading,
        Self::Trailing,
        Self::Linspace,
        Self::LeadingOpen,
        Self::LinspaceOpen,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Quadratic => "quadratic",
            Self::LogSnr => "logsnr",
            Self::Leading => "leading",
            Self::Trailing => "trailing",
            Self::Linspace => "linspace",
            Self::LeadingOpen => "leading-open",
            Self::LinspaceOpen => "linspace-open",
            Self::Sigmas(grid) => grid.rule.name(),
        }
    }

    /// Whether the last noised level is left out, so that N is at most n − 1.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::LeadingOpen | Self::LinspaceOpen)
    }

    /// N + 1 levels from the noise to the clean end, on any process of data but flow matching.
    ///
    /// # Errors
    /// As for [`levels`](Self::levels), and those of the formula.
    pub fn noise_levels(&self, table: &LevelTable, steps: usize) -> Result<Vec<Level>> {
        match self {
            Self::Sigmas(grid) => grid.levels(Frame { table, flow: None }, steps),
            _ => Ok(self.levels(table, steps)?.into_iter().map(|t| table.level(t)).collect()),
        }
    }

    /// N + 1 strictly decreasing levels; the last is 0, the clean end.
    ///
    /// # Errors
    /// [`Error::Invalid`] if N is not from 1 to n (n − 1 for the open spacings). [`Error::Value`]
    /// for a formula for σ, whose levels are not entries of the table.
    pub fn levels(&self, table: &LevelTable, steps: usize) -> Result<Vec<usize>> {
        let n = table.len();
        if let Self::Sigmas(_) = self {
            return Err(Error::Value {
                option: "grid".into(),
                given: self.to_string(),
                expected: "a grid over the entries of the table".into(),
            });
        }
        let open = self.is_open();
        count("steps", steps, 1, n - usize::from(open && n > 1), "from 1 to the number of levels")?;
        let size = n as f64;
        let parts = steps as f64;
        let timesteps =
            |numbers: Vec<f64>| numbers.into_iter().map(|t| round(t) + 1).chain([0]).collect();
        let mut levels: Vec<usize> = match self {
            Self::Sigmas(_) => Vec::new(),
            Self::Equal => (0..=steps).map(|j| round(size * (1.0 - j as f64 / parts))).collect(),
            Self::Quadratic => {
                (0..=steps).map(|j| round(size * (1.0 - j as f64 / parts).powi(2))).collect()
            }
            Self::LogSnr => log_snr(table, steps),
            Self::Leading => {
                timesteps((0..steps).rev().map(|j| (j * (n / steps)) as f64).collect())
            }
            Self::LeadingOpen => {
                timesteps((1..=steps).rev().map(|j| (j * (n / (steps + 1))) as f64).collect())
            }
            Self::Trailing => timesteps(
                (0..steps).map(|j| half_even(size - size / parts * j as f64) - 1.0).collect(),
            ),
            Self::Linspace => {
                let step = if steps > 1 { (size - 1.0) / (parts - 1.0) } else { 0.0 };
                timesteps((0..steps).rev().map(|j| half_even(step * j as f64)).collect())
            }
            Self::LinspaceOpen => timesteps(
                (1..=steps).rev().map(|j| half_even((size - 1.0) / parts * j as f64)).collect(),
            ),
        };
        // Where rounding made two levels equal, the one nearer to the noise moves up.
        for j in (0..steps).rev() {
            levels[j] = levels[j].max(levels[j + 1] + 1);
        }
        // Where that pushed some beyond the last level, they and what follows move down: N ≤ n
        // leaves room.
        for (j, level) in levels.iter_mut().enumerate() {
            *level = (*level).min(n - j.min(n));
        }
        Ok(levels)
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sigmas(grid) => grid.fmt(f),
            other => f.write_str(other.name()),
        }
    }
}

impl FromStr for Spacing {
    type Err = Error;

    /// Reads `equal` (or `uniform`), `quadratic`, `logsnr`, `leading`, `trailing`, `linspace`,
    /// `leading-open` or `linspace-open`, or the name of a formula for σ with its parameters, as
    /// `karras:rho=7:sigma-max=80`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name, and those of [`SigmaGrid`].
    fn from_str(text: &str) -> Result<Self> {
        if text == "uniform" {
            return Ok(Self::Equal);
        }
        let name = text.split(':').next().unwrap_or_default().trim();
        if SigmaGrid::is_named(name) {
            return text.parse().map(Self::Sigmas);
        }
        let formulas = SigmaGrid::defaults().map(Self::Sigmas);
        options::find("grid", Self::ALL.into_iter().chain(formulas), |one| one.name(), text)
    }
}

named_value!(Spacing);

fn round(x: f64) -> usize {
    x.round() as usize
}

/// Rounds halves to even, as numpy does.
fn half_even(x: f64) -> f64 {
    libm::rint(x)
}

fn log_snr(table: &LevelTable, steps: usize) -> Vec<usize> {
    let n = table.len();
    // Entry t − 1 is level t; they decrease with t.
    let all: Vec<f64> = (1..=n).map(|t| table.level(t).log_snr()).collect();
    let first = all[n - 1];
    let last = all[0];
    let mut levels = vec![n];
    for j in 1..steps {
        let wanted = first + (last - first) * j as f64 / (steps - 1).max(1) as f64;
        let above = all.partition_point(|snr| *snr >= wanted).max(1);
        let nearer = (above..=(above + 1).min(n))
            .min_by(|a, b| {
                let away = |t: &usize| (all[t - 1] - wanted).abs();
                away(a).total_cmp(&away(b))
            })
            .unwrap_or(above);
        levels.push(nearer);
    }
    levels.push(0);
    levels
}

/// Levels from 0-based timesteps, with the clean end added.
///
/// # Errors
/// As for [`check_levels`].
pub fn from_timesteps(table: &LevelTable, timesteps: &[usize]) -> Result<Vec<usize>> {
    let levels: Vec<usize> = timesteps.iter().map(|t| t.saturating_add(1)).chain([0]).collect();
    check_levels(table, &levels)?;
    Ok(levels)
}

/// Levels from the lengths of blocks, from the noise to the data; they must add up to the number of
/// levels.
///
/// # Errors
/// [`Error::Invalid`] if a block is empty or the sum is another one.
pub fn blocks(table: &LevelTable, lengths: &[usize]) -> Result<Vec<usize>> {
    let total = lengths.iter().fold(0usize, |sum, length| sum.saturating_add(*length));
    if total != table.len() {
        let expected = "the number of levels, as blocks must cover all of them";
        return Err(Error::Invalid { name: "sum of the blocks", given: total as f64, expected });
    }
    let mut levels = vec![table.len()];
    for length in lengths {
        count("block", *length, 1, table.len(), "at least 1")?;
        levels.push(levels[levels.len() - 1] - length);
    }
    Ok(levels)
}

/// Checks that levels decrease strictly from at most n to 0.
///
/// # Errors
/// [`Error::Levels`] naming the first that does not.
pub fn check_levels(table: &LevelTable, levels: &[usize]) -> Result<()> {
    count("levels visited", levels.len(), 2, table.len() + 1, "at least one and the clean end")?;
    if levels[0] > table.len() {
        return Err(Error::Levels { index: 0, previous: table.len(), next: levels[0] });
    }
    for (i, pair) in levels.windows(2).enumerate() {
        if pair[0] <= pair[1] {
            return Err(Error::Levels { index: i + 1, previous: pair[0], next: pair[1] });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::table::Schedule;
    use super::*;

    #[test]
    fn every_grid_decreases_has_its_count_and_ends_clean() {
        for schedule in Schedule::ALL {
            for n in [10, 37, 1000] {
                let table = schedule.table(n).unwrap();
                for spacing in Spacing::ALL {
                    for steps in [1, 2, 7, 10, 13, 50, 999, 1000] {
                        let Ok(levels) = spacing.levels(&table, steps) else {
                            assert!(steps >= n, "{spacing:?} refused {steps} of {n}");
                            continue;
                        };
                        assert_eq!(levels.len(), steps + 1);
                        assert_eq!(levels[steps], 0);
                        assert!(
                            check_levels(&table, &levels).is_ok(),
                            "{spacing:?} {steps}: {levels:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn grids_are_those_of_their_names() {
        let table = LevelTable::linear(1000).unwrap();
        let levels = |spacing: Spacing, steps| spacing.levels(&table, steps).unwrap();
        assert_eq!(levels(Spacing::Linspace, 10)[..3], [1000, 889, 778]);
        assert_eq!(levels(Spacing::Leading, 10)[..3], [901, 801, 701]);
        assert_eq!(levels(Spacing::Trailing, 10)[..3], [1000, 900, 800]);
        assert_eq!(levels(Spacing::Quadratic, 4), [1000, 563, 250, 63, 0]);
        assert_eq!(from_timesteps(&table, &[999, 500, 0]).unwrap(), [1000, 501, 1, 0]);
        assert_eq!(blocks(&table, &[600, 399, 1]).unwrap(), [1000, 400, 1, 0]);
        assert!(
            blocks(&table, &[600, 300])
                .unwrap_err()
                .to_string()
                .contains("sum of the blocks: given 900")
        );
        assert!(blocks(&table, &[1000, 0]).is_err());
        assert!(matches!(from_timesteps(&table, &[5, 5]), Err(Error::Levels { index: 1, .. })));
        assert!(from_timesteps(&table, &[1000]).is_err() && from_timesteps(&table, &[]).is_err());
        assert!("fibonacci".parse::<Spacing>().is_err());
    }
}
