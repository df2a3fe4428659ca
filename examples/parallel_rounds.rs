//! Picard rounds against dimension: how many calls one after the other a step of a parallel method
//! needs.
//!
//! ```text
//! cargo run --release --example parallel_rounds
//! ```
//!
//! A randomized midpoint with R windows finds all R midpoints of a step at once: it guesses,
//! evaluates the score at all of them in one batched call, corrects, and so on, round after round.
//! Here it follows the probability flow in eight steps from noise to an anisotropic Gaussian with
//! standard deviations from 1/2 to 2, where the true flow is known. The last column is the distance
//! from it: the length of the whole vector, root mean square over the chains.
//!
//! - First table: eight windows, and a chain is done once no coordinate of its midpoints moves by
//!   more than 1e-6. From 16 to 4,096 dimensions that takes less than one round more, with the same
//!   step. But the error grows like √d, as it must where each coordinate keeps its own: a tight
//!   tolerance does not make a step accurate.
//! - Second table: √d windows and a tolerance that falls like 1/√d, so that it holds for the
//!   vector, which is nearer to theory (Gupta, Cai & Chen 2024, arXiv 2406.00924). Now the error
//!   falls and rounds still grow by less than two: each round shrinks what is left by a factor that
//!   itself grows, so a smaller tolerance costs little. Evaluations grow like √d.
//!
//! `rounds` is the mean over chains and steps; `worst` that of the slowest chain of each step, for
//! which the others of its run wait. A step takes two calls more than rounds. With enough machines
//! calls are the time; on this one evaluations are, and the second table is only more work.

use langevin::ndarray::{Array1, Array2};
use langevin::*;

const STEP: f64 = 0.5;
const STEPS: usize = 8;
const DIMENSIONS: [usize; 5] = [16, 64, 256, 1_024, 4_096];
const MOST_ROUNDS: usize = 50;
/// Runs, for the standard errors, and chains in each.
const RUNS: u64 = 4;
const CHAINS: usize = 4;

fn main() -> Result<()> {
    println!(
        "Probability flow, {STEPS} steps of {STEP}, {} chains; ± is one standard error",
        RUNS as usize * CHAINS
    );
    println!("\n8 windows, tolerance 1e-6 for each coordinate");
    let first = table(|_| (8, 1e-6))?;
    println!("\n√d windows, tolerance 4e-6/√d");
    let second = table(|dim| (dim.isqrt(), 4e-6 / (dim as f64).sqrt()))?;
    println!("\nRounds grow by {first:.1} and by {second:.1} from 16 to 4,096 dimensions.");
    assert!(first <= 2.0 && second <= 2.0);
    Ok(())
}

/// Prints a line for each dimension; returns the growth of the rounds.
fn table(setting: impl Fn(usize) -> (usize, f64)) -> Result<f64> {
    println!("dimension  windows         rounds   worst  evaluations  calls   error of the vector");
    let mut means = Vec::new();
    for dim in DIMENSIONS {
        let (windows, tolerance) = setting(dim);
        let sampler = RandomizedMidpoint::new(ProbabilityFlow).with_windows(windows)?;
        let sampler = sampler.with_rounds(MOST_ROUNDS)?.with_tolerance(tolerance)?;
        let (mut rounds, mut errors) = (Array1::zeros(RUNS as usize), Array1::zeros(RUNS as usize));
        let (mut worst, mut calls, mut evaluations): (f64, u64, f64) = (0.0, 0, 0.0);
        for seed in 0..RUNS {
            let (samples, error) = flow(&sampler, dim, seed)?;
            let spent = samples.evaluations_per_chain();
            // A step costs 1 + (rounds + 1) R evaluations.
            rounds[seed as usize] = (spent / STEPS as f64 - 1.0) / windows as f64 - 1.0;
            errors[seed as usize] = error;
            worst = worst.max(samples.rounds as f64 / STEPS as f64);
            calls = calls.max(samples.batched_calls);
            evaluations += spent / RUNS as f64;
        }
        let of = |values: &Array1<f64>| {
            (values.mean().unwrap_or(0.0), values.std(1.0) / (RUNS as f64).sqrt())
        };
        let ((mean, plus), (error, or)) = (of(&rounds), of(&errors));
        print!(
            "{dim:>9} {windows:>8} {mean:>7.2} ± {plus:.2} {worst:>7.2} {evaluations:>12.0} {calls:>6}"
        );
        println!(" {error:>12.4} ± {or:.4}");
        means.push(mean);
    }
    Ok(means[means.len() - 1] - means[0])
}

/// A run of the flow, and its distance from the true flow, root mean square over the chains.
fn flow(sampler: &dyn Sampler<f64>, dim: usize, seed: u64) -> Result<(Samples<f64>, f64)> {
    let means = Array2::from_shape_fn((1, dim), |(_, j)| if j % 2 == 0 { 1.0 } else { -1.0 });
    let variances =
        Array2::from_shape_fn((1, dim), |(_, j)| 0.25 * 16f64.powf(j as f64 / (dim - 1) as f64));
    let model = DiffusedMixture::new(GaussianMixture::diagonal(means.view(), variances.view())?);
    let horizon = STEP * STEPS as f64;
    let drift = Denoised::new(&model, Clock::Reverse { horizon }, Prediction::Score)?;

    let level = Level::from_ou_time(horizon)?;
    let noised = model.at(level)?;
    let start = noised.sample(CHAINS, seed)?;
    // The flow of a Gaussian keeps the number of standard deviations in every coordinate.
    let spread = &variances * level.alpha_bar() + level.one_minus_alpha_bar();
    let exact = &means + (&start - noised.means()) * (&variances / &spread).mapv(f64::sqrt);

    let samples =
        Run::new(sampler, &drift, TimeGrid::uniform(STEP, STEPS)?).start(start).seed(seed).run()?;
    let error = (&samples.positions() - &exact).mapv(|e| e * e).sum() / CHAINS as f64;
    Ok((samples, error.sqrt()))
}
