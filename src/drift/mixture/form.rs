//! A mixture as plain numbers, for reading and writing: weights, means, and one kind of spread.

use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use super::GaussianMixture;
use super::flat::Flat;
use super::spread::Spread;
use crate::error::{Error, Result};
use crate::math::eigen::gram;

/// The fields of a mixture. Exactly one of the three spreads is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Vec<f64>>,
    means: Flat<2>,
    /// One standard deviation for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
    /// Variances by component and coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    variances: Option<Flat<2>>,
    /// Covariance matrices by component.
    #[serde(skip_serializing_if = "Option::is_none")]
    covariances: Option<Flat<3>>,
}

/// Rows of equal length as an array.
fn rows(flat: Flat<2>, name: &str) -> Result<Array2<f64>> {
    flat.check(name)?;
    let [rows, columns] = flat.shape;
    // The lengths were compared, so this cannot fail.
    let array = Array2::from_shape_vec((rows, columns), flat.numbers);
    Ok(array.unwrap_or_else(|_| Array2::zeros((rows, columns))))
}

/// Square matrices of this dimension as an array.
fn matrices(flat: Flat<3>, name: &str, dim: usize) -> Result<Array3<f64>> {
    flat.check(name)?;
    let [count, rows, columns] = flat.shape;
    if count > 0 && (rows, columns) != (dim, dim) {
        return Err(Error::Value {
            option: format!("{name}[0]"),
            given: format!("shape ({rows}, {columns})"),
            expected: format!("({dim}, {dim})"),
        });
    }
    let array = Array3::from_shape_vec((count, dim, dim), flat.numbers);
    Ok(array.unwrap_or_else(|_| Array3::zeros((count, dim, dim))))
}

impl TryFrom<Form> for GaussianMixture {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let means = rows(form.means, "means")?;
        let dim = means.ncols();
        let mixture = match (form.std, form.variances, form.covariances) {
            (Some(std), None, None) => Self::isotropic(means.view(), std)?,
            (None, Some(variances), None) => {
                Self::diagonal(means.view(), rows(variances, "variances")?.view())?
            }
            (None, None, Some(covariances)) => {
                let covariances = matrices(covariances, "covariances", dim)?;
                Self::full(means.view(), covariances.view())?
            }
            (std, variances, covariances) => {
                let given = [
                    std.map(|_| "std"),
                    variances.map(|_| "variances"),
                    covariances.map(|_| "covariances"),
                ];
                let given: Vec<_> = given.into_iter().flatten().collect();
                return Err(Error::Value {
                    option: "spread of the components".into(),
                    given: if given.is_empty() { "none".into() } else { given.join(" and ") },
                    expected: "exactly one of std, variances and covariances".into(),
                });
            }
        };
        match form.weights {
            Some(weights) => mixture.with_weights(&weights),
            None => Ok(mixture),
        }
    }
}

impl From<&GaussianMixture> for Form {
    fn from(mixture: &GaussianMixture) -> Self {
        let rows = |array: &Array2<f64>| {
            Flat::new([array.nrows(), array.ncols()], array.iter().copied().collect())
        };
        let mut form = Self {
            weights: Some(mixture.weights().to_vec()),
            means: rows(mixture.means()),
            std: None,
            variances: None,
            covariances: None,
        };
        match mixture.spread() {
            Spread::Isotropic(std) => form.std = Some(*std),
            Spread::Diagonal(variances) => form.variances = Some(rows(variances)),
            Spread::Full(factors) => {
                let numbers = factors.outer_iter().flat_map(|factor| gram(factor).into_iter());
                let (count, rows, columns) = factors.dim();
                form.covariances = Some(Flat::new([count, rows, columns], numbers.collect()));
            }
        }
        form
    }
}

impl Serialize for GaussianMixture {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GaussianMixture {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        form.try_into().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn mixtures_lead_back() {
        let means = array![[0.0, 1.0], [1.0, -1.0]];
        let covariances = array![[[1.0, 0.25], [0.25, 0.5]], [[0.75, -0.25], [-0.25, 1.0]]];
        for mixture in [
            GaussianMixture::isotropic(means.view(), 0.7).unwrap(),
            GaussianMixture::diagonal(means.view(), array![[1.0, 0.3], [0.5, 2.0]].view()).unwrap(),
            GaussianMixture::full(means.view(), covariances.view()).unwrap(),
        ] {
            let mixture = mixture.with_weights(&[1.0, 3.0]).unwrap();
            let text = serde_json::to_string(&mixture).unwrap();
            let back: GaussianMixture = serde_json::from_str(&text).unwrap();
            let x = array![[0.3, -0.2], [2.0, 1.0]];
            let away = back.log_density(x.view()).unwrap() - mixture.log_density(x.view()).unwrap();
            assert!(away.iter().all(|x| x.abs() < 1e-14), "{text}");
        }
    }

    #[test]
    fn bad_numbers_are_named() {
        let message =
            |text: &str| serde_json::from_str::<GaussianMixture>(text).unwrap_err().to_string();
        assert!(message(r#"{"means": [[0.0], [1.0, 2.0]], "std": 1.0}"#).contains("means[1]"));
        assert!(message(r#"{"means": [[0.0]]}"#).contains("given `none`"));
        assert!(message(r#"{"means": [[0.0]], "std": -1.0}"#).contains("std: given -1"));
        assert!(message(r#"{"means": [[0.0]], "sd": 1.0}"#).contains("unknown field `sd`"));
    }
}
