//! Generation along a phase-space diffusion: the list of methods, their options, and their plans.

use super::GenerationMethod;
use crate::dynamics::{Linearized, Noiseless, PsldFlow, ReversePsld};
use crate::error::{Error, Result, count};
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::sampler::{
    EulerMaruyama, PoissonMidpoint, PositionNoise, RandomizedMidpoint, Sampler, Selection,
    Splitting, Switch, SymmetricSplitting,
};
use crate::schedule::{Beta, Psld};

const SPLIT: &[&str] = &["grid", "end-time"];
const REDUCED: &[&str] = &["grid", "end-time", "lambda-s", "noise-form"];
const POISSON: &[&str] = &["grid", "end-time", "substeps", "noise-scale"];
const PAPER: &str = "Pandey, Rudolph & Mandt 2024, arXiv 2402.07211";

const fn entry(
    name: &'static str,
    title: &'static str,
    options: &'static [&'static str],
    least: usize,
    source: &'static str,
) -> GenerationMethod {
    GenerationMethod { name, title, options, least, source }
}

/// All ways to generate along a phase-space diffusion.
pub const PHASE_METHODS: [GenerationMethod; 12] = [
    entry(
        "em",
        "Euler-Maruyama in the plain sense on the reverse SDE",
        SPLIT,
        2,
        "Song et al. 2021, arXiv 2011.13456",
    ),
    entry(
        "ei",
        "exponential integrator: Euler-Maruyama with the linear part exact",
        SPLIT,
        2,
        "classical",
    ),
    entry(
        "sscs",
        "symmetric splitting, Gaussian part exact",
        SPLIT,
        2,
        "Dockhorn, Vahdat & Kreis 2022, arXiv 2112.07068",
    ),
    entry("oba", "naive splitting O B A", SPLIT, 3, PAPER),
    entry("bao", "naive splitting B A O", SPLIT, 3, PAPER),
    entry("obab", "naive splitting O B A B", SPLIT, 4, PAPER),
    entry("roba", "reduced splitting O B A, one score for B and A", REDUCED, 2, PAPER),
    entry("rbao", "reduced splitting B A O, one score for B and A", REDUCED, 2, PAPER),
    entry(
        "robab",
        "reduced splitting O B A B, the last B with a score of its own",
        REDUCED,
        3,
        PAPER,
    ),
    entry(
        "pmm1",
        "Poisson midpoint on the reverse SDE, option 1",
        POISSON,
        3,
        "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    ),
    entry(
        "pmm2",
        "Poisson midpoint on the reverse SDE, option 2",
        POISSON,
        3,
        "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    ),
    entry(
        "rm",
        "randomized midpoint on the probability flow",
        &["grid", "end-time", "windows", "rounds", "tolerance", "control-variate"],
        3,
        "Gupta, Cai & Chen 2024, arXiv 2406.00924",
    ),
];

/// How the steps are spread over the time t of the process, from 1 down to the end time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhaseGrid {
    /// Equal steps.
    #[default]
    Uniform,
    /// Steps that shrink towards the data: the time left is ε + (1 − ε)(1 − i/N)².
    Quadratic,
}

impl PhaseGrid {
    /// The grid of this name: `uniform` or `quadratic`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "uniform" => Ok(Self::Uniform),
            "quadratic" => Ok(Self::Quadratic),
            _ => Err(Error::Unknown {
                what: "grid",
                given: name.into(),
                known: "uniform, quadratic".into(),
            }),
        }
    }
}

/// Whether λ_s scales the noise of a step, or the noise that the time left would give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoiseForm {
    /// 1 − e^(−Γλh).
    #[default]
    Step,
    /// 1 − e^(−Γλτ̄), τ̄ left in the middle of the step.
    Remaining,
}

impl NoiseForm {
    /// The form of this name: `step` or `remaining`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "step" => Ok(Self::Step),
            "remaining" => Ok(Self::Remaining),
            _ => Err(Error::Unknown {
                what: "noise form",
                given: name.into(),
                known: "step, remaining".into(),
            }),
        }
    }
}

