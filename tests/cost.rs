//! What a step costs: exact evaluation counts, batched calls, and no heap allocation after the
//! first step.

use std::sync::Mutex;

use langevin::catalog::{self, Options};
use langevin::generation::{
    GENERATION_METHODS, GenerationOptions, PHASE_METHODS, PhaseOptions, plan, plan_phase,
};
use langevin::ndarray::{Array2, ArrayView2, ArrayViewMut2, array};
use langevin::*;

fn target() -> GaussianMixture {
    GaussianMixture::isotropic(array![[-2.0, 0.0], [2.0, 1.0]].view(), 0.7).unwrap()
}

fn all<F: Real>() -> Vec<(String, Box<dyn Sampler<F>>)> {
    let mut all = Vec::new();
    for (dynamics, method) in catalog::pairs() {
        let mut variants = vec![Options::default()];
        if method.name == "splitting" {
            variants.clear();
            for word in ["BAO", "OBAOAB", "AOOBA"] {
                variants.push(Options { word: Some(word.parse().unwrap()), ..Options::default() });
            }
        }
        if method.name.starts_with("pmm") {
            variants.push(Options { substeps: Some(1000), ..Options::default() });
            variants.push(Options { substeps: Some(1), ..Options::default() });
        }
        if method.name == "rm" {
            variants.push(Options {
                windows: Some(3),
                rounds: Some(2),
                control_variate: true,
                ..Options::default()
            });
            variants.push(Options {
                windows: Some(3),
                rounds: Some(9),
                tolerance: Some(1e-3),
                ..Options::default()
            });
        }
        for options in variants {
            let sampler = catalog::sampler(dynamics.name, method.name, &options).unwrap();
            all.push((format!("{} {} {options:?}", dynamics.name, method.name), sampler));
        }
    }
    all
}

fn allocations<F: Real>(drift: &dyn Drift<F>, dim: usize) {
    let noise = Philox::new(5);
    let grid = TimeGrid::uniform(0.1, 60).unwrap();
    for (name, sampler) in all::<F>() {
        if name.contains("mala") && drift.density().is_none() {
            continue;
        }
        let start = Array2::zeros((200, dim));
        let mut state = State::new(start.view(), dim, sampler.layout(), 0, &noise).unwrap();
        let mut work = Work::new();
        let mut advance = |range: std::ops::Range<usize>| {
            for step in grid.iter().skip(range.start).take(range.len()) {
                sampler.step(step, drift, &noise, &mut state, &mut work).unwrap();
            }
        };
        advance(0..1);
        let counted = allocation_counter::measure(|| advance(1..60));
        assert_eq!(counted.count_total, 0, "{name}: {counted:?}");
    }
}

#[test]
fn no_step_allocates_after_the_first() {
    allocations::<f64>(&target(), 2);
    allocations::<f32>(&target(), 2);
    let features = Array2::from_shape_fn((20, 3), |(i, j)| ((i * 7 + j * 3) % 5) as f64 - 2.0);
    let labels = langevin::ndarray::Array1::from_shape_fn(20, |i| (i % 2) as f64);
    allocations::<f64>(&LogisticRegression::new(features.view(), labels.view(), 1.0).unwrap(), 3);
    allocations::<f64>(
        &PerRow::new(4, |_, x: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(x).for_each(|(b, x)| *b = -x)
        }),
        4,
    );
}

#[test]
fn no_step_of_a_generation_allocates_after_the_first() {
    let data = Array2::from_shape_fn((50, 2), |(i, j)| ((i * 7 + j * 3) % 5) as f64 - 2.0);
    let models = [
        DiffusedMixture::new(target()),
        DiffusedMixture::new(GaussianMixture::from_data(data.view(), 0.3).unwrap()),
    ];
    let (table, noise) = (LevelTable::named("linear", 1000).unwrap(), Philox::new(5));
    for method in GENERATION_METHODS {
        for model in &models {
            let evaluations = if method.name.starts_with("pc") { 500 } else { 60 };
            let generation =
                plan::<f32>(method.name, &table, evaluations, &GenerationOptions::default())
                    .unwrap();
            let drift = Denoised::<f32>::new(model, generation.clock, generation.wanted).unwrap();
            let sampler = generation.sampler;
            let start = Array2::zeros((200, 2));
            let mut state = State::new(start.view(), 2, sampler.layout(), 0, &noise).unwrap();
            let mut work = Work::new();
            let steps: Vec<Step> = generation.grid.iter().collect();
            let mut advance = |steps: &[Step]| {
                for step in steps {
                    sampler.step(*step, &drift, &noise, &mut state, &mut work).unwrap();
                }
            };
            // Blocks grow to their longest, and the last step may be of another kind: neither
            // counts as a later step.
            advance(&steps[..steps.len() - 1]);
            let counted = allocation_counter::measure(|| advance(&steps[1..steps.len() - 1]));
            assert_eq!(counted.count_total, 0, "{}: {counted:?}", method.name);
        }
    }
}

