//! Randomized midpoint with R windows and P Picard rounds. Its random inner times have no bias, and
//! all windows share one batched call.

mod compose;
mod quadrature;
mod settings;
mod shape;
mod windows;

use settings::Settings;
use windows::Windows;

use super::interface::{CoinScript, Sampler, Scheme};
use super::step::Step;
use crate::dynamics::{ContinuousDynamics, LinearDynamics};
use crate::error::{Error, Result, count, positive};
use crate::real::Real;
use crate::state::Layout;

/// The randomized midpoint method, sequential (R = 1, P = 0) or parallel.
///
/// ```text
/// start    xᵢ⁰ = A(t₀,τᵢ) X + G(t₀,τᵢ) b(X, t₀) + Nᵢ
/// Picard   xᵢᵏ = A(t₀,τᵢ) X + Σ_{j≤i} Wᵢⱼ b(xⱼᵏ⁻¹, τⱼ) + Nᵢ    k = 1 … P
/// finish   X⁺  = A(t₀,t₁) X + δ Σᵢ A(τᵢ,t₁) J b(xᵢᴾ, τᵢ) + N_{R+1}
///
/// δ = h/R    τᵢ = t₀ + αᵢ h    αᵢ uniform on [(i−1)/R, i/R]
/// Wᵢⱼ integrates the drift of window j up to τᵢ
/// Nᵢ is the noise up to τᵢ, and N_{R+1} the noise up to t₁, from one Brownian path
/// ```
///
/// Evaluations: 1 + (P + 1) R per step, in P + 2 batched calls. Every round is one call over all
/// windows and chains. Each row of it has its own time.
///
/// - `windows` R (default 1) and `rounds` P (default 0). R = 1, P = 0 is the method of Shen & Lee
///   2019 for underdamped dynamics. For overdamped dynamics it is randomized-midpoint Langevin
///   Monte Carlo. For the probability flow it is Algorithm 1 of Gupta, Cai & Chen 2024 (arXiv
///   2406.00924). R > 1 is their parallel Algorithm 4.
/// - `tolerance`: a chain stops its rounds once no coordinate of any of its midpoints moved by more
///   than this. P is then the largest number of rounds. Each chain decides for itself, so results
///   do not depend on the batch.
/// - `control_variate` (not in the papers, same cost, default off): the finish uses the rule below.
///   It is still unbiased over α. On underdamped dynamics at h = 0.4 with R = 1, P = 0, it reduces
///   the excess of the stationary variance on N(0, 1) from 1.3e-3 to 8.0e-5. It has no effect on
///   overdamped dynamics, because the weights there do not depend on τ.
///
/// ```text
/// X⁺ = A(t₀,t₁) X + G(t₀,t₁) b(X, t₀) + δ Σᵢ A(τᵢ,t₁) J ( b(xᵢᴾ, τᵢ) − b(X, t₀) ) + N_{R+1}
/// ```
///
/// Order, as the error of the stationary variance on a Gaussian target:
///
/// | | overdamped | underdamped |
/// |---|---|---|
/// | R = 1, P = 0 | O(h³) | O(h³) |
/// | other R and P | O(h²) | O(h³) |
///
/// More windows or rounds are for parallel machines. They do not always improve accuracy. The
/// [`probe`](crate::probe) computes the bias of a setting.
#[derive(Clone, Copy, Debug)]
pub struct RandomizedMidpoint<D> {
    dynamics: D,
    settings: Settings,
}

impl<D: ContinuousDynamics> RandomizedMidpoint<D> {
    /// One window and no Picard round. A step takes two evaluations.
    pub fn new(dynamics: D) -> Self {
        Self { dynamics, settings: Settings::default() }
    }

    /// Sets the number of windows R. Default 1.
    ///
    /// # Errors
    /// [`Error::Invalid`] if R is not from 1 to 65536.
    pub fn with_windows(mut self, windows: usize) -> Result<Self> {
        self.settings.windows =
            count("windows", windows, 1, 65_536, "a whole number from 1 to 65536")?;
        Ok(self)
    }

    /// Sets the number of Picard rounds P. Default 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] if P is above 65536, or if P is 0 and there is a tolerance.
    pub fn with_rounds(mut self, rounds: usize) -> Result<Self> {
        if rounds == 0 && self.settings.tolerance.is_some() {
            return Err(Self::nothing_to_stop());
        }
        self.settings.rounds =
            count("rounds", rounds, 0, 65_536, "a whole number from 0 to 65536")?;
        Ok(self)
    }

    /// Stops the rounds of a chain early, once no coordinate of its midpoints moved by more than
    /// this.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tolerance is not finite and positive, or if the number of rounds
    /// is 0. Set the rounds first.
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

    /// Turns the control variate on or off. Default off.
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

    fn dynamics(&self) -> Option<&dyn LinearDynamics> {
        Some(&self.dynamics)
    }

    fn evaluations_per_step(&self) -> f64 {
        (1 + (self.settings.rounds + 1) * self.settings.windows) as f64
    }

    /// Of each window: paths, midpoints and drifts, a time and the transitions around it.
    fn scratch(&self, dim: usize) -> usize {
        let width = self.dynamics.layout().inputs().saturating_mul(dim);
        self.settings.windows.saturating_mul(width.saturating_mul(3).saturating_add(32))
    }

    /// The tensor product of Gauss–Legendre rules over the windows. The integrand is a product of
    /// exponentials and polynomials in each αᵢ. A window shrinks as R grows. So a few nodes for
    /// each window suffice, and only rounding errors remain.
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
