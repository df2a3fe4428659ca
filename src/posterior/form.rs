//! Settings as plain numbers, for storing.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::tuned::Tuned;
use crate::drift::Scale;
use crate::error::{Error, Result};

/// The fields of [`Tuned`]: the scale has `scales`, or the rows of the lower triangular `factor`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    center: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scales: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<Vec<Vec<f64>>>,
    step: f64,
    friction: f64,
}

impl From<Tuned> for Form {
    fn from(tuned: Tuned) -> Self {
        let scale = tuned.scale();
        let factor = scale.factor();
        Self {
            center: scale.center().to_vec(),
            scales: factor.is_none().then(|| scale.scales().to_vec()),
            factor: factor.map(|factor| factor.outer_iter().map(|row| row.to_vec()).collect()),
            step: tuned.step(),
            friction: tuned.friction(),
        }
    }
}

impl TryFrom<Form> for Tuned {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let center = Array1::from(form.center);
        let dim = center.len();
        let scale = match (form.scales, form.factor) {
            (Some(scales), None) => Scale::diagonal(center.view(), Array1::from(scales).view())?,
            (None, Some(rows)) if rows.len() == dim && rows.iter().all(|row| row.len() == dim) => {
                let factor = Array2::from_shape_fn((dim, dim), |(i, j)| rows[i][j]);
                Scale::triangular(center.view(), factor.view())?
            }
            _ => {
                let expected = format!("({dim}) scales, or a factor ({dim}, {dim})");
                return Err(Error::Shape { what: "scale", given: "neither".into(), expected });
            }
        };
        Self::new(scale, form.step, form.friction)
    }
}
