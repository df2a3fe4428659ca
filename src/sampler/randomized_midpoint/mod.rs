//! Randomized midpoint with R windows and P Picard rounds: unbiased inner times, all windows in one
//! batched call.

mod windows;

use super::{CoinScript, Sampler, StepInfo, Work};
use crate::drift::Drift;
use crate::dynamics::{ContinuousDynamics, Layout};
use crate::error::{Error, Result, count, positive};
use crate::grid::Step;
use crate::noise::Noise;
use crate::real::Real;
use crate::state::State;
use windows::Scratch;

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
    windows: usize,
    rounds: usize,
    tolerance: Option<f64>,
    control_variate: bool,
}

impl<D: ContinuousDynamics> RandomizedMidpoint<D> {
    /// One window, no Picard round: two evaluations per step.
    pub fn new(dynamics: D) -> Self {
        Self { dynamics, windows: 1, rounds: 0, tolerance: None, control_variate: false }
    }

    /// With R windows.
    ///
    /// # Errors
    /// [`Error::Invalid`] if R is not from 1 to 65536.
    pub fn with_windows(mut self, windows: usize) -> Result<Self> {
        self.windows = count("windows", windows, 1, 65_536, "a whole number from 1 to 65536")?;
        Ok(self)
    }

    /// With P Picard rounds.
    ///
    /// # Errors
    /// [`Error::Invalid`] if P is above 65536, or 0 where there is a tolerance to stop them.
    pub fn with_rounds(mut self, rounds: usize) -> Result<Self> {
        if rounds == 0 && self.tolerance.is_some() {
            return Err(Self::nothing_to_stop());
        }
        self.rounds = count("rounds", rounds, 0, 65_536, "a whole number from 0 to 65536")?;
        Ok(self)
    }

    /// Stops the rounds of a chain early, once its midpoints moved by no more than this in any
    /// coordinate.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tolerance is not finite and positive, or if there are no rounds to
    /// stop: set them first.
    pub fn with_tolerance(mut self, tolerance: f64) -> Result<Self> {
        if self.rounds == 0 {
            return Err(Self::nothing_to_stop());
        }
        self.tolerance = Some(positive("tolerance", tolerance)?);
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
        self.control_variate = on;
        self
    }

    /// The dynamics.
    pub fn dynamics(&self) -> &D {
        &self.dynamics
    }
}

impl<F: Real, D: ContinuousDynamics> Sampler<F> for RandomizedMidpoint<D> {
    fn name(&self) -> &'static str {
        "rm"
    }

    fn layout(&self) -> Layout {
        self.dynamics.layout()
    }

    fn step(
        &self,
        step: Step,
        drift: &dyn Drift<F>,
        noise: &dyn Noise<F>,
        state: &mut State<F>,
        work: &mut Work,
    ) -> Result<StepInfo> {
        let scratch = work.scratch::<Scratch<F>>();
        scratch.prepare(self, step, noise, state);
        let mut info = StepInfo::default();
        scratch.start(self, step, drift, noise, state, &mut info)?;
        scratch.picard(self, step, drift, state, &mut info)?;
        scratch.finish(self, step, drift, state, &mut info)?;
        Ok(info)
    }

    fn evaluations_per_step(&self) -> f64 {
        (1 + (self.rounds + 1) * self.windows) as f64
    }

    /// The tensor product of Gauss–Legendre rules over the windows. The integrand is a product of
    /// exponentials and polynomials in each αᵢ, and a window shrinks with R, so few nodes each
    /// leave rounding errors alone.
    fn coin_scripts(&self) -> Result<Vec<CoinScript>> {
        if self.tolerance.is_some() {
            let reason = "a tolerance makes the step depend on the state in a way that is not affine; give rounds alone";
            return Err(Error::NotProbeable { reason });
        }
        let nodes = match self.windows {
            1 => 24,
            2 => 16,
            3 => 12,
            4 => 9,
            5 => 7,
            6 => 6,
            7 => 5,
            8 => 4,
            9..=10 => 3,
            11..=16 => 2,
            _ => {
                return Err(Error::NotProbeable {
                    reason: "more than 16 windows need too many quadrature nodes",
                });
            }
        };
        let rule = gauss_legendre(nodes);
        let mut scripts = vec![CoinScript { weight: 1.0, uniforms: Vec::new() }];
        for _ in 0..self.windows {
            scripts = scripts
                .iter()
                .flat_map(|script| {
                    rule.iter().map(|&(node, weight)| {
                        let mut uniforms = script.uniforms.clone();
                        uniforms.push(node);
                        CoinScript { weight: script.weight * weight, uniforms }
                    })
                })
                .collect();
        }
        Ok(scripts)
    }
}

/// Nodes and weights of the Gauss–Legendre rule on [0, 1], by Newton's method on the Legendre
/// polynomial.
fn gauss_legendre(nodes: usize) -> Vec<(f64, f64)> {
    let n = nodes as f64;
    (0..nodes)
        .map(|i| {
            let mut x = libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5));
            let mut slope = 1.0;
            for _ in 0..20 {
                let (mut previous, mut current) = (1.0, x);
                for k in 2..=nodes {
                    let k = k as f64;
                    (previous, current) =
                        (current, ((2.0 * k - 1.0) * x * current - (k - 1.0) * previous) / k);
                }
                slope = n * (x * current - previous) / (x * x - 1.0);
                x -= current / slope;
            }
            (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauss_legendre_integrates_its_degree() {
        for nodes in [1, 2, 3, 8, 24] {
            let rule = gauss_legendre(nodes);
            for degree in 0..2 * nodes {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(degree as i32)).sum();
                assert!(
                    (sum * (degree as f64 + 1.0) - 1.0).abs() < 1e-13,
                    "{nodes} nodes, degree {degree}: {sum}"
                );
            }
        }
    }
}
