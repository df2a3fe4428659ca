//! Samples a density of one's own, a banana, with a drift written in two ways: as a function of one
//! point and as a function of a whole batch.
//!
//! ```text
//! cargo run --release --example custom_drift
//! ```
//!
//! The density is that of x ~ N(0, 1) and of y ~ N(x², 1) given x. So its moments are known, and
//! the table compares. The arms are long: a run that stops at time 30 instead of 60 still lacks
//! some variance of y. Both drifts give the same bits here, because they do the same arithmetic.
//!
//! The rest shows what happens when things go wrong: a step that is too large for the tails, where
//! the score grows like x³, and a drift that fails.

use langevin::metrics::moments;
use langevin::prelude::*;

/// ∇ log π at one point.
fn score(x: f64, y: f64) -> [f64; 2] {
    let bend = y - x * x;
    [2.0 * x * bend - x, -bend]
}

fn main() -> Result<()> {
    // One point at a time is the shortest way.
    let by_point = PerRow::new(2, |_time, point: &[f64], out: &mut [f64]| {
        out.copy_from_slice(&score(point[0], point[1]));
    });

    // A batch has a chain in each row. This is the place for whole columns, for BLAS, or for a
    // network on another machine.
    let by_batch = Batched::new::<f64>(2, |_times, points, mut out| {
        for (point, mut out) in points.rows().into_iter().zip(out.rows_mut()) {
            [out[0], out[1]] = score(point[0], point[1]);
        }
        Ok(())
    });

    let sampler = RandomizedMidpoint::new(Underdamped::new(1.0, 1.0)?);
    let grid = TimeGrid::uniform(0.05, 1_200)?;
    let samples = Run::new(sampler, &by_point, grid.clone()).chains(5_000).seed(3).run()?;
    let again = Run::new(sampler, &by_batch, grid.clone()).chains(5_000).seed(3).run()?;
    assert_eq!(samples.state, again.state);

    let found = moments(samples.positions())?;
    println!("Banana, 5 000 chains, randomized midpoint, step 0.05, time 60");
    println!("± is one standard error\n");
    println!("{:<13} {:>17} {:>6}", "", "found", "exact");
    let line = |name: &str, value: f64, error: f64, exact: f64| {
        println!("{name:<13} {value:>8.4} ± {error:.4} {exact:>6}");
    };
    line("mean of x", found.mean[0], found.mean_error[0], 0.0);
    line("mean of y", found.mean[1], found.mean_error[1], 1.0);
    line("variance of x", found.covariance[[0, 0]], found.variance_error[0], 1.0);
    line("variance of y", found.covariance[[1, 1]], found.variance_error[1], 3.0);

    // With seven times the step a chain is now and then thrown out of the banana and off to
    // infinity. By default that ends the run.
    let coarse = TimeGrid::uniform(0.35, 150)?;
    let run = || Run::new(sampler, &by_point, coarse.clone()).chains(5_000).seed(3);
    println!("\nStep 0.35, the default:");
    match run().run() {
        Err(error) => println!("  error: {error}"),
        Ok(_) => println!("  no chain diverged"),
    }

    // Or the chain is frozen where it last was finite, and listed. The others are not disturbed.
    let diverged = run().non_finite(NonFinite::Freeze).run()?.diverged;
    let count = diverged.len();
    println!("Step 0.35, NonFinite::Freeze: {count} of 5 000 chains were frozen, for instance");
    for frozen in diverged.iter().take(3) {
        let (chain, step, time) = (frozen.chain, frozen.step, frozen.time);
        println!("  chain {chain:>5} after step {step:>3}, time {time:.2}");
    }
    println!("  Leaving them out would be a bias of its own: prefer a smaller step.");

    // A drift that fails says why in its own words. The run adds where it was.
    let fragile = Batched::new::<f64>(2, |times, _points, mut out| {
        out.fill(0.0);
        if times.at(0) > 0.5 {
            return Err("the licence of the simulator has expired".into());
        }
        Ok(())
    });
    println!("A drift that returns an error:");
    if let Err(error) = Run::new(sampler, &fragile, grid).run() {
        println!("  error: {error}");
    }
    Ok(())
}
