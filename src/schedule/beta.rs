//! Continuous noise schedules β(t) on [0, 1] with exact integrals.

use super::Level;
use crate::error::{Error, Result, positive};

/// The rate β(t) of a variance-preserving diffusion dx = −½β x dt + √β dW on t ∈ [0, 1]; ᾱ(t) =
/// exp(−∫₀ᵗ β).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beta {
    /// β constant.
    Constant(f64),
    /// β from `first` at t = 0 to `last` at t = 1 along a line; Song et al. 2021 use 0.1 and 20.
    Linear {
        /// β(0).
        first: f64,
        /// β(1).
        last: f64,
    },
    /// ᾱ(t) = cos²(π/2 · (t+s)/(1+s)) / cos²(π/2 · s/(1+s)); Nichol & Dhariwal 2021 use s = 0.008.
    /// ᾱ(1) = 0.
    Cosine {
        /// The offset s.
        offset: f64,
    },
}

impl Beta {
    /// A constant rate.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not finite and positive.
    pub fn constant(rate: f64) -> Result<Self> {
        Ok(Self::Constant(positive("beta", rate)?))
    }

    /// A linear rate.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an end is not finite and positive.
    pub fn linear(first: f64, last: f64) -> Result<Self> {
        Ok(Self::Linear {
            first: positive("first beta", first)?,
            last: positive("last beta", last)?,
        })
    }

    /// The cosine schedule.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the offset is not finite and positive.
    pub fn cosine(offset: f64) -> Result<Self> {
        Ok(Self::Cosine { offset: positive("offset", offset)? })
    }

    /// ∫₀ᵗ β; infinite at t = 1 for the cosine schedule.
    ///
    /// # Errors
    /// [`Error::Invalid`] if t is not in [0, 1].
    pub fn integral(&self, time: f64) -> Result<f64> {
        if !(0.0..=1.0).contains(&time) {
            return Err(Error::Invalid {
                name: "time",
                given: time,
                expected: "a number in [0, 1]",
            });
        }
        Ok(match *self {
            Self::Constant(rate) => rate * time,
            Self::Linear { first, last } => time * (first + 0.5 * (last - first) * time),
            Self::Cosine { .. } if time == 1.0 => f64::INFINITY,
            Self::Cosine { offset } => {
                // cos a / cos b with a = b + c as cos c − tan b sin c: no digits lost near t = 0.
                let quarter = std::f64::consts::FRAC_PI_2 / (1.0 + offset);
                let (b, c) = (quarter * offset, quarter * time);
                let half = libm::sin(0.5 * c);
                -2.0 * libm::log1p(-2.0 * half * half - libm::tan(b) * libm::sin(c))
            }
        })
    }

    /// The level at time t.
    ///
    /// # Errors
    /// [`Error::Invalid`] if t is not in [0, 1].
    pub fn level(&self, time: f64) -> Result<Level> {
        Level::from_log_alpha_bar(-self.integral(time)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrals_are_exact() {
        assert!((Beta::linear(0.1, 20.0).unwrap().integral(1.0).unwrap() - 10.05).abs() < 1e-14);
        assert_eq!(Beta::constant(8.0).unwrap().integral(0.5).unwrap(), 4.0);
        let cosine = Beta::cosine(0.008).unwrap();
        for t in [0.0, 1e-12, 1e-3, 0.3, 0.99] {
            let angle = |t: f64| (std::f64::consts::FRAC_PI_2 * (t + 0.008) / 1.008).cos().powi(2);
            let plain = angle(t) / angle(0.0);
            assert!((cosine.level(t).unwrap().alpha_bar() - plain).abs() < 1e-15, "{t}");
        }
        // Near 0 the plain form would have no digits left of 1 − ᾱ.
        let slope =
            std::f64::consts::PI / 1.008 * (std::f64::consts::FRAC_PI_2 * 0.008 / 1.008).tan();
        let small = cosine.level(1e-12).unwrap().one_minus_alpha_bar();
        assert!((small / (slope * 1e-12) - 1.0).abs() < 1e-9);
        assert_eq!(cosine.level(1.0).unwrap(), Level::PURE_NOISE);
        assert!(cosine.level(1.5).is_err() && Beta::linear(0.0, 1.0).is_err());
    }
}
