//! Samples as plain numbers, for reading and writing.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::samples::{Divergence, Samples};
use crate::error::{Error, Result};
use crate::real::Real;
use crate::sampler::Cost;
use crate::state::Layout;

/// The fields of samples.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    chains: usize,
    dim: usize,
    layout: Layout,
    /// Row by row, widened to f64.
    state: Vec<f64>,
    steps: u64,
    cost: Cost,
    diverged: Vec<Divergence>,
}

impl<F: Real> TryFrom<Form> for Samples<F> {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let columns = form.layout.columns(form.dim);
        let length = form.state.len();
        let numbers = form.state.into_iter().map(F::from_f64).collect();
        let state =
            Array2::from_shape_vec((form.chains, columns), numbers).map_err(|_| Error::Shape {
                what: "state",
                given: format!("{length} numbers"),
                expected: format!("{} × {columns}", form.chains),
            })?;
        let Form { dim, layout, steps, cost, diverged, .. } = form;
        Ok(Self { state, dim, layout, steps, cost, diverged })
    }
}

impl<F: Real> Serialize for Samples<F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = Form {
            chains: self.state.nrows(),
            dim: self.dim,
            layout: self.layout,
            state: self.state.iter().map(|x| x.widen()).collect(),
            steps: self.steps,
            cost: self.cost,
            diverged: self.diverged.clone(),
        };
        form.serialize(serializer)
    }
}

impl<'de, F: Real> Deserialize<'de> for Samples<F> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        form.try_into().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn samples_lead_back() {
        let target = GaussianMixture::isotropic(ndarray::array![[0.0, 1.0]].view(), 1.0).unwrap();
        let sampler = Splitting::new(Underdamped::new(2.0, 1.0).unwrap(), "BAOAB".parse().unwrap());
        let grid = TimeGrid::uniform(0.1, 5).unwrap();
        let samples = Run::new(&sampler, &target, grid).chains(3).run().unwrap();
        let text = serde_json::to_string(&samples).unwrap();
        assert_eq!(serde_json::from_str::<Samples<f64>>(&text).unwrap(), samples);
        let short = text.replace("\"chains\":3", "\"chains\":4");
        let error = serde_json::from_str::<Samples<f64>>(&short).unwrap_err().to_string();
        assert!(error.contains("state: given shape 18 numbers"), "{error}");
    }
}
