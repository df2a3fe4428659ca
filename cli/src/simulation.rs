//! The run itself, which all commands that move chains share: start, observers, samples written as
//! they come.

use std::path::Path;
use std::time::Instant;

use langevin::drift::Distributed;
use langevin::ndarray::Array2;
use langevin::prelude::{
    BoxError, Drift, Every, MomentsObserver, Observer, Real, Run, Sampler, Samples, TimeGrid,
};
use langevin::run::{ProgressBar, Settings, Spread, StateFile, Whole};

use crate::arguments::RunOptions;
use crate::beginning::Beginning;
use crate::checkpoint::base_settings;
use crate::failure::{Failure, print_warning, refuse};
use crate::interrupt::{EndsRun, received};
use crate::merge;
use crate::npy::{Accept, read_rows};
use crate::output::OutputFile;
use crate::pieces::of_shard;
use crate::samples_file::SamplesFile;
use crate::shard::Part;
use crate::trace_file::Kept;

/// What is to be run.
pub struct Job<'j, F: Real> {
    pub sampler: &'j dyn Sampler<F>,
    pub drift: &'j dyn Drift<F>,
    pub grid: TimeGrid,
    pub dim: usize,
    pub beginning: Beginning<F>,
    /// What must be the same in a run that continues this one, and in other shards.
    pub settings: Settings,
    /// Steps over which mean and variances are taken; the final positions alone without.
    pub moments: Option<Every>,
    /// Steps whose positions are saved; the final ones alone without.
    pub frames: Option<Every>,
}

/// What came of it.
pub struct Outcome<F> {
    pub samples: Samples<F>,
    pub seconds: f64,
    /// Steps of the run that this one continues.
    pub before: u64,
    /// Whether they are its own, before a crash.
    pub is_recovered: bool,
    pub planned_steps: usize,
    /// Mean and variances over the steps that were asked for; none for the final positions alone.
    pub moments: Option<MomentsObserver>,
    /// The number of frames that were saved.
    pub saved: Option<usize>,
    /// Why the run ended before its last step.
    pub stopped: Option<Failure>,
}

impl<F> Outcome<F> {
    /// The number of steps of the whole run, in words.
    pub fn steps(&self) -> String {
        let steps = self.samples.steps;
        match self.before {
            0 => steps.to_string(),
            _ if self.is_recovered => steps.to_string(),
            before => format!("{steps} ({} of them after the {before} resumed)", steps - before),
        }
    }
}

/// Runs a job and writes its samples to `out`. A signal ends the run early; what it has by then is
/// written as if it were the end. Of several ranks, the first one has the outcome of all.
pub fn simulate<F: Real>(
    options: &RunOptions,
    mut job: Job<'_, F>,
    kept: &mut Kept<'_, F>,
    out: Option<OutputFile>,
    state: Option<OutputFile>,
) -> Result<Option<Outcome<F>>, Failure> {
    if !options.merge.is_empty() {
        return merge::joined(options, job, kept, out.zip(options.out.as_deref()), state).map(Some);
    }
    let steps = job.grid.steps();
    let frames = job.frames;
    let mut watched = Watched::new(options, &job, out)?;
    let settings = std::mem::take(&mut job.settings);
    options.begin_together(&settings)?;
    let before = job.beginning.steps();
    let is_recovered = job.beginning.is_checkpoint();
    let distributed = Distributed::new(job.drift, options.team.ranks());
    let drift = if options.shares_rows() { &distributed } else { job.drift };
    let job = Job { drift, ..job };
    let mut signals = if options.team.size() == 1 { EndsRun::new() } else { EndsRun::never() };
    let Watched { moments, file, shown, progress } = &mut watched;
    let written: &mut dyn Observer<F> = if frames.is_some() { shown } else { file };
    let mut run = run(options, job)?.observe(moments).observe(written);
    if let Some(checkpoint) = options.checkpoint(&settings)? {
        run = run.checkpoint(checkpoint);
    }
    let every = frames.filter(|_| kept.is_asked);
    let mut traced = every.map(|every| Whole::new(Some(&mut *kept), every, options.ranks()));
    let run = run.observe(progress).observe(&mut traced).observe(&mut signals);
    let clock = Instant::now();
    let samples = run.run()?;
    let seconds = clock.elapsed().as_secs_f64();
    let Some((samples, moments)) = watched.gathered(options, samples)? else { return Ok(None) };

    let mut saved = frames.map(|every| every.count(samples.steps as usize));
    let mut hash = None;
    if let Some(file) = watched.file() {
        let (mut file, count) = file.finish(samples.steps, &samples)?;
        saved = frames.map(|_| count);
        let hashed = options.shard.map(|_| file.hash()).transpose();
        hash = hashed.map_err(|error| file.failed(error))?;
        file.finish()?;
    }
    warn_of_rounding(&samples);
    let step = samples.steps;
    let stopped = received().map(|signal| Failure::Stopped { step, steps: steps as u64, signal });
    let mut outcome = Outcome {
        samples,
        seconds,
        before,
        is_recovered,
        planned_steps: steps,
        moments,
        saved,
        stopped,
    };
    save(options, (&mut outcome, kept), settings, hash, state)?;
    Ok(Some(outcome))
}

