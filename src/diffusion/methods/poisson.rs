//! The Poisson midpoint: on the DDPM chain, where a step is a block of levels, and in phase space.

use super::ancestral::{VARIANCE, Variance};
use super::far::{LATEST_EXPLICIT, jumps, latest_bounded, with_jumps};
use super::phase;
use super::recipe::{ALL, Choice, Course, DATA, MethodInfo, PSLD, Price, Recipe, choice};
use super::visits::{BLOCKS, GRID, SIGMAS, TIMESTEPS, Visits, Walk, table};
use crate::diffusion::dynamics::{Ancestral, Form, Forms, Restated, ReversePsld};
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::schedule::LevelTable;
use crate::dynamics::LinearDynamics;
use crate::error::{Error, Result};
use crate::options::{OptionInfo, named_value};
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Odds, PoissonMidpoint, Sampler, Scheme, Selection};

named_value!(Odds);

const SUBSTEPS: OptionInfo = OptionInfo::new(
    "substeps",
    "K",
    "Sub-steps that a Poisson midpoint step imitates in phase space [default: 16]; on vp they are \
     the levels of a block",
);
const NOISE_SCALE: OptionInfo = OptionInfo::new(
    "noise-scale",
    "R",
    "Factor in (0, 1] on the noise of every sub-step of a Poisson midpoint [default: 1]",
);

const FORM: OptionInfo = OptionInfo::new(
    "form",
    "NAME",
    "What a block of a Poisson midpoint holds fixed: data, noise or velocity, or one far in the \
     noise and another one near the data, as data+velocity [default: data]",
);
const SWITCH: OptionInfo = OptionInfo::new(
    "switch",
    "LEVEL",
    "Level from which on blocks have the second of two forms [default: where alpha bar is 1/2]",
);
pub(crate) const SELECTION: OptionInfo = OptionInfo::new(
    "selection",
    "NAME",
    "How likely each sub-step of a Poisson midpoint is selected: uniform, or by importance \
     [default: uniform; importance for pmm2m]",
);

/// The form in phase space, unless another one is given.
const JOINT: Form = Form::Data;

/// The Poisson midpoint on the steps of a chain, or in phase space on those of the reverse SDE.
///
/// ```text
/// X̂ᵢ₊₁ = A″ᵢ X̂ᵢ + G″ᵢ f(X) + Γᵢ Zᵢ           f held fixed over a block of K levels, X̂₀ = X
/// X⁺ = X̂_K + (w_I/q_I) (f(X̂_I) − f(X))        wᵢ = G″ᵢ Π_{j>i} A″ⱼ,  I = i with probability qᵢ
/// ```
///
/// - f is the data, the noise or the velocity ([`Form`]). A step of one level is the same for all.
///   With the data fixed a block is stable for any length, and no step has to jump out of the far
///   noise. In phase space f is E\[z₀ | z\] or the score.
/// - Evaluations: 2 − q₀ per block in expectation, 1 for one level. Where the block ends in the
///   data, A″ = 0 in its last level. So in the data form that level is always selected, for 2
///   evaluations.
/// - Order: weak 1 in the length of the block. Its error is that of the chain with all levels, up
///   to a term of second order.
///
/// Source: Kandasamy & Nagaraj 2024 (arXiv 2405.17068). Deviations: they hold the noise fixed
/// (`form=noise`) and select uniformly. Other forms and importance odds are ours; data prediction
/// is stable for the reason given in arXiv 2211.01095.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Poisson {
    /// Which sub-steps get their own evaluation: option 1 or 2 of the paper.
    pub selection: Selection,
    /// The levels that are visited, or the spread of the steps in phase space.
    pub visits: Visits,
    /// On a chain: the variance of its steps. Default: small.
    pub variance: Option<Variance>,
    /// On a chain: what a block holds fixed. Default: the data.
    pub form: Option<Forms>,
    /// On a chain with two forms: the level from which on blocks have the second one. Default:
    /// the first with ᾱ ≥ 1/2.
    pub switch: Option<usize>,
    /// How likely each sub-step is selected. Default: uniform.
    pub odds: Option<Odds>,
    /// In phase space: the time at which the steps end. Default 1e-3.
    pub end_time: Option<f64>,
    /// In phase space: the sub-steps K that a step imitates. Default 16.
    pub substeps: Option<usize>,
    /// Noise scale ρ. Default 1.
    pub noise_scale: Option<f64>,
}

