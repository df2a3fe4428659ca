//! The plan of every way to generate: levels, sampler, grid, clock.

use super::{Generation, GenerationMethod, GenerationOptions};
use crate::drift::{Clock, Prediction};
use crate::dynamics::{
    Ancestral, ContinuousDynamics, DpmSolver, ProbabilityFlow, ReverseSde, Underdamped,
};
use crate::error::{Error, Result, positive};
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::sampler::{
    EulerMaruyama, FinalDenoise, Heun, PhasePlan, PoissonMidpoint, PredictorCorrector,
    RandomizedMidpoint, Sampler, Selection,
};
use crate::schedule::{Level, LevelTable, Spacing, blocks, check_levels, from_timesteps};

/// Predictor steps of a predictor–corrector run at the most.
const MOST_STEPS: usize = 100_000;
/// Ornstein–Uhlenbeck time at which runs in continuous time begin at the most.
const LONGEST: f64 = 6.0;

/// What a method pays for `steps` steps: its evaluations.
type Price = fn(usize) -> usize;

/// The levels to visit in as many steps as the budget pays for, unless they are listed.
fn levels(
    entry: &GenerationMethod,
    table: &LevelTable,
    (evaluations, steps, price): (usize, usize, Price),
    options: &GenerationOptions,
) -> Result<Vec<usize>> {
    let listed = [options.grid.is_some(), options.timesteps.is_some(), options.blocks.is_some()];
    if listed.iter().filter(|given| **given).count() > 1 {
        return Err(Error::Clash { options: "grid, timesteps and blocks" });
    }
    let listed = match (&options.timesteps, &options.blocks) {
        (Some(timesteps), _) => Some(from_timesteps(table, timesteps)?),
        (_, Some(lengths)) => Some(blocks(table, lengths)?),
        _ => None,
    };
    let too_few = |needed| Error::TooFew { method: entry.name, given: evaluations, needed };
    if let Some(levels) = listed {
        if levels.len() - 1 > steps {
            return Err(too_few(price(levels.len() - 1)));
        }
        return Ok(levels);
    }
    if steps == 0 {
        return Err(too_few(price(1)));
    }
    let spacing = options.grid.unwrap_or(Spacing::Quadratic);
    let open = matches!(spacing, Spacing::LeadingOpen | Spacing::LinspaceOpen);
    let levels =
        spacing.levels(table, steps.min(table.len() - usize::from(open && table.len() > 1)))?;
    check_levels(table, &levels)?;
    Ok(levels)
}

/// The grid through levels of a table: time is n − level.
fn chain_grid(table: &LevelTable, levels: &[usize]) -> Result<TimeGrid> {
    TimeGrid::from_knots(table.times(levels))
}

pub(super) fn ancestral<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let levels = levels(entry, table, (evaluations, evaluations, |steps| steps), options)?;
    let dynamics = match entry.name {
        "ddim" => Ancestral::ddim(table.clone(), options.eta.unwrap_or(0.0))?,
        _ if options.large_variance == Some(true) => Ancestral::large(table.clone()),
        _ => Ancestral::small(table.clone()),
    };
    Ok(Generation {
        sampler: Box::new(EulerMaruyama::new(dynamics)),
        grid: chain_grid(table, &levels)?,
        clock: Clock::Chain(table.clone()),
        wanted: Prediction::Epsilon,
        evaluations: (levels.len() - 1) as f64,
        levels,
    })
}

pub(super) fn dpm_solver<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    // Other software means other levels by these two names here than in DDIM.
    let grid = options.grid.map(|grid| match grid {
        Spacing::Leading => Spacing::LeadingOpen,
        Spacing::Linspace => Spacing::LinspaceOpen,
        other => other,
    });
    let options = GenerationOptions { grid, ..options.clone() };
    let levels = levels(entry, table, (evaluations, evaluations, |steps| steps), &options)?;
    Ok(Generation {
        sampler: Box::new(EulerMaruyama::new(DpmSolver::new(table.clone(), levels.clone())?)),
        grid: chain_grid(table, &levels)?,
        clock: Clock::Chain(table.clone()),
        wanted: Prediction::Data,
        evaluations: (levels.len() - 1) as f64,
        levels,
    })
}

pub(super) fn heun<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    // Two evaluations per step but for the last.
    let levels = levels(
        entry,
        table,
        (evaluations, evaluations.div_ceil(2), |steps| 2 * steps - 1),
        options,
    )?;
    Ok(Generation {
        sampler: Box::new(Heun::new(table.clone())),
        grid: chain_grid(table, &levels)?,
        clock: Clock::Chain(table.clone()),
        wanted: Prediction::Data,
        evaluations: (2 * (levels.len() - 1) - 1) as f64,
        levels,
    })
}

pub(super) fn poisson<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let levels = levels(entry, table, (evaluations, evaluations / 2, |steps| 2 * steps), options)?;
    let chain = if options.large_variance == Some(true) {
        Ancestral::large(table.clone())
    } else {
        Ancestral::small(table.clone())
    };
    let selection = if entry.name == "pmm1" { Selection::Bernoulli } else { Selection::Single };
    let sampler = PoissonMidpoint::on_chain(chain).with_selection(selection);
    let sampler = sampler.with_noise_scale(options.noise_scale.unwrap_or(1.0))?;
    let expected = levels.windows(2).map(|pair| 2.0 - 1.0 / (pair[0] - pair[1]) as f64).sum();
    Ok(Generation {
        sampler: Box::new(sampler),
        grid: chain_grid(table, &levels)?,
        clock: Clock::Chain(table.clone()),
        wanted: Prediction::Epsilon,
        evaluations: expected,
        levels,
    })
}

