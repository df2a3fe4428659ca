//! Writes the draws of a run as a store that ArviZ opens, and prints what ArviZ must find in it.
//!
//! ```text
//! cargo run --release --features serde --example draws -- draws.zarr
//! ```
//!
//! The target is a Gaussian with correlations, for a location `mu` and two effects `theta[0]` and
//! `theta[1]`. The start is kept too, as the first draw. Beside the store lies an `.npy` file with
//! the same positions. Nothing is written without a path that ends in `.zarr`. The script
//! `scripts/arviz.sh` compares the printed numbers with those of ArviZ.

use std::path::PathBuf;

use langevin::draws::Draws;
use langevin::metrics::{effective_sample_size, split_r_hat};
use langevin::ndarray::{Array2, Axis, array, concatenate};
use langevin::prelude::*;

const NAMES: [&str; 3] = ["mu", "theta[0]", "theta[1]"];

fn main() -> Result<()> {
    let means = array![[1.0, -2.0, 0.5]];
    let covariances = array![[[1.0, 0.6, 0.3], [0.6, 1.0, 0.5], [0.3, 0.5, 2.0]]];
    let target = GaussianMixture::full(means.view(), covariances.view())?;
    let sampler = Splitting::new(Underdamped::new(2.0, 1.0)?, "BAOAB".parse()?);
    let mut trace = Trace::new(Every::new(5)?).with_momenta().with_start();
    let run = Run::new(&sampler, &target, TimeGrid::uniform(0.3, 2_500)?).chains(4).seed(7);
    let samples = run.observe(&mut trace).run()?;
    let draws = Draws::from_trace(&trace)?
        .with_names(NAMES)?
        .with_log_density(&target)?
        .with_run(&samples)
        .with_attribute("method", "baoab")
        .with_attribute("step", 0.3);
    print(&draws)?;
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    if let Some(path) = path.filter(|path| path.extension().is_some_and(|ending| ending == "zarr"))
    {
        draws.write_zarr(&path)?;
        draws.write_npy(path.with_extension("npy"))?;
        println!("\nwritten: {}", path.display());
    }
    Ok(())
}

/// Prints one line for each coordinate, for the log density and for the energy.
fn print(draws: &Draws<f64>) -> Result<()> {
    let (chains, kept, _) = draws.positions().dim();
    println!("{chains} chains, {kept} draws of each\n");
    println!("{:<10} {:>21} {:>21} {:>21} {:>21}", "name", "mean", "sd", "ess_bulk", "r_hat");
    let lp = draws.log_density().map(|lp| lp.to_owned());
    let [lp, energy] = [lp, draws.energy()].map(Option::unwrap_or_default);
    let columns = [lp, energy].map(|values: Array2<f64>| values.insert_axis(Axis(2)));
    let views = [draws.positions(), columns[0].view(), columns[1].view()];
    // The metrics take (saved, chains, dim).
    let all = concatenate(Axis(2), &views).unwrap_or_default().permuted_axes([1, 0, 2]);
    let ess = effective_sample_size(all.view())?;
    let r_hat = split_r_hat(all.view())?;
    for (i, name) in NAMES.into_iter().chain(["lp", "energy"]).enumerate() {
        let values = all.index_axis(Axis(2), i);
        let mean = values.sum() / values.len() as f64;
        let sd = values.std(1.0);
        println!("{name:<10} {mean:>21} {sd:>21} {:>21} {:>21}", ess[i], r_hat[i]);
    }
    Ok(())
}
