//! What holds for every generation method: budgets, prices, options as text, the tables of the
//! docs, and the exact variance of a Gaussian against runs.

use langevin::advanced::{Address, Noise, Philox, Purpose};
use langevin::diffusion::{Factor, ProcessKind};
use langevin::ndarray::{Array2, s};
use langevin::prelude::*;

use crate::support::cost::{CHAINS, cost_of, evaluations_of, per_chain};
use crate::support::forecast::end_variance;
use crate::support::gaussian::model;
use crate::support::{docs, phase, planned, refusal, ring, vp};

fn process(kind: ProcessKind) -> Process {
    match kind {
        ProcessKind::Vp => vp(),
        ProcessKind::Psld => phase::process(),
        other => Process::with_options(other, []).unwrap(),
    }
}

#[test]
fn budgets_are_kept_and_reported() {
    let model = DiffusedMixture::new(ring(0.05));
    for kind in ProcessKind::ALL {
        for method in Method::on(kind) {
            for evaluations in [20, 50, 137, 1000] {
                let plan = match method.plan(&process(kind), evaluations) {
                    Ok(plan) => plan,
                    Err(Error::TooFew { needed, .. }) if method.name().starts_with("pc") => {
                        assert!(needed > evaluations, "{method}");
                        continue;
                    }
                    Err(other) => panic!("{method}: {other}"),
                };
                let planned = plan.evaluations();
                assert!(planned <= evaluations as f64, "{method}: {planned} of {evaluations}");
                if !method.name().starts_with("pmm") {
                    let found = per_chain(cost_of(&plan, &model));
                    assert!((found - planned).abs() <= 1e-9, "{method}: {found} of {planned}");
                    continue;
                }
                // A step adds a number of midpoints of variance below 1, so the mean over the
                // chains is off by six standard deviations once in 5·10^8.
                let allowed = 6.0 * (plan.grid().steps() as f64 / CHAINS as f64).sqrt();
                let found = evaluations_of(&plan, &model);
                let close = found.iter().all(|found| (found - planned).abs() <= allowed);
                assert!(close, "{method}: {found:?} of {planned}");
            }
        }
    }
}

/// The methods of the tables in docs/diffusion.md and docs/phase-space.md: names, evaluations per
/// step, and smallest budgets.
#[test]
fn the_tables_of_methods_are_right() {
    for (kind, page) in [(ProcessKind::Vp, "diffusion.md"), (ProcessKind::Psld, "phase-space.md")] {
        let table = docs::table(page, "## Methods");
        assert_eq!(table[0], ["name", "method", "evaluations per step", "least"]);
        let mut documented = Vec::new();
        for row in &table[1..] {
            for name in row[0].split(", ").map(|name| name.trim_matches('`').to_owned()) {
                let method = Method::named(&name).unwrap();
                let least: usize = row[3].parse().unwrap();
                assert_eq!(method.least_evaluations(&process(kind)), Some(least), "{name}");
                let plan = method.plan(&process(kind), least).unwrap();
                assert!(plan.evaluations() <= least as f64);
                let error = method.plan(&process(kind), least - 1).unwrap_err();
                let fits = matches!(error, Error::TooFew { needed, .. } if needed == least);
                assert!(fits, "{name}: {error}");
                check_price(&row[2], &method, &process(kind));
                documented.push(name);
            }
        }
        let mut all: Vec<_> = Method::on(kind).iter().map(|m| m.name().to_owned()).collect();
        all.sort();
        documented.sort();
        assert_eq!(documented, all, "{page}");
    }
}

/// Compares the evaluations of a plan with those that a table states for a step.
fn check_price(stated: &str, method: &Method, process: &Process) {
    let plan = method.plan(process, 241).unwrap();
    let steps = plan.grid().steps() as f64;
    let in_phase_space = process.kind() == ProcessKind::Psld;
    // The last step of em and rm, and of all methods in phase space, costs one evaluation.
    let finished = in_phase_space || matches!(method.name(), "em" | "rm" | "heun");
    let want = match stated {
        "1" | "2" | "3" => {
            let each: f64 = stated.parse().unwrap();
            if finished { each * (steps - 1.0) + 1.0 } else { each * steps }
        }
        "2, last step 1" => 2.0 * (steps - 1.0) + 1.0,
        "1 + (P + 1) R, last step 1" | "1 + (P + 1) R" => 2.0 * (steps - 1.0) + 1.0,
        "2 − 1/K" if in_phase_space => (2.0 - 1.0 / 16.0) * (steps - 1.0) + 1.0,
        "2 − 1/K" => plan.grid().iter().map(|interval| 2.0 - 1.0 / interval.length).sum(),
        // The block that ends in the data selects its last level always.
        "2 − q₀" => {
            let count = plan.grid().steps() - 1;
            let one = |(i, length): (usize, f64)| match length {
                1.0 => 1.0,
                _ if i == count => 2.0,
                _ => 2.0 - 0.1 / length,
            };
            plan.grid().iter().map(|interval| interval.length).enumerate().map(one).sum()
        }
        "those of its parts" => return,
        other => panic!("{method}: the table states {other}"),
    };
    assert!((plan.evaluations() - want).abs() < 1e-12, "{method}: {want}");
}