impl Poisson {
    /// The method with this selection: `pmm1` or `pmm2`.
    pub fn new(selection: Selection) -> Self {
        Self { selection, ..Self::default() }
    }

    fn configured<D: LinearDynamics>(
        &self,
        sampler: PoissonMidpoint<D>,
    ) -> Result<PoissonMidpoint<D>> {
        let sampler = sampler.with_selection(self.selection);
        let sampler = sampler.with_odds(self.odds.unwrap_or_default());
        sampler.with_noise_scale(self.noise_scale.unwrap_or(1.0))
    }

    fn forms(&self) -> Forms {
        self.form.unwrap_or(Form::Data.into())
    }

    /// The chain whose steps a block takes through these levels.
    fn chain(&self, process: &Process, table: &LevelTable, levels: &[usize]) -> Result<Ancestral> {
        let forms = self.forms();
        let chain = self.variance.unwrap_or_default().chain(table);
        if forms.far == forms.near {
            if self.switch.is_some() {
                let by = format!("{} with one form", self.name());
                let takes = "two forms, as in form=data+velocity".into();
                return Err(Error::NotTaken { option: "switch".into(), by, takes });
            }
            return Ok(chain.with_form(forms.far));
        }
        let own = super::visits::table(self.name(), process)?;
        let level = match self.switch {
            None => None,
            Some(number) if (1..=own.len()).contains(&number) => Some(own.level(number)),
            Some(given) => {
                let expected = "the number of a level";
                return Err(Error::Invalid { name: "switch", given: given as f64, expected });
            }
        };
        let log_snr = level.map_or(0.0, |level| level.log_snr());
        let is_near = |number: &&usize| table.level(**number).log_snr() >= log_snr;
        // A block has one form: the first one if it begins above the level.
        let near = levels.iter().find(is_near).copied().unwrap_or(0);
        Ok(chain.with_forms(forms, near))
    }

    /// Expected evaluations of a block of a course on a process of data.
    pub(crate) fn cost_of(&self, process: &Process, course: &Course, step: usize) -> Result<f64> {
        let chain = self.chain(process, course.table()?, &course.levels)?;
        let sampler = self.configured(PoissonMidpoint::on_chain(chain))?;
        Ok(sampler.evaluations_of(course.grid.interval(step)))
    }

    /// In phase space: the data form, or that of the score, which is called noise.
    fn joint_form(&self) -> Result<Form> {
        let forms = self.form.unwrap_or(JOINT.into());
        match forms.far {
            form if form == forms.near && form != Form::Velocity => Ok(form),
            _ => Err(Error::Value {
                option: format!("{}, form", self.name()),
                given: forms.to_string(),
                expected: "data or noise in phase space".into(),
            }),
        }
    }

    fn in_phase_space<D: LinearDynamics>(&self, dynamics: D) -> Result<PoissonMidpoint<D>> {
        self.configured(PoissonMidpoint::new(dynamics, self.substeps.unwrap_or(16))?)
    }
}

impl Recipe for Poisson {
    fn all() -> Vec<Self> {
        vec![Self::new(Selection::Bernoulli), Self::new(Selection::Single)]
    }

