//! Targets from files: a mixture as JSON, or a data set as .npy with a bandwidth.

use std::path::Path;

use langevin::GaussianMixture;
use langevin::ndarray::Array2;

use crate::arguments::TargetOptions;
use crate::failure::Failure;
use crate::npy::{Accept, read_rows};

/// The target that the arguments name; the numbers of a data set are mapped to the interval `scale`
/// first.
pub fn load(
    arguments: &TargetOptions,
    scale: Option<(f64, f64)>,
) -> Result<GaussianMixture, Failure> {
    match (&arguments.data, arguments.bandwidth, &arguments.target) {
        (Some(data), Some(bandwidth), _) => {
            let mut rows = read_rows("--data", data, Accept::Reals)?;
            if let Some(interval) = scale {
                rescale("--scale", &mut rows, interval)?;
            }
            Ok(GaussianMixture::from_data(rows.view(), bandwidth)?)
        }
        (_, _, Some(path)) => mixture(path)
            .map_err(|message| Failure::Input(format!("{}: {message}", path.display()))),
        _ => {
            let message = "nothing to sample: give a TARGET.json, or --data with --bandwidth";
            Err(Failure::Input(message.into()))
        }
    }
}

fn mixture(path: &Path) -> Result<GaussianMixture, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = text.trim_start_matches('\u{feff}');
    let mut json = serde_json::Deserializer::from_str(text);
    let mixture = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let inner = error.into_inner();
        match (inner.is_data(), place.as_str()) {
            (false, _) => format!("not JSON: {inner}; NaN and Infinity are no numbers there"),
            (true, "." | "?") => inner.to_string(),
            (true, _) => format!("{place}: {inner}"),
        }
    })?;
    json.end().map_err(|error| format!("not JSON: {error}"))?;
    Ok(mixture)
}

/// The smallest and the largest number; infinite ends if there is none.
pub fn extremes(numbers: &Array2<f64>) -> (f64, f64) {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    numbers.iter().fold(ends, |(low, high), &x| (low.min(x), high.max(x)))
}

/// Maps the smallest number to the first end of the interval and the largest to the second.
pub fn rescale(
    option: &str,
    rows: &mut Array2<f64>,
    (low, high): (f64, f64),
) -> Result<(), Failure> {
    let (least, most) = extremes(rows);
    let length = most - least;
    if !(length > 0.0 && length.is_finite()) {
        let given = format!("{option}: the numbers of the data set go from {least} to {most}");
        return Err(Failure::Input(format!(
            "{given}, expected different ones, a finite distance apart"
        )));
    }
    rows.mapv_inplace(|x| {
        let share = (x - least) / length;
        // Both ends are met exactly.
        low * (1.0 - share) + high * share
    });
    Ok(())
}
