//! Grids by formulas for σ, on all processes: the numbers of their definitions, of other software,
//! and what is refused.

use langevin::diffusion::{Flow, Level, ProcessKind, Spacing};
use langevin::prelude::*;

use crate::support::{refusal, vp};

fn sigmas(process: &Process, grid: &str, steps: usize) -> Vec<f64> {
    let method: Method = format!("dpmpp2m:grid={grid}").parse().unwrap();
    let visited = method.plan(process, steps).unwrap().visited();
    assert_eq!((visited.len(), visited[visited.len() - 1]), (steps + 1, Level::CLEAN), "{grid}");
    visited[..steps].iter().map(Level::sigma).collect()
}

fn near(name: &str, found: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(found.len(), want.len(), "{name}");
    for (found, want) in found.iter().zip(want) {
        assert!((found / want - 1.0).abs() < tolerance, "{name}: {found} {want}");
    }
}

/// Levels of the scaled linear schedule with 5 steps, as other software prints them.
#[test]
fn grids_have_the_numbers_of_other_software() {
    let process = Process::vp(LevelTable::scaled_linear(1000).unwrap());
    for (grid, want) in [
        ("karras", [14.6146, 4.79653, 1.27410, 0.247950, 0.0291672]),
        ("exponential", [14.6146, 3.08898, 0.652892, 0.137996, 0.0291672]),
        ("polyexponential:rho=1.5", [14.6146, 1.65397, 0.262694, 0.0634426, 0.0291672]),
        ("beta", [14.6146, 12.0523, 7.32190, 2.59155, 0.0291672]),
        ("beta-timesteps", [14.6146, 7.37184, 2.61524, 1.02733, 0.395510]),
        ("sgm-uniform", [14.6146, 5.09241, 2.27973, 1.16286, 0.571189]),
        ("simple", [14.6146, 5.08776, 2.27646, 1.16058, 0.569285]),
        ("normal", [14.6146, 4.08608, 1.61558, 0.695150, 0.0291672]),
        ("kl-optimal", [14.6146, 2.14274, 0.961588, 0.419836, 0.0291672]),
    ] {
        near(grid, &sigmas(&process, grid, 5), &want, 6e-6);
    }
    // Between the levels of the table by log σ; on them it is the quadratic grid.
    let power = sigmas(&process, "power", 5);
    let quadratic = sigmas(&process, "quadratic", 5);
    near("power", &power, &quadratic, 1e-12);
    let flow: Vec<f64> =
        [0.923077, 0.818182, 0.666667, 0.428571].iter().map(|t: &f64| t / (1.0 - t)).collect();
    near("shifted", &sigmas(&process, "shifted:shift=3", 5)[1..], &flow, 2e-5);
}

/// A list of σ at other numbers of steps: its logarithm is linear in the index.
#[test]
fn a_list_is_interpolated_in_its_logarithm() {
    let list = "14.6146412293+6.4745760956+3.8636745985+2.6946151520+1.8841921177+1.3943805092+\
                0.9642583904+0.6523686016+0.3977456272+0.1515232662+0.0291671582";
    let method: Method = format!("dpmpp2m:sigmas={list}").parse().unwrap();
    let process = Process::vp(LevelTable::scaled_linear(1000).unwrap());
    let visited = |steps| method.plan(&process, steps).unwrap().visited();
    let found: Vec<f64> = visited(20)[..5].iter().map(Level::sigma).collect();
    near("20", &found, &[14.6146, 9.72747, 6.47458, 5.00157, 3.86367], 6e-6);
    let own = method.plan_listed(&process).unwrap();
    assert_eq!((own.visited().len(), own.evaluations()), (11, 10.0));
    assert!((own.visited()[9].sigma() - 0.1515232662).abs() < 1e-12);
    assert_eq!(own.timesteps(), None);
}

