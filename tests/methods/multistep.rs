//! Multistep solvers, `sde-dpmpp1` to `deis`: steps, orders, distributions of Gaussian data, cost,
//! errors.

use langevin::diffusion::dynamics::Ancestral;
use langevin::diffusion::samplers::{
    Deis, ErSde, Family, Multistep, NoiseFunction, SaSolver, SdeDpm, Steps, Tau, TwoNodes, UniPc,
    Variant,
};
use langevin::diffusion::{Level, Spectrum};
use langevin::dynamics::LinearDynamics;
use langevin::prelude::*;

use crate::support::cost::{cost_of, per_chain};
use crate::support::gaussian::model;
use crate::support::{digits, planned, refusal, vp};

/// N steps of equal length in λ from −2 to 2.
fn steps(count: usize) -> Steps {
    let level = |j: usize| Level::from_log_snr(-4.0 + 8.0 * j as f64 / count as f64).unwrap();
    Steps::new((0..=count).map(level).collect()).unwrap()
}

/// The variance of x after all steps on N(0, v) data, from the right start: a recursion by hand of
/// (x, m₁, …) with x̂₀ = k x, or ε̂ = k x. From step `first` on, with outputs of the exact flow
/// before it.
fn end_variance<R: Family>(family: R, steps: &Steps, v: f64, first: usize) -> f64 {
    let memory = usize::from(family.memory());
    let data = family.prediction() == Prediction::Data;
    let solver = Multistep::new(family, steps.clone()).unwrap();
    let variance = |level: Level| level.alpha_bar() * v + level.one_minus_alpha_bar();
    let output = |level: Level| {
        if data { level.signal() * v / variance(level) } else { level.noise() / variance(level) }
    };
    // Along the flow all are multiples of one number.
    let spread = |i: usize| variance(steps.level(i)).sqrt();
    let mut exact = vec![spread(first)];
    exact.extend((1..=memory).map(|j| match first.checked_sub(j) {
        Some(i) => output(steps.level(i)) * spread(i),
        None => 0.0,
    }));
    let mut s: Vec<Vec<f64>> =
        exact.iter().map(|a| exact.iter().map(|b| a * b).collect()).collect();
    for i in first..steps.len() {
        let rule = solver.rule(i).unwrap();
        let level = steps.level(i);
        let slope = output(level);
        let mut map = vec![vec![0.0; memory + 1]; memory + 1];
        map[0][0] = rule.propagator + rule.gains[0] * slope;
        map[0][1..].copy_from_slice(&rule.gains[1..=memory]);
        map[1][0] = slope;
        (2..=memory).for_each(|j| map[j][j - 1] = 1.0);
        let n = memory + 1;
        let left: Vec<Vec<f64>> = (0..n)
            .map(|r| (0..n).map(|c| (0..n).map(|k| map[r][k] * s[k][c]).sum()).collect())
            .collect();
        s = (0..n)
            .map(|r| (0..n).map(|c| (0..n).map(|k| left[r][k] * map[c][k]).sum()).collect())
            .collect();
        s[0][0] += rule.variance;
    }
    s[0][0]
}

/// The observed order of the variance between 64 and 256 steps, with an own start.
fn order<R: Family>(family: impl Fn() -> R) -> f64 {
    order_from(0, family)
}

/// The same from step `first` on, with the right outputs before it.
fn order_from<R: Family>(first: usize, family: impl Fn() -> R) -> f64 {
    let v = 0.3;
    let exact = |steps: &Steps| {
        let level = steps.level(steps.len());
        level.alpha_bar() * v + level.one_minus_alpha_bar()
    };
    let error = |count: usize| {
        let steps = steps(count);
        (end_variance(family(), &steps, v, first) - exact(&steps)).abs()
    };
    (error(64) / error(256)).log2() / 2.0
}

#[test]
fn orders_are_those_of_the_families() {
    let dpm = |order, eta, rule| SdeDpm::new(order, eta, rule).unwrap();
    let near = |name: &str, found: f64, want: f64| {
        assert!((found - want).abs() < 0.25, "{name}: order {found}, expected {want}");
    };
    for rule in TwoNodes::ALL {
        near("2M, flow", order(|| dpm(2, 0.0, rule)), 2.0);
        near("2M, sde", order(|| dpm(2, 1.0, rule)), 2.0);
    }
    near("1, sde", order(|| dpm(1, 1.0, TwoNodes::Midpoint)), 1.0);
    near("3M customary, flow", order(|| dpm(3, 0.0, TwoNodes::Midpoint)), 2.0);
    near("3M, flow", order_from(3, || dpm(3, 0.0, TwoNodes::Exact)), 3.0);
    near("3M customary, right start", order_from(3, || dpm(3, 0.0, TwoNodes::Midpoint)), 2.0);
    near("unipc 1", order(|| UniPc::new(1, Variant::Bh2).unwrap()), 2.0);
    for variant in Variant::ALL {
        near("unipc 2", order_from(3, || UniPc::new(2, variant).unwrap()), 3.0);
    }
    assert!(order_from(3, || UniPc::new(3, Variant::Bh2).unwrap()) > 3.2);
    near("deis 1", order(|| Deis::new(1).unwrap()), 1.0);
    near("deis 2", order(|| Deis::new(2).unwrap()), 2.0);
    near("deis 3", order_from(3, || Deis::new(3).unwrap()), 3.0);
    let tau = |value| Tau::constant(value).unwrap();
    near("sa 2, 2", order(|| SaSolver::new(2, 2, tau(1.0)).unwrap()), 2.0);
    near("sa 2, 0, flow", order(|| SaSolver::new(2, 0, tau(0.0)).unwrap()), 2.0);
    let er = |order| move || ErSde::new(order, NoiseFunction::Er).unwrap();
    near("er 1", order(er(1)), 1.0);
    near("er 2", order(er(2)), 2.0);
    let flow = |order| move || ErSde::new(order, NoiseFunction::Flow).unwrap();
    near("er 3, flow", order_from(3, flow(3)), 3.0);
}