fn midpoint<D: ContinuousDynamics>(
    dynamics: D,
    windows: usize,
    rounds: usize,
    options: &GenerationOptions,
) -> Result<RandomizedMidpoint<D>> {
    let sampler = RandomizedMidpoint::new(dynamics).with_windows(windows)?.with_rounds(rounds)?;
    match options.tolerance {
        Some(tolerance) => sampler.with_tolerance(tolerance),
        None => Ok(sampler),
    }
}

pub(super) fn continuous<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let sampler: Box<dyn Sampler<F>> = if entry.name == "em" {
        Box::new(EulerMaruyama::new(ReverseSde))
    } else {
        let (windows, rounds) = (options.windows.unwrap_or(1), options.rounds.unwrap_or(0));
        let sampler = midpoint(ProbabilityFlow, windows, rounds, options)?;
        Box::new(sampler.with_control_variate(options.control_variate))
    };
    let cost = sampler.evaluations_per_step() as usize;
    if evaluations < cost + 1 {
        return Err(Error::TooFew { method: entry.name, given: evaluations, needed: cost + 1 });
    }
    // The last evaluation is the final denoising.
    let mut levels =
        levels(entry, table, (evaluations, (evaluations - 1) / cost + 1, |steps| steps), options)?;
    // Far in the noise a table may jump by several units of OU time (cosine: 3.5 in its last step),
    // over which an explicit step multiplies errors by e^3.5. At t = 6 the law is a standard normal
    // but for e^−12 of its variance: start there.
    if options.timesteps.is_none() && table.level(levels[0]).ou_time() > LONGEST {
        let first = (1..levels[0])
            .rev()
            .find(|level| table.level(*level).ou_time() <= LONGEST)
            .unwrap_or(levels[0]);
        levels.retain(|level| *level <= first);
        if levels[0] < first {
            levels.insert(0, first);
        }
    }
    let horizon = table.level(levels[0]).ou_time();
    let knots: Vec<f64> =
        levels.iter().map(|level| horizon - table.level(*level).ou_time()).collect();
    let steps = levels.len() - 1;
    let clock = Clock::Reverse { horizon };
    let last = knots[steps - 1];
    Ok(Generation {
        sampler: Box::new(FinalDenoise::new(sampler, clock.clone(), last)?),
        grid: TimeGrid::from_knots(knots)?,
        clock,
        wanted: Prediction::Score,
        evaluations: ((steps - 1) * cost + 1) as f64,
        levels,
    })
}

pub(super) fn predictor_corrector<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let parallel = entry.name == "pc-parallel";
    let (windows, rounds) =
        if parallel { (options.windows.unwrap_or(4), options.rounds.unwrap_or(2)) } else { (1, 0) };
    let horizon = table.level(table.len()).ou_time();
    let end = positive("end time", options.end_time.unwrap_or(table.level(1).ou_time()))?;
    let corrector_time = options.corrector_time.unwrap_or(1.0);
    let corrector_step = options.corrector_step.unwrap_or(if parallel { 0.5 } else { 0.2 });
    let friction = options.friction.unwrap_or(2.0);
    // About one corrector for half a unit of Ornstein–Uhlenbeck time, as many predictor steps as
    // the budget allows.
    const PHASE: f64 = 0.5;
    let build = |predictor_steps: usize| -> Result<PredictorCorrector<F>> {
        let predictor = Box::new(midpoint(ProbabilityFlow, windows, rounds, options)?);
        let corrector = |time: f64| -> Result<Box<dyn Sampler<F>>> {
            let dynamics =
                Underdamped::new(friction, Level::from_ou_time(time)?.one_minus_alpha_bar())?;
            Ok(if parallel {
                Box::new(midpoint(dynamics, windows, rounds, options)?)
            } else {
                Box::new(EulerMaruyama::new(dynamics))
            })
        };
        let step = (horizon - end) / predictor_steps as f64;
        let steps_per_phase = ((PHASE / step).round() as usize).clamp(1, predictor_steps);
        let plan = PhasePlan {
            horizon,
            end,
            predictor_steps,
            steps_per_phase,
            corrector_time,
            corrector_step,
        };
        PredictorCorrector::new(predictor, corrector, plan)
    };
    // The total rises with the number of predictor steps but for the rounding of the phases, so
    // bisection finds the most that fit, give or take a phase; what is planned is what is checked.
    let cost = |steps: usize| build(steps).map(|pc| pc.evaluations());
    let budget = evaluations as f64;
    let fewest = cost(1)?;
    if fewest > budget {
        return Err(Error::TooFew {
            method: entry.name,
            given: evaluations,
            needed: fewest.ceil() as usize,
        });
    }
    let (mut best, mut above) = (1, evaluations.min(MOST_STEPS) + 1);
    while above - best > 1 {
        let middle = best + (above - best) / 2;
        if cost(middle)? <= budget {
            best = middle;
        } else {
            above = middle;
        }
    }
    let sampler = build(best)?;
    Ok(Generation {
        grid: sampler.grid()?,
        evaluations: sampler.evaluations(),
        sampler: Box::new(sampler),
        clock: Clock::Reverse { horizon },
        wanted: Prediction::Score,
        levels: Vec::new(),
    })
}
