//! The posterior of a logistic regression on the breast cancer data: four samplers at equal cost
//! against a reference.
//!
//! ```text
//! cargo run --release --example logistic_regression
//! ```
//!
//! 569 tumours, 30 standardised features and an intercept, prior N(0, 1) on each of the 31
//! coefficients. The features are strongly correlated, so the posterior is narrow in some
//! directions and wide in others, and an error in the narrow ones shifts every coefficient. The
//! reference is a randomized midpoint run of half the step and three times the cost: its own bias,
//! if any, is not in the table. Look at the last one:
//!
//! - `bias` of the posterior means in posterior standard deviations: root mean square over the
//!   coefficients, what chance alone would make of it (from the ESS of both runs), and the worst
//!   coefficient. `sd` is the mean relative error of the posterior standard deviations.
//! - `ESS` and `R-hat` of the worst coefficient: what the draws are worth, and whether the chains
//!   agree. They know nothing of the bias: chains that agree with each other may all be wrong, as
//!   underdamped Euler–Maruyama shows. The overdamped one has the opposite trouble: little bias,
//!   but far from mixed.
//!
//! The two midpoint methods share a seed and follow the same diffusion, so they err in the same
//! direction.

use langevin::metrics::{Moments, effective_sample_size, moments, split_r_hat};
use langevin::ndarray::{Array1, Array2, Axis, concatenate};
use langevin::*;

const CHAINS: usize = 64;
const EVALUATIONS: f64 = 800.0;

struct Outcome {
    moments: Moments,
    sd: Array1<f64>,
    ess: Array1<f64>,
    /// Of the worst coefficient.
    r_hat: f64,
    evaluations: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let posterior = posterior()?;
    let dynamics = Underdamped::new(1.0, 1.0)?;
    let midpoint = RandomizedMidpoint::new(dynamics);
    let methods: [(&str, f64, Box<dyn Sampler<f64>>); 4] = [
        ("Euler-Maruyama, overdamped (ULA)", 0.01, Box::new(EulerMaruyama::new(Overdamped))),
        ("Euler-Maruyama, underdamped", 0.05, Box::new(EulerMaruyama::new(dynamics))),
        ("Poisson midpoint, underdamped", 0.1, Box::new(PoissonMidpoint::new(dynamics, 16)?)),
        ("randomized midpoint, underdamped", 0.1, Box::new(midpoint)),
    ];
    let reference = sample(&posterior, &midpoint, 0.05, 3.0 * EVALUATIONS, 1)?;
    let outcomes =
        methods.iter().map(|(_, step, sampler)| sample(&posterior, sampler, *step, EVALUATIONS, 2));
    let outcomes = outcomes.collect::<Result<Vec<_>>>()?;

    println!(
        "Posterior mean and standard deviation of some coefficients; ± is one standard error\n"
    );
    println!(
        "{:15} {:>22} {:>14} {:>14} {:>14} {:>14}",
        "", "reference", "ULA", "underd. Euler", "Poisson", "randomized"
    );
    for (name, j) in [
        ("mean radius", 0),
        ("mean texture", 1),
        ("radius error", 10),
        ("worst texture", 21),
        ("worst concavity", 26),
        ("intercept", 30),
    ] {
        let error = reference.sd[j] / reference.ess[j].sqrt();
        print!("{name:15} {:>7.3} ± {error:.3}, {:.3}", reference.moments.mean[j], reference.sd[j]);
        outcomes
            .iter()
            .for_each(|found| print!("  {:>6.3}, {:.3}", found.moments.mean[j], found.sd[j]));
        println!();
    }

    println!("\n{:45}  --- bias of the means ---", "");
    println!("{:32} {:>5} evals     rms  chance   worst      sd    ESS  R-hat", "", "step");
    for ((name, step, _), found) in methods.iter().zip(&outcomes) {
        let bias = (&found.moments.mean - &reference.moments.mean) / &reference.sd;
        let chance = (found.ess.recip() + reference.ess.recip()).sqrt();
        let spread = (&found.sd / &reference.sd).mean().unwrap_or(f64::NAN) - 1.0;
        let worst = bias.fold(0.0, |a: f64, b| if b.abs() > a.abs() { *b } else { a });
        print!(
            "{name:32} {step:>5} {:>5.0} {:>7.3} {:>7.3}",
            found.evaluations,
            rms(&bias),
            rms(&chance)
        );
        println!(" {worst:>7.3} {spread:>7.3} {:>6.0} {:>6.2}", least(&found.ess), found.r_hat);
    }
    let (evaluations, ess) = (reference.evaluations, least(&reference.ess));
    println!(
        "{:32} {:>5} {evaluations:>5.0} {:>38.0} {:>6.2}",
        "the reference", 0.05, ess, reference.r_hat
    );
    Ok(())
}

/// The posterior for the standardised features and a column of ones.
fn posterior() -> Result<LogisticRegression, Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let raw: Array2<f64> = ndarray_npy::read_npy(format!("{folder}/breast_cancer_x_f64.npy"))?;
    let benign: Array1<u8> = ndarray_npy::read_npy(format!("{folder}/breast_cancer_y_u8.npy"))?;
    let Some(mean) = raw.mean_axis(Axis(0)) else { return Err("the data file is empty".into()) };
    let standardised = (&raw - &mean) / raw.std_axis(Axis(0), 0.0);
    let features = concatenate![Axis(1), standardised, Array2::ones((raw.nrows(), 1))];
    Ok(LogisticRegression::new(features.view(), benign.mapv(f64::from).view(), 1.0)?)
}

/// Runs all chains for so many evaluations each, from the prior, and drops the first quarter.
fn sample(
    posterior: &LogisticRegression,
    sampler: &dyn Sampler<f64>,
    step: f64,
    evaluations: f64,
    seed: u64,
) -> Result<Outcome> {
    let steps = (evaluations / sampler.evaluations_per_step()) as usize;
    let mut trace = Trace::new(Every::new((steps / 100).max(1))?.after(steps / 4));
    let grid = TimeGrid::uniform(step, steps)?;
    let samples =
        Run::new(sampler, posterior, grid).chains(CHAINS).seed(seed).observe(&mut trace).run()?;

    let draws = trace.positions();
    let (saved, chains, dim) = draws.dim();
    let ess = effective_sample_size(draws.view())?;
    let r_hat = split_r_hat(draws.view())?.fold(0.0, |a: f64, b| a.max(*b));
    let moments = moments(
        draws.into_shape_with_order((saved * chains, dim)).expect("as many numbers").view(),
    )?;
    let sd = moments.covariance.diag().mapv(f64::sqrt);
    Ok(Outcome { moments, sd, ess, r_hat, evaluations: samples.evaluations_per_chain() })
}

fn rms(values: &Array1<f64>) -> f64 {
    (values.dot(values) / values.len() as f64).sqrt()
}

fn least(values: &Array1<f64>) -> f64 {
    values.fold(f64::INFINITY, |a, b| a.min(*b))
}
