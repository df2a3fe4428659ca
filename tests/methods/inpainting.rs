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

/// A method and its evaluations, a way, and mean and variance. The truth is 0.9 and 0.19. Numbers
/// of many digits are those of a separate program.
const EXACT: [(&str, usize, &str, [f64; 2]); 12] = [
    ("ddpm", 1000, "replacement", [0.6256140611169482, 0.3077974125579012]),
    ("ddpm", 50, "replacement", [0.6081057446402763, 0.28748201536335943]),
    ("ddim", 50, "replacement", [0.439, 0.417]),
    ("ddpm", 1000, "projection", [0.626, 0.354]),
    ("ddpm", 50, "projection", [0.608, 0.332]),
    ("ddim", 50, "projection", [0.438, 0.500]),
    ("ddpm", 50, "repaint:jump=1:repeats=2", [0.7517542952524089, 0.21642226739722586]),
    ("ddpm", 50, "repaint:jump=1:repeats=5", [0.849, 0.175]),
    ("ddpm", 50, "repaint:jump=1:repeats=10", [0.877, 0.161]),
    ("ddpm", 50, "repaint:jump=1:repeats=20", [0.8887818562766294, 0.15222047932400493]),
    ("ddpm:grid=equal", 250, "repaint", [0.875259970096665, 0.17561314674130524]),
    (
        "ddpm:grid=equal",
        250,
        "repaint:jump=10:repeats=5",
        [0.8504712551439144, 0.18886966908715347],
    ),
];

/// docs/diffusion.md: no way of it samples the conditional distribution.
#[test]
fn means_and_variances_are_exact() {
    for (method, evaluations, way, want) in EXACT {
        let way: Inpainting = way.parse().unwrap();
        let plan = planned(method, 1000, evaluations).inpainted(known(), way).unwrap();
        let found = moments(&plan);
        let digits = want[0].to_string().len();
        let allowed = if digits > 6 { 1e-10 } else { 6e-4 };
        let near = found.iter().zip(want).all(|(found, want)| (found - want).abs() <= allowed);
        assert!(near, "{method} {evaluations} {way}: {found:?}, {want:?}");
    }
}

fn planned_in_phase_space(method: &str) -> Plan {
    method.parse::<Method>().unwrap().plan(&phase::process(), 60).unwrap()
}

/// A model of the second number alone: the rest of the run must not see what is masked.
#[test]
fn a_mask_of_nothing_changes_nothing() {
    let model = pair();
    let nothing = Known::new(vec![0.0, 0.0], vec![3.0, 4.0]).unwrap();
    for method in ["ddpm", "dpmpp2m", "em", "pmm2", "rm", "pc"] {
        let plan = planned(method, 1000, 60);
        let held = plan.inpainted(nothing.clone(), Inpainting::Replacement).unwrap();
        let run = |plan: &Plan| plan.run(&model).unwrap().chains(5).run().unwrap();
        assert_eq!(bits(&run(&held).state), bits(&run(&plan).state), "{method}");
    }
}

/// Every way on every method that it fits keeps the known part, at its cost, whatever the chunks.
#[test]
fn the_known_part_is_kept_at_the_stated_cost() {
    let model = pair();
    for method in ["ddpm", "ddim:eta=0.5", "dpmpp2m", "heun", "em", "rm"] {
        for way in ["replacement", "projection", "repaint:jump=4:repeats=3"] {
            let plan = planned(method, 1000, 30);
            let held = plan.inpainted(known(), way.parse().unwrap());
            if method == "dpmpp2m" && way.starts_with("repaint") {
                let error = held.unwrap_err().to_string();
                assert!(error.contains("without a memory, to repeat its steps"), "{error}");
                continue;
            }
            let held = held.unwrap();
            let run = |chunk: usize| {
                held.run(&model).unwrap().chains(7).seed(3).chunk(chunk).run().unwrap()
            };
            let samples = run(7);
            let first = samples.positions().column(0).to_owned();
            assert!(first.iter().all(|x| (x - 1.0).abs() < 1e-12), "{method} {way}: {first}");
            assert_eq!(bits(&run(2).state), bits(&samples.state), "{method} {way}");
            let each = if way.starts_with("repaint") { 3.0 } else { 1.0 };
            assert_eq!(held.evaluations(), each * plan.evaluations(), "{method} {way}");
            assert_eq!(samples.evaluations_per_chain(), held.evaluations(), "{method} {way}");
        }
    }
}

