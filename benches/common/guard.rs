//! A quick guard of speed: ratios of the scalar loop's time to the library's, with floors. It takes
//! seconds: `cargo bench --bench speed -- guard`, or `scripts/speed.sh`.
//!
//! The loop does the same ULA on the same target, so a slow or busy machine slows both. Turns are
//! shorter than a time slice, and the fastest ones are compared. A floor is about 0.6 of the
//! ratio measured on 2026-11-27 with two cores of an AMD EPYC with AVX2.

use std::process::ExitCode;

use langevin::advanced::instruction_set;
use langevin::prelude::*;

use super::common::{STEP, circle, library, scalar_ula};
use super::{Contestant, fastest, measure};

const CHAINS: usize = 1024;
const STEPS: usize = 20;
/// Runs of all turns. The fastest turn of all of them counts.
const ROUNDS: usize = 4;

/// A method, and the floors of its ratio per evaluation of the drift: with AVX2 or wider, and with
/// the baseline.
struct Guarded {
    name: &'static str,
    floors: [f64; 2],
    evaluations: f64,
    run: Box<dyn Fn() -> f64>,
}

fn guarded<F: Real>(
    name: &'static str,
    floors: [f64; 2],
    sampler: impl Sampler<F> + 'static,
) -> Guarded {
    let target = circle();
    let evaluations = sampler.evaluations_per_step();
    let run = Box::new(move || library::<F>(&sampler, &target, CHAINS, STEPS, STEP));
    Guarded { name, floors, evaluations, run }
}

fn methods() -> Vec<Guarded> {
    let over = Overdamped;
    let under = || Underdamped::new(2.0, 1.0).unwrap();
    let baoab = || Splitting::new(Underdamped::new(1.0, 1.0).unwrap(), "BAOAB".parse().unwrap());
    let rm = RandomizedMidpoint::new(under());
    let pmm = || PoissonMidpoint::new(under(), 8).unwrap();
    vec![
        guarded::<f64>("ULA, f64", [1.2, 0.7], EulerMaruyama::new(over)),
        guarded::<f32>("ULA, f32", [2.2, 0.7], EulerMaruyama::new(over)),
        guarded::<f64>("BAOAB, f64", [1.1, 0.65], baoab()),
        guarded::<f32>("BAOAB, f32", [2.2, 0.65], baoab()),
        guarded::<f64>("MALA, f64", [0.85, 0.5], Mala::new()),
        guarded::<f64>(
            "pmm1, K = 8, underdamped, f64",
            [0.6, 0.35],
            pmm().with_selection(Selection::Bernoulli),
        ),
        guarded::<f64>("pmm2, K = 8, underdamped, f64", [0.7, 0.4], pmm()),
        guarded::<f64>("rm, underdamped, f64", [0.55, 0.35], rm),
        guarded::<f64>(
            "rm, R = 4, P = 2, underdamped, f64",
            [0.5, 0.3],
            rm.with_windows(4).unwrap().with_rounds(2).unwrap(),
        ),
    ]
}

/// Prints every ratio. It fails with the names of those below their floors.
pub fn run() -> ExitCode {
    let set = instruction_set().unwrap();
    let is_plain = usize::from(set == "baseline");
    let methods = methods();
    let chain_steps = CHAINS * STEPS;
    let mut work: Vec<Contestant<'_>> =
        vec![("scalar loop", chain_steps, Box::new(|| scalar_ula(CHAINS, STEPS)))];
    for method in &methods {
        work.push((method.name, chain_steps, Box::new(&method.run)));
    }
    let mut best = vec![f64::INFINITY; work.len()];
    for _ in 0..ROUNDS {
        for (best, times) in best.iter_mut().zip(measure(&mut work)) {
            *best = best.min(fastest(&times));
        }
    }
    println!("instruction set: {set}; scalar loop by hand {:.1} ns per chain-step", best[0]);
    let mut failed = Vec::new();
    for (method, time) in methods.iter().zip(&best[1..]) {
        let ratio = best[0] * method.evaluations / time;
        let floor = method.floors[is_plain];
        println!("  {:<36} {ratio:5.2} x per evaluation, floor {floor:.2}", method.name);
        if !(ratio >= floor) {
            failed.push(format!("{}: {ratio:.2} x, below its floor of {floor:.2}", method.name));
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("too slow beside the scalar loop:\n  {}", failed.join("\n  "));
    eprintln!("`cargo bench --bench speed -- own` and a profile say where the time goes");
    ExitCode::FAILURE
}
