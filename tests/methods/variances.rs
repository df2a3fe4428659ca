//! The exact variance with which every plan ends on Gaussian data, without sampling: the tables of
//! docs/accuracy.md, and tables of levels that are not customary.

use langevin::diffusion::{ProcessKind, Schedule, Warning};
use langevin::prelude::*;

use crate::support::affine::after;
use crate::support::blocks::{Block, Normal};
use crate::support::docs;
use crate::support::forecast::{end_variance, poisson};
use crate::support::gaussian::model;
use crate::support::matrix::diagonal;
use crate::support::{planned, vp};

/// The variance of the data.
const DATA: f64 = 0.25;
const VP_GRIDS: [&str; 6] = ["quadratic", "equal", "logsnr", "leading", "trailing", "linspace"];
const PHASE_GRIDS: [&str; 2] = ["uniform", "quadratic"];

/// A method with each of its grids.
fn with_grids(method: &Method, kind: ProcessKind) -> Vec<Method> {
    let grids: &[&str] = if kind == ProcessKind::Vp { &VP_GRIDS } else { &PHASE_GRIDS };
    if method.name().starts_with("pc") {
        return vec![method.clone()];
    }
    grids.iter().map(|grid| method.clone().with("grid", grid).unwrap()).collect()
}

/// Whether a plan warns that it has too few steps.
fn warns(plan: &Plan) -> bool {
    let warnings = plan.warnings::<f64>(&model(DATA)).unwrap();
    warnings.iter().any(|warning| matches!(warning, Warning::FewSteps { .. }))
}

/// What becomes of a method with a budget, over processes and grids: the variance at the end in
/// units of that of the data.
#[derive(Default)]
struct Found {
    ratios: Vec<f64>,
    warned: bool,
}

impl Found {
    fn of(method: &Method, processes: &[Process], budget: usize) -> Self {
        let mut found = Self::default();
        for process in processes {
            for method in with_grids(method, process.kind()) {
                match method.plan(process, budget) {
                    Ok(plan) if warns(&plan) => found.warned = true,
                    Ok(plan) => {
                        let ratio = end_variance(&plan, DATA) / DATA;
                        let name = format!("{method} on {process} with {budget} evaluations");
                        assert!((0.5..=2.0).contains(&ratio), "{name}: {ratio}");
                        found.ratios.push(ratio);
                    }
                    Err(Error::TooFew { .. }) => {}
                    Err(other) => panic!("{method} on {process}: {other}"),
                }
            }
        }
        found
    }

    /// As the docs print it.
    fn cell(&self) -> String {
        let low = self.ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let [low, high] = [format!("{low:.2}"), format!("{high:.2}")];
        let range = if low == high { low } else { format!("{low}–{high}") };
        match (self.ratios.is_empty(), self.warned) {
            (true, true) => "warns".into(),
            (true, false) => "refused".into(),
            (false, true) => format!("{range}, or warns"),
            (false, false) => range,
        }
    }
}

fn check_table(anchor: &str, kind: ProcessKind, processes: &[Process]) {
    let budgets = [10, 20, 50, 100, 1000];
    let line = |method: &Method| {
        let cells = budgets.map(|budget| Found::of(method, processes, budget).cell());
        format!("| `{}` | {} |", method.name(), cells.join(" | "))
    };
    let found: Vec<String> = Method::on(kind).iter().map(line).collect();
    let table = docs::table("accuracy.md", anchor);
    let header: Vec<String> = budgets.iter().map(ToString::to_string).collect();
    assert_eq!(table[0][1..], header);
    let printed: Vec<String> =
        table[1..].iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    assert!(found == printed, "docs/accuracy.md, {anchor}: found\n{}", found.join("\n"));
}

#[test]
fn the_table_of_variances_is_right() {
    let processes = Schedule::ALL.map(|schedule| Process::vp(schedule.table(1000).unwrap()));
    check_table("## Data", ProcessKind::Vp, &processes);
}

#[test]
fn the_table_of_variances_in_phase_space_is_right() {
    let betas = [Beta::constant(8.0), Beta::linear(0.1, 20.0)];
    let processes = betas.map(|beta| Process::psld(Psld::PAPER, beta.unwrap()));
    check_table("## Phase space", ProcessKind::Psld, &processes);
}

