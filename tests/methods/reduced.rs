//! Reduced splitting in phase space, `roba`, `rbao` and `robab`: steps by hand with every noise of
//! the position, cost, distribution of a Gaussian, errors.

use langevin::diffusion::dynamics::ReversePsld;
use langevin::prelude::*;
use langevin::sampler::PositionNoise;

use crate::support::gaussian::{check_orders, model};
use crate::support::matrix::ONE;
use crate::support::phase::{self, BETA, LENGTH, START, apply, o_noise, square};
use crate::support::refusal;

fn splitting(word: &str) -> Splitting<ReversePsld> {
    Splitting::new(ReversePsld::new(Psld::PAPER), word.parse().unwrap())
}

/// A takes the score of B. In OBAB the last B has a score of its own, at the end of the step.
#[test]
fn a_step_takes_the_letters_in_order() {
    // Time left in the middle of the step.
    let left = 1.0 - START - LENGTH / 2.0;
    let step = |scale| PositionNoise::Step { scale };
    let remaining = |scale| PositionNoise::Remaining { scale, end: BETA };
    for word in ["OBA", "BAO", "OBAB"] {
        for (noise, lambda, span) in [
            (step(1.0), 1.0, LENGTH),
            (step(0.0), 0.0, LENGTH),
            (step(4.0), 4.0, LENGTH),
            (remaining(1.0), 1.0, left),
            (remaining(4.0), 4.0, left),
        ] {
            let fresh = o_noise(lambda, span);
            let root = apply(word, false, fresh, word.find('O').unwrap() + 1);
            // Letters before the O do not see its noise: only BAO has such, and none after.
            let root = if word == "BAO" { fresh } else { root };
            let sampler = splitting(word).with_position_noise(noise).unwrap();
            let found = phase::step(&sampler, &[]);
            let name = format!("{word} {noise:?}");
            found.check(&name, &apply(word, false, ONE, 0), &square(&root));
        }
    }
}

#[test]
fn letters_share_evaluations() {
    for (method, each) in [("roba", 1), ("rbao", 1), ("robab", 2)] {
        for budget in [3, 50, 101] {
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

/// λ_s = 1 with the form `step` is the exact O, to the last bit.
#[test]
fn the_default_noise_is_the_exact_one() {
    let model = model(0.3);
    let run = |method: &str| {
        let plan = method.parse::<Method>().unwrap().plan(&phase::process(), 30).unwrap();
        plan.run(&model).unwrap().chains(20).run().unwrap().state
    };
    assert_eq!(run("roba"), run("roba:lambda-s=1"));
    assert_eq!(run("roba"), run("roba:lambda-s=1:noise-form=step"));
    assert_ne!(run("roba"), run("roba:lambda-s=1:noise-form=remaining"));
    assert_ne!(run("roba"), run("roba:lambda-s=0"));
}

#[test]
fn bad_options_are_named() {
    let message = |method: &str| refusal(method, &phase::process(), 50);
    for bad in ["-1", "NaN", "inf"] {
        let error = message(&format!("roba:lambda-s={bad}"));
        assert!(error.starts_with("lambda-s: given"), "{bad}: {error}");
    }
    assert_eq!(message("roba:noise-form=remaining"), "noise-form needs the option lambda-s");
    assert_eq!(
        message("rbao:noise-form=some"),
        "noise-form: given `some`, expected one of step, remaining"
    );
    for end in ["0", "1", "NaN"] {
        let error = message(&format!("robab:end-time={end}"));
        assert!(error.starts_with("end time: given"), "{end}: {error}");
    }
}
