//! The levels that a scheduler of diffusers visits with a number of steps.

use crate::diffusion::schedule::{Frame, LevelTable, SigmaGrid, SigmaRule};
use crate::error::{Error, Result, count};

/// How the visited levels follow from the number of steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spread {
    pub spacing: String,
    pub offset: usize,
    /// Whether `leading` and `linspace` are those of one step more, without their last timestep.
    pub open: bool,
    /// Whether timesteps stay as they are, between the levels of the table.
    pub fractions: bool,
    /// σ of the visited levels by a formula, between the ends of the table or of the timesteps.
    pub rule: Option<SigmaRule>,
}

/// The levels that are visited before the data.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Visited {
    Timesteps(Vec<usize>),
    /// And the timesteps that belong to them.
    Sigmas(Vec<f64>),
}

impl Spread {
    /// The timesteps, as the formulas of diffusers have them.
    fn timesteps(&self, table: &LevelTable, steps: usize) -> Result<Vec<f64>> {
        let n = table.len();
        let more = usize::from(self.open);
        count("steps", steps, 1, n - more.min(n - 1), "from 1 to the number of levels")?;
        let size = n as f64;
        let points = steps + more;
        Ok(match &self.spacing[..] {
            "leading" => {
                let ratio = n / points;
                (more..points).rev().map(|j| (j * ratio + self.offset) as f64).collect()
            }
            "trailing" => {
                let ratio = size / steps as f64;
                (0..steps).map(|j| libm::rint(size - j as f64 * ratio) - 1.0).collect()
            }
            "linspace" => {
                let gap = if points > 1 { (size - 1.0) / (points - 1) as f64 } else { 0.0 };
                let exact = |j: usize| if j + 1 == points { size - 1.0 } else { gap * j as f64 };
                let rounded = |t: f64| if self.fractions { t } else { libm::rint(t) };
                let start = if points > 1 { more } else { 0 };
                (start..points).rev().map(|j| rounded(exact(j))).collect()
            }
            other => {
                return Err(Error::Value {
                    option: "timestep_spacing".into(),
                    given: other.into(),
                    expected: "leading, trailing or linspace".into(),
                });
            }
        })
    }

    /// The levels visited with this many steps.
    pub fn visited(&self, table: &LevelTable, steps: usize) -> Result<Visited> {
        let timesteps = self.timesteps(table, steps)?;
        if timesteps.iter().any(|t| *t > (table.len() - 1) as f64) {
            let given = timesteps[0] + 1.0;
            let expected = "a timestep of the table; lower steps_offset or the number of steps";
            return Err(Error::Invalid { name: "timestep", given, expected });
        }
        // Between two levels σ is interpolated linearly.
        let sigma = |t: f64| {
            let below = t as usize;
            let own = table.level(below + 1).sigma();
            let part = t - below as f64;
            let above = || table.level(below + 2).sigma();
            if part > 0.0 { own + part * (above() - own) } else { own }
        };
        if let Some(rule) = self.rule {
            let [first, last] = match self.open {
                true => [table.level(table.len()).sigma(), table.level(1).sigma()],
                false => [sigma(timesteps[0]), sigma(timesteps[steps - 1])],
            };
            let grid = SigmaGrid { rule, sigma_min: Some(last), sigma_max: Some(first) };
            let mut levels = grid.levels(Frame { table, flow: None }, steps)?;
            levels.pop();
            return Ok(Visited::Sigmas(levels.iter().map(|level| level.sigma()).collect()));
        }
        Ok(match timesteps.iter().all(|t| t.fract() == 0.0) {
            true => Visited::Timesteps(timesteps.iter().map(|t| *t as usize).collect()),
            false => Visited::Sigmas(timesteps.iter().map(|t| sigma(*t)).collect()),
        })
    }
}
