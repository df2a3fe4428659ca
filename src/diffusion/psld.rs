//! The phase-space Langevin diffusion (PSLD): its constants, its perturbation kernel, its two ways
//! to factorise noise.

use super::schedule::Level;
use crate::error::{Error, Result, finite, positive};
use crate::math::block::{Block, cholesky, product, sum, transpose};
use crate::math::critical::Critical;

/// Critically damped Langevin noising of data x with an auxiliary momentum m, in the clock τ = ∫β.
///
/// ```text
/// dx = ½ (−Γ x + M⁻¹ m) dτ + √Γ dW
/// dm = ½ (−x − ν m) dτ + √(Mν) dW            M⁻¹ = (Γ − ν)²/4
/// z(τ) | x₀ ~ N( e^{Fτ} (x₀, 0), R(τ) )      F = ½ [[−Γ, M⁻¹], [−1, −ν]],  m₀ ~ N(0, κM)
/// prior: x ~ N(0, I), m ~ N(0, M I)
/// ```
///
/// Γ is `gamma`, ν is `nu`, κ is `kappa`. Γ = 0 is the critically damped diffusion CLD, in which
/// only the momentum is noised. A rate β(t) enters through the clock alone ([`Beta`](super::Beta)).
/// Every matrix is 2 × 2, the same for all coordinates.
///
/// Source: Pandey & Mandt 2023 (arXiv 2303.01748), with Γ = 0.01, ν = 4.01, κ = 0.04 and β = 8;
/// Dockhorn, Vahdat & Kreis 2022 (arXiv 2112.07068) for CLD.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Psld {
    gamma: f64,
    nu: f64,
    kappa: f64,
}

/// Which root of a 2 × 2 covariance turns standard noise into noise: Σ = L Lᵀ with L lower
/// triangular, or Σ = U Uᵀ with U upper triangular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// L: the position noise is ε_x alone.
    Lower,
    /// U: the momentum noise is ε_m alone.
    Upper,
}

/// What z says about x₀, as data noised the ordinary way, and what it does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Observation {
    /// w with w·z = √ᾱ x₀ + √(1−ᾱ) ε.
    pub weights: [f64; 2],
    /// The level of that, ᾱ = 1/(1 + n).
    pub level: Level,
    /// q with q·z independent of x₀.
    pub across: [f64; 2],
    /// The variance of q·z.
    pub across_variance: f64,
}

impl Psld {
    /// The diffusion with these constants.
    ///
    /// # Errors
    /// [`Error::Invalid`] if Γ or ν is negative or not finite, ν + Γ is not positive, Γ = ν (then
    /// there is no mass that damps critically), or κ is negative or not finite.
    pub fn new(gamma: f64, nu: f64, kappa: f64) -> Result<Self> {
        finite("gamma", gamma)?;
        finite("nu", nu)?;
        let invalid = |name, given, expected| Err(Error::Invalid { name, given, expected });
        if !(nu + gamma > 0.0) {
            return invalid("nu + gamma", nu + gamma, "a number > 0, or nothing is noised");
        }
        if gamma == nu {
            let expected =
                "gamma and nu that differ: critical damping has the mass 4/(gamma - nu)^2";
            return invalid("gamma, and the same nu", gamma, expected);
        }
        for (name, given) in [("gamma", gamma), ("nu", nu)] {
            if given < 0.0 {
                return invalid(name, given, "a number >= 0, as it is a rate of noise");
            }
        }
        if !(kappa >= 0.0 && kappa.is_finite()) {
            return invalid(
                "kappa",
                kappa,
                "a finite number >= 0, the variance of the first momentum in units of the mass",
            );
        }
        let process = Self { gamma, nu, kappa };
        positive("mass 4/(gamma - nu)^2", process.mass())?;
        Ok(process)
    }

    /// The constants of the paper: Γ = 0.01, ν = 4.01, κ = 0.04.
    pub const PAPER: Self = Self { gamma: 0.01, nu: 4.01, kappa: 0.04 };

    /// The rate Γ of noise in the position.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// The friction ν of the momentum.
    pub fn nu(&self) -> f64 {
        self.nu
    }

    /// The variance κ of the momentum at τ = 0, in units of the mass.
    pub fn kappa(&self) -> f64 {
        self.kappa
    }

    /// The mass M, the variance of a momentum coordinate of the prior.
    pub fn mass(&self) -> f64 {
        4.0 / ((self.gamma - self.nu) * (self.gamma - self.nu))
    }

    /// diag(Γ, Mν): S Sᵀ in the clock τ.
    pub(crate) fn intensity(&self) -> [f64; 2] {
        [self.gamma, self.mass() * self.nu]
    }

    /// F.
    pub(crate) fn forward(&self) -> Critical {
        let delta = 0.25 * (self.nu - self.gamma);
        Critical {
            eigenvalue: -0.25 * (self.gamma + self.nu),
            nilpotent: [[delta, 2.0 * delta * delta], [-0.5, -delta]],
        }
    }

    /// The linear part of the symmetric splitting (SSCS): ½ [[−Γ, −M⁻¹], [1, −ν]].
    pub(crate) fn rotated(&self) -> Critical {
        let forward = self.forward();
        let [[a, b], [c, d]] = forward.nilpotent;
        Critical { eigenvalue: forward.eigenvalue, nilpotent: [[a, -b], [-c, d]] }
    }

    /// e^{Fτ}: what becomes of the mean.
    pub fn propagator(&self, tau: f64) -> Block {
        self.forward().exponential(tau)
    }

