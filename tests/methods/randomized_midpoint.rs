//! The randomized midpoint on overdamped and underdamped dynamics: windows, Picard rounds,
//! tolerance and control variate.

use langevin::dynamics::ContinuousDynamics;
use langevin::prelude::*;
use langevin::probe;

use crate::support::affine::{linear, read};
use crate::support::by_hand::{Randomized, on_position, position_only};
use crate::support::cost::{cost, per_chain};
use crate::support::two_modes;

type Midpoint = RandomizedMidpoint<Box<dyn ContinuousDynamics>>;

fn overdamped() -> Box<dyn ContinuousDynamics> {
    Box::new(Overdamped)
}

fn underdamped() -> Box<dyn ContinuousDynamics> {
    Box::new(Underdamped::new(2.0, 1.0).unwrap())
}

fn midpoint(dynamics: Box<dyn ContinuousDynamics>, windows: usize, rounds: usize) -> Midpoint {
    RandomizedMidpoint::new(dynamics).with_windows(windows).unwrap().with_rounds(rounds).unwrap()
}

/// The excess of the stationary position variance on N(0, 1).
fn excess(sampler: &Midpoint, h: f64) -> f64 {
    probe::stationary_covariance(sampler, h, 1.0).unwrap().covariance[[0, 0]] - 1.0
}

/// docs/langevin.md: with R = 1, P = 0 the excess falls like h³ under both dynamics. With more
/// windows or rounds it falls like h² on overdamped dynamics and like h³ on underdamped ones.
#[test]
fn the_excess_falls_in_the_stated_order() {
    let order = |sampler: Midpoint, h: f64| {
        (excess(&sampler, h).abs() / excess(&sampler, h / 2.0).abs()).log2()
    };
    for (windows, rounds, over, under) in [(1, 0, 3.0, 3.0), (2, 2, 2.0, 3.0), (2, 1, 2.0, 3.0)] {
        let found = order(midpoint(overdamped(), windows, rounds), 0.02);
        assert!((found - over).abs() < 0.15, "overdamped ({windows},{rounds}): {found}");
        let found = order(midpoint(underdamped(), windows, rounds), 0.05);
        assert!((found - under).abs() < 0.15, "underdamped ({windows},{rounds}): {found}");
    }
}

/// docs/langevin.md: what the control variate does to the excess.
#[test]
fn the_control_variate_does_what_the_docs_say() {
    let with = |windows, rounds, h, on| {
        excess(&midpoint(underdamped(), windows, rounds).with_control_variate(on), h)
    };
    for (h, plain, control) in [(0.4, "1.3e-3", "8.0e-5"), (0.1, "2.1e-5", "9.7e-8")] {
        assert_eq!(format!("{:.1e}", with(1, 0, h, false)), plain);
        assert_eq!(format!("{:.1e}", with(1, 0, h, true)), control);
    }
    let order = (with(1, 0, 0.2, true) / with(1, 0, 0.1, true)).log2();
    assert!((order - 5.0).abs() < 0.15, "{order}");
    for (windows, removed) in [(2, 5.0), (4, 6.0)] {
        let share = 1.0 - with(windows, 2, 0.1, true) / with(windows, 2, 0.1, false);
        assert!((share * removed - 1.0).abs() < 0.15, "{windows} windows: {share}");
    }
    // On overdamped dynamics it has no effect.
    let same = |on| excess(&midpoint(overdamped(), 2, 1).with_control_variate(on), 0.3);
    assert!((same(true) - same(false)).abs() < 1e-14);
}

/// The map and the covariance of the rule as docs/langevin.md writes it, window by window.
#[test]
fn a_step_is_its_affine_map() {
    let interval = TimeGrid::between(0.2, 2.0, 4).unwrap().interval(2);
    let k = |t: f64| 0.9 + 0.7 * t;
    let drift = |t: f64| on_position(-k(t));
    for make in [overdamped, underdamped] {
        let dynamics = make();
        let cut = |m| if dynamics.layout().blocks() == 1 { position_only(&m) } else { m };
        for coins in [vec![0.3], vec![0.8, 0.1], vec![0.2, 0.7, 0.45]] {
            for rounds in [0, 1, 3] {
                for control_variate in [false, true] {
                    let by_hand =
                        Randomized { dynamics: &*dynamics, drift: &drift, rounds, control_variate };
                    let want = by_hand.step(interval.start, interval.length, &coins);
                    let sampler = midpoint(make(), coins.len(), rounds);
                    let sampler = sampler.with_control_variate(control_variate);
                    let found = read(&sampler, interval, &linear(k), &coins);
                    let name = format!("{coins:?}, {rounds} rounds, {control_variate}");
                    found.check(&name, &cut(want.map), &cut(want.covariance()));
                }
            }
        }
    }
}

#[test]
fn evaluations_and_depth_are_as_documented() {
    let steps = 50;
    let grid = TimeGrid::uniform(0.1, steps).unwrap();
    for (windows, rounds) in [(1, 0), (1, 3), (4, 0), (3, 2)] {
        let sampler = midpoint(underdamped(), windows, rounds);
        let cost = cost(&sampler, &two_modes(), &grid);
        let exact = (1 + (rounds + 1) * windows) as f64;
        assert_eq!(per_chain(cost), steps as f64 * exact);
        assert_eq!(sampler.evaluations_per_step(), exact);
        assert_eq!(cost.batched_calls, (steps * (rounds + 2)) as u64);
        assert_eq!(cost.rounds, (steps * rounds) as u64);
    }
    // A tolerance saves rounds, and the sampler reports fewer than the maximum.
    let tolerant = midpoint(underdamped(), 4, 20).with_tolerance(1e-6).unwrap();
    let cost = cost(&tolerant, &two_modes(), &grid);
    let most = tolerant.evaluations_per_step() * steps as f64;
    assert!(per_chain(cost) < 0.6 * most, "{} of {most}", per_chain(cost));
    assert!(cost.rounds < 20 * steps as u64);
}

#[test]
fn a_tight_tolerance_reaches_the_fixed_point() {
    let target = two_modes();
    let state = |sampler: &Midpoint| {
        let grid = TimeGrid::uniform(0.3, 20).unwrap();
        Run::new(sampler, &target, grid).chains(64).run().unwrap().state
    };
    let fixed = midpoint(underdamped(), 4, 60);
    let stopped = midpoint(underdamped(), 4, 60).with_tolerance(1e-12).unwrap();
    let [fixed, stopped] = [state(&fixed), state(&stopped)];
    let largest = fixed.iter().zip(&stopped).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(largest < 1e-9, "{largest:e}");
    assert_ne!(fixed, stopped);
}

#[test]
fn bad_options_are_named() {
    let sampler = || RandomizedMidpoint::new(Overdamped);
    for windows in [0, 65_537] {
        let error = sampler().with_windows(windows).unwrap_err().to_string();
        assert!(error.starts_with(&format!("windows: given {windows}")), "{error}");
    }
    let error = sampler().with_rounds(65_537).unwrap_err().to_string();
    assert!(error.starts_with("rounds: given 65537"), "{error}");
    let error = sampler().with_tolerance(1e-3).unwrap_err().to_string();
    assert!(error.contains("at least 1 where a tolerance is given"), "{error}");
    let some = || sampler().with_rounds(3).unwrap();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = some().with_tolerance(bad).unwrap_err().to_string();
        assert!(error.starts_with("tolerance: given"), "{error}");
    }
    let error = some().with_tolerance(1e-3).unwrap().with_rounds(0).unwrap_err().to_string();
    assert!(error.contains("at least 1 where a tolerance is given"), "{error}");
}
