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
    /// The low parts of the positions in the same way, if there are any.
    #[serde(default)]
    low: Vec<f64>,
    steps: u64,
    #[serde(default)]
    first_chain: u32,
    #[serde(default)]
    seed: Option<u64>,
    cost: Cost,
    #[serde(default)]
    rounded: u64,
    diverged: Vec<Divergence>,
}

impl<F: Real> TryFrom<Form> for Samples<F> {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let columns = form.layout.checked_columns(form.dim).unwrap_or(usize::MAX);
        let low_columns = if form.low.is_empty() { 0 } else { form.dim };
        let state = array("state", form.state, form.chains, columns)?;
        let low = array("low part", form.low, form.chains, low_columns)?;
        let Form { dim, steps, first_chain, seed, cost, rounded, diverged, .. } = form;
        let calls = None;
        let layout = form.layout;
        Ok(Self {
            state,
            low,
            dim,
            layout,
            steps,
            first_chain,
            seed,
            cost,
            rounded,
            diverged,
            calls,
        })
    }
}

fn array<F: Real>(
    what: &'static str,
    numbers: Vec<f64>,
    rows: usize,
    columns: usize,
) -> Result<Array2<F>> {
    let given = format!("{} numbers", numbers.len());
    let numbers = numbers.into_iter().map(F::from_f64).collect();
    Array2::from_shape_vec((rows, columns), numbers).map_err(|_| Error::Shape {
        what,
        given,
        expected: format!("{rows} × {columns}"),
    })
}

impl<F: Real> Serialize for Samples<F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = Form {
            chains: self.state.nrows(),
            dim: self.dim,
            layout: self.layout,
            state: self.state.iter().map(|x| x.widen()).collect(),
            low: self.low.iter().map(|x| x.widen()).collect(),
            steps: self.steps,
            first_chain: self.first_chain,
            seed: self.seed,
            cost: self.cost,
            rounded: self.rounded,
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
