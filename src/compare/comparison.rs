//! The comparison itself: methods × budgets × seeds, planned first and then run.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Instant;

use super::distances::Distances;
use super::entry::Entry;
use super::record::Record;
use super::table::{Row, Single, Table};
use crate::diffusion::{Denoiser, Plan, Process, Warning};
use crate::error::{BoxError, Error, Result, count};
use crate::metrics::Estimate;
use crate::real::Real;
use crate::run::{Observer, Snapshot};

/// How far a comparison is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'p> {
    /// The method that is running.
    pub label: &'p str,
    /// Its budget.
    pub budget: usize,
    /// The seed.
    pub seed: u64,
    /// Evaluations per chain done so far, over all runs.
    pub done: f64,
    /// Evaluations per chain in all.
    pub total: f64,
}

type Report<'c> = Box<dyn FnMut(Progress<'_>) + Send + 'c>;

/// Methods side by side on one model: budget by budget, seed by seed.
///
/// ```
/// use langevin::compare::{Comparison, Distances, Metric};
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let target = GaussianMixture::isotropic(array![[-1.0], [1.0]].view(), 0.1)?;
/// let model = DiffusedMixture::new(target.clone());
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let distances = Distances::new(vec![Metric::Radial])?.target(&target)?;
/// let table = Comparison::<f64>::new(&process, &model, distances)
///     .with("ddim".parse()?, &[10, 20])?
///     .with("dpmpp2m@20".parse()?, &[])?
///     .chains(500)
///     .run()?;
/// assert_eq!(table.rows.len(), 3);
/// println!("{table}");
/// # Ok::<(), Error>(())
/// ```
pub struct Comparison<'c, F: Real> {
    process: &'c Process,
    model: &'c dyn Denoiser<F>,
    distances: Distances<'c>,
    planned: Vec<Planned>,
    dim: Option<usize>,
    chains: usize,
    first_seed: u64,
    seeds: u64,
    threads: Option<usize>,
    progress: Option<Report<'c>>,
    record: Option<Record>,
}

struct Planned {
    label: String,
    budget: usize,
    plan: Plan,
}

impl<'c, F: Real> Comparison<'c, F> {
    /// A comparison of no methods yet, with 1000 chains and seed 0.
    pub fn new(process: &'c Process, model: &'c dyn Denoiser<F>, distances: Distances<'c>) -> Self {
        Self {
            process,
            model,
            distances,
            planned: Vec::new(),
            dim: None,
            chains: 1000,
            first_seed: 0,
            seeds: 1,
            threads: None,
            progress: None,
            record: None,
        }
    }

    /// With a method at its own budgets, or at these if it has none. It is planned at once, so a
    /// bad entry costs no time.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no budget, [`Error::Twice`] if an entry is given twice, and
    /// those of [`Method::plan`](crate::diffusion::Method::plan).
    pub fn with(mut self, entry: Entry, budgets: &[usize]) -> Result<Self> {
        let own = if entry.budgets.is_empty() { budgets } else { &entry.budgets };
        if own.is_empty() {
            return Err(Error::Missing { option: "evaluations", by: entry.method.name().into() });
        }
        for &budget in own {
            if self.planned.iter().any(|p| p.label == entry.label && p.budget == budget) {
                let what = format!("`{}` with {budget} evaluations", entry.label);
                return Err(Error::Twice { what });
            }
            let plan = entry.method.plan(self.process, budget)?;
            self.planned.push(Planned { label: entry.label.clone(), budget, plan });
        }
        Ok(self)
    }

    /// With this number of chains in each run.
    pub fn chains(mut self, chains: usize) -> Self {
        self.chains = chains;
        self
    }

    /// With this many seeds, counted up from the first. With two or more, errors are those of the
    /// mean over them.
    pub fn seeds(mut self, first: u64, count: u64) -> Self {
        self.first_seed = first;
        self.seeds = count;
        self
    }

    /// With this dimension of the data, for models that do not know theirs.
    pub fn dimension(mut self, dim: usize) -> Self {
        self.dim = Some(dim);
        self
    }

