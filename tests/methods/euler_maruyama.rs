//! Euler–Maruyama on overdamped and underdamped dynamics, exact and linearized.

use langevin::dynamics::Linearized;
use langevin::prelude::*;
use langevin::probe;

use crate::support::affine::{linear, read};
use crate::support::cost::{cost, per_chain};
use crate::support::matrix::{Matrix, diagonal, minus, scale};
use crate::support::two_modes;

const K: f64 = 1.7;

/// 1/k of the target N(0, 1/k) becomes 1/(k (1 − hk/2)).
#[test]
fn the_probe_gives_the_closed_form() {
    for (h, k) in [(0.1, 1.0), (0.4, 1.0), (0.3, K), (1.1, K)] {
        let found = probe::stationary_covariance(&EulerMaruyama::new(Overdamped), h, k).unwrap();
        let want = 1.0 / (k * (1.0 - h * k / 2.0));
        assert!((found.covariance[[0, 0]] / want - 1.0).abs() < 1e-13, "{h} {k}: {found:?}");
    }
}

/// docs/langevin.md: at γ = 2, u = 1, h = 0.4 the linearized scheme has 33 % too much position
/// variance and 95 % too much velocity variance; the exact coefficients have 11 % too much.
#[test]
fn linearized_coefficients_cost_accuracy() {
    let dynamics = Underdamped::new(2.0, 1.0).unwrap();
    let percent = |x: f64| (100.0 * (x - 1.0)).round();
    let plain = EulerMaruyama::new(Linearized::new(dynamics));
    let plain = probe::stationary_covariance(&plain, 0.4, 1.0).unwrap().covariance;
    assert_eq!([percent(plain[[0, 0]]), percent(plain[[1, 1]])], [33.0, 95.0]);
    let exact = probe::stationary_covariance(&EulerMaruyama::new(dynamics), 0.4, 1.0).unwrap();
    assert_eq!(percent(exact.covariance[[0, 0]]), 11.0);
}

/// X⁺ = A X + G b + N(0, Q), with the coefficients as docs/langevin.md prints them.
#[test]
fn a_step_is_its_affine_map() {
    let interval = TimeGrid::between(0.3, 1.3, 4).unwrap().interval(2);
    let h = interval.length;
    // The drift is evaluated at the start of the step.
    let k = |t: f64| K * (1.0 + t);
    let drift = linear(k);
    let b = k(interval.start);
    let kick = |gain: [f64; 2]| [[b * gain[0], 0.0], [b * gain[1], 0.0]];
    let overdamped = read(&EulerMaruyama::new(Overdamped), interval, &drift, &[]);
    overdamped.check("overdamped", &diagonal(1.0 - h * b, 0.0), &diagonal(2.0 * h, 0.0));
    for (gamma, u) in [(2.0, 1.0), (0.9, 0.4), (7.0, 3.0)] {
        let dynamics = Underdamped::new(gamma, u).unwrap();
        let e1 = 1.0 - (-gamma * h).exp();
        let e2 = 1.0 - (-2.0 * gamma * h).exp();
        let a: Matrix = [[1.0, e1 / gamma], [0.0, 1.0 - e1]];
        let gain = [u * (h - e1 / gamma) / gamma, u * e1 / gamma];
        let corner = 2.0 / gamma * (h - 2.0 * e1 / gamma + e2 / (2.0 * gamma));
        let q = scale(&[[corner, e1 * e1 / gamma], [e1 * e1 / gamma, e2]], u);
        let name = format!("underdamped {gamma} {u}");
        let found = read(&EulerMaruyama::new(dynamics), interval, &drift, &[]);
        found.check(&name, &minus(&a, &kick(gain)), &q);
        let plain = EulerMaruyama::new(Linearized::new(dynamics));
        let a: Matrix = [[1.0, h], [0.0, 1.0 - gamma * h]];
        let found = read(&plain, interval, &drift, &[]);
        let q = diagonal(0.0, 2.0 * gamma * u * h);
        found.check(&format!("linearized {name}"), &minus(&a, &kick([0.0, u * h])), &q);
    }
}

#[test]
fn a_step_costs_one_evaluation() {
    let grid = TimeGrid::uniform(0.1, 50).unwrap();
    let sampler = EulerMaruyama::new(Underdamped::new(2.0, 1.0).unwrap());
    let cost = cost(&sampler, &two_modes(), &grid);
    assert_eq!((per_chain(cost), cost.batched_calls), (50.0, 50));
    assert_eq!(sampler.evaluations_per_step(), 1.0);
}
