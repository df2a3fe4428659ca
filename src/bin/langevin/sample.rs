//! `langevin sample`: the run, its files and its report.

use std::path::Path;
use std::time::Instant;

use langevin::ndarray::{Array1, Array2, ArrayView2, Axis};
use langevin::{
    BoxError, Divergence, Every, Flow, GaussianMixture, Moment, MomentsObserver, NonFinite, Observer, ProgressBar,
    Real, Run, Samples, TimeGrid, catalog, metrics, plot,
};
use serde_json::json;

use crate::arguments::{NonFinite as Policy, Precision, Sample};
use crate::failure::Failure;
use crate::npy::{Accept, read_rows, write_header, write_rows};
use crate::output::{OutputFile, print_line};
use crate::target;

pub fn run(arguments: &Sample) -> Result<(), Failure> {
    match arguments.precision {
        Precision::F32 => run_in::<f32>(arguments),
        Precision::F64 => run_in::<f64>(arguments),
    }
}

/// Writes every saved frame to the output file as it comes.
struct Frames<'f> {
    every: Every,
    file: Option<&'f mut OutputFile>,
}

impl<F: Real> Observer<F> for Frames<'_> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn observe(&mut self, moment: &Moment<'_, F>) -> Result<Flow, BoxError> {
        if let Some(file) = &mut self.file {
            write_rows(file, moment.positions()).map_err(|error| format!("--out: {error}"))?;
        }
        Ok(Flow::Continue)
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

    fn observe(&mut self, moment: &Moment<'_, F>) -> Result<Flow, BoxError> {
        self.spoiled = self.spoiled || self.seen.observe(moment).is_err();
        Ok(Flow::Continue)
    }
}

fn run_in<F: Real>(arguments: &Sample) -> Result<(), Failure> {
    let method = &arguments.method;
    let sampler = catalog::sampler::<F>(&method.dynamics, &method.method, &method.options())?;
    let grid = TimeGrid::uniform(method.step, arguments.steps)?;
    let target = target::load(arguments)?;
    let dim = target.dimension();
    let every = schedule(arguments)?;
    check_memory::<F>(arguments.chains, dim)?;
    let start = arguments.start.as_ref().map(|path| read_start::<F>(path)).transpose()?;
    let mut out = arguments.out.as_ref().map(|path| OutputFile::create("--out", path)).transpose()?;
    let picture = arguments.plot.as_ref().map(|path| OutputFile::create("--plot", path)).transpose()?;
    if let (Some(out), Some(picture)) = (&out, &picture)
        && out.same_place(picture)
    {
        return Err(Failure::Input("--out and --plot name the same file; give them two".into()));
    }

    let mut moments = every.map(|every| Moments { seen: MomentsObserver::new(every), spoiled: false });
    let mut frames = None;
    if let (Some(every), Some(file), true) = (every, &mut out, arguments.every.is_some()) {
        let shape = [every.count(arguments.steps), arguments.chains, dim];
        write_header::<F>(file, &shape).map_err(|error| Failure::Run(format!("--out: {error}")))?;
        frames = Some(Frames { every, file: Some(file) });
    }
    let mut progress = (!arguments.quiet).then(|| ProgressBar::new(arguments.steps));
    let mut run = Run::<F>::with_precision(&*sampler, &target, grid)
        .chains(arguments.chains)
        .seed(arguments.seed)
        .first_chain(arguments.first_chain)
        .start_normal(dim)
        .non_finite(match arguments.non_finite {
            Policy::Stop => NonFinite::Stop,
            Policy::Freeze => NonFinite::Freeze,
            Policy::Ignore => NonFinite::Ignore,
        });
    if let Some(start) = start {
        run = run.start(start);
    }
    if let Some(threads) = arguments.threads {
        run = run.threads(threads);
    }
    if let Some(chunk) = arguments.chunk {
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
        None => final_moments(&samples),
    };
    let modes = mode_weights(&target, samples.positions())?;
    if let Some(mut file) = out {
        if arguments.every.is_none() {
            write_header::<F>(&mut file, &[arguments.chains, dim])
                .and_then(|()| write_rows(&mut file, samples.positions()))
                .map_err(|error| Failure::Run(format!("--out: {error}")))?;
        }
        file.finish()?;
    }
    // A picture that cannot be drawn, of nothing but diverged chains, costs neither the samples nor the report.
    let drawn = picture.map_or(Ok(()), |mut file| {
        let fail = |error: &dyn std::fmt::Display| Failure::Run(format!("--plot: {error}"));
        let svg = draw(&target, samples.positions(), method).map_err(|error| fail(&error))?;
        std::io::Write::write_all(&mut file, svg.as_bytes()).map_err(|error| fail(&error))?;
        file.finish()
    });
    let written = [arguments.out.as_deref(), arguments.plot.as_deref().filter(|_| drawn.is_ok())];
    let written = written.into_iter().flatten().collect();
    let report = Report { arguments, target: &target, samples: &samples, seconds, mean, covariance, modes, written };
    print_line(&if arguments.json { report.json() } else { report.text()? })?;
    drawn
}