/// Order 1 is DDPM: the step of `Ancestral` with its ε̂ told by x̂₀.
#[test]
fn order_one_is_the_posterior_of_ddpm() {
    let table = LevelTable::linear(1000).unwrap();
    let chain = Ancestral::small(table.clone());
    let numbers = [1000, 700, 300, 20, 1, 0];
    let steps = Steps::of(&table, &numbers).unwrap();
    let er = ErSde::new(1, NoiseFunction::Ddpm).unwrap();
    let dpm = SdeDpm::new(1, 1.0, TwoNodes::Midpoint).unwrap();
    let [dpm, er] = [
        Multistep::new(dpm, steps.clone())
            .map(|m| [0, 1, 2, 3, 4].map(|i| m.rule(i).unwrap()))
            .unwrap(),
        Multistep::new(er, steps).map(|m| [0, 1, 2, 3, 4].map(|i| m.rule(i).unwrap())).unwrap(),
    ];
    for (i, pair) in numbers.windows(2).enumerate() {
        let want = chain.transition((1000 - pair[0]) as f64, (pair[0] - pair[1]) as f64);
        let factors = Prediction::Data.convert(Prediction::Epsilon, table.level(pair[0]));
        let map = want.propagator[0][0] + want.gain[0][0] * factors.input;
        let gain = want.gain[0][0] * factors.prediction;
        let scale = want.propagator[0][0].abs().max(1.0);
        for rule in [dpm[i], er[i]] {
            assert!((rule.propagator - map).abs() < 1e-12 * scale, "{pair:?}");
            assert!((rule.gains[0] - gain).abs() < 1e-12 * scale, "{pair:?}");
            assert!((rule.variance - want.covariance[0][0]).abs() < 1e-13, "{pair:?}");
        }
    }
}

/// Squared Fréchet distances for data with the covariance of the digits.
#[test]
fn the_digits_have_the_distances_of_the_tables() {
    let data = digits();
    for (method, at) in [
        ("sde-dpmpp2m", [(10, 0.118), (20, 0.0346), (30, 0.0109), (50, 0.00104)]),
        ("unipc", [(10, 0.0338), (20, 0.00195), (30, 0.000474), (50, 0.000194)]),
    ] {
        for (evaluations, want) in at {
            let found = planned(method, 1000, evaluations).forecast(&data).unwrap().frechet(&data);
            assert!((found / want - 1.0).abs() < 0.01, "{method} {evaluations}: {found} {want}");
        }
    }
    let same = Spectrum::diagonal(vec![0.2], vec![0.5]).unwrap();
    let one = planned("sde-dpmpp1", 1000, 20).forecast(&same).unwrap();
    let ddpm = planned("ddpm", 1000, 20).forecast(&same).unwrap();
    assert!((one.variance[0] - ddpm.variance[0]).abs() < 1e-12);
}

#[test]
fn a_step_costs_one_evaluation() {
    for method in
        ["dpmpp3m", "sde-dpmpp1", "sde-dpmpp2m", "sde-dpmpp3m", "sa", "er-sde", "unipc", "deis"]
    {
        let plan = planned(method, 1000, 20);
        assert_eq!((plan.evaluations(), plan.grid().steps()), (20.0, 20));
        assert_eq!(per_chain(cost_of(&plan, &model(0.3))), 20.0, "{method}");
    }
}

#[test]
fn bad_options_are_named() {
    let vp = vp();
    let message = |method: &str| refusal(method, &vp, 20);
    assert!(message("unipc:order=4").starts_with("order: given 4"));
    assert!(message("deis:order=0").starts_with("order: given 0"));
    assert!(message("er-sde:order=9").starts_with("order: given 9"));
    assert!(message("sa:predictor=5").starts_with("predictor: given 5"));
    assert!(message("sa:tau=2").starts_with("tau: given 2"));
    assert!(message("sa:tau-interval=3+1").contains("LO <= HI"));
    assert!(message("sa:tau-interval=3").contains("two sigmas"));
    assert!(message("sde-dpmpp2m:noise-share=-1").starts_with("eta: given -1"));
    assert!(message("sde-dpmpp2m:rule=best").contains("midpoint, exact, linear"));
    assert!(message("unipc:variant=bh3").contains("bh1, bh2"));
    assert!(message("sde-dpmpp1:rule=exact").contains("rule is not an option of sde-dpmpp1"));
    let one = vec![Level::CLEAN];
    assert!(Steps::new(one).is_err());
}
