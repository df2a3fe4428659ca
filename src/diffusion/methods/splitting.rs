//! Splitting integrators in phase space, naive and reduced, and the symmetric splitting SSCS.

use super::phase;
use super::recipe::{Choice, Course, MethodInfo, PSLD, Recipe, choice};
use super::visits::GRID;
use crate::diffusion::dynamics::ReversePsld;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::SymmetricSplitting;
use crate::diffusion::schedule::Spacing;
use crate::error::{Error, Result};
use crate::options::{OptionInfo, by_name, named_value};
use crate::real::Real;
use crate::sampler::{PositionNoise, Sampler, Scheme, Splitting};

const LAMBDA_S: OptionInfo = OptionInfo::new(
    "lambda-s",
    "L",
    "Scale of the position noise of roba, rbao and robab [default: 1]",
);
const NOISE_FORM: OptionInfo = OptionInfo::new(
    "noise-form",
    "FORM",
    "step or remaining: whether --lambda-s scales the noise of the step or that of the time left \
     [default: step]",
);

/// Whether λ_s scales the noise of a step, or the noise that the time left would give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoiseForm {
    /// 1 − e^(−Γλh).
    #[default]
    Step,
    /// 1 − e^(−Γλτ̄), τ̄ left in the middle of the step.
    Remaining,
}

impl NoiseForm {
    /// Both forms.
    pub const ALL: [Self; 2] = [Self::Step, Self::Remaining];

    /// Its name: `step` or `remaining`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Remaining => "remaining",
        }
    }
}

by_name!(NoiseForm, "noise form");

named_value!(NoiseForm);

/// The three words of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    Oba,
    Bao,
    Obab,
}

impl Letters {
    const ALL: [Self; 3] = [Self::Oba, Self::Bao, Self::Obab];

    fn word(self) -> &'static str {
        match self {
            Self::Oba => "oba",
            Self::Bao => "bao",
            Self::Obab => "obab",
        }
    }
}

/// Naive splitting (`oba`, `bao`, `obab`): a score for every letter that needs one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Naive {
    letters: Letters,
    /// Spread of the steps: equal or quadratic. Default: equal.
    pub grid: Option<Spacing>,
    /// The time at which the steps end. Default 1e-3.
    pub end_time: Option<f64>,
}

/// Reduced splitting (`roba`, `rbao`, `robab`): letters share scores.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reduced {
    letters: Letters,
    /// Spread of the steps: equal or quadratic. Default: equal.
    pub grid: Option<Spacing>,
    /// The time at which the steps end. Default 1e-3.
    pub end_time: Option<f64>,
    /// λ_s, the scale of the position noise. Default 1: exact.
    pub lambda_s: Option<f64>,
    /// What λ_s scales. Default: the noise of the step.
    pub noise_form: Option<NoiseForm>,
}

/// The symmetric splitting (`sscs`): the Gaussian part exact, one evaluation per step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Symmetric {
    /// Spread of the steps: equal or quadratic. Default: equal.
    pub grid: Option<Spacing>,
    /// The time at which the steps end. Default 1e-3.
    pub end_time: Option<f64>,
}

const PAPER: &str = "Pandey, Rudolph & Mandt 2024, arXiv 2402.07211";

fn in_phase_space(kind: ProcessKind, title: &'static str) -> Option<MethodInfo> {
    (kind == ProcessKind::Psld).then_some(MethodInfo { title, source: PAPER })
}

impl Naive {
    fn splitting(&self, process: &Process) -> Result<Splitting<ReversePsld>> {
        let (psld, _) = phase::phase(self.name(), process)?;
        Ok(Splitting::naive(ReversePsld::new(psld), self.letters.word().parse()?))
    }
}

impl Recipe for Naive {
    fn all() -> Vec<Self> {
        Letters::ALL.map(|letters| Self { letters, grid: None, end_time: None }).into()
    }