    fn name(&self) -> &'static str {
        match self.selection {
            Selection::Bernoulli => "pmm1",
            Selection::Single => "pmm2",
        }
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        let title = match (kind, self.selection) {
            (ProcessKind::Psld, Selection::Bernoulli) => {
                "Poisson midpoint on the reverse SDE, option 1"
            }
            (ProcessKind::Psld, Selection::Single) => {
                "Poisson midpoint on the reverse SDE, option 2"
            }
            (_, Selection::Bernoulli) => {
                "Poisson midpoint on the DDPM chain, option 1: a step is a block of levels"
            }
            (_, Selection::Single) => "Poisson midpoint on the DDPM chain, option 2",
        };
        Some(MethodInfo { title, source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068" })
    }

    fn enough_steps(&self, kind: ProcessKind) -> usize {
        let in_phase_space = kind == ProcessKind::Psld;
        let forms = self.form.unwrap_or(if in_phase_space { JOINT } else { Form::Data }.into());
        // A block that holds the data is stable for any length.
        let stable = forms == Form::Data.into();
        match (in_phase_space, self.selection, self.odds.unwrap_or_default()) {
            (true, ..) if stable => 10,
            (true, Selection::Bernoulli, _) => 42,
            (true, ..) => 32,
            (false, _, Odds::Importance) if stable => 9,
            (false, ..) if stable => 8,
            (false, Selection::Bernoulli, _) => 22,
            (false, ..) => 18,
        }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        vec![
            choice(&GRID, ALL, &mut self.visits.grid),
            choice(&TIMESTEPS, DATA, &mut self.visits.timesteps),
            choice(&SIGMAS, DATA, &mut self.visits.sigmas),
            choice(&BLOCKS, DATA, &mut self.visits.blocks),
            choice(&VARIANCE, DATA, &mut self.variance),
            choice(&FORM, ALL, &mut self.form),
            choice(&SWITCH, DATA, &mut self.switch),
            choice(&SELECTION, ALL, &mut self.odds),
            choice(&phase::END_TIME, PSLD, &mut self.end_time),
            choice(&SUBSTEPS, PSLD, &mut self.substeps),
            choice(&NOISE_SCALE, ALL, &mut self.noise_scale),
        ]
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        if let Process::Psld(psld, _) = process {
            let cost = self.in_phase_space(ReversePsld::new(*psld))?.evaluations_per_step();
            let steps = phase::Steps { grid: self.visits.grid, end_time: self.end_time, cost };
            let course = steps.course(self.name(), process, evaluations)?;
            return Ok(match self.joint_form()? {
                Form::Data => {
                    // The last step is one of the score.
                    let last = course.grid.time(course.grid.steps() - 1);
                    let later = Some((last, Prediction::JointScore));
                    Course { wanted: Prediction::JointData, later, ..course }
                }
                _ => course,
            });
        }
        let table = table(self.name(), process)?;
        let price = Price { each: 2, last: 2 };
        // An explicit step in the noise form is unstable far in the noise, the others are bounded.
        let explicit = self.forms().far == Form::Noise;
        let latest = if explicit { LATEST_EXPLICIT } else { latest_bounded(process) };
        let walk = Walk { method: self.name(), price, latest };
        let route = self.visits.route(walk, process, evaluations)?.refined(table)?;
        let jumps = if explicit { jumps(&route.table, &route.levels) } else { Vec::new() };
        let chain = self.chain(process, &route.table, &route.levels)?;
        let asked: Vec<_> = route.levels.iter().map(|level| chain.form_at(*level)).collect();
        let last = route.table.len();
        let change = asked.iter().position(|form| *form != asked[0]);
        let later = change
            .filter(|i| route.levels[*i] > 0)
            .map(|i| ((last - route.levels[i]) as f64, asked[i].prediction()));
        let mut course = route.course(asked[0].prediction(), 0.0)?;
        let sampler = self.configured(PoissonMidpoint::on_chain(chain))?;
        let each = |(i, interval)| match jumps.get(i) {
            Some(true) => 1.0,
            _ => sampler.evaluations_of(interval),
        };
        course.evaluations = course.grid.iter().enumerate().map(each).sum();
        Ok(Course { jumps, later, ..course })
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        if let Process::Psld(psld, _) = process {
            let reverse = ReversePsld::new(*psld);
            if course.wanted == Prediction::JointScore {
                return phase::finished(self.in_phase_space(reverse)?, *psld, course);
            }
            let restated = Restated::new(reverse, course.clock.clone(), course.wanted)?;
            return phase::finished(self.in_phase_space(restated)?, *psld, course);
        }
        let chain = self.chain(process, course.table()?, &course.levels)?;
        let jump = EulerMaruyama::new(chain.clone());
        with_jumps(self.configured(PoissonMidpoint::on_chain(chain))?, jump, &course.jumps)
    }
}
