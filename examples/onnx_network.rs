//! Draws digits with a network from an ONNX file: the Poisson midpoint with 50 evaluations.
//!
//! ```text
//! cargo run --release --features onnx,plot --example onnx_network [-- picture.png]
//! ```
//!
//! The file is a small perceptron trained on 1,797 digits of 8 × 8 pixels from −1 to 1, which
//! predicts the noise (`examples/models`; `examples/training/export_onnx.py` made the ONNX file of
//! it). It says nothing of schedule or prediction, so the options do. `distance` is that of a pixel
//! to the nearest digit of the data (root mean square over the pixels), `different` counts the
//! nearest digits that are found; a network invents, so neither has a right value. The same network
//! in the crate's own format is beside it for its time and numbers; without feature `plot` there is
//! no picture.

use std::time::Instant;

use langevin::generation::{GenerationOptions, plan};
use langevin::ndarray::{Array2, Array3};
use langevin::network::{Network, NetworkPrediction, TimeInput};
use langevin::onnx::{OnnxNetwork, OnnxOptions};
use langevin::*;

const CHAINS: usize = 200;
const EVALUATIONS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = env!("CARGO_MANIFEST_DIR");
    let options = OnnxOptions::vp(NetworkPrediction::Epsilon, "linear", 1000, TimeInput::Timestep);
    let started = Instant::now();
    let network = OnnxNetwork::load(format!("{root}/tests/golden/onnx/digits.onnx"), options)?;
    println!("loaded in {:.2} s: {network:?}\n", started.elapsed().as_secs_f64());

    let ink: Array3<u8> = ndarray_npy::read_npy(format!("{root}/examples/data/digits_8x8_u8.npy"))?;
    let count = ink.len() / 64;
    let pixels = ink.mapv(|ink| f64::from(ink) / 8.0 - 1.0).into_shape_with_order((count, 64))?;
    let data = GaussianMixture::from_data(pixels.view(), 0.1)?;

    println!("{CHAINS} chains, {EVALUATIONS} evaluations of pmm2\n");
    println!("{:<14} {:>9} {:>10} {:>10}", "", "seconds", "distance", "different");
    let other = Network::load(format!("{root}/examples/models/digits.safetensors"))?;
    let own = report("ONNX", &network.denoiser()?, network.denoiser()?.table(), &data)?;
    let same = report("own format", &other.denoiser()?, other.denoiser()?.table(), &data)?;
    let apart = own.iter().zip(&same).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("\nlargest difference of a pixel: {apart:.1e}");

    #[cfg(feature = "plot")]
    {
        let path = std::env::args().nth(1).unwrap_or_else(|| "target/onnx_network.png".into());
        let path = std::path::Path::new(&path).with_extension("png");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let shown = own.slice(ndarray::s![..80, ..]);
        std::fs::write(
            &path,
            image::grid(shown, (8, 8), 20, (-1.0, 1.0), 6)?.inverted().to_png()?,
        )?;
        println!("Picture: {}", path.display());
    }
    Ok(())
}

fn report(
    title: &str,
    model: &dyn Denoiser<f32>,
    table: &LevelTable,
    data: &GaussianMixture,
) -> Result<Array2<f64>> {
    let way = plan::<f32>("pmm2", table, EVALUATIONS, &GenerationOptions::default())?;
    let drift = Denoised::new(model, way.clock, way.wanted)?;
    let started = Instant::now();
    let samples =
        Run::<f32>::with_precision(&*way.sampler, &drift, way.grid).chains(CHAINS).seed(5).run()?;
    let seconds = started.elapsed().as_secs_f64();
    let images = samples.positions().mapv(f64::from);
    let distance =
        data.distance_to_nearest_mode(images.view())?.mean().unwrap_or(f64::NAN) * (0.1 / 8.0);
    let nearest = data.responsibilities(images.view())?;
    let nearest = nearest.outer_iter().map(|row| row.iter().position(|share| *share > 0.5));
    let different = nearest.collect::<std::collections::HashSet<_>>().len();
    println!("{title:<14} {seconds:>9.3} {distance:>10.4} {different:>10}");
    Ok(images)
}
