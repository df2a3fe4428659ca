//! The draws of a run as a store for ArviZ or as an array: the options, what keeps the draws, and
//! the file.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use langevin::draws::{Draws, Stored, Stream, check_place, places};
use langevin::metrics::Posterior;
use langevin::ndarray::Array3;
use langevin::prelude::{BoxError, Drift, Every, Observer, Real, Samples, Snapshot, Trace};
use serde_json::Value;

use crate::arguments::RunOptions;
use crate::failure::{Failure, print_warning, refuse};
use crate::inputs::{Inputs, same_name};

#[derive(Args)]
pub struct TraceOptions {
    /// The saved positions of every chain with their names, log density and momenta, as a Zarr
    /// store that ArviZ opens or as a table; or the positions as .npy. Tables and arrays have a
    /// .json beside them. They are written as the run goes on, with .part behind the name. Needs
    /// --every
    #[arg(long, value_name = "DIR.zarr|FILE.npy|FILE.csv", requires = "every")]
    trace: Option<PathBuf>,
    /// Names of the coordinates in --trace, as in mu,theta[0],theta[1] [default: x[0],x[1],…]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', requires = "trace")]
    names: Option<Vec<String>>,
}

/// What keeps the draws of a run.
pub struct Kept<'d, F: Real> {
    /// Whether draws are asked for. The first rank keeps them for all.
    pub is_asked: bool,
    /// In memory: of shards, and of what is merged from them.
    pub trace: Option<Trace<F>>,
    /// On the disk as they come.
    stream: Option<Stream<'d, F>>,
    /// The law that all draws are of, if there is one.
    law: Option<&'d dyn Drift<F>>,
    settings: Vec<(String, Value)>,
}

/// The most draws of a coordinate, and the most numbers, that are summed up.
const SUMMED: [usize; 2] = [1 << 20, 1 << 25];

impl TraceOptions {
    pub fn path(&self) -> Option<&Path> {
        self.trace.as_deref()
    }

    /// The files of the draws, complete and on the way.
    pub fn places(&self) -> Vec<PathBuf> {
        self.path().map(places).unwrap_or_default()
    }

    /// Whether draws are kept, in words.
    pub fn says(&self) -> String {
        if self.trace.is_some() { "kept".into() } else { "none".into() }
    }

    /// Checks names and places before the run, which may be long.
    pub fn check<F: Real>(
        &self,
        options: &RunOptions,
        dim: usize,
        inputs: &Inputs,
        others: &[Option<&Path>],
    ) -> Result<(), Failure> {
        let Some(path) = self.path().filter(|_| options.team.is_first()) else { return Ok(()) };
        options.durable.spare_places(&self.places())?;
        for place in self.places() {
            inputs.spare("--trace", &place)?;
            if others.iter().flatten().any(|other| same_name(other, &place)) {
                return refuse(format!(
                    "--trace {}: another output has the name {}; give them two",
                    path.display(),
                    place.display()
                ));
            }
        }
        self.named(Draws::new(Array3::<F>::zeros((1, 1, dim)))?)?;
        Ok(check_place(path)?)
    }

