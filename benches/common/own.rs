//! What the crate's own methods cost per evaluation of the drift, against Euler–Maruyama of the
//! same dynamics: `cargo bench --bench speed -- own`. A second argument selects methods by a part
//! of their name, and a third one a target: `own mala 2-D`.

use langevin::ndarray::Array2;
use langevin::prelude::*;

use super::common::{circle, library};
use super::{fastest, measure};

/// Sub-steps of the Poisson midpoint methods.
const SUBSTEPS: usize = 8;

/// Sixteen Gaussians in 64 dimensions. The means are those of a small linear congruence, so that no
/// generator is part of the bench.
pub fn sixteen() -> GaussianMixture {
    let mut word = 1u32;
    let means = Array2::from_shape_simple_fn((16, 64), || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(word >> 8) / f64::from(1 << 23) - 1.0
    });
    GaussianMixture::isotropic(means.view(), 0.5).unwrap()
}

/// A method, and whether the ratios of the next ones are to it.
struct Method<F> {
    name: &'static str,
    sampler: Box<dyn Sampler<F>>,
    is_base: bool,
}

fn method<F: Real>(name: &'static str, sampler: impl Sampler<F> + 'static) -> Method<F> {
    Method { name, sampler: Box::new(sampler), is_base: name.starts_with("em") }
}

fn methods<F: Real>() -> Vec<Method<F>> {
    let over = Overdamped;
    let under = Underdamped::new(2.0, 1.0).unwrap();
    let coins = Selection::Bernoulli;
    let pmm_over = PoissonMidpoint::new(over, SUBSTEPS).unwrap();
    let pmm_under = PoissonMidpoint::new(under, SUBSTEPS).unwrap();
    let rm_over = RandomizedMidpoint::new(over);
    let rm_under = RandomizedMidpoint::new(under);
    let many_over = rm_over.with_windows(4).unwrap().with_rounds(2).unwrap();
    let many_under = rm_under.with_windows(4).unwrap().with_rounds(2).unwrap();
    vec![
        method("em, overdamped", EulerMaruyama::new(over)),
        method("mala", Mala::new()),
        method("pmm1, overdamped", pmm_over.with_selection(coins)),
        method("pmm2, overdamped", pmm_over),
        method("rm, R = 1, overdamped", rm_over),
        method("rm, R = 4, P = 2, overdamped", many_over),
        method("em, underdamped", EulerMaruyama::new(under)),
        method("pmm1, underdamped", pmm_under.with_selection(coins)),
        method("pmm2, underdamped", pmm_under),
        method("rm, R = 1, underdamped", rm_under),
        method("rm, R = 4, P = 2, underdamped", many_under),
    ]
}

/// Prints, for each method, the time of a step and of an evaluation, and the ratio of the latter to
/// Euler–Maruyama.
fn compare<F: Real>(title: &str, target: &GaussianMixture, chains: usize, steps: usize) {
    let given = |place: usize| std::env::args().skip_while(|word| word != "own").nth(place);
    let title = format!("{title}, {}", F::NAME);
    if given(2).is_some_and(|part| !title.contains(&part)) {
        return;
    }
    let mut methods = methods::<F>();
    if let Some(part) = given(1).filter(|part| !part.starts_with('-')) {
        methods.retain(|method| method.is_base || method.name.contains(&part));
    }
    let mut work: Vec<super::Contestant<'_>> = Vec::new();
    for method in &methods {
        let sampler = &*method.sampler;
        work.push((
            method.name,
            chains * steps,
            Box::new(move || library::<F>(sampler, target, chains, steps, 0.05)),
        ));
    }
    let times = measure(&mut work);
    println!("{title}: own methods against Euler-Maruyama");
    let mut base = 0;
    for (i, method) in methods.iter().enumerate() {
        if method.is_base {
            base = i;
        }
        let evaluations = method.sampler.evaluations_per_step();
        let time = fastest(&times[i]);
        let ratio = time / evaluations / fastest(&times[base]);
        println!(
            "  {:<32} {time:8.2} ns per chain-step {:8.2} ns per evaluation {:6.2} x",
            method.name,
            time / evaluations,
            ratio
        );
    }
    println!();
}

/// Both targets in both precisions. The steps are so many that the start of a run does not count.
pub fn run() {
    let small = circle();
    compare::<f64>("8 Gaussians in 2-D", &small, 2048, 200);
    compare::<f32>("8 Gaussians in 2-D", &small, 2048, 200);
    let large = sixteen();
    compare::<f64>("16 Gaussians in 64-D", &large, 256, 50);
    compare::<f32>("16 Gaussians in 64-D", &large, 256, 50);
}
