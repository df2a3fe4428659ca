//! Naive splitting in phase space, `oba`, `bao` and `obab`: steps by hand, cost, distribution of a
//! Gaussian, errors.

use langevin::diffusion::dynamics::ReversePsld;
use langevin::prelude::*;
use langevin::sampler::PositionNoise;

use crate::support::gaussian::check_orders;
use crate::support::matrix::ONE;
use crate::support::phase::{self, LENGTH, apply, o_noise, square};
use crate::support::refusal;

fn splitting(word: &str) -> Splitting<ReversePsld> {
    Splitting::naive(ReversePsld::new(Psld::PAPER), word.parse().unwrap())
}

/// Every A and every B has a fresh score, at the time of the start of the step.
#[test]
fn a_step_takes_the_letters_in_order() {
    for word in ["OBA", "BAO", "OBAB"] {
        let noise = apply(word, true, o_noise(1.0, LENGTH), word.find('O').unwrap() + 1);
        // Letters before the O do not see its noise: only BAO has such, and none after.
        let noise = if word == "BAO" { o_noise(1.0, LENGTH) } else { noise };
        let found = phase::step(&splitting(word), &[]);
        found.check(word, &apply(word, true, ONE, 0), &square(&noise));
    }
}

#[test]
fn every_letter_with_a_score_costs_one_evaluation() {
    for (method, each) in [("oba", 2), ("bao", 2), ("obab", 3)] {
        for budget in [4, 50, 101] {
            phase::check_cost(method, each, budget);
        }
    }
}

#[test]
fn the_distribution_of_a_gaussian_is_right_to_first_order() {
    for word in ["OBA", "BAO", "OBAB"] {
        check_orders(word, &phase::errors(&splitting(word)), 1.0);
    }
}

#[test]
fn bad_options_are_named() {
    let message = |method: &str, evaluations| refusal(method, &phase::process(), evaluations);
    assert!(message("oba:lambda-s=1", 50).starts_with("lambda-s is not an option of oba"));
    assert!(message("obab", 3).contains("needs at least 4"));
    assert!(message("oba", 2).contains("needs at least 3"));
    assert!(message("bao:end-time=2", 50).starts_with("end time: given 2"));
    let noise = PositionNoise::Step { scale: 1.0 };
    let error = splitting("OBA").with_position_noise(noise).unwrap_err().to_string();
    assert!(error.starts_with("lambda-s is not an option of naive splitting"), "{error}");
}
