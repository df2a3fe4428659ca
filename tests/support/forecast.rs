//! The exact variance at the end of a plan on Gaussian data, without sampling: second moments step
//! by step.

use langevin::advanced::{CoinScript, Interval};
use langevin::diffusion::dynamics::{Ancestral, ProbabilityFlow};
use langevin::diffusion::{Clock, Level, Spectrum};
use langevin::dynamics::LinearDynamics;
use langevin::prelude::*;

use super::affine::after;
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
        let block = plan.levels().get(i..i + 2).filter(|_| plan.method().name().starts_with("pmm"));
        covariance = match block {
            Some(pair) if !jumps.contains(&i) => {
                let block = Block { plan, variance, from: pair[0], to: pair[1] };
                diagonal(block.variance_after(covariance[0][0]), 0.0)
            }
            _ => after(&*sampler, interval, &*drift, &coins(plan), &covariance),
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

/// The coins of a planned step, as a list that averages exactly.
fn coins(plan: &Plan) -> Vec<CoinScript> {
    let poisson = |selection| {
        let sampler = PoissonMidpoint::new(Overdamped, 16).unwrap();
        sampler.with_selection(selection).coin_scripts().unwrap()
    };
    let in_phase_space = matches!(plan.process(), Process::Psld(..));
    match plan.method().name() {
        "pmm1" if in_phase_space => poisson(Selection::Bernoulli),
        "pmm2" if in_phase_space => poisson(Selection::Single),
        "rm" => RandomizedMidpoint::new(Overdamped).coin_scripts().unwrap(),
        _ => no_coins(),
    }
}

/// A block of levels of a Poisson midpoint on Gaussian data, by hand.
pub struct Block<'b> {
    pub plan: &'b Plan,
    pub variance: f64,
    pub from: usize,
    pub to: usize,
}

/// A number a X + n, with the variance of n.
#[derive(Clone, Copy)]
struct Noisy {
    factor: f64,
    variance: f64,
}

impl Block<'_> {
    /// The variance of the position after the block. With b = kᵢ x at sub-step i and Pᵢ the product
    /// of the factors A′ of the sub-steps from i on,
    ///
    /// ```text
    /// X⁺ = X̂_K + Σ Hᵢ Yᵢ          Yᵢ = K Pᵢ₊₁ G′ᵢ (kᵢ X̂ᵢ − k₀ X)
    /// Cov(X̂ᵢ, X̂ⱼ | X) = Pᵢ/Pⱼ Var(X̂ᵢ | X), i ≤ j
    /// ```
    pub fn variance_after(&self, before: f64) -> f64 {
        let table = self.plan.table().expect("a chain");
        let chain = Ancestral::small(table.clone());
        let count = self.from - self.to;
        let start = |i: usize| (table.len() - self.from + i) as f64;
        let steps: Vec<_> = (0..count).map(|i| chain.transition(start(i), 1.0)).collect();
        let level = |i: usize| table.level(self.from - i);
        let slope: Vec<f64> = (0..count).map(|i| slopes(self.variance, level(i)).noise).collect();
        // The path X̂, and the products P.
        let mut path = vec![Noisy { factor: 1.0, variance: 0.0 }];
        for (i, step) in steps.iter().enumerate() {
            let [a, g] = [step.propagator[0][0], step.gain[0][0]];
            path.push(Noisy {
                factor: a * path[i].factor + g * slope[0],
                variance: a * a * path[i].variance + step.covariance[0][0],
            });
        }
        let mut products = vec![1.0; count + 1];
        for i in (0..count).rev() {
            products[i] = products[i + 1] * steps[i].propagator[0][0];
        }
        // Yᵢ = cᵢ (kᵢ X̂ᵢ − k₀ X).
        let weight = |i: usize| count as f64 * products[i + 1] * steps[i].gain[0][0];
        let correction = |i: usize| Noisy {
            factor: weight(i) * (slope[i] * path[i].factor - slope[0]),
            variance: (weight(i) * slope[i]).powi(2) * path[i].variance,
        };
        let with_end = |i: usize| weight(i) * slope[i] * products[i] * path[i].variance;
        let second = |n: Noisy| n.factor * n.factor * before + n.variance;
        let end = path[count];
        let share = 1.0 / count as f64;
        if self.plan.method().name() == "pmm2" {
            let selected = |i: usize| {
                let own = correction(i);
                second(Noisy {
                    factor: end.factor + own.factor,
                    variance: end.variance + own.variance + 2.0 * with_end(i),
                })
            };
            return (0..count).map(|i| share * selected(i)).sum();
        }
        // The mean over the coins has the share 1/K of every Yᵢ, and Hᵢ the variance (1 − 1/K)/K.
        let factor = end.factor + (0..count).map(|i| share * correction(i).factor).sum::<f64>();
        let mut noise = end.variance;
        let mut later = 0.0;
        let mut spread = 0.0;
        for i in (0..count).rev() {
            let own = share * weight(i) * slope[i];
            noise += 2.0 * share * with_end(i) + own * own * path[i].variance;
            noise += 2.0 * own * products[i] * path[i].variance * later;
            later += own / products[i];
            spread += share * (1.0 - share) * second(correction(i));
        }
        factor * factor * before + noise + spread
    }
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
