//! Brings a density of one's own, a banana, as a closure over batches and as a function of one
//! point.
//!
//! ```text
//! cargo run --release --example custom_drift
//! ```
//!
//! The density is that of x ~ N(0, 1) and y ~ N(x², 1) given x, so its moments are known: the table
//! compares. (The arms are long; stopped at time 30 instead of 60, a run still lacks some variance
//! of y.) Both ways to write the drift give the same bits here, because they do the same
//! arithmetic.
//!
//! Below the table stands what happens when things go wrong: a step that is too large for the
//! tails, where the score grows like x³, and a drift that fails.

use langevin::metrics::moments;
use langevin::ndarray::{ArrayView2, ArrayViewMut2};
use langevin::*;

/// ∇ log π at one point.
fn score(x: f64, y: f64) -> [f64; 2] {
    let bend = y - x * x;
    [2.0 * x * bend - x, -bend]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One point at a time: the shortest way. It knows its dimension, so a run needs no start.
    let by_point = PerRow::new(2, |_time, point: &[f64], out: &mut [f64]| {
        out.copy_from_slice(&score(point[0], point[1]));
    });

    // A batch at a time, rows are chains: the place for whole columns, for BLAS or for a network on
    // another machine.
    let by_batch =
        |_: Times, points: ArrayView2<f64>, mut out: ArrayViewMut2<f64>| -> Result<(), BoxError> {
            for (row, (x, y)) in points.column(0).iter().zip(points.column(1)).enumerate() {
                [out[[row, 0]], out[[row, 1]]] = score(*x, *y);
            }
            Ok(())
        };

    let sampler = RandomizedMidpoint::new(Underdamped::new(1.0, 1.0)?);
    let grid = || TimeGrid::uniform(0.05, 1_200);
    let samples =
        Run::new(&sampler, &by_batch, grid()?).chains(5_000).start_normal(2).seed(3).run()?;
    let again = Run::new(&sampler, &by_point, grid()?).chains(5_000).seed(3).run()?;
    assert_eq!(samples.state, again.state);

    let found = moments(samples.positions())?;
    println!(
        "Banana, 5 000 chains, randomized midpoint, step 0.05, time 60; ± is one standard error\n"
    );
    println!("{:<13} {:>17} {:>6}", "", "found", "exact");
    for (name, value, error, exact) in [
        ("mean of x", found.mean[0], found.mean_error[0], 0.0),
        ("mean of y", found.mean[1], found.mean_error[1], 1.0),
        ("variance of x", found.covariance[[0, 0]], found.variance_error[0], 1.0),
        ("variance of y", found.covariance[[1, 1]], found.variance_error[1], 3.0),
    ] {
        println!("{name:<13} {value:>8.4} ± {error:.4} {exact:>6}");
    }

    // Seven times the step: now and then a chain is thrown out of the banana and off to infinity.
    // By default that ends the run.
    let coarse = || TimeGrid::uniform(0.35, 150);
    let run = || Ok::<_, Error>(Run::new(&sampler, &by_point, coarse()?).chains(5_000).seed(3));
    println!("\nStep 0.35, the default:");
    match run()?.run() {
        Err(error) => println!("  error: {error}"),
        Ok(_) => println!("  no chain diverged"),
    }

    // Or the chain is frozen where it last was finite, and reported; the others are not disturbed.
    let frozen = run()?.non_finite(NonFinite::Freeze).run()?;
    println!(
        "Step 0.35, NonFinite::Freeze: {} of 5 000 chains were frozen, for instance",
        frozen.diverged.len()
    );
    for Divergence { chain, step, time } in frozen.diverged.iter().take(3) {
        println!("  chain {chain:>5} after step {step:>3}, time {time:.2}");
    }
    println!("  Leaving them out would be a bias of its own: prefer a smaller step.");

    // A drift that fails says so in its own words; the run adds where it was.
    let fragile =
        |times: Times, _: ArrayView2<f64>, mut out: ArrayViewMut2<f64>| -> Result<(), BoxError> {
            out.fill(0.0);
            if times.at(0) > 0.5 {
                Err("the licence of the simulator has expired".into())
            } else {
                Ok(())
            }
        };
    println!("A drift that returns an error:");
    if let Err(error) = Run::new(&sampler, &fragile, grid()?).start_at(&[0.0, 0.0]).run() {
        println!("  error: {error}");
    }
    Ok(())
}
