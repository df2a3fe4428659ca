//! The data that samples are compared with, in the units of the model.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use langevin::image::Map;
use langevin::ndarray::Array2;
use serde_json::{Value, json};

use crate::failure::{Failure, refuse};
use crate::npy::{Accept, read_rows};
use crate::source::Source;

/// A share of numbers this large outside the range of the model is no matter of a few outliers.
const MANY: f64 = 0.01;

/// Rows of a file, and how its numbers became those of the model.
pub struct Reference {
    path: PathBuf,
    pub rows: Array2<f64>,
    map: Option<Map>,
    /// The smallest and the largest number after the map.
    ends: (f64, f64),
    /// What looks wrong about the numbers.
    doubt: Option<String>,
}

impl Reference {
    /// Reads a file. Integers are mapped to the range of the model: from `range`, else as the data
    /// of the source were, else from what the type of bytes is known to hold. Other numbers are
    /// taken as they are without `range`.
    pub fn load(path: &Path, range: Option<(f64, f64)>, source: &Source) -> Result<Self, Failure> {
        let mut rows = read_rows("--reference", path, Accept::Reals)?;
        let name = format!("--reference {}", path.display());
        let given = rows.ncols();
        let expected = source.dimension();
        if given != expected {
            let given = format!("given rows of {given} numbers, expected {expected}");
            return refuse(format!("{name}: {given}"));
        }
        let map = map(path, &name, range, source)?;
        if let Some(map) = &map {
            map.apply(&mut rows);
        }
        let least = rows.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rows.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let ends = (least, most);
        let doubt = source.range.and_then(|range| doubt(&rows, ends, range));
        let doubt = doubt.map(|doubt| format!("{name}: {doubt}"));
        Ok(Self { path: path.into(), rows, map, ends, doubt })
    }

    /// A line of the report.
    pub fn describe(&self) -> String {
        let map = match &self.map {
            Some(map) => format!("with {map}"),
            None => "as they are".into(),
        };
        let (low, high) = self.ends;
        let count = self.rows.nrows();
        format!("reference: {}, {count} rows, numbers {map}: {low} .. {high}", self.path.display())
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        let map = self.map.as_ref().map(|map| json!({"from": map.from(), "to": map.to()}));
        json!({"file": self.path, "rows": self.rows.nrows(), "map": map, "range": self.ends})
    }

    /// Says on stderr what looks wrong.
    pub fn warn(&self) {
        if let Some(doubt) = &self.doubt {
            eprintln!("warning: {doubt}");
        }
    }
}

fn map(
    path: &Path,
    name: &str,
    range: Option<(f64, f64)>,
    source: &Source,
) -> Result<Option<Map>, Failure> {
    let Some(to) = source.range else {
        return match range {
            None => Ok(None),
            Some(_) => refuse("--reference-range: the model has no range that numbers map to"),
        };
    };
    let from = match (range, integers(path), source.map) {
        (Some(range), ..) => range,
        (None, None, _) => return Ok(None),
        (None, Some(_), Some(map)) => return Ok(Some(map)),
        (None, Some(Integers::Bytes), None) => (0.0, 255.0),
        (None, Some(Integers::Other), None) => {
            return refuse(format!(
                "{name}: the numbers are integers; say which of them are {} and {} to the model, \
                 with --reference-range LO,HI",
                to.0, to.1
            ));
        }
    };
    let wrong = |error| Failure::Input(format!("--reference-range: {error}"));
    Ok(Some(Map::new(from, to).map_err(wrong)?))
}

/// Why the numbers may be in other units than those of the model.
fn doubt(rows: &Array2<f64>, ends: (f64, f64), range: (f64, f64)) -> Option<String> {
    let length = range.1 - range.0;
    let margin = 0.1 * length;
    let inside = range.0 - margin..=range.1 + margin;
    let outside = rows.iter().filter(|x| !inside.contains(x)).count();
    let far = outside as f64 > MANY * rows.len() as f64;
    let few = ends.1 - ends.0 < 0.5 * length;
    let (low, high) = ends;
    let (least, most) = range;
    (far || few).then(|| {
        format!(
            "its numbers are {low} .. {high} to the model, whose data lie in {least} .. {most}; \
             give --reference-range LO,HI, the numbers that are {least} and {most}"
        )
    })
}

enum Integers {
    Bytes,
    Other,
}

/// The kind of integers in a .npy file, or `None` for other numbers and other files.
fn integers(path: &Path) -> Option<Integers> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(1024).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(head.strip_prefix(b"\x93NUMPY")?).into_owned();
    let (_, rest) = head.split_once("descr")?;
    let kind = rest.chars().find(|c| matches!(c, 'u' | 'i' | 'f'))?;
    match (kind, rest.contains("u1")) {
        ('f', _) => None,
        ('u', true) => Some(Integers::Bytes),
        _ => Some(Integers::Other),
    }
}