/// The grid of diffusers for flow matching, in which the shift acts twice, and the plain one.
#[test]
fn grids_of_flow_matching_are_those_of_other_software() {
    let times = |process: &Process, grid: &str, steps| -> Vec<f64> {
        let method: Method = format!("dpmpp2m{grid}").parse().unwrap();
        method.plan(process, steps).unwrap().visited().iter().map(Level::flow_time).collect()
    };
    let shifted = Process::flow(3.0).unwrap();
    let found = times(&shifted, ":grid=flow-linspace", 10);
    near("diffusers", &found[..3], &[1.0, 0.960129, 0.913349], 6e-7);
    near("diffusers", &found[8..10], &[0.278049, 0.00892857], 3e-6);
    let plain = times(&shifted, "", 10);
    for (j, t) in plain.iter().enumerate() {
        let u = 1.0 - j as f64 / 10.0;
        assert!((t - 3.0 * u / (1.0 + 2.0 * u)).abs() < 1e-15, "{j}: {t}");
    }
    let dynamic = Process::flow(libm::exp(1.15)).unwrap();
    let found = times(&dynamic, ":grid=shifted", 5);
    assert_eq!(found.len(), 6);
    assert!((Flow::dynamic_shift(4096) - libm::exp(1.15)).abs() < 1e-14);
    assert!((Flow::dynamic_shift(256) - libm::exp(0.5)).abs() < 1e-14);
    let stretched = times(&shifted, ":grid=flow-linspace:terminal=0.1", 10);
    near("terminal", &[stretched[0], stretched[9]], &[1.0, 0.1], 1e-15);
    // Formulas act on t in place of σ.
    let karras = times(&Process::flow(1.0).unwrap(), ":grid=karras", 3);
    let middle = (0.5 * (1.0 + 0.001f64.powf(1.0 / 7.0))).powi(7);
    near("karras", &karras[..3], &[1.0, middle, 0.001], 1e-12);
}

#[test]
fn the_grid_of_edm_is_that_of_its_paper() {
    let process = Process::with_options(ProcessKind::Edm, []).unwrap();
    let method: Method = "dpmpp2m".parse().unwrap();
    let visited = method.plan(&process, 5).unwrap().visited();
    let found: Vec<f64> = visited[..5].iter().map(Level::sigma).collect();
    near("edm", &found, &[80.0, 17.5278, 2.51522, 0.169753, 0.002], 3e-6);
}

/// A shift of the process multiplies σ of every level.
#[test]
fn a_shift_multiplies_sigma() {
    let table = LevelTable::linear(1000).unwrap();
    let shifted = table.shifted(3.0).unwrap();
    for t in [1, 10, 500, 1000] {
        assert!((shifted.level(t).sigma() / table.level(t).sigma() / 3.0 - 1.0).abs() < 1e-12);
    }
    assert!(table.shifted(0.0).is_err() && table.shifted(f64::NAN).is_err());
}

#[test]
fn bad_grids_are_refused() {
    let vp = vp();
    let message = |grid: &str| refusal(&format!("dpmpp2m:grid={grid}"), &vp, 20);
    assert!(message("flow-linspace").contains("needs a flow process"));
    assert!(message("karras:sigma-min=3:sigma-max=2").contains("above sigma min"));
    assert!(message("karras:sigma-min=0").starts_with("sigma min: given 0"));
    assert!(message("karras:rho=-1").contains("a number from 0.01 to 100"));
    assert!(message("shifted:shift=-1").starts_with("shift: given -1"));
    assert!(message("karras:windows=3").contains("windows is not an option of dpmpp2m"));
    let few = Process::vp(LevelTable::linear(10).unwrap());
    assert!(refusal("dpmpp2m:grid=simple", &few, 20).contains("from 1 to the number of levels"));
    assert!(refusal("dpmpp2m:sigmas=3", &few, 20).contains("at least two sigmas"));
    assert!(refusal("dpmpp2m:sigmas=3+0", &few, 20).starts_with("sigma: given 0"));
    assert!(refusal("dpmpp2m:sigmas=1+2", &few, 2).contains("become noisier"));
    let both = refusal("dpmpp2m:sigmas=3+2:grid=karras", &vp, 20);
    assert!(both.contains("give only one of grid, timesteps, sigmas and blocks"), "{both}");
    assert!(
        "karras".parse::<Spacing>().unwrap().levels(&LevelTable::linear(9).unwrap(), 3).is_err()
    );
}
