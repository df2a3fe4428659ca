//! The run itself, which all commands that move chains share: start, observers, samples written as
//! they come.

use std::path::Path;
use std::time::Instant;

use langevin::ndarray::Array2;
use langevin::prelude::{
    Drift, Every, MomentsObserver, Real, Run, Sampler, Samples, TimeGrid, Trace,
};
use langevin::run::{ProgressBar, Settings};

use crate::arguments::RunOptions;
use crate::beginning::Beginning;
use crate::failure::{Failure, print_warning, refuse};
use crate::interrupt::{EndsRun, received};
use crate::npy::{Accept, read_rows};
use crate::output::OutputFile;
use crate::samples_file::SamplesFile;

/// What is to be run.
pub struct Job<'j, F: Real> {
    pub sampler: &'j dyn Sampler<F>,
    pub drift: &'j dyn Drift<F>,
    pub grid: TimeGrid,
    pub dim: usize,
    pub beginning: Beginning<F>,
    /// What must be the same in a run that continues this one.
    pub settings: Settings,
    /// Steps over which mean and variances are taken; the final positions alone without.
    pub moments: Option<Every>,
    /// Steps whose positions are saved; the final ones alone without.
    pub frames: Option<Every>,
    /// What keeps the draws of the run, if they are asked for.
    pub trace: Option<Trace<F>>,
}

/// What came of it.
pub struct Outcome<F> {
    pub samples: Samples<F>,
    pub seconds: f64,
    /// Steps of the run that this one continues.
    pub before: u64,
    pub planned_steps: usize,
    /// Mean and variances over the steps that were asked for; none for the final positions alone.
    pub moments: Option<MomentsObserver>,
    /// The number of frames that were saved.
    pub saved: Option<usize>,
    /// The draws that were kept.
    pub trace: Option<Trace<F>>,
    /// Why the run ended before its last step.
    pub stopped: Option<Failure>,
}

impl<F> Outcome<F> {
    /// The number of steps of the whole run, in words.
    pub fn steps(&self) -> String {
        let steps = self.samples.steps;
        match self.before {
            0 => steps.to_string(),
            before => format!("{steps} ({} of them after the {before} resumed)", steps - before),
        }
    }
}

/// Runs a job and writes its samples to `out`. A signal ends the run early; what it has by then is
/// written as if it were the end.
pub fn simulate<F: Real>(
    options: &RunOptions,
    mut job: Job<'_, F>,
    out: Option<OutputFile>,
    mut state: Option<OutputFile>,
) -> Result<Outcome<F>, Failure> {
    let steps = job.grid.steps();
    let dim = job.dim;
    let observer = if options.covariance { MomentsObserver::full } else { MomentsObserver::new };
    let mut moments = job.moments.map(observer);
    let mut file = None;
    if let (Some(out), Some(path)) = (out, &options.out) {
        let shape = (options.chains, dim);
        file = Some(SamplesFile::begin::<F>(out, path, job.frames, steps, shape)?);
    }
    let mut progress = (!options.common.quiet).then(|| ProgressBar::new(steps));
    let frames = job.frames;
    let settings = std::mem::take(&mut job.settings);
    let mut trace = job.trace.take();
    let before = job.beginning.steps();
    let run = run(options, job)?.observe(&mut moments).observe(&mut file).observe(&mut progress);
    let mut signals = EndsRun::new();
    let run = run.observe(&mut trace).observe(&mut signals);
    let clock = Instant::now();
    let samples = run.run()?;
    let seconds = clock.elapsed().as_secs_f64();
    drop(progress);

    let saved = match file {
        Some(file) => Some(file.finish(samples.steps, &samples)?),
        None => frames.map(|every| every.count(samples.steps as usize)),
    };
    warn_of_rounding(&samples);
    if let Some(mut file) = state.take() {
        samples.write_state(&settings, &mut file.writer)?;
        file.finish()?;
    }
    let stopped = received().map(|signal| Failure::Stopped {
        step: samples.steps,
        steps: steps as u64,
        signal,
    });
    Ok(Outcome {
        samples,
        seconds,
        before,
        planned_steps: steps,
        moments,
        saved: saved.filter(|_| frames.is_some()),
        trace,
        stopped,
    })
}

/// More than one step in a hundred is as short as rounding only where rounding cuts it off.
fn warn_of_rounding<F: Real>(samples: &Samples<F>) {
    let rounded = samples.rounded;
    let numbers = samples.positions().len() as u64;
    if rounded > numbers / 100 {
        print_warning(&format!(
            "the last step moved {rounded} of {numbers} coordinates by no more than rounding in \
             {}: their distribution is wrong; take a longer step, or bring the target nearer to 0",
            F::NAME
        ));
    }
}

/// The run with the options that were given.
fn run<'j, F: Real>(options: &RunOptions, job: Job<'j, F>) -> Result<Run<'j, F>, Failure> {
    let run = Run::<F>::with_precision(job.sampler, job.drift, job.grid)
        .chains(options.chains)
        .non_finite(options.non_finite);
    let mut run = options.beginning.begin(run, job.beginning);
    if let Some(threads) = options.common.threads {
        run = run.threads(threads);
    }
    if let Some(chunk) = options.chunk {
        run = run.chunk(chunk);
    }
    Ok(run)
}

/// Which steps count: those saved and the end, or all after a burn-in; none for the final positions
/// alone.
pub fn schedule(
    interval: Option<usize>,
    burn_in: Option<usize>,
    steps: usize,
) -> Result<Option<Every>, Failure> {
    if interval.is_none() && burn_in.is_none() {
        return Ok(None);
    }
    let skipped = burn_in.unwrap_or(0);
    let every = Every::new(interval.unwrap_or(1))?.after(skipped);
    if every.count(steps) == 0 {
        let given = interval.map_or_else(|| "--burn-in".into(), |n| format!("--every {n}"));
        return refuse(format!(
            "{given}: nothing is left of {steps} steps after {skipped} of burn-in; \
             expected fewer, or more steps"
        ));
    }
    Ok(Some(every.with_end(steps)))
}

/// The start states in a file, if one is named.
pub fn read_start<F: Real>(path: Option<&Path>) -> Result<Option<Array2<F>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let rows = read_rows("--start", path, Accept::Floats)?;
    if let Some(((row, column), x)) =
        rows.indexed_iter().find(|(_, x)| !F::from_f64(**x).is_finite())
    {
        let place = format!("the number at [{row}, {column}] is {x:e}");
        return refuse(format!("--start {}: {place}, too large for {}", path.display(), F::NAME));
    }
    Ok(Some(rows.mapv(F::from_f64)))
}
