//! Methods in the order of their forecasts: which one to take for a budget.

use std::fmt;

use super::{Calibration, Forecast, Spectrum};
use crate::diffusion::method::Method;
use crate::diffusion::plan::Plan;
use crate::diffusion::process::Process;
use crate::diffusion::schedule::Level;
use crate::error::{Error, Result};

/// A method at a budget, with its forecast.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ranked {
    /// The budget of evaluations.
    pub budget: usize,
    /// The plan.
    pub plan: Plan,
    /// The forecast, with the calibration if there is one.
    pub forecast: Forecast,
    /// Its squared Fréchet distance to the data.
    pub frechet: f64,
    /// Its Kullback–Leibler divergence from the data, with variances of at least 1e-6 of the
    /// largest.
    pub divergence: f64,
}

/// Methods × budgets by their forecasts: budgets in the order given, and for each the best first.
/// It prints itself as a table.
///
/// ```
/// use langevin::diffusion::{Ranking, Spectrum};
/// use langevin::prelude::*;
///
/// let data = Spectrum::diagonal(vec![0.0, 0.0], vec![1.0, 0.01])?;
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let methods = [Method::named("ddim")?, Method::named("dpmpp2m")?];
/// let ranking = Ranking::new(&process, &methods, &[10, 20], &data, None)?;
/// assert_eq!(ranking.best(20).unwrap().plan.method().name(), "dpmpp2m");
/// println!("{ranking}");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// The rows.
    pub rows: Vec<Ranked>,
    /// Methods and budgets that have no forecast, and why.
    pub left_out: Vec<String>,
}

/// Variances below this part of the largest count as this much in a divergence.
const FLOOR: f64 = 1e-6;

impl Ranking {
    /// The forecasts of these methods at these budgets. A method that needs more evaluations than a
    /// budget has, or whose coins cannot be averaged, is left out.
    ///
    /// # Errors
    /// Those of [`Method::plan`] and [`Plan::forecast`] but the two that leave a method out.
    pub fn new(
        process: &Process,
        methods: &[Method],
        budgets: &[usize],
        data: &Spectrum,
        calibration: Option<&Calibration>,
    ) -> Result<Self> {
        let largest = data.variances().iter().fold(0.0f64, |most, v| most.max(*v));
        let mut rows = Vec::new();
        let mut left_out = Vec::new();
        for &budget in budgets {
            let mut own = Vec::new();
            for method in methods {
                let found = method.plan(process, budget).and_then(|plan| {
                    let forecast = plan.forecast(data)?;
                    Ok((plan, forecast))
                });
                let (plan, plain) = match found {
                    Ok(found) => found,
                    Err(error @ (Error::TooFew { .. } | Error::NotProbeable { .. })) => {
                        left_out.push(format!("{method} with {budget} evaluations: {error}"));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let forecast = match calibration {
                    Some(calibration) => calibration.apply(data, &plain),
                    None => plain,
                };
                let frechet = forecast.frechet(data);
                let divergence = forecast.divergence(data, FLOOR * largest);
                own.push(Ranked { budget, plan, forecast, frechet, divergence });
            }
            own.sort_by(|a, b| a.frechet.total_cmp(&b.frechet));
            rows.extend(own);
        }
        Ok(Self { rows, left_out })
    }

    /// The best row of a budget.
    pub fn best(&self, budget: usize) -> Option<&Ranked> {
        self.rows.iter().find(|row| row.budget == budget)
    }
}

impl Ranked {
    /// The visited levels as other programs accept them: 0-based timesteps, or where they lie
    /// between the levels of the process their σ, or t of flow matching.
    pub fn visits(&self) -> String {
        if let Some(timesteps) = self.plan.timesteps() {
            let texts: Vec<_> = timesteps.iter().map(ToString::to_string).collect();
            return format!("timesteps {}", texts.join(","));
        }
        let sigmas = self.plan.visited();
        let (_, noised) = sigmas.split_last().unwrap_or((&Level::CLEAN, &[]));
        if noised.is_empty() {
            return "steps in the time of the process".into();
        }
        // At the pure noise of a flow σ is infinite, and t is 1.
        let is_flow = matches!(self.plan.process(), Process::Flow(_));
        let number = |level: &Level| if is_flow { level.flow_time() } else { level.sigma() };
        let texts: Vec<_> = noised.iter().map(|level| format!("{:.6}", number(level))).collect();
        format!("{} {}", if is_flow { "times" } else { "sigmas" }, texts.join(","))
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |row: &Ranked| row.plan.method().to_string();
        let width = self.rows.iter().map(|row| label(row).len()).max().unwrap_or(0).max(6);
        let heads = ["Frechet", "divergence"];
        write!(
            f,
            "{:>11}  {:<width$}  {:>8}  {:>12}  {:>12}",
            "evaluations", "method", "expected", heads[0], heads[1]
        )?;
        let mut before = None;
        for row in &self.rows {
            if before.is_some_and(|budget| budget != row.budget) {
                writeln!(f)?;
            }
            before = Some(row.budget);
            let expected = row.plan.evaluations();
            write!(
                f,
                "\n{:>11}  {:<width$}  {expected:>8.2}  {:>12.4e}  {:>12.4e}",
                row.budget,
                label(row),
                row.frechet,
                row.divergence
            )?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Ranked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(8))?;
        map.serialize_entry("method", &self.plan.method().to_string())?;
        map.serialize_entry("budget", &self.budget)?;
        map.serialize_entry("planned_evaluations", &self.plan.evaluations())?;
        map.serialize_entry("frechet", &self.frechet)?;
        map.serialize_entry("divergence", &self.divergence)?;
        map.serialize_entry("timesteps", &self.plan.timesteps())?;
        let sigmas: Vec<f64> = self.plan.visited().iter().map(Level::sigma).collect();
        map.serialize_entry("sigmas", &sigmas)?;
        let times: Vec<f64> = self.plan.visited().iter().map(Level::flow_time).collect();
        map.serialize_entry("flow_times", &times)?;
        map.end()
    }
}
