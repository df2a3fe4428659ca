//! One step on the probability flow of a mixture: errors and orders of Euler–Maruyama and the
//! randomized midpoint, as docs/diffusion.md prints them.

use langevin::advanced::Scripted;
use langevin::diffusion::dynamics::ProbabilityFlow;
use langevin::ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2};
use langevin::prelude::*;

use crate::support::docs;

/// 64 independent coordinates, each ½ N(±1, ¼), noised to an OU time: the score coordinate by
/// coordinate.
struct Coordinates {
    horizon: f64,
}

impl Coordinates {
    fn score(&self, x: f64, time: f64) -> f64 {
        let a = (-time).exp();
        let variance = 0.25 * a * a - (-2.0 * time).exp_m1();
        // ½ N(a, v) + ½ N(−a, v): the posterior mean of ±1 is tanh(a x / v).
        (a * (a * x / variance).tanh() - x) / variance
    }
}

impl Drift<f64> for Coordinates {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), BoxError> {
        for (row, (x, mut out)) in x.rows().into_iter().zip(out.rows_mut()).enumerate() {
            let time = self.horizon - times.at(row);
            out.zip_mut_with(&x, |b, x| *b = self.score(*x, time));
        }
        Ok(())
    }
}

/// The probability flow from OU time 1 over `h`, by many RK4 steps.
fn flow(score: &Coordinates, x: f64, h: f64) -> f64 {
    let f = |x: f64, s: f64| x + score.score(x, 1.0 - s);
    let n = 400;
    let mut x = x;
    let step = h / f64::from(n);
    for i in 0..n {
        let s = step * f64::from(i);
        let k1 = f(x, s);
        let k2 = f(x + 0.5 * step * k1, s + 0.5 * step);
        let k3 = f(x + 0.5 * step * k2, s + 0.5 * step);
        let k4 = f(x + step * k3, s + step);
        x += step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    x
}

/// Points of the distribution at OU time 1, in the middle of many cells of equal probability, by
/// bisection of the distribution function.
fn points_at_one() -> Vec<f64> {
    let a = (-1.0f64).exp();
    let sd = (0.25 * (-2.0f64).exp() - (-2.0f64).exp_m1()).sqrt();
    let cdf = |x: f64| {
        let normal = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        0.5 * (normal((x - a) / sd) + normal((x + a) / sd))
    };
    let point = |i: i32| {
        let p = (f64::from(i) + 0.5) / 2000.0;
        let mut low = -8.0;
        let mut high = 8.0;
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if cdf(middle) < p { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    (0..2000).map(point).collect()
}

/// Final positions after one step from `start` with these coins for all.
fn step(sampler: &dyn Sampler<f64>, start: &Array2<f64>, h: f64, coin: f64) -> Array2<f64> {
    let mut noise = Scripted::new();
    (0..start.nrows()).for_each(|chain| noise.coins(chain as u32, &[coin]));
    let grid = TimeGrid::uniform(h, 1).unwrap();
    let run = Run::new(sampler, Coordinates { horizon: 1.0 }, grid);
    run.start(start.clone()).noise(noise).run().unwrap().state
}

/// Errors of a step, as Euclidean norms over 64 coordinates.
struct Errors {
    /// Root mean square over the distribution and the coins.
    square: f64,
    /// Root mean square over the distribution of the mean over the coins.
    bias: f64,
}

fn errors(sampler: &dyn Sampler<f64>, h: f64) -> Errors {
    let points = points_at_one();
    let start = Array2::from_shape_vec((points.len(), 1), points).unwrap();
    let exact: Array1<f64> = start.column(0).mapv(|x| flow(&Coordinates { horizon: 1.0 }, x, h));
    let mut square = 0.0;
    let mut mean = Array1::<f64>::zeros(exact.len());
    for script in &sampler.coin_scripts().unwrap() {
        let coin = script.uniforms.first().copied().unwrap_or(0.5);
        let error = &step(sampler, &start, h, coin).column(0) - &exact;
        square += script.weight * error.mapv(|e| e * e).mean().unwrap();
        mean.scaled_add(script.weight, &error);
    }
    let bias = mean.mapv(|e| e * e).mean().unwrap().sqrt();
    Errors { square: 8.0 * square.sqrt(), bias: 8.0 * bias }
}

fn euler() -> EulerMaruyama<ProbabilityFlow> {
    EulerMaruyama::new(ProbabilityFlow)
}

fn midpoint(control_variate: bool) -> RandomizedMidpoint<ProbabilityFlow> {
    RandomizedMidpoint::new(ProbabilityFlow).with_control_variate(control_variate)
}

#[test]
fn one_step_errors_on_the_flow_are_those_of_the_table() {
    // Twelve digits from an independent implementation. The quadrature over the distribution here
    // is good to a percent.
    let wanted = [
        (0.2, [1.169057618579e-2, 1.045648092467e-1, 7.846330938169e-3]),
        (0.05, [5.798465255822e-4, 6.023839234234e-3, 3.470136128598e-4]),
    ];
    let printed = docs::table("diffusion.md", "**One step on the probability flow.**");
    assert_eq!(printed.len(), 1 + wanted.len());
    for ((h, want), row) in wanted.into_iter().zip(&printed[1..]) {
        let samplers: [&dyn Sampler<f64>; 3] = [&euler(), &midpoint(false), &midpoint(true)];
        assert_eq!(row[0], h.to_string());
        for ((sampler, want), cell) in samplers.into_iter().zip(want).zip(&row[1..]) {
            let found = errors(sampler, h).square;
            assert!((found / want - 1.0).abs() < 0.01, "h = {h}: {found} {want}");
            assert_eq!(docs::as_printed(cell, want), *cell, "h = {h}");
        }
    }
}

#[test]
fn orders_are_as_stated() {
    let slope = |error: &dyn Fn(f64) -> f64| (error(0.1) / error(0.0125)).ln() / 8.0f64.ln();
    let order = slope(&|h| errors(&euler(), h).square);
    assert!((1.9..2.1).contains(&order), "local order of the exponential integrator: {order}");
    for control_variate in [false, true] {
        let order = slope(&|h| errors(&midpoint(control_variate), h).bias);
        assert!(order >= 2.8, "local order of the mean error of rm: {order}, {control_variate}");
    }
}
