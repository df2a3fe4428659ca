//! DDPM: steps by the textbook formula, cost, distribution of a Gaussian, errors.

use langevin::diffusion::dynamics::Ancestral;
use langevin::prelude::*;

use crate::support::affine::read;
use crate::support::cost::check_cost;
use crate::support::forecast::end_variance;
use crate::support::gaussian::{Fine, chain_mean, check_orders, model, posterior};
use crate::support::matrix::diagonal;
use crate::support::planned;

#[test]
fn a_step_is_the_posterior_of_the_chain() {
    let v = 0.3;
    let table = LevelTable::linear(1000).unwrap();
    for method in ["ddpm", "ddpm:grid=equal", "ddpm:variance=large", "ddpm:timesteps=999+500+3+0"] {
        let plan = planned(method, 1000, 9);
        let drift = plan.drift::<f64>(model(v)).unwrap();
        for (interval, pair) in plan.grid().iter().zip(plan.levels().windows(2)) {
            let [from, to] = [table.level(pair[0]), table.level(pair[1])];
            let posterior = posterior(from, to);
            // Both variances have the mean of the posterior.
            let map = chain_mean(v, from, to, posterior);
            let large = method.contains("large") && pair[1] > 0;
            let beta = 1.0 - from.alpha_bar() / to.alpha_bar();
            let variance = if large { beta } else { posterior };
            let found = read(&*plan.sampler().unwrap(), interval, &*drift, &[]);
            found.check(&format!("{method} {pair:?}"), &map, &diagonal(variance, 0.0));
        }
    }
}

#[test]
fn a_step_costs_one_evaluation() {
    for evaluations in [1, 20, 137] {
        check_cost(&planned("ddpm", 1000, evaluations), evaluations);
    }
}

#[test]
fn the_distribution_of_a_gaussian_is_right_to_first_order() {
    for (name, chain) in
        [("small", Ancestral::small(Fine::table())), ("large", Ancestral::large(Fine::table()))]
    {
        let sampler = EulerMaruyama::new(chain);
        check_orders(name, &Fine::chain().errors(&sampler, Prediction::Epsilon), 1.0);
    }
}

/// docs/diffusion.md: with all levels the small variance leaves modes of standard deviation 0.05
/// 7 % too narrow. The large variance tends to the truth.
#[test]
fn the_small_variance_leaves_narrow_modes_too_narrow() {
    let spread = |method: &str, levels: usize| {
        let plan = planned(method, levels, levels);
        (end_variance(&plan, 0.0025) / 0.0025).sqrt() - 1.0
    };
    assert_eq!((100.0 * spread("ddpm", 1000)).round(), -7.0);
    for levels in [250, 500, 1000] {
        let large = spread("ddpm:variance=large", levels);
        let twice = spread("ddpm:variance=large", 2 * levels);
        assert!(large > 0.0 && twice < 0.6 * large, "{levels}: {large} {twice}");
    }
}

#[test]
fn bad_options_are_named() {
    let message = |method: &str| method.parse::<Method>().unwrap_err().to_string();
    assert!(message("ddpm:eta=0.5").starts_with("eta is not an option of ddpm"));
    assert_eq!(
        message("ddpm:variance=middle"),
        "variance: given `middle`, expected one of small, large"
    );
    assert!(message("ddpm:grid=fibonacci").starts_with("grid: given `fibonacci`"));
}