    fn name(&self) -> &'static str {
        self.letters.word()
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        let title = match self.letters {
            Letters::Oba => "naive splitting O B A",
            Letters::Bao => "naive splitting B A O",
            Letters::Obab => "naive splitting O B A B",
        };
        in_phase_space(kind, title)
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        if self.letters == Letters::Obab { 10 } else { 33 }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, PSLD, &mut self.grid),
            choice(&phase::END_TIME, PSLD, &mut self.end_time),
        ]
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let cost = self.splitting(process)?.evaluations_per_step();
        let steps = phase::Steps { grid: self.grid, end_time: self.end_time, cost };
        steps.course(self.name(), process, evaluations)
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let (psld, _) = phase::phase(self.name(), process)?;
        phase::finished(self.splitting(process)?, psld, course)
    }
}

impl Reduced {
    fn splitting(&self, process: &Process) -> Result<Splitting<ReversePsld>> {
        let (psld, beta) = phase::phase(self.name(), process)?;
        if self.noise_form.is_some() && self.lambda_s.is_none() {
            return Err(Error::Missing { option: "lambda-s", by: "noise-form".into() });
        }
        let scale = self.lambda_s.unwrap_or(1.0);
        let noise = match self.noise_form.unwrap_or_default() {
            NoiseForm::Step => PositionNoise::Step { scale },
            NoiseForm::Remaining => {
                let end = phase::noisiest(psld, beta)?.tau;
                PositionNoise::Remaining { scale, end }
            }
        };
        let splitting = Splitting::new(ReversePsld::new(psld), self.letters.word().parse()?);
        splitting.with_position_noise(noise)
    }
}

impl Recipe for Reduced {
    fn all() -> Vec<Self> {
        let plain = |letters| Self {
            letters,
            grid: None,
            end_time: None,
            lambda_s: None,
            noise_form: None,
        };
        Letters::ALL.map(plain).into()
    }

    fn name(&self) -> &'static str {
        match self.letters {
            Letters::Oba => "roba",
            Letters::Bao => "rbao",
            Letters::Obab => "robab",
        }
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        let title = match self.letters {
            Letters::Oba => "reduced splitting O B A, one score for B and A",
            Letters::Bao => "reduced splitting B A O, one score for B and A",
            Letters::Obab => "reduced splitting O B A B, the last B with a score of its own",
        };
        in_phase_space(kind, title)
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        if self.letters == Letters::Obab { 8 } else { 33 }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, PSLD, &mut self.grid),
            choice(&phase::END_TIME, PSLD, &mut self.end_time),
            choice(&LAMBDA_S, PSLD, &mut self.lambda_s),
            choice(&NOISE_FORM, PSLD, &mut self.noise_form),
        ]
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let cost = self.splitting(process)?.evaluations_per_step();
        let steps = phase::Steps { grid: self.grid, end_time: self.end_time, cost };
        steps.course(self.name(), process, evaluations)
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let (psld, _) = phase::phase(self.name(), process)?;
        phase::finished(self.splitting(process)?, psld, course)
    }
}

impl Recipe for Symmetric {
    fn all() -> Vec<Self> {
        vec![Self::default()]
    }

    fn name(&self) -> &'static str {
        "sscs"
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        (kind == ProcessKind::Psld).then_some(MethodInfo {
            title: "symmetric splitting, Gaussian part exact",
            source: "Dockhorn, Vahdat & Kreis 2022, arXiv 2112.07068",
        })
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, PSLD, &mut self.grid),
            choice(&phase::END_TIME, PSLD, &mut self.end_time),
        ]
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        let steps = phase::Steps { grid: self.grid, end_time: self.end_time, cost: 1.0 };
        steps.course(self.name(), process, evaluations)
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        let (psld, _) = phase::phase(self.name(), process)?;
        phase::finished(SymmetricSplitting::new(ReversePsld::new(psld)), psld, course)
    }
}
