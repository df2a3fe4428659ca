//! Targets from files: a mixture as JSON, or a data set as .npy with a bandwidth.

use std::path::Path;

use langevin::GaussianMixture;
use langevin::advanced::{abridged, quoted};
use langevin::image::Map;

use crate::arguments::TargetOptions;
use crate::contents::Contents;
use crate::failure::{Failure, refuse};
use crate::npy::{Accept, read_rows};

/// A target, and how the numbers of its data set were mapped.
pub struct Target {
    pub mixture: GaussianMixture,
    pub map: Option<Map>,
}

/// The target that the arguments name; the numbers of a data set are mapped to the interval `scale`
/// first, from the smallest and the largest of them.
pub fn load(arguments: &TargetOptions, scale: Option<(f64, f64)>) -> Result<Target, Failure> {
    match (&arguments.data, arguments.bandwidth, &arguments.target) {
        (Some(data), Some(bandwidth), _) => {
            let mut rows = read_rows("--data", data, Accept::Reals)?;
            let named = |error| Failure::Input(format!("--scale: {error}"));
            let map =
                scale.map(|to| Map::of_extremes(rows.view(), to).map_err(named)).transpose()?;
            if let Some(map) = &map {
                map.apply(&mut rows);
            }
            Ok(Target { mixture: GaussianMixture::from_data(rows.view(), bandwidth)?, map })
        }
        (_, _, Some(path)) => mixture(path)
            .map(|mixture| Target { mixture, map: None })
            .map_err(|message| Failure::Input(format!("{}: {message}", path.display()))),
        _ => refuse("nothing to sample: give a TARGET.json, or --data with --bandwidth"),
    }
}

fn mixture(path: &Path) -> Result<GaussianMixture, String> {
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