/// Options of generation along a phase-space diffusion; what is not given takes its default, what a
/// method does not take is an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PhaseOptions {
    /// Spread of the steps. Default: uniform.
    pub grid: Option<PhaseGrid>,
    /// Time ε in (0, 1) at which the steps end; one deterministic step of length ε follows. Default
    /// 1e-3.
    pub end_time: Option<f64>,
    /// λ_s of reduced samplers. Default 1: exact.
    pub lambda_s: Option<f64>,
    /// What λ_s scales. Default: the noise of the step.
    pub noise_form: Option<NoiseForm>,
    /// Sub-steps K of the Poisson midpoint. Default 16.
    pub substeps: Option<usize>,
    /// Noise scale ρ of the Poisson midpoint. Default 1.
    pub noise_scale: Option<f64>,
    /// Windows R of the randomized midpoint. Default 1.
    pub windows: Option<usize>,
    /// Picard rounds P. Default 0.
    pub rounds: Option<usize>,
    /// Tolerance that stops the rounds of a chain early. Default: none.
    pub tolerance: Option<f64>,
    /// Control variate of the randomized midpoint. Default: without.
    pub control_variate: bool,
}

impl PhaseOptions {
    fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("grid", self.grid.is_some()),
            ("end-time", self.end_time.is_some()),
            ("lambda-s", self.lambda_s.is_some()),
            ("noise-form", self.noise_form.is_some()),
            ("substeps", self.substeps.is_some()),
            ("noise-scale", self.noise_scale.is_some()),
            ("windows", self.windows.is_some()),
            ("rounds", self.rounds.is_some()),
            ("tolerance", self.tolerance.is_some()),
            ("control-variate", self.control_variate),
        ]
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| name)
    }
}

/// A planned generation along a phase-space diffusion: run `sampler` over `grid`, with
/// [`PhaseDenoised`](crate::PhaseDenoised)`::new(model, process, horizon)` as drift, from a
/// standard normal position (momenta are drawn from the prior).
pub struct PhaseGeneration<F: Real> {
    /// The sampler.
    pub sampler: Box<dyn Sampler<F>>,
    /// Its grid, in the clock τ.
    pub grid: TimeGrid,
    /// τ at the start, ∫₀¹ β.
    pub horizon: f64,
    /// Expected evaluations per chain, the last step included; the most there can be where a
    /// tolerance may save some.
    pub evaluations: f64,
}

