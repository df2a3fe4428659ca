//! Draws handwritten digits out of noise: annealed Langevin dynamics on a mixture of 1,797 real
//! digits.
//!
//! ```text
//! cargo run --release --example digits [--features plot] [-- picture.pgm]
//! ```
//!
//! The target is one narrow Gaussian around every digit of the data, in 64 pixels from −1 to 1.
//! Langevin dynamics on it would stay with the first digit it meets, so the chains descend a ladder
//! of bandwidths, as score-based models do (Song & Ermon 2019, arXiv 1907.05600): from a wide one,
//! where the mixture is a single cloud, to the narrow one, each level from where the last one
//! ended. A mixture can only repeat its data with noise on it: no digit here is new. A trained
//! network in place of the exact score is what invents.
//!
//! The first table shows the ladder: the distance of a pixel to the nearest digit of the data
//! shrinks with the bandwidth until the two agree. The second counts the digits. Once the modes
//! have come apart no chain changes its digit, so the shares were settled on the upper levels; that
//! they are right is no matter of course, and the chi-square test asks. The picture shows the first
//! 100 chains.

use langevin::metrics::{occupancy, radial_wasserstein};
use langevin::ndarray::{Array1, Array2, Array3, ArrayView2};
use langevin::*;

const CHAINS: usize = 200;
const STEPS: usize = 40;
const BANDWIDTHS: [f64; 9] = [2.0, 1.5, 1.0, 0.75, 0.5, 0.4, 0.3, 0.2, 0.15];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let ink: Array3<u8> = ndarray_npy::read_npy(format!("{folder}/digits_8x8_u8.npy"))?;
    let labels: Array1<u8> = ndarray_npy::read_npy(format!("{folder}/digits_labels_u8.npy"))?;
    let data =
        ink.mapv(|ink| f64::from(ink) / 8.0 - 1.0).into_shape_with_order((labels.len(), 64))?;

    println!("{CHAINS} chains from pure noise, {STEPS} steps on each level, Poisson midpoint\n");
    println!("bandwidth  distance to the nearest digit, per pixel  evaluations");
    let mut positions: Option<Array2<f64>> = None;
    for (level, bandwidth) in BANDWIDTHS.into_iter().enumerate() {
        let target = GaussianMixture::from_data(data.view(), bandwidth)?;
        // In units of the bandwidth all levels are alike: friction 2, step 1/2.
        let sampler = PoissonMidpoint::new(Underdamped::new(2.0 / bandwidth, 1.0)?, 16)?;
        let grid = TimeGrid::uniform(0.5 * bandwidth, STEPS)?;
        let run = Run::new(&sampler, &target, grid).chains(CHAINS).seed(level as u64);
        let samples = match positions.take() {
            Some(last) => run.start(last).run()?,
            None => run.run()?,
        };
        let distance = target.distance_to_nearest_mode(samples.positions())? * (bandwidth / 8.0);
        let (mean, error) =
            (distance.mean().unwrap_or(0.0), distance.std(1.0) / (CHAINS as f64).sqrt());
        println!(
            "{bandwidth:>9} {:>33} {:>20.0}",
            format!("{mean:.4} ± {error:.4}"),
            samples.evaluations_per_chain()
        );
        positions = Some(samples.positions().to_owned());
    }
    let Some(positions) = positions else { return Ok(()) };

    let target = GaussianMixture::from_data(data.view(), BANDWIDTHS[BANDWIDTHS.len() - 1])?;
    let radial =
        radial_wasserstein(&target.distance_to_nearest_mode(positions.view())?.to_vec(), 64)?;
    println!("\nradial W2 inside a mode, in bandwidths: {:.3} ± {:.3}", radial.value, radial.error);

    // Which digit each chain shows: its responsibilities, summed over the data rows with the same
    // label.
    let classes = Array2::from_shape_fn((labels.len(), 10), |(row, digit)| {
        f64::from(u8::from(labels[row] == digit as u8))
    });
    let shares = occupancy(
        target.responsibilities(positions.view())?.dot(&classes).view(),
        &classes.sum_axis(ndarray::Axis(0)).to_vec(),
    )?;
    println!("\ndigit    found   expected");
    for (digit, (found, expected)) in shares.weights_found.iter().zip(&shares.expected).enumerate()
    {
        let count = CHAINS as f64;
        println!(
            "{digit:>5} {:>8.1} {:>6.1} ± {:.1}",
            count * found,
            count * expected,
            (count * expected * (1.0 - expected)).sqrt()
        );
    }
    println!(
        "chi-square {:.1} for {} degrees of freedom, p = {:.2}",
        shares.chi_square, shares.degrees_of_freedom, shares.p_value
    );
    draw(positions.slice(ndarray::s![..100, ..]))?;
    Ok(())
}

fn draw(images: ArrayView2<f64>) -> Result<(), Box<dyn std::error::Error>> {
    let path = std::path::PathBuf::from(
        std::env::args().nth(1).unwrap_or_else(|| "target/digits.pgm".into()),
    );
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Ten images side by side, a value a square of 5 × 5 pixels, ink black.
    let (tile, scale) = (9, 5);
    let side = (10 * tile - 1) * scale;
    let mut file = format!("P5\n{side} {side}\n255\n").into_bytes();
    for row in (0..side).map(|pixel| pixel / scale) {
        for column in (0..side).map(|pixel| pixel / scale) {
            let inside = row % tile < 8 && column % tile < 8;
            let value =
                || images[[row / tile * 10 + column / tile, row % tile * 8 + column % tile]];
            file.push(if inside { (127.5 - 127.5 * value()).clamp(0.0, 255.0) as u8 } else { 160 });
        }
    }
    std::fs::write(&path, file)?;
    println!("\nPicture: {}", path.display());

    #[cfg(feature = "plot")]
    {
        let path = path.with_extension("png");
        std::fs::write(
            &path,
            image::grid(images, (8, 8), 10, (-1.0, 1.0), 5)?.inverted().to_png()?,
        )?;
        println!("Picture: {}", path.display());
    }
    Ok(())
}
