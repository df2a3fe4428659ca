//! Generation by name and budget: which sampler, grid, clock and prediction a method of the diffusion literature needs.

use crate::drift::{Clock, Prediction};
use crate::dynamics::{Ancestral, ContinuousDynamics, DpmSolver, ProbabilityFlow, ReverseSde, Underdamped};
use crate::error::{Error, Result, positive};
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::sampler::{
    EulerMaruyama, FinalDenoise, Heun, PhasePlan, PoissonMidpoint, PredictorCorrector, RandomizedMidpoint, Sampler,
    Selection,
};
use crate::schedule::{Level, LevelTable, Spacing, blocks, check_levels, from_timesteps};

/// What is known about a way to generate before it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerationMethod {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub title: &'static str,
    /// The options it takes, as spelled on the command line.
    pub options: &'static [&'static str],
    /// The least number of evaluations it works with, for default options.
    pub least: usize,
    /// Where it comes from.
    pub source: &'static str,
}

/// All ways to generate.
pub const GENERATION_METHODS: [GenerationMethod; 10] = [
    GenerationMethod {
        name: "ddpm",
        title: "DDPM ancestral sampling, re-spaced where levels are skipped",
        options: &["grid", "timesteps", "variance"],
        least: 1,
        source: "Ho et al. 2020, arXiv 2006.11239",
    },
    GenerationMethod {
        name: "ddim",
        title: "DDIM; deterministic for eta 0",
        options: &["grid", "timesteps", "eta"],
        least: 1,
        source: "Song, Meng & Ermon 2020, arXiv 2010.02502",
    },
    GenerationMethod {
        name: "dpmpp2m",
        title: "DPM-Solver++(2M), two-step solver of the probability flow",
        options: &["grid", "timesteps"],
        least: 1,
        source: "Lu et al. 2022, arXiv 2211.01095",
    },
    GenerationMethod {
        name: "heun",
        title: "Heun's method on the probability flow (EDM)",
        options: &["grid", "timesteps"],
        least: 1,
        source: "Karras et al. 2022, arXiv 2206.00364",
    },
    GenerationMethod {
        name: "em",
        title: "Euler-Maruyama (exponential) on the reverse SDE, with a final denoising step",
        options: &["grid", "timesteps"],
        least: 2,
        source: "Song et al. 2021, arXiv 2011.13456",
    },
    GenerationMethod {
        name: "pmm1",
        title: "Poisson midpoint on the DDPM chain, option 1: a step is a block of levels",
        options: &["grid", "timesteps", "blocks", "variance", "noise-scale"],
        least: 2,
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    GenerationMethod {
        name: "pmm2",
        title: "Poisson midpoint on the DDPM chain, option 2",
        options: &["grid", "timesteps", "blocks", "variance", "noise-scale"],
        least: 2,
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    GenerationMethod {
        name: "rm",
        title: "randomized midpoint on the probability flow, with a final denoising step",
        options: &["grid", "timesteps", "windows", "rounds", "tolerance", "control-variate"],
        least: 3,
        source: "Gupta, Cai & Chen 2024, arXiv 2406.00924",
    },
    GenerationMethod {
        name: "pc",
        title: "predictor-corrector: randomized midpoint on the flow, then ULMC, phase by phase",
        options: &["corrector-time", "corrector-step", "friction", "end-time"],
        least: 0,
        source: "Gupta, Cai & Chen 2024, Algorithms 1-3",
    },
    GenerationMethod {
        name: "pc-parallel",
        title: "the same with windows in parallel and Picard rounds in both",
        options: &["windows", "rounds", "tolerance", "corrector-time", "corrector-step", "friction", "end-time"],
        least: 0,
        source: "Gupta, Cai & Chen 2024, Algorithms 4-6",
    },
];

/// Options of generation; what is not given takes its default, what a method does not take is an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerationOptions {
    /// Spread of the visited levels. Default: equal for `ddpm` and `em`, quadratic for the others.
    pub grid: Option<Spacing>,
    /// Lengths of the blocks of a Poisson midpoint, from the noise to the data.
    pub blocks: Option<Vec<usize>>,
    /// The exact 0-based training timesteps at which the model is evaluated, decreasing.
    pub timesteps: Option<Vec<usize>>,
    /// `true` for the large variance β of DDPM. Default: the posterior's.
    pub large_variance: Option<bool>,
    /// η of DDIM. Default 0.
    pub eta: Option<f64>,
    /// Noise scale ρ of the Poisson midpoint. Default 1.
    pub noise_scale: Option<f64>,
    /// Windows R of randomized midpoints. Default 1; 4 for `pc-parallel`.
    pub windows: Option<usize>,
    /// Picard rounds P. Default 0; 2 for `pc-parallel`.
    pub rounds: Option<usize>,
    /// Tolerance that stops the rounds of a chain early. Default: none.
    pub tolerance: Option<f64>,
    /// Control variate of the randomized midpoint. Default: without.
    pub control_variate: bool,
    /// Time of Langevin dynamics in each corrector, with inverse mass 1 − ᾱ at its level. Default 1.
    pub corrector_time: Option<f64>,
    /// Length of a corrector step. Default 0.2 (0.5 for `pc-parallel`).
    pub corrector_step: Option<f64>,
    /// Friction of the corrector. Default 2.
    pub friction: Option<f64>,
    /// Ornstein–Uhlenbeck time at which predictor–corrector runs end. Default: that of level 1.
    pub end_time: Option<f64>,
}

impl GenerationOptions {
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("grid", self.grid.is_some()),
            ("blocks", self.blocks.is_some()),
            ("timesteps", self.timesteps.is_some()),
            ("variance", self.large_variance.is_some()),
            ("eta", self.eta.is_some()),
            ("noise-scale", self.noise_scale.is_some()),
            ("windows", self.windows.is_some()),
            ("rounds", self.rounds.is_some()),
            ("tolerance", self.tolerance.is_some()),
            ("control-variate", self.control_variate),
            ("corrector-time", self.corrector_time.is_some()),
            ("corrector-step", self.corrector_step.is_some()),
            ("friction", self.friction.is_some()),
            ("end-time", self.end_time.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

/// A planned generation: run `sampler` over `grid`, with [`Denoised`](crate::Denoised)`::new(model, clock, wanted)` as
/// drift, from a standard normal.
pub struct Generation<F: Real> {
    /// The sampler.
    pub sampler: Box<dyn Sampler<F>>,
    /// Its grid.
    pub grid: TimeGrid,
    /// Which level belongs to which time.
    pub clock: Clock,
    /// What the sampler asks of the model.
    pub wanted: Prediction,
    /// Levels visited, from the noise to the data, where the method visits levels of the table.
    pub levels: Vec<usize>,
    /// Expected evaluations per chain, at most the budget; the most there can be where a tolerance may save some.
    pub evaluations: f64,
}

/// Plans a generation with at most `evaluations` model evaluations per chain in expectation.
///
/// ```
/// use langevin::generation::{GenerationOptions, plan};
/// use langevin::ndarray::array;
/// use langevin::*;
///
/// let data = GaussianMixture::isotropic(array![[-1.0, 0.0], [1.0, 0.0]].view(), 0.1)?;
/// let model = DiffusedMixture::new(data);
/// let table = LevelTable::named("linear", 1000)?;
/// let generation = plan::<f64>("pmm2", &table, 50, &GenerationOptions::default())?;
/// let drift = Denoised::new(&model, generation.clock, generation.wanted)?;
/// let samples = Run::new(&*generation.sampler, &drift, generation.grid).chains(100).run()?;
/// assert!(samples.evaluations_per_chain() <= 50.0);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for a method that is not in the list, [`Error::NotTaken`] for an option it does not take,
/// [`Error::TooFew`] if the budget is too small, and whatever the parts refuse.
pub fn plan<F: Real>(
    method: &str,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let Some(entry) = GENERATION_METHODS.iter().find(|entry| entry.name == method) else {
        let known = GENERATION_METHODS.map(|entry| entry.name).join(", ");
        return Err(Error::Unknown { what: "method", given: method.into(), known });
    };
    for option in options.given() {
        if !entry.options.contains(&option) {
            return Err(Error::NotTaken { option, by: entry.name });
        }
    }
    match entry.name {
        "ddpm" | "ddim" => ancestral(entry, table, evaluations, options),
        "dpmpp2m" => dpm_solver(entry, table, evaluations, options),
        "heun" => heun(entry, table, evaluations, options),
        "pmm1" | "pmm2" => poisson(entry, table, evaluations, options),
        "em" | "rm" => continuous(entry, table, evaluations, options),
        "pc" | "pc-parallel" => predictor_corrector(entry, table, evaluations, options),
        _ => Err(Error::Unknown { what: "method", given: method.into(), known: String::new() }),
    }
}

/// The levels to visit, in `steps` steps unless they are listed.
fn levels(
    entry: &GenerationMethod,
    table: &LevelTable,
    steps: usize,
    default: Spacing,
    options: &GenerationOptions,
) -> Result<Vec<usize>> {
    let listed = [options.grid.is_some(), options.timesteps.is_some(), options.blocks.is_some()];
    if listed.iter().filter(|given| **given).count() > 1 {
        let expected = "only one of grid, timesteps and blocks";
        return Err(Error::Invalid { name: "ways to name the levels", given: 2.0, expected });
    }
    let listed = match (&options.timesteps, &options.blocks) {
        (Some(timesteps), _) => Some(from_timesteps(table, timesteps)?),
        (_, Some(lengths)) => Some(blocks(table, lengths)?),
        _ => None,
    };
    if let Some(levels) = listed {
        if levels.len() - 1 > steps {
            return Err(too_few(entry, steps, levels.len() - 1));
        }
        return Ok(levels);
    }
    let spacing = options.grid.unwrap_or(default);
    let levels = spacing.levels(table, steps.min(table.len()))?;
    check_levels(table, &levels)?;
    Ok(levels)
}

fn too_few(entry: &GenerationMethod, steps: usize, needed: usize) -> Error {
    Error::TooFew { method: entry.name, steps, needed }
}

/// The grid through levels of a table: time is n − level.
fn chain_grid(table: &LevelTable, levels: &[usize]) -> Result<TimeGrid> {
    TimeGrid::from_knots(levels.iter().map(|level| (table.len() - level) as f64).collect())
}

fn least(entry: &GenerationMethod, steps: usize) -> Result<usize> {
    if steps == 0 { Err(too_few(entry, 0, 1)) } else { Ok(steps) }
}

fn ancestral<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let default = if entry.name == "ddpm" { Spacing::Equal } else { Spacing::Quadratic };
    let levels = levels(entry, table, least(entry, evaluations)?, default, options)?;
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

fn dpm_solver<F: Real>(
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
    let levels = levels(entry, table, least(entry, evaluations)?, Spacing::Quadratic, &options)?;
    Ok(Generation {
        sampler: Box::new(EulerMaruyama::new(DpmSolver::new(table.clone(), levels.clone())?)),
        grid: chain_grid(table, &levels)?,
        clock: Clock::Chain(table.clone()),
        wanted: Prediction::Data,
        evaluations: (levels.len() - 1) as f64,
        levels,
    })
}

fn heun<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    // Two evaluations per step but for the last.
    let levels = levels(entry, table, least(entry, evaluations.div_ceil(2))?, Spacing::Quadratic, options)?;
    Ok(Generation {
        sampler: Box::new(Heun::new(table.clone())),
        grid: chain_grid(table, &levels)?,
        clock: Clock::Chain(table.clone()),
        wanted: Prediction::Data,
        evaluations: (2 * (levels.len() - 1) - 1) as f64,
        levels,
    })
}

fn poisson<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    if evaluations < 2 {
        return Err(Error::TooFew { method: entry.name, steps: evaluations, needed: 2 });
    }
    let levels = levels(entry, table, evaluations / 2, Spacing::Quadratic, options)?;
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

fn continuous<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let (sampler, default): (Box<dyn Sampler<F>>, _) = if entry.name == "em" {
        (Box::new(EulerMaruyama::new(ReverseSde)), Spacing::Equal)
    } else {
        let (windows, rounds) = (options.windows.unwrap_or(1), options.rounds.unwrap_or(0));
        let sampler = midpoint(ProbabilityFlow, windows, rounds, options)?;
        (Box::new(sampler.with_control_variate(options.control_variate)), Spacing::Quadratic)
    };
    let cost = sampler.evaluations_per_step() as usize;
    if evaluations < cost + 1 {
        return Err(Error::TooFew { method: entry.name, steps: evaluations, needed: cost + 1 });
    }
    // The last evaluation is the final denoising.
    let levels = levels(entry, table, (evaluations - 1) / cost + 1, default, options)?;
    let horizon = table.level(levels[0]).ou_time();
    let knots: Vec<f64> = levels.iter().map(|level| horizon - table.level(*level).ou_time()).collect();
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

fn predictor_corrector<F: Real>(
    entry: &GenerationMethod,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let parallel = entry.name == "pc-parallel";
    let (windows, rounds) = if parallel { (options.windows.unwrap_or(4), options.rounds.unwrap_or(2)) } else { (1, 0) };
    let horizon = table.level(table.len()).ou_time();
    let end = positive("end time", options.end_time.unwrap_or(table.level(1).ou_time()))?;
    let corrector_time = options.corrector_time.unwrap_or(1.0);
    let corrector_step = options.corrector_step.unwrap_or(if parallel { 0.5 } else { 0.2 });
    let friction = options.friction.unwrap_or(2.0);
    // About one corrector for half a unit of Ornstein–Uhlenbeck time, as many predictor steps as the budget allows.
    const PHASE: f64 = 0.5;
    let build = |predictor_steps: usize| -> Result<PredictorCorrector<F>> {
        let predictor = Box::new(midpoint(ProbabilityFlow, windows, rounds, options)?);
        let corrector = |time: f64| -> Result<Box<dyn Sampler<F>>> {
            let dynamics = Underdamped::new(friction, Level::from_ou_time(time)?.one_minus_alpha_bar())?;
            Ok(if parallel {
                Box::new(midpoint(dynamics, windows, rounds, options)?)
            } else {
                Box::new(EulerMaruyama::new(dynamics))
            })
        };
        let step = (horizon - end) / predictor_steps as f64;
        let steps_per_phase = ((PHASE / step).round() as usize).max(1);
        let plan = PhasePlan { horizon, end, predictor_steps, steps_per_phase, corrector_time, corrector_step };
        PredictorCorrector::new(predictor, corrector, plan)
    };
    // The most predictor steps whose total stays in the budget. Rounding of the phases makes the total rise unevenly, so
    // the search goes on for a while after the first that costs too much.
    let cost = |steps: usize| build(steps).map(|pc| pc.evaluations());
    let budget = evaluations as f64;
    let mut best = 0;
    for steps in 1..=evaluations.max(1) {
        if cost(steps)? <= budget {
            best = steps;
        } else if steps > 4 * best + 64 {
            break;
        }
    }
    if best == 0 {
        let needed = (1..64).filter_map(|steps| cost(steps).ok()).fold(f64::INFINITY, f64::min).ceil() as usize;
        return Err(Error::TooFew { method: entry.name, steps: evaluations, needed });
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
