//! Options as text: named fields that are read and written as `name=value`.

use std::fmt;
use std::num::{IntErrorKind, ParseIntError};

use crate::error::{Error, Result};

/// What is known about an option before it has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionInfo {
    /// Name of the option, as in `noise-scale`.
    pub name: &'static str,
    /// The placeholder for its value in help texts. It is empty for an option without a value.
    pub value: &'static str,
    /// One sentence for help texts, with the default.
    pub help: &'static str,
}

impl OptionInfo {
    pub(crate) const fn new(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value, help }
    }
}

/// The value of an option, of the kind that the option has.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum OptionValue {
    /// An option without a value, which is on.
    Flag(bool),
    /// A whole number.
    Count(usize),
    /// A real number.
    Real(f64),
    /// A list of whole numbers.
    Counts(Vec<usize>),
    /// A name or another text.
    Text(String),
}

/// The text that is read back as the same value; nothing for a flag.
impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(_) => Ok(()),
            Self::Count(number) => write!(f, "{number}"),
            // This is the shortest text that reads back as the same number.
            Self::Real(number) => write!(f, "{number}"),
            Self::Counts(list) => {
                f.write_str(&list.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"))
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A type that is made of options, whose names are known before any has a value.
///
/// It lets a front end, such as a command line, offer them all.
///
/// ```
/// use langevin::advanced::KnownOptions;
/// use langevin::prelude::*;
/// let names: Vec<_> = Method::known_options().iter().map(|info| info.name).collect();
/// assert!(names.contains(&"timesteps"));
/// ```
pub trait KnownOptions {
    /// All options, each once.
    fn known_options() -> Vec<&'static OptionInfo>;
}

/// A type of option values.
pub(crate) trait Value: Sized {
    /// Reads a value from text. The error is what was expected.
    fn parse(text: &str) -> Result<Self, String>;
    /// The value for those who do not know its type.
    fn value(&self) -> OptionValue;
}

impl Value for usize {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => "a smaller number".into(),
            _ => "a whole number".into(),
        })
    }

    fn value(&self) -> OptionValue {
        OptionValue::Count(*self)
    }
}

impl Value for f64 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "a number".into())
    }

    fn value(&self) -> OptionValue {
        OptionValue::Real(*self)
    }
}

impl Value for Vec<usize> {
    fn parse(text: &str) -> Result<Self, String> {
        let numbers = text.split(['+', ',']).map(|number| number.trim().parse().ok());
        numbers
            .collect::<Option<_>>()
            .ok_or_else(|| "whole numbers, as 600,399,1 or 600+399+1".into())
    }

    fn value(&self) -> OptionValue {
        OptionValue::Counts(self.clone())
    }
}

/// The first item of a list with this name, in capitals or not.
///
/// # Errors
/// [`Error::Unknown`] if there is none.
pub(crate) fn find<T>(
    what: &'static str,
    all: impl IntoIterator<Item = T>,
    name: impl Fn(&T) -> &'static str,
    given: &str,
) -> Result<T> {
    let mut known = Vec::new();
    for item in all {
        if name(&item).eq_ignore_ascii_case(given.trim()) {
            return Ok(item);
        }
        known.push(name(&item));
    }
    Err(Error::Unknown { what, given: given.into(), known: known.join(", ") })
}

/// Prints and reads an enum by its names: `Display` and `FromStr` by its `ALL` and `name`.
macro_rules! by_name {
    ($type:ty, $what:literal) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::Error;

            /// Reads a name.
            ///
            /// # Errors
            /// [`Error::Unknown`](crate::Error::Unknown) for another name.
            fn from_str(text: &str) -> $crate::error::Result<Self> {
                $crate::options::find($what, Self::ALL, |one| one.name(), text)
            }
        }
    };
}
pub(crate) use by_name;

/// Implements `Value` for a type that is read and printed by its names.
macro_rules! named_value {
    ($type:ty) => {
        impl $crate::options::Value for $type {
            fn parse(text: &str) -> std::result::Result<Self, String> {
                text.parse().map_err(|error| match error {
                    $crate::error::Error::Unknown { known, .. } => format!("one of {known}"),
                    $crate::error::Error::Word { expected, .. } => expected.into(),
                    $crate::error::Error::Letter { position, letter, .. } => format!(
                        "A (position), B (momentum) and O (friction and noise); \
                         letter {position} is `{letter}`"
                    ),
                    $crate::error::Error::Value { expected, .. } => expected,
                    $crate::error::Error::Invalid { expected, .. } => expected.into(),
                    other => other.to_string(),
                })
            }

            fn value(&self) -> $crate::options::OptionValue {
                $crate::options::OptionValue::Text(self.to_string())
            }
        }
    };
}
pub(crate) use named_value;

/// A field of a struct of options.
pub(crate) trait Field {
    /// Sets the field. The error is what was expected. A flag has no text.
    fn read(&mut self, text: Option<&str>) -> Result<(), String>;
    /// The value, or `None` if the option is not given.
    fn value(&self) -> Option<OptionValue>;
}

impl<T: Value> Field for Option<T> {
    fn read(&mut self, text: Option<&str>) -> Result<(), String> {
        let text = text.ok_or("a value")?;
        *self = Some(T::parse(text.trim())?);
        Ok(())
    }

    fn value(&self) -> Option<OptionValue> {
        self.as_ref().map(T::value)
    }
}

impl Field for bool {
    fn read(&mut self, text: Option<&str>) -> Result<(), String> {
        match text.map(str::trim) {
            None | Some("" | "true") => *self = true,
            Some("false") => *self = false,
            Some(_) => return Err("no value, true or false".into()),
        }
        Ok(())
    }

    fn value(&self) -> Option<OptionValue> {
        self.then_some(OptionValue::Flag(true))
    }
}

/// An option of a struct: its description and its field.
pub(crate) struct Entry<'o> {
    pub info: &'static OptionInfo,
    pub field: &'o mut dyn Field,
}

/// Reads one option into the entry with its name. `by` names the struct in errors.
pub(crate) fn read(
    entries: Vec<Entry<'_>>,
    by: &str,
    name: &str,
    text: Option<&str>,
) -> Result<()> {
    let takes = takes(entries.iter().map(|entry| entry.info));
    let Some(entry) = entries.into_iter().find(|entry| entry.info.name == name) else {
        return Err(Error::NotTaken { option: name.into(), by: by.into(), takes });
    };
    entry.field.read(text).map_err(|expected| Error::Value {
        option: name.into(),
        given: text.unwrap_or_default().into(),
        expected,
    })
}

/// The names of options, for messages.
pub(crate) fn takes<'i>(infos: impl Iterator<Item = &'i OptionInfo>) -> String {
    let names: Vec<_> = infos.map(|info| info.name).collect();
    if names.is_empty() { "no options".into() } else { names.join(", ") }
}
