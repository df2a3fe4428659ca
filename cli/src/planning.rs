//! Ways to generate as they are given on the command line, and their plans: a sampler, its grid,
//! and what drives it.

use clap::{Args, ValueEnum};
use langevin::generation::{self, GenerationOptions, NoiseForm, PhaseGrid, PhaseOptions};
use langevin::schedule::{Beta, Spacing};
use langevin::{Clock, LevelTable, Prediction, Psld, Real, Sampler, TimeGrid};

use crate::failure::Failure;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Process {
    /// Variance-preserving noise on the data
    #[default]
    Vp,
    /// Phase-space Langevin diffusion: data and a momentum, critically damped
    Psld,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Variance {
    /// That of the posterior of the level before, given the data
    Small,
    /// β
    Large,
}

/// The process by which data are noised.
#[derive(Args, Clone, Debug, Default)]
pub struct ProcessOptions {
    /// How data are noised [default: vp, or that of the model]
    #[arg(long, value_enum)]
    pub process: Option<Process>,
    /// vp: linear | scaled-linear | cosine [default: linear]
    #[arg(long)]
    pub schedule: Option<String>,
    /// vp: noise levels of the schedule [default: 1000]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub levels: Option<usize>,
    /// psld: the rate of noise, constant, or FIRST,LAST along a line [default: 8]
    #[arg(long, value_name = "B", value_delimiter = ',', allow_hyphen_values = true)]
    pub beta: Option<Vec<f64>>,
    /// psld: noise in the position [default: 0.01]
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    /// psld: friction of the momentum [default: 4.01]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub nu: Option<f64>,
    /// psld: variance of the momentum of the data, in units of the mass [default: 0.04]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub kappa: Option<f64>,
}

/// A method and its options.
#[derive(Args, Clone, Debug, Default)]
pub struct MethodOptions {
    /// vp: ddpm | ddim | dpmpp2m | heun | em | pmm1 | pmm2 | rm | pc | pc-parallel; psld: em | ei |
    /// sscs | oba | bao | obab | roba | rbao | robab | pmm1 | pmm2 | rm (see `langevin methods`)
    #[arg(long)]
    pub method: String,
    /// vp: equal | quadratic | logsnr | leading | trailing | linspace [default: quadratic];
    /// psld: uniform | quadratic [default: uniform]
    #[arg(long)]
    pub grid: Option<String>,
    /// Lengths of the blocks of levels that a Poisson midpoint steps over, from the noise to the
    /// data, as 600,399,1
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub blocks: Option<Vec<usize>>,
    /// The 0-based levels at which the model is evaluated, decreasing, as 999,500,0; the last step
    /// goes to the data
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub timesteps: Option<Vec<usize>>,
    /// Variance of the steps of ddpm, pmm1 and pmm2 [default: small]
    #[arg(long, value_enum)]
    pub variance: Option<Variance>,
    /// Share of noise in the steps of ddim, in [0, 1] [default: 0]
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub eta: Option<f64>,
    /// Sub-steps K that a Poisson midpoint step imitates on psld [default: 16]; on vp they are the
    /// levels of a block
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub substeps: Option<usize>,
    /// Factor in (0, 1] on the noise of every sub-step of a Poisson midpoint [default: 1]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub noise_scale: Option<f64>,
    /// Windows of randomized midpoints [default: 1; 4 for pc-parallel]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub windows: Option<usize>,
    /// Picard rounds of randomized midpoints [default: 0; 2 for pc-parallel]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub rounds: Option<usize>,
    /// Stop the rounds of a chain once its midpoints move by no more than this
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Subtract the drift at the start of the step in the finish of rm
    #[arg(long)]
    pub control_variate: bool,
    /// Time of Langevin dynamics in each corrector [default: 1]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub corrector_time: Option<f64>,
    /// Length of a corrector step [default: 0.2; 0.5 for pc-parallel]
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    pub corrector_step: Option<f64>,
    /// Friction of the corrector [default: 2]
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub friction: Option<f64>,
    /// vp: Ornstein-Uhlenbeck time at which pc and pc-parallel end [default: that of the first
    /// level]; psld: time in (0, 1) at which the steps end and one without noise follows [default:
    /// 1e-3]
    #[arg(long, value_name = "D", allow_negative_numbers = true)]
    pub end_time: Option<f64>,
    /// Scale of the position noise of roba, rbao and robab [default: 1]
    #[arg(long, value_name = "L", allow_negative_numbers = true)]
    pub lambda_s: Option<f64>,
    /// step | remaining: whether --lambda-s scales the noise of the step or that of the time left
    /// [default: step]
    #[arg(long, value_name = "FORM")]
    pub noise_form: Option<String>,
}

/// A process with its constants.
#[derive(Clone, Debug, PartialEq)]
pub enum Noising {
    /// Named schedule and its levels.
    Vp { schedule: String, table: LevelTable },
    /// Phase space.
    Psld { process: Psld, beta: Beta },
}

impl ProcessOptions {
    /// The options of one process that were given.
    fn given(&self, process: Process) -> Option<&'static str> {
        let all: &[(&'static str, bool)] = match process {
            Process::Vp => {
                &[("schedule", self.schedule.is_some()), ("levels", self.levels.is_some())]
            }
            Process::Psld => &[
                ("beta", self.beta.is_some()),
                ("gamma", self.gamma.is_some()),
                ("nu", self.nu.is_some()),
                ("kappa", self.kappa.is_some()),
            ],
        };
        all.iter().find(|(_, given)| *given).map(|(name, _)| *name)
    }

    /// The first option about a process that was given, for models that bring their own.
    pub fn any(&self, process: Process) -> Result<(), Failure> {
        match self.given(process) {
            None => Ok(()),
            Some(option) => {
                let message = format!(
                    "--{option} is not an option here: the model brings the constants it was trained with"
                );
                Err(Failure::Input(message))
            }
        }
    }

    /// The process with its constants.
    pub fn noising(&self) -> Result<Noising, Failure> {
        let refuse =
            |option: &'static str, by| Err(langevin::Error::NotTaken { option, by }.into());
        match self.process.unwrap_or_default() {
            Process::Vp => {
                if let Some(option) = self.given(Process::Psld) {
                    return refuse(option, "the process vp");
                }
                let schedule = self.schedule.clone().unwrap_or_else(|| "linear".into());
                let table = LevelTable::named(&schedule, self.levels.unwrap_or(1000))?;
                Ok(Noising::Vp { schedule, table })
            }
            Process::Psld => {
                if let Some(option) = self.given(Process::Vp) {
                    return refuse(option, "the process psld");
                }
                let paper = Psld::PAPER;
                let process = Psld::new(
                    self.gamma.unwrap_or(paper.gamma()),
                    self.nu.unwrap_or(paper.nu()),
                    self.kappa.unwrap_or(paper.kappa()),
                )?;
                let beta = match self.beta.as_deref() {
                    None => Beta::constant(8.0)?,
                    Some([rate]) => Beta::constant(*rate)?,
                    Some([first, last]) => Beta::linear(*first, *last)?,
                    Some(more) => {
                        let message = format!(
                            "--beta: given {} numbers, expected one, or FIRST,LAST",
                            more.len()
                        );
                        return Err(Failure::Input(message));
                    }
                };
                Ok(Noising::Psld { process, beta })
            }
        }
    }
}

impl Noising {
    /// A few words, for the title of a picture.
    pub fn title(&self) -> String {
        match self {
            Self::Vp { schedule, .. } => format!("{schedule} schedule"),
            Self::Psld { .. } => "phase space".into(),
        }
    }

    /// In words, for headings.
    pub fn describe(&self) -> String {
        match self {
            Self::Vp { schedule, table } => {
                format!("the {schedule} schedule of {} levels", table.len())
            }
            Self::Psld { process, beta } => {
                let rate = match beta {
                    Beta::Constant(rate) => rate.to_string(),
                    Beta::Linear { first, last } => format!("{first} to {last}"),
                    Beta::Cosine { .. } => "cosine".into(),
                };
                let (gamma, nu, kappa) = (process.gamma(), process.nu(), process.kappa());
                format!("phase space with beta {rate}, gamma {gamma}, nu {nu}, kappa {kappa}")
            }
        }
    }
}

/// A way to generate, ready to run on a model.
pub struct Planned<F: Real> {
    pub sampler: Box<dyn Sampler<F>>,
    pub grid: TimeGrid,
    pub evaluations: f64,
    /// Levels of the table that are visited, where they are.
    pub levels: Vec<usize>,
    pub drive: Drive,
}

/// What a sampler asks of a model, and when.
pub enum Drive {
    Vp { clock: Clock, wanted: Prediction },
    Psld { process: Psld, horizon: f64 },
}

impl MethodOptions {
    /// Plans the method with this many evaluations; without, as many as the listed levels need.
    pub fn plan<F: Real>(
        &self,
        noising: &Noising,
        evaluations: Option<usize>,
    ) -> Result<Planned<F>, Failure> {
        match noising {
            Noising::Vp { table, .. } => {
                if !generation::GENERATION_METHODS.iter().any(|entry| entry.name == self.method) {
                    return Err(self.not_of("vp", &generation::GENERATION_METHODS));
                }
                let options = self.vp()?;
                let budget = self.budget(evaluations, &options)?;
                let plan = generation::plan::<F>(&self.method, table, budget, &options)?;
                Ok(Planned {
                    sampler: plan.sampler,
                    grid: plan.grid,
                    evaluations: plan.evaluations,
                    levels: plan.levels,
                    drive: Drive::Vp { clock: plan.clock, wanted: plan.wanted },
                })
            }
            Noising::Psld { process, beta } => {
                let options = self.psld()?;
                let Some(budget) = evaluations else { return Err(missing_evaluations("")) };
                if !generation::PHASE_METHODS.iter().any(|entry| entry.name == self.method) {
                    return Err(self.not_of("psld", &generation::PHASE_METHODS));
                }
                let plan =
                    generation::plan_phase::<F>(&self.method, *process, *beta, budget, &options)?;
                Ok(Planned {
                    sampler: plan.sampler,
                    grid: plan.grid,
                    evaluations: plan.evaluations,
                    levels: Vec::new(),
                    drive: Drive::Psld { process: *process, horizon: plan.horizon },
                })
            }
        }
    }

    fn vp(&self) -> Result<GenerationOptions, Failure> {
        self.refuse(
            "the process vp",
            &[
                ("substeps", self.substeps.is_some()),
                ("lambda-s", self.lambda_s.is_some()),
                ("noise-form", self.noise_form.is_some()),
            ],
        )?;
        Ok(GenerationOptions {
            grid: self.grid.as_deref().map(Spacing::named).transpose()?,
            blocks: self.blocks.clone(),
            timesteps: self.timesteps.clone(),
            large_variance: self.variance.map(|variance| variance == Variance::Large),
            eta: self.eta,
            noise_scale: self.noise_scale,
            windows: self.windows,
            rounds: self.rounds,
            tolerance: self.tolerance,
            control_variate: self.control_variate,
            corrector_time: self.corrector_time,
            corrector_step: self.corrector_step,
            friction: self.friction,
            end_time: self.end_time,
        })
    }

    fn psld(&self) -> Result<PhaseOptions, Failure> {
        self.refuse(
            "the process psld",
            &[
                ("blocks", self.blocks.is_some()),
                ("timesteps", self.timesteps.is_some()),
                ("variance", self.variance.is_some()),
                ("eta", self.eta.is_some()),
                ("corrector-time", self.corrector_time.is_some()),
                ("corrector-step", self.corrector_step.is_some()),
                ("friction", self.friction.is_some()),
            ],
        )?;
        Ok(PhaseOptions {
            grid: self.grid.as_deref().map(PhaseGrid::named).transpose()?,
            end_time: self.end_time,
            lambda_s: self.lambda_s,
            noise_form: self.noise_form.as_deref().map(NoiseForm::named).transpose()?,
            substeps: self.substeps,
            noise_scale: self.noise_scale,
            windows: self.windows,
            rounds: self.rounds,
            tolerance: self.tolerance,
            control_variate: self.control_variate,
        })
    }

    fn not_of(&self, process: &str, all: &[generation::GenerationMethod]) -> Failure {
        let known = all.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
        Failure::Input(format!(
            "unknown method `{}` of the process {process}; there are: {known}",
            self.method
        ))
    }

    /// The options that were given, as they are spelled on the command line.
    pub fn given(&self) -> Vec<(&'static str, serde_json::Value)> {
        use serde_json::json;
        let variance = self
            .variance
            .map(|variance| if variance == Variance::Large { "large" } else { "small" });
        let all = [
            ("grid", json!(self.grid)),
            ("blocks", json!(self.blocks)),
            ("timesteps", json!(self.timesteps)),
            ("variance", json!(variance)),
            ("eta", json!(self.eta)),
            ("substeps", json!(self.substeps)),
            ("noise-scale", json!(self.noise_scale)),
            ("windows", json!(self.windows)),
            ("rounds", json!(self.rounds)),
            ("tolerance", json!(self.tolerance)),
            ("control-variate", json!(self.control_variate.then_some(true))),
            ("corrector-time", json!(self.corrector_time)),
            ("corrector-step", json!(self.corrector_step)),
            ("friction", json!(self.friction)),
            ("end-time", json!(self.end_time)),
            ("lambda-s", json!(self.lambda_s)),
            ("noise-form", json!(self.noise_form)),
        ];
        all.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    fn refuse(&self, by: &'static str, options: &[(&'static str, bool)]) -> Result<(), Failure> {
        match options.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(langevin::Error::NotTaken { option, by }.into()),
            None => Ok(()),
        }
    }

    /// The evaluations that were given, or as many as the listed levels need.
    fn budget(
        &self,
        evaluations: Option<usize>,
        options: &GenerationOptions,
    ) -> Result<usize, Failure> {
        if let Some(evaluations) = evaluations {
            return Ok(evaluations);
        }
        let Some(listed) = options.timesteps.as_ref().or(options.blocks.as_ref()).map(Vec::len)
        else {
            return Err(missing_evaluations(
                "; it may be left out where --timesteps or --blocks list the levels",
            ));
        };
        Ok(match self.method.as_str() {
            "heun" | "pmm1" | "pmm2" => 2 * listed,
            "em" => listed.max(2),
            // The last level takes one evaluation, which denoises.
            "rm" => {
                let (windows, rounds) = (options.windows.unwrap_or(1), options.rounds.unwrap_or(0));
                let midpoints = windows.saturating_mul(rounds.saturating_add(1));
                // What is beyond this is beyond the largest windows and rounds, which the planner
                // names.
                midpoints.min(1 << 40).saturating_add(1).saturating_mul(listed) + 1
            }
            _ => listed,
        })
    }
}

fn missing_evaluations(more: &str) -> Failure {
    Failure::Input(format!("--evaluations is missing: the most model evaluations per chain{more}"))
}
