//! Runs: what is refused before the first step, what happens to chains that diverge, and what
//! observers see.

use std::ops::ControlFlow;

use langevin::advanced::{Address, Layout, Noise};
use langevin::ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, array, s};
use langevin::prelude::*;
use langevin::probe;

fn normal() -> GaussianMixture {
    GaussianMixture::isotropic(array![[0.0, 0.0]].view(), 1.0).unwrap()
}

fn grid(steps: usize) -> TimeGrid {
    TimeGrid::uniform(0.1, steps).unwrap()
}

/// Repels every chain that starts to the right of 1 faster and faster, and attracts all others.
fn half_bad() -> impl Drift<f64> {
    Batched::any(|_, x, mut out| {
        out.zip_mut_with(&x, |b, x: &f64| *b = if *x > 1.0 { x * x * x * 1e6 } else { -x });
        Ok(())
    })
}

/// No noise, so that it is known which chains diverge.
#[derive(Clone)]
struct Still;

impl Noise<f64> for Still {
    fn normals(&self, _: Address, _: &[u32], out: &mut [f64]) {
        out.fill(0.0);
    }
    fn uniforms(&self, _: Address, _: &[u32], out: &mut [f64]) {
        out.fill(0.5);
    }
}

fn starts() -> Array2<f64> {
    Array2::from_shape_fn((100, 1), |(i, _)| if i % 10 == 7 { 2.0 } else { 0.5 })
}

#[test]
fn what_makes_no_sense_is_refused_before_the_first_step() {
    let sampler = EulerMaruyama::new(Overdamped);
    let target = normal();
    let run = || Run::new(sampler, &target, grid(3));
    let message = |run: Run<'_, f64>| run.run().unwrap_err().to_string();
    assert!(message(run().chains(0)).starts_with("chains: given 0"));
    assert!(message(run().chains(3).chunk(0)).starts_with("chunk: given 0"));
    assert!(message(run().chains(3).threads(0)).starts_with("threads: given 0"));
    if cfg!(not(feature = "rayon")) {
        assert!(message(run().chains(3).threads(2)).contains("without the feature `rayon`"));
    }
    assert!(message(run().chains(3).first_step(3)).starts_with("first step: given 3"));
    assert!(message(run().chains(2).first_chain(u32::MAX)).starts_with("chains: given 2"));
    assert_eq!(
        message(run().start(Array2::zeros((4, 3)))),
        "start: given shape (4, 3), expected (chains, 2)"
    );
    assert_eq!(
        message(run().chains(5).start(Array2::zeros((4, 2)))),
        "start: given shape (4, 2), expected 5 rows, one for each chain"
    );
    assert_eq!(message(run().start_at(&[1.0])), "start: given shape (1, 1), expected (chains, 2)");
    assert!(message(run().start(array![[0.0, 0.0], [0.0, f64::NAN]])).contains("row 1, column 1"));
    assert!(message(run().start_normal(3)).contains("start: given shape (chains, 3)"));
    let no_dimension = Run::new(sampler, half_bad(), grid(3)).run().unwrap_err();
    assert!(matches!(no_dimension, Error::NoDimension), "{no_dimension}");
    assert!(no_dimension.to_string().contains("the drift has no dimension and no start was given"));
    let underdamped = EulerMaruyama::new(Underdamped::new(1.0, 1.0).unwrap());
    let error =
        Run::new(underdamped, &target, grid(3)).start(Array2::zeros((4, 3))).run().unwrap_err();
    assert!(error.to_string().contains("(chains, 4) for positions and momenta"), "{error}");
}

#[test]
fn the_last_chain_has_the_last_number() {
    let target = normal();
    let run = || Run::new(EulerMaruyama::new(Overdamped), &target, grid(3));
    let both = run().chains(2).first_chain(u32::MAX - 1).run().unwrap();
    let last = run().chains(1).first_chain(u32::MAX).run().unwrap();
    assert_eq!(last.state, both.state.slice(s![1.., ..]));
    assert_ne!(last.state, both.state.slice(s![..1, ..]));
}

