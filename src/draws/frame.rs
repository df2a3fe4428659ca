//! One draw of all chains, and what all draws have alike.

use std::io::{self, Write};

use ndarray::{Array2, ArrayView1, ArrayView2, ShapeBuilder};
use serde_json::{Map, Value, json};

use super::names::default_names;
use crate::drift::LogDensity;
use crate::error::BoxError;
use crate::real::Real;

/// One draw of all chains.
pub struct Frame<'f, F> {
    pub step: u64,
    /// (chains, dim).
    pub positions: ArrayView2<'f, F>,
    pub momenta: Option<ArrayView2<'f, F>>,
    pub log_density: Option<ArrayView1<'f, f64>>,
    pub energy: Option<ArrayView1<'f, f64>>,
    pub diverging: ArrayView1<'f, bool>,
}

/// What all draws have alike.
#[derive(Clone, Debug)]
pub struct Outline {
    pub first_chain: u64,
    pub chains: usize,
    /// The number of draws that there will be.
    pub draws: usize,
    pub names: Vec<String>,
    /// Whether numbers have four bytes.
    pub is_single: bool,
    pub has_momenta: bool,
    pub has_log_density: bool,
    pub has_energy: bool,
}

impl Outline {
    pub fn new<F: Real>(first_chain: u64, [chains, draws, dim]: [usize; 3]) -> Self {
        Self {
            first_chain,
            chains,
            draws,
            names: default_names(dim),
            is_single: F::NAME == "f32",
            has_momenta: false,
            has_log_density: false,
            has_energy: false,
        }
    }

    /// The dimension of a position.
    pub fn dim(&self) -> usize {
        self.names.len()
    }

    /// The bytes of a number.
    pub fn size(&self) -> usize {
        if self.is_single { 4 } else { 8 }
    }

    /// The last lines of a description: of an array (chain, draw, dim), or of a table. Without the
    /// steps if they are not all there yet.
    pub fn describe(
        &self,
        to: &mut dyn Write,
        attributes: &Map<String, Value>,
        columns: Option<&[String]>,
        steps: Option<&mut dyn Iterator<Item = u64>>,
    ) -> io::Result<()> {
        write!(to, "{{\"attributes\":{},\"chains\":", json!(attributes))?;
        list(to, &mut (self.first_chain..).take(self.chains))?;
        match columns {
            Some(columns) => write!(to, ",\"columns\":{}", json!(columns))?,
            None => write!(to, ",\"dimensions\":[\"chain\",\"draw\",\"dim\"]")?,
        }
        write!(to, ",\"names\":{}", json!(self.names))?;
        if let Some(steps) = steps {
            write!(to, ",\"steps\":")?;
            list(to, steps)?;
        }
        writeln!(to, "}}")
    }
}

/// Numbers as a list in JSON.
fn list(to: &mut dyn Write, numbers: &mut dyn Iterator<Item = u64>) -> io::Result<()> {
    let mut separator = "[";
    for number in numbers {
        write!(to, "{separator}{number}")?;
        separator = ",";
    }
    write!(to, "{}]", if separator == "[" { "[" } else { "" })
}

/// The log density of each row, NaN for a row that is not finite.
pub fn log_density_of<F: Real>(
    density: &dyn LogDensity<F>,
    rows: ArrayView2<'_, F>,
) -> Result<Vec<f64>, BoxError> {
    let is_finite = |row: &usize| rows.row(*row).iter().all(|x| x.is_finite());
    let kept: Vec<usize> = (0..rows.nrows()).filter(is_finite).collect();
    // Column by column, as in a run.
    let mut finite = Array2::zeros((kept.len(), rows.ncols()).f());
    for (mut to, row) in finite.rows_mut().into_iter().zip(&kept) {
        to.assign(&rows.row(*row));
    }
    let mut out = vec![f64::NAN; kept.len()];
    if !kept.is_empty() {
        density.log_density(finite.view(), &mut out)?;
    }
    let mut all = vec![f64::NAN; rows.nrows()];
    kept.iter().zip(out).for_each(|(row, log)| all[*row] = log);
    Ok(all)
}

/// |p|² / (2 u) for each row of momenta.
pub fn kinetic<F: Real>(momenta: ArrayView2<'_, F>, variance: f64) -> impl Iterator<Item = f64> {
    (0..momenta.nrows()).map(move |row| {
        let square: f64 = momenta.row(row).iter().map(|p| p.widen() * p.widen()).sum();
        square / (2.0 * variance)
    })
}
