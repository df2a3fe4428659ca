//! JSON objects of a description, read with errors that name the place.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::network::problem::wrong;

/// The most numbers in a row, the most classes, the largest width of an embedding.
pub(crate) const MOST: usize = 1 << 20;

/// A JSON object whose keys are all known.
pub(crate) struct Object<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    pub(crate) fn new(path: &str, value: &'a Value, keys: &[&str]) -> Result<Self> {
        let Some(map) = value.as_object() else {
            return Err(wrong(path, value, format!("an object with {}", keys.join(", "))));
        };
        match map.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => {
                Err(wrong(path, format!("the key `{key}`"), format!("only {}", keys.join(", "))))
            }
            None => Ok(Self { path: path.into(), map }),
        }
    }

    pub(crate) fn path(&self, key: &str) -> String {
        if self.path == ROOT { key.into() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn wrong(&self, key: &str, expected: impl Into<String>) -> Error {
        match self.map.get(key) {
            Some(value) => wrong(self.path(key), value, expected),
            None => wrong(self.path(key), "nothing", expected),
        }
    }

    pub(crate) fn text(&self, key: &str) -> Result<&'a str> {
        self.get(key).and_then(Value::as_str).ok_or_else(|| self.wrong(key, "a text"))
    }

    pub(crate) fn count(&self, key: &str) -> Result<usize> {
        self.get(key)
            .and_then(count)
            .ok_or_else(|| self.wrong(key, format!("a whole number from 1 to {MOST}")))
    }

    pub(crate) fn number(
        &self,
        key: &str,
        expected: &'static str,
        good: impl Fn(f64) -> bool,
    ) -> Result<f64> {
        let number = self.get(key).and_then(Value::as_f64).filter(|x| x.is_finite() && good(*x));
        number.ok_or_else(|| self.wrong(key, expected))
    }

    pub(crate) fn pair<T>(
        &self,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<[T; 2]>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let numbers: Option<Vec<T>> =
            value.as_array().and_then(|all| all.iter().map(read).collect());
        match numbers.and_then(|numbers| numbers.try_into().ok()) {
            Some(pair) => Ok(Some(pair)),
            None => Err(self.wrong(key, expected)),
        }
    }
}

pub(crate) const ROOT: &str = "description";

pub(crate) fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=MOST).contains(n))
}