/// A table whose last level is pure noise: the square roots of ᾱ moved so that the last one is 0.
fn zero_terminal(table: &LevelTable) -> LevelTable {
    let n = table.len();
    let root = |t: usize| table.level(t).signal();
    let factor = root(1) / (root(1) - root(n));
    let moved = |t: usize| if t == 0 { 1.0 } else { (root(t) - root(n)) * factor };
    let betas = (1..=n).map(|t| 1.0 - (moved(t) / moved(t - 1)).powi(2)).collect();
    LevelTable::from_betas(betas).unwrap()
}

/// Tables with many or few levels, rates that are not scaled, and pure noise at the end. Plans that
/// do not warn are right within a factor of 2.5 from 20 evaluations on. Before there were jumps out
/// of the far noise, some ended with 10^58.
#[test]
fn other_tables_do_not_explode() {
    let linear = LevelTable::linear(1000).unwrap();
    let tables = [
        ("4000 rates of 1000", LevelTable::linear_between(4000, 1e-4, 0.02).unwrap()),
        ("10,000 rates of 1000", LevelTable::linear_between(10_000, 1e-4, 0.02).unwrap()),
        ("10,000 levels", LevelTable::linear(10_000).unwrap()),
        ("cosine, 4000 levels", LevelTable::cosine(4000).unwrap()),
        ("cosine, 400 levels", LevelTable::cosine(400).unwrap()),
        ("cosine, 100 levels", LevelTable::cosine(100).unwrap()),
        ("pure noise at the end", zero_terminal(&linear)),
        ("pure noise, scaled linear", zero_terminal(&LevelTable::scaled_linear(1000).unwrap())),
        ("100 levels", LevelTable::linear(100).unwrap()),
        ("20 levels", LevelTable::linear(20).unwrap()),
    ];
    for (name, table) in tables {
        let process = Process::vp(table);
        for method in Method::on(ProcessKind::Vp) {
            for method in with_grids(&method, ProcessKind::Vp) {
                for budget in [20, 50, 100] {
                    let Ok(plan) = method.plan(&process, budget) else { continue };
                    if !warns(&plan) {
                        let ratio = end_variance(&plan, DATA) / DATA;
                        let right = (0.4..=2.5).contains(&ratio);
                        assert!(right, "{name}: {method} with {budget}: {ratio}");
                    }
                }
            }
        }
    }
}

/// The far noise in f32: a factor of 1/√ᾱ multiplies rounding errors, and no step does more. Runs
/// of the same noise differ by less than 32 such errors.
#[test]
fn both_precisions_come_out_of_the_far_noise_alike() {
    let linear = LevelTable::linear(1000).unwrap();
    for table in [
        linear.clone(),
        LevelTable::cosine(1000).unwrap(),
        LevelTable::linear_between(10_000, 1e-4, 0.02).unwrap(),
        zero_terminal(&linear),
    ] {
        let process = Process::vp(table);
        for method in ["ddim", "dpmpp2m", "heun", "rm", "em", "ddpm"] {
            for budget in [5, 20, 50] {
                let plan = method.parse::<Method>().unwrap().plan(&process, budget).unwrap();
                let allowed = 32.0 * 2f64.powi(-24) / plan.first_level().unwrap().signal();
                let model = model(DATA);
                let wide = plan.run(&model).unwrap().chains(200).run().unwrap();
                let narrow = plan.run_in::<f32>(&model).unwrap().chains(200).run().unwrap();
                let pairs = wide.positions().into_iter().zip(narrow.positions());
                let largest = pairs.map(|(a, b)| (a - f64::from(*b)).abs() / a.abs().max(1.0));
                let largest = largest.fold(0.0, f64::max);
                let name = format!("{method} {budget} on {process}");
                assert!(largest < allowed, "{name}: {largest:e}, allowed {allowed:e}");
            }
        }
    }
}

/// The formula for a block of levels against the matrices of the sampler, averaged over its coins.
#[test]
fn a_block_of_levels_is_averaged_exactly() {
    let options = ["", ":form=noise", ":form=velocity", ":selection=importance"];
    for (method, option) in ["pmm1", "pmm2"].into_iter().flat_map(|m| options.map(|o| (m, o))) {
        let plan = planned(&format!("{method}{option}:blocks=400+560+31+8+1"), 1000, 10);
        let (chain, coins) = poisson(&plan);
        let sampler = plan.sampler::<f64>().unwrap();
        let drift = plan.drift::<f64>(model(DATA)).unwrap();
        let data = Normal { mean: 0.0, variance: DATA };
        for (i, pair) in plan.levels().windows(2).enumerate().skip(2) {
            let block = Block { chain: &chain, data, coins, from: pair[0], to: pair[1] };
            let interval = plan.grid().interval(i);
            let coins = sampler.coin_scripts_of(interval).unwrap();
            let read = after(&*sampler, interval, &*drift, &coins, &diagonal(0.7, 0.0))[0][0];
            let found = block.after(Normal { mean: 0.0, variance: 0.7 }).variance;
            let name = format!("{method}{option} {pair:?}");
            assert!((found / read - 1.0).abs() < 1e-10, "{name}: {found} {read}");
        }
    }
}

