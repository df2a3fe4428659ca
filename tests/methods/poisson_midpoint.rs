//! The Poisson midpoint on overdamped and underdamped dynamics, both options.

use std::sync::Mutex;

use langevin::advanced::{Philox, State, Step, Work};
use langevin::dynamics::{LinearDynamics, Linearized};
use langevin::ndarray::Array2;
use langevin::prelude::*;
use langevin::probe;

use crate::support::affine::{linear, read};
use crate::support::by_hand::{Poisson, on_position, position_only};
use crate::support::cost::{CHAINS, cost, per_chain};
use crate::support::docs;
use crate::support::two_modes;

const BOTH: [Selection; 2] = [Selection::Bernoulli, Selection::Single];

#[test]
fn one_substep_is_euler_maruyama() {
    for selection in BOTH {
        let one = PoissonMidpoint::new(Overdamped, 1).unwrap().with_selection(selection);
        let a = probe::stationary_covariance(&one, 0.3, 2.0).unwrap();
        let b = probe::stationary_covariance(&EulerMaruyama::new(Overdamped), 0.3, 2.0).unwrap();
        assert_eq!(a.covariance, b.covariance);
    }
}

/// The limit of option 2 for many sub-steps is the randomized midpoint with its control variate:
/// the table of docs/langevin.md, every digit.
#[test]
fn many_substeps_are_a_randomized_midpoint() {
    let dynamics = Underdamped::new(2.0, 1.0).unwrap();
    let table = docs::table("langevin.md", "**The limit of option 2.**");
    assert_eq!(table.len(), 5);
    for row in &table[1..] {
        let sampler: Box<dyn Sampler<f64>> = match row[0].strip_prefix("option 2, K = ") {
            Some(substeps) => {
                Box::new(PoissonMidpoint::new(dynamics, substeps.parse().unwrap()).unwrap())
            }
            None => Box::new(RandomizedMidpoint::new(dynamics).with_control_variate(true)),
        };
        let found = probe::stationary_covariance(&*sampler, 0.4, 1.0).unwrap();
        let excess = found.covariance[[0, 0]] - 1.0;
        assert_eq!(docs::as_printed(&row[1], excess), row[1], "{}", row[0]);
    }
}

/// The uniforms that select these sub-steps by independent coins: a gap of g tails has the
/// probabilities between (1 − 1/K)^(g+1) and (1 − 1/K)^g.
fn gaps(selected: &[usize], substeps: usize) -> Vec<f64> {
    let tails = 1.0 - 1.0 / substeps as f64;
    let mut open = 0;
    let mut uniforms = Vec::new();
    for &i in selected {
        uniforms.push(tails.powf((i - open) as f64 + 0.5));
        open = i + 1;
    }
    // No further head.
    uniforms.push(tails.powf((substeps - open) as f64 + 0.5));
    uniforms
}

/// Jumps between selected sub-steps give the map and the covariance of the loop over all sub-steps,
/// for every way that the coins can fall.
fn check<D: LinearDynamics + Copy>(name: &str, dynamics: D) {
    let interval = TimeGrid::between(0.2, 1.8, 4).unwrap().interval(1);
    let k = |t: f64| 0.9 + 0.7 * t;
    let substeps = 5;
    let drift = |t: f64| on_position(-k(t));
    let noise_scale = 0.8;
    let by_hand = Poisson { dynamics: &dynamics, drift: &drift, substeps, noise_scale };
    let sampler = PoissonMidpoint::new(dynamics, substeps).unwrap();
    let sampler = sampler.with_noise_scale(noise_scale).unwrap();
    let one_block = dynamics.layout().blocks() == 1;
    let cut = |m| if one_block { position_only(&m) } else { m };
    let check = |selection, coins: &[f64], selected: &[usize]| {
        let want = by_hand.step(interval.start, interval.length, selected);
        let sampler = sampler.with_selection(selection);
        let found = read(&sampler, interval, &linear(k), coins);
        found.check(&format!("{name} {selected:?}"), &cut(want.map), &cut(want.covariance()));
    };
    for i in 0..substeps {
        check(Selection::Single, &[(i as f64 + 0.5) / substeps as f64], &[i]);
    }
    for set in 0..1 << substeps {
        let selected: Vec<usize> = (0..substeps).filter(|i| set >> i & 1 == 1).collect();
        check(Selection::Bernoulli, &gaps(&selected, substeps), &selected);
    }
}

