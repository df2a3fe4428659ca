//! Predictor–corrector runs, `pc` and `pc-parallel`: a phase by hand, cost, distributions of a
//! Gaussian and of a mixture, errors.

use langevin::advanced::CoinScript;
use langevin::diffusion::dynamics::ProbabilityFlow;
use langevin::diffusion::samplers::{CorrectorPlan, PredictorCorrector};
use langevin::diffusion::{Clock, Denoised, Level};
use langevin::dynamics::LinearDynamics;
use langevin::metrics::sliced_wasserstein;
use langevin::ndarray::{Array2, ArrayView2};
use langevin::prelude::*;

use crate::support::affine::read;
use crate::support::by_hand::{Randomized, on_position};
use crate::support::cost::{cost_of, per_chain};
use crate::support::gaussian::{model, slopes};
use crate::support::matrix::{Matrix, ONE, ZERO, carried, diagonal, plus, times};
use crate::support::{planned, refusal, vp};

const PLAN: CorrectorPlan = CorrectorPlan {
    horizon: 2.0,
    end: 0.01,
    predictor_steps: 6,
    steps_per_phase: 2,
    corrector_time: 1.0,
    corrector_step: 0.3,
};

/// Sampling times of the predictor in each phase: two equal steps for each, and at last steps that
/// halve the time left.
fn phases() -> Vec<Vec<f64>> {
    let step = (PLAN.horizon - PLAN.end) / 6.0;
    let mut last = vec![5.0 * step];
    let mut left = PLAN.horizon - 5.0 * step;
    while 0.5 * left > 2.0 * PLAN.end {
        left *= 0.5;
        last.push(PLAN.horizon - left);
    }
    last.push(PLAN.horizon - PLAN.end);
    let equal = [vec![0.0, step, 2.0 * step], vec![2.0 * step, 3.0 * step, 4.0 * step]];
    equal.into_iter().chain([vec![4.0 * step, 5.0 * step], last]).collect()
}

fn level(time: f64) -> Level {
    Level::from_ou_time(PLAN.horizon - time).unwrap()
}

fn sampler() -> PredictorCorrector<RandomizedMidpoint<ProbabilityFlow>, EulerMaruyama<Underdamped>>
{
    let corrector = |left: f64| {
        let inverse_mass = Level::from_ou_time(left)?.one_minus_alpha_bar();
        Ok(EulerMaruyama::new(Underdamped::new(2.0, inverse_mass)?))
    };
    PredictorCorrector::new(RandomizedMidpoint::new(ProbabilityFlow), corrector, PLAN).unwrap()
}

/// Variance of the data.
const DATA: f64 = 0.3;

fn drift() -> impl Drift<f64> {
    let clock = Clock::Reverse { horizon: PLAN.horizon };
    Denoised::new(model(DATA), clock, Prediction::Score).unwrap()
}

/// The score as a factor of x.
fn score(time: f64) -> Matrix {
    on_position(slopes(DATA, level(time)).score)
}

/// What becomes of a position: the factor, and the variance that is added.
struct Effect {
    factor: f64,
    variance: f64,
}

/// The predictor: a step along the flow.
fn predictor(start: f64, end: f64, coin: f64) -> f64 {
    let dynamics = &ProbabilityFlow;
    let flow = Randomized { dynamics, drift: &score, rounds: 0, control_variate: false };
    flow.step(start, end - start, &[coin]).map[0][0]
}

/// The corrector: v ~ N(0, u) and four ULMC steps of length ¼ at the level reached, u = 1 − ᾱ.
fn corrector(time: f64) -> Effect {
    let u = level(time).one_minus_alpha_bar();
    let t = Underdamped::new(2.0, u).unwrap().transition(0.0, 0.25);
    let step = plus(&t.propagator, &times(&t.gain, &score(time)));
    let mut map: Matrix = ONE;
    let mut noise = ZERO;
    for _ in 0..4 {
        map = times(&step, &map);
        noise = plus(&carried(&step, &noise), &t.covariance);
    }
    Effect { factor: map[0][0], variance: u * map[0][1] * map[0][1] + noise[0][0] }
}

#[test]
fn a_phase_is_predictor_then_corrector() {
    let coin = 0.4;
    let grid = sampler().grid().unwrap();
    assert_eq!(grid.steps(), 4);
    for (interval, knots) in grid.iter().zip(phases()) {
        let end = knots[knots.len() - 1];
        assert!((interval.start - knots[0]).abs() < 1e-15 && (interval.end - end).abs() < 1e-15);
        let flow: f64 = knots.windows(2).map(|pair| predictor(pair[0], pair[1], coin)).product();
        let corrector = corrector(end);
        let map = diagonal(corrector.factor * flow, 0.0);
        let found = read(&sampler(), interval, &drift(), &[coin]);
        let name = format!("the phase that ends at {end}");
        found.check(&name, &map, &diagonal(corrector.variance, 0.0));
    }
}

