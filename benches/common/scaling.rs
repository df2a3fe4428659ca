//! Threads and sizes: `cargo bench --bench speed -- threads` and `-- sizes`.
//!
//! `threads` runs each workload on 1, 2 and all threads, in turns. `sizes` runs it with 10³ to 10⁶
//! chains on one thread, always for as many steps: a start and a result belong to each run.

use langevin::ndarray::ArrayView2;
use langevin::prelude::*;

use super::common::{STEP, circle};
use super::{digits, fastest, measure, median};

/// A run with these chains, steps and threads. It returns a number of the result.
type Body<'w> = Box<dyn Fn(usize, usize, usize) -> f64 + 'w>;

struct Workload<'w> {
    name: &'static str,
    chains: usize,
    steps: usize,
    body: Body<'w>,
}

fn sum<F: Real>(state: ArrayView2<'_, F>) -> f64 {
    state.iter().map(|x| x.widen()).sum()
}

/// A sampler on a target in this precision.
fn run<'w, F: Real>(
    name: &'static str,
    sampler: impl Sampler<F> + 'static,
    target: &'w GaussianMixture,
) -> Workload<'w> {
    let body: Body<'w> = Box::new(move |chains, steps, threads| {
        let grid = TimeGrid::uniform(STEP, steps).unwrap();
        let run = Run::<F>::with_precision(&sampler, target, grid);
        sum(run.chains(chains).threads(threads).seed(7).run().unwrap().state.view())
    });
    // Half a second on one thread. A second core needs some milliseconds until it is awake.
    let steps = if name.starts_with("rm") { 100 } else { 3000 };
    Workload { name, chains: 16_384, steps, body }
}

/// A plan of a model in f32, with all of its steps.
fn generation<'w, D: Denoiser<f32> + 'w>(
    name: &'static str,
    model: D,
    process: &Process,
    chains: usize,
) -> Workload<'w> {
    let plan = Method::named("ddpm").unwrap().plan(process, 1000).unwrap();
    let steps = plan.grid().steps();
    let body: Body<'w> = Box::new(move |chains, _, threads| {
        let run = plan.run_in::<f32>(&model).unwrap();
        sum(run.chains(chains).threads(threads).run().unwrap().state.view())
    });
    Workload { name, chains, steps, body }
}

fn of_targets(target: &GaussianMixture) -> Vec<Workload<'_>> {
    let word = || "BAOAB".parse().unwrap();
    let underdamped = || Underdamped::new(1.0, 1.0).unwrap();
    let midpoint = || {
        let one = RandomizedMidpoint::new(underdamped());
        one.with_windows(4).unwrap().with_rounds(2).unwrap()
    };
    vec![
        run::<f64>("W1, ULA, f64", EulerMaruyama::new(Overdamped), target),
        run::<f32>("W1, ULA, f32", EulerMaruyama::new(Overdamped), target),
        run::<f64>("W3, BAOAB, f64", Splitting::new(underdamped(), word()), target),
        run::<f32>("W3, BAOAB, f32", Splitting::new(underdamped(), word()), target),
        run::<f64>("rm, R = 4, P = 2, f64", midpoint(), target),
    ]
}

/// Each workload on 1, 2 and all threads: chain-steps per second against those of one thread.
pub fn threads() {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let target = circle();
    let mut workloads = of_targets(&target);
    let levels = LevelTable::linear(1000).unwrap();
    workloads.push(generation(
        "W5, DDPM of 1,797 digits, f32",
        digits(),
        &Process::vp(levels),
        512,
    ));
    #[cfg(feature = "mlp")]
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/models/digits.safetensors");
    #[cfg(feature = "mlp")]
    let network = langevin::network::Network::load(path).unwrap();
    #[cfg(feature = "mlp")]
    {
        let model = network.denoiser().unwrap();
        let process = model.process().clone();
        workloads.push(generation("DDPM, perceptron, f32", model, &process, 512));
    }
    let mut counts = vec![1, 2, all];
    counts.dedup();
    counts.retain(|count| *count <= all);
    println!("threads of {all}: ns per chain-step, and how many times faster than one");
    for workload in &workloads {
        let Workload { name, chains, steps, body } = workload;
        let mut work: Vec<super::Contestant<'_>> = Vec::new();
        for count in &counts {
            let body = Box::new(|| body(*chains, *steps, *count));
            work.push((name, chains * steps, body));
        }
        let times = measure(&mut work);
        print!("  {name:<32}");
        for (count, own) in counts.iter().zip(&times) {
            let ratios: Vec<f64> = times[0].iter().zip(own).map(|(one, own)| one / own).collect();
            print!("   {count:>2}: {:9.2} ns {:5.2} x", median(own), median(&ratios));
        }
        println!();
    }
}

/// Each workload with 10³ to 10⁶ chains on one thread.
pub fn sizes() {
    let target = circle();
    println!("ns per chain-step with 10³, 10⁴, 10⁵ and 10⁶ chains, one thread");
    for workload in of_targets(&target) {
        let Workload { name, body, .. } = &workload;
        let steps = if name.starts_with("rm") { 10 } else { 100 };
        let mut work: Vec<super::Contestant<'_>> = Vec::new();
        for chains in [1_000, 10_000, 100_000, 1_000_000usize] {
            // Short runs are repeated, so that the clock sees them.
            let runs = 100_000usize.div_ceil(chains);
            let body = Box::new(move || (0..runs).map(|_| body(chains, steps, 1)).sum());
            work.push((name, runs * chains * steps, body));
        }
        let times: Vec<f64> = measure(&mut work).iter().map(|own| fastest(own)).collect();
        let least = fastest(&times);
        let most = times.iter().copied().fold(0.0, f64::max);
        print!("  {name:<32}");
        times.iter().for_each(|time| print!(" {time:8.2}"));
        println!("   spread {:.0} %", 100.0 * (most / least - 1.0));
    }
}