    /// What is left at τ of a mean of the data of 1: the larger one of that of x and that of m, in
    /// standard deviations of the prior; 0 at infinity.
    pub(crate) fn signal(&self, tau: f64) -> f64 {
        if tau == f64::INFINITY {
            return 0.0;
        }
        let [[x, _], [m, _]] = self.propagator(tau);
        x.abs().max(m.abs() / self.mass().sqrt())
    }

    /// The covariance of (x, m) at τ for data of this variance about its mean; 0 for a single
    /// point: R(τ).
    ///
    /// ```text
    /// Σ(τ) = e^{Fτ} diag(v, κM) e^{Fᵀτ} + ∫₀^τ e^{Fs} diag(Γ, Mν) e^{Fᵀs} ds
    /// ```
    ///
    /// This equals Σ_∞ − e^{Fτ} (Σ_∞ − Σ₀) e^{Fᵀτ} with Σ_∞ = diag(1, M), which cancels for small
    /// τ.
    pub fn covariance(&self, tau: f64, data_variance: f64) -> Block {
        let forward = self.forward();
        let e = forward.exponential(tau);
        let start = [[data_variance, 0.0], [0.0, self.kappa * self.mass()]];
        let carried = product(&product(&e, &start), &transpose(&e));
        sum(&carried, &forward.covariance(tau, self.intensity()))
    }

    /// The root of R(τ), by which noise ε becomes the noise of z: z = e^{Fτ} (x₀, 0) + (root) ε.
    pub fn noise_factor(&self, tau: f64, factor: Factor) -> Block {
        let r = self.covariance(tau, 0.0);
        match factor {
            Factor::Lower => cholesky(&r),
            Factor::Upper => {
                let [[a, _], [b, c]] = cholesky(&[[r[1][1], r[1][0]], [r[0][1], r[0][0]]]);
                [[c, b], [0.0, a]]
            }
        }
    }

    /// The matrix that turns a prediction of ε into the score: −(root)^(−ᵀ).
    pub fn score_of_noise(&self, tau: f64, factor: Factor) -> Block {
        let [[a, b], [c, d]] = self.noise_factor(tau, factor);
        match factor {
            // (Lᵀ)⁻¹ of [[a, c], [0, d]]
            Factor::Lower => [[-1.0 / a, c / (a * d)], [0.0, -1.0 / d]],
            // (Uᵀ)⁻¹ of [[a, 0], [b, d]]
            Factor::Upper => [[-1.0 / a, 0.0], [b / (a * d), -1.0 / d]],
        }
    }

    /// The covariance of z(τ) given x₀ and m₀.
    fn kernel(&self, tau: f64) -> Block {
        self.forward().covariance(tau, self.intensity())
    }

    /// (P, Q̃) with E[z₀ | z] = P z + Q̃ score, z₀ = (x₀, m₀): P = e^{−Fτ} and Q̃ = e^{−Fτ} Σ, with
    /// Σ the covariance of z(τ) given z₀.
    pub(crate) fn data_of_score(&self, tau: f64) -> [Block; 2] {
        let back = self.forward().negated().exponential(tau);
        [back, product(&back, &self.kernel(tau))]
    }

    /// (C, D) with score = C z + D E[z₀ | z]: C = −Σ⁻¹ and D = Σ⁻¹ e^{Fτ}.
    pub(crate) fn score_of_data(&self, tau: f64) -> [Block; 2] {
        let [[a, b], [_, d]] = self.kernel(tau);
        let determinant = a * d - b * b;
        let inverse = [[d, -b], [-b, a]].map(|row| row.map(|x| x / determinant));
        [inverse.map(|row| row.map(|x| -x)), product(&inverse, &self.propagator(tau))]
    }

    /// What z(τ) says about x₀. With E = e^{Fτ} (1, 0) and R = R(τ): y = R⁻¹E·z/(EᵀR⁻¹E) = x₀ +
    /// N(0, n), n = 1/(EᵀR⁻¹E), and q ⟂ E. E is taken without its factor e^{λτ}, which would
    /// underflow for large τ; it cancels in all but the level.
    ///
    /// The determinant of R loses digits where x and m are noised by one noise (Γ = 0, κ > 0): a
    /// relative error of 1e-13 at τ = 1e-4, 1e-11 at 1e-6.
    pub(crate) fn observation(&self, tau: f64) -> Observation {
        let forward = self.forward();
        let r = self.covariance(tau, 0.0);
        let [[a, _], [c, _]] = forward.nilpotent;
        let e = [1.0 + tau * a, tau * c];
        // adj(R) E, and Eᵀ adj(R) E = qᵀ R q.
        let adjoint = [r[1][1] * e[0] - r[0][1] * e[1], r[0][0] * e[1] - r[0][1] * e[0]];
        let across_variance = e[0] * adjoint[0] + e[1] * adjoint[1];
        let determinant = (r[0][0] * r[1][1] - r[0][1] * r[0][1]).max(0.0);
        // n = noise/signal, and √ᾱ w = (w without the factor)/√(signal + noise).
        let log_signal = 2.0 * forward.eigenvalue * tau;
        let noise = determinant / across_variance;
        let total = libm::exp(log_signal) + noise;
        let log_alpha_bar = log_signal - libm::log(total);
        Observation {
            weights: adjoint.map(|w| w / across_variance / total.sqrt()),
            // Above 0 by rounding alone.
            level: Level::from_log_alpha_bar(log_alpha_bar.min(0.0)).unwrap_or(Level::PURE_NOISE),
            across: [-e[1], e[0]],
            across_variance,
        }
    }
}
