//! A method of a comparison as it is written: its options and its budgets.

use std::str::FromStr;

use crate::diffusion::Method;
use crate::error::{Error, Result};

/// A method, its name in the table, and its budgets of evaluations.
///
/// As text it is `NAME[:OPTION=VALUE]..[@EVALUATIONS[+EVALUATIONS]..]`, as in `ddim`,
/// `pmm2:grid=equal` or `ddpm@1000`.
///
/// ```
/// use langevin::compare::Entry;
/// let entry: Entry = "pmm2:grid=equal@20+50".parse()?;
/// assert_eq!((entry.label.as_str(), entry.budgets), ("pmm2:grid=equal", vec![20, 50]));
/// # Ok::<(), langevin::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name in tables and pictures.
    pub label: String,
    /// The method.
    pub method: Method,
    /// Its own budgets; none if it takes those of the comparison.
    pub budgets: Vec<usize>,
}

impl Entry {
    /// A method under a name of your own, with the budgets of the comparison.
    pub fn new(label: impl Into<String>, method: Method) -> Self {
        Self { label: label.into(), method, budgets: Vec::new() }
    }
}

impl From<Method> for Entry {
    fn from(method: Method) -> Self {
        Self::new(method.to_string(), method)
    }
}

impl FromStr for Entry {
    type Err = Error;

    /// Reads a method and its budgets.
    ///
    /// # Errors
    /// Those of a [`Method`], and [`Error::Value`] for a budget that is no whole number.
    fn from_str(text: &str) -> Result<Self> {
        let (label, budgets) = match text.split_once('@') {
            Some((label, budgets)) => (label.trim(), Some(budgets)),
            None => (text.trim(), None),
        };
        let number = |number: &str| {
            number.trim().parse().map_err(|_| Error::Value {
                option: format!("{label}, evaluations"),
                given: number.into(),
                expected: "a whole number of evaluations".into(),
            })
        };
        let numbers = budgets.map(|all| all.split('+').map(number).collect::<Result<_>>());
        Ok(Self {
            label: label.into(),
            method: label.parse()?,
            budgets: numbers.transpose()?.unwrap_or_default(),
        })
    }
}
