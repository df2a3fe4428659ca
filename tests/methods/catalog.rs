//! What holds for every sampler of the catalog: reported evaluations, and errors of options.

use langevin::catalog::{self, Options};
use langevin::prelude::*;

use crate::support::cost::cost;
use crate::support::samplers::{cheap_and_costly, samplers};
use crate::support::two_modes;

/// The account of a run against the drift's own count. In one chunk of 500 chains some chain always
/// selects a midpoint, so every planned call is made.
#[test]
fn reported_evaluations_are_those_the_drift_saw() {
    let target = two_modes();
    let grid = TimeGrid::uniform(0.1, 25).unwrap();
    for (name, sampler) in samplers::<f64>(cheap_and_costly) {
        let cost = cost(&*sampler, &target, &grid);
        assert!(cost.evaluations >= 25 * 500 && cost.batched_calls >= 25, "{name}: {cost:?}");
    }
}

/// Every option of the catalog on every pair: it is taken, or refused with its name and those that
/// are taken.
#[test]
fn an_option_acts_or_is_refused_by_name() {
    let values = [
        ("word", "OBABO"),
        ("substeps", "4"),
        ("noise-scale", "0.5"),
        ("windows", "2"),
        ("rounds", "1"),
        ("control-variate", ""),
        ("leapfrogs", "3"),
        ("friction", "1"),
        ("inverse-mass", "2"),
        ("linearized", ""),
    ];
    // A tolerance needs rounds, so it has a test of its own.
    assert_eq!(values.len() + 1, Options::all().len());
    let mut refused = 0;
    for pair in catalog::pairs() {
        for (name, value) in values {
            let mut options = Options::default().with(name, value).unwrap();
            if pair.method.name == "splitting" && name != "word" {
                options = options.with("word", "OBABO").unwrap();
            }
            let built = catalog::sampler::<f64>(pair.dynamics.name, pair.method.name, &options);
            let takes =
                pair.method.options.contains(&name) || pair.dynamics.options.contains(&name);
            match built {
                Ok(_) => assert!(takes, "{name} was ignored by {}", pair.method.name),
                Err(error) => {
                    assert!(!takes, "{name} of {}: {error}", pair.method.name);
                    let message = error.to_string();
                    let given = message.starts_with(&format!("{name} is not an option of "));
                    assert!(given && message.contains(", which takes "), "{message}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn values_that_make_no_sense_are_named() {
    let message = |method: &str, option: &str, value: &str| {
        let options = Options::default().with(option, value).unwrap();
        catalog::sampler::<f64>("underdamped", method, &options).err().unwrap().to_string()
    };
    assert!(message("em", "friction", "0").starts_with("friction: given 0"));
    assert!(message("em", "inverse-mass", "-1").starts_with("inverse mass: given -1"));
    assert!(message("pmm1", "substeps", "0").starts_with("substeps: given 0"));
    assert!(message("pmm2", "noise-scale", "1.5").starts_with("noise scale: given 1.5"));
    assert!(message("rm", "windows", "0").starts_with("windows: given 0"));
    assert!(message("rm", "rounds", "70000").starts_with("rounds: given 70000"));
    assert!(message("rm", "tolerance", "1e-3").starts_with("rounds: given 0"));
    assert!(message("malt", "leapfrogs", "0").starts_with("leapfrogs: given 0"));
    let error = Options::default().with("word", "BAXAB").unwrap_err().to_string();
    assert!(error.starts_with("word: given `BAXAB`, expected A (position)"), "{error}");
    assert!(error.ends_with("letter 3 is `X`"), "{error}");
}
