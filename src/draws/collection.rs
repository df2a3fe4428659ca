//! The type `Draws`: what it is made of, and what is added to it.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};
use serde_json::{Map, Value};

use super::frame::{Frame, Outline, kinetic, log_density_of};
use super::names::{default_names, variables};
use crate::drift::Drift;
use crate::error::{Error, Result};
use crate::real::Real;
use crate::run::{Samples, Trace};

/// Named draws of several chains.
///
/// It holds positions (chain, draw, dim), names of the coordinates, the step of each draw, and
/// attributes. Momenta and log densities may be there too.
#[derive(Clone, Debug)]
pub struct Draws<F> {
    positions: Array3<F>,
    names: Vec<String>,
    chains: Vec<u64>,
    steps: Vec<u64>,
    diverging: Array2<bool>,
    momenta: Option<Array3<F>>,
    momentum_variance: Option<f64>,
    log_density: Option<Array2<f64>>,
    attributes: Map<String, Value>,
}

impl<F: Real> Draws<F> {
    /// Draws (chain, draw, dim) from anywhere. The names are `x[0]`, `x[1]`, …, the chains and the
    /// steps are numbered from 0. Draws that are not finite count as diverging.
    ///
    /// # Errors
    /// [`Error::Shape`] if an axis has length 0.
    pub fn new(positions: Array3<F>) -> Result<Self> {
        let (chains, draws, dim) = positions.dim();
        if positions.is_empty() {
            return Err(Error::Shape {
                what: "draws",
                given: format!("({chains}, {draws}, {dim})"),
                expected: "(chain, draw, dim), at least one of each".into(),
            });
        }
        let is_bad = |row: ndarray::ArrayView1<'_, F>| row.iter().any(|x| !x.is_finite());
        Ok(Self {
            diverging: positions.map_axis(Axis(2), is_bad),
            positions,
            names: default_names(dim),
            chains: (0..chains as u64).collect(),
            steps: (0..draws as u64).collect(),
            momenta: None,
            momentum_variance: None,
            log_density: None,
            attributes: Map::new(),
        })
    }

    /// The draws that a trace has kept. Momenta are there if the trace kept them. A draw of a chain
    /// that was frozen by then counts as diverging, and so does a draw that is not finite.
    ///
    /// # Errors
    /// [`Error::Shape`] if the trace is empty.
    pub fn from_trace(trace: &Trace<F>) -> Result<Self> {
        let mut draws = Self::new(by_chain(trace.positions()))?;
        let first = u64::from(trace.first_chain());
        draws.chains.iter_mut().for_each(|chain| *chain += first);
        draws.steps = trace.steps().to_vec();
        draws.momenta = trace.momenta().map(by_chain);
        draws.momentum_variance = trace.momentum_variance();
        for divergence in trace.frozen() {
            let Some(row) = draws.chains.iter().position(|chain| *chain == divergence.chain) else {
                continue;
            };
            for (draw, step) in draws.steps.iter().enumerate() {
                draws.diverging[[row, draw]] |= *step >= divergence.step;
            }
        }
        Ok(draws)
    }

    /// Names the coordinates. Names such as `theta[0]` and `theta[1]` belong to one array `theta`
    /// in a store. Their indices must be 0, 1, …, each once, in any order.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is not one name for each coordinate, [`Error::Twice`] for names
    /// that are equal or that differ in an index only where one has none, and [`Error::Value`] for
    /// names that are not valid: they begin with a letter or `_` and go on with letters, digits,
    /// `_`, `-` and inner dots.
    pub fn with_names(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let dim = self.names.len();
        if names.len() != dim {
            return Err(Error::Shape {
                what: "names",
                given: format!("({})", names.len()),
                expected: format!("({dim}), one name for each coordinate"),
            });
        }
        variables(&names)?;
        self.names = names;
        Ok(self)
    }

    /// Adds an attribute, any JSON value. A later one with the same name replaces it. JSON has no
    /// NaN: `serde_json` turns it into null.
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Adds attributes of the run: `seed` if the noise had one, `steps`, `evaluations` over all
    /// chains, and `acceptance` for methods with a Metropolis test.
    pub fn with_run(self, samples: &Samples<F>) -> Self {
        let about = of_run(samples).into_iter();
        about.fold(self, |draws, (name, value)| draws.with_attribute(name, value))
    }

