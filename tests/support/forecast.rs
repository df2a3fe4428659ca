//! The exact variance at the end of a plan on Gaussian data, without sampling: second moments step
//! by step.

use langevin::advanced::{CoinScript, Interval};
use langevin::diffusion::dynamics::{Ancestral, Form, ProbabilityFlow};
use langevin::diffusion::{Clock, Level, Spectrum};
use langevin::prelude::*;

use super::affine::after;
use super::blocks::{Block, Coins, Normal};
use super::gaussian::{model, no_coins, slopes};
use super::matrix::{Matrix, diagonal};

/// The exact variance of the position at the end of a planned run on N(0, `variance`) data.
pub fn end_variance(plan: &Plan, variance: f64) -> f64 {
    if plan.method().name().starts_with("pc") {
        return corrected(plan, variance);
    }
    let sampler = plan.sampler::<f64>().unwrap();
    // Multistep solvers have an own recursion by hand in their test.
    if sampler.layout().blocks() > 2 {
        let spectrum = |v: f64| Spectrum::diagonal(vec![0.0], vec![v]).unwrap();
        let start = spectrum(start(plan, &*sampler, variance)[0][0]);
        return plan.forecast_from(&spectrum(variance), &start).unwrap().variance[0];
    }
    let drift = plan.drift::<f64>(model(variance)).unwrap();
    let jumps = plan.jumps();
    let mut covariance = start(plan, &*sampler, variance);
    for (i, interval) in plan.grid().iter().enumerate() {
        let pair =
            plan.levels().get(i..i + 2).filter(|_| matches!(plan.method(), Method::Poisson(_)));
        covariance = match pair {
            Some(pair) if !jumps.contains(&i) => {
                let (chain, coins) = poisson(plan);
                let data = Normal { mean: 0.0, variance };
                let block = Block { chain: &chain, data, coins, from: pair[0], to: pair[1] };
                let before = Normal { mean: 0.0, variance: covariance[0][0] };
                diagonal(block.after(before).variance, 0.0)
            }
            _ => {
                let coins = sampler.coin_scripts_of(interval).unwrap();
                after(&*sampler, interval, &*drift, &coins, &covariance)
            }
        };
    }
    covariance[0][0]
}

/// The covariance of position and momentum at the start of a run: that of the prior, or of the
/// noised data where it differs by more than 1 %.
fn start(plan: &Plan, sampler: &dyn Sampler<f64>, variance: f64) -> Matrix {
    let prior = diagonal(1.0, sampler.layout().momentum_variance().unwrap_or(0.0));
    let level = plan.first_level().unwrap();
    let noised = match plan.process() {
        Process::Psld(process, _) => process.covariance(level.tau(), variance),
        _ => diagonal(level.alpha_bar() * variance + level.one_minus_alpha_bar(), 0.0),
    };
    let off = |i: usize, j: usize| (noised[i][j] - prior[i][j]).abs();
    let scale = |i: usize, j: usize| (prior[i][i] * prior[j][j]).sqrt();
    let all = [(0, 0), (0, 1), (1, 1)];
    let differs = all.iter().any(|&(i, j)| off(i, j) > 0.01 * scale(i, j));
    if differs { noised } else { prior }
}

/// The chain of a planned Poisson midpoint with the small variance, and its coins.
pub fn poisson(plan: &Plan) -> (Ancestral, Coins) {
    let Method::Poisson(method) = plan.method() else { panic!("a Poisson midpoint") };
    let form = match plan.wanted() {
        Prediction::Epsilon => Form::Noise,
        Prediction::Data => Form::Data,
        _ => Form::Velocity,
    };
    let chain = Ancestral::small(plan.table().expect("a chain").clone()).with_form(form);
    (chain, Coins::Of(method.selection, method.odds.unwrap_or_default()))
}

