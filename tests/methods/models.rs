//! Models of noised data: the exact mixture, and predictions that do not lead to others.

use langevin::diffusion::{Clock, Denoised, Level, Levels};
use langevin::ndarray::{ArrayView2, ArrayViewMut2, array};
use langevin::prelude::*;

use crate::support::ring;

#[test]
fn diffused_samples_and_densities_are_those_of_the_level() {
    let model = DiffusedMixture::new(ring(0.05));
    let level = Level::from_alpha_bar(0.5).unwrap();
    let noised = model.at(level).unwrap();
    let x = array![[0.3, -0.2]];
    let density = |mu: ArrayView2<'_, f64>| {
        let v = 0.5 * 0.0025 + 0.5;
        let square = (&x - &(&mu * 0.5f64.sqrt())).mapv(|d| d * d).sum();
        0.125 * (-0.5 * square / v).exp() / (std::f64::consts::TAU * v)
    };
    let means = model.data().means();
    let by_hand: f64 =
        (0..8).map(|k| density(means.row(k).insert_axis(langevin::ndarray::Axis(0)))).sum();
    let found = noised.log_density(x.view()).unwrap()[0];
    assert!((found - by_hand.ln()).abs() < 1e-13);
    // Six standard errors of mean squares of 40,000 samples: 3 seeds × 2 × 2e-9 false alarms.
    let exact = 0.5 * (0.5 + 0.0025) + 0.5;
    for seed in [0, 1, u64::MAX] {
        let samples = noised.sample(40_000, seed).unwrap();
        for column in samples.columns() {
            let squares = column.mapv(|x| x * x);
            let mean = squares.mean().unwrap();
            let error = (squares.mapv(|s| (s - mean) * (s - mean)).mean().unwrap() / 4e4).sqrt();
            assert!((mean - exact).abs() < 6.0 * error, "seed {seed}: {mean} {exact}");
        }
    }
}

/// A model that predicts zero noise.
#[derive(Debug)]
struct Epsilon;

impl Denoiser<f64> for Epsilon {
    fn prediction(&self) -> Prediction {
        Prediction::Epsilon
    }
    fn predict(
        &self,
        _: Levels<'_>,
        _: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), BoxError> {
        out.fill(0.0);
        Ok(())
    }
}

/// In pure noise ε says nothing about the data: refused when the drift is built.
#[test]
fn epsilon_at_zero_signal_is_refused() {
    let frozen = || Clock::Frozen(Level::PURE_NOISE);
    let error = Denoised::new(&Epsilon, frozen(), Prediction::Data).unwrap_err();
    assert!(matches!(error, Error::Unreachable { alpha_bar: 0.0, .. }), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("data does not follow from a prediction of epsilon at alpha bar 0"),
        "{error}"
    );
    // The score follows from it.
    let drift = Denoised::new(&Epsilon, frozen(), Prediction::Score).unwrap();
    let mut out = array![[1.0]];
    drift.eval(Times::Shared(0.0), array![[3.0]].view(), out.view_mut()).unwrap();
    assert_eq!(out, array![[0.0]]);
}

/// What is asked of phase space and what is asked of data do not mix.
#[test]
fn models_of_another_process_are_refused() {
    let phase = || Clock::Phase { process: Psld::PAPER, horizon: 8.0 };
    for wanted in [Prediction::Score, Prediction::JointScore] {
        let error = Denoised::new(&Epsilon, phase(), wanted).unwrap_err().to_string();
        assert!(error.starts_with("model: given a prediction of epsilon"), "{error}");
    }
    let clock = Clock::Reverse { horizon: 1.0 };
    let error = Denoised::new(&Epsilon, clock, Prediction::JointScore).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}
