//! Samples eight Gaussians on a circle with four methods at equal cost and measures each sample
//! three ways.
//!
//! ```text
//! cargo run --release --example gaussian_mixture [--features plot] [-- picture.svg]
//! ```
//!
//! All chains start in one of the eight modes, so the shares of the modes tell whether they have
//! travelled: nothing in the start makes them right by symmetry. Look at
//!
//! - `radial W2`, the error of the shape inside a mode in units of its standard deviation: what the
//!   step size costs. Here the methods differ.
//! - `occupancy p`, the chance of a chi-square this large if the shares of the modes were right:
//!   any number from 0 to 1 once the chains have mixed, 0.00 before.
//! - `sliced W2`, the distance to exact samples, and in the last line that of other exact samples
//!   to them, which is not 0 either: in a sample of this size it is mostly the noise of how many
//!   points fell in which mode.
//!
//! Modes are six standard deviations apart, and chains need some 400 units of time to forget where
//! they began: the long run is what makes the shares right. Try `TIME` = 200. Euler–Maruyama then
//! is least far from the target, but for a bad reason: its modes are too wide, which lowers the
//! barriers between them. Fast mixing says nothing about accuracy.

use langevin::metrics::{occupancy, radial_wasserstein, sliced_wasserstein};
use langevin::ndarray::{Array2, ArrayView2};
use langevin::*;

const CHAINS: usize = 3_000;
const TIME: f64 = 2_000.0;
/// Step of the methods that evaluate the drift twice; Euler–Maruyama takes half of it.
const STEP: f64 = 0.5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let means = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        4.0 * if j == 0 { angle.cos() } else { angle.sin() }
    });
    let target = GaussianMixture::isotropic(means.view(), 0.5)?;
    let exact = target.sample(CHAINS, 1)?;

    let dynamics = Underdamped::new(2.0, 1.0)?;
    let poisson = PoissonMidpoint::new(dynamics, 16)?;
    let methods: [(&str, f64, Box<dyn Sampler<f64>>); 4] = [
        ("Euler-Maruyama", 0.5 * STEP, Box::new(EulerMaruyama::new(dynamics))),
        (
            "Poisson midpoint, option 1",
            STEP,
            Box::new(poisson.with_selection(Selection::Bernoulli)),
        ),
        ("Poisson midpoint, option 2", STEP, Box::new(poisson)),
        ("randomized midpoint", STEP, Box::new(RandomizedMidpoint::new(dynamics))),
    ];

    println!(
        "Eight Gaussians, {CHAINS} chains from the mode at (4, 0), time {TIME}, underdamped Langevin\n"
    );
    println!(
        "{:<27} {:>5} {:>11} {:>17} {:>12} {:>17}",
        "", "step", "evaluations", "sliced W2", "occupancy p", "radial W2"
    );
    let mut last = None;
    for (name, step, sampler) in &methods {
        let grid = TimeGrid::uniform(*step, (TIME / step).round() as usize)?;
        let samples =
            Run::new(sampler, &target, grid).chains(CHAINS).start_at(&[4.0, 0.0]).seed(7).run()?;
        print!("{name:<27} {step:>5} {:>11.0}", samples.evaluations_per_chain());
        report(&target, samples.positions(), exact.view())?;
        last = Some(samples);
    }
    print!("{:<27} {:>5} {:>11}", "other exact samples", "", "");
    report(&target, target.sample(CHAINS, 2)?.view(), exact.view())?;
    println!("\n± is one standard error; evaluations are per chain.");

    if let Some(samples) = last {
        draw(&target, samples.positions())?;
    }
    Ok(())
}

fn report(
    target: &GaussianMixture,
    samples: ArrayView2<f64>,
    exact: ArrayView2<f64>,
) -> Result<()> {
    let distance = sliced_wasserstein(samples, exact, 64, 0)?;
    let shares = occupancy(target.responsibilities(samples)?.view(), target.weights())?;
    let shape = radial_wasserstein(&target.distance_to_nearest_mode(samples)?.to_vec(), 2)?;
    println!(
        " {:>8.4} ± {:.4} {:>12.2} {:>8.4} ± {:.4}",
        distance.value, distance.error, shares.p_value, shape.value, shape.error
    );
    Ok(())
}

/// A scatter of the samples over the density, to the path given or to target/gaussian_mixture.svg.
#[cfg(feature = "plot")]
fn draw(
    target: &GaussianMixture,
    samples: ArrayView2<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    use langevin::ndarray::ArrayView1;

    let path = std::env::args().nth(1).unwrap_or_else(|| "target/gaussian_mixture.svg".into());
    let log_density = |point: &[f64]| {
        let row = ArrayView1::from(point).insert_axis(langevin::ndarray::Axis(0));
        target.log_density(row).map_or(f64::NAN, |density| density[0])
    };
    let svg =
        plot::scatter_over_density(samples, log_density, "Eight Gaussians, randomized midpoint")?;
    if let Some(folder) = std::path::Path::new(&path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, svg)?;
    println!("Picture: {path}");
    Ok(())
}

#[cfg(not(feature = "plot"))]
fn draw(_: &GaussianMixture, _: ArrayView2<f64>) -> Result<()> {
    println!("For a picture, add --features plot.");
    Ok(())
}
