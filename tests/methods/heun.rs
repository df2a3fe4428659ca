//! Heun's method on the probability flow: steps by Algorithm 1 of EDM, cost, order, errors.

use langevin::advanced::{Interval, State, Step, Work};
use langevin::diffusion::samplers::Heun;
use langevin::diffusion::{Clock, Denoised, Levels};
use langevin::ndarray::{ArrayView2, ArrayViewMut2, array};
use langevin::prelude::*;

use crate::support::affine::read;
use crate::support::cost::check_cost;
use crate::support::gaussian::{Fine, check_orders, model, slopes};
use crate::support::matrix::{ZERO, diagonal};
use crate::support::planned;

#[test]
fn a_step_is_algorithm_1_of_edm() {
    let v = 0.3;
    let table = LevelTable::linear(1000).unwrap();
    for method in ["heun", "heun:grid=equal", "heun:timesteps=999+600+100+7"] {
        let plan = planned(method, 1000, 15);
        let drift = plan.drift::<f64>(model(v)).unwrap();
        for (interval, pair) in plan.grid().iter().zip(plan.levels().windows(2)) {
            let [from, to] = [table.level(pair[0]), table.level(pair[1])];
            // x̂₀ as a factor of y = x/√ᾱ.
            let data = slopes(v, from).data * from.signal();
            let slope = (1.0 - data) / from.sigma();
            let step = to.sigma() - from.sigma();
            let guess = 1.0 + step * slope;
            let end = if pair[1] == 0 {
                data
            } else {
                let there = (guess - slopes(v, to).data * to.signal() * guess) / to.sigma();
                1.0 + step * (slope + there) / 2.0
            };
            let map = diagonal(end * to.signal() / from.signal(), 0.0);
            let found = read(&*plan.sampler().unwrap(), interval, &*drift, &[]);
            found.check(&format!("{method} {pair:?}"), &map, &ZERO);
            assert!(found.columns.is_empty());
        }
    }
}

#[test]
fn a_step_costs_two_evaluations_and_the_last_one() {
    for (budget, steps) in [(1, 1), (2, 1), (3, 2), (20, 10), (137, 69)] {
        let plan = planned("heun", 1000, budget);
        assert_eq!(plan.grid().steps(), steps);
        check_cost(&plan, 2 * steps - 1);
    }
}

/// On Gaussian data Heun's method is affine and of order 2, and all predictions of a model lead to
/// the same path.
#[test]
fn heun_is_of_second_order_whatever_the_model_predicts() {
    struct Gaussian(Prediction);
    impl Denoiser<f64> for Gaussian {
        fn prediction(&self) -> Prediction {
            self.0
        }
        fn predict(
            &self,
            levels: Levels<'_>,
            x: ArrayView2<'_, f64>,
            mut out: ArrayViewMut2<'_, f64>,
        ) -> Result<(), BoxError> {
            for (row, (x, mut out)) in x.rows().into_iter().zip(out.rows_mut()).enumerate() {
                let level = levels.at(row);
                let variance = 0.3 * level.alpha_bar() + level.one_minus_alpha_bar();
                let factors = Prediction::Score.convert(self.0, level);
                let factor = factors.input - factors.prediction / variance;
                out.zip_mut_with(&x, |p, x| *p = factor * x);
            }
            Ok(())
        }
    }
    // Of 4000 levels of small rate, down to level 400: no final step, which is of first order.
    let table = Fine::table();
    let run = |steps: usize, prediction: Prediction| {
        let clock = Clock::Chain(table.clone());
        let drift = Denoised::new(Gaussian(prediction), clock, Prediction::Data).unwrap();
        let grid = TimeGrid::between(0.0, 3600.0, steps).unwrap();
        let run = Run::new(Heun::new(table.clone()), drift, grid).start(array![[1.0]]);
        run.run().unwrap().state[[0, 0]]
    };
    let spread = |number: usize| {
        let level = table.level(number);
        (0.3 * level.alpha_bar() + level.one_minus_alpha_bar()).sqrt()
    };
    let exact = spread(400) / spread(4000);
    let errors = [36, 72, 144].map(|steps| (run(steps, Prediction::Score) - exact).abs());
    check_orders("heun", &errors, 2.0);
    for prediction in [Prediction::Epsilon, Prediction::Data, Prediction::Velocity] {
        let difference = run(36, prediction) - run(36, Prediction::Score);
        assert!(difference.abs() < 1e-10, "{prediction:?}");
    }
}

