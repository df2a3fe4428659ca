//! Randomized midpoint with R windows and P Picard rounds: unbiased inner times, all windows in one
//! batched call.

mod quadrature;
mod settings;
mod windows;

use settings::Settings;
use windows::Windows;

use super::interface::{CoinScript, Sampler, Scheme};
use super::step::Step;
use crate::dynamics::ContinuousDynamics;
use crate::error::{Error, Result, count, positive};
use crate::real::Real;
use crate::state::Layout;

/// The randomized midpoint method, sequential (R = 1, P = 0) and parallel.
///
/// ```text
/// start    xᵢ⁰ = A(t₀,τᵢ) X + G(t₀,τᵢ) b(X, t₀) + Nᵢ                  τᵢ = t₀ + αᵢ h, αᵢ uniform on [(i−1)/R, i/R]
/// Picard   xᵢᵏ = A(t₀,τᵢ) X + Σ_{j≤i} Wᵢⱼ b(xⱼᵏ⁻¹, τⱼ) + Nᵢ            k = 1 … P
/// finish   X⁺  = A(t₀,t₁) X + δ Σᵢ A(τᵢ,t₁) J b(xᵢᴾ, τᵢ) + N_{R+1}    δ = h/R
/// ```
///
/// Wᵢⱼ integrates the drift of window j up to τᵢ; N is one Brownian path. Evaluations: 1 + (P + 1)
/// R per step, in P + 2 batched calls: every round is one call over all windows and chains, each
/// row with its own time.
///
/// - `windows` R and `rounds` P: R = 1, P = 0 is Shen & Lee 2019 for underdamped dynamics,
///   randomized-midpoint Langevin Monte Carlo for overdamped, Algorithm 1 of Gupta, Cai & Chen 2024
///   (arXiv 2406.00924) for the probability flow; R > 1 is its parallel Algorithm 4.
/// - `tolerance`: a chain stops its rounds once no coordinate of any of its midpoints moved by more
///   than this; P is then the most rounds it may take. Each chain decides for itself, so results do
///   not depend on the batch.
/// - `control_variate` (not in the papers): the finish uses G b(X, t₀) + δ Σ A(τᵢ,t₁) J (b(xᵢᴾ, τᵢ)
///   − b(X, t₀)), still unbiased over α, same cost. Underdamped at h = 0.4, R = 1, P = 0 it takes
///   the excess of the stationary variance on N(0, 1) from 1.3e-3 to 8.0e-5. No effect on
///   overdamped dynamics, where the weights do not depend on τ.
///
/// Weak order: the stationary variance on a Gaussian target is wrong by O(h³) for R = 1, P = 0 on
/// overdamped dynamics, by O(h²) with other R and P. More windows or rounds are for parallel
/// machines, not always for accuracy: ask [`probe`](crate::probe).
#[derive(Clone, Copy, Debug)]
pub struct RandomizedMidpoint<D> {
    dynamics: D,
    settings: Settings,
}

impl<D: ContinuousDynamics> RandomizedMidpoint<D> {
    /// One window, no Picard round: two evaluations per step.
    pub fn new(dynamics: D) -> Self {
        Self { dynamics, settings: Settings::default() }
    }

    /// With R windows.
    ///
    /// # Errors
    /// [`Error::Invalid`] if R is not from 1 to 65536.
    pub fn with_windows(mut self, windows: usize) -> Result<Self> {
        self.settings.windows =
            count("windows", windows, 1, 65_536, "a whole number from 1 to 65536")?;
        Ok(self)
    }

    /// With P Picard rounds.
    ///
    /// # Errors
    /// [`Error::Invalid`] if P is above 65536, or 0 where there is a tolerance to stop them.
    pub fn with_rounds(mut self, rounds: usize) -> Result<Self> {
        if rounds == 0 && self.settings.tolerance.is_some() {
            return Err(Self::nothing_to_stop());
        }
        self.settings.rounds =
            count("rounds", rounds, 0, 65_536, "a whole number from 0 to 65536")?;
        Ok(self)
    }

    /// Stops the rounds of a chain early, once its midpoints moved by no more than this in any
    /// coordinate.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tolerance is not finite and positive, or if there are no rounds to
    /// stop: set them first.
    pub fn with_tolerance(mut self, tolerance: f64) -> Result<Self> {
        if self.settings.rounds == 0 {
            return Err(Self::nothing_to_stop());
        }
        self.settings.tolerance = Some(positive("tolerance", tolerance)?);
        Ok(self)
    }

    fn nothing_to_stop() -> Error {
        Error::Invalid {
            name: "rounds",
            given: 0.0,
            expected: "at least 1 where a tolerance is given",
        }
    }

    /// With or without the control variate. Default: without.
    pub fn with_control_variate(mut self, on: bool) -> Self {
        self.settings.control_variate = on;
        self
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }
}

impl<D: ContinuousDynamics> Scheme for RandomizedMidpoint<D> {
    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn evaluations_per_step(&self) -> f64 {
        (1 + (self.settings.rounds + 1) * self.settings.windows) as f64
    }

    /// The tensor product of Gauss–Legendre rules over the windows. The integrand is a product of
    /// exponentials and polynomials in each αᵢ, and a window shrinks with R, so few nodes each leave
    /// rounding errors alone.
    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        if self.settings.tolerance.is_some() {
            let reason = "a tolerance makes the step depend on the state in a way that is not \
                          affine; give rounds alone";
            return Err(Error::NotProbeable { reason });
        }
        quadrature::scripts(self.settings.windows)
    }
}

impl<F: Real, D: ContinuousDynamics> Sampler<F> for RandomizedMidpoint<D> {
    fn step(&self, step: &mut Step<'_, F>) -> Result<()> {
        let windows = step.own.get::<Windows<F>>();
        let rule = self.settings.rule(&self.dynamics, step.interval);
        windows.draw_times(&rule, &step.noise, step.state);
        windows.start(&rule, &mut step.drift, &mut step.noise, step.state)?;
        windows.picard(&rule, &mut step.drift, step.state)?;
        windows.finish(&rule, &mut step.drift, step.state)
    }
}