#[test]
fn starts_are_where_they_were_asked_for() {
    let target = normal();
    let sampler = EulerMaruyama::new(Underdamped::new(1.0, 4.0).unwrap());
    // A step so short that nothing moves.
    let still = TimeGrid::uniform(1e-300, 1).unwrap();
    let run =
        |start: Array2<f64>| Run::new(sampler, &target, still.clone()).start(start).run().unwrap();
    let whole = array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]];
    assert_eq!(run(whole.clone()).state, whole);
    let positions = run(array![[1.0, 2.0], [5.0, 6.0]]);
    assert_eq!(positions.positions(), array![[1.0, 2.0], [5.0, 6.0]]);
    assert!(positions.momenta().unwrap().iter().all(|v| *v != 0.0));
    let at =
        Run::new(sampler, &target, still.clone()).chains(3).start_at(&[1.0, 2.0]).run().unwrap();
    assert!(at.positions().rows().into_iter().all(|row| row == array![1.0, 2.0]));
    // Momenta have variance u = 4. Six standard errors of 20,000 of them are 6·4·√(2/20000) = 0.24:
    // 3 seeds × 2e-9 false alarms.
    for seed in [0, 1, u64::MAX] {
        let run = Run::new(sampler, &target, still.clone()).chains(10_000).seed(seed);
        let variance = run.run().unwrap().momenta().unwrap().mapv(|v| v * v).mean().unwrap();
        assert!((variance - 4.0).abs() < 0.24, "seed {seed}: {variance}");
    }
}

