//! The symmetric splitting `sscs` in phase space: a step by hand, cost, distribution of a Gaussian,
//! errors.

use langevin::diffusion::dynamics::ReversePsld;
use langevin::diffusion::samplers::SymmetricSplitting;
use langevin::prelude::*;

use crate::support::gaussian::check_orders;
use crate::support::matrix::{
    Matrix, ONE, carried, diagonal, exponential, minus, near, plus, scale, times,
};
use crate::support::phase::{self, BETA, LENGTH, START};
use crate::support::refusal;

fn sampler() -> SymmetricSplitting {
    SymmetricSplitting::new(ReversePsld::new(Psld::PAPER))
}

/// Half a step of the Gaussian part, a whole Euler step of the rest, half a step again.
#[test]
fn a_step_is_that_of_the_paper() {
    let [gamma, nu, mass] = phase::constants();
    let f: Matrix = scale(&[[-gamma, -1.0 / mass], [1.0, -nu]], 0.5 * BETA);
    let half = exponential(&scale(&f, LENGTH / 2.0));
    // The Gaussian part is stationary for the prior.
    let prior = diagonal(1.0, mass);
    let q = minus(&prior, &carried(&half, &prior));
    let push = diagonal(LENGTH * BETA * gamma, LENGTH * BETA * mass * nu);
    let own = plus(&phase::score(BETA * START), &diagonal(1.0, 1.0 / mass));
    let euler = plus(&ONE, &times(&push, &own));
    let rest = times(&half, &euler);
    let found = phase::step(&sampler(), &[]);
    let want = times(&rest, &half);
    assert!(near(&found.map, &want, 1e-12), "{:?} {want:?}", found.map);
    // The prior less what is carried loses digits.
    let want = plus(&carried(&rest, &q), &q);
    assert!(near(&found.covariance(), &want, 1e-9), "{:?} {want:?}", found.covariance());
}

#[test]
fn a_step_costs_one_evaluation() {
    for budget in [2, 50, 101] {
        phase::check_cost("sscs", 1, budget);
    }
}

#[test]
fn the_distribution_of_a_gaussian_is_right_to_first_order() {
    check_orders("sscs", &phase::errors(&sampler()), 1.0);
}

#[test]
fn bad_options_are_named() {
    let message = |method: &str, evaluations| refusal(method, &phase::process(), evaluations);
    assert!(message("sscs", 1).contains("needs at least 2"));
    assert!(message("sscs:lambda-s=1", 50).starts_with("lambda-s is not an option of sscs"));
    assert!(message("sscs:end-time=1", 50).starts_with("end time: given 1"));
    let vp = Process::vp(LevelTable::linear(10).unwrap());
    let error = Method::named("sscs").unwrap().plan(&vp, 50).unwrap_err().to_string();
    assert!(error.starts_with("unknown method of the process vp `sscs`"), "{error}");
}
