//! Adjusted runs: MALT in tuned coordinates, with a step that accepts often enough.

use super::pair::{Chains, Length, Path, State, Walk};
use super::stream;
use super::tune::Warm;
use super::tuned::Tuned;
use crate::drift::{Distributed, Drift};
use crate::dynamics::Underdamped;
use crate::error::{Error, Result};
use crate::metrics::normal_quantile;
use crate::noise::Philox;
use crate::sampler::Malt;

/// The share of proposals that are to be accepted.
const TARGET: f64 = 0.8;
/// Rounds in which the step is found, and their steps.
const ROUNDS: u64 = 6;
const STEPS: usize = 40;
/// Most leapfrogs of a step.
const LEAPFROGS: f64 = 32.0;
/// The most by which a round changes the step.
const MOST: f64 = 2.0;

/// The leapfrogs of a step.
pub(super) fn leapfrogs(tuned: &Tuned) -> f64 {
    (1.0 / (tuned.friction() * tuned.step())).round().clamp(1.0, LEAPFROGS)
}

/// A run of MALT from a state, with 1/γh leapfrogs per step. `length` counts proposals.
pub(super) fn adjusted<D: Drift<f64>>(
    drift: &Distributed<D>,
    tuned: &Tuned,
    chains: Chains,
    start: &State,
    length: Length,
) -> Result<Path> {
    let leapfrogs = leapfrogs(tuned);
    let malt = Malt::new(Underdamped::new(tuned.friction(), 1.0)?);
    let malt = malt.with_leapfrogs(leapfrogs as usize)?;
    let noise = Philox::new(chains.seed);
    let step = leapfrogs * tuned.step();
    Walk { sampler: &malt, step, scale: tuned.scale(), noise: &noise }
        .run(drift, chains, start, length)
}

/// The settings with a step at which [`TARGET`] is accepted.
pub(super) fn accepting<D: Drift<f64>>(
    drift: &Distributed<D>,
    chains: Chains,
    warm: Warm,
) -> Result<Warm> {
    let Warm { mut tuned, mut state } = warm;
    for round in 0..ROUNDS {
        let chains = Chains { seed: stream(chains.seed, round), ..chains };
        let length = Length { burn_in: STEPS - 1, interval: 1, frames: 1 };
        let path = match adjusted(drift, &tuned, chains, &state, length) {
            Err(Error::Diverged { .. }) if round + 1 < ROUNDS => {
                tuned = tuned.halved();
                continue;
            }
            path => path?,
        };
        let change = error_of_energy(TARGET) / error_of_energy(path.acceptance.unwrap_or(0.0));
        let step = tuned.step() * change.sqrt().clamp(1.0 / MOST, MOST);
        tuned = tuned.with_step(step);
        state = path.end;
    }
    Ok(Warm { tuned, state })
}

/// The standard deviation of the error of the energy at which this share is accepted.
fn error_of_energy(share: f64) -> f64 {
    let half = 0.5 * share.clamp(0.01, 0.995);
    -2.0 * normal_quantile(half).unwrap_or(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2Φ(−σ/2) is 0.8 for σ = 0.5067 and 0.5 for σ = 1.349.
    #[test]
    fn acceptance_tells_the_error_of_the_energy() {
        assert!((error_of_energy(0.8) - 0.506_694_206).abs() < 1e-8);
        assert!((error_of_energy(0.5) - 1.348_979_500).abs() < 1e-8);
        assert_eq!(error_of_energy(0.0), error_of_energy(0.01));
    }
}