/// More chains than memory can hold are refused before anything is allocated or written.
fn check_memory<F: Real>(chains: usize, dim: usize) -> Result<(), Failure> {
    let fits = Vec::<F>::new().try_reserve_exact(chains.saturating_mul(dim).saturating_mul(2)).is_ok();
    let message = || format!("--chains: given {chains}, expected no more than memory holds in {dim} dimensions");
    if fits { Ok(()) } else { Err(Failure::Input(message())) }
}

fn read_start<F: Real>(path: &Path) -> Result<Array2<F>, Failure> {
    let rows = read_rows("--start", path, Accept::Floats)?;
    if let Some(((row, column), x)) = rows.indexed_iter().find(|(_, x)| !F::from_f64(**x).is_finite()) {
        let place = format!("the number at [{row}, {column}] is {x:e}");
        return Err(Failure::Input(format!("--start {}: {place}, too large for {}", path.display(), F::NAME)));
    }
    Ok(rows.mapv(F::from_f64))
}

/// Which steps count: those saved, or all after a burn-in; none for the final positions alone.
fn schedule(arguments: &Sample) -> Result<Option<Every>, Failure> {
    let burn_in = arguments.burn_in.unwrap_or(0);
    let every = match (arguments.every, arguments.burn_in) {
        (None, None) => return Ok(None),
        (interval, _) => Every::new(interval.unwrap_or(1))?.after(burn_in),
    };
    if every.count(arguments.steps) == 0 {
        let given = arguments.every.map_or_else(|| "--burn-in".into(), |interval| format!("--every {interval}"));
        let steps = format!("of {} steps after {burn_in} of burn-in", arguments.steps);
        return Err(Failure::Input(format!("{given}: nothing is left {steps}; expected fewer, or more --steps")));
    }
    Ok(Some(every))
}

/// Mean and covariance of the final positions; none where a position is not finite or there are too few.
fn final_moments<F: Real>(samples: &Samples<F>) -> (Option<Array1<f64>>, Option<Array2<f64>>) {
    let Ok(mut moments) = metrics::RunningMoments::new(samples.dim) else { return (None, None) };
    for block in samples.positions().axis_chunks_iter(Axis(0), 1024) {
        if moments.push_rows(block.mapv(F::widen).view()).is_err() {
            return (None, None);
        }
    }
    (moments.mean().ok(), moments.covariance().ok())
}

/// The mean responsibility of every component over the finite final positions: its expectation under the target is the
/// component's weight. None for a data set of many components.
fn mode_weights<F: Real>(target: &GaussianMixture, positions: ArrayView2<'_, F>) -> Result<Option<Vec<f64>>, Failure> {
    const MOST: usize = 256;
    if target.components() > MOST {
        return Ok(None);
    }
    let (mut sums, mut count) = (Array1::<f64>::zeros(target.components()), 0.0);
    for block in positions.axis_chunks_iter(Axis(0), 1024) {
        let responsibilities = target.responsibilities(block.mapv(F::widen).view())?;
        for row in responsibilities.rows() {
            if row.iter().all(|r| r.is_finite()) {
                sums += &row;
                count += 1.0;
            }
        }
    }
    Ok((count > 0.0).then(|| (sums / count).to_vec()))
}

fn draw<F: Real>(
    target: &GaussianMixture,
    positions: ArrayView2<'_, F>,
    method: &crate::arguments::Method,
) -> Result<String, Failure> {
    let title = format!("{} on {} dynamics, step {}", method.method, method.dynamics, method.step);
    let coordinates: Vec<usize> = (0..target.dimension().min(2)).collect();
    let marginal = target.marginal(&coordinates)?;
    let log_density = |point: &[f64]| {
        let point = ArrayView2::from_shape((1, point.len()), point).ok();
        point.and_then(|point| marginal.log_density(point).ok()).map_or(f64::NAN, |values| values[0])
    };
    let shown = positions.select(Axis(1), &coordinates).mapv(F::widen);
    if coordinates.len() == 1 {
        let column: Vec<f64> = shown.column(0).to_vec();
        return Ok(plot::histogram_over_density(&column, |x| log_density(&[x]), &title)?);
    }
    Ok(plot::scatter_over_density(shown.view(), log_density, &title)?)
}

