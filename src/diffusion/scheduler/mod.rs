//! Scheduler configurations of diffusers: `scheduler_config.json` as a process, a method and the
//! levels that it visits.

mod keys;
mod spread;

use keys::Keys;
use spread::{Spread, Visited};

use super::face::{Face, Told};
use super::flow::Flow;
use super::method::Method;
use super::noise_range::NoiseRange;
use super::plan::Plan;
use super::prediction::Prediction;
use super::process::Process;
use super::schedule::{LevelTable, SigmaRule};
use super::stepper::Seen;
use crate::error::{Error, Result};

/// A scheduler configuration of diffusers.
///
/// ```
/// use langevin::diffusion::SchedulerConfig;
///
/// // As published with Stable Diffusion XL.
/// let config = SchedulerConfig::parse(r#"{
///     "_class_name": "EulerDiscreteScheduler",
///     "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
///     "timestep_spacing": "leading", "steps_offset": 1, "prediction_type": "epsilon"
/// }"#)?;
/// let plan = config.plan(50)?; // the Euler step in σ is that of DDIM
/// assert_eq!(plan.method().name(), "ddim");
/// assert_eq!(plan.timesteps().unwrap()[..3], [981, 961, 941]);
/// let other = config.plan_with(&"sde-dpmpp2m".parse()?, 50)?; // another method, the same levels
/// assert_eq!(other.timesteps(), plan.timesteps());
/// # Ok::<(), langevin::Error>(())
/// ```
///
/// | class | method |
/// |---|---|
/// | `DDPMScheduler` | `ddpm` |
/// | `DDIMScheduler`, `EulerDiscreteScheduler` | `ddim` |
/// | `EulerAncestralDiscreteScheduler` | `ddim:eta=1` |
/// | `HeunDiscreteScheduler` | `heun` |
/// | `DPMSolverMultistepScheduler` | by order: `ddim`, `dpmpp2m`, `dpmpp3m` |
/// | the same with noise | by order: `sde-dpmpp1`, `sde-dpmpp2m`, `sde-dpmpp3m` |
/// | `UniPCMultistepScheduler` | `unipc` |
/// | `PNDMScheduler` | none: give one to [`plan_with`](Self::plan_with) |
/// | `FlowMatchEulerDiscreteScheduler`, `EDMEulerScheduler` | `ddim` |
///
/// What cannot be followed and changes results is an error, or a line of [`notes`](Self::notes).
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerConfig {
    class: String,
    process: Process,
    seen: Seen,
    method: Option<Method>,
    route: Route,
    notes: Vec<String>,
}

/// How levels are visited: by the table, or by a grid that methods know by name.
#[derive(Clone, Debug, PartialEq)]
enum Route {
    Spread(Spread),
    Grid(String),
}

impl SchedulerConfig {
    /// Reads the text of a `scheduler_config.json`.
    ///
    /// # Errors
    /// [`Error::Value`] for text that is no JSON object, for an entry of another type, and for
    /// classes and values that have no counterpart here.
    pub fn parse(text: &str) -> Result<Self> {
        let mut keys = Keys::parse(text)?;
        let class = keys.text("_class_name", "")?;
        let mut config = match &class[..] {
            "FlowMatchEulerDiscreteScheduler" => flow(&mut keys)?,
            "EDMEulerScheduler" => edm(&mut keys)?,
            _ => discrete(&class, &mut keys)?,
        };
        for key in keys.left() {
            config.notes.push(format!("the entry `{key}` is not known and has no effect"));
        }
        config.class = class;
        Ok(config)
    }

    /// The name of the class.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The process that the model was trained on.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// How the model sees noised data.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// The method of the class, without its levels, if there is one here.
    pub fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// What is not followed, in words, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The plan of this many steps, through the levels that diffusers visit.
    ///
    /// # Errors
    /// [`Error::Missing`] if the class has no method here, and as for
    /// [`plan_with`](Self::plan_with).
    pub fn plan(&self, steps: usize) -> Result<Plan> {
        let by = format!("the class {}, which has no counterpart here,", self.class);
        let method = self.method.as_ref().ok_or(Error::Missing { option: "method", by })?;
        self.plan_with(method, steps)
    }

