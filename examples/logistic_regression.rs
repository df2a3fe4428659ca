//! The posterior of a logistic regression on the breast cancer data: four samplers at equal cost
//! against a reference.
//!
//! ```text
//! cargo run --release --example logistic_regression
//! ```
//!
//! There are 569 tumours, 30 standardised features and an intercept. The prior of each of the 31
//! coefficients is N(0, 1). The features are strongly correlated, so the posterior is narrow in
//! some directions and wide in others, and an error in the narrow ones shifts every coefficient.
//! The reference is a randomized midpoint run of half the step and three times the cost. Its own
//! bias, if any, is not in the table. Look at the last one:
//!
//! - `bias` of the posterior means in posterior standard deviations: root mean square over the
//!   coefficients, what chance alone would make of it (from the ESS of both runs), and the worst
//!   coefficient. `sd` is the mean relative error of the posterior standard deviations.
//! - `ESS` and `R-hat` of the worst coefficient: what the draws are worth, and whether the chains
//!   agree. They know nothing of the bias. Chains that agree with each other may all be wrong, as
//!   underdamped Euler–Maruyama shows. The overdamped one has the opposite trouble: little bias,
//!   but far from mixed.
//!
//! The two midpoint methods share a seed and follow the same diffusion, so they err in the same
//! direction.

use langevin::metrics::{Moments, effective_sample_size, moments, split_r_hat};
use langevin::ndarray::{Array1, Array2, Axis, concatenate};
use langevin::prelude::*;

const CHAINS: usize = 64;
const EVALUATIONS: f64 = 800.0;
/// Some coefficients and their columns.
const SHOWN: [(&str, usize); 6] = [
    ("mean radius", 0),
    ("mean texture", 1),
    ("radius error", 10),
    ("worst texture", 21),
    ("worst concavity", 26),
    ("intercept", 30),
];

/// A sampler with its step and what it found.
struct Outcome {
    name: &'static str,
    step: f64,
    moments: Moments,
    sd: Array1<f64>,
    ess: Array1<f64>,
    /// Of the worst coefficient.
    r_hat: f64,
    evaluations: f64,
}

fn main() -> Result<(), BoxError> {
    let posterior = posterior()?;
    let dynamics = Underdamped::new(1.0, 1.0)?;
    let midpoint = RandomizedMidpoint::new(dynamics);
    let reference = sample("the reference", &posterior, &midpoint, 0.05, 3.0 * EVALUATIONS, 1)?;
    let run = |name, sampler: &dyn Sampler<f64>, step| {
        sample(name, &posterior, sampler, step, EVALUATIONS, 2)
    };
    let outcomes = [
        run("Euler-Maruyama, overdamped (ULA)", &EulerMaruyama::new(Overdamped), 0.01)?,
        run("Euler-Maruyama, underdamped", &EulerMaruyama::new(dynamics), 0.05)?,
        run("Poisson midpoint, underdamped", &PoissonMidpoint::new(dynamics, 16)?, 0.1)?,
        run("randomized midpoint, underdamped", &midpoint, 0.1)?,
    ];

    println!("Posterior mean and standard deviation of some coefficients; ± is one standard error");
    println!(
        "\n{:15} {:>22} {:>14} {:>14} {:>14} {:>14}",
        "", "reference", "ULA", "underd. Euler", "Poisson", "randomized"
    );
    for (name, j) in SHOWN {
        let (mean, sd) = (reference.moments.mean[j], reference.sd[j]);
        print!("{name:15} {mean:>7.3} ± {:.3}, {sd:.3}", sd / reference.ess[j].sqrt());
        for found in &outcomes {
            print!("  {:>6.3}, {:.3}", found.moments.mean[j], found.sd[j]);
        }
        println!();
    }

    println!("\n{:45}  --- bias of the means ---", "");
    println!("{:32} {:>5} evals     rms  chance   worst      sd    ESS  R-hat", "", "step");
    for found in &outcomes {
        let bias = (&found.moments.mean - &reference.moments.mean) / &reference.sd;
        let chance = (found.ess.recip() + reference.ess.recip()).sqrt();
        let spread = (&found.sd / &reference.sd).mean().unwrap_or(f64::NAN) - 1.0;
        let worst = bias.fold(0.0, |a: f64, b| if b.abs() > a.abs() { *b } else { a });
        print!("{:32} {:>5} {:>5.0}", found.name, found.step, found.evaluations);
        print!(" {:>7.3} {:>7.3} {worst:>7.3} {spread:>7.3}", rms(&bias), rms(&chance));
        println!(" {:>6.0} {:>6.2}", least(&found.ess), found.r_hat);
    }
    print!("{:32} {:>5} {:>5.0}", reference.name, reference.step, reference.evaluations);
    println!(" {:>38.0} {:>6.2}", least(&reference.ess), reference.r_hat);
    Ok(())
}

/// The posterior for the standardised features and a column of ones.
fn posterior() -> Result<LogisticRegression, BoxError> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let raw: Array2<f64> = ndarray_npy::read_npy(format!("{folder}/breast_cancer_x_f64.npy"))?;
    let benign: Array1<u8> = ndarray_npy::read_npy(format!("{folder}/breast_cancer_y_u8.npy"))?;
    let mean = raw.mean_axis(Axis(0)).ok_or("the data file is empty")?;
    let standardised = (&raw - &mean) / raw.std_axis(Axis(0), 0.0);
    let features = concatenate![Axis(1), standardised, Array2::ones((raw.nrows(), 1))];
    Ok(LogisticRegression::new(features.view(), benign.mapv(f64::from).view(), 1.0)?)
}

/// Runs all chains from the prior for so many evaluations each, and drops the first quarter.
fn sample(
    name: &'static str,
    posterior: &LogisticRegression,
    sampler: &dyn Sampler<f64>,
    step: f64,
    evaluations: f64,
    seed: u64,
) -> Result<Outcome> {
    let steps = (evaluations / sampler.evaluations_per_step()) as usize;
    let mut trace = Trace::new(Every::new((steps / 100).max(1))?.after(steps / 4));
    let grid = TimeGrid::uniform(step, steps)?;
    let run = Run::new(sampler, posterior, grid).chains(CHAINS).seed(seed);
    let evaluations = run.observe(&mut trace).run()?.evaluations_per_chain();

    let draws = trace.positions();
    let ess = effective_sample_size(draws.view())?;
    let r_hat = split_r_hat(draws.view())?.fold(0.0, |a: f64, b| a.max(*b));
    let rows = draws.len() / ess.len();
    let draws = draws.into_shape_with_order((rows, ess.len())).expect("as many numbers");
    let moments = moments(draws.view())?;
    let sd = moments.covariance.diag().mapv(f64::sqrt);
    Ok(Outcome { name, step, moments, sd, ess, r_hat, evaluations })
}

fn rms(values: &Array1<f64>) -> f64 {
    (values.dot(values) / values.len() as f64).sqrt()
}

fn least(values: &Array1<f64>) -> f64 {
    values.fold(f64::INFINITY, |a, b| a.min(*b))
}
