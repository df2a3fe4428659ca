//! The options of methods and dynamics. Each is named once.

use crate::error::Result;
use crate::options::{self, Entry, KnownOptions, OptionInfo, OptionValue, named_value};
use crate::sampler::Word;

named_value!(Word);

const WORD: OptionInfo = OptionInfo::new(
    "word",
    "WORD",
    "Splitting by a word of your own over A (position), B (momentum) and O (friction and noise), \
     as OBABO",
);
const FRICTION: OptionInfo =
    OptionInfo::new("friction", "G", "Friction of underdamped dynamics [default: 2]");
const INVERSE_MASS: OptionInfo =
    OptionInfo::new("inverse-mass", "U", "Inverse mass of underdamped dynamics [default: 1]");
const LINEARIZED: OptionInfo =
    OptionInfo::new("linearized", "", "Plain Euler coefficients in place of the exact ones");
const SUBSTEPS: OptionInfo = OptionInfo::new(
    "substeps",
    "K",
    "Sub-steps K that a Poisson midpoint step imitates [default: 16]",
);
const NOISE_SCALE: OptionInfo = OptionInfo::new(
    "noise-scale",
    "R",
    "Factor in (0, 1] on the noise of every sub-step of the Poisson midpoint [default: 1]",
);
const WINDOWS: OptionInfo =
    OptionInfo::new("windows", "R", "Windows of the randomized midpoint [default: 1]");
const ROUNDS: OptionInfo =
    OptionInfo::new("rounds", "P", "Picard rounds of the randomized midpoint [default: 0]");
const TOLERANCE: OptionInfo = OptionInfo::new(
    "tolerance",
    "E",
    "Stop the rounds of a chain once its midpoints move by no more than this",
);
const LEAPFROGS: OptionInfo =
    OptionInfo::new("leapfrogs", "L", "Leapfrogs of a proposal of MALT [default: 1]");
const CONTROL_VARIATE: OptionInfo = OptionInfo::new(
    "control-variate",
    "",
    "Subtract the drift at the start of the step in the randomized midpoint's finish",
);

/// Options of methods and dynamics. An option that is not given has its default.
///
/// An option that the chosen method or dynamics does not take is an error. It is never ignored.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Friction γ of underdamped dynamics. Default 2.
    pub friction: Option<f64>,
    /// Inverse mass u of underdamped dynamics. Default 1.
    pub inverse_mass: Option<f64>,
    /// Uses plain Euler coefficients instead of the exact ones. Default off.
    pub linearized: bool,
    /// Sub-steps K of the Poisson midpoint. Default 16.
    pub substeps: Option<usize>,
    /// Noise scale ρ of the Poisson midpoint. Default 1.
    pub noise_scale: Option<f64>,
    /// Windows R of the randomized midpoint. Default 1.
    pub windows: Option<usize>,
    /// Picard rounds P of the randomized midpoint. Default 0.
    pub rounds: Option<usize>,
    /// Tolerance that stops the rounds of a chain early. Default: none.
    pub tolerance: Option<f64>,
    /// Turns on the control variate of the randomized midpoint. Default off.
    pub control_variate: bool,
    /// Leapfrogs L of a proposal of MALT. Default 1.
    pub leapfrogs: Option<usize>,
    /// The word of a splitting. Required by `splitting`.
    pub word: Option<Word>,
}

impl Options {
    fn entries(&mut self) -> Vec<Entry<'_>> {
        vec![
            Entry { info: &WORD, field: &mut self.word },
            Entry { info: &SUBSTEPS, field: &mut self.substeps },
            Entry { info: &NOISE_SCALE, field: &mut self.noise_scale },
            Entry { info: &WINDOWS, field: &mut self.windows },
            Entry { info: &ROUNDS, field: &mut self.rounds },
            Entry { info: &TOLERANCE, field: &mut self.tolerance },
            Entry { info: &CONTROL_VARIATE, field: &mut self.control_variate },
            Entry { info: &LEAPFROGS, field: &mut self.leapfrogs },
            Entry { info: &FRICTION, field: &mut self.friction },
            Entry { info: &INVERSE_MASS, field: &mut self.inverse_mass },
            Entry { info: &LINEARIZED, field: &mut self.linearized },
        ]
    }

    /// All options.
    pub fn all() -> Vec<&'static OptionInfo> {
        Self::default().entries().iter().map(|entry| entry.info).collect()
    }

    /// Sets an option from text. For an option without a value, such as `linearized`, the text is
    /// empty.
    ///
    /// # Errors
    /// - [`Error::NotTaken`](crate::Error::NotTaken) if there is no such option.
    /// - [`Error::Value`](crate::Error::Value) if the text cannot be read as its value.
    pub fn with(mut self, option: &str, value: &str) -> Result<Self> {
        let value = (!value.is_empty()).then_some(value);
        options::read(self.entries(), "sampler", option, value)?;
        Ok(self)
    }

    /// The given options, with their values.
    pub fn given(&self) -> Vec<(&'static str, OptionValue)> {
        let mut own = self.clone();
        let entries = own.entries();
        let given = entries.iter().map(|entry| (entry.info.name, entry.field.value()));
        given.filter_map(|(name, value)| Some((name, value?))).collect()
    }

    pub(super) fn friction(&self) -> f64 {
        self.friction.unwrap_or(2.0)
    }

    pub(super) fn inverse_mass(&self) -> f64 {
        self.inverse_mass.unwrap_or(1.0)
    }

    pub(super) fn substeps(&self) -> usize {
        self.substeps.unwrap_or(16)
    }

    pub(super) fn noise_scale(&self) -> f64 {
        self.noise_scale.unwrap_or(1.0)
    }

    pub(super) fn windows(&self) -> usize {
        self.windows.unwrap_or(1)
    }

    pub(super) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(0)
    }

    pub(super) fn leapfrogs(&self) -> usize {
        self.leapfrogs.unwrap_or(1)
    }

    /// These options, with the defaults of those that have one and were not given.
    pub(super) fn with_defaults(&self) -> Self {
        Self {
            friction: Some(self.friction()),
            inverse_mass: Some(self.inverse_mass()),
            substeps: Some(self.substeps()),
            noise_scale: Some(self.noise_scale()),
            windows: Some(self.windows()),
            rounds: Some(self.rounds()),
            leapfrogs: Some(self.leapfrogs()),
            ..self.clone()
        }
    }
}

impl KnownOptions for Options {
    fn known_options() -> Vec<&'static OptionInfo> {
        Self::all()
    }
}
