//! Drifts, models and densities that fail, panic, give NaN, write nothing, or are slow in one
//! chunk: every run ends with that error. Runs inside other pools, beside others, and inside async.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use langevin::compare::{Comparison, Distances, Metric};
use langevin::diffusion::Levels;
use langevin::ndarray::{ArrayView2, ArrayViewMut2};
use langevin::posterior::Sampling;
use langevin::prelude::*;

use crate::support::{MANY, hash, two_modes, vp};

/// What goes wrong in a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Fails,
    Panics,
    Nan,
    /// No number is written.
    Silent,
    /// The last row is not written.
    Short,
}

const ALL: [Fault; 5] = [Fault::Fails, Fault::Panics, Fault::Nan, Fault::Silent, Fault::Short];

/// A standard Gaussian that is bad from some call on, as a drift, as a log density and as a model.
struct Bad {
    fault: Fault,
    calls: AtomicUsize,
    good: usize,
}

impl Bad {
    fn new(fault: Fault, good: usize) -> Self {
        Self { fault, calls: AtomicUsize::new(0), good }
    }

    fn fill(
        &self,
        x: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> std::result::Result<(), BoxError> {
        let is_good = self.calls.fetch_add(1, Ordering::Relaxed) < self.good;
        let rows = x.nrows();
        let written = match self.fault {
            _ if is_good => rows,
            Fault::Fails => return Err("the line is dead".into()),
            Fault::Panics => panic!("the line is dead"),
            Fault::Nan => rows,
            Fault::Silent => 0,
            Fault::Short => rows - 1,
        };
        let sign = if self.fault == Fault::Nan && !is_good { f64::NAN } else { -1.0 };
        for row in 0..written {
            out.row_mut(row).zip_mut_with(&x.row(row), |out, x| *out = sign * x);
        }
        Ok(())
    }
}

impl Drift<f64> for Bad {
    fn eval(
        &self,
        _: Times<'_>,
        x: ArrayView2<'_, f64>,
        out: ArrayViewMut2<'_, f64>,
    ) -> std::result::Result<(), BoxError> {
        self.fill(x, out)
    }

    fn density(&self) -> Option<&dyn LogDensity<f64>> {
        Some(&Steady)
    }
}

impl Denoiser<f64> for Bad {
    fn prediction(&self) -> Prediction {
        Prediction::Epsilon
    }

    fn predict(
        &self,
        _: Levels<'_>,
        x: ArrayView2<'_, f64>,
        out: ArrayViewMut2<'_, f64>,
    ) -> std::result::Result<(), BoxError> {
        self.fill(x, out)
    }
}

/// The log density of the good calls.
struct Steady;

impl LogDensity<f64> for Steady {
    fn log_density(
        &self,
        x: ArrayView2<'_, f64>,
        out: &mut [f64],
    ) -> std::result::Result<(), BoxError> {
        out.iter_mut().zip(x.rows()).for_each(|(log, x)| *log = -0.5 * x.dot(&x));
        Ok(())
    }
}

/// Runs something that must end within two minutes, and gives its result or its panic in words.
fn ended<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, String> {
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        let _ = to.send(match result {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(panic) => Err(format!("panic: {}", panic.downcast_ref::<&str>().unwrap_or(&"?"))),
        });
    });
    let ended = from.recv_timeout(Duration::from_secs(120));
    ended.unwrap_or_else(|_| panic!("{name} does not end"))
}

/// Checks how a run with this fault has ended.
fn check(name: &str, fault: Fault, found: std::result::Result<(), String>) {
    let Err(message) = found else { panic!("{name}: {fault:?} went unseen") };
    let parts: &[&str] = match fault {
        Fault::Fails => &["the line is dead"],
        Fault::Panics => &["panic: the line is dead"],
        Fault::Nan | Fault::Silent | Fault::Short => &["finite", "NaN"],
    };
    assert!(parts.iter().any(|part| message.contains(part)), "{name}: {fault:?}: {message}");
}

fn samplers() -> Vec<(&'static str, Box<dyn Sampler<f64>>)> {
    let underdamped = || Underdamped::new(2.0, 1.0).unwrap();
    vec![
        ("em", Box::new(EulerMaruyama::new(Overdamped))),
        ("pmm", Box::new(PoissonMidpoint::new(underdamped(), 4).unwrap())),
        ("rm", Box::new(RandomizedMidpoint::new(Overdamped).with_windows(3).unwrap())),
        ("baoab", Box::new(Splitting::new(underdamped(), "BAOAB".parse().unwrap()))),
        ("mala", Box::new(Mala::new())),
        ("malt", Box::new(Malt::new(underdamped()).with_leapfrogs(3).unwrap())),
    ]
}

