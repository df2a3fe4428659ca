//! Coefficients of the dynamics: 25-digit tables, composition, and positive semidefinite
//! covariances.

use langevin::diffusion::dynamics::{ProbabilityFlow, PsldFlow, ReversePsld, ReverseSde};
use langevin::dynamics::{ContinuousDynamics, LinearDynamics, Linearized, Transition};
use langevin::prelude::*;

use crate::support::matrix::{Matrix, near};

/// Relative error that is allowed for every coefficient, for friction · step from 1e-10 to 50.
const TOLERANCE: f64 = 1e-13;

#[test]
fn underdamped_coefficients_are_right_to_1e_13() {
    let mut worst = 0.0f64;
    let mut count = 0;
    for line in include_str!("../golden/underdamped_coefficients.csv").lines().skip(1) {
        let n: Vec<f64> = line.split(',').map(|f| f.parse().unwrap()).collect();
        let [friction, inverse_mass, step] = [n[0], n[1], n[2]];
        for mass in [1.0, 0.3] {
            let t = Underdamped::new(friction, inverse_mass * mass).unwrap().transition(0.0, step);
            let found = [
                t.propagator[0][1],
                t.propagator[1][1],
                t.gain[0][0] / mass,
                t.gain[1][0] / mass,
                t.covariance[0][0] / mass,
                t.covariance[0][1] / mass,
                t.covariance[1][1] / mass,
            ];
            for (name, (found, want)) in ["A01", "A11", "G0", "G1", "Q00", "Q01", "Q11"]
                .iter()
                .zip(found.iter().zip(&n[3..]))
            {
                let error = (found / want - 1.0).abs();
                assert!(
                    error <= TOLERANCE,
                    "{name} at friction {friction}, step {step}: {found:e}, {error:e}"
                );
                worst = worst.max(error);
            }
            // The rest of the matrices is fixed.
            assert_eq!([t.propagator[0][0], t.propagator[1][0]], [1.0, 0.0]);
            assert_eq!([t.gain[0][1], t.gain[1][1]], [0.0, 0.0]);
            let q = t.covariance;
            assert_eq!(q[0][1], q[1][0]);
            assert!(
                q[0][0] >= 0.0 && q[1][1] >= 0.0 && q[0][0] * q[1][1] >= q[0][1] * q[0][1],
                "not PSD at {step:e}"
            );
        }
        count += 1;
    }
    assert!(count >= 180);
    println!("largest relative error over {count} settings: {worst:.1e}");
}

/// Every continuous dynamics with a name.
fn all() -> Vec<(String, Box<dyn ContinuousDynamics>)> {
    let mut all: Vec<(String, Box<dyn ContinuousDynamics>)> = vec![
        ("overdamped".into(), Box::new(Overdamped)),
        ("reverse SDE".into(), Box::new(ReverseSde)),
        ("probability flow".into(), Box::new(ProbabilityFlow)),
    ];
    for (friction, inverse_mass) in [(2.0, 1.0), (0.3, 0.4), (7.0, 3.0)] {
        let dynamics = Underdamped::new(friction, inverse_mass).unwrap();
        all.push((format!("underdamped {friction} {inverse_mass}"), Box::new(dynamics)));
    }
    for process in [Psld::PAPER, Psld::new(0.5, 1.5, 0.3).unwrap()] {
        all.push((format!("reverse {process:?}"), Box::new(ReversePsld::new(process))));
        all.push((format!("flow of {process:?}"), Box::new(PsldFlow::new(process))));
    }
    all
}

/// Propagator, gain and covariance, with names.
fn matrices(t: &Transition) -> [(&'static str, Matrix); 3] {
    [("A", t.propagator), ("G", t.gain), ("Q", t.covariance)]
}

#[test]
fn intervals_compose() {
    for (name, dynamics) in all() {
        for (first, second) in [(0.1, 0.2), (1e-3, 2.0), (0.7, 1e-4), (3.0, 4.0), (1e-6, 1e-6)] {
            let direct = dynamics.transition(0.5, first + second);
            let composed =
                dynamics.transition(0.5, first).then(&dynamics.transition(0.5 + first, second));
            for ((what, a), (_, b)) in matrices(&direct).iter().zip(&matrices(&composed)) {
                // In phase space entries cancel against each other.
                if name.contains("Psld") {
                    assert!(near(a, b, 1e-13), "{what} of {name}, {first} {second}: {a:?} {b:?}");
                    continue;
                }
                for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
                    assert!(
                        (a - b).abs() <= 1e-14 * a.abs().max(b.abs()),
                        "{what} of {name}, {first} {second}: {a:e} {b:e}"
                    );
                }
            }
        }
    }
}

/// Every entry of every matrix, up to terms of order h² = 1e-14 times the constants.
#[test]
fn short_intervals_are_the_linearized_ones() {
    for (name, dynamics) in all() {
        let blocks = dynamics.layout().blocks();
        let h = 1e-7;
        let exact = matrices(&dynamics.transition(0.0, h));
        let euler = matrices(&Linearized::new(dynamics).transition(0.0, h));
        for ((what, a), (_, b)) in exact.iter().zip(&euler) {
            let tolerance = if *what == "Q" { 1e-11 } else { 1e-12 };
            for i in 0..blocks {
                for j in 0..blocks {
                    let error = (a[i][j] - b[i][j]).abs();
                    assert!(error < tolerance, "{what}[{i}][{j}] of {name}: {error:e}");
                }
            }
        }
    }
}

#[test]
fn bad_constants_are_named() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Underdamped::new(bad, 1.0).unwrap_err().to_string().starts_with("friction"));
        assert!(Underdamped::new(1.0, bad).unwrap_err().to_string().starts_with("inverse mass"));
    }
}
