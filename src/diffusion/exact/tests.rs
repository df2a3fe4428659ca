//! The noised score against the score of the noised law, in every shape and precision, with shared
//! and separate levels.

use ndarray::Array2;

use super::*;
use crate::drift::mixture::tests;
use crate::drift::{Drift, Times};

/// Each kind of spread, and a data set.
fn mixtures() -> Vec<GaussianMixture> {
    let data = Array2::from_shape_fn((77, 3), |(i, j)| ((i * 7 + j * 11) % 23) as f64 / 8.0 - 1.0);
    let many: Vec<f64> = (0..77).map(|i| 1.0 + f64::from(i % 5)).collect();
    let data = GaussianMixture::from_data(data.view(), 0.2).unwrap().with_weights(&many).unwrap();
    [tests::mixtures(), vec![data]].concat()
}

fn levels() -> Vec<Level> {
    [0.999_999, 0.99, 0.5, 0.1, 1e-4, 0.0].map(|a| Level::from_alpha_bar(a).unwrap()).into()
}

/// 83 points: whole blocks of every width and a partial one.
fn points() -> Array2<f64> {
    Array2::from_shape_fn((83, 3), |(i, j)| ((i * 7 + j * 11) % 29) as f64 / 6.0 - 2.4)
}

#[test]
fn the_score_is_that_of_the_noised_law() {
    for mixture in mixtures() {
        let diffused = DiffusedMixture::new(mixture);
        for level in levels() {
            let x = points();
            let mut want = Array2::<f64>::zeros(x.dim());
            diffused
                .at(level)
                .unwrap()
                .eval(Times::Shared(0.0), x.view(), want.view_mut())
                .unwrap();
            let mut found = Array2::<f64>::zeros(x.dim());
            diffused.predict(Levels::Shared(level), x.view(), found.view_mut()).unwrap();
            let mut single = Array2::<f32>::zeros(x.dim());
            diffused
                .predict(Levels::Shared(level), x.mapv(|x| x as f32).view(), single.view_mut())
                .unwrap();
            for ((w, f), s) in want.iter().zip(&found).zip(&single) {
                // Exponents reach a few hundred at the least noise, and lose that many units in the
                // last place.
                assert!((w - f).abs() < 1e-11 * (1.0 + w.abs()), "{level:?}: {w} {f}");
                assert!((w - f64::from(*s)).abs() < 1e-3 * (1.0 + w.abs()), "{level:?}: {w} {s}");
            }
        }
    }
}

#[test]
fn rows_with_their_own_levels_are_as_if_alone() {
    for mixture in mixtures() {
        let diffused = DiffusedMixture::new(mixture);
        let x = points();
        let all = levels();
        let own: Vec<Level> = (0..x.nrows()).map(|i| all[i % all.len()]).collect();
        let mut mixed = Array2::<f64>::zeros(x.dim());
        diffused.predict(Levels::PerRow(&own), x.view(), mixed.view_mut()).unwrap();
        for level in all {
            let mut shared = Array2::<f64>::zeros(x.dim());
            diffused.predict(Levels::Shared(level), x.view(), shared.view_mut()).unwrap();
            for i in (0..x.nrows()).filter(|i| own[*i] == level) {
                assert_eq!(mixed.row(i), shared.row(i));
            }
        }
    }
}

#[test]
fn a_clean_level_is_the_data_itself() {
    for mixture in mixtures() {
        let x = points();
        let mut want = Array2::<f64>::zeros(x.dim());
        let mut found = Array2::<f64>::zeros(x.dim());
        mixture.eval(Times::Shared(0.0), x.view(), want.view_mut()).unwrap();
        DiffusedMixture::new(mixture)
            .predict(Levels::Shared(Level::CLEAN), x.view(), found.view_mut())
            .unwrap();
        assert!(want.iter().zip(&found).all(|(w, f)| (w - f).abs() < 1e-11 * (1.0 + w.abs())));
    }
}
