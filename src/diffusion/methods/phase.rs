//! The course of methods in phase space: equal or shrinking steps, and a last one without noise.

use super::far::LATEST_EXPLICIT;
use super::recipe::Course;
use crate::diffusion::clock::Clock;
use crate::diffusion::dynamics::ReversePsld;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::Process;
use crate::diffusion::psld::Psld;
use crate::diffusion::schedule::{Beta, Spacing};
use crate::dynamics::{Linearized, Noiseless};
use crate::error::{Error, Result, count, positive};
use crate::grid::TimeGrid;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler, Switch};

pub(crate) const END_TIME: OptionInfo = OptionInfo::new(
    "end-time",
    "D",
    "Time at which the steps end: of a phase-space diffusion, in (0, 1) [default: 0.001], or \
     Ornstein-Uhlenbeck time of a predictor-corrector run [default: that of level 1]",
);

/// The constants of a phase-space diffusion.
pub(crate) fn phase(method: &'static str, process: &Process) -> Result<(Psld, Beta)> {
    match process {
        Process::Psld(process, beta) => Ok((*process, *beta)),
        other => Err(super::recipe::not_on(method, other.kind())),
    }
}

/// The time of the process at which a run begins, and its τ.
pub(crate) struct Noisiest {
    pub time: f64,
    pub tau: f64,
}

/// The begin of a run: time 1, or where the mean of the data is multiplied by e^−6. More noise
/// would only make steps longer.
pub(crate) fn noisiest(process: Psld, beta: Beta) -> Result<Noisiest> {
    let whole = beta.integral(1.0)?;
    let nothing_left = |tau: f64| process.signal(tau) < libm::exp(-LATEST_EXPLICIT);
    let seen = |time: f64| beta.integral(time).map(|tau| !nothing_left(tau));
    if seen(1.0)? {
        return Ok(Noisiest { time: 1.0, tau: positive("integral of beta", whole)? });
    }
    let [mut low, mut high] = [0.0, 1.0];
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if seen(middle)? { low = middle } else { high = middle }
    }
    Ok(Noisiest { time: low, tau: positive("integral of beta", beta.integral(low)?)? })
}

/// How the steps of a run in phase space are spread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// Equal or quadratic. Default: equal.
    pub grid: Option<Spacing>,
    /// Time ε at which the steps end; a deterministic step of length ε follows. Default 1e-3.
    pub end_time: Option<f64>,
    /// Evaluations per step.
    pub cost: f64,
}

impl Steps {
    /// The power of the share of time that is left: 1 for equal steps.
    fn power(&self, method: &str) -> Result<u32> {
        match self.grid.unwrap_or(Spacing::Equal) {
            Spacing::Equal => Ok(1),
            Spacing::Quadratic => Ok(2),
            other => Err(Error::Value {
                option: format!("{method}, grid"),
                given: other.to_string(),
                expected: "uniform or quadratic in phase space".into(),
            }),
        }
    }

    /// The course with at most this many evaluations. One of them is the last step, of length ε and
    /// without noise; the rest, divided by the evaluations per step and rounded down, are the
    /// steps.
    pub(crate) fn course(
        &self,
        method: &'static str,
        process: &Process,
        evaluations: Option<usize>,
    ) -> Result<Course> {
        let (psld, beta) = phase(method, process)?;
        let Some(given) = evaluations else {
            return Err(Error::Missing { option: "evaluations", by: method.into() });
        };
        let end = self.end_time.unwrap_or(1e-3);
        if !(end > 0.0 && end < 1.0) {
            let expected = "a number in (0, 1), the time of the process";
            return Err(Error::Invalid { name: "end time", given: end, expected });
        }
        let Noisiest { time: first, tau: horizon } = noisiest(psld, beta)?;
        if !(end < first) {
            let expected = "a number below the time at which the run begins";
            return Err(Error::Invalid { name: "end time", given: end, expected });
        }
        // The budget is kept in expectation; a last digit of the quotient must not cost a step.
        let steps = (given.saturating_sub(1) as f64 / self.cost * (1.0 + 1e-12)) as usize;
        if steps == 0 {
            let needed = self.cost.ceil() as usize + 1;
            return Err(Error::TooFew { method, given, needed });
        }
        count("steps", steps, 1, 1 << 24, "a whole number from 1 to 16777216")?;
        let power = self.power(method)?;
        let whole = first - end;
        let knot = |i: usize| {
            let share = 1.0 - i as f64 / steps as f64;
            let share = if power == 1 { whole * share } else { whole * share * share };
            beta.integral(end + share).map(|tau| horizon - tau)
        };
        let mut knots = vec![0.0];
        knots.extend((1..=steps).map(knot).collect::<Result<Vec<_>>>()?);
        // The last knots must differ in f64 by what the end time is worth.
        if !(horizon - knots[steps] > 1e-12 * horizon) {
            let expected = "one by which at least 1e-12 of the noise is gained";
            return Err(Error::Invalid { name: "end time", given: end, expected });
        }
        knots.push(horizon);
        Ok(Course {
            predictor_steps: 0,
            jumps: Vec::new(),
            grid: TimeGrid::from_knots(knots)?,
            clock: Clock::Phase { process: psld, horizon },
            wanted: Prediction::JointScore,
            later: None,
            levels: Vec::new(),
            table: None,
            evaluations: self.cost * steps as f64 + 1.0,
        })
    }
}

/// The sampler for all steps but the last, which is an Euler step without noise.
pub(crate) fn finished<F: Real>(
    sampler: impl Sampler<F> + 'static,
    psld: Psld,
    course: &Course,
) -> Result<Box<dyn Sampler<F>>> {
    let last = EulerMaruyama::new(Noiseless::new(Linearized::new(ReversePsld::new(psld))));
    let steps = course.grid.steps() - 1;
    Ok(Box::new(Switch::new(sampler, last, steps as u32)?))
}
