//! A start in the middle: the steps that are left, their cost, and the distribution at the end.

use langevin::diffusion::ProcessKind;
use langevin::ndarray::{Array2, array};
use langevin::prelude::*;

use crate::support::{bits, phase, planned, two_modes, vp};

fn process(kind: ProcessKind) -> Process {
    match kind {
        ProcessKind::Vp => vp(),
        ProcessKind::Psld => phase::process(),
        other => Process::with_options(other, []).unwrap(),
    }
}

/// diffusers takes the last int(N f) of N steps.
#[test]
fn a_strength_takes_the_last_steps() {
    let plan = planned("ddim", 1000, 50);
    for (strength, taken) in [(1.0, 50), (0.8, 40), (0.5, 25), (0.29, 14), (0.02, 1)] {
        let part = plan.with_strength(strength).unwrap();
        assert_eq!(part.grid().steps(), taken, "{strength}");
        assert_eq!(part.levels(), &plan.levels()[50 - taken..]);
        assert_eq!(part.timesteps().unwrap()[..], plan.timesteps().unwrap()[50 - taken..]);
        assert_eq!(part.evaluations(), taken as f64);
    }
}

/// The cost of what is left, for every method of every process.
#[test]
fn what_is_left_costs_what_is_planned() {
    let model = DiffusedMixture::new(two_modes());
    for kind in ProcessKind::ALL {
        let importance = Method::named("pmm2").unwrap().with("selection", "importance").unwrap();
        let others = kind.is_of_data().then_some(importance);
        for method in Method::on(kind).into_iter().chain(others) {
            let plan = method.plan(&process(kind), 400).unwrap();
            let part = plan.with_strength(0.4);
            if method.name().starts_with("pc") {
                let error = part.unwrap_err().to_string();
                assert!(error.contains("a start in the middle of pc"), "{error}");
                continue;
            }
            let part = part.unwrap();
            let chains = 200;
            let samples = part.run(&model).unwrap().chains(chains).run().unwrap();
            let found = samples.evaluations_per_chain();
            let planned = part.evaluations();
            // A step adds a number of midpoints of variance below 1: six standard deviations.
            let random = method.name().starts_with("pmm");
            let allowed = 6.0 * (part.grid().steps() as f64 / chains as f64).sqrt();
            let allowed = if random { allowed } else { 1e-9 };
            assert!((found - planned).abs() <= allowed, "{kind} {method}: {found}, {planned}");
        }
    }
}

/// The first step of a two-step method is of order 1: the memory is empty, whatever lies before.
#[test]
fn a_multistep_method_begins_with_an_empty_memory() {
    let model = DiffusedMixture::new(two_modes());
    let plan = planned("dpmpp2m", 1000, 20);
    let part = plan.with_strength(0.5).unwrap();
    let timesteps = part.timesteps().unwrap();
    let list: Vec<_> = timesteps.iter().map(usize::to_string).collect();
    let listed = planned(&format!("dpmpp2m:timesteps={}", list.join("+")), 1000, 10);
    let start = array![[0.3, -1.0], [1.0, 0.2]];
    let run = |plan: &Plan| plan.run(&model).unwrap().start(start.clone()).run().unwrap();
    assert_eq!(bits(&run(&part).state), bits(&run(&listed).state));
}

/// Data of the target that are noised and denoised again are data of the target: mean and mean
/// square of both coordinates within 3 standard errors of those of exact samples. DDPM through 300
/// of 1000 levels has a bias far below that.
///
/// 3 seeds × 4 numbers: all pass by chance but for 12 × 0.0027 = 3 %; the seeds are fixed.
#[test]
fn noised_data_come_back_as_data() {
    let target = two_modes();
    let model = DiffusedMixture::new(target.clone());
    let plan = planned("ddpm:grid=equal", 1000, 1000).with_strength(0.3).unwrap();
    let chains = 2000;
    for seed in [1, 2, 3] {
        let data = target.sample(chains, 77 + seed).unwrap();
        let start = plan.noised(data.view(), seed, 0).unwrap();
        let samples = plan.run(&model).unwrap().start(start).seed(seed).run().unwrap();
        let found = samples.positions().to_owned();
        assert_ne!(found, data);
        let squares = |x: &Array2<f64>| x.mapv(|x| x * x);
        let mean = target.mean();
        let want = [mean.clone(), target.covariance().diag().to_owned() + &mean * &mean];
        for (what, (rows, want)) in [found.clone(), squares(&found)].iter().zip(want).enumerate() {
            for (column, want) in rows.columns().into_iter().zip(want) {
                let error = column.std(1.0) / (chains as f64).sqrt();
                let off = column.mean().unwrap() - want;
                assert!(off.abs() < 3.0 * error, "seed {seed}, {what}: {off} ± {error}");
            }
        }
    }
}

#[test]
fn strengths_that_make_no_sense_are_refused() {
    let plan = planned("ddim", 1000, 20);
    for bad in [0.0, -0.5, 1.1, f64::NAN] {
        let error = plan.with_strength(bad).unwrap_err().to_string();
        assert!(error.contains("expected a number in (0, 1]"), "{error}");
    }
    let error = plan.with_strength(0.04).unwrap_err().to_string();
    assert!(error.contains("at least one of them"), "{error}");
}