/// A value for every option.
pub const VALUES: [(&str, &str); 36] = [
    ("grid", "equal"),
    ("timesteps", "998+500+0"),
    ("sigmas", "10+1+0.1"),
    ("blocks", "600+399+1"),
    ("variance", "large"),
    ("eta", "0.25"),
    ("noise-scale", "0.9"),
    ("end-time", "0.015625"),
    ("substeps", "8"),
    ("lambda-s", "0.5"),
    ("noise-form", "remaining"),
    ("windows", "3"),
    ("rounds", "3"),
    ("tolerance", "0.001"),
    ("control-variate", ""),
    ("corrector-time", "0.75"),
    ("corrector-step", "0.3"),
    ("friction", "1.5"),
    ("lower-at-end", ""),
    ("order", "1"),
    ("rule", "linear"),
    ("noise-share", "0.5"),
    ("predictor", "3"),
    ("corrector", "3"),
    ("tau", "0.5"),
    ("tau-interval", "0.1+1"),
    ("noise-function", "ddpm"),
    ("variant", "bh1"),
    ("form", "noise"),
    ("switch", "300"),
    ("selection", "importance"),
    ("extrapolation", "0.25"),
    ("churn", "9"),
    ("churn-min", "1"),
    ("churn-max", "1"),
    ("churn-noise", "1.1"),
];

/// Reading and printing are inverse to each other, for each option alone and for all together.
#[test]
fn methods_as_text_lead_back() {
    let mut names: Vec<_> = Method::all_options().iter().map(|option| option.name).collect();
    let mut known = VALUES.map(|(name, _)| name);
    names.sort();
    known.sort();
    assert_eq!(names, known);
    for method in Method::all() {
        assert_eq!(method.to_string(), method.name());
        let mut all = method.clone();
        for (name, value) in VALUES {
            let taken = ProcessKind::ALL
                .iter()
                .any(|kind| method.options(*kind).iter().any(|option| option.name == name));
            let Ok(with) = method.clone().with(name, value) else {
                let error = method.clone().with(name, value).unwrap_err();
                assert!(matches!(error, Error::NotTaken { .. }) && !taken, "{method}: {error}");
                continue;
            };
            assert!(taken, "{method} takes {name}");
            let given: Vec<_> = with.given().into_iter().map(|(n, v)| (n, v.to_string())).collect();
            assert_eq!(given, [(name, value.to_owned())]);
            assert_eq!(with.to_string().parse::<Method>().unwrap(), with);
            assert_ne!(with, method);
            all = all.with(name, value).unwrap();
        }
        assert_eq!(all.to_string().parse::<Method>().unwrap(), all, "{all}");
    }
}

/// An option that is planned acts: it changes the plan or the run.
#[test]
fn every_option_acts() {
    let model = DiffusedMixture::new(ring(0.3));
    let state = |method: &Method, process: &Process| {
        let plan = method.plan(process, 500)?;
        plan.run(&model)?.chains(20).run().map(|samples| samples.state)
    };
    for kind in ProcessKind::ALL {
        for method in Method::on(kind) {
            for option in method.options(kind) {
                let (name, value) = *VALUES.iter().find(|(name, _)| *name == option.name).unwrap();
                // The last block of all levels of a flow begins in pure noise.
                if name == "blocks" && kind == ProcessKind::Flow {
                    continue;
                }
                // In phase space equal steps are the default.
                let quadratic = name == "grid" && kind == ProcessKind::Psld;
                let value = if quadratic { "quadratic" } else { value };
                let known = name == "selection" && method.name() == "pmm2m";
                let value = if known { "uniform" } else { value };
                // Some options need another one.
                let base = match name {
                    "tolerance" => method.clone().with("rounds", "2").unwrap(),
                    "churn-min" | "churn-max" | "churn-noise" => {
                        method.clone().with("churn", "9").unwrap()
                    }
                    "switch" => method.clone().with("form", "velocity+data").unwrap(),
                    "noise-form" => method.clone().with("lambda-s", "0.5").unwrap(),
                    _ => method.clone(),
                };
                let with = base.clone().with(name, value).unwrap();
                let plain = state(&base, &process(kind)).unwrap();
                let found = state(&with, &process(kind)).unwrap();
                assert_ne!(plain, found, "{with} on {kind}");
            }
        }
    }
}

