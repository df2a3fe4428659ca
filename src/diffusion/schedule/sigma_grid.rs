//! Grids by formulas for the noise σ: levels between the entries of a table.

use super::level::Level;
use super::table::LevelTable;
use crate::error::{Error, Result, count, positive};
use crate::math::beta;

/// How σ changes over a grid. N is the number of steps, and u = j/(N−1) goes from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SigmaRule {
    /// σ^(1/ρ) along a line (Karras et al. 2022).
    Karras {
        /// ρ, customarily 7.
        rho: f64,
    },
    /// log σ along a line: equal steps in log-SNR.
    Exponential,
    /// log σ = log σ_min + (1 − u)^ρ log(σ_max/σ_min).
    Polyexponential {
        /// ρ; 1 is exponential.
        rho: f64,
    },
    /// σ = σ_min + F⁻¹(1 − u)(σ_max − σ_min), F of a beta distribution, as in diffusers.
    Beta {
        /// First shape, customarily 0.6.
        alpha: f64,
        /// Second shape, customarily 0.6.
        beta: f64,
    },
    /// The timesteps round(F⁻¹(1 − j/N)(n − 1)), as in ComfyUI. Repeated ones are left out.
    BetaTimesteps {
        /// First shape, customarily 0.6.
        alpha: f64,
        /// Second shape, customarily 0.6.
        beta: f64,
    },
    /// The timesteps (n − 1)(1 − j/N), between entries by log σ.
    SgmUniform,
    /// The timesteps n − 1 − ⌊j n/N⌋.
    Simple,
    /// The levels n (1 − j/N)^ρ, between entries by log σ: 1 is equal, 2 quadratic steps.
    Power {
        /// ρ, customarily 2.
        rho: f64,
    },
    /// The timesteps (n − 1)(1 − u), between entries by log σ.
    Normal,
    /// σ = tan((1 − u) atan σ_max + u atan σ_min).
    KlOptimal,
    /// t = s t₀/(1 + (s − 1) t₀) with t₀ = 1 − j/N and σ = t/(1 − t): the grid of flow matching.
    Shifted {
        /// The shift s. Default: that of a flow process, else 1.
        shift: Option<f64>,
    },
    /// The grid of diffusers for flow matching, where the shift s acts twice: the same map of N
    /// equally spaced t from sh(1) to sh(1/n).
    FlowLinspace {
        /// The last t to which the grid is stretched, if any.
        terminal: Option<f64>,
    },
}

/// A grid by a formula for σ, between the σ of level n and that of level 1 or other ends.
///
/// On a flow process the formulas of [`Karras`](SigmaRule::Karras),
/// [`Exponential`](SigmaRule::Exponential), [`Polyexponential`](SigmaRule::Polyexponential) and
/// [`Beta`](SigmaRule::Beta) act on t in place of σ, as in other software.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SigmaGrid {
    /// How σ changes.
    pub rule: SigmaRule,
    /// The σ of the last noised level. Default: that of level 1.
    pub sigma_min: Option<f64>,
    /// The σ of the first level. Default: that of level n.
    pub sigma_max: Option<f64>,
}

/// The levels between which a grid is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'t> {
    /// The levels of the process, up to the one at which a run may begin.
    pub table: &'t LevelTable,
    /// The shift of a flow process, or `None` for another one.
    pub flow: Option<f64>,
}

impl Frame<'_> {
    /// The number that a formula acts on: t on a flow process, else σ.
    fn number(&self, level: Level) -> f64 {
        if self.flow.is_some() { level.flow_time() } else { level.sigma() }
    }

    fn level(&self, number: f64) -> Result<Level> {
        if self.flow.is_some() { Level::from_flow_time(number) } else { Level::from_sigma(number) }
    }
}

impl SigmaGrid {
    /// A grid by this rule, between the levels of the process.
    pub fn new(rule: SigmaRule) -> Self {
        Self { rule, sigma_min: None, sigma_max: None }
    }

    /// N + 1 levels from the noise to the clean end.
    pub(crate) fn levels(&self, frame: Frame<'_>, steps: usize) -> Result<Vec<Level>> {
        count("steps", steps, 1, LevelTable::MAX_LEVELS, "a whole number from 1 to 1000000")?;
        let (last, first) = self.ends(frame)?;
        let mut levels = self.noised(frame, [last, first], steps)?;
        // A first level beyond the table would be noisier than the process.
        if self.sigma_max.is_none() {
            let noisiest = frame.table.level(frame.table.len());
            levels
                .iter_mut()
                .filter(|level| **level < noisiest)
                .for_each(|level| *level = noisiest);
        }
        levels.dedup();
        levels.push(Level::CLEAN);
        Ok(levels)
    }

    /// The numbers of the last and the first noised level.
    fn ends(&self, frame: Frame<'_>) -> Result<(f64, f64)> {
        let given = |name, sigma: Option<f64>, level| match sigma {
            Some(sigma) => positive(name, sigma).and_then(Level::from_sigma),
            None => Ok(level),
        };
        let last = given("sigma min", self.sigma_min, frame.table.level(1))?;
        let first = given("sigma max", self.sigma_max, frame.table.level(frame.table.len()))?;
        if !(first < last) && frame.table.len() > 1 {
            let expected = "a number above sigma min".to_owned();
            let given = first.sigma().to_string();
            return Err(Error::Value { option: "sigma-max".into(), given, expected });
        }
        Ok((frame.number(last), frame.number(first)))
    }

