//! Scales, drifts in other coordinates, and noise for steps twice as long.

use langevin::advanced::{Address, Coarse, Noise, Philox, Purpose};
use langevin::drift::{Preconditioned, Scale};
use langevin::ndarray::{Array1, Array2, ArrayView2, array};
use langevin::prelude::*;
use langevin::sampler::Mala;

use crate::targets::{Turned, drift};

fn scales() -> [Scale; 2] {
    let center = array![1.0, -2.0, 0.5];
    let covariance = array![[4.0, 1.0, 0.2], [1.0, 0.5, 0.1], [0.2, 0.1, 0.09]];
    [
        Scale::diagonal(center.view(), array![2.0, 0.1, 30.0].view()).unwrap(),
        Scale::dense(center.view(), covariance.view()).unwrap(),
    ]
}

fn some_rows() -> Array2<f64> {
    Array2::from_shape_fn((5, 3), |(i, j)| (1.7 * (i + 4 * j) as f64).sin())
}

#[test]
fn a_scale_leads_back() {
    for scale in scales() {
        let y = some_rows();
        let x = scale.to_x(y.view());
        assert!((&scale.to_y(x.view()) - &y).iter().all(|d| d.abs() < 1e-13));
        let single = scale.to_x(y.mapv(|y| y as f32).view());
        assert!((&single.mapv(f64::from) - &x).iter().all(|d| d.abs() < 1e-4));
        assert_eq!(scale.dimension(), 3);
    }
    let [diagonal, dense] = scales();
    assert_eq!(diagonal.scales(), array![2.0, 0.1, 30.0]);
    assert!((dense.scales() - array![2.0, 0.5f64.sqrt(), 0.3]).iter().all(|d| d.abs() < 1e-15));
    assert!(diagonal.covariance().is_none() && dense.is_dense());
    let again = Scale::triangular(dense.center(), dense.factor().unwrap()).unwrap();
    assert_eq!(again, dense);
}

/// b_y = Lᵀ b(m + L y), and log π_y is that of x, for any drift.
#[test]
fn a_drift_in_other_coordinates_is_the_gradient_there() {
    let density = |x: ArrayView2<'_, f64>, out: &mut [f64]| -> std::result::Result<(), BoxError> {
        let log = |x: &[f64]| -0.25 * x[0].powi(4) - 0.5 * (x[1] - x[2]).powi(2) - x[1] * x[1];
        x.rows().into_iter().zip(out).for_each(|(x, out)| *out = log(&x.to_vec()));
        Ok(())
    };
    let gradient = || {
        drift(3, |x, out| {
            out[0] = -x[0].powi(3);
            out[1] = x[2] - x[1] - 2.0 * x[1];
            out[2] = x[1] - x[2];
        })
    };
    for scale in scales() {
        let target = Preconditioned::new(WithDensity::new(gradient(), density), scale.clone());
        for row in some_rows().rows() {
            langevin::posterior::check_gradient(&target, &row.to_vec()).unwrap();
        }
        assert!(Drift::<f64>::density(&target).is_some());
        let without = Preconditioned::new(gradient(), scale);
        assert!(Drift::<f64>::density(&without).is_none());
    }
}

/// MALA in other coordinates moves and accepts as a program that writes out the change.
#[test]
fn samplers_run_in_other_coordinates() {
    let center = array![1.0, -2.0];
    let scale = Scale::diagonal(center.view(), array![2.0, 0.1].view()).unwrap();
    let log = |x: &[f64]| -0.25 * x[0].powi(4) - 50.0 * (x[1] + 2.0).powi(2);
    let plain = WithDensity::new(
        drift(2, |x, out| {
            out[0] = -x[0].powi(3);
            out[1] = -100.0 * (x[1] + 2.0);
        }),
        move |x: ArrayView2<'_, f64>, out: &mut [f64]| {
            x.rows().into_iter().zip(out).for_each(|(x, out)| *out = log(&[x[0], x[1]]));
            Ok(())
        },
    );
    let by_hand = WithDensity::new(
        drift(2, |y, out| {
            out[0] = -2.0 * (1.0 + 2.0 * y[0]).powi(3);
            out[1] = -0.1 * 100.0 * (-2.0 + 0.1 * y[1] + 2.0);
        }),
        move |y: ArrayView2<'_, f64>, out: &mut [f64]| {
            let x =
                |y: ArrayView2<'_, f64>, i: usize| [1.0 + 2.0 * y[[i, 0]], -2.0 + 0.1 * y[[i, 1]]];
            (0..y.nrows()).zip(out).for_each(|(i, out)| *out = log(&x(y, i)));
            Ok(())
        },
    );
    let grid = || TimeGrid::uniform(0.3, 40).unwrap();
    let run = |drift: &dyn Drift<f64>| Run::new(Mala::new(), drift, grid()).chains(50).run();
    let own = run(&Preconditioned::new(plain, scale)).unwrap();
    let other = run(&by_hand).unwrap();
    assert_eq!(own.acceptance(), other.acceptance());
    assert!((&own.positions() - &other.positions()).iter().all(|d| d.abs() < 1e-10));
}

