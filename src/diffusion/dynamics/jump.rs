//! A step of DDPM or DDIM between any two levels of a clock, from the score or the data that a
//! model predicts.

use crate::diffusion::clock::Clock;
use crate::diffusion::prediction::Prediction;
use crate::diffusion::schedule::Level;
use crate::dynamics::{LinearDynamics, Transition};
use crate::error::{Error, Result};
use crate::math::block::one;
use crate::state::Layout;

/// A step over much noise, for methods whose own steps would be unstable there; the drift is the
/// score or x̂₀ at level t.
///
/// ```text
/// x_s = √ᾱ_s x̂₀ + √(1 − ᾱ_s − σ²) ε̂ + σ z
/// x̂₀ = (x + (1−ᾱ_t) score)/√ᾱ_t            ε̂ = −√(1−ᾱ_t) score = (x − √ᾱ_t x̂₀)/√(1−ᾱ_t)
/// on the flow σ = 0 (DDIM); on the reverse SDE σ² = (1 − ᾱ_t/ᾱ_s)(1−ᾱ_s)/(1−ᾱ_t) (DDPM)
/// ```
///
/// The result is bounded for any two levels: it mixes x̂₀ and noise with factors of at most 1. It
/// is exact if x̂₀ stays the same over the step. Far in the noise it hardly moves.
///
/// Source: Song, Meng & Ermon 2020 (arXiv 2010.02502), equation 12.
#[derive(Clone, Debug, PartialEq)]
pub struct Jump {
    clock: Clock,
    drift: Prediction,
    noisy: bool,
}

impl Jump {
    /// A step of DDIM, without noise. The drift is the score or the data.
    ///
    /// # Errors
    /// [`Error::Model`] for a drift of another kind.
    pub fn on_flow(clock: Clock, drift: Prediction) -> Result<Self> {
        Self::new(clock, drift, false)
    }

    /// A step of DDPM with the variance of the posterior. The drift is the score or the data.
    ///
    /// # Errors
    /// As for [`on_flow`](Self::on_flow).
    pub fn on_reverse_sde(clock: Clock, drift: Prediction) -> Result<Self> {
        Self::new(clock, drift, true)
    }

    fn new(clock: Clock, drift: Prediction, noisy: bool) -> Result<Self> {
        if !matches!(drift, Prediction::Score | Prediction::Data) {
            let expected = "the score or the data, as the drift of a jump".into();
            return Err(Error::Model { given: drift.to_string(), expected });
        }
        Ok(Self { clock, drift, noisy })
    }

    fn between(&self, from: Level, to: Level) -> Transition {
        // The share of x_t in x_s for the same x̂₀: √(1 − ᾱ_s − σ²)/√(1−ᾱ_t).
        let beta = -libm::expm1(from.log_alpha_bar() - to.log_alpha_bar());
        let ratio = to.one_minus_alpha_bar() / from.one_minus_alpha_bar();
        let variance = if self.noisy { beta * ratio } else { 0.0 };
        let kept = if self.noisy {
            // 1 − ᾱ_s − σ² = (ᾱ_t/ᾱ_s) (1−ᾱ_s)²/(1−ᾱ_t)
            ratio * libm::exp(0.5 * (from.log_alpha_bar() - to.log_alpha_bar()))
        } else {
            ratio.sqrt()
        };
        let data = to.signal() - kept * from.signal();
        let [propagator, gain] = match self.drift {
            Prediction::Data => [kept, data],
            _ => [kept + data / from.signal(), from.one_minus_alpha_bar() * data / from.signal()],
        };
        Transition { propagator: one(propagator), gain: one(gain), covariance: one(variance) }
    }
}

impl LinearDynamics for Jump {
    fn layout(&self) -> Layout {
        Layout::POSITION
    }

    fn transition(&self, start: f64, length: f64) -> Transition {
        match (self.clock.level(start), self.clock.level(start + length)) {
            (Ok(from), Ok(to)) => self.between(from, to),
            // Outside the process: a run sees it, as its clock is an error there.
            _ => Transition::UNDEFINED,
        }
    }

    fn is_autonomous(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::dynamics::Ancestral;
    use crate::diffusion::schedule::LevelTable;

    /// Both are steps of DDIM and DDPM, which `Ancestral` states with ε̂.
    #[test]
    fn jumps_are_ancestral_steps() {
        let table = LevelTable::cosine(1000).unwrap();
        for (noisy, eta) in [(false, 0.0), (true, 1.0)] {
            let chain = Ancestral::ddim(table.clone(), eta).unwrap();
            for (from, to) in [(998, 900), (700, 300), (300, 1), (2, 1)] {
                let start = (1000 - from) as f64;
                let length = (from - to) as f64;
                let want = chain.transition(start, length);
                let level = table.level(from);
                for drift in [Prediction::Score, Prediction::Data] {
                    let jump = Jump::new(Clock::Chain(table.clone()), drift, noisy).unwrap();
                    let found = jump.transition(start, length);
                    // ε̂ = c x + d b.
                    let factors = drift.convert(Prediction::Epsilon, level);
                    let map = want.propagator[0][0] + want.gain[0][0] * factors.input;
                    let gain = want.gain[0][0] * factors.prediction;
                    let scale = want.propagator[0][0].abs();
                    let near = |a: f64, b: f64| (a - b).abs() < 1e-11 * scale;
                    assert!(near(found.propagator[0][0], map), "{noisy} {from} {to} {drift}");
                    assert!(near(found.gain[0][0], gain), "{noisy} {from} {to} {drift}");
                    assert!(near(found.covariance[0][0], want.covariance[0][0]));
                }
            }
        }
        assert!(Jump::on_flow(Clock::Chain(table), Prediction::Epsilon).is_err());
    }
}
