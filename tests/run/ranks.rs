//! Ranks: any number of them gives the bits of one process, and the error of one ends all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use langevin::catalog::{self, Options};
use langevin::diffusion::Window;
use langevin::drift::Distributed;
use langevin::ndarray::{Array1, Array2, array};
use langevin::posterior::{self, Sampling};
use langevin::prelude::*;
use langevin::ranks::{Alone, Ranks, seats};
use langevin::run::{Checkpoint, Settings, Spread, StateFile, StopWhen, Whole};

const CHAINS: usize = 23;
const STEPS: usize = 20;

/// What every rank makes of its seat, in the order of ranks.
fn on_all<T: Send>(count: usize, rank: impl Fn(Arc<dyn Ranks>) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let rank = &rank;
        let threads = seats(count).into_iter();
        let threads = threads.map(|seat| scope.spawn(move || rank(Arc::new(seat))));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn every() -> Every {
    Every::new(3).unwrap().after(4).with_end(STEPS)
}

/// A run of chains, of which some become infinite on the way.
struct Case<F: Real> {
    sampler: Box<dyn Sampler<F>>,
    drift: Box<dyn Drift<F>>,
    start: Array2<F>,
}

/// Samples, moments and draws, at rank 0.
type Found<F> = (Samples<F>, MomentsObserver, Trace<F>);

impl<F: Real> Case<F> {
    fn new(method: &str, options: &Options) -> Self {
        // Beyond 2.5 the force has no finite value.
        let drift = PerRow::new(2, |_, x: &[F], out: &mut [F]| {
            let far = x[0].abs() > F::from_f64(2.5);
            out[0] = if far { F::nan() } else { -x[0] };
            out[1] = -x[1];
        });
        let dynamics = if method == "em" { "overdamped" } else { "underdamped" };
        let numbers = Array1::linspace(-1.5, 1.5, 2 * CHAINS).mapv(F::from_f64);
        Self {
            sampler: catalog::sampler::<F>(dynamics, method, options).unwrap(),
            drift: Box::new(drift),
            start: numbers.into_shape_with_order((CHAINS, 2)).unwrap(),
        }
    }

    /// The chains of a rank, from a file on or anew. With a checkpoint after every step, the run
    /// of one rank may be cut.
    fn run(
        &self,
        ranks: Arc<dyn Ranks>,
        from: Option<&Path>,
        [to, cut]: [Option<&Path>; 2],
    ) -> Option<Found<F>> {
        let rows = ranks.share(CHAINS);
        let mut moments = Spread::new(MomentsObserver::new(every()), rows.clone(), ranks.clone());
        let mut trace =
            Whole::new(Some(Trace::new(every()).with_momenta()), every(), ranks.clone());
        let mut crash = cut.map(|_| StopWhen::new::<F>(Every::new(1).unwrap(), |s| s.step == 9));
        let grid = TimeGrid::uniform(0.3, STEPS).unwrap();
        let run = Run::<F>::with_precision(&*self.sampler, &*self.drift, grid);
        let mut run = run.seed(5).non_finite(NonFinite::Freeze).as_part();
        run = match from {
            Some(path) => {
                let mut file = StateFile::read(&mut File::open(path).unwrap()).unwrap();
                file.samples = file.samples.part(rows).unwrap();
                run.resume_file(&file)
            }
            None => {
                let own = self.start.slice(langevin::ndarray::s![rows.clone(), ..]).to_owned();
                run.start(own).first_chain(7 + rows.start as u32)
            }
        };
        if let Some(path) = to {
            let checkpoint = Checkpoint::new(path, Duration::ZERO);
            let settings = Settings::from([("step".into(), "0.3".into())]);
            run = run.checkpoint(checkpoint.settings(settings).over(ranks.clone()));
        }
        let run = run.observe(&mut moments).observe(&mut trace).observe(&mut crash);
        let samples = run.run().unwrap().gathered(&*ranks).unwrap();
        let moments = moments.joined().unwrap();
        Some((samples?, moments?, trace.into_inner()?))
    }
}

fn same<F: Real>(found: &Found<F>, whole: &Found<F>, what: &str) {
    assert_eq!(found.0, whole.0, "{what}");
    let all = |(_, moments, _): &Found<F>| {
        (moments.mean(), moments.covariance(), moments.count(), moments.frozen())
    };
    assert_eq!(all(found), all(whole), "{what}");
    let all = |(_, _, trace): &Found<F>| {
        (trace.steps().to_vec(), trace.positions(), trace.momenta(), trace.frozen().to_vec())
    };
    assert_eq!(all(found), all(whole), "{what}");
}

fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("ranks-{name}"))
}

fn chains_in_precision<F: Real>() {
    let tolerant = Options::default().with("rounds", "6").unwrap();
    let tolerant = tolerant.with("tolerance", "1e-4").unwrap().with("windows", "4").unwrap();
    for (method, options) in [("em", &Options::default()), ("rm", &tolerant)] {
        let case = Case::<F>::new(method, options);
        let whole = case.run(Arc::new(Alone), None, [None; 2]).unwrap();
        assert!(whole.0.diverged.len() > 1, "{:?}", whole.0.diverged);
        for count in [1, 2, 4, CHAINS] {
            let mut found = on_all(count, |ranks| case.run(ranks, None, [None; 2])).into_iter();
            same(&found.next().flatten().unwrap(), &whole, &format!("{method} on {count}"));
            assert!(found.all(|others| others.is_none()));
        }
    }
}

#[test]
fn chains_on_ranks_are_those_of_one_process() {
    chains_in_precision::<f64>();
    chains_in_precision::<f32>();
}

