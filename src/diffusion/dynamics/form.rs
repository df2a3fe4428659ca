//! The quantity that a step of a chain holds fixed: the noise, the data or the velocity.

use std::fmt;

use crate::diffusion::prediction::Prediction;
use crate::options::{OptionValue, Value, by_name};

/// The quantity that a step of a chain holds fixed; it is the drift.
///
/// A single step of a chain is the same in every form. A block of steps, such as one of a
/// [`PoissonMidpoint`](crate::PoissonMidpoint), holds the quantity fixed over all of them. There
/// the form matters: the noise has the smallest error for short blocks, and the data is stable for
/// blocks of any length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// The noise ε̂.
    #[default]
    Noise,
    /// The data x̂₀.
    Data,
    /// The velocity √ᾱ ε̂ − √(1−ᾱ) x̂₀.
    Velocity,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Noise, Self::Data, Self::Velocity];

    /// Its name: `noise`, `data` or `velocity`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Data => "data",
            Self::Velocity => "velocity",
        }
    }

    /// What is asked of a model.
    pub fn prediction(self) -> Prediction {
        match self {
            Self::Noise => Prediction::Epsilon,
            Self::Data => Prediction::Data,
            Self::Velocity => Prediction::Velocity,
        }
    }
}

by_name!(Form, "form");

/// One form, or two: one far in the noise and another one nearer to the data.
///
/// As text they are joined by `+`, as in `data+velocity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms {
    /// The form far in the noise.
    pub far: Form,
    /// The form near the data.
    pub near: Form,
}

impl From<Form> for Forms {
    fn from(form: Form) -> Self {
        Self { far: form, near: form }
    }
}

impl Value for Forms {
    fn parse(text: &str) -> Result<Self, String> {
        let one = |text: &str| {
            let expected = || "noise, data, velocity, or two of them as data+velocity".to_owned();
            text.parse::<Form>().map_err(|_| expected())
        };
        match text.split_once('+') {
            Some((far, near)) => Ok(Self { far: one(far)?, near: one(near)? }),
            None => one(text).map(Self::from),
        }
    }

    fn value(&self) -> OptionValue {
        OptionValue::Text(self.to_string())
    }
}

impl fmt::Display for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.far == self.near {
            self.far.fmt(f)
        } else {
            write!(f, "{}+{}", self.far, self.near)
        }
    }
}
