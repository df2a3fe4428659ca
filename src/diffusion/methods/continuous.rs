//! The course of methods in continuous time: Ornstein–Uhlenbeck time, and a final denoising step.

use super::far::{LATEST_EXPLICIT, jumps};
use super::recipe::{Course, Price};
use super::visits::{Route, Visits, Walk};
use crate::diffusion::clock::Clock;
use crate::diffusion::dynamics::Jump;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::Process;
use crate::diffusion::samplers::{FinalDenoise, Jumps};
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler};

/// The course of a sampler that takes `cost` evaluations per step, through levels of a table.
pub(crate) fn course(
    method: &'static str,
    visits: &Visits,
    process: &Process,
    evaluations: Option<usize>,
    cost: usize,
) -> Result<Course> {
    // The last evaluation is the final denoising.
    let price = Price { each: cost, last: 1 };
    if let Some(given) = evaluations
        && given < price.of(2)
        && !visits.is_listed()
    {
        return Err(Error::TooFew { method, given, needed: price.of(2) });
    }
    let walk = Walk { method, price, latest: LATEST_EXPLICIT };
    let Route { table, levels } = visits.route(walk, process, evaluations)?;
    let horizon = table.level(levels[0]).ou_time();
    let knots = levels.iter().map(|level| horizon - table.level(*level).ou_time()).collect();
    let jumps = jumps(&table, &levels);
    // A jump has one evaluation.
    let saved = (cost - 1) * jumps.iter().filter(|jump| **jump).count();
    Ok(Course {
        predictor_steps: 0,
        jumps,
        grid: TimeGrid::from_knots(knots)?,
        clock: Clock::Reverse { horizon },
        wanted: Prediction::Score,
        later: None,
        evaluations: (price.of(levels.len() - 1) - saved) as f64,
        levels,
        table: Some(table),
    })
}

/// The sampler with its last step replaced by the posterior mean, and with jumps out of the far
/// noise.
pub(crate) fn denoised<F: Real>(
    sampler: impl Sampler<F> + 'static,
    jump: Jump,
    course: &Course,
) -> Result<Box<dyn Sampler<F>>> {
    let last = course.grid.time(course.grid.steps() - 1);
    let clock = course.clock.clone();
    if !course.jumps.contains(&true) {
        return Ok(Box::new(FinalDenoise::new(sampler, clock, last)?));
    }
    let sampler = Jumps::new(sampler, EulerMaruyama::new(jump), course.jumps.clone())?;
    Ok(Box::new(FinalDenoise::new(sampler, clock, last)?))
}
