//! DDIM: steps by the formula of the paper, cost, distribution of a Gaussian, errors.

use langevin::diffusion::dynamics::Ancestral;
use langevin::prelude::*;

use crate::support::affine::read;
use crate::support::cost::check_cost;
use crate::support::forecast::end_variance;
use crate::support::gaussian::{Fine, chain_mean, check_orders, model, posterior};
use crate::support::matrix::diagonal;
use crate::support::{planned, refusal, vp};

/// x_s = √ᾱ_s x̂₀ + √(1 − ᾱ_s − σ²) ε̂ + σ z with σ² = η² β̃.
#[test]
fn a_step_is_that_of_the_paper() {
    let v = 0.3;
    let table = LevelTable::linear(1000).unwrap();
    for (method, eta) in [("ddim", 0.0), ("ddim:eta=0.4:grid=equal", 0.4), ("ddim:eta=1", 1.0)] {
        let plan = planned(method, 1000, 9);
        let drift = plan.drift::<f64>(model(v)).unwrap();
        for (interval, pair) in plan.grid().iter().zip(plan.levels().windows(2)) {
            let [from, to] = [table.level(pair[0]), table.level(pair[1])];
            let variance = eta * eta * posterior(from, to);
            let map = chain_mean(v, from, to, variance);
            let found = read(&*plan.sampler().unwrap(), interval, &*drift, &[]);
            found.check(&format!("{method} {pair:?}"), &map, &diagonal(variance, 0.0));
            // No noise is drawn where there is none.
            assert_eq!(found.columns.is_empty(), variance == 0.0);
        }
    }
}

#[test]
fn a_step_costs_one_evaluation() {
    for evaluations in [1, 20, 137] {
        check_cost(&planned("ddim", 1000, evaluations), evaluations);
    }
}

#[test]
fn the_distribution_of_a_gaussian_is_right_to_first_order() {
    for eta in [0.0, 0.5] {
        let sampler = EulerMaruyama::new(Ancestral::ddim(Fine::table(), eta).unwrap());
        let errors = Fine::chain().errors(&sampler, Prediction::Epsilon);
        check_orders(&format!("η = {eta}"), &errors, 1.0);
    }
}

/// With η = 1 DDIM is DDPM.
#[test]
fn eta_one_is_ddpm() {
    let end = |method: &str| end_variance(&planned(method, 1000, 20), 0.3);
    assert!((end("ddim:eta=1") / end("ddpm") - 1.0).abs() < 1e-13);
    assert!((end("ddim:eta=0.9") / end("ddpm") - 1.0).abs() > 1e-3);
}

#[test]
fn bad_options_are_named() {
    let message = |method: &str| refusal(method, &vp(), 50);
    assert!(message("ddim:eta=1.5").starts_with("eta: given 1.5"));
    assert!(message("ddim:eta=-0.1").starts_with("eta: given -0.1"));
    assert!(message("ddim:eta=NaN").starts_with("eta: given NaN"));
    assert!(message("ddim:timesteps=999+999").contains("levels must decrease strictly"));
    assert!(message("ddim:timesteps=1000").contains("entry 0 is level 1001 after level 1000"));
    let both = message("ddim:timesteps=999:grid=equal");
    assert!(both.contains("give only one of grid, timesteps, sigmas and blocks"), "{both}");
    assert!(message("ddim:windows=3").starts_with("windows is not an option of ddim"));
}
