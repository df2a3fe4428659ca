//! Error against cost for ways to run a diffusion backwards: which one, for how many evaluations?
//!
//! ```text
//! cargo run --release --example picking_a_method [--features plot] [-- picture.svg]
//! ```
//!
//! Eight Gaussians of standard deviation 0.05 on the unit circle, 1000 levels, the exact score. The
//! table shows the error of the shape inside a mode in its standard deviations, radial W2; the
//! picture, error against evaluations on logarithmic axes, without the points above 10. What it
//! says:
//!
//! - 10 or 20 evaluations: `ddim`. With 10, DDPM on a quadratic grid is as good.
//! - 40 and more: `dpmpp2m` and `heun`. What is left at 160 is mostly their last step, which
//!   denoises level 1 and so narrows the modes by 2 %, an error of 0.03; what lies below had
//!   another error of the opposite sign.
//! - `em` begins worse than DDPM but goes on getting better: with all 1000 levels it is as good as
//!   exact samples here.
//! - DDPM is as good as its options. On a quadratic grid 20 evaluations do better than 160 on the
//!   customary equal one. Its usual variance is right for data that are one point: even with all
//!   levels it leaves modes too narrow, an error of 0.11. With the large one (`large_variance`)
//!   nothing is left then, though with few evaluations modes are too wide.
//! - `pmm2`, the Poisson midpoint, imitates the chain with all levels, so 0.11 is what it tends to
//!   (that it is better with 40 is two errors cancelling), and 0.01 with the large variance. With
//!   that one and 80 evaluations it is where DDPM with the same options is between 80 and 160; at
//!   160 the two are equal. With 20 it explodes: blocks of up to 190 levels are too long for a
//!   midpoint. So it wins over DDPM in a window, and over the flow solvers only, and barely, at
//!   their limit.
//!
//! None of this is a verdict for other problems: in the plane, with an exact score, the flow is
//! smooth and solvers of higher order have it easy.

use langevin::generation::{GenerationOptions, plan};
use langevin::metrics::{Estimate, radial_wasserstein};
use langevin::ndarray::{Array2, ArrayView2};
use langevin::schedule::Spacing;
use langevin::*;

const CHAINS: usize = 40_000;
const BUDGETS: [usize; 5] = [10, 20, 40, 80, 160];
/// Title, method, grid where it is not the default (quadratic), and whether DDPM's variance is the
/// large one.
const METHODS: [(&str, &str, Option<Spacing>, Option<bool>); 9] = [
    ("ddpm, equal steps", "ddpm", Some(Spacing::Equal), None),
    ("ddpm", "ddpm", None, None),
    ("ddpm, large", "ddpm", None, Some(true)),
    ("pmm2", "pmm2", None, None),
    ("pmm2, large", "pmm2", None, Some(true)),
    ("em", "em", None, None),
    ("ddim", "ddim", None, None),
    ("dpmpp2m", "dpmpp2m", None, None),
    ("heun", "heun", None, None),
];

/// A name, and evaluations and error for each budget.
type Line = (&'static str, Vec<(f64, Estimate)>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let means = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        if j == 0 { angle.cos() } else { angle.sin() }
    });
    let data = GaussianMixture::isotropic(means.view(), 0.05)?;
    let model = DiffusedMixture::new(data.clone());
    let table = LevelTable::named("linear", 1000)?;
    let shape = |samples: ArrayView2<f64>| {
        radial_wasserstein(&data.distance_to_nearest_mode(samples)?.to_vec(), 2)
    };

    println!("Radial W2 inside a mode, {CHAINS} chains; ± is one standard error\n");
    print!("{:<22}", "at most, evaluations:");
    BUDGETS.iter().for_each(|budget| print!(" {budget:>15}"));
    println!();
    let mut lines: Vec<Line> = Vec::new();
    for (title, method, grid, large_variance) in METHODS {
        print!("{title:<22}");
        let mut points = Vec::new();
        for budget in BUDGETS {
            let options = GenerationOptions { grid, large_variance, ..Default::default() };
            let generation = plan(method, &table, budget, &options)?;
            let drift = Denoised::new(&model, generation.clock, generation.wanted)?;
            let samples = Run::new(&generation.sampler, &drift, generation.grid)
                .chains(CHAINS)
                .seed(7)
                .run()?;
            let error = shape(samples.positions())?;
            let digits = if error.value < 100.0 { 3 } else { 0 };
            print!(" {:>7.digits$} ± {:<5.digits$}", error.value, error.error);
            points.push((samples.evaluations_per_chain(), error));
        }
        println!();
        lines.push((title, points));
    }
    let exact = shape(data.sample(CHAINS, 1)?.view())?;
    println!("{:<22} {:>7.3} ± {:.3}", "exact samples", exact.value, exact.error);
    draw(&lines)
}

/// The curves, to the path given or to target/picking_a_method.svg.
#[cfg(feature = "plot")]
fn draw(lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "target/picking_a_method.svg".into());
    let point = |(at, error): &(f64, Estimate)| (*at, error.value, Some(error.error));
    let curve = |(title, points): &Line| plot::Curve {
        label: (*title).into(),
        points: points.iter().map(point).filter(|(_, error, _)| *error <= 10.0).collect(),
    };
    let series: Vec<_> = lines.iter().map(curve).collect();
    let svg = plot::curves(
        &series,
        "evaluations per chain",
        "radial W₂",
        "Eight Gaussians from noise",
        true,
        true,
    )?;
    if let Some(folder) = std::path::Path::new(&path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, svg)?;
    println!("\nPicture: {path}");
    Ok(())
}

#[cfg(not(feature = "plot"))]
fn draw(_: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    println!("\nFor a picture, add --features plot.");
    Ok(())
}
