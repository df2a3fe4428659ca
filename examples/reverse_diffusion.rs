//! Runs a diffusion backwards with ten methods: from noise to eight Gaussians, the exact score in
//! place of a network.
//!
//! ```text
//! cargo run --release --example reverse_diffusion [--features plot] [-- picture.svg]
//! ```
//!
//! The law of a noised mixture is a mixture again, so its score is known at every level and
//! whatever error is left comes from the method. 1000 levels on the usual linear schedule; DDPM
//! through all of them is the reference. Look at
//!
//! - `evaluations` per chain, what a network would have to do, and `calls`, the batched calls one
//!   after the other: the time it takes with machines enough. Only `pc-parallel` sets the two far
//!   apart.
//! - `radial W2`, the error of the shape inside a mode in units of its standard deviation. Exact
//!   samples do not have 0.
//! - `occupancy p`, the chance of a chi-square this large if the shares of the modes were right.
//!   Mixture and noise have the same symmetry, so the shares cannot be wrong but by a bug. Where
//!   methods agree in it they followed the same flow from the same noise.
//!
//! On a smooth problem in the plane the solvers of the probability flow (`ddim`, `dpmpp2m`, `heun`)
//! do well. The Poisson midpoint imitates the reference with a twentieth of its evaluations; that
//! it beats it is two errors of opposite sign. DDPM and the Poisson midpoint suffer from DDPM's
//! default variance: see `picking_a_method`. Predictor–corrector methods were made for guarantees
//! in high dimension; with a corrector after each phase they need a larger budget, so their lines
//! are not to be compared with the others.

use langevin::generation::{GENERATION_METHODS, GenerationOptions, plan};
use langevin::metrics::{occupancy, radial_wasserstein};
use langevin::ndarray::{Array2, ArrayView2};
use langevin::*;

const CHAINS: usize = 5_000;
const BUDGET: usize = 50;
/// Of the predictor–corrector methods, which spend most of it on Langevin dynamics.
const LARGER_BUDGET: usize = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let means = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        if j == 0 { angle.cos() } else { angle.sin() }
    });
    let data = GaussianMixture::isotropic(means.view(), 0.05)?;
    let model = DiffusedMixture::new(data.clone());
    let table = LevelTable::named("linear", 1000)?;

    println!("Eight Gaussians from noise, {CHAINS} chains; ± is one standard error\n");
    println!(
        "{:<13} {:>6} {:>11} {:>6} {:>17} {:>12}",
        "", "budget", "evaluations", "calls", "radial W2", "occupancy p"
    );
    let mut pictured = None;
    let budgets = GENERATION_METHODS.map(|method| {
        let budget = if method.name.starts_with("pc") { LARGER_BUDGET } else { BUDGET };
        (method.name, budget)
    });
    for (name, budget) in [("ddpm", table.len())].into_iter().chain(budgets) {
        let generation = plan(name, &table, budget, &GenerationOptions::default())?;
        let drift = Denoised::new(&model, generation.clock, generation.wanted)?;
        let samples =
            Run::new(&generation.sampler, &drift, generation.grid).chains(CHAINS).seed(7).run()?;
        let (evaluations, calls) = (samples.evaluations_per_chain(), samples.batched_calls);
        print!("{name:<13} {budget:>6} {evaluations:>11.1} {calls:>6}");
        report(&data, samples.positions())?;
        if name == "pmm2" {
            pictured = Some(samples);
        }
    }
    print!("{:<13} {:>6} {:>11} {:>6}", "exact samples", "", "", "");
    report(&data, data.sample(CHAINS, 1)?.view())?;

    if let Some(samples) = pictured {
        draw(&data, samples.positions())?;
    }
    Ok(())
}

fn report(data: &GaussianMixture, samples: ArrayView2<f64>) -> Result<()> {
    let shape = radial_wasserstein(&data.distance_to_nearest_mode(samples)?.to_vec(), 2)?;
    let shares = occupancy(data.responsibilities(samples)?.view(), data.weights())?;
    println!(" {:>8.4} ± {:.4} {:>12.2}", shape.value, shape.error, shares.p_value);
    Ok(())
}

/// A scatter of the samples over the density, to the path given or to target/reverse_diffusion.svg.
#[cfg(feature = "plot")]
fn draw(
    data: &GaussianMixture,
    samples: ArrayView2<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    use langevin::ndarray::{ArrayView1, Axis};

    let path = std::env::args().nth(1).unwrap_or_else(|| "target/reverse_diffusion.svg".into());
    let log_density = |point: &[f64]| {
        let row = ArrayView1::from(point).insert_axis(Axis(0));
        data.log_density(row).map_or(f64::NAN, |density| density[0])
    };
    let title = format!("Poisson midpoint, option 2, {BUDGET} evaluations");
    let svg = plot::scatter_over_density(samples, log_density, &title)?;
    if let Some(folder) = std::path::Path::new(&path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, svg)?;
    println!("\nPicture: {path}");
    Ok(())
}

#[cfg(not(feature = "plot"))]
fn draw(_: &GaussianMixture, _: ArrayView2<f64>) -> Result<()> {
    println!("\nFor a picture, add --features plot.");
    Ok(())
}
