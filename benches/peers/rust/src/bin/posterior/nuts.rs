//! NUTS of nuts-rs, some chains at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use langevin::BoxError;
use langevin::ndarray::Array3;
use nuts_rs::rand::{Rng, SeedableRng, rngs::StdRng};
use nuts_rs::{Chain, CpuLogpFunc, CpuMath, CpuMathError, HasDims, LogpError, Settings};

use crate::targets::Target;

/// How much to draw.
#[derive(Clone, Copy)]
pub struct Plan {
    pub chains: usize,
    pub threads: usize,
    pub seed: u64,
}

/// What came of it.
pub struct Drawn {
    /// (frames, chains, dim).
    pub draws: Array3<f64>,
    pub gradients: u64,
    pub divergences: u64,
    pub seconds: f64,
    /// Without the warm-up, the mean over the threads.
    pub sampling: f64,
}

/// A target as nuts-rs takes it.
struct Point<T> {
    target: T,
    /// Written by one thread only, so no locked addition is needed.
    count: Arc<AtomicU64>,
}

#[derive(Debug)]
struct NotFinite;

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the log density is not finite")
    }
}

impl std::error::Error for NotFinite {}

impl LogpError for NotFinite {
    fn is_recoverable(&self) -> bool {
        true
    }
}

impl<T: Target> HasDims for Point<T> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        [("unconstrained_parameter".to_string(), self.target.dim() as u64)].into()
    }
}

impl<T: Target> CpuLogpFunc for Point<T> {
    type LogpError = NotFinite;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.target.dim()
    }

    fn logp(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, NotFinite> {
        self.count.store(self.count.load(Relaxed) + 1, Relaxed);
        let log = self.target.both(position, gradient);
        if log.is_finite() { Ok(log) } else { Err(NotFinite) }
    }

    fn expand_vector<R: Rng + ?Sized>(
        &mut self,
        _: &mut R,
        position: &[f64],
    ) -> Result<Vec<f64>, CpuMathError> {
        Ok(position.to_vec())
    }
}

/// One chain.
struct Path {
    chain: usize,
    draws: Vec<f64>,
    gradients: u64,
    divergences: u64,
    sampling: Duration,
}

/// Runs all chains from standard normal starts, each with a warm-up of its own.
pub fn run<T: Target, S: Settings>(
    target: &T,
    settings: &S,
    plan: Plan,
) -> Result<Drawn, BoxError> {
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    let work = || {
        let mut paths = Vec::new();
        loop {
            let chain = next.fetch_add(1, Relaxed);
            if chain >= plan.chains {
                return Ok::<_, BoxError>(paths);
            }
            paths.push(path(target, settings, plan.seed, chain)?);
        }
    };
    let paths: Vec<Path> = thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.threads).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(paths) => paths,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let parts = joined.collect::<Result<Vec<_>, BoxError>>()?;
        Ok::<_, BoxError>(parts.into_iter().flatten().collect())
    })?;
    let seconds = begin.elapsed().as_secs_f64();

    let dim = target.dim();
    let frames = settings.hint_num_draws();
    let mut draws = Array3::zeros((frames, plan.chains, dim));
    let mut drawn = Drawn {
        draws: Array3::zeros((0, 0, 0)),
        gradients: 0,
        divergences: 0,
        seconds,
        sampling: 0.0,
    };
    for path in &paths {
        for (i, x) in path.draws.chunks_exact(dim).enumerate() {
            for (j, x) in x.iter().enumerate() {
                draws[[i, path.chain, j]] = *x;
            }
        }
        drawn.gradients += path.gradients;
        drawn.divergences += path.divergences;
        drawn.sampling += path.sampling.as_secs_f64() / plan.threads as f64;
    }
    drawn.draws = draws;
    Ok(drawn)
}

fn path<T: Target, S: Settings>(
    target: &T,
    settings: &S,
    seed: u64,
    chain: usize,
) -> Result<Path, BoxError> {
    let mut rng = StdRng::seed_from_u64(seed << 32 | chain as u64);
    let count = Arc::new(AtomicU64::new(0));
    let point = Point { target: target.clone(), count: Arc::clone(&count) };
    let start: Vec<f64> = (0..target.dim()).map(|_| normal(&mut rng)).collect();
    let mut sampler = settings.new_chain(chain as u64, CpuMath::new(point), &mut rng)?;
    sampler.set_position(&start)?;
    for _ in 0..settings.hint_num_tune() {
        sampler.draw()?;
    }
    let begin = Instant::now();
    let mut draws = Vec::with_capacity(settings.hint_num_draws() * target.dim());
    let mut divergences = 0;
    for _ in 0..settings.hint_num_draws() {
        let (draw, progress) = sampler.draw()?;
        draws.extend_from_slice(&draw);
        divergences += u64::from(progress.diverging);
    }
    let sampling = begin.elapsed();
    Ok(Path { chain, draws, gradients: count.load(Relaxed), divergences, sampling })
}

/// By the method of Box and Muller.
fn normal(rng: &mut impl Rng) -> f64 {
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let radius = (-2.0 * (1.0 - uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform()).cos()
}