/// The variance at the end of runs on Gaussian data, against the exact one: the coins of all steps
/// are independent, so their squares average one by one. 3 seeds, each within six standard errors:
/// 3 × 2e-9 false alarms.
#[test]
fn runs_end_with_the_exact_variance_of_a_gaussian() {
    let scripts = RandomizedMidpoint::new(ProbabilityFlow).coin_scripts().unwrap();
    let square = |start: f64, end: f64| -> f64 {
        let weighted =
            |script: &CoinScript| script.weight * predictor(start, end, script.uniforms[0]).powi(2);
        scripts.iter().map(weighted).sum()
    };
    let mut exact = 1.0;
    for knots in phases() {
        for pair in knots.windows(2) {
            exact *= square(pair[0], pair[1]);
        }
        let corrector = corrector(knots[knots.len() - 1]);
        exact = exact * corrector.factor.powi(2) + corrector.variance;
    }
    // Near that of the data, which have N(0, 0.3) noised to OU time 0.01.
    let noised = -1.0 / slopes(DATA, level(PLAN.horizon - PLAN.end)).score;
    assert!((exact / noised - 1.0).abs() < 0.1, "{exact} {noised}");
    let chains = 20_000;
    for seed in [0, 1, u64::MAX] {
        let run = Run::new(sampler(), drift(), sampler().grid().unwrap()).start_normal(1);
        let squares = run.chains(chains).seed(seed).run().unwrap().positions().mapv(|x| x * x);
        let mean = squares.mean().unwrap();
        let spread = squares.mapv(|s| (s - mean) * (s - mean)).mean().unwrap();
        let error = (spread / chains as f64).sqrt();
        assert!((mean - exact).abs() < 6.0 * error, "seed {seed}: {mean} {exact} ± {error}");
    }
}

#[test]
fn a_run_costs_what_its_plan_says() {
    for (method, budgets) in [("pc", [37, 400]), ("pc-parallel", [234, 3000])] {
        for budget in budgets {
            let plan = planned(method, 1000, budget);
            let cost = cost_of(&plan, &model(0.3));
            assert!(plan.evaluations() <= budget as f64);
            assert_eq!(per_chain(cost), plan.evaluations(), "{method} {budget}");
            // Without windows every evaluation waits for the one before. With 4 windows and 2
            // rounds 13 evaluations go in 4 calls.
            let evaluations = plan.evaluations() as u64;
            let want = match method {
                "pc" => [evaluations, 0],
                _ => [evaluations / 13 * 4, evaluations / 13 * 2],
            };
            assert_eq!([cost.batched_calls, cost.rounds], want, "{method} {budget}");
        }
    }
}

/// Three anisotropic Gaussians in 16 dimensions.
fn data() -> GaussianMixture {
    let means = Array2::from_shape_fn((3, 16), |(k, j)| ((k * 5 + j * 3) % 7) as f64 / 4.0 - 0.75);
    let variances = Array2::from_shape_fn((3, 16), |(k, j)| 0.05 + 0.1 * ((k + j) % 5) as f64);
    let data = GaussianMixture::diagonal(means.view(), variances.view()).unwrap();
    data.with_weights(&[0.5, 0.3, 0.2]).unwrap()
}

/// Sequential and parallel predictor–corrector reach the distribution of the data: their distance
/// from exact samples is that of other exact samples.
///
/// The mean difference over 3 seeds is compared with four standard errors, about 0.01. They come
/// from six jackknives of 9 degrees of freedom each. A right library fails with probability
/// 2 × 1e-4.
#[test]
fn predictor_corrector_reaches_the_distribution_of_the_data() {
    let data = data();
    let model = DiffusedMixture::new(data.clone());
    let chains = 8000;
    let exact = data.sample(chains, 7).unwrap();
    for (method, evaluations) in [("pc", 400), ("pc-parallel", 600)] {
        let plan = planned(&format!("{method}:end-time=1e-4"), 1000, evaluations);
        let mut difference = 0.0;
        let mut square = 0.0;
        for seed in [0, 3, u64::MAX] {
            let samples = plan.run(&model).unwrap().chains(chains).seed(seed).run().unwrap();
            let other = data.sample(chains, seed ^ 8).unwrap();
            let distance = |a: ArrayView2<'_, f64>| sliced_wasserstein(a, exact.view(), 64, 0);
            let found = distance(samples.positions()).unwrap();
            let floor = distance(other.view()).unwrap();
            println!("{method}, seed {seed}: {found:?}, exact samples {floor:?}");
            difference += (found.value - floor.value) / 3.0;
            square += (found.error * found.error + floor.error * floor.error) / 9.0;
        }
        let error = square.sqrt();
        assert!(difference < 4.0 * error, "{method}: {difference} ± {error}");
    }
}

#[test]
fn bad_options_are_named() {
    let message = |method: &str, evaluations| refusal(method, &vp(), evaluations);
    assert!(message("pc", 3).contains("needs at least 37"));
    assert!(message("pc-parallel", 233).contains("needs at least 234"));
    assert!(message("pc:corrector-step=1e-300", 500).contains("corrector steps"));
    assert!(message("pc:corrector-step=0", 500).starts_with("corrector step: given 0"));
    assert!(message("pc:corrector-time=-1", 500).starts_with("corrector time: given -1"));
    assert!(message("pc:friction=0", 500).starts_with("friction: given 0"));
    assert!(message("pc:end-time=0", 500).starts_with("end time: given 0"));
    assert!(message("pc:end-time=100", 500).starts_with("horizon less end time: given"));
    assert!(message("pc:windows=4", 500).starts_with("windows is not an option of pc"));
    assert!(message("pc:grid=equal", 500).starts_with("grid is not an option of pc"));
    // A sampler of positions alone is no corrector.
    let predictor = || RandomizedMidpoint::new(ProbabilityFlow);
    let wrong = PredictorCorrector::new(predictor(), |_| Ok(predictor()), PLAN).unwrap_err();
    assert!(wrong.to_string().starts_with("corrector: given shape 1 blocks"), "{wrong}");
}
