//! A known part of the data: exact means and variances at the end of a run, its cost, refusals.

use std::collections::HashMap;
use std::sync::Mutex;

use langevin::advanced::{Address, Noise};
use langevin::diffusion::{Inpainting, Known, Window};
use langevin::ndarray::array;
use langevin::prelude::*;

use crate::support::{bits, phase, planned};

/// Unit vectors as noise: chain k > 0 hears the k-th number that anyone asks for, and chain 0
/// nothing.
#[derive(Default)]
struct Units(Mutex<HashMap<(Address, usize), u32>>);

impl Noise<f64> for Units {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        let mut known = self.0.lock().unwrap();
        let n = chains.len();
        for (coordinate, column) in out.chunks_exact_mut(n).enumerate() {
            let next = known.len() as u32 + 1;
            let number = *known.entry((address, coordinate)).or_insert(next);
            for (chain, z) in chains.iter().zip(column) {
                *z = if *chain == number { 1.0 } else { 0.0 };
            }
        }
    }

    fn uniforms(&self, _: Address, _: &[u32], _: &mut [f64]) {
        unreachable!("no coins");
    }
}

/// Two unit Gaussians with correlation 0.9.
fn pair() -> DiffusedMixture {
    let covariance = array![[[1.0, 0.9], [0.9, 1.0]]];
    let data = GaussianMixture::full(array![[0.0, 0.0]].view(), covariance.view()).unwrap();
    DiffusedMixture::new(data)
}

/// The first of two numbers is 1.
fn known() -> Known {
    Known::new(vec![1.0, 0.0], vec![1.0, 7.0]).unwrap()
}

/// Mean and variance of the second number at the end of a run, exactly: the run is an affine
/// function of its noise, whose columns are read off.
fn moments(plan: &Plan) -> [f64; 2] {
    let model = pair();
    let steps = plan.evaluations() as usize;
    let units = Units::default();
    let chains = 1 + 2 + 6 * steps;
    let sampler = plan.sampler::<f64>().unwrap();
    let drift = plan.drift::<f64>(&model).unwrap();
    let run = Run::new(&sampler, &drift, plan.grid().clone()).noise(&units).start_normal(2);
    let run = run.chains(chains).chunk(chains).threads(1);
    let samples = run.run().unwrap();
    assert!(units.0.lock().unwrap().len() < chains, "not every normal has a chain");
    let ends = samples.positions();
    assert!(ends.column(0).iter().all(|x| (x - 1.0).abs() < 1e-12), "the known part is kept");
    let mean = ends[[0, 1]];
    let variance = ends.column(1).iter().map(|x| (x - mean) * (x - mean)).sum();
    [mean, variance]
}

/// A method and its evaluations, a way, and mean and variance. The truth is 0.9 and 0.19.
const EXACT: [(&str, usize, &str, [f64; 2]); 9] = [
    ("ddpm", 1000, "replacement", [0.626, 0.308]),
    ("ddpm", 50, "replacement", [0.608, 0.287]),
    ("ddim", 50, "replacement", [0.439, 0.417]),
    ("ddpm", 1000, "projection", [0.626, 0.354]),
    ("ddpm", 50, "projection", [0.608, 0.332]),
    ("ddim", 50, "projection", [0.438, 0.500]),
    ("ddpm", 50, "repaint:jump=1:repeats=2", [0.752, 0.216]),
    ("ddpm", 50, "repaint:jump=1:repeats=5", [0.849, 0.175]),
    ("ddpm", 50, "repaint:jump=1:repeats=10", [0.877, 0.161]),
];

/// docs/diffusion.md: no way of it samples the conditional distribution.
#[test]
fn means_and_variances_are_exact() {
    for (method, evaluations, way, want) in EXACT {
        let way: Inpainting = way.parse().unwrap();
        let plan = planned(method, 1000, evaluations).inpainted(known(), way).unwrap();
        let found = moments(&plan);
        println!("{method} {evaluations} {way}: {found:.4?} {want:?}");
        let near = found.iter().zip(want).all(|(found, want)| (found - want).abs() <= 6e-4);
        assert!(near, "{method} {evaluations} {way}: {found:?}, {want:?}");
    }
}
