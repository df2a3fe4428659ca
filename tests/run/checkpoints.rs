//! Checkpoints: a run that goes on from one ends as if it had never been cut.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use langevin::catalog::{self, Options};
use langevin::compare::{Comparison, Distances, Metric, Record};
use langevin::ndarray::{Array2, Array3, array};
use langevin::prelude::*;
use langevin::run::{Checkpoint, Settings, StateFile, StopWhen};

/// A fresh place for a file.
fn place(name: &str) -> PathBuf {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("checkpoint-{name}"));
    let _ = fs::remove_file(&place);
    place
}

fn target(dim: usize) -> GaussianMixture {
    GaussianMixture::isotropic(Array2::from_elem((1, dim), 0.5).view(), 0.8).unwrap()
}

/// The observers of a run, new.
struct Watch<F> {
    moments: MomentsObserver,
    full: MomentsObserver,
    trace: Trace<F>,
}

impl<F: Real> Watch<F> {
    fn new() -> Self {
        let every = Every::new(3).unwrap().after(4).with_end(40);
        Self {
            moments: MomentsObserver::new(every),
            full: MomentsObserver::full(every),
            trace: Trace::new(every).with_momenta().with_start(),
        }
    }

    fn same(&self, other: &Self) {
        assert_eq!(self.moments.mean(), other.moments.mean());
        assert_eq!(self.moments.variance(), other.moments.variance());
        assert_eq!(self.moments.covariance(), other.moments.covariance());
        assert_eq!(self.full.covariance(), other.full.covariance());
        assert_eq!(self.moments.count(), other.moments.count());
        assert_eq!(self.moments.frozen(), other.moments.frozen());
        assert_eq!(self.trace.steps(), other.trace.steps());
        let bits = |of: Array3<F>| of.mapv(|x| x.widen().to_bits());
        assert_eq!(bits(self.trace.positions()), bits(other.trace.positions()));
        assert_eq!(self.trace.momenta().map(bits), other.trace.momenta().map(bits));
        assert_eq!(self.trace.frozen(), other.trace.frozen());
        assert_eq!(self.trace.momentum_variance(), other.trace.momentum_variance());
    }
}

/// A run that is begun several times.
struct Case<F: Real> {
    sampler: Box<dyn Sampler<F>>,
    drift: Box<dyn Drift<F>>,
    start: Array2<F>,
    policy: NonFinite,
}

impl<F: Real> Case<F> {
    fn run(&self) -> Run<'_, F> {
        let grid = TimeGrid::uniform(0.1, 40).unwrap();
        Run::<F>::with_precision(&*self.sampler, &*self.drift, grid)
            .start(self.start.clone())
            .first_chain(3)
            .seed(11)
            .non_finite(self.policy)
    }
}

/// Cuts a run after several steps and goes on from the file, in other chunks.
fn check<F: Real>(name: &str, case: &Case<F>) {
    let place = place(&format!("{name}-{}", F::NAME));
    let mut whole = Watch::new();
    let Watch { moments, full, trace } = &mut whole;
    let samples = case.run().observe(moments).observe(full).observe(trace).run().unwrap();
    for cut in [1, 4, 7, 8, 23, 39] {
        let mut first = Watch::new();
        let mut crash = StopWhen::new::<F>(Every::new(1).unwrap(), move |s| s.step == cut);
        let Watch { moments, full, trace } = &mut first;
        let cut_run = case.run().observe(moments).observe(full).observe(trace).observe(&mut crash);
        cut_run.checkpoint(Checkpoint::new(&place, Duration::from_secs(3600))).run().unwrap();
        let file = StateFile::<F>::read(&mut File::open(&place).unwrap()).unwrap();
        let mut rest = Watch::new();
        let mut nothing = StopWhen::new::<F>(Every::new(1).unwrap(), |_| false);
        let Watch { moments, full, trace } = &mut rest;
        let resumed =
            case.run().observe(moments).observe(full).observe(trace).observe(&mut nothing);
        let resumed = resumed.chunk(2).resume_file(&file).run().unwrap();
        // NaN is unequal to itself, its text is not.
        assert_eq!(format!("{resumed:?}"), format!("{samples:?}"), "{name}, cut after {cut}");
        rest.same(&whole);
    }
    fs::remove_file(place).unwrap();
}

fn in_precision<F: Real>() {
    for (dynamics, method, dim) in [
        ("overdamped", "em", 2),
        ("underdamped", "pmm1", 2),
        ("underdamped", "rm", 9),
        ("overdamped", "mala", 1),
        ("underdamped", "malt", 3),
        ("underdamped", "baoab", 9),
    ] {
        let sampler = catalog::sampler::<F>(dynamics, method, &Options::default()).unwrap();
        let drift = Box::new(target(dim));
        let start = Array2::from_shape_fn((5, dim), |(i, j)| F::from_f64((i + j) as f64 / 4.0));
        check(method, &Case { sampler, drift, start, policy: NonFinite::Freeze });
    }
}

#[test]
fn every_cut_leads_to_the_same_end() {
    in_precision::<f32>();
    in_precision::<f64>();
}

/// Chains that are far out explode and freeze, before the cut and after it.
#[test]
fn frozen_chains_stay_frozen() {
    let drift = || PerRow::new(1, |_, x: &[f64], out: &mut [f64]| out[0] = -x[0].powi(3));
    let case = |policy| Case {
        sampler: Box::new(EulerMaruyama::new(Overdamped)),
        drift: Box::new(drift()),
        start: array![[0.1], [20.0], [0.2], [6.0], [4.47]],
        policy,
    };
    assert!(case(NonFinite::Freeze).run().run().unwrap().diverged.len() >= 2);
    check("frozen", &case(NonFinite::Freeze));
    // Ignored chains are listed at the end alone.
    check("ignored", &case(NonFinite::Ignore));
}

