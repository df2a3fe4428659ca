//! Numbers out of JSON, with errors that name the field and the value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The fields of a target file, none of them twice.
struct Fields(Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"means\" and \"std\", \"variances\" or \"covariances\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("field \"{name}\" is given twice")));
            }
            fields.insert(name, value);
        }
        Ok(Fields(fields))
    }
}

/// Parses a JSON object in which Python's `NaN` and `Infinity` may stand: they are kept as text, so
/// that the error about them can name their place.
pub fn parse(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let text = text.trim_start_matches('\u{feff}');
    let mut quoted = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !in_string
            && let Some(token) =
                ["NaN", "-Infinity", "Infinity"].into_iter().find(|token| rest.starts_with(token))
        {
            quoted += &format!("\"{token}\"");
            rest = &rest[token.len()..];
            continue;
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
        quoted.push(c);
        rest = &rest[c.len_utf8()..];
    }
    serde_json::from_str::<Fields>(&quoted).map(|fields| fields.0)
}

/// A number, at `place` in the file.
pub fn number(value: &Value, place: &str) -> Result<f64, Failure> {
    match value {
        Value::Number(number) => number.as_f64().ok_or_else(|| wrong(place, value, "a number")),
        Value::String(token) if token.trim_start_matches('-') == "Infinity" || token == "NaN" => {
            Err(Failure::Input(format!("{place}: given {token}, expected a finite number")))
        }
        _ => Err(wrong(place, value, "a number")),
    }
}

/// A list of numbers.
pub fn numbers(value: &Value, place: &str) -> Result<Vec<f64>, Failure> {
    let list = value.as_array().ok_or_else(|| wrong(place, value, "a list of numbers"))?;
    list.iter().enumerate().map(|(i, value)| number(value, &format!("{place}[{i}]"))).collect()
}

/// A list of lists of numbers, all of the same length.
pub fn rows(value: &Value, place: &str) -> Result<Vec<Vec<f64>>, Failure> {
    let list = value.as_array().ok_or_else(|| wrong(place, value, "a list of lists of numbers"))?;
    let rows: Vec<Vec<f64>> = list
        .iter()
        .enumerate()
        .map(|(i, row)| numbers(row, &format!("{place}[{i}]")))
        .collect::<Result<_, _>>()?;
    for (i, row) in rows.iter().enumerate() {
        if row.len() != rows[0].len() {
            let message = format!(
                "{place}[{i}]: given {} numbers, expected {} as in {place}[0]",
                row.len(),
                rows[0].len()
            );
            return Err(Failure::Input(message));
        }
    }
    Ok(rows)
}

/// The error about a value of the wrong kind.
pub fn wrong(place: &str, value: &Value, expected: &str) -> Failure {
    let mut given = value.to_string();
    if given.len() > 60 {
        given = format!("{}...", given.chars().take(57).collect::<String>());
    }
    Failure::Input(format!("{place}: given {given}, expected {expected}"))
}
