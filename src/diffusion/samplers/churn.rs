//! Churn of EDM: noise that is added before a step, and the levels that it leads up to.

use crate::diffusion::schedule::{Level, LevelTable};
use crate::error::{Error, Result};

/// How much noise is added before every step of N, Algorithm 2 of EDM.
///
/// ```text
/// γ = min(churn/N, √2 − 1) where min ≤ σ ≤ max, else 0          σ̂ = σ (1 + γ)
/// ŷ = y + √(σ̂² − σ²) noise z          y = x/√ᾱ
/// ```
///
/// Source: Karras et al. 2022 (arXiv 2206.00364).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Churn {
    /// The noise added over all steps, as a multiple of σ.
    pub amount: f64,
    /// The least σ of steps with churn.
    pub min: f64,
    /// The largest σ of steps with churn.
    pub max: f64,
    /// The standard deviation of the noise that is added, as a multiple of what the levels say.
    pub noise: f64,
}

impl Churn {
    /// This amount at all levels, with noise of the standard deviation of the levels.
    pub const fn new(amount: f64) -> Self {
        Self { amount, min: 0.0, max: f64::INFINITY, noise: 1.0 }
    }

    fn check(&self) -> Result<()> {
        let finite = [("churn", self.amount), ("churn-noise", self.noise)];
        let ends = [("churn-min", self.min), ("churn-max", self.max)];
        let wrong = finite.iter().find(|(_, x)| !(*x >= 0.0 && x.is_finite()));
        match wrong.or_else(|| ends.iter().find(|(_, x)| !(*x >= 0.0))) {
            Some(&(name, given)) => Err(Error::Invalid { name, given, expected: "a number >= 0" }),
            None => Ok(()),
        }
    }

    /// σ̂/σ in one of so many steps.
    fn growth(&self, sigma: f64, steps: usize) -> f64 {
        if !(self.min <= sigma && sigma <= self.max) {
            return 1.0;
        }
        1.0 + (self.amount / steps as f64).min(std::f64::consts::SQRT_2 - 1.0)
    }
}

/// A way up from one level of a table to a noisier one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lift {
    pub from: usize,
    pub to: usize,
}

/// The levels of a run, and those that churn leads up to, in one table.
#[derive(Clone, Debug)]
pub(crate) struct Churned {
    pub table: LevelTable,
    pub levels: Vec<usize>,
    pub lifts: Vec<Lift>,
}

impl Churned {
    /// The table of these levels and of those with churn. Without any, the table as it is.
    ///
    /// # Errors
    /// [`Error::Invalid`] for options that are negative or not finite.
    pub(crate) fn new(churn: &Churn, table: &LevelTable, levels: &[usize]) -> Result<Self> {
        churn.check()?;
        let steps = levels.len() - 1;
        let mut all: Vec<Level> = levels[..steps].iter().map(|t| table.level(*t)).collect();
        let mut pairs = Vec::new();
        for level in all.clone() {
            let growth = churn.growth(level.sigma(), steps);
            if growth > 1.0 && level.sigma().is_finite() {
                let lifted = Level::from_sigma(level.sigma() * growth)?;
                all.push(lifted);
                pairs.push([level, lifted]);
            }
        }
        if pairs.is_empty() {
            return Ok(Self { table: table.clone(), levels: levels.to_vec(), lifts: Vec::new() });
        }
        all.sort_by(|a, b| b.log_alpha_bar().total_cmp(&a.log_alpha_bar()));
        all.dedup_by_key(|level| level.log_alpha_bar().to_bits());
        // Level 0 of a table is the clean end.
        let number = |level: Level| {
            1 + all.partition_point(|known| known.log_alpha_bar() > level.log_alpha_bar())
        };
        let visited = levels[..steps].iter().map(|t| number(table.level(*t)));
        let levels = visited.chain([0]).collect();
        let lifts = pairs.iter().map(|[a, b]| Lift { from: number(*a), to: number(*b) }).collect();
        Ok(Self { table: LevelTable::from_levels(all.iter().copied())?, levels, lifts })
    }
}