    /// The plan of another method through the same levels.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are more steps than levels, [`Error::Twice`] if the method has a
    /// grid, and as for [`Method::plan`].
    pub fn plan_with(&self, method: &Method, steps: usize) -> Result<Plan> {
        let method = method.clone();
        let joined = |numbers: Vec<String>| numbers.join("+");
        match (&self.route, self.process.table()) {
            (Route::Spread(spread), Some(table)) => match spread.visited(table, steps)? {
                Visited::Timesteps(list) => {
                    let text = joined(list.iter().map(ToString::to_string).collect());
                    method.with("timesteps", &text)?.plan_listed(&self.process)
                }
                Visited::Sigmas(mut list) => {
                    // The last one is replaced by the clean end.
                    list.extend(list.last().map(|last| 0.5 * last));
                    let text = joined(list.iter().map(ToString::to_string).collect());
                    method.with("sigmas", &text)?.plan_listed(&self.process)
                }
            },
            (Route::Spread(_), None) => Err(Error::Missing { option: "levels", by: "it".into() }),
            (Route::Grid(grid), _) => method.with("grid", grid)?.plan(&self.process, steps),
        }
    }
}

fn unsupported(key: &str, given: &str, expected: &str) -> Error {
    Error::Value { option: key.into(), given: given.into(), expected: expected.into() }
}

/// The process of flow matching.
fn flow(keys: &mut Keys) -> Result<SchedulerConfig> {
    let levels = keys.count("num_train_timesteps", 1000)?;
    let shift = keys.number("shift", 1.0)?;
    if keys.flag("use_dynamic_shifting", false)? {
        let expected = "false: the shift then depends on the size of the picture; write it as \
                        `shift`, e^mu, as Flow::dynamic_shift computes it";
        return Err(unsupported("use_dynamic_shifting", "true", expected));
    }
    let terminal = keys.number("shift_terminal", 0.0)?;
    for key in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"] {
        keys.only(key, false)?;
    }
    keys.only("invert_sigmas", false)?;
    keys.only("stochastic_sampling", false)?;
    keys.ignore(&["base_shift", "max_shift", "base_image_seq_len", "max_image_seq_len"]);
    keys.ignore(&["time_shift_type"]);
    let end = if terminal > 0.0 { format!(":terminal={terminal}") } else { String::new() };
    Ok(SchedulerConfig {
        class: String::new(),
        process: Process::Flow(Flow::new(levels, shift)?),
        seen: Face::flow().telling(Told::FlowTimestep).into(),
        method: Some(Method::named("ddim")?),
        route: Route::Grid(format!("flow-linspace{end}")),
        notes: Vec::new(),
    })
}

/// The process of EDM, and its preconditioning.
fn edm(keys: &mut Keys) -> Result<SchedulerConfig> {
    let [low, high] = [keys.number("sigma_min", 0.002)?, keys.number("sigma_max", 80.0)?];
    let sigma_data = keys.number("sigma_data", 0.5)?;
    let levels = keys.count("num_train_timesteps", 1000)?;
    let rho = keys.number("rho", 7.0)?;
    keys.only("prediction_type", "epsilon")?;
    let schedule = keys.text("sigma_schedule", "karras")?;
    let grid = match &schedule[..] {
        "karras" => format!("karras:rho={rho}"),
        "exponential" => "exponential".into(),
        other => return Err(unsupported("sigma_schedule", other, "karras or exponential")),
    };
    let mut notes = Vec::new();
    note_end("EDMEulerScheduler", keys, &mut notes)?;
    Ok(SchedulerConfig {
        class: String::new(),
        process: Process::Edm(NoiseRange::edm([low, high], levels)?),
        seen: Face::edm(sigma_data).into(),
        method: Some(Method::named("ddim")?),
        route: Route::Grid(grid),
        notes,
    })
}

