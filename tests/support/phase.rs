//! One step of a phase-space diffusion by hand, on Gaussian data: parts and words as the paper
//! writes them, in the clock of a constant β.

use langevin::advanced::Interval;
use langevin::prelude::*;

use super::affine::{Affine, after, joint, read};
use super::cost;
use super::matrix::{Matrix, ONE, diagonal, exponential, minus, plus, scale, times, transposed};

pub const BETA: f64 = 8.0;

/// Variance of the data.
const DATA: f64 = 0.09;
/// Reverse time at the start of the step, and its length.
pub const START: f64 = 0.37;
pub const LENGTH: f64 = 0.02;

pub fn process() -> Process {
    Process::psld(Psld::PAPER, Beta::constant(BETA).unwrap())
}

/// F as the paper writes it.
pub fn forward(p: &Psld) -> Matrix {
    scale(&[[-p.gamma(), 1.0 / p.mass()], [-1.0, -p.nu()]], 0.5)
}

/// diag(Γ, Mν).
pub fn intensity(p: &Psld) -> Matrix {
    diagonal(p.gamma(), p.mass() * p.nu())
}

/// Γ, ν and M of the paper.
pub fn constants() -> [f64; 3] {
    let p = Psld::PAPER;
    [p.gamma(), p.nu(), p.mass()]
}

/// The interval of the step, in the clock of the run.
pub fn interval() -> Interval {
    TimeGrid::from_knots(vec![BETA * START, BETA * (START + LENGTH)]).unwrap().interval(0)
}

/// The score of the noised data at a time of the run, −Σ⁻¹.
pub fn score(time: f64) -> Matrix {
    let [[a, b], [_, d]] = Psld::PAPER.covariance(BETA - time, DATA);
    scale(&[[d, -b], [-b, a]], -1.0 / (a * d - b * b))
}

/// The step of a sampler, read off.
pub fn step(sampler: &dyn Sampler<f64>, coins: &[f64]) -> Affine {
    read(sampler, interval(), &joint(score), coins)
}

/// A: the factor of the state, and the factor of the score.
fn a_part(h: f64) -> [Matrix; 2] {
    let [gamma, _, mass] = constants();
    let linear = [[BETA * gamma, -0.5 * BETA / mass], [0.0, 0.0]];
    [scale(&linear, h), scale(&diagonal(BETA * gamma, 0.0), h)]
}

/// B: the factor of the state, and the factor of the score.
fn b_part(h: f64) -> [Matrix; 2] {
    let [_, nu, mass] = constants();
    let linear = [[0.0, 0.0], [0.5 * BETA, BETA * nu]];
    [scale(&linear, h), scale(&diagonal(0.0, BETA * mass * nu), h)]
}

/// O without its noise.
fn o_part(h: f64) -> Matrix {
    let [gamma, nu, _] = constants();
    diagonal((-0.5 * BETA * gamma * h).exp(), (-0.5 * BETA * nu * h).exp())
}

/// The root of the noise of O. The position noise has the variance 1 − e^(−Γλβ·span).
pub fn o_noise(lambda: f64, span: f64) -> Matrix {
    let [gamma, nu, mass] = constants();
    diagonal(
        (-(-BETA * gamma * lambda * span).exp_m1()).sqrt(),
        (-mass * (-BETA * nu * LENGTH).exp_m1()).sqrt(),
    )
}

/// Applies a word to the identity, or to a matrix that starts behind the first `skip` letters.
///
/// Naive: every A and every B has a fresh score at the start of the step. Reduced: a letter takes
/// the last score, unless it is a B behind an A.
pub fn apply(word: &str, naive: bool, start: Matrix, skip: usize) -> Matrix {
    let mut z = start;
    let mut frozen: Option<Matrix> = None;
    let mut moved = false;
    for (place, letter) in word.chars().enumerate() {
        let share = LENGTH / word.matches(letter).count() as f64;
        let active = place >= skip;
        if letter == 'O' {
            if active {
                z = times(&o_part(share), &z);
            }
            continue;
        }
        if naive || frozen.is_none() || (letter == 'B' && moved) {
            let time = if !naive && moved { START + LENGTH } else { START };
            frozen = Some(times(&score(BETA * time), &z));
            moved = false;
        }
        let [linear, push] = if letter == 'A' { a_part(share) } else { b_part(share) };
        if active {
            z = plus(&plus(&z, &times(&linear, &z)), &times(&push, &frozen.unwrap()));
        }
        moved |= letter == 'A';
    }
    z
}

/// m mᵀ.
pub fn square(m: &Matrix) -> Matrix {
    times(m, &transposed(m))
}

/// e^{−Fs}.
pub fn backward(p: &Psld, s: f64) -> Matrix {
    exponential(&scale(&forward(p), -s))
}

/// The largest relative error of the covariance at the end of a run of equal steps, from the exact
/// one at τ = 8 to τ = 1.
pub fn error(sampler: &dyn Sampler<f64>, steps: usize) -> f64 {
    let scripts = sampler.coin_scripts().unwrap();
    let exact = |time: f64| Psld::PAPER.covariance(BETA - time, DATA);
    let drift = joint(score);
    let mut covariance = exact(0.0);
    for interval in &TimeGrid::between(0.0, 7.0, steps).unwrap() {
        covariance = after(sampler, interval, &drift, &scripts, &covariance);
    }
    let want = exact(7.0);
    let off = minus(&covariance, &want);
    let relative = |i: usize, j: usize| off[i][j].abs() / (want[i][i] * want[j][j]).sqrt();
    relative(0, 0).max(relative(0, 1)).max(relative(1, 1))
}

/// Errors at 128, 256 and 512 steps.
pub fn errors(sampler: &dyn Sampler<f64>) -> [f64; 3] {
    [128, 256, 512].map(|steps| error(sampler, steps))
}

/// The plain Euler step of the reverse SDE: its map, and the covariance of its noise.
pub fn euler_step() -> [Matrix; 2] {
    let p = Psld::PAPER;
    let push = times(&scale(&intensity(&p), BETA), &score(BETA * START));
    let drift = plus(&scale(&forward(&p), -BETA), &push);
    [plus(&ONE, &scale(&drift, LENGTH)), scale(&intensity(&p), BETA * LENGTH)]
}

/// Fails unless a method with a budget takes as many steps of this price as it pays for, and one
/// more of price 1.
pub fn check_cost(method: &str, each: usize, budget: usize) {
    let plan = Method::named(method).unwrap().plan(&process(), budget).unwrap();
    let steps = (budget - 1) / each;
    assert_eq!(plan.grid().steps(), steps + 1, "{method}");
    cost::check_cost(&plan, steps * each + 1);
}
