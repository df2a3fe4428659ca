//! A mixture from a JSON file.

use std::path::Path;

use langevin::GaussianMixture;
use langevin::advanced::{abridged, quoted};

use crate::contents::Contents;

/// The mixture of a file, or why there is none.
pub fn mixture(path: &Path) -> Result<GaussianMixture, String> {
    let contents = Contents::open(path)?;
    let kind = contents.kind();
    if !matches!(kind, "JSON" | "text" | "empty") {
        let hint =
            if kind.starts_with("a NumPy") { "; give it as --data, with --bandwidth" } else { "" };
        return Err(format!("not JSON: it is {kind}{hint}"));
    }
    let text = contents.text()?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let mixture = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let inner = error.into_inner();
        let text = abridged(&inner);
        match (inner.is_data(), place.as_str()) {
            (false, _) => format!("not JSON: {text}; NaN and Infinity are no numbers there"),
            (true, "." | "?") => text,
            (true, _) => format!("{}: {text}", quoted(&place)),
        }
    })?;
    json.end().map_err(|error| format!("not JSON: {error}"))?;
    Ok(mixture)
}