#[test]
fn runs_end_with_the_error_of_their_drift() {
    for fault in ALL {
        for good in [0, 1, 17] {
            for (name, sampler) in samplers() {
                let called = format!("{name} after {good}");
                let found = ended(called.clone(), move || {
                    let drift = Bad::new(fault, good);
                    let run = Run::new(&*sampler, &drift, TimeGrid::uniform(0.1, 40)?);
                    run.start_normal(3).chains(21).chunk(4).threads(MANY).run().map(drop)
                });
                check(&called, fault, found);
            }
        }
    }
}

#[test]
fn generation_and_comparison_end_with_the_error_of_their_model() {
    for fault in ALL {
        for method in ["ddim", "ddpm", "pmm2", "dpmpp2m", "heun", "rm", "pc"] {
            let found = ended(method.into(), move || {
                let model = Bad::new(fault, 3);
                let plan = method.parse::<Method>()?.plan(&vp(), 50)?;
                let run = plan.run(&model)?.start_normal(2).chains(9).chunk(2).threads(MANY);
                run.run().map(drop)
            });
            check(method, fault, found);
        }
        let found = ended("compare".into(), move || {
            let model = Bad::new(fault, 30);
            let target = two_modes();
            let process = vp();
            let distances = Distances::new(vec![Metric::Radial])?.target(&target)?;
            let table = Comparison::<f64>::new(&process, &model, distances);
            let table = table.with("ddim".parse()?, &[10])?.with("ddpm".parse()?, &[10])?;
            let table = table.dimension(2).chains(50).seeds(0, 3).threads(MANY).run()?;
            // A method that diverges is a finding, and is in the table.
            let mut runs = table.rows.iter().flat_map(|row| &row.runs);
            match runs.find_map(|run| run.failure.clone()) {
                Some(failure) => Err(Error::Draws { reason: failure }),
                None => Ok(()),
            }
        });
        check("compare", fault, found);
    }
}

#[test]
fn posteriors_end_with_the_error_of_their_drift() {
    for fault in ALL {
        for good in [0, 1, 400] {
            let called = format!("posterior after {good}");
            let found = ended(called.clone(), move || {
                let drift = Bad::new(fault, good);
                Sampling::new(&drift, 3).chains(16).steps(64).threads(MANY).run().map(drop)
            });
            check(&called, fault, found);
        }
    }
}

/// What a density does not write is not what it wrote before.
#[test]
fn densities_that_write_nothing_are_noticed() {
    let calls = AtomicUsize::new(0);
    let density =
        |x: ArrayView2<'_, f64>, out: &mut [f64]| match calls.fetch_add(1, Ordering::Relaxed) {
            0..6 => Steady.log_density(x, out),
            _ => Ok(()),
        };
    let drift = PerRow::new(2, |_, x: &[f64], out: &mut [f64]| {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = -x);
    });
    let target = WithDensity::new(drift, &density);
    let malt = Malt::new(Underdamped::new(2.0, 1.0).unwrap()).with_leapfrogs(2).unwrap();
    let samplers: [(&str, &dyn Sampler<f64>); 2] = [("mala", &Mala::new()), ("malt", &malt)];
    for (name, sampler) in samplers {
        calls.store(0, Ordering::Relaxed);
        let run = Run::new(sampler, &target, TimeGrid::uniform(0.1, 40).unwrap());
        let error = run.start_normal(2).chains(5).threads(1).run().unwrap_err();
        assert!(matches!(error, Error::Diverged { .. }), "{name}: {error}");
    }
}

/// A model of guidance that writes nothing does not guide by an earlier call.
#[test]
fn guidance_that_writes_nothing_is_noticed() {
    let good = Bad::new(Fault::Silent, usize::MAX);
    let bad = Bad::new(Fault::Silent, 4);
    let plan = "ddim".parse::<Method>().unwrap().plan(&vp(), 10).unwrap();
    let model = Guided::models(&good, &bad, 2.0).unwrap();
    let run = plan.run(&model).unwrap().start_normal(2).chains(5).threads(1);
    let error = run.run().unwrap_err();
    assert!(matches!(error, Error::Diverged { step: 5, .. }), "{error}");
}

