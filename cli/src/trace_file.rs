//! The draws of a run as a store for ArviZ or as an array: the options, what keeps the draws, and
//! the file.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::draws::{Draws, check_place};
use langevin::metrics::Posterior;
use langevin::ndarray::Array3;
use langevin::prelude::{Drift, Every, Real, Samples, Trace};
use serde_json::Value;

use crate::failure::{Failure, refuse};
use crate::inputs::{Inputs, same_name};

#[derive(Args)]
pub struct TraceOptions {
    /// The saved positions of every chain with their names, log density and momenta, as a Zarr
    /// store that ArviZ opens; or the positions as .npy, with a .json beside it. Needs --every
    #[arg(long, value_name = "DIR.zarr|FILE.npy", requires = "every")]
    trace: Option<PathBuf>,
    /// Names of the coordinates in --trace, as in mu,theta[0],theta[1] [default: x[0],x[1],…]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', requires = "trace")]
    names: Option<Vec<String>>,
}

impl TraceOptions {
    pub fn path(&self) -> Option<&Path> {
        self.trace.as_deref()
    }

    /// The files of an array: itself and its description.
    pub fn places(&self) -> [Option<PathBuf>; 2] {
        [self.trace.clone(), self.path().map(|path| path.with_extension("json"))]
    }

    /// Whether draws are kept, in words.
    pub fn says(&self) -> String {
        if self.trace.is_some() { "kept".into() } else { "none".into() }
    }

    /// An empty trace, if one is asked for. Names and place are checked before the run, which may
    /// be long.
    pub fn begin<F: Real, const N: usize>(
        &self,
        every: Option<Every>,
        dim: usize,
        inputs: &Inputs,
        others: [Option<&Path>; N],
    ) -> Result<Option<Trace<F>>, Failure> {
        let (Some(path), Some(every)) = (self.path(), every) else { return Ok(None) };
        let beside = path.with_extension("json");
        for place in [path, &beside] {
            inputs.spare("--trace", place)?;
            if others.iter().flatten().any(|other| same_name(other, place)) {
                return refuse(format!(
                    "--trace {}: another output has the name {}; give them two",
                    path.display(),
                    place.display()
                ));
            }
        }
        self.named(Draws::new(Array3::<F>::zeros((1, 1, dim)))?)?;
        check_place(path)?;
        Ok(Some(Trace::new(every).with_momenta()))
    }

    fn named<F: Real>(&self, draws: Draws<F>) -> Result<Draws<F>, Failure> {
        match &self.names {
            Some(names) => Ok(draws.with_names(names.iter().cloned())?),
            None => Ok(draws),
        }
    }

    /// Writes what was kept, with the settings of the run as attributes. Returns its summary, if
    /// there are enough draws for one, and all are finite.
    pub fn write<F: Real>(
        &self,
        trace: Option<Trace<F>>,
        drift: &dyn Drift<F>,
        samples: &Samples<F>,
        settings: &Value,
    ) -> Result<Option<Posterior>, Failure> {
        let (Some(path), Some(trace)) = (self.path(), trace) else { return Ok(None) };
        let fail = |error: langevin::Error| Failure::Run(format!("--trace: {error}"));
        if trace.steps().is_empty() {
            return Err(Failure::Run("--trace: the run ended before its first draw".into()));
        }
        let mut draws = self.named(Draws::from_trace(&trace).map_err(fail)?)?;
        draws = draws.with_log_density(drift).map_err(fail)?.with_run(samples);
        for (name, value) in settings.as_object().into_iter().flatten() {
            draws = with_setting(draws, name, value);
        }
        draws.write(path).map_err(fail)?;
        let names = draws.names().to_vec();
        let summary = Posterior::of(trace.positions().mapv(F::widen).view());
        Ok(summary.and_then(|summary| summary.names(names)).ok())
    }
}

/// Attributes are plain values, as other formats ask for: an object adds its own entries, and null
/// nothing.
fn with_setting<F: Real>(draws: Draws<F>, name: &str, value: &Value) -> Draws<F> {
    match value {
        Value::Null => draws,
        Value::Object(inner) => {
            inner.iter().fold(draws, |draws, (name, value)| with_setting(draws, name, value))
        }
        _ => draws.with_attribute(name, value.clone()),
    }
}