/// What looks at a run: of every rank, or for all of them.
struct Watched {
    moments: Option<Spread>,
    /// The end of the run alone.
    file: Option<SamplesFile>,
    /// The frames, with the end last.
    shown: Option<Whole<SamplesFile>>,
    progress: Option<ProgressBar>,
}

impl Watched {
    fn new<F: Real>(
        options: &RunOptions,
        job: &Job<'_, F>,
        out: Option<OutputFile>,
    ) -> Result<Self, Failure> {
        let steps = job.grid.steps();
        let frames = job.frames;
        let ranks = options.ranks();
        let Part { skipped, chains, .. } = options.part();
        let rows = skipped..skipped + chains;
        let moments = moments_of(options, job.moments);
        let moments = moments.map(|own| Spread::new(own, rows, ranks.clone()));
        let mut file = None;
        if let (Some(out), Some(path)) = (out, &options.out) {
            let shape = (options.written(), job.dim);
            let begun = SamplesFile::begin::<F>(out, path, frames, steps, shape)?;
            file = Some(begun.with_checkpoint(options.durable.path())?);
        }
        let shown = frames.filter(|_| options.out.is_some());
        let shown = shown.map(|every| Whole::new(file.take(), every, ranks));
        let is_told = options.team.is_first() && !options.common.quiet;
        let progress = is_told.then(|| ProgressBar::new(steps));
        Ok(Self { moments, file, shown, progress })
    }

    /// Ends the progress bar. Samples and moments of all chains, at the first rank.
    #[allow(clippy::type_complexity)]
    fn gathered<F: Real>(
        &mut self,
        options: &RunOptions,
        samples: Samples<F>,
    ) -> Result<Option<(Samples<F>, Option<MomentsObserver>)>, Failure> {
        drop(self.progress.take());
        let moments = self.moments.as_ref().map(Spread::joined).transpose()?.flatten();
        let samples = match options.shares_chains() {
            true => samples.gathered(&*options.ranks())?,
            false => Some(samples).filter(|_| options.team.is_first()),
        };
        Ok(samples.map(|samples| (samples, moments)))
    }

    /// The file of the samples.
    fn file(&mut self) -> Option<SamplesFile> {
        self.file.take().or_else(|| self.shown.take()?.into_inner())
    }
}

/// The observer of the moments, without any yet.
pub fn moments_of(options: &RunOptions, every: Option<Every>) -> Option<MomentsObserver> {
    let observer = if options.covariance { MomentsObserver::full } else { MomentsObserver::new };
    every.map(observer)
}

/// Writes the state file: of a shard with all that the whole run needs of it.
fn save<F: Real>(
    options: &RunOptions,
    (outcome, kept): (&mut Outcome<F>, &mut Kept<'_, F>),
    settings: Settings,
    hash: Option<String>,
    file: Option<OutputFile>,
) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    if options.shard.is_none() {
        let settings = base_settings(&settings);
        return file.fill(|to| outcome.samples.write_state(&settings, to));
    }
    // It is not done, and its checkpoint goes on.
    if outcome.stopped.is_some() && options.durable.path().is_some() {
        return Ok(());
    }
    let fail = |error: BoxError| Failure::Run(format!("--save-state: {error}"));
    let moments = Observer::<F>::save(&mut outcome.moments).map_err(fail)?;
    let trace = kept.save().map_err(fail)?;
    let mut state = StateFile::new(outcome.samples.clone(), settings);
    state.settings.extend(of_shard(hash, outcome.seconds));
    state.observers = Some(vec![moments, trace]);
    file.fill(|to| state.write(to))
}

/// More than one step in a hundred is as short as rounding only where rounding cuts it off.
pub fn warn_of_rounding<F: Real>(samples: &Samples<F>) {
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
    let together = options.covariance && job.moments.is_some() && job.dim > 8;
    if together && (options.shard.is_some_and(|shard| shard.of > 1) || options.shares_chains()) {
        return refuse(
            "--covariance with --shard or several ranks: above 8 dimensions the sums of many \
             steps are not kept for each chain, so parts cannot be joined; leave out --covariance",
        );
    }
    let run = Run::<F>::with_precision(job.sampler, job.drift, job.grid)
        .chains(options.part().chains)
        .non_finite(options.non_finite);
    let mut run = job.beginning.of(run, options);
    if options.shard.is_some() || options.shares_chains() {
        run = run.as_part();
    }
    // Calls that ranks make together come from one thread.
    if options.shares_rows() {
        return Ok(run);
    }
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
