//! Flow matching: data mixed with noise along a line, as levels of a table.

use super::schedule::{Level, LevelTable, shifted};
use crate::error::{Result, count, positive};

/// The process of flow matching (rectified flow), with a shift of its time.
///
/// ```text
/// x_f = (1−t) x₀ + t ε = c y           y = √ᾱ x₀ + √(1−ᾱ) ε,  c = 1/(√ᾱ + √(1−ᾱ)),  t = c √(1−ᾱ)
/// level j of n:  t = s t₀/(1 + (s−1) t₀),  t₀ = j/n            σ = t/(1−t) is multiplied by s
/// ```
///
/// The state of a run is y, the variable of variance-preserving processes, and so every method runs
/// on this process unchanged. At the clean end y is the data. Level n is pure noise, t = 1. A
/// network that predicts ε − x₀ gives x̂₀ there; see [`Face`](super::Face).
///
/// Sources: Lipman et al. 2022 (arXiv 2210.02747); Liu et al. 2022 (arXiv 2209.03003); Esser et al.
/// 2024 (arXiv 2403.03206) for the shift.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    shift: f64,
    table: LevelTable,
}

impl Flow {
    /// The process with n = `levels` levels, equally spaced in t before the shift.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if there are no levels or too many, or the shift
    /// is not finite and positive.
    pub fn new(levels: usize, shift: f64) -> Result<Self> {
        positive("shift", shift)?;
        const LEVELS: &str = "a whole number from 1 to 1000000";
        count("levels", levels, 1, LevelTable::MAX_LEVELS, LEVELS)?;
        let time = |j: usize| shifted(shift, j as f64 / levels as f64);
        let all = (1..=levels).map(|j| if j == levels { 1.0 } else { time(j) });
        let all: Vec<Level> = all.map(Level::from_flow_time).collect::<Result<_>>()?;
        Ok(Self { shift, table: LevelTable::from_levels(all)? })
    }

    /// The shift e^μ of pictures of this many tokens, with μ along a line from 0.5 at 256 tokens to
    /// 1.15 at 4096.
    pub fn dynamic_shift(tokens: usize) -> f64 {
        let slope = (1.15 - 0.5) / (4096.0 - 256.0);
        libm::exp(0.5 + slope * (tokens as f64 - 256.0))
    }

    /// The shift s.
    pub fn shift(&self) -> f64 {
        self.shift
    }

    /// The levels.
    pub fn table(&self) -> &LevelTable {
        &self.table
    }
}