/// A file after every step: each is whole, and each leads to the same end.
#[test]
fn a_file_is_whole_at_every_step() {
    struct Reads(PathBuf, Vec<u64>);
    impl Observer<f64> for Reads {
        fn next(&self, step: u64) -> Option<u64> {
            Some(step + 1)
        }
        fn observe(&mut self, _: &Snapshot<'_, f64>) -> Result<ControlFlow<()>, BoxError> {
            if let Ok(mut file) = File::open(&self.0) {
                self.1.push(StateFile::<f64>::read(&mut file)?.samples.steps);
            }
            Ok(ControlFlow::Continue(()))
        }
    }
    let place = place("steps");
    let mut reads = Reads(place.clone(), Vec::new());
    let checkpoint = Checkpoint::new(&place, Duration::ZERO);
    let sampler = EulerMaruyama::new(Overdamped);
    let grid = TimeGrid::uniform(0.1, 9).unwrap();
    Run::new(sampler, target(2), grid).observe(&mut reads).checkpoint(checkpoint).run().unwrap();
    assert_eq!(reads.1, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(!place.with_extension("tmp").exists());
    fs::remove_file(place).unwrap();
}

#[test]
fn what_does_not_fit_is_named() {
    let place = place("refused");
    let every = |n| Every::new(n).unwrap();
    let grid = || TimeGrid::uniform(0.1, 9).unwrap();
    macro_rules! run {
        () => {
            Run::new(EulerMaruyama::new(Overdamped), target(2), grid())
        };
    }
    let settings = Settings::from([("step".into(), "0.1".into())]);
    let mut moments = MomentsObserver::new(every(2));
    let checkpoint = Checkpoint::new(&place, Duration::ZERO).settings(settings.clone());
    run!().observe(&mut moments).checkpoint(checkpoint).run().unwrap();
    let file = StateFile::<f64>::read(&mut File::open(&place).unwrap()).unwrap();
    file.check(&settings).unwrap();
    let message = |observer: &mut dyn Observer<f64>| {
        run!().observe(observer).resume_file(&file).run().unwrap_err().to_string()
    };
    let found = message(&mut MomentsObserver::new(every(3)));
    assert!(found.contains("moments every 3 steps after 0"), "{found}");
    assert!(found.contains("has moments every 2 steps after 0"), "{found}");
    let found = message(&mut Trace::<f64>::new(every(2)));
    assert!(found.contains("f64 trace every 2 steps"), "{found}");
    let found = message(&mut StopWhen::new::<f64>(every(2), |_| false));
    assert!(found.contains("this observer saves nothing"), "{found}");
    let found = message(&mut None::<MomentsObserver>);
    assert!(found.contains("this run has not"), "{found}");
    let found = run!().resume_file(&file).run().unwrap_err().to_string();
    assert_eq!(found, "number of observers: given 0, but the run to resume has 1");
    let nowhere = Checkpoint::new(place.join("none"), Duration::ZERO);
    let found = run!().checkpoint(nowhere).run().unwrap_err().to_string();
    assert!(found.starts_with("state file: ") && found.contains("none"), "{found}");
    fs::remove_file(place).unwrap();
}

/// Settings that a file cannot keep are refused before the run, and not at its first checkpoint.
#[test]
fn settings_that_are_too_long_are_refused_at_once() {
    let drift = PerRow::new(1, |_, _: &[f64], _: &mut [f64]| panic!("no step is taken"));
    let run = |settings| {
        let grid = TimeGrid::uniform(0.1, 40).unwrap();
        let run = Run::new(EulerMaruyama::new(Overdamped), &drift, grid).start_normal(1);
        let checkpoint = Checkpoint::new(place("settings"), Duration::from_secs(3600));
        run.checkpoint(checkpoint.settings(settings)).run().unwrap_err().to_string()
    };
    let long = run(Settings::from([("list".into(), "1,".repeat(3_000_000))]));
    assert!(long.contains("the settings take 6000011 bytes, at most 4194304"), "{long}");
    let odd = run(Settings::from([("a".into(), "b\nc".into())]));
    assert!(odd.contains("the setting `a` has more than one line"), "{odd}");
}

/// Runs that were measured by other metrics are not taken over.
#[test]
fn a_comparison_with_other_metrics_is_refused() {
    let place = place("comparison");
    let target = target(1);
    let model = DiffusedMixture::new(target.clone());
    let process = Process::vp(LevelTable::linear(100).unwrap());
    let compare = |metrics: Vec<Metric>, record: Record| {
        let reference = target.sample(50, 0).unwrap();
        let distances = Distances::new(metrics)?.target(&target)?.reference(reference)?;
        let comparison = Comparison::<f64>::new(&process, &model, distances).chains(20);
        comparison.with("ddim".parse()?, &[5])?.record(record).run()
    };
    let record = || Record::new(Settings::new());
    let one = vec![Metric::Radial];
    let first = compare(one.clone(), record().in_file(&place, Duration::ZERO)).unwrap();
    assert_eq!(compare(one, record().read(&place).unwrap()).unwrap(), first);
    let two = vec![Metric::Radial, Metric::Energy];
    let error = compare(two, record().read(&place).unwrap()).unwrap_err();
    let message = "number of metrics: given 2, but the run to resume has 1";
    assert_eq!(error.to_string(), message);
}
