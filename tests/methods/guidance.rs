//! Guidance of models: exact ends of Gaussians, intervals, rescale, rows that do not see each
//! other.

use std::sync::atomic::{AtomicUsize, Ordering};

use langevin::diffusion::{Level, Levels};
use langevin::ndarray::{Array2, ArrayView2, ArrayViewMut2, array, s};
use langevin::prelude::*;

use crate::support::planned;

fn gaussian(mean: f64, variance: f64) -> DiffusedMixture {
    let data = GaussianMixture::isotropic(array![[mean]].view(), variance.sqrt());
    DiffusedMixture::new(data.unwrap())
}

type Pair = Guided<f64, DiffusedMixture, DiffusedMixture>;

/// N(1, 0.19) guided away from N(0, 1).
fn guided(weight: f64) -> Pair {
    Guided::models(gaussian(1.0, 0.19), gaussian(0.0, 1.0), weight).unwrap()
}

/// Mean and variance at the end of DDIM through all levels: it is an affine function of its start.
fn moments(model: &Pair) -> [f64; 2] {
    let plan = planned("ddim", 1000, 1000);
    let samples = plan.run(model).unwrap().start(array![[0.0], [1.0]]).run().unwrap();
    let ends = samples.positions();
    [ends[[0, 0]], (ends[[1, 0]] - ends[[0, 0]]).powi(2)]
}

/// docs/diffusion.md: guidance is no power of a density.
#[test]
fn ends_of_guided_gaussians_are_exact() {
    for (model, want) in [
        (guided(1.0), [0.997, 0.189]),
        (guided(2.0), [1.308, 0.0356]),
        (guided(4.0), [1.371, 0.0013]),
        (guided(2.0).in_interval([0.2, 2.0]).unwrap(), [1.217, 0.0496]),
    ] {
        let found = moments(&model);
        println!("{found:.5?} {want:?}");
        assert!((found[0] - want[0]).abs() < 6e-4 && (found[1] / want[1] - 1.0).abs() < 0.04);
    }
}

/// A model that counts the rows that it is asked for.
struct Counting {
    model: DiffusedMixture,
    rows: AtomicUsize,
}

impl Denoiser<f64> for Counting {
    fn prediction(&self) -> Prediction {
        Prediction::Score
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, f64>,
        out: ArrayViewMut2<'_, f64>,
    ) -> std::result::Result<(), BoxError> {
        self.rows.fetch_add(x.nrows(), Ordering::Relaxed);
        Denoiser::<f64>::predict(&self.model, levels, x, out)
    }
}

fn wide(mean: f64) -> DiffusedMixture {
    let means = Array2::from_shape_fn((2, 3), |(i, j)| mean + i as f64 - 0.3 * j as f64);
    DiffusedMixture::new(GaussianMixture::isotropic(means.view(), 0.6).unwrap())
}

/// In an interval a row is guided or not by its own level, and u is asked for the rows inside.
#[test]
fn rows_are_guided_by_their_own_level() {
    let levels = [0.1, 0.2, 0.21, 1.0, 2.0, 2.01].map(|sigma| Level::from_sigma(sigma).unwrap());
    let x = Array2::from_shape_fn((6, 3), |(i, j)| 0.4 * i as f64 - 0.7 * j as f64);
    let predict = |model: &dyn Denoiser<f64>, levels: Levels<'_>, x: ArrayView2<'_, f64>| {
        let mut out = Array2::zeros(x.dim());
        model.predict(levels, x, out.view_mut()).unwrap();
        out
    };
    let other = Counting { model: wide(0.0), rows: AtomicUsize::new(0) };
    for share in [0.0, 0.7] {
        let guided = Guided::models(wide(1.0), &other, 3.0).unwrap();
        let guided = guided.in_interval([0.2, 2.0]).unwrap().rescaled(share).unwrap();
        other.rows.store(0, Ordering::Relaxed);
        let all = predict(&guided, Levels::PerRow(&levels), x.view());
        let inside = levels.map(|level| level.sigma() > 0.2 && level.sigma() <= 2.0);
        let count = inside.iter().filter(|inside| **inside).count();
        assert!(count > 1 && count < 6);
        assert_eq!(other.rows.load(Ordering::Relaxed), count);
        for (row, level) in levels.iter().enumerate() {
            let part = x.slice(s![row..row + 1, ..]);
            let level = Levels::Shared(*level);
            let c = predict(&wide(1.0), level, part);
            let u = predict(&wide(0.0), level, part);
            let mut want = c.clone();
            if inside[row] {
                want = &u + &((&c - &u) * 3.0);
                let ratio = c.std(0.0) / want.std(0.0);
                want = &want * (share * ratio + 1.0 - share);
            }
            let alone = predict(&guided, level, part);
            assert_eq!(alone.row(0), all.row(row), "row {row}");
            let near = (&alone - &want).iter().all(|off| off.abs() < 1e-12);
            assert!(near, "row {row}, {share}: {alone}, {want}");
        }
    }
}

/// A row of one number has no spread, and stays as it is.
#[test]
fn a_row_without_spread_is_not_rescaled() {
    let plain = moments(&guided(2.0));
    assert_eq!(moments(&guided(2.0).rescaled(0.7).unwrap()), plain);
}

#[test]
fn intervals_and_shares_that_make_no_sense_are_refused() {
    for bad in [[-1.0, 2.0], [2.0, 2.0], [3.0, 1.0], [0.0, f64::INFINITY], [f64::NAN, 1.0]] {
        let error = guided(2.0).in_interval(bad).unwrap_err().to_string();
        assert!(error.starts_with("guidance interval: given"), "{error}");
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        let error = guided(2.0).rescaled(bad).unwrap_err().to_string();
        assert!(error.starts_with("guidance rescale: given"), "{error}");
    }
}
