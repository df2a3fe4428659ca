//! The numbers of diffusers (0.42.0, run by `golden/diffusers_reference.py`) for DDIM, DDPM and
//! DPM-Solver++(2M), on the same ε, with all its spacings. Where diffusers steps to another level
//! than the next of its own grid, the reference is its step taken to the right level.

use langevin::advanced::{Address, Noise};
use langevin::diffusion::dynamics::{Ancestral, DpmSolver};
use langevin::diffusion::{Clock, Denoised, Schedule, Spacing, from_timesteps};
use langevin::dynamics::LinearDynamics;
use langevin::ndarray::{Array2, array};
use langevin::prelude::*;
use serde_json::Value;

pub fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/diffusers_reference.json")).unwrap()
}

pub fn model() -> DiffusedMixture {
    let means = array![[1.0, 0.0], [-0.5, 0.8], [-0.3, -0.9]];
    let data = GaussianMixture::isotropic(means.view(), 0.3).unwrap();
    DiffusedMixture::new(data.with_weights(&[0.2, 0.5, 0.3]).unwrap())
}

pub fn rows(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_vec((rows.len(), 2), rows.into_iter().flatten().collect()).unwrap()
}

pub fn table(name: &Value) -> LevelTable {
    let schedule = match name.as_str().unwrap() {
        "scaled_linear" => Schedule::ScaledLinear,
        "squaredcos_cap_v2" => Schedule::Cosine,
        other => other.parse().unwrap(),
    };
    schedule.table(1000).unwrap()
}

/// Ends of cosine schedules have ᾱ = 2.4e-9, which amplifies rounding by 2e4 in both programs.
fn tolerance(schedule: &Value) -> f64 {
    if schedule == "squaredcos_cap_v2" { 1e-9 } else { 1e-11 }
}

/// The noise of the reference: 1.2 sin(0.37 (step+1) + 1.3 row + 2.1 coordinate).
pub struct Sines;

impl Noise<f64> for Sines {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        for (i, z) in out.iter_mut().enumerate() {
            let coordinate = (i / chains.len()) as f64;
            let row = f64::from(chains[i % chains.len()]);
            let step = f64::from(address.step() + 1);
            *z = 1.2 * (0.37 * step + 1.3 * row + 2.1 * coordinate).sin();
        }
    }
    fn uniforms(&self, _: Address, _: &[u32], out: &mut [f64]) {
        out.fill(0.5);
    }
}

/// Positions after every step.
fn run<D: LinearDynamics>(
    dynamics: D,
    wanted: Prediction,
    table: &LevelTable,
    levels: &[usize],
    start: &Array2<f64>,
) -> Vec<Array2<f64>> {
    let drift = Denoised::new(model(), Clock::Chain(table.clone()), wanted).unwrap();
    let grid = TimeGrid::from_knots(table.times(levels)).unwrap();
    let mut trace = Trace::new(Every::new(1).unwrap());
    let run = Run::new(EulerMaruyama::new(dynamics), drift, grid).start(start.clone());
    run.noise(Sines).observe(&mut trace).run().unwrap();
    trace.positions().outer_iter().map(|frame| frame.to_owned()).collect()
}

fn compare(name: &Value, found: &Array2<f64>, want: &Value, tolerance: f64) {
    let far = found.iter().zip(&rows(want)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(far <= tolerance, "{name}: {far:e}");
}

/// Checks a case's levels against the spacing of its name, and its states.
fn check(
    golden: &Value,
    case: &Value,
    spacing: Spacing,
    states: [&str; 2],
    run: impl Fn(&LevelTable, &[usize], &Array2<f64>) -> Vec<Array2<f64>>,
) {
    let table = table(&case["schedule"]);
    let timesteps: Vec<usize> =
        serde_json::from_value(golden["grids"][case["timesteps"].as_str().unwrap()].clone())
            .unwrap();
    let levels = from_timesteps(&table, &timesteps).unwrap();
    let steps = case["n"].as_u64().unwrap() as usize;
    assert_eq!(spacing.levels(&table, steps).unwrap(), levels, "{}", case["name"]);
    let found = run(&table, &levels, &rows(&golden["x_T"]));
    assert_eq!(found.len(), steps);
    let tolerance = tolerance(&case["schedule"]);
    compare(&case["name"], &found[steps - 1], &case[states[0]], tolerance);
    for (k, want) in case[states[1]].as_object().into_iter().flatten() {
        compare(&case["name"], &found[k.parse::<usize>().unwrap() - 1], want, tolerance);
    }
}

/// The spacing of a case, by its name in diffusers.
fn spacing(case: &Value) -> Spacing {
    case["spacing"].as_str().unwrap().parse().unwrap()
}

#[test]
fn ddim_has_the_numbers_of_diffusers() {
    let golden = golden();
    for case in golden["ddim"].as_array().unwrap() {
        check(&golden, case, spacing(case), ["b_final", "b_after"], |table, levels, start| {
            let dynamics = Ancestral::ddim(table.clone(), case["eta"].as_f64().unwrap()).unwrap();
            run(dynamics, Prediction::Epsilon, table, levels, start)
        });
    }
}

#[test]
fn ddpm_has_the_numbers_of_diffusers() {
    let golden = golden();
    for case in golden["ddpm"].as_array().unwrap() {
        let last = if case.get("b_final").is_some() { "b_final" } else { "final" };
        check(&golden, case, spacing(case), [last, "after"], |table, levels, start| {
            let dynamics = match case["variance"] == "fixed_large" {
                true => Ancestral::large(table.clone()),
                false => Ancestral::small(table.clone()),
            };
            run(dynamics, Prediction::Epsilon, table, levels, start)
        });
    }
}

#[test]
fn dpm_solver_has_the_numbers_of_diffusers() {
    let golden = golden();
    for case in golden["dpm"].as_array().unwrap() {
        let spacing = match case["spacing"].as_str().unwrap() {
            "leading" => Spacing::LeadingOpen,
            "linspace" => Spacing::LinspaceOpen,
            _ => Spacing::Trailing,
        };
        check(&golden, case, spacing, ["final", "after"], |table, levels, start| {
            let dynamics = DpmSolver::new(table.clone(), levels.to_vec()).unwrap();
            run(dynamics, Prediction::Data, table, levels, start)
        });
    }
}