    /// With this number of threads. Default: all cores.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Calls `report` about fifty times a run.
    pub fn progress(mut self, report: impl FnMut(Progress<'_>) + Send + 'c) -> Self {
        self.progress = Some(Box::new(report));
        self
    }

    /// Shows a progress bar on stderr while it runs. It is hidden if stderr is no terminal.
    #[cfg(feature = "progress")]
    pub fn progress_bar(self) -> Self {
        let bar = crate::run::bar(0, "{bar:30} {percent}%  {elapsed} gone, {eta} left  {msg}");
        if bar.is_hidden() {
            return self;
        }
        self.progress(move |now| {
            let Progress { label, budget, seed, .. } = now;
            bar.set_message(format!("{label}, {budget} evaluations, seed {seed}"));
            bar.set_length(now.total.ceil() as u64);
            bar.set_position(now.done as u64);
        })
    }

    /// With a record of finished runs: those in it are taken over, and those that finish are added.
    pub fn record(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    /// Expected evaluations per chain of all runs together.
    pub fn evaluations(&self) -> f64 {
        let one: f64 = self.planned.iter().map(|planned| planned.plan.evaluations()).sum();
        one * self.seeds as f64
    }

    /// What makes the samples of planned methods doubtful, before anything is run: the method and
    /// its budget, and the warning.
    ///
    /// # Errors
    /// Those of [`Plan::warnings`].
    pub fn warnings(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for Planned { label, budget, plan } in &self.planned {
            for warning in plan.warnings(self.model)? {
                all.push(format!("{label} with {budget} evaluations: {warning}"));
            }
        }
        Ok(all)
    }

    /// Runs everything. A method that diverges is a finding, not a reason to lose the others.
    ///
    /// # Errors
    /// [`Error::Invalid`] without seeds or with fewer than 20 chains, [`Error::Missing`] for a
    /// metric without what it needs, and whatever runs and metrics fail with.
    pub fn run(mut self) -> Result<Table> {
        count("seeds", self.seeds as usize, 1, usize::MAX, "at least one seed")?;
        count("chains", self.chains, 20, usize::MAX, "at least 20, as distances need samples")?;
        self.distances.check()?;
        let total = self.evaluations();
        let mut done = 0.0;
        let mut report = self.progress.take();
        let mut record = self.record.take();
        let mut rows = Vec::new();
        for planned in &self.planned {
            let mut runs = Vec::new();
            for seed in (0..self.seeds).map(|count| self.first_seed.wrapping_add(count)) {
                let label = planned.label.as_str();
                let budget = planned.budget;
                let now = Progress { label, budget, seed, done, total };
                let known = record.as_ref().and_then(|record| record.find(label, budget, seed));
                known.map_or(Ok(()), |known| self.check_known(known))?;
                let single = match known {
                    Some(known) => known.clone(),
                    None => {
                        let single = self.one(planned, now, &mut report)?;
                        if let Some(record) = &mut record {
                            record.add(label, budget, &single)?;
                        }
                        single
                    }
                };
                runs.push(single);
                done += planned.plan.evaluations();
            }
            let metrics = self.distances.metrics().len();
            rows.push(Row::new(planned.label.clone(), planned.budget, runs, metrics));
        }
        Ok(Table {
            metrics: self.distances.metrics().to_vec(),
            rows,
            halves: self.distances.halves(),
            passes: self.model.passes(),
        })
    }

    /// Refuses a finished run that was measured by other metrics.
    fn check_known(&self, known: &Single) -> Result<()> {
        let given = self.distances.metrics().len();
        if known.values.len() == given {
            return Ok(());
        }
        let given = given.to_string();
        let expected = known.values.len().to_string();
        Err(Error::Mismatch { what: "number of metrics".into(), given, expected })
    }

    /// One run of one method.
    fn one(
        &self,
        planned: &Planned,
        now: Progress<'_>,
        report: &mut Option<Report<'c>>,
    ) -> Result<Single> {
        let steps = planned.plan.grid().steps() as u64;
        let per_step = planned.plan.evaluations() / steps as f64;
        let mut ticks =
            Ticks { now, per_step, interval: (steps / 50).max(1), report: report.as_mut() };
        let clock = Instant::now();
        let mut run = planned.plan.run_in::<F>(self.model)?.chains(self.chains).seed(now.seed);
        // A model that knows its dimension also knows where to start.
        if let (Some(dim), None) = (self.dim, self.model.columns()) {
            run = run.start_normal(dim);
        }
        if let Some(threads) = self.threads {
            run = run.threads(threads);
        }
        let samples = run.observe(&mut ticks).run();
        let seconds = clock.elapsed().as_secs_f64();
        match samples {
            Ok(samples) => Ok(Single {
                seed: now.seed,
                evaluations: samples.evaluations_per_chain(),
                seconds,
                values: self.distances.measure(samples.positions().mapv(F::widen).view())?,
                failure: None,
                out_of_range: self
                    .model
                    .range()
                    .and_then(|range| Warning::of_samples(samples.positions(), range)),
            }),
            Err(error @ Error::Diverged { .. }) => Ok(Single {
                seed: now.seed,
                evaluations: f64::NAN,
                seconds,
                values: vec![
                    Estimate { value: f64::NAN, error: f64::NAN };
                    self.distances.metrics().len()
                ],
                failure: Some(error.to_string()),
                out_of_range: None,
            }),
            Err(error) => Err(error),
        }
    }
}

/// Reports the progress of a run.
struct Ticks<'t, 'c> {
    now: Progress<'t>,
    per_step: f64,
    interval: u64,
    report: Option<&'t mut Report<'c>>,
}

impl<F: Real> Observer<F> for Ticks<'_, '_> {
    fn next(&self, step: u64) -> Option<u64> {
        self.report.as_ref().map(|_| (step / self.interval + 1) * self.interval)
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        if let Some(report) = &mut self.report {
            let done = self.now.done + snapshot.step as f64 * self.per_step;
            report(Progress { done, ..self.now });
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl<F: Real> fmt::Debug for Comparison<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self.planned.iter().map(|p| (&p.label, p.budget)).collect();
        f.debug_struct("Comparison")
            .field("process", &self.process)
            .field("planned", &labels)
            .field("distances", &self.distances)
            .field("chains", &self.chains)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "progress"))]
mod tests {
    use super::*;
    use crate::compare::Metric;
    use crate::prelude::*;

    #[test]
    fn a_progress_bar_changes_nothing() {
        let means = ndarray::array![[-1.0], [1.0]];
        let target = GaussianMixture::isotropic(means.view(), 0.1).unwrap();
        let model = DiffusedMixture::new(target.clone());
        let process = Process::vp(LevelTable::linear(10).unwrap());
        let values = |bar: bool| {
            let distances = Distances::new(vec![Metric::Radial]).unwrap().target(&target).unwrap();
            let comparison = Comparison::<f64>::new(&process, &model, distances).chains(50);
            let comparison = if bar { comparison.progress_bar() } else { comparison };
            let table = comparison.with("ddim".parse().unwrap(), &[5]).unwrap().run().unwrap();
            table.rows[0].values.clone()
        };
        assert_eq!(values(true), values(false));
    }
}