struct Report<'r, F> {
    arguments: &'r Sample,
    target: &'r GaussianMixture,
    samples: &'r Samples<F>,
    seconds: f64,
    mean: Option<Array1<f64>>,
    covariance: Option<Array2<f64>>,
    modes: Option<Vec<f64>>,
    written: Vec<&'r Path>,
}

impl<F: Real> Report<'_, F> {
    fn json(&self) -> String {
        let (arguments, samples) = (self.arguments, self.samples);
        let diverged = |d: &Divergence| json!({"chain": d.chain, "step": d.step, "time": d.time});
        let mut report = json!({
            "method": arguments.method.method,
            "dynamics": arguments.method.dynamics,
            "step": arguments.method.step,
            "steps": samples.steps,
            "chains": arguments.chains,
            "first_chain": arguments.first_chain,
            "dim": samples.dim,
            "seed": arguments.seed,
            "precision": F::NAME,
            "evaluations_per_chain": samples.evaluations_per_chain(),
            "batched_calls": samples.batched_calls,
            "rounds": samples.rounds,
            "seconds": self.seconds,
            "mean": self.mean.as_ref().map(|mean| mean.to_vec()),
            "covariance": self.covariance.as_ref().map(|c| c.outer_iter().map(|r| r.to_vec()).collect::<Vec<_>>()),
            "diverged": samples.diverged.len(),
            "diverged_chains": samples.diverged.iter().take(100).map(diverged).collect::<Vec<_>>(),
        });
        if let Some(modes) = &self.modes {
            report["mode_weights"] = json!(modes);
        }
        if let (Some(every), Ok(Some(schedule))) = (arguments.every, schedule(arguments)) {
            report["every"] = json!(every);
            report["saved"] = json!(schedule.count(arguments.steps));
        }
        report.to_string()
    }

    fn text(&self) -> Result<String, Failure> {
        let (arguments, samples) = (self.arguments, self.samples);
        let per_step = 1e9 * self.seconds / (arguments.chains as f64 * samples.steps as f64);
        let mut text = format!(
            "{} on {} dynamics: {} chains, {} steps of {}, {} dimensions, {}\n\
             {} drift evaluations per chain in {} batched calls; {:.3} s, {per_step:.1} ns per chain and step\n",
            arguments.method.method,
            arguments.method.dynamics,
            arguments.chains,
            samples.steps,
            arguments.method.step,
            samples.dim,
            F::NAME,
            samples.evaluations_per_chain(),
            samples.batched_calls,
            self.seconds,
        );
        const SHOWN: usize = 8;
        if let (Some(mean), Some(covariance)) = (&self.mean, &self.covariance) {
            // The covariance of a data set in all dimensions would cost more than the run.
            let target = self.target.marginal(&(0..samples.dim.min(SHOWN)).collect::<Vec<_>>())?;
            let (exact_mean, exact) = (target.mean(), target.covariance());
            text += "\ncoordinate         mean        target           sd        target\n";
            for j in 0..samples.dim.min(SHOWN) {
                text += &format!(
                    "  {j:<10} {:>12.5}  {:>12.5} {:>12.5}  {:>12.5}\n",
                    mean[j],
                    exact_mean[j],
                    covariance[[j, j]].sqrt(),
                    exact[[j, j]].sqrt()
                );
            }
            if samples.dim > SHOWN {
                text += &format!("  ... and {} more\n", samples.dim - SHOWN);
            }
        }
        if let Some(modes) = self.modes.as_ref().filter(|modes| modes.len() > 1) {
            text += "\nmode          weight        target\n";
            for (k, weight) in modes.iter().enumerate().take(2 * SHOWN) {
                text += &format!("  {k:<8} {weight:>9.5}     {:>9.5}\n", self.target.weights()[k]);
            }
            if modes.len() > 2 * SHOWN {
                text += &format!("  ... and {} more\n", modes.len() - 2 * SHOWN);
            }
        }
        if let Some(first) = samples.diverged.first() {
            let (count, step) = (samples.diverged.len(), first.step);
            text += &format!("\n{count} chains diverged, chain {} at step {step} the first listed\n", first.chain);
        }
        for path in &self.written {
            text += &format!("\nwritten: {}", path.display());
        }
        Ok(text.trim_end().to_owned())
    }
}