#[test]
fn bad_options_and_times_are_named() {
    let error = "heun:eta=0".parse::<Method>().unwrap_err().to_string();
    assert!(error.starts_with("eta is not an option of heun, which takes grid, timesteps"));
    // A step that leaves the table.
    let heun = Heun::new(LevelTable::linear(10).unwrap());
    let drift = Batched::any::<f64>(|_, x, mut out| {
        out.assign(&x);
        Ok(())
    });
    let noise = langevin::advanced::Philox::new(0);
    let mut state = State::<f64>::zeros(0, 1, 1, heun.layout()).unwrap();
    let interval = Interval { index: 0, start: 8.0, length: 5.0, end: 13.0 };
    let mut work = Work::new();
    let error = heun.step(&mut Step::new(interval, &drift, &noise, &mut state, &mut work));
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Invalid { name: "time", given: 13.0, .. }), "{error}");
}

/// Algorithm 2 of EDM: noise up to σ̂ = σ (1 + γ), then the step from there. The model is asked at
/// σ̂, and the noise of the step is scaled by all that follows.
#[test]
fn churn_is_algorithm_2_of_edm() {
    let v = 0.3;
    for (method, noise, steps) in [
        ("heun:churn=2:churn-min=0.05:churn-max=20:churn-noise=1.1:grid=karras", 1.1, 12),
        ("heun:churn=40:timesteps=900+600+100+7", 1.0, 4),
    ] {
        let plan = planned(method, 1000, 2 * steps - 1);
        let [churn, low, high] = if steps == 12 { [2.0, 0.05, 20.0] } else { [40.0, 0.0, 1e9] };
        let table = plan.table().unwrap();
        let drift = plan.drift::<f64>(model(v)).unwrap();
        assert_eq!(plan.levels().len(), steps + 1);
        for (interval, pair) in plan.grid().iter().zip(plan.levels().windows(2)) {
            let [from, to] = [table.level(pair[0]), table.level(pair[1])];
            let inside = low <= from.sigma() && from.sigma() <= high;
            let gamma = (churn / steps as f64).min(2f64.sqrt() - 1.0);
            let hat = from.sigma() * if inside { 1.0 + gamma } else { 1.0 };
            // Of y = x/√ᾱ at σ, x̂₀ is the factor v/(v + σ²).
            let slope = |sigma: f64| sigma / (v + sigma * sigma);
            let change = to.sigma() - hat;
            let guess = 1.0 + change * slope(hat);
            let end = match pair[1] {
                0 => v / (v + hat * hat),
                _ => 1.0 + change * (slope(hat) + slope(to.sigma()) * guess) / 2.0,
            };
            let spread = noise * (hat * hat - from.sigma() * from.sigma()).sqrt();
            let map = diagonal(end * to.signal() / from.signal(), 0.0);
            let covariance = diagonal((end * to.signal() * spread).powi(2), 0.0);
            let found = read(&*plan.sampler().unwrap(), interval, &*drift, &[]);
            found.check(&format!("{method} {pair:?}"), &map, &covariance);
            assert_eq!(found.columns.len(), usize::from(inside), "{method} {pair:?}");
        }
    }
}

/// Without churn, or with churn nowhere, the bits are those of the plain method.
#[test]
fn no_churn_is_the_plain_method() {
    let end = |method: &str| {
        let plan = planned(method, 1000, 15);
        plan.run(model(0.3)).unwrap().chains(20).seed(1).run().unwrap().positions().to_owned()
    };
    for method in ["heun:churn=0", "heun:churn=9:churn-min=1e6", "heun:churn=9:churn-max=0"] {
        assert_eq!(end(method), end("heun"), "{method}");
    }
    assert_ne!(end("heun:churn=9"), end("heun"));
    check_cost(&planned("heun:churn=9", 1000, 15), 15);
}

#[test]
fn bad_churn_is_named() {
    let said = |method: &str| crate::support::refusal(method, &crate::support::vp(), 15);
    assert!(said("heun:churn=-1").starts_with("churn: given -1"));
    assert!(said("heun:churn=inf").starts_with("churn: given inf"));
    assert!(said("heun:churn=1:churn-noise=-2").starts_with("churn-noise: given -2"));
    assert!(said("heun:churn=1:churn-min=NaN").starts_with("churn-min: given NaN"));
    let alone = said("heun:churn-max=5");
    assert!(alone.contains("churn"), "{alone}");
}