    /// Computes the log density of every draw, up to the constant that the density leaves out. A
    /// diverging draw that is not finite has NaN.
    ///
    /// # Errors
    /// [`Error::NoDensity`] if the drift has no log density, [`Error::Shape`] if it has another
    /// dimension, and [`Error::Draws`] if it fails.
    pub fn with_log_density(mut self, drift: &dyn Drift<F>) -> Result<Self> {
        let method = "the log density of draws";
        let density = drift.density().ok_or(Error::NoDensity { method })?;
        let (chains, draws, dim) = self.positions.dim();
        if let Some(columns) = drift.columns().filter(|columns| *columns != dim) {
            return Err(Error::Shape {
                what: "draws",
                given: format!("({chains}, {draws}, {dim})"),
                expected: format!("(chain, draw, {columns}), the dimension of the drift"),
            });
        }
        let mut all = Array2::from_elem((chains, draws), f64::NAN);
        for (chain, mut to) in all.axis_iter_mut(Axis(0)).enumerate() {
            let rows = self.positions.index_axis(Axis(0), chain);
            let computed = log_density_of(density, rows).map_err(|error| Error::Draws {
                reason: format!("the log density failed in chain {}: {error}", self.chains[chain]),
            })?;
            to.iter_mut().zip(computed).for_each(|(to, log)| *to = log);
        }
        self.log_density = Some(all);
        Ok(self)
    }

    /// The positions, (chain, draw, dim).
    pub fn positions(&self) -> ArrayView3<'_, F> {
        self.positions.view()
    }

    /// The momenta, (chain, draw, dim), if they were kept.
    pub fn momenta(&self) -> Option<ArrayView3<'_, F>> {
        self.momenta.as_ref().map(|momenta| momenta.view())
    }

    /// The log densities, (chain, draw), if they were computed.
    pub fn log_density(&self) -> Option<ArrayView2<'_, f64>> {
        self.log_density.as_ref().map(|log| log.view())
    }

    /// The energies, (chain, draw), if momenta and log densities are there:
    ///
    /// ```text
    /// E = −log π(x) + |p|² / (2 u)
    /// ```
    ///
    /// u is the variance of a momentum under the stationary distribution.
    pub fn energy(&self) -> Option<Array2<f64>> {
        let mut energy = -self.log_density.as_ref()?;
        let variance = self.momentum_variance?;
        let momenta = self.momenta.as_ref()?;
        for (mut energy, momenta) in energy.outer_iter_mut().zip(momenta.outer_iter()) {
            energy.iter_mut().zip(kinetic(momenta, variance)).for_each(|(sum, own)| *sum += own);
        }
        Some(energy)
    }

    /// Which draws are no samples, (chain, draw): those of frozen chains, and those that are not
    /// finite.
    pub fn diverging(&self) -> ArrayView2<'_, bool> {
        self.diverging.view()
    }

    /// The names of the coordinates.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The numbers of the chains.
    pub fn chains(&self) -> &[u64] {
        &self.chains
    }

    /// The step of each draw.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// What all draws have alike.
    pub(super) fn outline(&self) -> Outline {
        let (chains, draws, dim) = self.positions.dim();
        let first = self.chains.first().copied().unwrap_or(0);
        Outline {
            names: self.names.clone(),
            has_momenta: self.momenta.is_some(),
            has_log_density: self.log_density.is_some(),
            has_energy: self.energy().is_some(),
            ..Outline::new::<F>(first, [chains, draws, dim])
        }
    }

    /// Calls this for each draw of all chains, in the order of their steps.
    pub(super) fn each<E>(
        &self,
        mut take: impl FnMut(&Frame<'_, F>) -> Result<(), E>,
    ) -> Result<(), E> {
        let energy = self.energy();
        for (draw, step) in self.steps.iter().enumerate() {
            let momenta = self.momenta.as_ref();
            take(&Frame {
                step: *step,
                positions: self.positions.index_axis(Axis(1), draw),
                momenta: momenta.map(|momenta| momenta.index_axis(Axis(1), draw)),
                log_density: self.log_density.as_ref().map(|log| log.column(draw)),
                energy: energy.as_ref().map(|energy| energy.column(draw)),
                diverging: self.diverging.column(draw),
            })?;
        }
        Ok(())
    }

    /// The attributes.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }
}

/// The attributes of a run.
pub fn of_run<F: Real>(samples: &Samples<F>) -> Map<String, Value> {
    let mut about = Map::new();
    about.insert("steps".into(), samples.steps.into());
    about.insert("evaluations".into(), samples.cost.evaluations.into());
    about.extend(samples.seed.map(|seed| ("seed".into(), seed.into())));
    let acceptance = samples.acceptance();
    about.extend(acceptance.map(|acceptance| ("acceptance".into(), acceptance.into())));
    about
}

/// (saved, chains, dim) as (chain, draw, dim), row by row in memory.
fn by_chain<F: Real>(saved: Array3<F>) -> Array3<F> {
    let turned = saved.permuted_axes([1, 0, 2]);
    turned.as_standard_layout().into_owned()
}
