//! The course of methods in continuous time: Ornstein–Uhlenbeck time, and a final denoising step.

use super::recipe::{Course, Price};
use super::visits::Visits;
use crate::diffusion::clock::Clock;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::samplers::FinalDenoise;
use crate::diffusion::schedule::LevelTable;
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::sampler::Sampler;

/// Ornstein–Uhlenbeck time at which runs in continuous time begin at the latest.
const LONGEST: f64 = 6.0;

/// The course of a sampler that takes `cost` evaluations per step, through levels of a table.
pub(crate) fn course(
    method: &'static str,
    visits: &Visits,
    table: &LevelTable,
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
    let mut levels = visits.levels(method, table, evaluations, price)?;
    // Far in the noise a table may jump by several units of OU time (cosine: 3.5 in its last step),
    // over which an explicit step multiplies errors by e^3.5. At t = 6 the distribution is a
    // standard normal up to e^−12 of its variance: start there.
    if visits.timesteps.is_none() && table.level(levels[0]).ou_time() > LONGEST {
        let short = |level: &usize| table.level(*level).ou_time() <= LONGEST;
        let first = (1..levels[0]).rev().find(short).unwrap_or(levels[0]);
        levels.retain(|level| *level <= first);
        if levels[0] < first {
            levels.insert(0, first);
        }
    }
    let horizon = table.level(levels[0]).ou_time();
    let knots = levels.iter().map(|level| horizon - table.level(*level).ou_time()).collect();
    Ok(Course {
        predictor_steps: 0,
        grid: TimeGrid::from_knots(knots)?,
        clock: Clock::Reverse { horizon },
        wanted: Prediction::Score,
        evaluations: price.of(levels.len() - 1) as f64,
        levels,
    })
}

/// The sampler with its last step replaced by the posterior mean.
pub(crate) fn denoised<F: Real>(
    sampler: impl Sampler<F> + 'static,
    course: &Course,
) -> Result<Box<dyn Sampler<F>>> {
    let last = course.grid.time(course.grid.steps() - 1);
    Ok(Box::new(FinalDenoise::new(sampler, course.clock.clone(), last)?))
}
