//! Samples eight Gaussians on a circle with four methods at equal cost and measures each sample
//! three ways.
//!
//! ```text
//! cargo run --release --example gaussian_mixture [--features plot -- picture.svg]
//! ```
//!
//! All chains start in one of the eight modes. So the shares of the modes tell whether the chains
//! have travelled: nothing in the start makes them right by symmetry. Look at
//!
//! - `radial W2`, the error of the shape inside a mode in units of its standard deviation. It is
//!   what the step size costs, and here the methods differ.
//! - `occupancy p`, the chance of a chi-square this large if the shares of the modes were right. It
//!   is any number from 0 to 1 once the chains have mixed, and 0.00 before.
//! - `sliced W2`, the distance to exact samples. The last line has that of other exact samples. It
//!   is not 0 either: in a sample of this size it is mostly the noise of how many points fell in
//!   which mode.
//!
//! Modes are six standard deviations apart, and chains need some 400 units of time to forget where
//! they began. The long run is what makes the shares right. Try `TIME` = 200. Euler–Maruyama then
//! is least far from the target, but for a bad reason: its modes are too wide, which lowers the
//! barriers between them. Fast mixing says nothing about accuracy.

use langevin::metrics::{occupancy, radial_wasserstein, sliced_wasserstein};
use langevin::ndarray::{Array2, ArrayView2};
use langevin::prelude::*;

const CHAINS: usize = 3_000;
const TIME: f64 = 2_000.0;
/// Step of the methods that evaluate the drift twice. Euler–Maruyama takes half of it.
const STEP: f64 = 0.5;

fn main() -> Result<(), BoxError> {
    let angles = (0..8).map(|mode| std::f64::consts::TAU * f64::from(mode) / 8.0);
    let means: Vec<_> = angles.map(|angle| [4.0 * angle.cos(), 4.0 * angle.sin()]).collect();
    let target = GaussianMixture::isotropic(Array2::from(means).view(), 0.5)?;
    let exact = target.sample(CHAINS, 1)?;

    println!("Eight Gaussians, {CHAINS} chains from the mode at (4, 0), time {TIME}, underdamped");
    println!(
        "\n{:<27} {:>5} {:>11} {:>17} {:>12} {:>17}",
        "", "step", "evaluations", "sliced W2", "occupancy p", "radial W2"
    );
    let report = |samples: ArrayView2<f64>| -> Result<()> {
        let distance = sliced_wasserstein(samples, exact.view(), 64, 0)?;
        let shares = occupancy(target.responsibilities(samples)?.view(), target.weights())?;
        let shape = radial_wasserstein(&target.distance_to_nearest_mode(samples)?.to_vec(), 2)?;
        print!(" {:>8.4} ± {:.4}", distance.value, distance.error);
        println!(" {:>12.2} {:>8.4} ± {:.4}", shares.p_value, shape.value, shape.error);
        Ok(())
    };
    let run = |name: &str, step: f64, sampler: &dyn Sampler<f64>| -> Result<Samples<f64>> {
        let grid = TimeGrid::between(0.0, TIME, (TIME / step) as usize)?;
        let run = Run::new(sampler, &target, grid).chains(CHAINS).start([4.0, 0.0]).seed(7);
        let samples = run.run()?;
        print!("{name:<27} {step:>5} {:>11.0}", samples.evaluations_per_chain());
        Ok(samples)
    };

    let dynamics = Underdamped::new(2.0, 1.0)?;
    let euler = EulerMaruyama::new(dynamics);
    report(run("Euler-Maruyama", 0.5 * STEP, &euler)?.positions())?;
    let poisson = PoissonMidpoint::new(dynamics, 16)?;
    let option_1 = poisson.with_selection(Selection::Bernoulli);
    report(run("Poisson midpoint, option 1", STEP, &option_1)?.positions())?;
    report(run("Poisson midpoint, option 2", STEP, &poisson)?.positions())?;
    let samples = run("randomized midpoint", STEP, &RandomizedMidpoint::new(dynamics))?;
    report(samples.positions())?;
    print!("{:<27} {:>5} {:>11}", "other exact samples", "", "");
    report(target.sample(CHAINS, 2)?.view())?;
    println!("\n± is one standard error; evaluations are per chain.");

    #[cfg(feature = "plot")]
    if let Some(path) = std::env::args().nth(1) {
        let title = "Eight Gaussians, randomized midpoint";
        std::fs::write(path, target.picture(samples.positions(), title)?)?;
    }
    Ok(())
}
