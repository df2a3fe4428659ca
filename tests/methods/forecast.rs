//! The distribution at the end of a plan ahead of time: against exact recursions, the digits, and
//! runs.

use langevin::diffusion::{Calibration, ProcessKind, Spectrum};
use langevin::ndarray::{Array1, Array2, array};
use langevin::prelude::*;

use crate::support::forecast::end_variance;
use crate::support::{digits, phase, planned, vp};

/// Every method on every process, against the recursion of second moments of tests/support.
#[test]
fn variances_are_those_of_the_exact_recursion() {
    let data = Spectrum::diagonal(vec![0.0], vec![0.3]).unwrap();
    for kind in ProcessKind::ALL {
        let process = match kind {
            ProcessKind::Psld => phase::process(),
            ProcessKind::Vp => vp(),
            other => Process::with_options(other, []).unwrap(),
        };
        for method in Method::on(kind) {
            let plan = method.plan(&process, 400).unwrap();
            if method.name().starts_with("pc") {
                let refused = plan.forecast(&data).unwrap_err();
                assert!(matches!(refused, Error::NotProbeable { .. }), "{refused}");
                continue;
            }
            let found = plan.forecast(&data).unwrap();
            let want = end_variance(&plan, 0.3);
            // The recursion of tests/support starts from the noised data where they differ by 1 %.
            let off = (found.variance[0] / want - 1.0).abs();
            assert!(off < 1e-12, "{method} on {kind}: {} {want}", found.variance[0]);
            assert_eq!(found.mean, [0.0]);
            let flow = ["ddim", "dpmpp2m", "dpmpp3m", "heun", "rm", "unipc", "deis"];
            assert_eq!(found.is_stochastic, !flow.contains(&method.name()), "{method}");
        }
    }
}

/// Squared Fréchet distances for data with the covariance of the digits.
#[test]
fn the_digits_have_the_distances_of_the_tables() {
    let data = digits();
    for (method, at) in [
        ("ddpm", [(10, 1.15), (20, 0.375), (50, 0.0729), (80, 0.0300)]),
        ("ddim", [(20, 0.122), (40, 0.032), (50, 0.021), (80, 0.0084)]),
        ("dpmpp2m", [(10, 0.0164), (20, 0.00339), (50, 0.000257), (80, 0.000197)]),
        ("ddpm:grid=equal", [(20, 0.610), (40, 0.220), (50, 0.156), (80, 0.074)]),
    ] {
        for (evaluations, want) in at {
            let found = planned(method, 1000, evaluations).forecast(&data).unwrap().frechet(&data);
            assert!((found / want - 1.0).abs() < 0.02, "{method} {evaluations}: {found} {want}");
        }
    }
}

/// Means follow too: data off centre, whose mean the far noise hides.
#[test]
fn means_and_full_covariances_are_turned() {
    let mean = array![0.8, -0.3];
    let covariance = array![[0.5, 0.2], [0.2, 0.3]];
    let data = Spectrum::new(mean, covariance.view()).unwrap();
    let found = planned("dpmpp2m", 1000, 80).forecast(&data).unwrap();
    assert!(found.frechet(&data) < 1e-4 && found.divergence(&data, 1e-9) < 1e-4);
    // One step to the clean end is the posterior mean from pure noise: nearly the mean of the data.
    let one = planned("ddim", 1000, 1).forecast(&data).unwrap();
    for (found, want) in one.mean.iter().zip(data.mean()) {
        assert!((found - want).abs() < 1e-4, "{found} {want}");
    }
    assert!(one.variance.iter().all(|v| *v < 1e-4));
}

/// A run of the perfect model needs no calibration, and a network that halves the variance is seen.
#[test]
fn a_calibration_adds_the_error_of_the_network() {
    let data = Spectrum::diagonal(vec![0.0, 0.0], vec![1.0, 0.25]).unwrap();
    let samples = |scale: f64| {
        let corners = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
        Array2::from_shape_fn((4, 2), |(i, j)| scale * corners[i][j] * [1.0, 0.5][j])
    };
    let forecast = planned("ddim", 1000, 50).forecast(&data).unwrap();
    let perfect = Calibration::new(&data, samples(1.0).view(), samples(1.0).view()).unwrap();
    let same = perfect.apply(&data, &forecast);
    assert!((same.frechet(&data) - forecast.frechet(&data)).abs() < 1e-12);
    let half = Calibration::new(&data, samples(0.5f64.sqrt()).view(), samples(1.0).view()).unwrap();
    let worse = half.apply(&data, &forecast);
    for (worse, own) in worse.variance.iter().zip(&forecast.variance) {
        assert!((worse - 0.5 * own).abs() < 1e-12);
    }
    assert!(Calibration::new(&data, samples(1.0).view(), array![[1.0]].view()).is_err());
}

#[test]
fn bad_spectra_are_refused() {
    assert!(Spectrum::diagonal(vec![], vec![]).is_err());
    assert!(Spectrum::diagonal(vec![0.0], vec![-1.0]).is_err());
    assert!(Spectrum::diagonal(vec![0.0], vec![1.0, 2.0]).is_err());
    assert!(Spectrum::diagonal(vec![f64::NAN], vec![1.0]).is_err());
    let skew = array![[1.0, 0.5], [0.1, 1.0]];
    assert!(Spectrum::new(Array1::zeros(2), skew.view()).is_err());
    assert!(Spectrum::new(Array1::zeros(3), skew.view()).is_err());
    assert!(Spectrum::of_data(Array2::zeros((0, 2)).view()).is_err());
}