/// The predictor–corrector: its phases by hand, each step of them by its matrices.
fn corrected(plan: &Plan, variance: f64) -> f64 {
    let parallel = plan.method().name() == "pc-parallel";
    let [windows, rounds] = if parallel { [4, 2] } else { [1, 0] };
    let corrector_steps = if parallel { 2 } else { 5 };
    let table = plan.process().table().expect("a process of data");
    let Clock::Reverse { horizon } = *plan.clock() else { panic!("OU time") };
    let end = table.level(1).ou_time();
    let flow = RandomizedMidpoint::new(ProbabilityFlow).with_windows(windows).unwrap();
    let flow = flow.with_rounds(rounds).unwrap();
    let scripts = tensor_rule(windows, if parallel { 5 } else { 24 });
    let drift = plan.drift::<f64>(model(variance)).unwrap();
    let mut position = start(plan, &*plan.sampler().unwrap(), variance)[0][0];
    for knots in phases(plan, horizon, end) {
        for (i, pair) in knots.windows(2).enumerate() {
            let interval = interval(i, pair[0], pair[1]);
            position = after(&flow, interval, &*drift, &scripts, &diagonal(position, 0.0))[0][0];
        }
        let time = knots[knots.len() - 1];
        let level = Level::from_ou_time((horizon - time).max(end)).unwrap();
        let dynamics = Underdamped::new(2.0, level.one_minus_alpha_bar()).unwrap();
        let score = slopes(variance, plan.clock().level(time).unwrap()).score;
        let still = super::affine::linear(move |_| -score);
        let mut both = diagonal(position, level.one_minus_alpha_bar());
        let interval = interval(0, time, time + 1.0 / f64::from(corrector_steps));
        let ulmc = EulerMaruyama::new(dynamics);
        let midpoint = RandomizedMidpoint::new(dynamics).with_windows(windows).unwrap();
        let midpoint = midpoint.with_rounds(rounds).unwrap();
        for _ in 0..corrector_steps {
            both = match parallel {
                true => after(&midpoint, interval, &still, &scripts, &both),
                false => after(&ulmc, interval, &still, &no_coins(), &both),
            };
        }
        position = both[0][0];
    }
    position
}

fn interval(index: usize, start: f64, end: f64) -> Interval {
    Interval { index: index as u32, start, length: end - start, end }
}

/// Sampling times of the predictor in each phase, for the number of its steps that gives the grid
/// of the plan.
fn phases(plan: &Plan, horizon: f64, end: f64) -> Vec<Vec<f64>> {
    let wanted: Vec<f64> = (0..=plan.grid().steps()).map(|i| plan.grid().time(i)).collect();
    let near = |all: &Vec<Vec<f64>>| {
        all.len() + 1 == wanted.len()
            && all
                .iter()
                .zip(&wanted[1..])
                .all(|(knots, time)| (knots[knots.len() - 1] - time).abs() < 1e-9)
    };
    let found = (1..=2000).map(|steps| with_steps(steps, horizon, end)).find(near);
    found.unwrap_or_else(|| {
        panic!("{}: no number of predictor steps gives this grid", plan.method())
    })
}

/// The phases with this many predictor steps: about one for half a unit of time, and at last steps
/// that halve the time left.
fn with_steps(steps: usize, horizon: f64, end: f64) -> Vec<Vec<f64>> {
    let step = (horizon - end) / steps as f64;
    let per_phase = ((0.5 / step).round() as usize).clamp(1, steps);
    let time = |i: usize| step * i as f64;
    let mut all: Vec<Vec<f64>> = Vec::new();
    let mut done = 0;
    while done < steps - 1 {
        let until = (done + per_phase).min(steps - 1);
        all.push((done..=until).map(time).collect());
        done = until;
    }
    let mut last = vec![time(steps - 1)];
    let mut left = horizon - last[0];
    while 0.5 * left > 2.0 * end {
        left *= 0.5;
        last.push(horizon - left);
    }
    last.push(horizon - end);
    all.push(last);
    all
}

/// The tensor product of a Gauss–Legendre rule over the windows.
fn tensor_rule(windows: usize, nodes: usize) -> Vec<CoinScript> {
    if nodes != 5 {
        return RandomizedMidpoint::new(Overdamped).coin_scripts().unwrap();
    }
    const RULE: [(f64, f64); 5] = [
        (0.046_910_077_030_668_0, 0.118_463_442_528_094_5),
        (0.230_765_344_947_158_4, 0.239_314_335_249_683_2),
        (0.5, 0.284_444_444_444_444_4),
        (0.769_234_655_052_841_6, 0.239_314_335_249_683_2),
        (0.953_089_922_969_332_0, 0.118_463_442_528_094_5),
    ];
    let mut scripts = no_coins();
    for _ in 0..windows {
        let extended = |script: &CoinScript| {
            let script = script.clone();
            RULE.iter().map(move |&(node, weight)| {
                let mut uniforms = script.uniforms.clone();
                uniforms.push(node);
                CoinScript { weight: script.weight * weight, uniforms }
            })
        };
        scripts = scripts.iter().flat_map(extended).collect();
    }
    scripts
}
