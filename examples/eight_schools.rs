//! The eight schools: a posterior from its gradient, in the parameters that matter, saved for
//! ArviZ, and compared with a method that has no bias.
//!
//! ```text
//! cargo run --release --features serde --example eight_schools -- schools.zarr
//! ```
//!
//! Nothing is written without a path. The page `docs/posterior.md` explains every line.
//!
//! Source of the data: Rubin 1981, "Estimation in parallel randomized experiments".

use langevin::draws::Draws;
use langevin::metrics::Posterior;
use langevin::ndarray::{Array3, ArrayView2, Axis};
use langevin::posterior::Sampling;
use langevin::prelude::*;

/// The effect of a training on test scores, in eight schools, and its standard error.
const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const SIGMA: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// The names of x, and of the parameters that matter.
const NAMES: [&str; 10] =
    ["mu", "log_tau", "t[0]", "t[1]", "t[2]", "t[3]", "t[4]", "t[5]", "t[6]", "t[7]"];
const NATURAL: [&str; 10] = [
    "mu", "tau", "theta[0]", "theta[1]", "theta[2]", "theta[3]", "theta[4]", "theta[5]",
    "theta[6]", "theta[7]",
];

/// ∇ log π of x = (mu, log tau, t), where theta = mu + tau t.
fn gradient(x: &[f64], out: &mut [f64]) {
    let mu = x[0];
    let tau = x[1].exp();
    let ratio = (tau / 5.0).powi(2);
    out[0] = -mu / 25.0; // mu ~ N(0, 5)
    out[1] = 1.0 - 2.0 * ratio / (1.0 + ratio); // tau ~ half-Cauchy(5); the 1 is from log tau
    for j in 0..8 {
        let t = x[2 + j];
        let pull = (Y[j] - mu - tau * t) / SIGMA[j].powi(2); // y ~ N(theta, sigma)
        out[0] += pull;
        out[1] += pull * tau * t;
        out[2 + j] = pull * tau - t; // t ~ N(0, 1)
    }
}

/// log π of one point.
fn log_density(x: ArrayView2<'_, f64>, out: &mut [f64]) -> std::result::Result<(), BoxError> {
    for (x, log) in x.rows().into_iter().zip(out) {
        let tau = x[1].exp();
        *log = -x[0] * x[0] / 50.0 + x[1] - (tau / 5.0).powi(2).ln_1p();
        for j in 0..8 {
            let z = (Y[j] - x[0] - tau * x[2 + j]) / SIGMA[j];
            *log -= (x[2 + j].powi(2) + z * z) / 2.0;
        }
    }
    Ok(())
}

/// The draws with tau and theta in place of log tau and t.
fn natural(draws: &Array3<f64>) -> Array3<f64> {
    let mut all = draws.clone();
    for mut x in all.lanes_mut(Axis(2)) {
        x[1] = x[1].exp();
        for j in 2..10 {
            x[j] = x[0] + x[1] * x[j];
        }
    }
    all
}

fn main() -> Result<()> {
    let drift = PerRow::new(10, |_time, x: &[f64], out: &mut [f64]| gradient(x, out));
    let outcome = Sampling::new(&drift, 10).names(NAMES).seed(7).run()?;
    println!("{outcome}\n{} evaluations\n", outcome.evaluations);

    let draws = natural(&outcome.draws);
    println!("{}", Posterior::of(draws.view())?.names(NATURAL)?);

    let by_chain = draws.permuted_axes([1, 0, 2]);
    let draws = Draws::new(by_chain)?.with_names(NATURAL)?;
    if let Some(path) = std::env::args_os().nth(1) {
        draws.write_zarr(path)?;
    }

    let target = WithDensity::new(drift, log_density);
    let exact = Sampling::new(&target, 10).names(NAMES).adjusted().seed(1).run()?;
    println!("{}\n", exact.diagnosis);
    println!("differences in standard errors\n{:<8} {:>6} {:>6}", "", "mean", "sd");
    for (a, b) in outcome.summary.parameters.iter().zip(&exact.summary.parameters) {
        let mean = (a.mean - b.mean) / a.mcse_mean.hypot(b.mcse_mean);
        let sd = (a.sd - b.sd) / a.mcse_sd.hypot(b.mcse_sd);
        println!("{:<8} {mean:>6.2} {sd:>6.2}", a.name);
    }
    Ok(())
}
