//! The run itself, which all commands that move chains share: start, observers, samples written as
//! they come.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use langevin::ndarray::Array2;
use langevin::prelude::{
    BoxError, Drift, Every, MomentsObserver, Observer, Real, Run, Sampler, Samples, Snapshot,
    TimeGrid,
};
use langevin::run::{ProgressBar, Start, Summary};

use crate::arguments::RunOptions;
use crate::failure::{Failure, refuse};
use crate::npy::{Accept, read_rows, write_header, write_rows};
use crate::output::OutputFile;

/// What is to be run.
pub struct Job<'j, F: Real> {
    pub sampler: &'j dyn Sampler<F>,
    pub drift: &'j dyn Drift<F>,
    pub grid: TimeGrid,
    pub dim: usize,
    /// Where the chains start; a standard normal without.
    pub start: Option<Start<F>>,
    /// Steps over which mean and covariance are taken; the final positions alone without.
    pub moments: Option<Every>,
    /// Steps whose positions are saved; the final ones alone without.
    pub frames: Option<Every>,
}

/// What came of it.
pub struct Outcome<F> {
    pub samples: Samples<F>,
    pub seconds: f64,
    /// Mean and covariance over the steps that were asked for; none for the final positions alone.
    pub moments: Option<MomentsObserver>,
    /// The number of frames that were saved on the way.
    pub saved: Option<usize>,
}

/// Writes every saved frame to the output file as it comes.
struct Frames<'f> {
    every: Every,
    file: &'f mut OutputFile,
}

impl<F: Real> Observer<F> for Frames<'_> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        write_rows(&mut self.file.writer, snapshot.positions())
            .map_err(|error| format!("--out: {error}"))?;
        Ok(ControlFlow::Continue(()))
    }
}

/// Runs a job and writes its samples to `out`.
pub fn simulate<F: Real>(
    options: &RunOptions,
    job: Job<'_, F>,
    mut out: Option<OutputFile>,
) -> Result<Outcome<F>, Failure> {
    let steps = job.grid.steps();
    let dim = job.dim;
    let cannot_write = |error| Failure::Run(format!("--out: {error}"));
    let every = job.moments.filter(|_| dim <= Summary::MOST_DIMENSIONS);
    let mut moments = every.map(MomentsObserver::new);
    let saved = job.frames.map(|every| every.count(steps));
    let mut frames = None;
    if let (Some(every), Some(saved), Some(file)) = (job.frames, saved, &mut out) {
        write_header::<F>(&mut file.writer, &[saved, options.chains, dim]).map_err(cannot_write)?;
        frames = Some(Frames { every, file });
    }
    let mut progress = (!options.common.quiet).then(|| ProgressBar::new(steps));
    let mut run = Run::<F>::with_precision(job.sampler, job.drift, job.grid)
        .chains(options.chains)
        .seed(options.seed)
        .first_chain(options.first_chain)
        .start_normal(dim)
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
    let run = run.observe(&mut moments).observe(&mut frames).observe(&mut progress);
    let clock = Instant::now();
    let samples = run.run()?;
    let seconds = clock.elapsed().as_secs_f64();
    drop(progress);

    if let Some(mut file) = out {
        if job.frames.is_none() {
            write_header::<F>(&mut file.writer, &[options.chains, dim])
                .and_then(|()| write_rows(&mut file.writer, samples.positions()))
                .map_err(cannot_write)?;
        }
        file.finish()?;
    }
    Ok(Outcome { samples, seconds, moments, saved })
}

/// Which steps count: those saved, or all after a burn-in; none for the final positions alone.
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
    Ok(Some(every))
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
