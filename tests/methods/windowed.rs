//! Runs that are parallel in time: the bits of the sequential run, rounds, tolerance, refusals.

use langevin::advanced::Cost;
use langevin::diffusion::{ProcessKind, Rounded, Window};
use langevin::ndarray::Array2;
use langevin::prelude::*;

use crate::support::{MANY, bits, phase, planned, ring, vp};

/// Options of methods of data that a window fits.
const WITH_OPTIONS: [&str; 3] = ["ddpm:variance=large", "ddim:eta=0.5", "ddim:eta=1"];

/// The methods of one evaluation per step, some with options.
fn fitting(kind: ProcessKind) -> Vec<Method> {
    let mut all = Method::on(kind);
    all.retain(|method| fits(&method.plan(&process(kind), 500).unwrap()));
    if kind.is_of_data() {
        all.extend(WITH_OPTIONS.map(|method| method.parse::<Method>().unwrap()));
    }
    all
}

/// Whether every step has one evaluation.
fn fits(plan: &Plan) -> bool {
    plan.evaluations() == plan.grid().steps() as f64
}

fn process(kind: ProcessKind) -> Process {
    match kind {
        ProcessKind::Vp => vp(),
        ProcessKind::Psld => phase::process(),
        other => Process::with_options(other, []).unwrap(),
    }
}

/// A mixture of few components, and a data set, which takes the matrix kernel.
fn models() -> [DiffusedMixture; 2] {
    let data = Array2::from_shape_fn((50, 2), |(i, j)| ((i * 7 + j * 3) % 5) as f64 - 2.0);
    let data = GaussianMixture::from_data(data.view(), 0.3).unwrap();
    [DiffusedMixture::new(ring(0.05)), DiffusedMixture::new(data)]
}

fn check_bits<F: Real>(plan: &Plan, model: &dyn Denoiser<F>) {
    let name = plan.method();
    let sequential = plan.in_data_form().run_in::<F>(model).unwrap().chains(5).seed(7);
    let sequential = sequential.run().unwrap();
    for (steps, chunk, threads) in [(1, 5, 1), (7, 2, MANY), (7, 5, MANY), (1000, 5, 1)] {
        let windowed = plan.windowed(Window::new(steps).unwrap()).unwrap();
        let run = windowed.run_in::<F>(model).unwrap().chains(5).seed(7);
        let found = run.chunk(chunk).threads(threads).run().unwrap();
        let same = bits(&found.state) == bits(&sequential.state);
        assert!(same, "{name}, window {steps}, chunk {chunk}, {threads} threads, {}", F::NAME);
        let most = plan.grid().steps() as u64;
        let Cost { evaluations, batched_calls, rounds, .. } = found.cost;
        assert!(batched_calls <= most, "{name}, window {steps}: {batched_calls} rounds");
        assert_eq!(rounds, batched_calls);
        assert!(evaluations >= 5 * most);
        if steps == 1 {
            assert_eq!((evaluations, batched_calls), (5 * most, most), "{name}");
        }
    }
}

#[test]
fn a_windowed_run_has_the_bits_of_the_sequential_one() {
    for kind in ProcessKind::ALL {
        for method in fitting(kind) {
            let plan = method.plan(&process(kind), 40).unwrap();
            for model in models() {
                check_bits::<f64>(&plan, &model);
                check_bits::<f32>(&plan, &model);
            }
            let [model, _] = models();
            check_bits::<f64>(&plan, &Rounded::new(&model, 10).unwrap());
        }
    }
}

/// A run may be cut at any times of the method, as for observers.
#[test]
fn a_windowed_run_can_be_cut() {
    let [model, _] = models();
    let plan = planned("dpmpp2m", 1000, 30);
    let window = Window::new(8).unwrap();
    let sampler = langevin::diffusion::samplers::Windowed::new(
        plan.sampler::<f64>().unwrap(),
        plan.grid().clone(),
        window,
    )
    .unwrap();
    let drift = plan.drift::<f64>(&model).unwrap();
    let grid = |cuts: &[usize]| {
        TimeGrid::from_knots(cuts.iter().map(|cut| plan.grid().time(*cut)).collect()).unwrap()
    };
    let run = |grid: TimeGrid| Run::new(&sampler, &drift, grid).chains(3).run();
    let whole = run(sampler.grid().unwrap()).unwrap();
    let cut = run(grid(&[0, 3, 17, 30])).unwrap();
    assert_eq!(whole.state, cut.state);
    let error = run(TimeGrid::between(0.5, 999.0, 2).unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("time: given 0.5, expected a time of the grid of"), "{error}");
}

/// The mean number of rounds of 16 chains alone.
fn rounds<F: Real>(plan: &Plan, model: &DiffusedMixture) -> f64 {
    let rounds = (0..16).map(|chain| {
        let run = plan.run_in::<F>(model).unwrap().first_chain(chain).seed(1);
        run.run().unwrap().cost.batched_calls as f64
    });
    rounds.sum::<f64>() / 16.0
}

#[test]
fn ddpm_takes_few_rounds_on_the_eight_modes() {
    let model = DiffusedMixture::new(ring(0.05));
    let plan = planned("ddpm", 1000, 1000);
    let windowed = plan.windowed(Window::new(100).unwrap()).unwrap();
    let found = [rounds::<f64>(&windowed, &model), rounds::<f32>(&windowed, &model)];
    println!("rounds in f64 and f32: {found:?}");
    assert!(found[0] <= 95.0 && found[1] <= 65.0, "{found:?}");
    let window = Window::new(100).unwrap().with_tolerance(1e-3).unwrap();
    let tolerant = plan.windowed(window).unwrap();
    let found = rounds::<f64>(&tolerant, &model);
    let end = |plan: &Plan| plan.run(&model).unwrap().chains(16).seed(1).run().unwrap().state;
    let error = (&end(&tolerant) - &end(&plan)).fold(0.0f64, |most, x| most.max(x.abs()));
    println!("rounds with a tolerance of 1e-3: {found}, error {error:e}");
    assert!(found <= 35.0 && error < 5e-3, "{found} {error}");
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let window = Window::new(100).unwrap();
    for kind in ProcessKind::ALL {
        let fitting = fitting(kind);
        assert!(fitting.len() >= if kind.is_of_data() { 7 } else { 5 }, "{kind}: {fitting:?}");
        for method in Method::on(kind) {
            let plan = method.plan(&process(kind), 500).unwrap();
            match plan.windowed(window) {
                Ok(_) => assert!(fits(&plan), "{kind} {method}"),
                Err(error) => {
                    assert!(!fits(&plan), "{kind} {method}");
                    let want = "window: given `100`, expected none: a step of ";
                    assert!(error.to_string().starts_with(want), "{error}");
                }
            }
        }
    }
    let message = Window::new(0).unwrap_err().to_string();
    assert!(message.starts_with("window: given 0, expected a whole number from 1"), "{message}");
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(window.with_tolerance(bad).is_err());
    }
    let [model, _] = models();
    let error = Rounded::<f64, _>::new(&model, 53).unwrap_err().to_string();
    assert_eq!(error, "input bits: given 53, expected a whole number from 1 to 52");
}