/// The chunks beyond the failure stop, however slow the one before it is.
#[test]
fn a_slow_chunk_is_waited_for_and_a_failure_is_the_earliest() {
    let target = two_modes();
    let drift =
        PerChain::new(2, |chains: &[u32], times: Times<'_>, x, mut out: ArrayViewMut2<'_, f64>| {
            if chains.contains(&0) {
                std::thread::sleep(Duration::from_millis(3));
            }
            let Times::Shared(time) = times else { return Err("one time".into()) };
            if chains.contains(&9) && time > 1.0 {
                return Err("the ninth fails".into());
            }
            target.eval(times, x, out.view_mut())
        });
    let grid = || TimeGrid::uniform(0.1, 40).unwrap();
    let sampler = EulerMaruyama::new(Overdamped);
    for threads in [1, MANY] {
        let run = Run::new(sampler, &drift, grid()).chains(12).chunk(3).threads(threads);
        let error = run.start_normal(2).run().unwrap_err();
        let Error::Drift { chain: 9, step: 12, .. } = error else { panic!("{error}") };
        let run = Run::new(sampler, &drift, grid()).chains(9).chunk(3).threads(threads);
        let slow = run.start_normal(2).run().unwrap();
        let usual = Run::new(sampler, &target, grid()).chains(9).start_normal(2).run().unwrap();
        assert_eq!(hash(&slow.state), hash(&usual.state));
    }
}

fn small(seed: u64) -> u64 {
    let grid = TimeGrid::uniform(0.1, 30).unwrap();
    let run = Run::new(EulerMaruyama::new(Overdamped), two_modes(), grid);
    hash(&run.chains(40).chunk(4).seed(seed).run().unwrap().state)
}

/// Two runs at once are those that run one after the other, also after one has panicked.
#[test]
fn runs_at_once_do_not_disturb_each_other() {
    let alone = [1, 2, 3, 4].map(small);
    let together: Vec<u64> = std::thread::scope(|scope| {
        let panics = scope.spawn(|| {
            catch_unwind(|| {
                let drift = Bad::new(Fault::Panics, 5);
                let grid = TimeGrid::uniform(0.1, 30).unwrap();
                let run = Run::new(EulerMaruyama::new(Overdamped), &drift, grid);
                let _ = run.start_normal(2).chains(40).chunk(4).run();
            })
        });
        let runs: Vec<_> = [1, 2, 3, 4].map(|seed| scope.spawn(move || small(seed))).into();
        let found = runs.into_iter().map(|run| run.join().unwrap()).collect();
        assert!(panics.join().unwrap().is_err());
        found
    });
    assert_eq!(together, alone);
    assert_eq!(small(1), alone[0]);
}

/// A drift that runs chains of its own, in the pool of the run around it.
#[test]
fn runs_inside_runs_and_pools_end() {
    let found = ended("nested".into(), || {
        let want = small(7);
        let inner = || -> std::result::Result<(), BoxError> {
            if small(7) == want { Ok(()) } else { Err("another result inside".into()) }
        };
        let drift =
            Batched::new(2, |_, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>| {
                inner()?;
                out.assign(&x.mapv(|x| -x));
                Ok(())
            });
        let grid = TimeGrid::uniform(0.1, 5)?;
        for threads in [None, Some(1), Some(MANY)] {
            let run = Run::new(EulerMaruyama::new(Overdamped), &drift, grid.clone());
            let run = run.start_normal(2).chains(12).chunk(2);
            match threads {
                Some(threads) => run.threads(threads).run()?,
                None => run.run()?,
            };
        }
        Ok(want)
    });
    let want = found.unwrap();
    #[cfg(feature = "rayon")]
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| small(7)), want);
        let (one, two) = pool.install(|| rayon::join(|| small(7), || small(7)));
        assert_eq!([one, two], [want; 2]);
        assert_eq!(pool.scope(|_| pool.install(|| small(7))), want);
    }
    assert_eq!(small(7), want);
}

/// A run is a plain call: it may stand in a task of any executor.
#[test]
fn runs_inside_async_end() {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let alone = small(3);
    let mut both = pin!(async {
        let first = async { small(3) }.await;
        let second = std::future::ready(small(3)).await;
        [first, second]
    });
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(found) = both.as_mut().poll(&mut context) else {
        panic!("nothing to wait for")
    };
    assert_eq!(found, [alone; 2]);
}
