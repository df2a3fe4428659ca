//! Draws handwritten digits out of noise: annealed Langevin dynamics on a mixture of 1,797 real
//! digits.
//!
//! ```text
//! cargo run --release --example digits [--features plot -- picture.png]
//! ```
//!
//! The target is one narrow Gaussian around every digit of the data, in 64 pixels from −1 to 1.
//! Langevin dynamics on it would stay with the first digit it meets. So the chains descend a ladder
//! of bandwidths, as score-based models do (Song & Ermon 2019, arXiv 1907.05600). It begins with a
//! wide one, where the mixture is a single cloud, and ends with the narrow one. Each level starts
//! where the last one ended. A mixture can only repeat its data with noise on it: no digit here is
//! new. A trained network in place of the exact score is what invents.
//!
//! The first table shows the ladder: the distance of a pixel to the nearest digit of the data
//! shrinks with the bandwidth until the two agree. The second table counts the digits. Once the
//! modes have come apart no chain changes its digit, so the upper levels settle the shares. It is
//! no matter of course that they are right: the chi-square test asks. The picture shows the first
//! 100 chains.

use langevin::metrics::{occupancy, radial_wasserstein};
use langevin::ndarray::{Array1, Array2, Array3, Axis};
use langevin::prelude::*;

const CHAINS: usize = 200;
const STEPS: usize = 40;
const BANDWIDTHS: [f64; 9] = [2.0, 1.5, 1.0, 0.75, 0.5, 0.4, 0.3, 0.2, 0.15];

fn main() -> Result<(), BoxError> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let ink: Array3<u8> = ndarray_npy::read_npy(format!("{folder}/digits_8x8_u8.npy"))?;
    let labels: Array1<u8> = ndarray_npy::read_npy(format!("{folder}/digits_labels_u8.npy"))?;
    let pixels = ink.mapv(|ink| f64::from(ink) / 8.0 - 1.0);
    let data = pixels.into_shape_with_order((labels.len(), 64))?;

    println!("{CHAINS} chains from pure noise, {STEPS} steps on each level, Poisson midpoint\n");
    println!("bandwidth  distance to the nearest digit, per pixel  evaluations");
    let mut target = GaussianMixture::from_data(data.view(), BANDWIDTHS[0])?;
    let mut positions: Option<Array2<f64>> = None;
    for (level, bandwidth) in BANDWIDTHS.into_iter().enumerate() {
        target = GaussianMixture::from_data(data.view(), bandwidth)?;
        // In units of the bandwidth all levels are alike: friction 2, step 1/2.
        let sampler = PoissonMidpoint::new(Underdamped::new(2.0 / bandwidth, 1.0)?, 16)?;
        let grid = TimeGrid::uniform(0.5 * bandwidth, STEPS)?;
        let mut run = Run::new(sampler, &target, grid).chains(CHAINS).seed(level as u64);
        if let Some(last) = positions {
            run = run.start(last);
        }
        let samples = run.run()?;
        let evaluations = samples.evaluations_per_chain();
        let found = samples.positions().to_owned();
        let distance = target.distance_to_nearest_mode(found.view())? * (bandwidth / 8.0);
        let error = distance.std(1.0) / (CHAINS as f64).sqrt();
        let distance = format!("{:.4} ± {error:.4}", distance.mean().unwrap_or(f64::NAN));
        println!("{bandwidth:>9} {distance:>33} {evaluations:>20.0}");
        positions = Some(found);
    }
    let positions = positions.unwrap_or_default();

    let distances = target.distance_to_nearest_mode(positions.view())?.to_vec();
    let radial = radial_wasserstein(&distances, 64)?;
    println!("\nradial W2 inside a mode, in bandwidths: {:.3} ± {:.3}", radial.value, radial.error);

    // Which digit each chain shows: its responsibilities, summed over the data with the same label.
    let classes = Array2::from_shape_fn((labels.len(), 10), |(row, digit)| {
        f64::from(u8::from(usize::from(labels[row]) == digit))
    });
    let shown = target.responsibilities(positions.view())?.dot(&classes);
    let shares = occupancy(shown.view(), &classes.sum_axis(Axis(0)).to_vec())?;
    println!("\ndigit    found   expected");
    for digit in 0..10 {
        let (found, expected) = (shares.weights_found[digit], shares.expected[digit]);
        let count = CHAINS as f64;
        let error = (count * expected * (1.0 - expected)).sqrt();
        println!("{digit:>5} {:>8.1} {:>6.1} ± {error:.1}", count * found, count * expected);
    }
    println!(
        "chi-square {:.1} for {} degrees of freedom, p = {:.2}",
        shares.chi_square, shares.degrees_of_freedom, shares.p_value
    );

    #[cfg(feature = "plot")]
    if let Some(path) = std::env::args().nth(1) {
        let images = positions.slice(langevin::ndarray::s![..100, ..]);
        let picture = langevin::image::grid(images, (8, 8), 10, (-1.0, 1.0), 5)?;
        std::fs::write(path, picture.inverted().to_png()?)?;
    }
    Ok(())
}
