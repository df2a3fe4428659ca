//! Draws clothes with a U-Net from an ONNX file: ten classes in one run, 10 and 20 evaluations.
//!
//! ```text
//! eval "$(scripts/engine.sh)"
//! cargo run --release --features onnx,plot --example onnx_network [-- picture.png]
//! ```
//!
//! The network predicts the noise of 28 × 28 pictures (`examples/models`). Its description lies
//! beside it. `features` is the squared Fréchet distance between the features of two methods, from
//! a second network. It says how alike they are, and not how good.

use std::time::Instant;

use langevin::metrics::frechet_distance_with;
use langevin::ndarray::Array2;
use langevin::onnx::OnnxNetwork;
use langevin::prelude::*;

const CHAINS: usize = 40;

fn main() -> Result<(), BoxError> {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/models");
    let network = OnnxNetwork::load(format!("{models}/fashion-vp.onnx"))?;
    let features = OnnxNetwork::load(format!("{models}/fashion-features.onnx"))?;
    println!("{network:?}\n");

    // The first chains draw class 0, the next ones class 1, and so on.
    let labels = (0..CHAINS).map(|chain| Some(chain * 10 / CHAINS)).collect();
    let model = network.denoiser()?.with_labels(labels)?;
    println!("{:<14} {:>12} {:>9} {:>10}", "", "evaluations", "seconds", "features");
    let mut first = None;
    let mut last = Array2::zeros((0, 784));
    for (method, evaluations) in [("pmm2m", 10), ("sde-dpmpp2m", 10), ("pmm2m", 20)] {
        let plan = Method::named(method)?.plan(model.process(), evaluations)?;
        let started = Instant::now();
        let samples = plan.run_in::<f32>(&model)?.chains(CHAINS).seed(5).run()?;
        let seconds = started.elapsed().as_secs_f64();
        last = samples.positions().mapv(f64::from);
        let found = features.features(last.view())?;
        let first = first.get_or_insert_with(|| found.clone());
        let away = frechet_distance_with(found.view(), first.view(), 2, 0)?.value;
        println!("{method:<14} {evaluations:>12} {seconds:>9.2} {away:>10.0}");
    }

    #[cfg(feature = "plot")]
    if let Some(path) = std::env::args().nth(1) {
        let picture = langevin::image::grid(last.view(), (28, 28), 10, (-1.0, 1.0), 2)?;
        std::fs::write(path, picture.inverted().to_png()?)?;
    }
    let _ = last;
    Ok(())
}