#[test]
fn a_step_is_that_of_the_loop_over_all_substeps() {
    let underdamped = Underdamped::new(1.3, 0.7).unwrap();
    check("overdamped", Overdamped);
    check("underdamped", underdamped);
    check("linearized", Linearized::new(underdamped));
}

#[test]
fn a_step_costs_about_two_evaluations_in_two_calls() {
    let steps = 50;
    let grid = TimeGrid::uniform(0.1, steps).unwrap();
    let run = |substeps, selection| {
        let sampler = PoissonMidpoint::new(Underdamped::new(2.0, 1.0).unwrap(), substeps).unwrap();
        let sampler = sampler.with_selection(selection);
        (cost(&sampler, &two_modes(), &grid), sampler.evaluations_per_step())
    };
    for selection in BOTH {
        let (one, planned) = run(1, selection);
        assert_eq!((per_chain(one), planned, one.batched_calls), (50.0, 1.0, 50));
        let (many, planned) = run(8, selection);
        assert_eq!((planned, many.batched_calls), (2.0 - 1.0 / 8.0, 100));
        // 25,000 numbers of midpoints of variance at most 7/8. Six standard deviations of their
        // mean are 6 √(0.875/25000) = 0.036: 2 × 2e-9 false alarms.
        assert_eq!(CHAINS * steps, 25_000);
        let per_step = per_chain(many) / steps as f64;
        assert!((per_step - planned).abs() < 0.036, "{selection:?}: {per_step}");
    }
}

/// Every midpoint of a step goes to the drift in one call, with its own time inside the step.
#[test]
fn midpoints_go_in_one_call_with_their_own_times() {
    let calls = Mutex::new(Vec::new());
    let drift = Batched::any(|times: Times<'_>, x, mut out| {
        calls.lock().unwrap().push((0..x.nrows()).map(|i| times.at(i)).collect::<Vec<_>>());
        out.zip_mut_with(&x, |b, x: &f64| *b = -x);
        Ok(())
    });
    let sampler = PoissonMidpoint::new(Overdamped, 5).unwrap().with_selection(Selection::Bernoulli);
    let noise = Philox::new(1);
    let start = Array2::zeros((1000, 1));
    let mut state = State::new(start.view(), 1, sampler.layout(), 0, &noise).unwrap();
    let interval = TimeGrid::uniform(0.5, 4).unwrap().interval(3);
    let mut work = Work::new();
    let mut step = Step::new(interval, &drift, &noise, &mut state, &mut work);
    sampler.step(&mut step).unwrap();
    let evaluations = step.cost().evaluations as usize;
    let calls = calls.lock().unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(evaluations, calls[0].len() + calls[1].len());
    assert!(calls[0].iter().all(|t| *t == 1.5));
    for i in 1..5 {
        let time = 1.5 + 0.1 * f64::from(i);
        assert!(calls[1].iter().any(|t| (t - time).abs() < 1e-12), "no midpoint at {time}");
    }
    assert!(calls[1].iter().all(|t| (1.59..1.91).contains(t)));
}

#[test]
fn bad_options_are_named() {
    for substeps in [0, 1_000_001] {
        let error = PoissonMidpoint::new(Overdamped, substeps).unwrap_err().to_string();
        assert!(error.starts_with(&format!("substeps: given {substeps}")), "{error}");
    }
    for scale in [0.0, -0.5, 1.1, f64::NAN] {
        let sampler = PoissonMidpoint::new(Overdamped, 4).unwrap();
        let error = sampler.with_noise_scale(scale).unwrap_err().to_string();
        assert!(error.starts_with("noise scale: given"), "{error}");
    }
}
