//! One noise level, kept as log ᾱ so that neither end loses digits.

use crate::error::{Error, Result};

/// A noise level of a variance-preserving diffusion: x = √ᾱ x₀ + √(1−ᾱ) ε.
///
/// Kept as log ᾱ ≤ 0, from which every other measure follows without cancellation, near the data (ᾱ
/// → 1) and near pure noise (ᾱ → 0).
///
/// ```
/// use langevin::diffusion::Level;
/// let level = Level::from_ou_time(1e-9)?; // 1 − ᾱ = 1 − e^(−2t), to all digits
/// assert!((level.one_minus_alpha_bar() / 2e-9 - 1.0).abs() < 2e-9);
/// # Ok::<(), langevin::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Level {
    log_alpha_bar: f64,
}

impl Level {
    /// No noise: ᾱ = 1.
    pub const CLEAN: Self = Self { log_alpha_bar: 0.0 };
    /// Nothing but noise: ᾱ = 0.
    pub const PURE_NOISE: Self = Self { log_alpha_bar: f64::NEG_INFINITY };

    /// The level with this log ᾱ, from −∞ to 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is above 0 or NaN.
    pub fn from_log_alpha_bar(log_alpha_bar: f64) -> Result<Self> {
        if !(log_alpha_bar <= 0.0) {
            return Err(Error::Invalid {
                name: "log alpha bar",
                given: log_alpha_bar,
                expected: "a number <= 0",
            });
        }
        Ok(Self { log_alpha_bar })
    }