/// Plans a generation with at most `evaluations` model evaluations per chain in expectation. One of
/// them is the last step, of length ε and without noise; the rest, divided by the evaluations per
/// step and rounded down, are the steps.
///
/// ```
/// use langevin::generation::{PhaseOptions, plan_phase};
/// use langevin::ndarray::array;
/// use langevin::schedule::Beta;
/// use langevin::*;
///
/// let data = DiffusedMixture::new(GaussianMixture::isotropic(array![[-1.0, 0.0], [1.0, 0.0]].view(), 0.1)?);
/// let process = Psld::PAPER;
/// let plan = plan_phase::<f64>("roba", process, Beta::constant(8.0)?, 50, &PhaseOptions::default())?;
/// let model = Lifted::new(&data, process);
/// let drift = PhaseDenoised::new(&model, process, plan.horizon)?;
/// let samples = Run::new(&*plan.sampler, &drift, plan.grid).chains(100).run()?;
/// assert_eq!(samples.evaluations_per_chain(), 50.0);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for a method that is not in the list, [`Error::NotTaken`] for an option it
/// does not take, [`Error::TooFew`] if the budget is too small, [`Error::Invalid`] if the end time
/// is not in (0, 1), and whatever the parts refuse.
pub fn plan_phase<F: Real>(
    method: &str,
    process: Psld,
    beta: Beta,
    evaluations: usize,
    options: &PhaseOptions,
) -> Result<PhaseGeneration<F>> {
    let Some(entry) = PHASE_METHODS.iter().find(|entry| entry.name == method) else {
        let known = PHASE_METHODS.map(|entry| entry.name).join(", ");
        return Err(Error::Unknown { what: "method", given: method.into(), known });
    };
    if let Some(option) = options.given().find(|option| !entry.options.contains(option)) {
        return Err(Error::NotTaken { option, by: entry.name });
    }
    if options.noise_form.is_some() && options.lambda_s.is_none() {
        return Err(Error::NotTaken { option: "noise-form", by: "a sampler without lambda-s" });
    }
    let end = options.end_time.unwrap_or(1e-3);
    if !(end > 0.0 && end < 1.0) {
        return Err(Error::Invalid {
            name: "end time",
            given: end,
            expected: "a number in (0, 1), the time of the process",
        });
    }
    let horizon = crate::error::positive("integral of beta", beta.integral(1.0)?)?;
    let sampler = sampler::<F>(entry.name, process, horizon, options)?;
    let cost = sampler.evaluations_per_step();
    // The budget is kept in expectation; a last digit of the quotient must not cost a step.
    let steps = (evaluations.saturating_sub(1) as f64 / cost * (1.0 + 1e-12)) as usize;
    if steps == 0 {
        return Err(Error::TooFew {
            method: entry.name,
            given: evaluations,
            needed: cost.ceil() as usize + 1,
        });
    }
    count("steps", steps, 1, 1 << 24, "a whole number from 1 to 16777216")?;
    let left = |i: usize| {
        let share = 1.0 - i as f64 / steps as f64;
        match options.grid.unwrap_or_default() {
            PhaseGrid::Uniform => end + (1.0 - end) * share,
            PhaseGrid::Quadratic => end + (1.0 - end) * share * share,
        }
    };
    let mut knots = vec![0.0];
    for i in 1..=steps {
        knots.push(horizon - beta.integral(left(i))?);
    }
    // The last knots must differ in f64 by what the end time is worth.
    if !(horizon - knots[steps] > 1e-12 * horizon) {
        let expected = "one by which at least 1e-12 of the noise is gained";
        return Err(Error::Invalid { name: "end time", given: end, expected });
    }
    knots.push(horizon);
    let last = EulerMaruyama::new(Noiseless::new(Linearized::new(ReversePsld::new(process))));
    Ok(PhaseGeneration {
        sampler: Box::new(Switch::new(sampler, Box::new(last), steps as u32)?),
        grid: TimeGrid::from_knots(knots)?,
        horizon,
        evaluations: cost * steps as f64 + 1.0,
    })
}

/// The sampler of all steps but the last.
fn sampler<F: Real>(
    method: &str,
    process: Psld,
    horizon: f64,
    options: &PhaseOptions,
) -> Result<Box<dyn Sampler<F>>> {
    let reverse = ReversePsld::new(process);
    let reduced = |word: &str| -> Result<Box<dyn Sampler<F>>> {
        let sampler = Splitting::new(reverse, word.parse()?);
        let scale = options.lambda_s.unwrap_or(1.0);
        Ok(Box::new(sampler.with_position_noise(match options.noise_form.unwrap_or_default() {
            NoiseForm::Step => PositionNoise::Step { scale },
            NoiseForm::Remaining => PositionNoise::Remaining { scale, end: horizon },
        })?))
    };
    let poisson = |selection| -> Result<Box<dyn Sampler<F>>> {
        let sampler = PoissonMidpoint::new(reverse, options.substeps.unwrap_or(16))?
            .with_selection(selection);
        Ok(Box::new(sampler.with_noise_scale(options.noise_scale.unwrap_or(1.0))?))
    };
    Ok(match method {
        "em" => Box::new(EulerMaruyama::new(Linearized::new(reverse))),
        "ei" => Box::new(EulerMaruyama::new(reverse)),
        "sscs" => Box::new(SymmetricSplitting::new(reverse)),
        "roba" | "rbao" | "robab" => reduced(&method[1..])?,
        "pmm1" => poisson(Selection::Bernoulli)?,
        "pmm2" => poisson(Selection::Single)?,
        "rm" => {
            let mut sampler = RandomizedMidpoint::new(PsldFlow::new(process))
                .with_windows(options.windows.unwrap_or(1))?
                .with_rounds(options.rounds.unwrap_or(0))?
                .with_control_variate(options.control_variate);
            if let Some(tolerance) = options.tolerance {
                sampler = sampler.with_tolerance(tolerance)?;
            }
            Box::new(sampler)
        }
        word => Box::new(Splitting::naive(reverse, word.parse()?)),
    })
}
