//! Continuous noise schedules β(t) on [0, 1] with exact integrals.

use std::fmt;
use std::str::FromStr;

use super::level::Level;
use crate::error::{Error, Result, positive};

/// The rate β(t) of a diffusion on t ∈ [0, 1], as in dx = −½β x dt + √β dW; ᾱ(t) = exp(−∫₀ᵗ β).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beta(Rate);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    Constant(f64),
    Linear { first: f64, last: f64 },
    Cosine { offset: f64 },
}

impl Beta {
    /// A constant rate.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not finite and positive.
    pub fn constant(rate: f64) -> Result<Self> {
        Ok(Self(Rate::Constant(positive("beta", rate)?)))
    }

    /// A rate from `first` at t = 0 to `last` at t = 1 along a line; Song et al. 2021 use 0.1 and
    /// 20.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an end is not finite and positive.
    pub fn linear(first: f64, last: f64) -> Result<Self> {
        positive("first beta", first)?;
        positive("last beta", last)?;
        Ok(Self(Rate::Linear { first, last }))
    }

    /// The cosine schedule, ᾱ(t) = cos²(π/2 · (t+s)/(1+s)) / cos²(π/2 · s/(1+s)) with offset s;
    /// Nichol & Dhariwal 2021 use s = 0.008. ᾱ(1) = 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the offset is not finite and positive.
    pub fn cosine(offset: f64) -> Result<Self> {
        Ok(Self(Rate::Cosine { offset: positive("offset", offset)? }))
    }

    /// The rate, if it is constant.
    pub fn rate(&self) -> Option<f64> {
        match self.0 {
            Rate::Constant(rate) => Some(rate),
            _ => None,
        }
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
        Ok(match self.0 {
            Rate::Constant(rate) => rate * time,
            Rate::Linear { first, last } => time * (first + 0.5 * (last - first) * time),
            Rate::Cosine { .. } if time == 1.0 => f64::INFINITY,
            Rate::Cosine { offset } => {
                // cos a / cos b with a = b + c as cos c − tan b sin c: no digits lost near t = 0.
                let quarter = std::f64::consts::FRAC_PI_2 / (1.0 + offset);
                let b = quarter * offset;
                let c = quarter * time;
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

impl fmt::Display for Beta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rate::Constant(rate) => write!(f, "{rate}"),
            Rate::Linear { first, last } => write!(f, "{first},{last}"),
            Rate::Cosine { offset } => write!(f, "cosine:{offset}"),
        }
    }
}

impl FromStr for Beta {
    type Err = Error;

    /// Reads `RATE`, `FIRST,LAST` or `cosine:OFFSET`.
    ///
    /// # Errors
    /// [`Error::Value`] for another text, and those of the constructors.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Value {
            option: "beta".into(),
            given: text.into(),
            expected: "a rate, FIRST,LAST or cosine:OFFSET".into(),
        };
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
        if let Some(offset) = text.strip_prefix("cosine:") {
            return Self::cosine(number(offset)?);
        }
        match text.split_once(',') {
            Some((first, last)) => Self::linear(number(first)?, number(last)?),
            None => Self::constant(number(text)?),
        }
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

    #[test]
    fn texts_lead_back() {
        for beta in [Beta::constant(8.0), Beta::linear(0.1, 20.0), Beta::cosine(0.008)] {
            let beta = beta.unwrap();
            assert_eq!(beta.to_string().parse::<Beta>().unwrap(), beta);
        }
        assert!("1,2,3".parse::<Beta>().is_err() && "-1".parse::<Beta>().is_err());
    }
}
