//! The far noise: the level at which runs begin at the latest, and the steps that jump out of the
//! noise by the ancestral rule.

use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::Jumps;
use crate::diffusion::schedule::LevelTable;
use crate::error::{Error, Result};
use crate::real::Real;
use crate::sampler::Sampler;

/// Ornstein–Uhlenbeck time at which a run begins at the latest. There √ᾱ is 2e-6: what is left of
/// the data is far below what any start can tell, and a factor of 1/√ᾱ still leaves f32 a digit.
pub(crate) const LATEST: f64 = 13.0;

/// The same for methods with an explicit first step. The distribution is a standard normal up to
/// e^−12 of its variance.
pub(crate) const LATEST_EXPLICIT: f64 = 6.0;

/// The time at which methods begin that are bounded for any step. A flow begins in pure noise, as
/// its networks predict the data there; see [`Flow`](crate::diffusion::Flow).
pub(crate) fn latest_bounded(process: &Process) -> f64 {
    if process.kind() == ProcessKind::Flow { f64::INFINITY } else { LATEST }
}

/// The last level of a table within this Ornstein–Uhlenbeck time.
pub(crate) fn first_level(table: &LevelTable, latest: f64) -> Result<usize> {
    let short = |level: &usize| table.level(*level).ou_time() <= latest;
    (1..=table.len()).rev().find(short).ok_or(Error::Invalid {
        name: "alpha bar of level 1",
        given: table.level(1).alpha_bar(),
        expected: "a level at which something is left of the data, alpha bar above 1e-11",
    })
}

/// Refuses listed levels that begin where nothing is left of the data.
pub(crate) fn check_listed(table: &LevelTable, levels: &[usize], latest: f64) -> Result<()> {
    let first = first_level(table, latest.max(LATEST))?;
    if levels[0] <= first {
        return Ok(());
    }
    let alpha_bar = table.level(levels[0]).alpha_bar();
    Err(Error::Value {
        option: "levels visited".into(),
        given: format!("timestep {} with alpha bar {alpha_bar:e}", levels[0] - 1),
        expected: format!(
            "timestep {} or one below, where something is left of the data",
            first - 1
        ),
    })
}

/// The longest step that a method takes by its own rule, as the growth of log √ᾱ.
///
/// An explicit step from σ to σ′ multiplies what the model says by σ/σ′. So a step over much of the
/// noise must not be explicit. What the default grid takes first on the linear schedule is let
/// pass. It is 5.06 (1 − (1 − 1/N)⁴) with N steps.
fn longest(steps: usize) -> f64 {
    let rest = 1.0 - 1.0 / steps as f64;
    let linear = 5.2 * (1.0 - rest * rest * rest * rest);
    linear.max(libm::log(1.5))
}

/// Which steps through these levels jump: those that multiply √ᾱ by more than 1.5, and by more than
/// the first step of the default grid on the linear schedule does.
pub(crate) fn jumps(table: &LevelTable, levels: &[usize]) -> Vec<bool> {
    let longest = longest(levels.len() - 1);
    let log_signal = |level: usize| -table.level(level).ou_time();
    let jumps = |pair: &[usize]| pair[1] > 0 && log_signal(pair[1]) - log_signal(pair[0]) > longest;
    levels.windows(2).map(jumps).collect()
}

/// The sampler, except for steps that jump.
pub(crate) fn with_jumps<F: Real>(
    sampler: impl Sampler<F> + 'static,
    jump: impl Sampler<F> + 'static,
    jumps: &[bool],
) -> Result<Box<dyn Sampler<F>>> {
    if !jumps.contains(&true) {
        return Ok(Box::new(sampler));
    }
    Ok(Box::new(Jumps::new(sampler, jump, jumps.to_vec())?))
}