#[test]
fn a_window_fits_around_a_known_part() {
    let model = pair();
    let window = Window::new(12).unwrap();
    for (method, way) in
        [("ddpm", "replacement"), ("dpmpp2m", "replacement"), ("ddpm", "projection")]
    {
        let held = planned(method, 1000, 40).inpainted(known(), way.parse().unwrap()).unwrap();
        let run = |plan: &Plan| plan.run(&model).unwrap().chains(3).run().unwrap();
        let windowed = run(&held.windowed(window).unwrap());
        assert_eq!(bits(&windowed.state), bits(&run(&held.in_data_form()).state), "{method} {way}");
    }
    let repeated =
        planned("ddpm", 1000, 40).inpainted(known(), Inpainting::repaint(5, 2).unwrap()).unwrap();
    assert!(repeated.windowed(window).is_err());
}

#[test]
fn known_parts_that_make_no_sense_are_refused() {
    let message = |mask: &[f64], data: &[f64]| {
        Known::new(mask.to_vec(), data.to_vec()).unwrap_err().to_string()
    };
    assert!(message(&[1.0], &[1.0, 2.0]).starts_with("known data: given shape (2), expected (1)"));
    assert!(message(&[1.5], &[1.0]).starts_with("mask: given 1.5, expected 1 where"));
    assert!(message(&[f64::NAN], &[1.0]).starts_with("mask: given NaN"));
    assert!(message(&[1.0], &[f64::INFINITY]).contains("known data"));
    for text in ["repaint:jump=0", "repaint:repeats=0", "repaint:jump", "repaint:x=3", "paint"] {
        assert!(text.parse::<Inpainting>().is_err(), "{text}");
    }
    for text in ["replacement", "projection", "repaint:jump=3:repeats=4"] {
        assert_eq!(text.parse::<Inpainting>().unwrap().to_string(), text);
    }
    // A mask of another number of columns, seen by the step or by the model.
    let wide = Known::new(vec![1.0; 3], vec![1.0; 3]).unwrap();
    for way in [Inpainting::Replacement, Inpainting::Projection] {
        let plan = planned("ddpm", 1000, 20).inpainted(wide.clone(), way).unwrap();
        let error = plan.run(pair()).and_then(|run| run.run()).unwrap_err().to_string();
        assert!(error.contains("mask: given shape (3), expected (2)"), "{error}");
    }
    let refused = |plan: Plan, way: Inpainting| {
        plan.inpainted(known(), way).map(|_| ()).unwrap_err().to_string()
    };
    let error = refused(planned_in_phase_space("roba"), Inpainting::Replacement);
    assert!(error.contains("positions without momenta"), "{error}");
    let error = refused(planned("pc", 1000, 60), Inpainting::repaint(1, 2).unwrap());
    assert!(error.contains("repeated steps of pc"), "{error}");
    let held = planned("ddpm", 1000, 20).inpainted(known(), Inpainting::Replacement).unwrap();
    let error = refused(held, Inpainting::Projection);
    assert_eq!(error, "give only one of known parts of the data");
    // In phase space a model of data is projected.
    let plan = planned_in_phase_space("roba").inpainted(known(), Inpainting::Projection).unwrap();
    let samples = plan.run(pair()).unwrap().chains(50).run().unwrap();
    assert!(samples.positions().column(0).iter().all(|x| (x - 1.0).abs() < 0.2));
}
