//! Tests of the mixture: score against log density, exact values, safety far from the modes, exact
//! sampling.

use crate::drift::{Drift, Times};
use ndarray::{Array2, array};

use super::*;
use crate::metrics;

/// Two components in three dimensions, with each kind of spread.
pub(crate) fn mixtures() -> Vec<GaussianMixture> {
    let means = array![[0.0, 1.0, -1.0], [2.0, -1.0, 0.5]];
    let variances = array![[0.5, 1.0, 2.0], [0.3, 0.7, 1.1]];
    let covariances = array![
        [[1.0, 0.4, 0.1], [0.4, 0.8, -0.2], [0.1, -0.2, 0.6]],
        [[0.5, -0.1, 0.0], [-0.1, 1.5, 0.3], [0.0, 0.3, 0.9]]
    ];
    let weights = [1.0, 3.0];
    vec![
        GaussianMixture::isotropic(means.view(), 0.8).unwrap().with_weights(&weights).unwrap(),
        GaussianMixture::diagonal(means.view(), variances.view())
            .unwrap()
            .with_weights(&weights)
            .unwrap(),
        GaussianMixture::full(means.view(), covariances.view())
            .unwrap()
            .with_weights(&weights)
            .unwrap(),
    ]
}

/// 150 points: two whole blocks and a partial one.
fn points() -> Array2<f64> {
    Array2::from_shape_fn((150, 3), |(i, j)| ((i * 7 + j * 11) % 29) as f64 / 6.0 - 2.4)
}

#[test]
fn score_is_the_gradient_of_the_log_density() {
    for mixture in mixtures() {
        let x = points();
        let mut score = Array2::<f64>::zeros(x.dim());
        mixture.eval(Times::Shared(0.0), x.view(), score.view_mut()).unwrap();
        let h = 1e-5;
        for j in 0..3 {
            let shifted = |by: f64| {
                let mut x = x.clone();
                x.column_mut(j).mapv_inplace(|x| x + by);
                mixture.log_density(x.view()).unwrap()
            };
            let numerical = (shifted(h) - shifted(-h)) / (2.0 * h);
            for (i, want) in numerical.iter().enumerate() {
                assert!((score[[i, j]] - want).abs() < 1e-8, "{i} {j}: {} {want}", score[[i, j]]);
            }
        }
        let mut single = Array2::<f32>::zeros(x.dim());
        mixture.eval(Times::Shared(0.0), x.mapv(|x| x as f32).view(), single.view_mut()).unwrap();
        let far =
            score.iter().zip(&single).map(|(a, b)| (a - f64::from(*b)).abs()).fold(0.0, f64::max);
        assert!(far < 2e-5, "{far:e}");
    }
}

#[test]
fn densities_are_the_textbook_ones() {
    // One component at its mean, and one standard deviation away.
    let one = GaussianMixture::isotropic(array![[1.0, 2.0]].view(), 0.5).unwrap();
    let at = one.log_density(array![[1.0, 2.0], [1.5, 2.0]].view()).unwrap();
    let peak = -(std::f64::consts::TAU * 0.25).ln();
    assert!((at[0] - peak).abs() < 1e-15 && (at[1] - peak + 0.5).abs() < 1e-15);
    // Diagonal and full covariances agree if they describe the same distribution.
    let variances = array![[0.5, 2.0]];
    let diagonal = GaussianMixture::diagonal(array![[0.0, 1.0]].view(), variances.view()).unwrap();
    let full =
        GaussianMixture::full(array![[0.0, 1.0]].view(), array![[[0.5, 0.0], [0.0, 2.0]]].view())
            .unwrap();
    let x = array![[0.3, -0.7], [2.0, 4.0]];
    let a = diagonal.log_density(x.view()).unwrap();
    let b = full.log_density(x.view()).unwrap();
    assert!((a - b).iter().all(|d| d.abs() < 1e-14));
    // Variances with exact roots give an exact Cholesky factor and so an exact covariance.
    let exact = array![[[0.25, 0.0], [0.0, 4.0]]];
    let full = GaussianMixture::full(array![[0.0, 1.0]].view(), exact.view()).unwrap();
    assert_eq!(full.covariance(), array![[0.25, 0.0], [0.0, 4.0]]);
}

#[test]
fn far_from_every_mode_nothing_underflows_or_hides() {
    for mixture in mixtures() {
        let x = array![[1e3, -1e3, 1e3], [1e8, 0.0, 0.0]];
        let mut score = Array2::<f64>::zeros((2, 3));
        mixture.eval(Times::Shared(0.0), x.view(), score.view_mut()).unwrap();
        assert!(score.iter().all(|s| s.is_finite()) && score.iter().any(|s| s.abs() > 100.0));
        assert!(mixture.log_density(x.view()).unwrap().iter().all(|d| d.is_finite()));
        let sums = mixture.responsibilities(x.view()).unwrap().sum_axis(Axis(1));
        assert!(sums.iter().all(|s| (s - 1.0).abs() < 1e-15));
        // Non-finite input gives non-finite output.
        let x = array![[f64::NAN, 0.0, 0.0], [f64::INFINITY, 0.0, 0.0], [0.0, 0.0, 0.0]];
        let mut score = Array2::<f64>::zeros((3, 3));
        mixture.eval(Times::Shared(0.0), x.view(), score.view_mut()).unwrap();
        assert!(
            score.row(0).iter().any(|s| s.is_nan()) && score.row(1).iter().any(|s| !s.is_finite())
        );
        assert!(score.row(2).iter().all(|s| s.is_finite()));
    }
}