/// Along a phase-space diffusion: no allocation after the first step, and the evaluations of the
/// paper's table.
#[test]
fn phase_space_methods_cost_what_they_say() {
    let (data, process, noise) = (DiffusedMixture::new(target()), Psld::PAPER, Philox::new(5));
    let model = Lifted::new(&data, process);
    for method in PHASE_METHODS {
        let beta = langevin::schedule::Beta::constant(8.0).unwrap();
        let plan =
            plan_phase::<f64>(method.name, process, beta, 241, &PhaseOptions::default()).unwrap();
        let per_step = match method.name {
            "em" | "ei" | "sscs" | "roba" | "rbao" => 1.0,
            "oba" | "bao" | "robab" | "rm" => 2.0,
            "obab" => 3.0,
            _ => 2.0 - 1.0 / 16.0,
        };
        let steps = f64::floor(240.0 / per_step + 1e-9);
        assert_eq!(plan.grid.steps(), steps as usize + 1, "{}", method.name);
        assert_eq!(plan.evaluations, steps * per_step + 1.0, "{}", method.name);
        let drift = PhaseDenoised::new(&model, process, plan.horizon).unwrap();
        let counted = Counted::<f64>::new(&drift);
        let samples =
            Run::new(&*plan.sampler, &counted, plan.grid.clone()).chains(200).run().unwrap();
        assert_eq!(samples.evaluations, counted.rows(), "{}", method.name);
        if per_step.fract() == 0.0 {
            assert_eq!(samples.evaluations_per_chain(), plan.evaluations, "{}", method.name);
        }
        let start = Array2::zeros((200, 2));
        let mut state = State::new(start.view(), 2, plan.sampler.layout(), 0, &noise).unwrap();
        let mut work = Work::new();
        let steps: Vec<Step> = plan.grid.iter().collect();
        let mut advance = |steps: &[Step]| {
            for step in steps {
                plan.sampler.step(*step, &drift, &noise, &mut state, &mut work).unwrap();
            }
        };
        advance(&steps[..steps.len() - 1]);
        let counted = allocation_counter::measure(|| advance(&steps[1..steps.len() - 1]));
        assert_eq!(counted.count_total, 0, "{}: {counted:?}", method.name);
    }
}

/// One evaluation per step, one more for the first position, whatever looks at the run; naive words
/// pay for every letter.
#[test]
fn words_evaluate_once_where_they_can() {
    let target = target();
    let dynamics = Underdamped::new(1.0, 1.0).unwrap();
    let run = |sampler: &dyn Sampler<f64>| {
        let mut looks = Trace::<f64>::new(Every::new(3).unwrap());
        let grid = TimeGrid::uniform(0.1, 20).unwrap();
        let samples = Run::new(sampler, &target, grid)
            .chains(70)
            .chunk(16)
            .observe(&mut looks)
            .run()
            .unwrap();
        (samples.evaluations_per_chain(), sampler.evaluations_per_step())
    };
    for (word, first, per_step) in [
        ("BAOAB", 1.0, 1.0),
        ("OBABO", 1.0, 1.0),
        ("ABOBA", 0.0, 1.0),
        ("BAO", 0.0, 1.0),
        ("OBA", 0.0, 1.0),
        ("BAOABAOAB", 1.0, 2.0),
        ("ABABA", 0.0, 2.0),
    ] {
        let sampler = Splitting::new(dynamics, word.parse().unwrap());
        assert_eq!(run(&sampler), (20.0 * per_step + first, per_step), "{word}");
        let naive = Splitting::naive(dynamics, word.parse().unwrap());
        let letters = word.matches('B').count() as f64;
        assert_eq!(run(&naive), (20.0 * letters, letters), "naive {word}");
    }
    assert_eq!(run(&Mala::new()), (21.0, 1.0));
}

/// A step by step account against the drift's own count.
#[test]
fn reported_evaluations_are_those_the_drift_saw() {
    let target = target();
    for (name, sampler) in all::<f64>() {
        let counted = Counted::<f64>::new(&target);
        let grid = TimeGrid::uniform(0.1, 25).unwrap();
        let samples =
            Run::new(&*sampler, &counted, grid).chains(500).threads(1).chunk(500).run().unwrap();
        assert_eq!(samples.evaluations, counted.rows(), "{name}");
        // In one chunk of 500 chains some chain always selects a midpoint, so every planned call is
        // made.
        assert_eq!(samples.batched_calls, counted.calls(), "{name}");
    }
}