#[test]
fn divergence_stops_the_run_at_the_same_place_with_any_threads() {
    let sampler = EulerMaruyama::new(Overdamped);
    let many = if cfg!(feature = "rayon") { 4 } else { 1 };
    for (threads, chunk) in [(1, 100), (1, 1), (many / 2 + many % 2, 3), (many, 16)] {
        let run = Run::new(sampler, half_bad(), grid(50))
            .start(starts())
            .noise(Still)
            .threads(threads)
            .chunk(chunk);
        match run.run().unwrap_err() {
            Error::Diverged { chain, step, time } => {
                assert_eq!((chain, step), (7, 5), "{threads} threads, chunks of {chunk}");
                assert!((time - 0.5).abs() < 1e-12);
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn frozen_chains_stay_finite_and_the_others_do_not_notice() {
    fn run<'a>(policy: NonFinite) -> Run<'a, f64> {
        let run = Run::new(EulerMaruyama::new(Overdamped), half_bad(), grid(50)).start(starts());
        run.noise(Still).non_finite(policy)
    }
    let frozen = run(NonFinite::Freeze).chunk(16).run().unwrap();
    assert_eq!(frozen.diverged.len(), 10);
    for (i, divergence) in frozen.diverged.iter().enumerate() {
        assert_eq!((divergence.chain, divergence.step), (10 * i as u64 + 7, 5));
    }
    assert!(frozen.state.iter().all(|x| x.is_finite()));
    let ignored = run(NonFinite::Ignore).run().unwrap();
    assert_eq!(
        ignored.diverged.iter().map(|d| d.chain).collect::<Vec<_>>(),
        (0..10).map(|i| 10 * i + 7).collect::<Vec<_>>()
    );
    let mut moments = MomentsObserver::new(Every::new(50).unwrap());
    run(NonFinite::Ignore).observe(&mut moments).run().unwrap();
    assert_eq!((moments.count(), moments.non_finite()), (90, 10));
    // A frozen chain counts nowhere: not with its last state, nor with the steps before.
    let mut moments = MomentsObserver::new(Every::new(1).unwrap());
    run(NonFinite::Freeze).observe(&mut moments).run().unwrap();
    assert_eq!((moments.count(), moments.non_finite(), moments.frozen()), (90 * 50, 0, 10));
    assert!(moments.mean().unwrap()[0].abs() < 1.0, "{:?}", moments.mean());
    assert!(frozen.moments().unwrap().mean().unwrap()[0].abs() < 1.0);
    assert_eq!((frozen.moments().unwrap().count(), frozen.sound().nrows()), (90, 90));
    for (a, b) in frozen.state.axis_iter(Axis(0)).zip(ignored.state.axis_iter(Axis(0))) {
        assert!(a == b || !b[0].is_finite());
    }
}

#[test]
fn a_failing_drift_ends_the_run_with_its_own_words() {
    let failing = Batched::any::<f64>(|times: Times<'_>, x, mut out| {
        out.assign(&x);
        if times.at(0) > 0.25 { Err("the device is on fire".into()) } else { Ok(()) }
    });
    let error = Run::new(EulerMaruyama::new(Overdamped), &failing, grid(10))
        .chains(9)
        .first_chain(100)
        .start_normal(2)
        .run()
        .unwrap_err();
    assert!(matches!(error, Error::Drift { chain: 100, step: 4, .. }), "{error}");
    assert!(error.to_string().contains("the device is on fire"));
}

struct Broken;

impl Observer<f64> for Broken {
    fn next(&self, step: u64) -> Option<u64> {
        Some(step + 1)
    }
    fn observe(&mut self, snapshot: &Snapshot<'_, f64>) -> Result<ControlFlow<()>, BoxError> {
        if snapshot.step == 3 { Err("no space left".into()) } else { Ok(ControlFlow::Continue(())) }
    }
}

#[test]
fn observers_see_the_right_steps() {
    let sampler = EulerMaruyama::new(Overdamped);
    let target = normal();
    let mut trace = Trace::new(Every::new(4).unwrap().after(2));
    let samples = Run::new(sampler, &target, grid(14)).chains(5).observe(&mut trace).run().unwrap();
    assert_eq!(trace.steps(), [6, 10, 14]);
    assert_eq!(trace.positions().dim(), (3, 5, 2));
    assert_eq!(trace.positions().index_axis(Axis(0), 2), samples.positions());
    assert_eq!(Every::new(4).unwrap().after(2).count(14), 3);
    assert!(Every::new(0).unwrap_err().to_string().starts_with("every: given 0"));
    assert_eq!(Trace::<f64>::new(Every::new(1).unwrap()).positions().dim(), (0, 0, 0));

    let late = |snapshot: &Snapshot<'_, f64>| snapshot.time > 0.45;
    let mut stop = StopWhen::new(Every::new(1).unwrap(), late);
    let samples = Run::new(sampler, &target, grid(14)).chains(5).observe(&mut stop).run().unwrap();
    assert_eq!(samples.steps, 5);

    let error = Run::new(sampler, &target, grid(14)).observe(&mut Broken).run().unwrap_err();
    assert!(matches!(error, Error::Observer { step: 3, .. }), "{error}");

    let mut moments = MomentsObserver::new(Every::new(1).unwrap());
    assert!(moments.mean().is_none() && moments.covariance().is_none());
    Run::new(sampler, &target, grid(2)).chains(5).observe(&mut moments).run().unwrap();
    assert_eq!(moments.count(), 10);
    assert_eq!(moments.covariance().unwrap().dim(), (2, 2));
}

/// The whole way from a target to samples, against the stationary distribution that the probe
/// computes.
#[test]
fn long_runs_reach_the_stationary_distribution_of_the_probe() {
    let target = GaussianMixture::isotropic(array![[0.0]].view(), 1.0).unwrap();
    let underdamped = Underdamped::new(2.0, 1.0).unwrap();
    let bernoulli = PoissonMidpoint::new(Overdamped, 4).unwrap();
    let samplers: [(&str, Box<dyn Sampler<f64>>); 4] = [
        ("em", Box::new(EulerMaruyama::new(Overdamped))),
        ("pmm2", Box::new(PoissonMidpoint::new(underdamped, 4).unwrap())),
        ("pmm1", Box::new(bernoulli.with_selection(Selection::Bernoulli))),
        ("rm", Box::new(RandomizedMidpoint::new(underdamped).with_windows(2).unwrap())),
    ];
    // 4 samplers × 3 seeds of 40,000 chains, each variance within six standard errors √(2/40000):
    // 2e-9 × 12 = 3e-8.
    for (name, sampler) in &samplers {
        let exact = probe::stationary_covariance(&**sampler, 0.4, 1.0).unwrap().covariance[[0, 0]];
        for seed in [0, 1, u64::MAX] {
            let grid = TimeGrid::uniform(0.4, 60).unwrap();
            let samples = Run::new(sampler, &target, grid).chains(40_000).seed(seed).run().unwrap();
            let variance = samples.positions().mapv(|x| x * x).mean().unwrap();
            let error = exact * (2.0f64 / 40_000.0).sqrt();
            assert!((variance - exact).abs() < 6.0 * error, "{name}: {variance} {exact}");
        }
    }
}

/// A drift that writes the rows of even chains only, as a closure over a batch may.
struct Forgetful;

impl Drift<f64> for Forgetful {
    fn eval(
        &self,
        _: Times<'_>,
        x: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> std::result::Result<(), BoxError> {
        for (row, (to, from)) in out.rows_mut().into_iter().zip(x.rows()).enumerate() {
            if row % 2 == 0 {
                to.into_iter().zip(from).for_each(|(b, x)| *b = -x);
            }
        }
        Ok(())
    }
}

#[test]
fn a_drift_that_forgets_to_write_is_noticed() {
    for chunk in [1, 2, 64] {
        let run = Run::new(EulerMaruyama::new(Overdamped), Forgetful, grid(3)).start_normal(2);
        let error = run.chains(64).chunk(chunk).run();
        match chunk {
            1 => assert!(error.is_ok()),
            _ => assert!(matches!(error, Err(Error::Diverged { chain: 1, step: 1, .. }))),
        }
    }
}

#[test]
fn momenta_that_are_not_finite_are_refused_under_every_policy() {
    struct Heavy(f64);
    impl langevin::dynamics::LinearDynamics for Heavy {
        fn layout(&self) -> Layout {
            Layout::with_momentum(self.0)
        }
        fn transition(&self, start: f64, length: f64) -> langevin::dynamics::Transition {
            Underdamped::new(1.0, 1.0).unwrap().transition(start, length)
        }
        fn is_autonomous(&self) -> bool {
            true
        }
    }
    let target = normal();
    for variance in [f64::NAN, f64::INFINITY, -1.0, 1e80] {
        for policy in NonFinite::ALL {
            let sampler = EulerMaruyama::new(Heavy(variance));
            let run = Run::<f32>::with_precision(sampler, &target, grid(3)).chains(5);
            let error = run.non_finite(policy).run().unwrap_err().to_string();
            assert!(error.starts_with("variance of the momenta: given"), "{error}");
        }
    }
}

#[test]
fn a_run_is_resumed_with_what_it_was_begun_with() {
    let target = normal();
    let em = EulerMaruyama::new(Overdamped);
    let first = Run::new(em, &target, grid(3)).chains(5).run().unwrap();
    let message = |run: Run<'_, f64>| run.resume(&first).run().unwrap_err().to_string();
    assert_eq!(
        message(Run::new(em, &target, grid(3))),
        "steps of the grid: given 3, but the run to resume has taken 3 already; give the grid of \
         the whole run"
    );
    let baoab = Splitting::new(Underdamped::new(1.0, 1.0).unwrap(), "BAOAB".parse().unwrap());
    let error = message(Run::new(&baoab, &target, grid(9)));
    assert!(error.starts_with("blocks of the state: given position momentum=1"), "{error}");
    assert!(message(Run::new(em, &target, grid(9)).chains(4)).starts_with("start: given"));
    // Noise of one's own is given again.
    let own = || Run::new(em, &target, grid(9)).chains(5).noise(Still);
    let first = Run::new(em, &target, grid(3)).chains(5).noise(Still).run().unwrap();
    let error = Run::new(em, &target, grid(9)).resume(&first).run().unwrap_err().to_string();
    assert!(error.starts_with("noise: given a seed"), "{error}");
    assert_eq!(own().resume(&first).run().unwrap(), own().run().unwrap());
}

/// Chain 7 of every ten explodes and is frozen; it stays so in a run that continues.
#[test]
fn frozen_chains_stay_frozen_in_a_resumed_run() {
    let run = |steps| {
        let run = Run::new(EulerMaruyama::new(Overdamped), half_bad(), grid(steps));
        run.start(starts()).noise(Still).non_finite(NonFinite::Freeze)
    };
    let whole = run(30).run().unwrap();
    assert_eq!(whole.diverged.len(), 10);
    let first = run(12).run().unwrap();
    let plain = || {
        let run = Run::new(EulerMaruyama::new(Overdamped), half_bad(), grid(30));
        run.noise(Still).resume(&first)
    };
    assert_eq!(plain().non_finite(NonFinite::Freeze).run().unwrap(), whole);
    let error = plain().run().unwrap_err().to_string();
    assert!(error.contains("but the run to resume has freeze, as 10 chains are frozen"), "{error}");
}

#[test]
fn a_run_may_move_to_another_thread() {
    let target = normal();
    let mut moments = MomentsObserver::new(Every::new(1).unwrap());
    let run = Run::new(EulerMaruyama::new(Overdamped), &target, grid(3)).observe(&mut moments);
    let samples = std::thread::scope(|scope| scope.spawn(move || run.run()).join().unwrap());
    assert_eq!(samples.unwrap().steps, 3);
}

/// Each size is far beyond any machine; nothing is allocated for it.
#[test]
fn sizes_beyond_memory_are_refused_with_their_bytes() {
    let wide = |dim| PerRow::new(dim, |_, _: &[f64], out: &mut [f64]| out.fill(0.0));
    let bytes = |run: Run<'_, f64>| match run.run().unwrap_err() {
        Error::Memory { bytes, .. } => bytes,
        error => panic!("{error}"),
    };
    let em = EulerMaruyama::new(Overdamped);
    assert!(bytes(Run::new(em, wide(1 << 31), grid(1)).chains(1 << 31)) >= 1 << 65);
    // A carried block counts too.
    let target = normal();
    let most = u32::MAX as usize;
    assert!(bytes(Run::new(Mala::new(), wide(1 << 20), grid(1)).chains(most)) >= 1 << 55);
    // What a chunk takes beside its chains counts, however few they are.
    let plain = bytes(Run::new(em, wide(1 << 16), grid(1)).chains(most).chunk(1 << 10));
    let single = bytes(Run::new(em, wide(1 << 16), grid(1)).chains(most).chunk(1));
    assert!(single > plain + (1 << 38), "{single} {plain}");
    // The inner times of a randomized midpoint.
    let many = RandomizedMidpoint::new(Overdamped).with_windows(1 << 16).unwrap();
    let run = Run::new(many, &target, grid(1)).chains(1 << 24).chunk(1 << 24);
    assert!(bytes(run) >= 1 << 46);
}

#[test]
fn batches_of_another_shape_are_errors_of_a_drift() {
    let row = PerRow::new(2, |_, _: &[f64], out: &mut [f64]| out.fill(0.0));
    let all = Batched::any(|times: Times<'_>, _, mut out: ArrayViewMut2<'_, f64>| {
        out.fill(times.at(2));
        Ok(())
    });
    let x = Array2::<f64>::zeros((3, 2));
    let mut out = x.clone();
    for drift in [&row as &dyn Drift<f64>, &all] {
        assert!(drift.eval(Times::PerRow(&[0.0; 3]), x.view(), out.view_mut()).is_ok());
        let error = drift.eval(Times::PerRow(&[0.0; 2]), x.view(), out.view_mut()).unwrap_err();
        let expected = "times: given shape (2), expected (3), one for each row";
        assert_eq!(error.to_string(), expected);
    }
    let wide = Array2::<f64>::zeros((3, 4));
    assert!(row.eval(Times::Shared(0.0), wide.view(), wide.clone().view_mut()).is_err());
}
