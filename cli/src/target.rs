//! Targets from files: a mixture as JSON, or a data set as .npy with a bandwidth.

use std::path::Path;

use langevin::GaussianMixture;
use langevin::ndarray::{Array2, Array3};
use serde_json::{Map, Value};

use crate::arguments::TargetOptions;
use crate::failure::Failure;
use crate::input::{number, numbers, parse, rows, wrong};
use crate::npy::{Accept, read_rows};

const FIELDS: [&str; 5] = ["weights", "means", "std", "variances", "covariances"];

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
        (_, _, Some(path)) => mixture(path).map_err(|failure| match failure {
            Failure::Input(message) => Failure::Input(format!("{}: {message}", path.display())),
            other => other,
        }),
        _ => Err(Failure::Input(
            "nothing to sample: give a TARGET.json, or --data with --bandwidth".into(),
        )),
    }
}

/// The smallest and the largest number; infinite ends if there is none.
pub fn extremes(numbers: &Array2<f64>) -> (f64, f64) {
    numbers
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
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

fn mixture(path: &Path) -> Result<GaussianMixture, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Input(error.to_string()))?;
    let fields = parse(&text).map_err(|error| match error.is_data() {
        true => Failure::Input(error.to_string()),
        false => Failure::Input(format!("not JSON: {error}")),
    })?;
    if let Some(unknown) = fields.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(Failure::Input(format!(
            "unknown field \"{unknown}\"; there are: {}",
            FIELDS.join(", ")
        )));
    }
    let means = matrix(rows(required(&fields, "means")?, "means")?, "means")?;
    let spreads: Vec<&str> = ["std", "variances", "covariances"]
        .into_iter()
        .filter(|f| fields.contains_key(*f))
        .collect();
    let [spread] = spreads[..] else {
        let given = if spreads.is_empty() { "none".into() } else { spreads.join(" and ") };
        let expected = "exactly one of \"std\", \"variances\" and \"covariances\"";
        return Err(Failure::Input(format!(
            "spread of the components: given {given}, expected {expected}"
        )));
    };
    let value = &fields[spread];
    let mixture = match spread {
        "std" => GaussianMixture::isotropic(means.view(), number(value, "std")?)?,
        "variances" => GaussianMixture::diagonal(
            means.view(),
            matrix(rows(value, "variances")?, "variances")?.view(),
        )?,
        _ => GaussianMixture::full(means.view(), covariances(value, means.ncols())?.view())?,
    };
    match fields.get("weights") {
        Some(weights) => Ok(mixture.with_weights(&numbers(weights, "weights")?)?),
        None => Ok(mixture),
    }
}

fn required<'f>(fields: &'f Map<String, Value>, name: &str) -> Result<&'f Value, Failure> {
    fields.get(name).ok_or_else(|| Failure::Input(format!("\"{name}\" is missing")))
}

fn matrix(rows: Vec<Vec<f64>>, place: &str) -> Result<Array2<f64>, Failure> {
    let shape = (rows.len(), rows.first().map_or(0, Vec::len));
    Array2::from_shape_vec(shape, rows.into_iter().flatten().collect())
        .map_err(|error| Failure::Input(format!("{place}: {error}")))
}

fn covariances(value: &Value, dim: usize) -> Result<Array3<f64>, Failure> {
    let list = value.as_array().ok_or_else(|| wrong("covariances", value, "a list of matrices"))?;
    let mut all = Vec::with_capacity(list.len() * dim * dim);
    for (component, value) in list.iter().enumerate() {
        let place = format!("covariances[{component}]");
        let rows = rows(value, &place)?;
        if rows.len() != dim || rows.iter().any(|row| row.len() != dim) {
            let shape = format!("({}, {})", rows.len(), rows.first().map_or(0, Vec::len));
            return Err(Failure::Input(format!(
                "{place}: given shape {shape}, expected ({dim}, {dim})"
            )));
        }
        all.extend(rows.into_iter().flatten());
    }
    Array3::from_shape_vec((list.len(), dim, dim), all)
        .map_err(|error| Failure::Input(format!("covariances: {error}")))
}
