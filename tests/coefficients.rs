//! Coefficients of the dynamics against 25-digit tables, the composition laws, and positive
//! semidefinite covariances.

use langevin::*;

/// Relative error asked of every coefficient, for friction · step from 1e-10 to 50.
const TOLERANCE: f64 = 1e-13;

#[test]
fn underdamped_coefficients_are_right_to_1e_13() {
    let mut worst = 0.0f64;
    let mut count = 0;
    for line in include_str!("golden/underdamped_coefficients.csv").lines().skip(1) {
        let n: Vec<f64> = line.split(',').map(|f| f.parse().unwrap()).collect();
        let (friction, inverse_mass, step) = (n[0], n[1], n[2]);
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

fn all() -> Vec<Box<dyn ContinuousDynamics>> {
    let mut all: Vec<Box<dyn ContinuousDynamics>> =
        vec![Box::new(Overdamped), Box::new(ReverseSde), Box::new(ProbabilityFlow)];
    for (friction, inverse_mass) in [(2.0, 1.0), (0.3, 0.4), (7.0, 3.0)] {
        all.push(Box::new(Underdamped::new(friction, inverse_mass).unwrap()));
    }
    all
}

#[test]
fn intervals_compose() {
    for dynamics in all() {
        for (first, second) in [(0.1, 0.2), (1e-3, 2.0), (0.7, 1e-4), (3.0, 4.0), (1e-6, 1e-6)] {
            let direct = dynamics.transition(0.5, first + second);
            let composed =
                dynamics.transition(0.5, first).then(&dynamics.transition(0.5 + first, second));
            for (a, b) in [
                (direct.propagator, composed.propagator),
                (direct.gain, composed.gain),
                (direct.covariance, composed.covariance),
            ] {
                for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
                    assert!(
                        (a - b).abs() <= 1e-14 * a.abs().max(b.abs()),
                        "{} {first} {second}: {a:e} {b:e}",
                        dynamics.name()
                    );
                }
            }
        }
    }
}

#[test]
fn short_intervals_are_the_linearized_ones() {
    for dynamics in all() {
        let h = 1e-7;
        let exact = dynamics.transition(0.0, h);
        let euler = Linearized::new(dynamics).transition(0.0, h);
        for (a, b) in
            exact.propagator.iter().flatten().zip(euler.propagator.iter().flatten()).take(2)
        {
            assert!((a - b).abs() < 1e-12);
        }
        for (a, b) in exact.gain.iter().flatten().zip(euler.gain.iter().flatten()) {
            assert!((a - b).abs() < 1e-12);
        }
        for (a, b) in exact.covariance.iter().flatten().zip(euler.covariance.iter().flatten()) {
            assert!((a - b).abs() < 1e-11);
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