/// Data noised to the first level are not standard normal: few levels of unscaled rates, timesteps
/// from the middle, a small rate in phase space. The start is then the Gaussian of the noised data.
#[test]
fn runs_start_from_the_noised_data() {
    let unscaled = |levels| Process::vp(LevelTable::linear_between(levels, 1e-4, 0.02).unwrap());
    let slow = Process::psld(Psld::PAPER, Beta::constant(0.5).unwrap());
    for (method, process, evaluations) in [
        ("ddim", unscaled(10), 10),
        ("ddim", unscaled(100), 100),
        ("heun:timesteps=300+250+200+150+100+50+20+5+0", vp(), 100),
        ("dpmpp2m:timesteps=300+250+200+150+100+50+20+5+0", vp(), 100),
        ("sscs", slow.clone(), 50),
        ("rm", slow, 100),
    ] {
        let plan = method.parse::<Method>().unwrap().plan(&process, evaluations).unwrap();
        let ratio = end_variance(&plan, DATA) / DATA;
        assert!((ratio - 1.0).abs() < 0.2, "{method} on {process}: {ratio}");
        // Runs do what the formula says: three seeds, each within six standard errors, 2e-9 each.
        for seed in [0, 1, u64::MAX] {
            let run = plan.run(model(DATA)).unwrap().chains(4000).seed(seed);
            let squares = run.run().unwrap().positions().mapv(|x| x * x / DATA);
            let mean = squares.mean().unwrap();
            let error = (squares.mapv(|s| (s - mean) * (s - mean)).mean().unwrap() / 4000.0).sqrt();
            assert!((mean - ratio).abs() < 6.0 * error, "{method}, seed {seed}: {mean} {ratio}");
        }
    }
}

/// Tables of one, two and three levels, rates of 1, and budgets of a few evaluations: an error, or
/// a run that ends with finite numbers.
#[test]
fn small_tables_and_budgets_are_refused_or_finite() {
    let tables = [
        vec![0.5],
        vec![0.999],
        vec![1e-9],
        vec![0.5, 1.0],
        vec![0.1, 0.9],
        vec![1e-4, 0.999],
        vec![0.1, 0.5, 1.0],
        vec![0.999_999_999, 1.0],
        vec![0.9; 60],
    ];
    let mut processes: Vec<Process> =
        tables.map(|betas| Process::vp(LevelTable::from_betas(betas).unwrap())).into();
    let betas = [Beta::constant(1e-6), Beta::constant(8.0), Beta::cosine(0.008)];
    processes.extend(betas.map(|beta| Process::psld(Psld::PAPER, beta.unwrap())));
    let mut ran = 0;
    for process in &processes {
        for method in Method::on(process.kind()) {
            for method in with_grids(&method, process.kind()) {
                for budget in [0, 1, 2, 3, 4, 5, 7, 60] {
                    let Ok(plan) = method.plan(process, budget) else { continue };
                    let samples = plan.run(model(DATA)).unwrap().chains(5).threads(1).run();
                    let name = format!("{method} on {process} with {budget}");
                    let samples = samples.unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert!(samples.positions().iter().all(|x| x.is_finite()), "{name}");
                    ran += 1;
                }
            }
        }
    }
    assert!(ran > 500, "{ran}");
}

/// Listed levels of pure noise are refused: a method would have to divide by √ᾱ = 0.
#[test]
fn levels_of_pure_noise_are_refused() {
    let process = Process::vp(zero_terminal(&LevelTable::linear(1000).unwrap()));
    for name in ["ddpm", "ddim", "dpmpp2m", "heun", "em", "rm", "pmm1", "pmm2"] {
        let with = |list: &str| {
            let method = Method::named(name).unwrap().with("timesteps", list).unwrap();
            method.plan_listed(&process)
        };
        let error = with("999,500,0").unwrap_err().to_string();
        assert!(error.contains("expected timestep 998 or one below"), "{name}: {error}");
        assert!(with("998,500,0").is_ok(), "{name}");
    }
}
