//! The run itself, which all commands that move chains share: start, observers, samples written as
//! they come.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use langevin::ndarray::{Array1, Array2};
use langevin::prelude::{
    BoxError, Drift, Every, MomentsObserver, NonFinite, Observer, Real, Run, Sampler, Samples,
    Snapshot, TimeGrid,
};
use langevin::run::ProgressBar;

use crate::arguments::{NonFinite as Policy, RunOptions};
use crate::failure::Failure;
use crate::npy::{Accept, read_rows, write_header, write_rows};
use crate::output::OutputFile;

/// Mean and covariance are taken up to this dimension: a covariance has its square in numbers.
pub const MOST_MOMENTS: usize = 4096;

/// What is to be run.
pub struct Job<'j, F: Real> {
    pub sampler: &'j dyn Sampler<F>,
    pub drift: &'j dyn Drift<F>,
    pub grid: TimeGrid,
    pub dim: usize,
    /// Start states; a standard normal without.
    pub start: Option<Array2<F>>,
    /// Steps over which mean and covariance are taken; the final positions alone without.
    pub moments: Option<Every>,
    /// Steps whose positions are saved; the final ones alone without.
    pub frames: Option<Every>,
}

/// What came of it.
pub struct Outcome<F> {
    pub samples: Samples<F>,
    pub seconds: f64,
    /// None where a position was not finite or there were too few.
    pub mean: Option<Array1<f64>>,
    pub covariance: Option<Array2<f64>>,
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
        write_rows(self.file, snapshot.positions()).map_err(|error| format!("--out: {error}"))?;
        Ok(ControlFlow::Continue(()))
    }
}

/// Mean and covariance over the observed steps; none once a position was not finite.
struct Moments {
    seen: MomentsObserver,
    spoiled: bool,
}

impl<F: Real> Observer<F> for Moments {
    fn next(&self, step: u64) -> Option<u64> {
        Observer::<F>::next(&self.seen, step)
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        self.spoiled = self.spoiled || self.seen.observe(snapshot).is_err();
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
    let mut moments = job
        .moments
        .filter(|_| dim <= MOST_MOMENTS)
        .map(|every| Moments { seen: MomentsObserver::new(every), spoiled: false });
    let mut frames = None;
    if let (Some(every), Some(file)) = (job.frames, &mut out) {
        write_header::<F>(file, &[every.count(steps), options.chains, dim])
            .map_err(cannot_write)?;
        frames = Some(Frames { every, file });
    }
    let mut progress = (!options.quiet).then(|| ProgressBar::new(steps));
    let mut run = Run::<F>::with_precision(job.sampler, job.drift, job.grid)
        .chains(options.chains)
        .seed(options.seed)
        .first_chain(options.first_chain)
        .start_normal(dim)
        .non_finite(match options.non_finite {
            Policy::Stop => NonFinite::Stop,
            Policy::Freeze => NonFinite::Freeze,
            Policy::Ignore => NonFinite::Ignore,
        });
    if let Some(start) = job.start {
        run = run.start(start);
    }
    if let Some(threads) = options.threads {
        run = run.threads(threads);
    }
    if let Some(chunk) = options.chunk {
        run = run.chunk(chunk);
    }
    if let Some(moments) = &mut moments {
        run = run.observe(moments);
    }
    if let Some(frames) = &mut frames {
        run = run.observe(frames);
    }
    if let Some(progress) = &mut progress {
        run = run.observe(progress);
    }
    let clock = Instant::now();
    let samples = run.run()?;
    let seconds = clock.elapsed().as_secs_f64();
    drop(progress);

    let (mean, covariance) = match &moments {
        Some(moments) if moments.spoiled => (None, None),
        Some(moments) => (moments.seen.mean(), moments.seen.covariance()),
        None if dim > MOST_MOMENTS => (None, None),
        None => match samples.moments() {
            Some(moments) => (moments.mean().ok(), moments.covariance().ok()),
            None => (None, None),
        },
    };
    if let Some(mut file) = out {
        if job.frames.is_none() {
            write_header::<F>(&mut file, &[options.chains, dim])
                .and_then(|()| write_rows(&mut file, samples.positions()))
                .map_err(cannot_write)?;
        }
        file.finish()?;
    }
    Ok(Outcome { samples, seconds, mean, covariance })
}

/// More chains than memory can hold are refused before anything is allocated or written.
pub fn check_memory<F: Real>(chains: usize, dim: usize) -> Result<(), Failure> {
    let fits =
        Vec::<F>::new().try_reserve_exact(chains.saturating_mul(dim).saturating_mul(2)).is_ok();
    let message = || {
        format!("--chains: given {chains}, expected no more than memory holds in {dim} dimensions")
    };
    if fits { Ok(()) } else { Err(Failure::Input(message())) }
}

/// The start states in a file, if one is named.
pub fn read_start<F: Real>(path: Option<&Path>) -> Result<Option<Array2<F>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let rows = read_rows("--start", path, Accept::Floats)?;
    if let Some(((row, column), x)) =
        rows.indexed_iter().find(|(_, x)| !F::from_f64(**x).is_finite())
    {
        let place = format!("the number at [{row}, {column}] is {x:e}");
        return Err(Failure::Input(format!(
            "--start {}: {place}, too large for {}",
            path.display(),
            F::NAME
        )));
    }
    Ok(Some(rows.mapv(F::from_f64)))
}