    fn noised(
        &self,
        frame: Frame<'_>,
        [last, first]: [f64; 2],
        steps: usize,
    ) -> Result<Vec<Level>> {
        let n = frame.table.len() as f64;
        let size = steps as f64;
        let part = |j: usize| if steps > 1 { j as f64 / (size - 1.0) } else { 0.0 };
        let by_number = |number: &dyn Fn(f64) -> f64| -> Result<Vec<Level>> {
            let exact = |j: usize| match j {
                0 => first,
                j if j + 1 == steps => last,
                j => number(part(j)),
            };
            (0..steps).map(|j| frame.level(exact(j))).collect()
        };
        let by_timestep = |timestep: &dyn Fn(usize) -> f64| -> Result<Vec<Level>> {
            count("steps", steps, 1, frame.table.len(), "from 1 to the number of levels")?;
            (0..steps).map(|j| frame.table.between(timestep(j) + 1.0)).collect()
        };
        let ratio = libm::log(first / last);
        match self.rule {
            SigmaRule::Karras { rho } => {
                let [a, b] = [first, last].map(|x| libm::pow(x, 1.0 / rho));
                by_number(&|u| libm::pow(a + u * (b - a), rho))
            }
            SigmaRule::Exponential => by_number(&|u| last * libm::exp((1.0 - u) * ratio)),
            SigmaRule::Polyexponential { rho } => {
                by_number(&|u| last * libm::exp(libm::pow(1.0 - u, rho) * ratio))
            }
            SigmaRule::Beta { alpha, beta: other } => {
                by_number(&|u| last + beta::quantile(alpha, other, 1.0 - u) * (first - last))
            }
            SigmaRule::KlOptimal => {
                let [a, b] = [first, last].map(libm::atan);
                by_number(&|u| libm::tan((1.0 - u) * a + u * b))
            }
            SigmaRule::BetaTimesteps { alpha, beta: other } => {
                let timestep = |j: usize| {
                    let share = beta::quantile(alpha, other, 1.0 - j as f64 / size);
                    libm::rint(share * (n - 1.0))
                };
                by_timestep(&|j| timestep(j))
            }
            SigmaRule::SgmUniform => by_timestep(&|j| (n - 1.0) * (1.0 - j as f64 / size)),
            SigmaRule::Simple => by_timestep(&|j| n - 1.0 - (j as f64 * n / size).floor()),
            SigmaRule::Power { rho } => {
                by_timestep(&|j| n * libm::pow(1.0 - j as f64 / size, rho) - 1.0)
            }
            SigmaRule::Normal => by_timestep(&|j| (n - 1.0) * (1.0 - part(j))),
            SigmaRule::Shifted { shift } => {
                let shift = positive("shift", shift.or(frame.flow).unwrap_or(1.0))?;
                let time = |j: usize| shifted(shift, 1.0 - j as f64 / size);
                (0..steps).map(|j| Level::from_flow_time(time(j))).collect()
            }
            SigmaRule::FlowLinspace { terminal } => flow_linspace(frame, terminal, steps),
        }
    }
}

/// The time of flow matching after a shift: σ′ = s σ.
pub(crate) fn shifted(shift: f64, time: f64) -> f64 {
    shift * time / (1.0 + (shift - 1.0) * time)
}

fn flow_linspace(frame: Frame<'_>, terminal: Option<f64>, steps: usize) -> Result<Vec<Level>> {
    let Some(shift) = frame.flow else {
        return Err(Error::Value {
            option: "grid".into(),
            given: "flow-linspace".into(),
            expected: "a grid of sigma, as flow-linspace needs a flow process".into(),
        });
    };
    let last = shifted(shift, 1.0 / frame.table.len() as f64);
    let time = |j: usize| {
        let part = if steps > 1 { j as f64 / (steps as f64 - 1.0) } else { 0.0 };
        shifted(shift, 1.0 + part * (last - 1.0))
    };
    let mut times: Vec<f64> = (0..steps).map(time).collect();
    if let Some(end) = terminal {
        if !(end > 0.0 && end < 1.0) {
            let expected = "a number in (0, 1)";
            return Err(Error::Invalid { name: "terminal", given: end, expected });
        }
        let stretch = (1.0 - end) / (1.0 - times[steps - 1]);
        if stretch.is_finite() {
            times.iter_mut().for_each(|t| *t = 1.0 - (1.0 - *t) * stretch);
        }
    }
    times.into_iter().map(Level::from_flow_time).collect()
}

/// A given list of σ, from the noise to the data, at the points of N steps: its logarithm is
/// interpolated linearly in its index ("align your steps"). The last number is replaced by the
/// clean end.
pub(crate) fn interpolated(sigmas: &[f64], steps: usize) -> Result<Vec<Level>> {
    count("steps", steps, 1, LevelTable::MAX_LEVELS, "a whole number from 1 to 1000000")?;
    let mut logs = Vec::with_capacity(sigmas.len());
    for sigma in sigmas {
        logs.push(libm::log(positive("sigma", *sigma)?));
    }
    if logs.len() < 2 {
        let given = format!("{} numbers", logs.len());
        let expected = "at least two sigmas, from the noise to the data".into();
        return Err(Error::Value { option: "sigmas".into(), given, expected });
    }
    let intervals = (logs.len() - 1) as f64;
    let level = |j: usize| {
        let place = j as f64 * intervals / steps as f64;
        let at = (place as usize).min(logs.len() - 2);
        let part = place - at as f64;
        let log = if part == 0.0 { logs[at] } else { logs[at] + part * (logs[at + 1] - logs[at]) };
        Level::from_log_snr(-2.0 * log)
    };
    let mut levels: Vec<Level> = (0..steps).map(level).collect::<Result<_>>()?;
    levels.push(Level::CLEAN);
    Ok(levels)
}
