//! Picard rounds against dimension: how many calls one after the other a step of a parallel method
//! needs.
//!
//! ```text
//! cargo run --release --example parallel_rounds
//! ```
//!
//! A randomized midpoint with R windows finds all R midpoints of a step at once. It guesses,
//! evaluates the score at all of them in one batched call, corrects, and so on, round after round.
//! Here it follows the probability flow in eight steps from noise to an anisotropic Gaussian with
//! standard deviations from 1/2 to 2, where the true flow is known. The last column is the distance
//! from it: the length of the whole vector, root mean square over the chains.
//!
//! - First table: eight windows, and a chain is done once no coordinate of its midpoints moves by
//!   more than 1e-6. From 16 to 4,096 dimensions that takes less than one round more, with the same
//!   step. But the error grows like √d, as it must where each coordinate keeps its own. A tight
//!   tolerance does not make a step accurate.
//! - Second table: √d windows and a tolerance that falls like 1/√d, so that it holds for the
//!   vector. This is nearer to theory (Gupta, Cai & Chen 2024, arXiv 2406.00924). Now the error
//!   falls, and rounds still grow by less than two. Each round shrinks what is left by a factor
//!   that itself grows, so a smaller tolerance costs little. Evaluations grow like √d.
//!
//! `rounds` is the mean over chains and steps. `worst` is that of the slowest chain of each step,
//! for which the others of its run wait. A step takes two calls more than rounds. With enough
//! machines calls are the time. On this one evaluations are: the second table is only more work.

use langevin::diffusion::dynamics::ProbabilityFlow;
use langevin::diffusion::{Clock, Denoised, Level};
use langevin::metrics::{Moments, moments};
use langevin::ndarray::Array2;
use langevin::prelude::*;

const STEP: f64 = 0.5;
const STEPS: usize = 8;
const DIMENSIONS: [usize; 5] = [16, 64, 256, 1_024, 4_096];
const MOST_ROUNDS: usize = 50;
/// Runs, for the standard errors, and chains in each.
const RUNS: u64 = 4;
const CHAINS: usize = 4;

fn main() -> Result<()> {
    let chains = RUNS as usize * CHAINS;
    println!("Probability flow, {STEPS} steps of {STEP}, {chains} chains; ± is one standard error");
    println!("\n8 windows, tolerance 1e-6 for each coordinate");
    let first = table(|_| 8, |_| 1e-6)?;
    println!("\n√d windows, tolerance 4e-6/√d");
    let second = table(usize::isqrt, |dim| 4e-6 / (dim as f64).sqrt())?;
    println!("\nRounds grow by {first:.1} and by {second:.1} from 16 to 4,096 dimensions.");
    assert!(first <= 2.0 && second <= 2.0);
    Ok(())
}

/// Prints a line for each dimension. Returns the growth of the rounds.
fn table(windows: fn(usize) -> usize, tolerance: fn(usize) -> f64) -> Result<f64> {
    println!("dimension  windows         rounds   worst  evaluations  calls   error of the vector");
    let mut means = Vec::new();
    for dim in DIMENSIONS {
        let windows = windows(dim);
        let sampler = RandomizedMidpoint::new(ProbabilityFlow).with_windows(windows)?;
        let sampler = sampler.with_rounds(MOST_ROUNDS)?.with_tolerance(tolerance(dim))?;
        // Of every run: rounds and the error of the vector.
        let mut found = Array2::zeros((RUNS as usize, 2));
        let (mut worst, mut calls, mut evaluations) = (0, 0, 0.0);
        for (seed, mut found) in (0..RUNS).zip(found.rows_mut()) {
            let flow = flow(&sampler, dim, seed)?;
            // A step costs 1 + (rounds + 1) R evaluations.
            let spent = flow.samples.evaluations_per_chain();
            found[0] = (spent / STEPS as f64 - 1.0) / windows as f64 - 1.0;
            found[1] = flow.error;
            worst = worst.max(flow.samples.cost.rounds);
            calls = calls.max(flow.samples.cost.batched_calls);
            evaluations += spent / RUNS as f64;
        }
        let Moments { mean, mean_error: error, .. } = moments(found.view())?;
        print!("{dim:>9} {windows:>8} {:>7.2} ± {:.2}", mean[0], error[0]);
        print!(" {:>7.2} {evaluations:>12.0} {calls:>6}", worst as f64 / STEPS as f64);
        println!(" {:>12.4} ± {:.4}", mean[1], error[1]);
        means.push(mean[0]);
    }
    Ok(means[means.len() - 1] - means[0])
}

/// A run of the flow.
struct Flow {
    samples: Samples<f64>,
    /// Distance from the true flow, root mean square over the chains.
    error: f64,
}

fn flow(sampler: &dyn Sampler<f64>, dim: usize, seed: u64) -> Result<Flow> {
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

    let grid = TimeGrid::uniform(STEP, STEPS)?;
    let samples = Run::new(sampler, &drift, grid).start(start).seed(seed).run()?;
    let away = &samples.positions() - &exact;
    let error = ((&away * &away).sum() / CHAINS as f64).sqrt();
    Ok(Flow { samples, error })
}
