//! Heun's method on the probability flow.

use super::far::{LATEST_EXPLICIT, jumps, with_jumps};
use super::recipe::{Choice, Course, DATA, MethodInfo, Price, Recipe, choice};
use super::visits::{Route, Visits, Walk};
use crate::diffusion::dynamics::Jump;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::{Churn, Heun};
use crate::error::{Error, Result};
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler};

const CHURN: OptionInfo = OptionInfo::new(
    "churn",
    "S",
    "Noise that heun adds before its steps, over all of them, as a multiple of sigma [default: 0]",
);
const CHURN_MIN: OptionInfo =
    OptionInfo::new("churn-min", "SIGMA", "Least sigma of steps with churn [default: 0]");
const CHURN_MAX: OptionInfo =
    OptionInfo::new("churn-max", "SIGMA", "Largest sigma of steps with churn [default: inf]");
const CHURN_NOISE: OptionInfo = OptionInfo::new(
    "churn-noise",
    "S",
    "Standard deviation of the noise of churn, as a multiple of what the levels say [default: 1]",
);

/// Heun's method: two evaluations per step, one for the last and for a jump out of the far noise.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HeunFlow {
    /// The levels that are visited.
    pub visits: Visits,
    /// Noise that is added before the steps, over all of them. Default 0.
    pub churn: Option<f64>,
    /// The least σ of steps with churn. Default 0.
    pub churn_min: Option<f64>,
    /// The largest σ of steps with churn. Default ∞.
    pub churn_max: Option<f64>,
    /// The standard deviation of that noise, as a multiple of what the levels say. Default 1.
    pub churn_noise: Option<f64>,
}

impl HeunFlow {
    /// The churn, if it is asked for.
    fn churn(&self) -> Result<Option<Churn>> {
        let others = [self.churn_min, self.churn_max, self.churn_noise];
        let Some(amount) = self.churn else {
            return match others.iter().any(Option::is_some) {
                true => Err(Error::Missing { option: "churn", by: "its range and noise".into() }),
                false => Ok(None),
            };
        };
        let plain = Churn::new(amount);
        Ok(Some(Churn {
            min: self.churn_min.unwrap_or(plain.min),
            max: self.churn_max.unwrap_or(plain.max),
            noise: self.churn_noise.unwrap_or(plain.noise),
            ..plain
        }))
    }
}

impl Recipe for HeunFlow {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "heun"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: "Heun's method on the probability flow (EDM)",
            source: "Karras et al. 2022, arXiv 2206.00364",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        9
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = self.visits.choices();
        all.push(choice(&CHURN, DATA, &mut self.churn));
        all.push(choice(&CHURN_MIN, DATA, &mut self.churn_min));
        all.push(choice(&CHURN_MAX, DATA, &mut self.churn_max));
        all.push(choice(&CHURN_NOISE, DATA, &mut self.churn_noise));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let price = Price { each: 2, last: 1 };
        let walk = Walk { method: self.name(), price, latest: LATEST_EXPLICIT };
        let mut route = self.visits.route(walk, process, evaluations)?;
        if let Some(churn) = self.churn()? {
            let heun = Heun::with_churn(&route.table, &route.levels, churn)?;
            route = Route { table: heun.table, levels: heun.levels };
        }
        let jumps = jumps(&route.table, &route.levels);
        // A jump has one evaluation.
        let saved = jumps.iter().filter(|jump| **jump).count();
        let evaluations = (price.of(route.levels.len() - 1) - saved) as f64;
        Ok(Course { jumps, ..route.course(Prediction::Data, evaluations)? })
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let table = course.table()?;
        let heun = match self.churn()? {
            // The levels that churn leads up to are in the table already, so it stays as it is.
            Some(churn) => Heun::with_churn(table, &course.levels, churn)?.sampler,
            None => Heun::new(table.clone()),
        };
        let jump = Jump::on_flow(course.clock.clone(), course.wanted)?;
        with_jumps(heun, EulerMaruyama::new(jump), &course.jumps)
    }
}
