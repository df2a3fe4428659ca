//! Eight samplers of a phase-space diffusion: error against evaluations on eight modes, with the
//! exact joint score.
//!
//! ```text
//! cargo run --release --example phase_space [--features plot] [-- picture.svg]
//! ```
//!
//! Eight Gaussians of standard deviation 0.05 on the unit circle, noised in phase space (β 8, Γ
//! 0.01, ν 4.01, κ 0.04) and brought back with equal steps. The table shows the error of the shape
//! inside a mode in its standard deviations, radial W2; the picture, error against evaluations on
//! logarithmic axes. What it says:
//!
//! - At 50 evaluations reduced splitting is far ahead of naive splitting (7 times for OBA), which
//!   needs a score for every letter, and twice as good as Euler–Maruyama.
//! - SSCS is better still there: its Gaussian part is exact, and modes this narrow are stiff.
//! - From 250 evaluations on Euler–Maruyama is ahead of all splittings. The reduced ones get better
//!   more slowly: the score they share between B and A belongs to a state that A has left, an error
//!   of first order with a larger constant.
//! - The last column has the best of a handful of λ_s for the reduced ones: with an exact score
//!   none at all (λ_s = 0) is best.
//!
//! On a quadratic grid all are much better and in another order: `langevin generate --process psld
//! --grid quadratic`.

use langevin::generation::{PhaseOptions, plan_phase};
use langevin::metrics::{Estimate, radial_wasserstein};
use langevin::ndarray::{Array2, ArrayView2};
use langevin::schedule::Beta;
use langevin::*;

const CHAINS: usize = 20_000;
const BUDGETS: [usize; 5] = [25, 50, 100, 250, 500];
const METHODS: [&str; 8] = ["em", "sscs", "oba", "bao", "obab", "roba", "rbao", "robab"];
const SCALES: [f64; 5] = [0.0, 0.25, 0.5, 2.0, 4.0];

/// A name, and evaluations and error for each budget.
type Line = (&'static str, Vec<(f64, Estimate)>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let means = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        if j == 0 { angle.cos() } else { angle.sin() }
    });
    let data = GaussianMixture::isotropic(means.view(), 0.05)?;
    let (noised, process) = (DiffusedMixture::new(data.clone()), Psld::PAPER);
    // Any model of noised data gives the joint score of position and momentum; that of a mixture is
    // exact.
    let model = Lifted::new(&noised, process);
    let shape = |samples: ArrayView2<f64>| {
        radial_wasserstein(&data.distance_to_nearest_mode(samples)?.to_vec(), 2)
    };
    let error = |method: &str, budget: usize, options: &PhaseOptions| -> Result<(f64, Estimate)> {
        let plan = plan_phase(method, process, Beta::constant(8.0)?, budget, options)?;
        let drift = PhaseDenoised::new(&model, process, plan.horizon)?;
        let samples = Run::new(&*plan.sampler, &drift, plan.grid).chains(CHAINS).seed(7).run()?;
        Ok((samples.evaluations_per_chain(), shape(samples.positions())?))
    };

    println!("Radial W2 inside a mode, uniform grid, {CHAINS} chains; ± is one standard error\n");
    print!("{:<14}", "evaluations:");
    BUDGETS.iter().for_each(|budget| print!(" {budget:>15}"));
    println!("  at 50, best λ_s");
    let mut lines: Vec<Line> = Vec::new();
    for method in METHODS {
        print!("{method:<14}");
        let mut points = Vec::new();
        for budget in BUDGETS {
            let point = error(method, budget, &PhaseOptions::default())?;
            print!(" {:>7.3} ± {:<5.3}", point.1.value, point.1.error);
            points.push(point);
        }
        if method.starts_with('r') {
            let mut best = (1.0, points[1].1);
            for scale in SCALES {
                let found = error(
                    method,
                    50,
                    &PhaseOptions { lambda_s: Some(scale), ..Default::default() },
                )?
                .1;
                if found.value < best.1.value {
                    best = (scale, found);
                }
            }
            print!("  {:.3} at {}", best.1.value, best.0);
        }
        println!();
        lines.push((method, points));
    }
    let exact = shape(data.sample(CHAINS, 1)?.view())?;
    println!("{:<14} {:>7.3} ± {:.3}", "exact samples", exact.value, exact.error);
    draw(&lines)
}

/// The curves, to the path given or to target/phase_space.svg.
#[cfg(feature = "plot")]
fn draw(lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "target/phase_space.svg".into());
    let point = |(at, error): &(f64, Estimate)| (*at, error.value, Some(error.error));
    let curve = |(title, points): &Line| plot::Curve {
        label: (*title).into(),
        points: points.iter().map(point).collect(),
    };
    let series: Vec<_> = lines.iter().map(curve).collect();
    let svg = plot::curves(
        &series,
        "evaluations per chain",
        "radial W₂",
        "Eight Gaussians in phase space",
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