#[test]
fn a_component_of_weight_zero_is_as_good_as_absent() {
    let with = GaussianMixture::isotropic(array![[0.0], [9.0]].view(), 1.0)
        .unwrap()
        .with_weights(&[1.0, 0.0])
        .unwrap();
    let x = array![[9.0], [-3.0]];
    let mut score = Array2::<f64>::zeros((2, 1));
    with.eval(Times::Shared(0.0), x.view(), score.view_mut()).unwrap();
    assert_eq!(score, array![[-9.0], [3.0]]);
    assert_eq!(with.responsibilities(x.view()).unwrap(), array![[1.0, 0.0], [1.0, 0.0]]);
    assert_eq!(with.distance_to_nearest_mode(x.view()).unwrap(), array![9.0, 3.0]);
}

#[test]
fn exact_samples_have_the_exact_moments() {
    // 9 means and 9 variances at each of 3 seeds, each within six standard errors: 2e-9 × 54 = 1e-7
    // false alarms.
    for mixture in mixtures() {
        for seed in [0, 1, u64::MAX] {
            let samples = mixture.sample(20_000, seed).unwrap();
            let found = metrics::moments(samples.view()).unwrap();
            for j in 0..3 {
                assert!((found.mean[j] - mixture.mean()[j]).abs() < 6.0 * found.mean_error[j]);
                let error = 6.0 * found.variance_error[j];
                assert!((found.covariance[[j, j]] - mixture.covariance()[[j, j]]).abs() < error);
            }
        }
    }
}

#[test]
fn samples_depend_on_their_number_alone() {
    let mixture = &mixtures()[2];
    let few = mixture.sample(10, 5).unwrap();
    let many = mixture.sample(100, 5).unwrap();
    assert_eq!(few, many.slice(ndarray::s![..10, ..]));
}

#[test]
fn a_marginal_is_the_law_of_the_coordinates_kept() {
    for mixture in mixtures() {
        let marginal = mixture.marginal(&[2, 0]).unwrap();
        assert_eq!(marginal.weights(), mixture.weights());
        let small = marginal.covariance();
        let large = mixture.covariance();
        assert!(
            (small[[0, 1]] - large[[2, 0]]).abs() < 1e-14
                && (small[[0, 0]] - large[[2, 2]]).abs() < 1e-14
        );
    }
}

#[test]
fn bad_mixtures_are_named() {
    let means = array![[0.0, 0.0], [1.0, 1.0]];
    let message = |result: Result<GaussianMixture>| result.unwrap_err().to_string();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(GaussianMixture::isotropic(means.view(), bad)).starts_with("std: given"));
    }
    assert!(
        message(GaussianMixture::from_data(means.view(), -1.0)).starts_with("bandwidth: given -1")
    );
    assert!(
        message(GaussianMixture::isotropic(Array2::zeros((0, 2)).view(), 1.0)).contains("means")
    );
    assert!(
        message(GaussianMixture::isotropic(array![[f64::NAN]].view(), 1.0))
            .contains("row 0, column 0")
    );
    assert!(
        message(GaussianMixture::diagonal(means.view(), array![[1.0, 1.0], [1.0, -2.0]].view()))
            .contains("component 1")
    );
    let ones = array![[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]];
    assert!(
        message(GaussianMixture::full(means.view(), ones.view()))
            .starts_with("component 1: the covariance is not")
    );
    let lopsided = array![[[1.0, 0.1], [0.2, 1.0]], [[1.0, 0.0], [0.0, 1.0]]];
    assert!(
        message(GaussianMixture::full(means.view(), lopsided.view())).starts_with("component 0")
    );
    let mixture = GaussianMixture::isotropic(means.view(), 1.0).unwrap();
    assert!(
        message(mixture.clone().with_weights(&[1.0, -1.0])).contains("component 1: weight is -1")
    );
    assert!(message(mixture.clone().with_weights(&[0.0, 0.0])).contains("sum of the weights"));
    assert!(message(mixture.clone().with_weights(&[1.0])).contains("one for each component"));
    assert!(mixture.log_density(Array2::zeros((1, 3)).view()).is_err());
}

#[test]
fn radial_distances_leave_out_rows_that_are_not_finite() {
    let mixture = &mixtures()[0];
    let samples = mixture.sample(400, 1).unwrap();
    let alone = mixture.radial_wasserstein(samples.view()).unwrap();
    let distances = mixture.distance_to_nearest_mode(samples.view()).unwrap().to_vec();
    let expected = crate::metrics::radial_wasserstein(&distances, mixture.dimension()).unwrap();
    assert_eq!(alone, expected);
    let hole = ndarray::Array2::from_elem((1, mixture.dimension()), f64::NAN);
    let holed = ndarray::concatenate![ndarray::Axis(0), samples, hole];
    assert_eq!(mixture.radial_wasserstein(holed.view()).unwrap(), alone);
}
