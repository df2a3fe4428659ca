//! The entries of a scheduler configuration: read by name and type, and what is left over.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::quoted::abridged;

/// Entries of a JSON object. Each is taken out as it is read.
pub(super) struct Keys(Map<String, Value>);

fn wrong(key: &str, given: &Value, expected: &str) -> Error {
    let given = abridged(given.to_string()).to_string();
    Error::Value { option: key.into(), given, expected: expected.into() }
}

impl Keys {
    pub fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| Error::Value {
            option: "scheduler configuration".into(),
            given: error.to_string(),
            expected: "a JSON object, as in scheduler_config.json of diffusers".into(),
        })?;
        match value {
            Value::Object(map) => Ok(Self(map)),
            other => Err(wrong("scheduler configuration", &other, "a JSON object")),
        }
    }

    /// Takes an entry out; null counts as absent.
    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, key: &str, default: &str) -> Result<String> {
        match self.take(key) {
            None => Ok(default.into()),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(wrong(key, &other, "a text")),
        }
    }

    pub fn number(&mut self, key: &str, default: f64) -> Result<f64> {
        let Some(value) = self.take(key) else { return Ok(default) };
        value.as_f64().ok_or_else(|| wrong(key, &value, "a number"))
    }

    pub fn count(&mut self, key: &str, default: usize) -> Result<usize> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| wrong(key, &value, "a whole number >= 0"))
    }

    pub fn flag(&mut self, key: &str, default: bool) -> Result<bool> {
        let Some(value) = self.take(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| wrong(key, &value, "true or false"))
    }

    pub fn numbers(&mut self, key: &str) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let numbers: Option<Vec<f64>> =
            value.as_array().and_then(|all| all.iter().map(Value::as_f64).collect());
        numbers.map(Some).ok_or_else(|| wrong(key, &value, "a list of numbers"))
    }

    /// Refuses an entry unless it has this value or is absent.
    pub fn only(&mut self, key: &str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        match self.take(key) {
            Some(given) if given != value => Err(wrong(key, &given, &value.to_string())),
            _ => Ok(()),
        }
    }

    /// Drops entries without effect here.
    pub fn ignore(&mut self, keys: &[&str]) {
        keys.iter().for_each(|key| drop(self.0.remove(*key)));
    }

    /// The names of the entries that nobody took and that are set.
    pub fn left(self) -> Vec<String> {
        let set = |(key, value): &(String, Value)| !key.starts_with('_') && !value.is_null();
        self.0.into_iter().filter(set).map(|(key, _)| key).collect()
    }
}
