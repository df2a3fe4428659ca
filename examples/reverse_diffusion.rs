//! Runs a diffusion backwards with every method: from noise to eight Gaussians with an exact score.
//!
//! ```text
//! cargo run --release --example reverse_diffusion [--features plot -- picture.svg]
//! ```
//!
//! A noised mixture is a mixture again, so its score is known at every level. Whatever error is
//! left comes from the method. DDPM through all 1000 levels is the reference. Look at
//!
//! - `radial`, the error of the shape inside a mode in units of its standard deviation, and
//!   `sliced`, the distance to exact samples. Exact samples do not have 0.
//! - `occupancy p`, the chance of a chi-square this large if the shares of the modes were right.
//!   Mixture and noise have the same symmetry, so only a bug could make the shares wrong.
//! - `calls`, the batched calls one after the other: the time with machines enough. Only
//!   `pc-parallel` needs far fewer calls than evaluations.
//!
//! On a smooth problem in the plane the solvers of the probability flow (`ddim`, `dpmpp2m`, `heun`)
//! do well. Predictor–corrector methods have a larger budget, so their lines are not to be compared
//! with the others.

use langevin::compare::{Comparison, Distances, Metric};
use langevin::diffusion::ProcessKind;
use langevin::metrics::occupancy;
use langevin::ndarray::Array2;
use langevin::prelude::*;

const CHAINS: usize = 5_000;

fn main() -> Result<(), BoxError> {
    let angles = (0..8).map(|mode| std::f64::consts::TAU * f64::from(mode) / 8.0);
    let means: Vec<_> = angles.map(|angle| [angle.cos(), angle.sin()]).collect();
    let data = GaussianMixture::isotropic(Array2::from(means).view(), 0.05)?;
    let model = DiffusedMixture::new(data.clone());
    let process = Process::vp(LevelTable::linear(1000)?);
    let distances = Distances::new(vec![Metric::Radial, Metric::Sliced])?.target(&data)?;
    let distances = distances.reference(data.sample(CHAINS, 1)?)?;

    let mut comparison =
        Comparison::<f64>::new(&process, &model, distances).chains(CHAINS).seeds(7, 1);
    comparison = comparison.with("ddpm@1000".parse()?, &[])?;
    println!("{:<12} {:>6} {:>12}", "method", "calls", "occupancy p");
    for method in Method::on(ProcessKind::Vp) {
        let budget = if method.name().starts_with("pc") { 400 } else { 50 };
        let samples = method.plan(&process, budget)?.run(&model)?.chains(CHAINS).seed(7).run()?;
        let shares = occupancy(data.responsibilities(samples.positions())?.view(), data.weights())?;
        let (name, calls) = (method.name(), samples.cost.batched_calls);
        println!("{name:<12} {calls:>6} {:>12.2}", shares.p_value);
        #[cfg(feature = "plot")]
        if let ("pmm2", Some(path)) = (name, std::env::args().nth(1)) {
            std::fs::write(path, data.picture(samples.positions(), "Poisson midpoint")?)?;
        }
        comparison = comparison.with(method.into(), &[budget])?;
    }
    println!("\n{}", comparison.run()?);
    Ok(())
}
