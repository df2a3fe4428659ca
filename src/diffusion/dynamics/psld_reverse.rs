//! The phase-space Langevin diffusion run backwards: reverse SDE and probability flow, in the clock
//! τ = ∫β.

use crate::diffusion::psld::Psld;
use crate::dynamics::{ContinuousDynamics, Letter, LinearDynamics, PhaseSpace, Transition};
use crate::error::{Error, Result, finite};
use crate::math::block::{Block, ZERO, product, scaled};
use crate::sampler::{PositionNoise, Splitting};
use crate::state::Layout;

/// The reverse SDE of a phase-space diffusion; the drift is the joint score (s_x, s_m).
///
/// ```text
/// dx = ½ (Γ x − M⁻¹ m + 2Γ s_x) ds + √Γ dW          dm = ½ (x + ν m + 2Mν s_m) ds + √(Mν) dW
/// A = e^{−Fh}     G = ∫₀ʰ e^{−Fs} ds · diag(Γ, Mν)     Q = ∫₀ʰ e^{−Fs} diag(Γ, Mν) e^{−Fᵀs} ds
/// ```
///
/// Time s counts from the prior: the score belongs to τ = T − s
/// ([`Clock`](crate::diffusion::Clock)). Coefficients are constant in this clock, whatever the
/// rate β(t). The drift reads and writes 2·dim columns.
///
/// As a [`PhaseSpace`] it splits into
///
/// ```text
/// A: dx = ½ (2Γ x − M⁻¹ m + 2Γ s_x) ds                      explicit Euler
/// B: dm = ½ (x + 2ν m + 2Mν s_m) ds                         explicit Euler
/// O: dx = −½ Γ x ds + √Γ dW,  dm = −½ ν m ds + √(Mν) dW     exact
/// ```
///
/// Source: Pandey & Mandt 2023 (arXiv 2303.01748); the split of Pandey, Rudolph & Mandt 2024 (arXiv
/// 2402.07211).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReversePsld {
    process: Psld,
}

/// The probability flow of a phase-space diffusion; the drift is the joint score (s_x, s_m).
///
/// ```text
/// dx = ½ (Γ x − M⁻¹ m + Γ s_x + …) ds: as the reverse SDE, with half the score and no noise
/// dz = (−F z + ½ diag(Γ, Mν) s) ds
/// A = e^{−Fh}     G = ½ ∫₀ʰ e^{−Fs} ds · diag(Γ, Mν)     Q = 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PsldFlow {
    process: Psld,
}

impl ReversePsld {
    /// The reverse of this process.
    pub fn new(process: Psld) -> Self {
        Self { process }
    }

    /// The process.
    pub fn process(&self) -> &Psld {
        &self.process
    }
}

impl PsldFlow {
    /// The flow of this process.
    pub fn new(process: Psld) -> Self {
        Self { process }
    }
}

fn layout(process: &Psld) -> Layout {
    Layout::with_momentum(process.mass()).joint()
}

fn diagonal([a, b]: [f64; 2]) -> Block {
    [[a, 0.0], [0.0, b]]
}

impl LinearDynamics for ReversePsld {
    fn layout(&self) -> Layout {
        layout(&self.process)
    }

    fn transition(&self, _: f64, length: f64) -> Transition {
        let reverse = self.process.forward().negated();
        let intensity = self.process.intensity();
        Transition {
            propagator: reverse.exponential(length),
            gain: product(&reverse.integral(length), &diagonal(intensity)),
            covariance: reverse.covariance(length, intensity),
        }
    }

    fn is_autonomous(&self) -> bool {
        true
    }
}

impl ContinuousDynamics for ReversePsld {
    fn rate(&self, _: f64) -> Block {
        diagonal(self.process.intensity())
    }

    fn generator(&self, _: f64) -> Block {
        self.process.forward().negated().matrix()
    }

    fn intensity(&self, _: f64) -> Block {
        diagonal(self.process.intensity())
    }
}

impl PhaseSpace for ReversePsld {
    fn part(&self, letter: Letter, h: f64) -> Transition {
        let gamma = self.process.gamma();
        let nu = self.process.nu();
        let mass = self.process.mass();
        match letter {
            Letter::A => Transition {
                propagator: [[1.0 + h * gamma, -0.5 * h / mass], [0.0, 1.0]],
                gain: [[h * gamma, 0.0], [0.0, 0.0]],
                covariance: ZERO,
            },
            Letter::B => Transition {
                propagator: [[1.0, 0.0], [0.5 * h, 1.0 + h * nu]],
                gain: [[0.0, 0.0], [0.0, h * mass * nu]],
                covariance: ZERO,
            },
            Letter::O => Transition {
                propagator: diagonal([libm::exp(-0.5 * gamma * h), libm::exp(-0.5 * nu * h)]),
                gain: ZERO,
                covariance: diagonal([-libm::expm1(-gamma * h), -mass * libm::expm1(-nu * h)]),
            },
        }
    }

    fn takes_drift(&self, letter: Letter) -> bool {
        letter != Letter::O
    }
}

impl LinearDynamics for PsldFlow {
    fn layout(&self) -> Layout {
        layout(&self.process)
    }

    fn transition(&self, _: f64, length: f64) -> Transition {
        let reverse = self.process.forward().negated();
        let intensity = self.process.intensity();
        Transition {
            propagator: reverse.exponential(length),
            gain: scaled(&product(&reverse.integral(length), &diagonal(intensity)), 0.5),
            covariance: ZERO,
        }
    }

    fn is_autonomous(&self) -> bool {
        true
    }
}

impl ContinuousDynamics for PsldFlow {
    fn rate(&self, _: f64) -> Block {
        scaled(&diagonal(self.process.intensity()), 0.5)
    }

    fn generator(&self, _: f64) -> Block {
        self.process.forward().negated().matrix()
    }

    fn intensity(&self, _: f64) -> Block {
        ZERO
    }
}

impl Splitting<ReversePsld> {
    /// Scales the noise of the position in O. The momentum keeps its own noise, as anything else is
    /// unstable.
    ///
    /// # Errors
    /// [`Error::Invalid`] if λ is negative or not finite, [`Error::NotTaken`] for a naive sampler.
    pub fn with_position_noise(self, noise: PositionNoise) -> Result<Self> {
        let (PositionNoise::Step { scale } | PositionNoise::Remaining { scale, .. }) = noise;
        if self.is_naive() {
            let by = "naive splitting".into();
            return Err(Error::NotTaken {
                option: "lambda-s".into(),
                by,
                takes: "no noise".into(),
            });
        }
        if !(scale >= 0.0 && scale.is_finite()) {
            let expected = "a finite number >= 0";
            return Err(Error::Invalid { name: "lambda-s", given: scale, expected });
        }
        if let PositionNoise::Remaining { end, .. } = noise {
            finite("end of the position noise", end)?;
        }
        Ok(self.position_noise(noise))
    }
}
