//! Draws digits with a network from an ONNX file: the Poisson midpoint with 50 evaluations.
//!
//! ```text
//! cargo run --release --features onnx,plot --example onnx_network [-- picture.png]
//! ```
//!
//! The file is a small perceptron that predicts the noise. It was trained on 1,797 digits of 8 × 8
//! pixels from −1 to 1 (`examples/models`), and `examples/training/export_onnx.py` made the ONNX
//! file of it. The file says nothing of schedule or prediction, so a card does. `distance` is that
//! of a pixel to the nearest digit of the data (root mean square over the pixels). `different`
//! counts the nearest digits that are found. A network invents, so neither has a right value. The
//! same network in the crate's own format is beside it, to compare time and numbers.

use std::collections::HashSet;
use std::time::Instant;

use langevin::ndarray::{Array2, Array3};
use langevin::network::{Card, Engine, Network, TimeInput, Trained};
use langevin::onnx::OnnxNetwork;
use langevin::prelude::*;

const CHAINS: usize = 200;
const EVALUATIONS: usize = 50;

fn main() -> Result<(), BoxError> {
    let root = env!("CARGO_MANIFEST_DIR");
    let process = Process::vp(LevelTable::linear(1000)?);
    let card = Card::new(process, Prediction::Epsilon, Some(TimeInput::Timestep));
    let started = Instant::now();
    let network = OnnxNetwork::load(format!("{root}/tests/golden/onnx/digits.onnx"), card)?;
    println!("loaded in {:.2} s: {network:?}\n", started.elapsed().as_secs_f64());

    let ink: Array3<u8> = ndarray_npy::read_npy(format!("{root}/examples/data/digits_8x8_u8.npy"))?;
    let count = ink.len() / 64;
    let pixels = ink.mapv(|ink| f64::from(ink) / 8.0 - 1.0).into_shape_with_order((count, 64))?;
    let data = GaussianMixture::from_data(pixels.view(), 0.1)?;

    println!("{CHAINS} chains, {EVALUATIONS} evaluations of pmm2\n");
    println!("{:<14} {:>9} {:>10} {:>10}", "", "seconds", "distance", "different");
    let own_format = Network::load(format!("{root}/examples/models/digits.safetensors"))?;
    let images = report("ONNX", &network, &data)?;
    let same = report("own format", &own_format, &data)?;
    let apart = (&images - &same).fold(0.0, |a: f64, b| a.max(b.abs()));
    println!("\nlargest difference of a pixel: {apart:.1e}");

    #[cfg(feature = "plot")]
    if let Some(path) = std::env::args().nth(1) {
        let shown = images.slice(langevin::ndarray::s![..80, ..]);
        let picture = langevin::image::grid(shown, (8, 8), 20, (-1.0, 1.0), 6)?;
        std::fs::write(path, picture.inverted().to_png()?)?;
    }
    Ok(())
}

/// Draws digits with a network of any format, and prints a line about them.
fn report<E: Engine>(
    title: &str,
    network: &Trained<E>,
    data: &GaussianMixture,
) -> Result<Array2<f64>> {
    let model = network.denoiser()?;
    let plan = Method::named("pmm2")?.plan(model.process(), EVALUATIONS)?;
    let started = Instant::now();
    let samples = plan.run_in::<f32>(&model)?.chains(CHAINS).seed(5).run()?;
    let seconds = started.elapsed().as_secs_f64();
    let images = samples.positions().mapv(f64::from);
    let distance = data.distance_to_nearest_mode(images.view())?.mean().unwrap_or(f64::NAN);
    let nearest = data.responsibilities(images.view())?;
    let nearest = nearest.outer_iter().map(|row| row.iter().position(|share| *share > 0.5));
    let different = nearest.collect::<HashSet<_>>().len();
    println!("{title:<14} {seconds:>9.3} {:>10.4} {different:>10}", distance * 0.1 / 8.0);
    Ok(images)
}