#[test]
fn scales_that_make_no_sense_are_named() {
    let center = array![0.0, 0.0];
    let said = |result: Result<Scale>| result.unwrap_err().to_string();
    let error = said(Scale::diagonal(center.view(), array![1.0].view()));
    assert!(error.contains("scales: given shape (1), expected (2)"), "{error}");
    let error = said(Scale::diagonal(center.view(), array![1.0, 0.0].view()));
    assert!(error.contains("scale"), "{error}");
    let error = said(Scale::diagonal(array![0.0, f64::NAN].view(), array![1.0, 1.0].view()));
    assert!(error.contains("centre"), "{error}");
    let error = said(Scale::dense(center.view(), array![[1.0, 2.0], [2.0, 1.0]].view()));
    assert!(error.contains("not symmetric positive definite"), "{error}");
    let error = said(Scale::dense(center.view(), array![[1.0]].view()));
    assert!(error.contains("covariance: given shape (1, 1), expected (2, 2)"), "{error}");
    assert!(Scale::diagonal(Array1::zeros(0).view(), Array1::zeros(0).view()).is_err());
    let scale = Scale::diagonal(center.view(), array![1.0, 1.0].view()).unwrap();
    let target = Preconditioned::new(Turned::new(3).drift(), scale);
    let run = Run::new(EulerMaruyama::new(Overdamped), &target, TimeGrid::uniform(0.1, 2).unwrap());
    assert!(run.run().unwrap_err().to_string().contains("in other coordinates"));
}

/// Without a drift a run with steps 2h ends where the run with steps h does: momenta of the
/// Ornstein–Uhlenbeck part, and positions of a Brownian motion.
#[test]
fn coupled_noise_follows_one_path() {
    let still = || drift(2, |_, out| out.fill(0.0));
    for (friction, step) in [(0.5, 0.2), (2.0, 0.7), (10.0, 1.5)] {
        let run = |step: f64, steps: usize, coarse: bool| {
            let sampler =
                Splitting::new(Underdamped::new(friction, 1.0).unwrap(), "BAOAB".parse().unwrap());
            let grid = TimeGrid::uniform(step, steps).unwrap();
            let run = Run::new(sampler, still(), grid).chains(9);
            let run = match coarse {
                true => run.noise(Coarse::new(Philox::new(3), friction, 0.5 * step)),
                false => run.noise(Philox::new(3)),
            };
            run.run().unwrap()
        };
        let fine = run(step, 12, false);
        let coarse = run(2.0 * step, 6, true);
        let change = &fine.momenta().unwrap() - &coarse.momenta().unwrap();
        assert!(change.iter().all(|d| d.abs() < 1e-12), "{friction}, {step}");
    }
    let run = |step: f64, steps: usize| {
        let grid = TimeGrid::uniform(step, steps).unwrap();
        Run::new(EulerMaruyama::new(Overdamped), still(), grid).chains(9)
    };
    let fine = run(0.1, 10).noise(Philox::new(3)).run().unwrap();
    let coarse = run(0.2, 5).noise(Coarse::new(Philox::new(3), 0.0, 0.1)).run().unwrap();
    assert!((&fine.positions() - &coarse.positions()).iter().all(|d| d.abs() < 1e-12));
}

/// Coarse normals are combinations of two fine ones with squares that add up to one, and no draw is
/// used twice.
#[test]
fn coupled_noise_is_standard() {
    let chains: Vec<u32> = (0..4).collect();
    let fine = Philox::new(11);
    let coarse = Coarse::new(&fine, 1.3, 0.4);
    let first = (-1.3f64 * 0.4).exp() / (1.0 + (-2.0 * 1.3 * 0.4f64).exp()).sqrt();
    let second = 1.0 / (1.0 + (-2.0 * 1.3 * 0.4f64).exp()).sqrt();
    assert!((first * first + second * second - 1.0).abs() < 1e-15);
    let draw = |noise: &dyn Noise<f64>, step: u32, purpose: Purpose| {
        let mut out = [0.0; 12];
        noise.normals(Address::new(step, purpose, 0), &chains, &mut out);
        out
    };
    for step in [0, 1, 7] {
        let own = draw(&coarse, step, Purpose::Increment);
        let early = draw(&fine, 2 * step, Purpose::Increment);
        let late = draw(&fine, 2 * step + 1, Purpose::Increment);
        for ((z, a), b) in own.iter().zip(early).zip(late) {
            assert!((z - first * a - second * b).abs() < 1e-14);
        }
        assert_eq!(draw(&coarse, step, Purpose::Momentum), draw(&fine, step, Purpose::Momentum));
    }
}
