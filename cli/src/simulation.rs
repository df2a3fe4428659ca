//! The run itself, which all commands that move chains share: start, observers, samples written as
//! they come.

use std::path::Path;
use std::time::Instant;

use langevin::ndarray::Array2;
use langevin::prelude::{Drift, Every, MomentsObserver, Real, Run, Sampler, Samples, TimeGrid};
use langevin::run::ProgressBar;

use crate::arguments::RunOptions;
use crate::failure::{Failure, refuse};
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
    /// Start states; a standard normal without.
    pub start: Option<Array2<F>>,
    /// Steps over which mean and variances are taken; the final positions alone without.
    pub moments: Option<Every>,
    /// Steps whose positions are saved; the final ones alone without.
    pub frames: Option<Every>,
}

/// What came of it.
pub struct Outcome<F> {
    pub samples: Samples<F>,
    pub seconds: f64,
    pub planned_steps: usize,
    /// Mean and variances over the steps that were asked for; none for the final positions alone.
    pub moments: Option<MomentsObserver>,
    /// The number of frames that were saved.
    pub saved: Option<usize>,
    /// Why the run ended before its last step.
    pub stopped: Option<Failure>,
}

/// Runs a job and writes its samples to `out`. A signal ends the run early; what it has by then is
/// written as if it were the end.
pub fn simulate<F: Real>(
    options: &RunOptions,
    job: Job<'_, F>,
    out: Option<OutputFile>,
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
    let run = run(options, job).observe(&mut moments).observe(&mut file).observe(&mut progress);
    let mut signals = EndsRun::new();
    let run = run.observe(&mut signals);
    let clock = Instant::now();
    let samples = run.run()?;
    let seconds = clock.elapsed().as_secs_f64();
    drop(progress);

    let saved = match file {
        Some(file) => Some(file.finish(samples.steps, &samples)?),
        None => frames.map(|every| every.count(samples.steps as usize)),
    };
    let stopped = received().map(|signal| Failure::Stopped {
        step: samples.steps,
        steps: steps as u64,
        signal,
    });
    Ok(Outcome {
        samples,
        seconds,
        planned_steps: steps,
        moments,
        saved: saved.filter(|_| frames.is_some()),
        stopped,
    })
}

/// The run with the options that were given.
fn run<'j, F: Real>(options: &RunOptions, job: Job<'j, F>) -> Run<'j, F> {
    let mut run = Run::<F>::with_precision(job.sampler, job.drift, job.grid)
        .chains(options.chains)
        .seed(options.seed)
        .first_chain(options.first_chain)
        .start_normal(job.dim)
        .non_finite(options.non_finite);
    if let Some(start) = job.start {
        run = run.start(start);
    }
    if let Some(threads) = options.common.threads {
        run = run.threads(threads);
    }
    if let Some(chunk) = options.chunk {
        run = run.chunk(chunk);
    }
    run
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
