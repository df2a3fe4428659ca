//! Eight samplers of a phase-space diffusion: error against evaluations, with the exact score.
//!
//! ```text
//! cargo run --release --example phase_space [--features plot -- picture.svg]
//! ```
//!
//! Eight Gaussians of standard deviation 0.05 on the unit circle are noised in phase space (β 8, Γ
//! 0.01, ν 4.01, κ 0.04) and brought back with equal steps. The table shows radial W2, the error of
//! the shape inside a mode in units of its standard deviation. The picture shows it against
//! evaluations. What they say:
//!
//! - At 50 evaluations reduced splitting is far ahead of naive splitting, which needs a score for
//!   every letter (7 times for OBA). It is twice as good as Euler–Maruyama.
//! - SSCS is better still there. Its Gaussian part is exact, and modes this narrow are stiff.
//! - From 250 evaluations on Euler–Maruyama is ahead of all splittings. The reduced ones get better
//!   more slowly: the score that B and A share belongs to a state that A has left.
//! - The second table varies λ_s, the scale of the position noise, at 50 evaluations. With an exact
//!   score none at all (0) is best.
//! - With `grid=quadratic` all methods are much better and in another order: try it.

use langevin::compare::{Comparison, Distances, Metric};
use langevin::ndarray::Array2;
use langevin::prelude::*;

const BUDGETS: [usize; 5] = [25, 50, 100, 250, 500];
const METHODS: [&str; 8] = ["em", "sscs", "oba", "bao", "obab", "roba", "rbao", "robab"];

fn main() -> Result<(), BoxError> {
    let angles = (0..8).map(|mode| std::f64::consts::TAU * f64::from(mode) / 8.0);
    let means: Vec<_> = angles.map(|angle| [angle.cos(), angle.sin()]).collect();
    let data = GaussianMixture::isotropic(Array2::from(means).view(), 0.05)?;
    // A model of noised data gives the joint score too. That of a mixture is exact.
    let model = DiffusedMixture::new(data.clone());
    let process = Process::psld(Psld::PAPER, Beta::constant(8.0)?);
    let compare = |methods: &[String]| {
        let distances = Distances::new(vec![Metric::Radial])?.target(&data)?;
        let all = Comparison::<f64>::new(&process, &model, distances);
        let mut all = all.chains(20_000).seeds(7, 1);
        for method in methods {
            all = all.with(method.parse()?, &BUDGETS)?;
        }
        all.run()
    };
    let table = compare(&METHODS.map(String::from))?;
    println!("{table}\n");
    let scaled = |method| [0.0, 0.25, 0.5, 2.0, 4.0].map(|s| format!("{method}:lambda-s={s}@50"));
    println!("{}", compare(&["roba", "rbao", "robab"].map(scaled).concat())?);

    #[cfg(feature = "plot")]
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, table.to_svg("Eight Gaussians in phase space")?)?;
    }
    Ok(())
}