    /// The level with this ᾱ, the share of the signal in the variance, in [0, 1].
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not in [0, 1].
    pub fn from_alpha_bar(alpha_bar: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&alpha_bar) {
            return Err(Error::Invalid {
                name: "alpha bar",
                given: alpha_bar,
                expected: "a number in [0, 1]",
            });
        }
        Ok(Self { log_alpha_bar: libm::log(alpha_bar) })
    }

    /// The level at this time of the Ornstein–Uhlenbeck process dx = −x dt + √2 dW: ᾱ = e^(−2t).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the time is negative or NaN.
    pub fn from_ou_time(time: f64) -> Result<Self> {
        if !(time >= 0.0) {
            return Err(Error::Invalid { name: "OU time", given: time, expected: "a number >= 0" });
        }
        Ok(Self { log_alpha_bar: -2.0 * time })
    }

    /// The level after noising for τ = ∫β: ᾱ = e^(−τ). A phase-space diffusion has the same clock.
    ///
    /// # Errors
    /// [`Error::Invalid`] if τ is negative or NaN.
    pub fn from_tau(tau: f64) -> Result<Self> {
        if !(tau >= 0.0) {
            return Err(Error::Invalid { name: "tau", given: tau, expected: "a number >= 0" });
        }
        Ok(Self { log_alpha_bar: -tau })
    }

    /// The level with this variance-exploding noise σ: x/√ᾱ = x₀ + σ ε, so ᾱ = 1/(1 + σ²).
    ///
    /// # Errors
    /// [`Error::Invalid`] if σ is negative or NaN.
    pub fn from_sigma(sigma: f64) -> Result<Self> {
        if !(sigma >= 0.0) {
            return Err(Error::Invalid { name: "sigma", given: sigma, expected: "a number >= 0" });
        }
        // Where σ² alone would overflow, 1 + σ² is σ² to all digits.
        let log_alpha_bar =
            if sigma < 1e100 { -libm::log1p(sigma * sigma) } else { -2.0 * libm::log(sigma) };
        Ok(Self { log_alpha_bar })
    }

    /// The level at this time of flow matching, where data are mixed with noise along a line:
    /// (1−t) x₀ + t ε, so σ = t/(1−t). Time 1 is pure noise.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the time is not in [0, 1].
    pub fn from_flow_time(time: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&time) {
            let expected = "a number in [0, 1]";
            return Err(Error::Invalid { name: "flow time", given: time, expected });
        }
        if time == 1.0 { Ok(Self::PURE_NOISE) } else { Self::from_sigma(time / (1.0 - time)) }
    }

    /// The level with this log signal-to-noise ratio log(ᾱ/(1−ᾱ)).
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is NaN.
    pub fn from_log_snr(log_snr: f64) -> Result<Self> {
        if log_snr.is_nan() {
            return Err(Error::Invalid { name: "log SNR", given: log_snr, expected: "a number" });
        }
        // −log(1 + e^(−λ)) without overflow for very negative λ.
        let log_alpha_bar = if log_snr < 0.0 {
            log_snr - libm::log1p(libm::exp(log_snr))
        } else {
            -libm::log1p(libm::exp(-log_snr))
        };
        Ok(Self { log_alpha_bar })
    }

    /// log ᾱ.
    pub fn log_alpha_bar(&self) -> f64 {
        self.log_alpha_bar
    }

    /// ᾱ.
    pub fn alpha_bar(&self) -> f64 {
        libm::exp(self.log_alpha_bar)
    }

    /// 1 − ᾱ, to full relative accuracy.
    pub fn one_minus_alpha_bar(&self) -> f64 {
        -libm::expm1(self.log_alpha_bar)
    }

    /// √ᾱ, the factor of the data.
    pub fn signal(&self) -> f64 {
        libm::exp(0.5 * self.log_alpha_bar)
    }

    /// √(1 − ᾱ), the factor of the noise.
    pub fn noise(&self) -> f64 {
        self.one_minus_alpha_bar().sqrt()
    }

    /// σ = √((1−ᾱ)/ᾱ), the noise of the variance-exploding form.
    pub fn sigma(&self) -> f64 {
        self.noise() * libm::exp(-0.5 * self.log_alpha_bar)
    }

    /// Time of flow matching, t = √(1−ᾱ)/(√ᾱ + √(1−ᾱ)).
    pub fn flow_time(&self) -> f64 {
        self.noise() * self.flow_scale()
    }

    /// The factor c of the variable of flow matching, (1−t) x₀ + t ε = c (√ᾱ x₀ + √(1−ᾱ) ε):
    /// 1/(√ᾱ + √(1−ᾱ)).
    pub fn flow_scale(&self) -> f64 {
        1.0 / (self.signal() + self.noise())
    }

    /// log(ᾱ/(1−ᾱ)).
    pub fn log_snr(&self) -> f64 {
        self.log_alpha_bar - libm::log(self.one_minus_alpha_bar())
    }

    /// τ = ∫β, −log ᾱ.
    pub fn tau(&self) -> f64 {
        -self.log_alpha_bar
    }

    /// Time of the Ornstein–Uhlenbeck process, −½ log ᾱ.
    pub fn ou_time(&self) -> f64 {
        -0.5 * self.log_alpha_bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_leads_back() {
        for log in [-1e-14, -1e-9, -1e-4, -0.1, -0.7, -3.0, -30.0, -500.0, -1000.0] {
            let level = Level::from_log_alpha_bar(log).unwrap();
            for (name, back) in [
                ("ou", Level::from_ou_time(level.ou_time())),
                ("tau", Level::from_tau(level.tau())),
                ("sigma", Level::from_sigma(level.sigma())),
                ("snr", Level::from_log_snr(level.log_snr())),
            ] {
                let error = (back.unwrap().log_alpha_bar() / log - 1.0).abs();
                assert!(error < 1e-13, "{name} at {log}: {error:e}");
            }
            assert!((level.signal().powi(2) + level.noise().powi(2) - 1.0).abs() < 1e-15);
        }
        assert_eq!(Level::from_alpha_bar(1.0).unwrap(), Level::CLEAN);
        assert_eq!(Level::from_alpha_bar(0.0).unwrap(), Level::PURE_NOISE);
        assert_eq!(
            (Level::CLEAN.noise(), Level::PURE_NOISE.noise(), Level::PURE_NOISE.signal()),
            (0.0, 1.0, 0.0)
        );
        assert_eq!(
            (Level::CLEAN.log_snr(), Level::PURE_NOISE.log_snr()),
            (f64::INFINITY, f64::NEG_INFINITY)
        );
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(Level::from_alpha_bar(bad).is_err());
        }
        assert!(Level::from_ou_time(-1.0).is_err() && Level::from_log_alpha_bar(0.1).is_err());
    }
}
