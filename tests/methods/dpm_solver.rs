//! DPM-Solver++(2M): steps by the formula of the paper, cost, distribution of a Gaussian, errors.

use langevin::diffusion::Level;
use langevin::diffusion::dynamics::DpmSolver;
use langevin::prelude::*;

use crate::support::affine::read;
use crate::support::cost::check_cost;
use crate::support::gaussian::{Fine, check_orders, model, no_coins, slopes};
use crate::support::matrix::ZERO;
use crate::support::planned;

/// x_s = √((1−ᾱ_s)/(1−ᾱ_t)) x + √ᾱ_s (1 − e^(−h)) D, where D = (1 + 1/2r) x̂₀ − (1/2r) x̂₀' and
/// x̂₀' is that of the step before. The first step and the one to level 0 take D = x̂₀.
#[test]
fn a_step_is_that_of_the_paper() {
    let v = 0.3;
    let table = LevelTable::linear(1000).unwrap();
    let half_snr = |level: Level| (level.signal() / level.noise().abs()).ln();
    for method in ["dpmpp2m", "dpmpp2m:grid=trailing", "dpmpp2m:timesteps=999+600+300+2"] {
        let plan = planned(method, 1000, 9);
        let drift = plan.drift::<f64>(model(v)).unwrap();
        let levels = plan.levels();
        for (i, interval) in plan.grid().iter().enumerate() {
            let [from, to] = [table.level(levels[i]), table.level(levels[i + 1])];
            // e^(−h) is 0 in the step to level 0, where h is infinite.
            let h = half_snr(to) - half_snr(from);
            let weight = to.signal() * (1.0 - (-h).exp());
            let extrapolated = if i == 0 || levels[i + 1] == 0 {
                0.0
            } else {
                let before = table.level(levels[i - 1]);
                0.5 * h / (half_snr(from) - half_snr(before))
            };
            let data = slopes(v, from).data;
            let scale = to.noise() / from.noise();
            let map = [
                [scale + weight * (1.0 + extrapolated) * data, -weight * extrapolated],
                [data, 0.0],
            ];
            let found = read(&*plan.sampler().unwrap(), interval, &*drift, &[]);
            found.check(&format!("{method} {}", levels[i]), &map, &ZERO);
            assert!(found.columns.is_empty());
        }
    }
}

#[test]
fn a_step_costs_one_evaluation() {
    for evaluations in [1, 20, 137] {
        check_cost(&planned("dpmpp2m", 1000, evaluations), evaluations);
    }
}

#[test]
fn the_distribution_of_a_gaussian_is_right_to_second_order() {
    let error = |steps: usize| {
        let solver = DpmSolver::new(Fine::table(), Fine::levels(steps)).unwrap();
        let sampler = EulerMaruyama::new(solver);
        Fine::chain().end(&sampler, Prediction::Data, steps, &|_| no_coins()) - 1.0
    };
    check_orders("dpmpp2m", &[90, 180, 360].map(error), 2.0);
}

/// The grids of other software for this solver leave out the last noised level.
#[test]
fn leading_and_linspace_are_those_of_other_solvers() {
    let levels = |method: &str| planned(method, 1000, 10).levels().to_vec();
    assert_eq!(levels("dpmpp2m:grid=leading"), levels("dpmpp2m:grid=leading-open"));
    assert_eq!(levels("dpmpp2m:grid=linspace"), levels("dpmpp2m:grid=linspace-open"));
    assert_ne!(levels("dpmpp2m:grid=linspace"), levels("ddim:grid=linspace"));
}

#[test]
fn bad_options_are_named() {
    let error = DpmSolver::new(Fine::table(), vec![10, 20, 0]).unwrap_err();
    assert!(matches!(error, Error::Levels { index: 1, previous: 10, next: 20 }), "{error}");
    let error = "dpmpp2m:eta=0".parse::<Method>().unwrap_err().to_string();
    assert_eq!(
        error,
        "eta is not an option of dpmpp2m, which takes grid, timesteps, sigmas; leave it out"
    );
}