#[test]
fn evaluations_and_depth_are_as_documented() {
    let target = target();
    let (chains, steps) = (400, 50);
    let run = |method: &str, options: &Options| {
        let sampler = catalog::sampler::<f64>("underdamped", method, options).unwrap();
        let planned = sampler.evaluations_per_step();
        let grid = TimeGrid::uniform(0.1, steps).unwrap();
        (Run::new(&*sampler, &target, grid).chains(chains).run().unwrap(), planned)
    };
    let (em, planned) = run("em", &Options::default());
    assert_eq!((em.evaluations_per_chain(), planned, em.batched_calls), (50.0, 1.0, 50));
    for (windows, rounds) in [(1, 0), (1, 3), (4, 0), (3, 2)] {
        let options =
            Options { windows: Some(windows), rounds: Some(rounds), ..Options::default() };
        let (rm, planned) = run("rm", &options);
        let exact = 1 + (rounds + 1) * windows;
        assert_eq!((rm.evaluations_per_chain(), planned), ((steps * exact) as f64, exact as f64));
        assert_eq!(rm.batched_calls, (steps * (rounds + 2)) as u64);
        assert_eq!(rm.rounds, (steps * rounds) as u64);
    }
    for method in ["pmm1", "pmm2"] {
        let (one, planned) = run(method, &Options { substeps: Some(1), ..Options::default() });
        assert_eq!((one.evaluations_per_chain(), planned, one.batched_calls), (50.0, 1.0, 50));
        let (many, planned) = run(method, &Options { substeps: Some(8), ..Options::default() });
        assert_eq!((planned, many.batched_calls), (2.0 - 1.0 / 8.0, 100));
        // 20,000 coins of variance at most 7/8 (Poisson-like for option 1): six standard deviations
        // of the mean over chains and steps are 6 · √(0.875/20000) = 0.04, a false alarm once in
        // 5·10^8 runs.
        let per_step = many.evaluations_per_chain() / steps as f64;
        assert!((per_step - planned).abs() < 0.04, "{method}: {per_step}");
    }
    // A tolerance saves rounds and the sampler reports fewer than the most there can be.
    let (tolerant, planned) = run(
        "rm",
        &Options {
            windows: Some(4),
            rounds: Some(20),
            tolerance: Some(1e-6),
            ..Options::default()
        },
    );
    assert!(
        tolerant.evaluations_per_chain() < 0.6 * planned * steps as f64,
        "{}",
        tolerant.evaluations_per_chain()
    );
    assert!(tolerant.rounds < 20 * steps as u64);
}

#[test]
fn a_tight_tolerance_reaches_the_fixed_point() {
    let target = target();
    let state = |options: Options| {
        let sampler = catalog::sampler::<f64>("underdamped", "rm", &options).unwrap();
        Run::new(&*sampler, &target, TimeGrid::uniform(0.3, 20).unwrap())
            .chains(64)
            .run()
            .unwrap()
            .state
    };
    let fixed = state(Options { windows: Some(4), rounds: Some(60), ..Options::default() });
    let stopped = state(Options {
        windows: Some(4),
        rounds: Some(60),
        tolerance: Some(1e-12),
        ..Options::default()
    });
    let largest = fixed.iter().zip(&stopped).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(largest < 1e-9, "{largest:e}");
}

/// Every midpoint of a step goes to the drift in one call, with its own time inside the step.
#[test]
fn midpoints_go_in_one_call_with_their_own_times() {
    let calls = Mutex::new(Vec::new());
    let drift = |times: Times<'_>,
                 x: ArrayView2<'_, f64>,
                 mut out: ArrayViewMut2<'_, f64>|
     -> Result<(), BoxError> {
        calls.lock().unwrap().push((0..x.nrows()).map(|i| times.at(i)).collect::<Vec<_>>());
        out.assign(&(-&x));
        Ok(())
    };
    let sampler = PoissonMidpoint::new(Overdamped, 5).unwrap().with_selection(Selection::Bernoulli);
    let noise = Philox::new(1);
    let mut state =
        State::new(Array2::zeros((1000, 1)).view(), 1, Sampler::<f64>::layout(&sampler), 0, &noise)
            .unwrap();
    let step = TimeGrid::uniform(0.5, 4).unwrap().step(3);
    let info = sampler.step(step, &drift, &noise, &mut state, &mut Work::new()).unwrap();
    let calls = calls.into_inner().unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(info.evaluations as usize, calls[0].len() + calls[1].len());
    assert!(calls[0].iter().all(|t| *t == 1.5));
    for i in 1..5 {
        let time = 1.5 + 0.1 * f64::from(i);
        assert!(calls[1].iter().any(|t| (t - time).abs() < 1e-12), "no midpoint at {time}");
    }
    assert!(calls[1].iter().all(|t| (1.59..1.91).contains(t)));
}
