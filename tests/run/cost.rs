//! No step allocates memory after the first one, for samplers and for generations.

use langevin::advanced::{Philox, State, Step, Work};
use langevin::diffusion::{ProcessKind, Window};
use langevin::ndarray::{Array1, Array2};
use langevin::prelude::*;

use crate::support::samplers::{cheap_and_costly, is_adjusted, samplers};
use crate::support::two_modes;

/// Counts the allocations of all steps but the first and the last, after `before` steps.
fn check<F: Real>(
    name: &str,
    sampler: &dyn Sampler<F>,
    drift: &dyn Drift<F>,
    grid: &TimeGrid,
    before: usize,
) {
    let noise = Philox::new(5);
    let dim = drift.columns().unwrap() / sampler.layout().inputs();
    let start = Array2::zeros((200, dim));
    let mut state = State::new(start.view(), dim, sampler.layout(), 0, &noise).unwrap();
    let mut work = Work::new();
    let mut advance = |first: usize, count: usize| {
        for interval in grid.iter().skip(first).take(count) {
            sampler.step(&mut Step::new(interval, drift, &noise, &mut state, &mut work)).unwrap();
        }
    };
    advance(0, before);
    let counted = allocation_counter::measure(|| advance(1, grid.steps() - 2));
    assert_eq!(counted.count_total, 0, "{name}: {counted:?}");
}

fn check_samplers<F: Real>(drift: &dyn Drift<F>) {
    let grid = TimeGrid::uniform(0.1, 61).unwrap();
    for (name, sampler) in samplers::<F>(cheap_and_costly) {
        if !is_adjusted(&name) || drift.density().is_some() {
            check(&name, &*sampler, drift, &grid, 1);
        }
    }
}

#[test]
fn no_step_allocates_after_the_first() {
    check_samplers::<f64>(&two_modes());
    check_samplers::<f32>(&two_modes());
    let features = Array2::from_shape_fn((20, 3), |(i, j)| ((i * 7 + j * 3) % 5) as f64 - 2.0);
    let labels = Array1::from_shape_fn(20, |i| (i % 2) as f64);
    check_samplers::<f64>(&LogisticRegression::new(features.view(), labels.view(), 1.0).unwrap());
    check_samplers(&PerRow::new(4, |_, x: &[f64], out: &mut [f64]| {
        out.iter_mut().zip(x).for_each(|(b, x)| *b = -x)
    }));
}

/// A mixture of few components, and a data set, which takes the matrix kernel.
fn models() -> [DiffusedMixture; 2] {
    let data = Array2::from_shape_fn((50, 2), |(i, j)| ((i * 7 + j * 3) % 5) as f64 - 2.0);
    let data = GaussianMixture::from_data(data.view(), 0.3).unwrap();
    [DiffusedMixture::new(two_modes()), DiffusedMixture::new(data)]
}

fn check_generations<F: Real>(process: &Process) {
    for method in Method::on(process.kind()) {
        for model in &models() {
            let evaluations = if method.name().starts_with("pc") { 500 } else { 241 };
            let plan = method.plan(process, evaluations).unwrap();
            let sampler = plan.sampler::<F>().unwrap();
            let drift = plan.drift::<F>(model).unwrap();
            // Blocks of levels grow to their longest, and the last step may be of another kind:
            // neither counts as a later step.
            check(method.name(), &*sampler, &*drift, plan.grid(), plan.grid().steps() - 1);
        }
    }
}

#[test]
fn no_step_of_a_generation_allocates_after_the_first() {
    let process = Process::vp(LevelTable::linear(1000).unwrap());
    assert_eq!(process.kind(), ProcessKind::Vp);
    check_generations::<f64>(&process);
    check_generations::<f32>(&process);
}

/// A windowed run is one step. The second one, of other chains, finds all memory in place.
fn check_windowed<F: Real>(method: &str) {
    let process = Process::vp(LevelTable::linear(1000).unwrap());
    let plan = method.parse::<Method>().unwrap().plan(&process, 50).unwrap();
    let plan = plan.windowed(Window::new(20).unwrap()).unwrap();
    let sampler = plan.sampler::<F>().unwrap();
    for model in &models() {
        let drift = plan.drift::<F>(model).unwrap();
        let noise = Philox::new(5);
        let start = Array2::zeros((9, 2));
        let mut work = Work::new();
        let mut step = |state: &mut State<F>| {
            let interval = plan.grid().interval(0);
            sampler.step(&mut Step::new(interval, &drift, &noise, state, &mut work)).unwrap();
        };
        let state = || State::new(start.view(), 2, sampler.layout(), 0, &noise).unwrap();
        step(&mut state());
        let mut state = state();
        let counted = allocation_counter::measure(|| step(&mut state));
        assert_eq!(counted.count_total, 0, "{method}: {counted:?}");
    }
}

#[test]
fn no_window_allocates_after_the_first() {
    for method in ["ddpm", "dpmpp2m", "em"] {
        check_windowed::<f64>(method);
        check_windowed::<f32>(method);
    }
}

#[test]
fn no_step_in_phase_space_allocates_after_the_first() {
    let process = Process::psld(Psld::PAPER, Beta::constant(8.0).unwrap());
    check_generations::<f64>(&process);
    check_generations::<f32>(&process);
}