#[test]
fn methods_and_options_that_make_no_sense_are_refused() {
    let message = |method: &str, process: &Process| refusal(method, process, 50);
    let error = message("plms", &vp());
    assert!(error.starts_with("unknown method `plms`; there are: ddpm, ddim"), "{error}");
    let error = message("heun", &phase::process());
    assert!(error.contains("of the process psld `heun`; there are: em, ei, sscs, oba"), "{error}");
    let error = message("ddim:grid", &vp());
    assert!(error.starts_with("grid: given ``, expected a value"), "{error}");
    let error = message("ddim::grid=equal", &vp());
    assert!(error.contains("expected an option behind every colon"), "{error}");
    let listed = Method::named("ddim").unwrap().plan_listed(&vp()).unwrap_err();
    assert!(matches!(listed, Error::Missing { option: "evaluations", .. }), "{listed}");
    assert!(listed.to_string().starts_with("ddim without timesteps and blocks"), "{listed}");
}

/// Levels, timesteps and the clock of a plan fit together.
#[test]
fn a_plan_tells_its_levels_and_timesteps() {
    let plan = "ddim:timesteps=999+500+0".parse::<Method>().unwrap().plan_listed(&vp()).unwrap();
    assert_eq!(plan.levels(), [1000, 501, 1, 0]);
    assert_eq!(plan.timesteps(), Some(vec![999, 500, 0]));
    assert_eq!(plan.evaluations(), 3.0);
    for (i, level) in plan.levels().iter().enumerate() {
        let found = plan.clock().level(plan.grid().time(i)).unwrap();
        assert_eq!(found, LevelTable::linear(1000).unwrap().level(*level));
    }
    let plan = Method::named("roba").unwrap().plan(&phase::process(), 50).unwrap();
    assert_eq!((plan.levels().len(), plan.timesteps()), (0, None));
}

/// x = √ᾱ x₀ + √(1−ᾱ) z, and z = E x₀ + L ε in phase space, with the normals of a run's start.
#[test]
fn data_are_noised_with_the_noise_of_the_run() {
    let data = Array2::from_shape_fn((300, 2), |(i, j)| (i as f64 - 150.0) / 40.0 + j as f64);
    let normals = |purpose| {
        let chains: Vec<u32> = (5..305).collect();
        let mut z = vec![0.0; 600];
        Philox::new(7).normals(Address::new(0, purpose, 0), &chains, &mut z);
        Array2::from_shape_fn((300, 2), |(i, j)| z[300 * j + i])
    };
    let z = normals(Purpose::Start);
    let plan = planned("ddim:timesteps=300+100+0", 1000, 3);
    let level = LevelTable::linear(1000).unwrap().level(301);
    let found = plan.noised(data.view(), 7, 5).unwrap();
    let want = &data * level.signal() + &z * level.noise();
    assert!((&found - &want).iter().all(|off| off.abs() < 1e-14));
    let part = plan.noised(data.slice(s![290.., ..]), 7, 295).unwrap();
    assert_eq!(part, found.slice(s![290.., ..]));
    let plan = Method::named("roba").unwrap().plan(&phase::process(), 50).unwrap();
    let found = plan.noised(data.view(), 7, 5).unwrap();
    let [[x, _], [m, _]] = Psld::PAPER.propagator(8.0);
    let [[a, _], [b, c]] = Psld::PAPER.noise_factor(8.0, Factor::Lower);
    let w = normals(Purpose::Momentum);
    let want = [&data * x + &z * a, &data * m + &z * b + &w * c];
    for (block, want) in want.iter().enumerate() {
        let found = found.slice(s![.., 2 * block..2 * block + 2]);
        assert!((&found - want).iter().all(|off| off.abs() < 1e-12), "block {block}");
    }
}

/// The variance at the end of a run on N(0, 0.3) data, against the exact one, which follows from
/// the affine maps of all steps. Predictor–corrector runs have coins inside of their steps. A test
/// of their own does the same.
///
/// 20 methods × 3 seeds, each within six standard errors: 60 × 2e-9 false alarms.
#[test]
fn runs_end_with_the_exact_variance_of_a_gaussian() {
    let model = model(0.3);
    let chains = 8000;
    for kind in ProcessKind::ALL {
        for method in Method::on(kind).iter().filter(|method| !method.name().starts_with("pc")) {
            let plan = method.plan(&process(kind), 60).unwrap();
            let exact = end_variance(&plan, 0.3);
            for seed in [0, 1, u64::MAX] {
                let run = plan.run(&model).unwrap().start_normal(1).chains(chains).seed(seed);
                let squares = run.run().unwrap().positions().mapv(|x| x * x);
                let mean = squares.mean().unwrap();
                let spread = squares.mapv(|s| (s - mean) * (s - mean)).mean().unwrap();
                let error = (spread / chains as f64).sqrt();
                let name = format!("{kind} {method}, seed {seed}");
                assert!((mean - exact).abs() < 6.0 * error, "{name}: {mean} {exact} ± {error}");
            }
        }
    }
}