/// All ranks end at step 9 with a checkpoint of that step, as after a crash.
#[test]
fn any_number_of_ranks_goes_on_from_a_checkpoint() {
    let options = Options::default().with("rounds", "6").unwrap();
    let options = options.with("tolerance", "1e-4").unwrap();
    let case = Case::<f64>::new("rm", &options);
    let whole = case.run(Arc::new(Alone), None, [None; 2]).unwrap();
    let mut files = Vec::new();
    for before in [1, 2, 4] {
        let path = place(&before.to_string());
        let begun = on_all(before, |ranks| case.run(ranks, None, [Some(&path), Some(&path)]));
        assert_eq!(begun[0].as_ref().unwrap().0.steps, 9);
        for after in [1, 2, 4, 5] {
            let mut found = on_all(after, |ranks| case.run(ranks, Some(&path), [None; 2]));
            let found = found.swap_remove(0).unwrap();
            same(&found, &whole, &format!("{before} ranks, then {after}"));
        }
        files.push(fs::read(&path).unwrap());
        fs::remove_file(path).unwrap();
    }
    // More ranks write the same file; the one process has kept the calls of a part as well.
    assert!(files[1] == files[2]);
}

/// A banana: the tuned coordinates and the step depend on all draws.
fn banana() -> impl Drift<f64> {
    PerRow::new(2, |_, x: &[f64], out: &mut [f64]| {
        let bend = x[1] - x[0] * x[0];
        out[0] = 2.0 * x[0] * bend - x[0];
        out[1] = -bend;
    })
}

#[test]
fn a_tuned_posterior_is_that_of_one_process() {
    let drift = banana();
    let mixture = GaussianMixture::isotropic(array![[0.0, 1.0, -3.0]].view(), 2.0).unwrap();
    let plain = || Sampling::new(&drift, 2).chains(37).steps(100).seed(3);
    let adjusted = || Sampling::new(&mixture, 3).chains(20).steps(60).adjusted();
    let wholes = [plain().run().unwrap(), adjusted().run().unwrap()];
    for count in [1, 2, 4, 50] {
        let check = |index: usize, found: langevin::Result<posterior::Outcome>| {
            let found = found.unwrap();
            let whole = &wholes[index];
            assert_eq!(found.draws, whole.draws, "{index} on {count}");
            assert_eq!(found.tuned, whole.tuned);
            assert_eq!(found.evaluations, whole.evaluations);
            assert_eq!(found.to_string(), whole.to_string());
        };
        on_all(count, |ranks| check(0, plain().over(ranks).run()));
        on_all(count, |ranks| check(1, adjusted().over(ranks).run()));
    }
}

/// The rows of a windowed run are those of all its open steps, and of all windows of `rm`.
#[test]
fn rows_of_a_window_on_ranks_are_those_of_one_process() {
    let means = array![[-1.0, 0.0], [1.0, 0.0]];
    let target = GaussianMixture::isotropic(means.view(), 0.1).unwrap();
    let model = DiffusedMixture::new(target);
    let process = Process::vp(LevelTable::linear(1000).unwrap());
    let plan = Method::named("ddpm").unwrap().plan(&process, 200).unwrap().in_data_form();
    let sequential = plan.run(&model).unwrap().chains(3).seed(7).run().unwrap();
    let plan = plan.windowed(Window::new(50).unwrap()).unwrap();
    let sampler = plan.sampler::<f64>().unwrap();
    let windows = RandomizedMidpoint::new(Underdamped::new(2.0, 1.0).unwrap());
    let windows = windows.with_windows(16).unwrap().with_rounds(2).unwrap();
    let rows = |drift: &dyn Drift<f64>| {
        let grid = TimeGrid::uniform(0.5, 5).unwrap();
        Run::new(windows, drift, grid).chains(2).seed(1).run().unwrap()
    };
    let score = banana();
    let midpoints = rows(&score);
    for count in [2, 4, 7] {
        on_all(count, |ranks| {
            let drift = plan.drift::<f64>(&model).unwrap();
            let drift = Distributed::new(drift, ranks.clone());
            let run = Run::new(&*sampler, &drift, plan.grid().clone()).chains(3).seed(7);
            let run = run.start_normal(2).run().unwrap();
            assert_eq!(run.state, sequential.state);
            assert!(run.cost.batched_calls < 60, "{:?}", run.cost);
            assert_eq!(rows(&Distributed::new(&score, ranks)), midpoints);
        });
    }
}

#[test]
fn the_error_of_one_rank_ends_all() {
    // The rank that has it fails when a chain of its share is evaluated in a later step.
    let errors = on_all(3, |ranks| {
        let fails = ranks.rank() == 1;
        let inner = Batched::new(1, move |_, x, mut out: langevin::ndarray::ArrayViewMut2<f64>| {
            if fails && x.iter().any(|x: &f64| *x < 0.3) {
                return Err("the file of rank 1 is gone".into());
            }
            out.zip_mut_with(&x, |b, x| *b = -x);
            Ok(())
        });
        let drift = Distributed::new(&inner, ranks.clone());
        let grid = TimeGrid::uniform(0.5, 50).unwrap();
        let run = Run::new(EulerMaruyama::new(Overdamped), &drift, grid);
        let rows = run.start(Array2::from_elem((6, 1), 9.0)).run().unwrap_err().to_string();
        let posterior = Sampling::new(&inner, 1).over(ranks).run().unwrap_err().to_string();
        [rows, posterior]
    });
    for (rank, errors) in errors.iter().enumerate() {
        for error in errors {
            assert!(error.contains("the file of rank 1 is gone"), "{error}");
            assert_eq!(error.contains("rank 1:"), rank != 1, "{error}");
        }
    }
}
