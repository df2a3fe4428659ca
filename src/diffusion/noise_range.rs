//! Processes that are stated by a range of σ: variance exploding, and that of EDM.

use super::schedule::{Level, LevelTable, SigmaGrid, SigmaRule, Spacing};
use crate::error::{Error, Result, positive};

/// A process whose levels are stated by σ, x = x₀ + σ ε.
///
/// ```text
/// x = y/√ᾱ            y = √ᾱ x₀ + √(1−ᾱ) ε,  σ = √((1−ᾱ)/ᾱ)
/// ```
///
/// The state of a run is y, the variable of variance-preserving processes, and so every method runs
/// on this process unchanged. At the clean end y is the data.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseRange {
    sigma_min: f64,
    sigma_max: f64,
    table: LevelTable,
}

impl NoiseRange {
    /// The range of EDM, σ from 0.002 to 80.
    pub const EDM: [f64; 2] = [0.002, 80.0];
    /// A customary range of variance-exploding networks, σ from 0.01 to 50.
    pub const VE: [f64; 2] = [0.01, 50.0];

    /// n = `levels` levels with σ between these numbers, spread by this formula.
    ///
    /// # Errors
    /// [`Error::Value`] if σ_min is not below σ_max, and those of the formula.
    pub fn new([sigma_min, sigma_max]: [f64; 2], levels: usize, grid: SigmaGrid) -> Result<Self> {
        positive("sigma min", sigma_min)?;
        positive("sigma max", sigma_max)?;
        let ends = [Level::from_sigma(sigma_min)?, Level::from_sigma(sigma_max)?];
        let ends = LevelTable::from_levels(ends).map_err(|_| Error::Value {
            option: "sigma-max".into(),
            given: sigma_max.to_string(),
            expected: format!("a number above sigma-min, {sigma_min}"),
        })?;
        let mut levels = Spacing::Sigmas(grid).noise_levels(&ends, levels)?;
        levels.reverse();
        let table = LevelTable::from_levels(levels.into_iter().skip(1))?;
        Ok(Self { sigma_min, sigma_max, table })
    }

    /// n = `levels` levels as EDM spreads them: σ^(1/7) along a line.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn edm(sigmas: [f64; 2], levels: usize) -> Result<Self> {
        Self::new(sigmas, levels, SigmaGrid::new(SigmaRule::Karras { rho: 7.0 }))
    }

    /// n = `levels` levels equally spaced in log σ.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn ve(sigmas: [f64; 2], levels: usize) -> Result<Self> {
        Self::new(sigmas, levels, SigmaGrid::new(SigmaRule::Exponential))
    }

    /// σ of the first and the last level.
    pub fn sigmas(&self) -> [f64; 2] {
        [self.sigma_min, self.sigma_max]
    }

    /// The levels.
    pub fn table(&self) -> &LevelTable {
        &self.table
    }
}
