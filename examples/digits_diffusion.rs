//! Draws handwritten digits by reverse diffusion: 1000 evaluations of the score against 50, in
//! single precision.
//!
//! ```text
//! cargo run --release --example digits_diffusion [--features plot] [-- picture.png]
//! ```
//!
//! The data are 1,797 digits of 8 × 8 pixels from −1 to 1, each the centre of a narrow Gaussian,
//! and the score of their noised law is exact. It can only repeat the data with noise on it: no
//! digit here is new. A trained network in its place is what invents. The picture has a row of 20
//! digits for each line of the first four of the table:
//!
//! 1. DDPM through all 1000 levels,
//! 2. the Poisson midpoint on that chain with 50 evaluations,
//! 3. DDIM with 50,
//! 4. DDPM with 50.
//!
//! To the eye they are all digits, so look at the numbers. `distance` is that of a pixel to the
//! nearest digit of the data (root mean square over the pixels, mean over the images). Below that
//! of exact samples there is too little noise inside a mode: a bit for DDIM and for DDPM with all
//! levels, much for DDPM with few. `farthest` is the worst image, where a method that fails now and
//! then would show. `different` counts the digits of the data found by 200 chains; independent
//! draws find 189 ± 3.
//!
//! The Poisson midpoint is nearer to exact samples than the chain that it imitates, since with 50
//! evaluations its own error has the opposite sign. What the chain lacks is variance: with
//! `large_variance: Some(true)` it has 0.100, and the Poisson midpoint 0.103. With 20 evaluations
//! that one fails: its distance is 0.6 then, DDIM's still 0.09.

use langevin::generation::{GenerationOptions, plan};
use langevin::ndarray::{Array2, Array3, ArrayView2, Axis, s};
use langevin::*;

const CHAINS: usize = 200;
const BANDWIDTH: f64 = 0.1;
const EVALUATIONS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let ink: Array3<u8> = ndarray_npy::read_npy(format!("{folder}/digits_8x8_u8.npy"))?;
    let count = ink.len() / 64;
    let pixels = ink.mapv(|ink| f64::from(ink) / 8.0 - 1.0).into_shape_with_order((count, 64))?;
    let data = GaussianMixture::from_data(pixels.view(), BANDWIDTH)?;
    let model = DiffusedMixture::new(data.clone());
    let table = LevelTable::named("linear", 1000)?;

    println!(
        "{CHAINS} chains from noise to {count} digits of bandwidth {BANDWIDTH}; ± is one standard error\n"
    );
    println!(
        "{:<23} {:>11} {:>17} {:>9} {:>10}",
        "", "evaluations", "distance", "farthest", "different"
    );
    let mut shown = Array2::zeros((0, 64));
    for (title, method, evaluations) in [
        ("DDPM, all levels", "ddpm", table.len()),
        ("Poisson midpoint", "pmm2", EVALUATIONS),
        ("DDIM", "ddim", EVALUATIONS),
        ("DDPM", "ddpm", EVALUATIONS),
    ] {
        let generation = plan::<f32>(method, &table, evaluations, &GenerationOptions::default())?;
        let drift = Denoised::new(&model, generation.clock, generation.wanted)?;
        let run = Run::<f32>::with_precision(&generation.sampler, &drift, generation.grid);
        let samples = run.chains(CHAINS).seed(5).run()?;
        let images = samples.positions().mapv(f64::from);
        print!("{title:<23} {:>11.1}", samples.evaluations_per_chain());
        report(&data, images.view())?;
        shown.append(Axis(0), images.slice(s![..20, ..]))?;
    }
    print!("{:<23} {:>11}", "exact samples", "");
    report(&data, data.sample(CHAINS, 1)?.view())?;

    draw(shown.view())
}

fn report(data: &GaussianMixture, images: ArrayView2<f64>) -> Result<()> {
    // In bandwidths, over all 64 pixels.
    let distance = data.distance_to_nearest_mode(images)? * (BANDWIDTH / 8.0);
    let (mean, error) =
        (distance.mean().unwrap_or(0.0), distance.std(1.0) / (distance.len() as f64).sqrt());
    let farthest = distance.fold(0.0, |a: f64, b| a.max(*b));
    let nearest = data.responsibilities(images)?;
    let nearest = nearest.outer_iter().map(|row| row.iter().position(|share| *share > 0.5));
    let different = nearest.collect::<std::collections::HashSet<_>>().len();
    println!(" {mean:>8.4} ± {error:.4} {farthest:>9.3} {different:>10}");
    Ok(())
}

fn draw(images: ArrayView2<f64>) -> Result<(), Box<dyn std::error::Error>> {
    let mut path = std::path::PathBuf::from(
        std::env::args().nth(1).unwrap_or_else(|| "target/digits_diffusion".into()),
    );
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    #[cfg(feature = "plot")]
    {
        path.set_extension("png");
        std::fs::write(
            &path,
            image::grid(images, (8, 8), 20, (-1.0, 1.0), 6)?.inverted().to_png()?,
        )?;
    }
    #[cfg(not(feature = "plot"))]
    {
        // Twenty images side by side, a value a square of 6 × 6 pixels, ink black.
        path.set_extension("pgm");
        let (tile, scale) = (9, 6);
        let (width, height) = ((20 * tile - 1) * scale, (images.nrows() / 20 * tile - 1) * scale);
        let mut file = format!("P5\n{width} {height}\n255\n").into_bytes();
        for row in (0..height).map(|pixel| pixel / scale) {
            for column in (0..width).map(|pixel| pixel / scale) {
                let inside = row % tile < 8 && column % tile < 8;
                let value =
                    || images[[row / tile * 20 + column / tile, row % tile * 8 + column % tile]];
                file.push(if inside {
                    (127.5 - 127.5 * value()).clamp(0.0, 255.0) as u8
                } else {
                    160
                });
            }
        }
        std::fs::write(&path, file)?;
    }
    println!("\nPicture: {}", path.display());
    Ok(())
}