/// The schedulers of a table of rates.
fn discrete(class: &str, keys: &mut Keys) -> Result<SchedulerConfig> {
    let mut notes = Vec::new();
    let method = method(class, keys, &mut notes)?;
    let table = table(keys, &mut notes)?;
    let prediction = match &keys.text("prediction_type", "epsilon")?[..] {
        "epsilon" => Prediction::Epsilon,
        "sample" => Prediction::Data,
        "v_prediction" => Prediction::Velocity,
        other => {
            return Err(unsupported("prediction_type", other, "epsilon, sample or v_prediction"));
        }
    };
    for key in ["clip_sample", "thresholding"] {
        let default = key == "clip_sample" && matches!(class, "DDPMScheduler" | "DDIMScheduler");
        if keys.flag(key, default)? {
            notes
                .push(format!("`{key}` is not followed: predictions of the data stay as they are"));
        }
    }
    note_end(class, keys, &mut notes)?;
    keys.ignore(&["clip_sample_range", "sample_max_value", "dynamic_thresholding_ratio"]);
    let spread = spread(class, keys, &mut notes)?;
    Ok(SchedulerConfig {
        class: String::new(),
        process: Process::vp(table),
        seen: prediction.into(),
        method,
        route: Route::Spread(spread),
        notes,
    })
}

/// Notes an end of the run before the data.
fn note_end(class: &str, keys: &mut Keys, notes: &mut Vec<String>) -> Result<()> {
    // Other classes carry the entry about without reading it.
    let reads = matches!(class, "DDIMScheduler" | "PNDMScheduler");
    let ends = [
        ("set_alpha_to_one", !keys.flag("set_alpha_to_one", true)? && reads),
        ("final_sigmas_type", keys.text("final_sigmas_type", "zero")? != "zero"),
    ];
    for (key, _) in ends.iter().filter(|(_, early)| *early) {
        notes.push(format!("`{key}` is not followed: the last step goes to the data, sigma = 0"));
    }
    Ok(())
}

/// The rates of all levels.
fn table(keys: &mut Keys, notes: &mut Vec<String>) -> Result<LevelTable> {
    let levels = keys.count("num_train_timesteps", 1000)?;
    let [first, last] = [keys.number("beta_start", 1e-4)?, keys.number("beta_end", 0.02)?];
    let schedule = keys.text("beta_schedule", "linear")?;
    let table = match (keys.numbers("trained_betas")?, &schedule[..]) {
        (Some(betas), _) => LevelTable::from_betas(betas)?,
        (_, "linear") => LevelTable::linear_between(levels, first, last)?,
        (_, "scaled_linear") => LevelTable::scaled_linear_between(levels, first, last)?,
        (_, "squaredcos_cap_v2") => LevelTable::cosine(levels)?,
        (_, other) => {
            let expected = "linear, scaled_linear or squaredcos_cap_v2";
            return Err(unsupported("beta_schedule", other, expected));
        }
    };
    if !keys.flag("rescale_betas_zero_snr", false)? || table.len() == 1 {
        return Ok(table);
    }
    // √ᾱ is moved and stretched so that it is 0 at the last level (Lin et al. 2023).
    let signal = |t: usize| table.level(t).signal();
    let [top, bottom] = [signal(1), signal(table.len())];
    let moved = |t: usize| (signal(t) - bottom) * (top / (top - bottom));
    let mut bars: Vec<f64> = (1..=table.len()).map(|t| moved(t) * moved(t)).collect();
    // Methods begin where something is left of the data.
    bars[table.len() - 1] = libm::exp2(-24.0);
    notes.push("alpha bar of the last level is 2^-24 in place of 0, as in EulerDiscrete".into());
    let beta = |t: usize| 1.0 - bars[t] / if t == 0 { 1.0 } else { bars[t - 1] };
    LevelTable::from_betas((0..bars.len()).map(beta).collect())
}

