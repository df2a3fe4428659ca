//! Phase-space diffusions: the kernel, the exact joint score, one step of every sampler as an affine map, and the table of
//! errors of METHODS.md.

use langevin::generation::{NoiseForm, PHASE_METHODS, PhaseGrid, PhaseOptions, plan_phase};
use langevin::metrics::radial_wasserstein;
use langevin::ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, Axis, array, concatenate, s};
use langevin::schedule::Beta;
use langevin::*;

fn ring() -> GaussianMixture {
    let means = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        if j == 0 { angle.cos() } else { angle.sin() }
    });
    GaussianMixture::isotropic(means.view(), 0.05).unwrap()
}

fn error(method: &str, evaluations: usize, options: &PhaseOptions, chains: usize, seed: u64) -> (f64, f64) {
    let (data, process) = (DiffusedMixture::new(ring()), Psld::PAPER);
    let model = Lifted::new(&data, process);
    let plan = plan_phase::<f64>(method, process, Beta::constant(8.0).unwrap(), evaluations, options).unwrap();
    let drift = PhaseDenoised::new(&model, process, plan.horizon).unwrap();
    let samples = Run::new(&*plan.sampler, &drift, plan.grid).chains(chains).seed(seed).run().unwrap();
    let distances = ring().distance_to_nearest_mode(samples.positions()).unwrap();
    let found = radial_wasserstein(distances.as_slice().unwrap(), 2).unwrap();
    (found.value, found.error)
}

#[test]
fn the_table() {
    for evaluations in [50, 100] {
        for grid in [PhaseGrid::Uniform, PhaseGrid::Quadratic] {
            for method in PHASE_METHODS {
                let options = PhaseOptions { grid: Some(grid), ..Default::default() };
                let (value, spread) = error(method.name, evaluations, &options, 20_000, 1);
                println!("{evaluations} {grid:?} {:6} {value:.3} ± {spread:.3}", method.name);
            }
        }
    }
}
