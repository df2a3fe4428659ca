//! Targets with known means and standard deviations.

use langevin::ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2};
use langevin::prelude::*;

/// A drift from the gradient at one point.
pub fn drift(
    dim: usize,
    gradient: impl Fn(&[f64], &mut [f64]) + Send + Sync + 'static,
) -> impl Drift<f64> {
    PerRow::new(dim, move |_time, x: &[f64], out: &mut [f64]| gradient(x, out))
}

/// The non-centred eight schools: mu, log tau and eight effects in units of tau.
pub fn eight_schools() -> impl Drift<f64> {
    const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
    const SIGMA: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
    drift(10, |x, out| {
        let tau = x[1].exp();
        let cauchy = tau * tau / 25.0;
        out[0] = -x[0] / 25.0;
        out[1] = 1.0 - 2.0 * cauchy / (1.0 + cauchy);
        for j in 0..8 {
            let effect = x[2 + j];
            let rest = (Y[j] - x[0] - tau * effect) / (SIGMA[j] * SIGMA[j]);
            out[0] += rest;
            out[1] += rest * tau * effect;
            out[2 + j] = rest * tau - effect;
        }
    })
}

/// x₀ ~ N(0, 1), x₁ ~ N(x₀², 1): means 0 and 1, variances 1 and 3.
pub fn banana() -> impl Drift<f64> {
    drift(2, |x, out| {
        let bend = x[1] - x[0] * x[0];
        out[0] = 2.0 * x[0] * bend - x[0];
        out[1] = -bend;
    })
}

/// Neal's funnel in ten dimensions.
pub fn funnel() -> impl Drift<f64> {
    drift(10, |x, out| {
        let weight = (-x[0]).exp();
        out[0] = -x[0] / 9.0;
        for j in 1..10 {
            out[0] += 0.5 * (x[j] * x[j] * weight - 1.0);
            out[j] = -x[j] * weight;
        }
    })
}

/// A Gaussian of condition number 10⁴ in turned coordinates, around (1, …, 1).
pub struct Turned {
    pub precision: Array2<f64>,
    pub covariance: Array2<f64>,
}

impl Turned {
    pub fn new(dim: usize) -> Self {
        // A product of reflections is orthogonal.
        let mut q = Array2::<f64>::eye(dim);
        for k in 0..5 {
            let v = Array1::from_shape_fn(dim, |j| ((3 * k + 7 * j + j * j) as f64).sin());
            let vq = v.dot(&q);
            let square = v.dot(&v);
            for ((i, j), q) in q.indexed_iter_mut() {
                *q -= 2.0 * v[i] * vq[j] / square;
            }
        }
        let variance = |k: usize| 10f64.powf(-2.0 + 4.0 * k as f64 / (dim - 1) as f64);
        let of = |power: f64| {
            let scaled = Array2::from_shape_fn((dim, dim), |(i, k)| {
                q[[i, k]] * variance(k).powf(power / 2.0)
            });
            scaled.dot(&scaled.t())
        };
        Self { precision: of(-1.0), covariance: of(1.0) }
    }

    pub fn drift(&self) -> impl Drift<f64> + use<> {
        let precision = self.precision.clone();
        let eval = move |_: Times<'_>, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>| {
            out.assign(&(1.0 - &x).dot(&precision));
            Ok(())
        };
        Batched::new(self.precision.nrows(), eval)
    }
}