    /// What is to keep the draws, if they are asked for: with log densities if all are of one law,
    /// and with the settings of the run as attributes.
    pub fn begin<'d, F: Real>(
        &self,
        options: &RunOptions,
        every: Option<Every>,
        law: Option<&'d dyn Drift<F>>,
        settings: &Value,
    ) -> Result<Kept<'d, F>, Failure> {
        let mut kept = Kept {
            is_asked: self.trace.is_some() && every.is_some(),
            trace: None,
            stream: None,
            law,
            settings: plain(settings),
        };
        if !options.team.is_first() {
            return Ok(kept);
        }
        let (Some(path), Some(every)) = (self.path(), every) else { return Ok(kept) };
        if options.shard.is_some() || !options.merge.is_empty() {
            kept.trace = Some(Trace::new(every).with_momenta());
            return Ok(kept);
        }
        let mut stream = Stream::new(path, every)?.with_momenta();
        if let Some(names) = &self.names {
            stream = stream.with_names(names.iter().cloned())?;
        }
        if let Some(law) = law {
            stream = stream.with_log_density(law)?;
        }
        let settings = kept.settings.iter().cloned();
        kept.stream =
            Some(settings.fold(stream, |stream, (name, value)| stream.with_attribute(name, value)));
        Ok(kept)
    }

    fn named<F: Real>(&self, draws: Draws<F>) -> Result<Draws<F>, Failure> {
        match &self.names {
            Some(names) => Ok(draws.with_names(names.iter().cloned())?),
            None => Ok(draws),
        }
    }

    /// Puts the files of the draws in their places. Those of a run that goes on stay as they are
    /// too. Returns the summary of draws of one law, if there are enough draws for one, and all
    /// are finite.
    pub fn finish<F: Real>(
        &self,
        mut kept: Kept<'_, F>,
        samples: &Samples<F>,
        goes_on: bool,
    ) -> Result<Option<Posterior>, Failure> {
        if let Some(trace) = kept.trace.take() {
            return self.write(kept, &trace, samples);
        }
        let Some(stream) = kept.stream else { return Ok(None) };
        let ended = if goes_on { stream.finish_for_now(samples) } else { stream.finish(samples) };
        let mut stored = ended.map_err(failed)?;
        Ok(kept.law.and_then(|_| summary(&mut stored)))
    }

    /// Writes draws that were kept in memory.
    fn write<F: Real>(
        &self,
        kept: Kept<'_, F>,
        trace: &Trace<F>,
        samples: &Samples<F>,
    ) -> Result<Option<Posterior>, Failure> {
        let Some(path) = self.path() else { return Ok(None) };
        if trace.steps().is_empty() {
            return Err(Failure::Run("--trace: the run ended before its first draw".into()));
        }
        let mut draws = self.named(Draws::from_trace(trace).map_err(failed)?)?;
        if let Some(law) = kept.law {
            draws = draws.with_log_density(law).map_err(failed)?;
        }
        draws = draws.with_run(samples);
        let settings = kept.settings.into_iter();
        draws = settings.fold(draws, |draws, (name, value)| draws.with_attribute(name, value));
        draws.write(path).map_err(failed)?;
        let names = draws.names().to_vec();
        let summary = kept.law.map(|_| Posterior::of(trace.positions().mapv(F::widen).view()));
        Ok(summary.and_then(|summary| summary.and_then(|summary| summary.names(names)).ok()))
    }
}

impl<F: Real> Observer<F> for Kept<'_, F> {
    fn next(&self, step: u64) -> Option<u64> {
        match &self.trace {
            Some(trace) => trace.next(step),
            None => self.stream.as_ref()?.next(step),
        }
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        match &mut self.trace {
            Some(trace) => trace.observe(snapshot),
            None => self.stream.observe(snapshot),
        }
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        match &mut self.trace {
            Some(trace) => trace.save(),
            None => self.stream.save(),
        }
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        match &mut self.trace {
            Some(trace) => trace.restore(saved),
            None => self.stream.restore(saved),
        }
    }
}

/// The summary of draws on the disk, if there are enough draws for one and not too many, and all
/// are finite.
fn summary<F: Real>(stored: &mut Stored<F>) -> Option<Posterior> {
    let each = stored.chains() * stored.draws();
    let sizes = [each, each * stored.names().len()];
    if let Some(at) = (0..2).find(|at| sizes[*at] > SUMMED[*at]) {
        let what = ["draws of a coordinate", "numbers"][at];
        print_warning(&format!(
            "no summary of --trace: {} {what} are more than {}; read the file, or raise --every",
            sizes[at], SUMMED[at]
        ));
        return None;
    }
    stored.summary().ok()
}

fn failed(error: langevin::Error) -> Failure {
    Failure::Run(format!("--trace: {error}"))
}

/// Attributes are plain values, as other formats ask for: an object adds its own entries, and null
/// nothing.
fn plain(settings: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, value) in settings.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Object(_) => all.extend(plain(value)),
            _ => all.push((name.clone(), value.clone())),
        }
    }
    all
}
