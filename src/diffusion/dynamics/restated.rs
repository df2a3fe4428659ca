//! Reverse processes in continuous time whose drift is another prediction than the score.

use crate::diffusion::clock::Clock;
use crate::diffusion::prediction::Prediction;
use crate::dynamics::{LinearDynamics, Transition};
use crate::error::{Error, Result};
use crate::math::block::{Block, product, sum};
use crate::state::Layout;

/// A dynamics whose drift is the score, restated with another prediction as the drift: x̂₀, ε̂ or
/// the velocity, or E\[z₀ | z\] in phase space.
///
/// ```text
/// score = C x + D f        A″ = A + G C        G″ = G D        Q″ = Q
/// data:        C = −1/(1−ᾱ),  D = √ᾱ/(1−ᾱ)
/// phase space: C = −Σ⁻¹,      D = Σ⁻¹ e^{Fτ},  Σ = ∫₀^τ e^{Fs} diag(Γ, Mν) e^{Fᵀs} ds
/// ```
///
/// C and D are those of the level at the start of the step. So a single step is the same one as
/// before. A [`PoissonMidpoint`](crate::PoissonMidpoint) holds f fixed over all sub-steps of a
/// step, each with its own C and D. With the data fixed, a long step is stable.
#[derive(Clone, Debug)]
pub struct Restated<D> {
    dynamics: D,
    clock: Clock,
    drift: Prediction,
}

impl<D: LinearDynamics> Restated<D> {
    /// The dynamics with this prediction as its drift, at the levels of this clock.
    ///
    /// # Errors
    /// [`Error::Model`] if the prediction is one of phase space and the clock is not, or the other
    /// way round.
    pub fn new(dynamics: D, clock: Clock, drift: Prediction) -> Result<Self> {
        let joint = matches!(drift, Prediction::JointScore | Prediction::JointData);
        let in_phase_space = matches!(clock, Clock::Phase { .. });
        if in_phase_space != joint || drift.is_joint() != joint {
            let given = format!("{drift}, as a drift");
            let expected = "the joint score or joint data in phase space, a prediction about x \
                            elsewhere";
            return Err(Error::Model { given, expected: expected.into() });
        }
        Ok(Self { dynamics, clock, drift })
    }

    /// C and D at a time.
    fn score(&self, time: f64) -> Result<[Block; 2]> {
        let level = self.clock.level(time)?;
        Ok(match (&self.clock, self.drift) {
            (Clock::Phase { process, .. }, Prediction::JointData) => {
                process.score_of_data(level.tau())
            }
            _ => {
                let factors = self.drift.convert(Prediction::Score, level);
                [factors.input, factors.prediction].map(|x| [[x, 0.0], [0.0, x]])
            }
        })
    }
}

impl<D: LinearDynamics> LinearDynamics for Restated<D> {
    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn transition(&self, start: f64, length: f64) -> Transition {
        // Outside the process: a run sees it, as its clock is an error there.
        let Ok([input, prediction]) = self.score(start) else { return Transition::UNDEFINED };
        let step = self.dynamics.transition(start, length);
        Transition {
            propagator: sum(&step.propagator, &product(&step.gain, &input)),
            gain: product(&step.gain, &prediction),
            covariance: step.covariance,
        }
    }

    fn is_autonomous(&self) -> bool {
        false
    }

    /// λ = ½ log(ᾱ/(1−ᾱ)), in phase space that of what z says about the data.
    fn drift_clock(&self, time: f64) -> f64 {
        let level = match (self.clock.level(time), &self.clock) {
            (Ok(level), Clock::Phase { process, .. }) => process.observation(level.tau()).level,
            (Ok(level), _) => level,
            (Err(_), _) => return f64::NAN,
        };
        0.5 * level.log_snr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::dynamics::{ReversePsld, ReverseSde};
    use crate::diffusion::psld::Psld;
    use crate::diffusion::schedule::Level;

    #[test]
    fn a_single_step_is_the_same_one() {
        let clock = Clock::Reverse { horizon: 3.0 };
        let [x, score] = [0.7, -1.3];
        for drift in [Prediction::Data, Prediction::Velocity, Prediction::Epsilon] {
            let restated = Restated::new(ReverseSde, clock.clone(), drift).unwrap();
            for time in [0.0, 1.0, 2.9] {
                let level = Level::from_ou_time(3.0 - time).unwrap();
                let factors = Prediction::Score.convert(drift, level);
                let f = factors.input * x + factors.prediction * score;
                let own = restated.transition(time, 0.05);
                let step = ReverseSde.transition(time, 0.05);
                let found = own.propagator[0][0] * x + own.gain[0][0] * f;
                let want = step.propagator[0][0] * x + step.gain[0][0] * score;
                assert!((found - want).abs() < 1e-13, "{drift} at {time}: {found} {want}");
                assert_eq!(own.covariance, step.covariance);
            }
        }
    }

    #[test]
    fn a_single_step_in_phase_space_is_the_same_one() {
        let process = Psld::PAPER;
        let clock = Clock::Phase { process, horizon: 8.0 };
        let dynamics = ReversePsld::new(process);
        let restated = Restated::new(dynamics, clock, Prediction::JointData).unwrap();
        let [z, score] = [[0.7, -0.2], [-1.3, 0.4]];
        let times = |m: &Block, v: [f64; 2]| [0, 1].map(|i| m[i][0] * v[0] + m[i][1] * v[1]);
        for time in [0.0, 5.0, 7.9] {
            let [input, prediction] = process.data_of_score(8.0 - time);
            let [a, b] = [times(&input, z), times(&prediction, score)];
            let f = [a[0] + b[0], a[1] + b[1]];
            let own = restated.transition(time, 0.05);
            let step = dynamics.transition(time, 0.05);
            let [a, b] = [times(&own.propagator, z), times(&own.gain, f)];
            let [c, d] = [times(&step.propagator, z), times(&step.gain, score)];
            for i in 0..2 {
                let size = a[i].abs() + b[i].abs() + c[i].abs();
                assert!((a[i] + b[i] - c[i] - d[i]).abs() < 1e-11 * size, "{time} {i}");
            }
        }
    }

    #[test]
    fn predictions_of_another_space_are_refused() {
        let reverse = Clock::Reverse { horizon: 3.0 };
        let phase = Clock::Phase { process: Psld::PAPER, horizon: 8.0 };
        for (clock, drift) in [(reverse, Prediction::JointData), (phase, Prediction::Data)] {
            assert!(Restated::new(ReverseSde, clock, drift).is_err(), "{drift}");
        }
    }
}