/// The method of a class.
fn method(class: &str, keys: &mut Keys, notes: &mut Vec<String>) -> Result<Option<Method>> {
    let text = match class {
        "DDPMScheduler" => match &keys.text("variance_type", "fixed_small")?[..] {
            "fixed_small" | "fixed_small_log" => "ddpm",
            "fixed_large" | "fixed_large_log" => "ddpm:variance=large",
            other => return Err(unsupported("variance_type", other, "fixed_small or fixed_large")),
        },
        "DDIMScheduler" | "EulerDiscreteScheduler" => "ddim",
        "EulerAncestralDiscreteScheduler" => "ddim:eta=1",
        "HeunDiscreteScheduler" => "heun",
        "PNDMScheduler" => {
            keys.only("skip_prk_steps", true)?;
            return Ok(None);
        }
        "UniPCMultistepScheduler" => {
            keys.only("predict_x0", true)?;
            keys.only("solver_p", ())?;
            keys.ignore(&["lower_order_final", "disable_corrector"]);
            let order = keys.count("solver_order", 2)?;
            let variant = keys.text("solver_type", "bh2")?;
            notes.push("near the end UniPC takes its full order until the step to the data".into());
            return format!("unipc:order={order}:variant={variant}").parse().map(Some);
        }
        "DPMSolverMultistepScheduler" => return dpm_solver(keys, notes).map(Some),
        other => {
            let expected = "a scheduler of the list at SchedulerConfig, as DDIMScheduler";
            return Err(unsupported("_class_name", other, expected));
        }
    };
    keys.ignore(&["skip_prk_steps"]);
    keys.only("interpolation_type", "linear")?;
    keys.only("timestep_type", "discrete")?;
    text.parse().map(Some)
}

fn dpm_solver(keys: &mut Keys, notes: &mut Vec<String>) -> Result<Method> {
    keys.ignore(&["lower_order_final", "euler_at_final", "lambda_min_clipped"]);
    keys.only("variance_type", ())?;
    let order = keys.count("solver_order", 2)?;
    let algorithm = keys.text("algorithm_type", "dpmsolver++")?;
    if order > 1 {
        keys.only("solver_type", "midpoint")?;
    }
    if order == 3 {
        notes.push("the rule of three outputs is the exact one of this crate".into());
    }
    let name = match (&algorithm[..], order) {
        ("dpmsolver++", 1) => "ddim",
        ("dpmsolver++", 2) => "dpmpp2m",
        ("dpmsolver++", 3) => "dpmpp3m",
        ("sde-dpmsolver++", 1) => "sde-dpmpp1",
        ("sde-dpmsolver++", 2) => "sde-dpmpp2m",
        ("sde-dpmsolver++", 3) => "sde-dpmpp3m",
        ("dpmsolver++" | "sde-dpmsolver++", _) => {
            return Err(unsupported("solver_order", &order.to_string(), "1, 2 or 3"));
        }
        _ => {
            let expected = "dpmsolver++ or sde-dpmsolver++";
            return Err(unsupported("algorithm_type", &algorithm, expected));
        }
    };
    Method::named(name)
}

/// The levels that a class visits.
fn spread(class: &str, keys: &mut Keys, notes: &mut Vec<String>) -> Result<Spread> {
    let open = matches!(class, "DPMSolverMultistepScheduler" | "UniPCMultistepScheduler");
    let leads = matches!(class, "DDPMScheduler" | "DDIMScheduler" | "PNDMScheduler");
    let fractions = !open && !leads;
    let spacing = keys.text("timestep_spacing", if leads { "leading" } else { "linspace" })?;
    let offset = keys.count("steps_offset", 0)?;
    let beta = SigmaRule::Beta { alpha: 0.6, beta: 0.6 };
    let rules = [
        ("use_karras_sigmas", SigmaRule::Karras { rho: 7.0 }),
        ("use_exponential_sigmas", SigmaRule::Exponential),
        ("use_beta_sigmas", beta),
    ];
    let mut rule = None;
    for (key, one) in rules {
        if keys.flag(key, false)? {
            rule = Some(one);
        }
    }
    keys.only("use_lu_lambdas", false)?;
    keys.only("use_flow_sigmas", false)?;
    if rule.is_some() && open {
        notes.push("the model is told timesteps between whole ones, not rounded ones".into());
    }
    Ok(Spread { spacing, offset, open, fractions, rule })
}
