//! Draws that are accepted or rejected.

use langevin::ndarray::ArrayView2;
use langevin::posterior::{Outcome, Sampling, Verdict};
use langevin::prelude::*;

use crate::agreement::agrees;
use crate::targets::{Turned, banana, drift, eight_schools};

/// The log density of one point, for rows of them.
fn rows(
    of: impl Fn(&[f64]) -> f64 + Send + Sync + 'static,
) -> impl Fn(ArrayView2<'_, f64>, &mut [f64]) -> std::result::Result<(), BoxError> + Send + Sync {
    move |x, out| {
        for (x, out) in x.rows().into_iter().zip(out) {
            *out = of(&x.to_vec());
        }
        Ok(())
    }
}

fn log_banana(x: &[f64]) -> f64 {
    -0.5 * (x[0] * x[0] + (x[1] - x[0] * x[0]).powi(2))
}

fn log_schools(x: &[f64]) -> f64 {
    const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
    const SIGMA: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
    let tau = x[1].exp();
    let mut log = -x[0] * x[0] / 50.0 + x[1] - (tau * tau / 25.0).ln_1p();
    for j in 0..8 {
        let z = (Y[j] - x[0] - tau * x[2 + j]) / SIGMA[j];
        log -= 0.5 * (x[2 + j] * x[2 + j] + z * z);
    }
    log
}

fn is_right(outcome: &Outcome, reference: &[[f64; 2]]) {
    agrees(outcome, reference);
    let share = outcome.diagnosis.acceptance.unwrap();
    assert!((share - 0.8).abs() < 0.06, "{share} accepted");
}

#[test]
fn targets_with_known_values() {
    let turned = Turned::new(20);
    let precision = turned.precision.clone();
    let gaussian = rows(move |x| {
        let y: Vec<f64> = x.iter().map(|x| x - 1.0).collect();
        let row = |i: usize| -> f64 { (0..20).map(|j| precision[[i, j]] * y[j]).sum() };
        -0.5 * (0..20).map(|i| y[i] * row(i)).sum::<f64>()
    });
    let gaussian = WithDensity::new(turned.drift(), gaussian);
    let known: Vec<[f64; 2]> = turned.covariance.diag().iter().map(|v| [1.0, v.sqrt()]).collect();
    let banana = WithDensity::new(banana(), rows(log_banana));
    let schools = WithDensity::new(eight_schools(), rows(log_schools));
    for seed in 0..3 {
        let run = Sampling::new(&gaussian, 20).adjusted().seed(seed);
        is_right(&run.run().unwrap(), &known);
        let run = Sampling::new(&banana, 2).adjusted().seed(seed);
        is_right(&run.run().unwrap(), &[[0.0, 1.0], [1.0, 3f64.sqrt()]]);
        let run = Sampling::new(&schools, 10).adjusted().seed(seed);
        is_right(&run.run().unwrap(), &[[4.390, 3.316], [0.806, 1.170]]);
    }
}

#[test]
fn bits_do_not_depend_on_threads_and_chunks() {
    let target = WithDensity::new(banana(), rows(log_banana));
    let run = || Sampling::new(&target, 2).adjusted().chains(40).steps(64).seed(3);
    let whole = run().run().unwrap();
    for (threads, chunk) in [(1, 1), (2, 7), (2, 64)] {
        let other = run().threads(threads).chunk(chunk).run().unwrap();
        assert_eq!(whole.draws, other.draws, "{threads}, {chunk}");
        assert_eq!(whole.diagnosis, other.diagnosis);
        assert_eq!(whole.tuned, other.tuned);
    }
}

/// Without a log density there is nothing to accept by. With a gradient of another density MALT
/// still draws from the log density, and the identities show it: E[b] is 0.5 in place of 0.
#[test]
fn a_gradient_of_something_else_is_seen() {
    let error = Sampling::new(&banana(), 2).adjusted().run().unwrap_err().to_string();
    assert!(error.contains("density"), "{error}");
    let shifted = drift(1, |x, out| out[0] = 0.5 - x[0]);
    let target = WithDensity::new(shifted, rows(|x| -0.5 * x[0] * x[0]));
    for seed in 0..3 {
        let outcome =
            Sampling::new(&target, 1).adjusted().chains(64).steps(250).seed(seed).run().unwrap();
        assert_eq!(outcome.diagnosis.verdict, Verdict::Biased, "{outcome}");
        assert!(outcome.to_string().contains("check_gradient"), "{outcome}");
        assert!(outcome.summary.parameters[0].mean.abs() < 0.05, "{outcome}");
    }
}
