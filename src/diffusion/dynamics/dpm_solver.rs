//! DPM-Solver++(2M): the two-step multistep solver of the probability flow in the data prediction,
//! as linear dynamics.

use crate::diffusion::schedule::{Level, LevelTable, check_levels};
use crate::dynamics::{LinearDynamics, Transition};
use crate::error::Result;
use crate::state::Layout;

/// DPM-Solver++(2M) on these levels of a table; the drift is x̂₀ at level t.
///
/// ```text
/// λ = ½ log(ᾱ/(1−ᾱ)), h = λ_s − λ_t, r = (λ_t − λ_previous)/h
/// D = (1 + 1/2r) x̂₀ − (1/2r) x̂₀_previous
/// x_s = √((1−ᾱ_s)/(1−ᾱ_t)) x + √ᾱ_s (1 − e^(−h)) D
/// the first step, and the one to level 0, take D = x̂₀: there r has no meaning, or h is infinite
/// ```
///
/// One evaluation per step with [`EulerMaruyama`](crate::EulerMaruyama). The second block of the
/// state holds the x̂₀ of the step before, so a run can be cut anywhere. Its grid must be the one
/// of [`times`](Self::times).
///
/// Source: Lu et al. 2022 (arXiv 2211.01095), midpoint form, lower order at the end, as in
/// diffusers.
#[derive(Clone, Debug, PartialEq)]
pub struct DpmSolver {
    table: LevelTable,
    levels: Vec<usize>,
}

impl DpmSolver {
    /// The solver on these levels, strictly decreasing to 0.
    ///
    /// # Errors
    /// [`Error::Levels`](crate::Error::Levels) if they do not.
    pub fn new(table: LevelTable, levels: Vec<usize>) -> Result<Self> {
        check_levels(&table, &levels)?;
        Ok(Self { table, levels })
    }

    /// The times of a run on its levels: n − level.
    pub fn times(&self) -> Vec<f64> {
        self.table.times(&self.levels)
    }
}

impl LinearDynamics for DpmSolver {
    fn layout(&self) -> Layout {
        Layout::with_memory()
    }

    fn transition(&self, start: f64, length: f64) -> Transition {
        let number = |time| self.table.number_at(time);
        let (Ok(from), Ok(to)) = (number(start), number(start + length)) else {
            // Outside the table: a run sees it, as its clock is an error there.
            return Transition::UNDEFINED;
        };
        let source = self.table.level(from);
        let goal = self.table.level(to);
        let half_snr = |level: Level| 0.5 * level.log_snr();
        let h = half_snr(goal) - half_snr(source);
        let weight = goal.signal() * -libm::expm1(-h);
        let propagator = goal.noise() / source.noise();
        let before =
            self.levels.iter().position(|level| *level == from).and_then(|i| i.checked_sub(1));
        let extrapolated = match before {
            Some(before) if to > 0 => {
                let r = (half_snr(source) - half_snr(self.table.level(self.levels[before]))) / h;
                0.5 / r
            }
            _ => 0.0,
        };
        Transition {
            propagator: [[propagator, -weight * extrapolated], [0.0, 0.0]],
            gain: [[weight * (1.0 + extrapolated), 0.0], [1.0, 0.0]],
            covariance: [[0.0; 2]; 2],
        }
    }

    fn is_autonomous(&self) -> bool {
        false
    }
}
