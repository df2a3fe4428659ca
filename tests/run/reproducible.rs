//! A run is a pure function of sampler, drift, grid, start and seed: not of threads, chunks,
//! observers, the instruction set, or of which chains run beside one.

use langevin::advanced::instruction_set;
use langevin::catalog::{self, Options, Pair};
use langevin::diffusion::ProcessKind;
use langevin::ndarray::{Array2, array, concatenate, s};
use langevin::prelude::*;

use crate::support::{MANY, bits, every_instruction_set, hash, three_modes};

const CHAINS: usize = 300;
const STEPS: usize = 40;

/// Every method on every dynamics, with options that exercise all of its branches.
fn samplers<F: Real>() -> Vec<(String, Box<dyn Sampler<F>>)> {
    let mut all = Vec::new();
    for Pair { dynamics, method } in catalog::pairs() {
        let variants: &[&[(&str, &str)]] = match method.name {
            "splitting" => &[&[("word", "BAO")], &[("word", "OBAOAB")], &[("word", "AOOBA")]],
            "pmm1" | "pmm2" => &[
                &[],
                &[("substeps", "5"), ("linearized", "")],
                &[("substeps", "1"), ("noise-scale", "0.9")],
            ],
            "rm" => &[
                &[],
                &[("windows", "3"), ("rounds", "2"), ("control-variate", "")],
                &[("windows", "4"), ("rounds", "9"), ("tolerance", "1e-3")],
            ],
            _ => &[&[]],
        };
        for (i, variant) in variants.iter().enumerate() {
            let none = Options::default();
            let set = |options: Options, (name, value): &(&str, &str)| options.with(name, value);
            let options = variant.iter().try_fold(none, set).unwrap();
            let name = format!("{} {} variant {i}", dynamics.name, method.name);
            all.push((name, catalog::sampler(dynamics.name, method.name, &options).unwrap()));
        }
    }
    all
}

fn base<'a, F: Real>(
    sampler: &'a dyn Sampler<F>,
    target: &'a GaussianMixture,
    grid: &TimeGrid,
) -> Run<'a, F> {
    Run::with_precision(sampler, target, grid.clone()).chains(CHAINS).seed(11)
}

fn check<F: Real>() {
    let target = three_modes();
    let grid = TimeGrid::uniform(0.15, STEPS).unwrap();
    for (name, sampler) in samplers::<F>() {
        let reference = base(&*sampler, &target, &grid).threads(1).run().unwrap();
        let expected = bits(&reference.state);
        assert!(reference.state.iter().all(|x| x.is_finite()), "{name}");
        for chunk in [1, 37, 128, 4096] {
            let samples = base(&*sampler, &target, &grid)
                .chunk(chunk)
                .threads(if chunk == 37 { MANY } else { 1 })
                .run()
                .unwrap();
            assert_eq!(bits(&samples.state), expected, "{name}, chunks of {chunk}");
            assert_eq!(
                samples.cost.evaluations, reference.cost.evaluations,
                "{name}, chunks of {chunk}"
            );
            assert_eq!(
                samples.cost.batched_calls, reference.cost.batched_calls,
                "{name}, chunks of {chunk}"
            );
            assert_eq!(samples.cost.rounds, reference.cost.rounds, "{name}, chunks of {chunk}");
        }
        for threads in [MANY, MANY + MANY / 2] {
            let samples = base(&*sampler, &target, &grid).threads(threads).run().unwrap();
            assert_eq!(bits(&samples.state), expected, "{name}, {threads} threads");
        }
        // Observers cut the run into stretches.
        let mut trace = Trace::new(Every::new(7).unwrap().after(3));
        let mut moments = MomentsObserver::new(Every::new(1).unwrap());
        let samples = base(&*sampler, &target, &grid)
            .observe(&mut trace)
            .observe(&mut moments)
            .run()
            .unwrap();
        assert_eq!(bits(&samples.state), expected, "{name}, with observers");
        assert_eq!(samples.cost.evaluations, reference.cost.evaluations, "{name}, with observers");
        assert_eq!(trace.steps(), [10, 17, 24, 31, 38]);
        assert_eq!(moments.count(), CHAINS * STEPS);
        // Parts of the chains alone.
        let parts: Vec<Array2<F>> = [(0, 1), (1, 76), (77, 223)]
            .map(|(first, count)| {
                base(&*sampler, &target, &grid)
                    .chains(count)
                    .first_chain(first)
                    .run()
                    .unwrap()
                    .state
            })
            .into();
        let views: Vec<_> = parts.iter().map(|p| p.view()).collect();
        assert_eq!(
            bits(&concatenate(langevin::ndarray::Axis(0), &views).unwrap()),
            expected,
            "{name}, in parts"
        );
        // The first half of the steps, then the rest from the state reached.
        let mut stop = StopWhen::new(Every::new(1).unwrap(), |m: &Snapshot<'_, F>| m.step == 17);
        let first = base(&*sampler, &target, &grid).observe(&mut stop).run().unwrap();
        assert_eq!(first.steps, 17);
        let first_state = first.state;
        let rest = base(&*sampler, &target, &grid)
            .resume(first_state.clone())
            .first_step(17)
            .run()
            .unwrap();
        assert_eq!(rest.steps, (STEPS - 17) as u64);
        assert_eq!(bits(&rest.state), expected, "{name}, in two stretches");
        assert_eq!(
            first.cost.evaluations + rest.cost.evaluations,
            reference.cost.evaluations,
            "{name}, in two stretches"
        );
        // Without what the sampler carries, it is found again.
        let kept = (rest.layout.blocks() * rest.dim).min(first_state.ncols());
        let bare = first_state.slice(s![.., ..kept]).to_owned();
        let rest = base(&*sampler, &target, &grid).start(bare).first_step(17).run().unwrap();
        assert_eq!(bits(&rest.state), expected, "{name}, in two stretches, nothing carried");
        // Another seed is another result.
        assert_ne!(
            bits(&base(&*sampler, &target, &grid).seed(12).run().unwrap().state),
            expected,
            "{name}"
        );
    }
}

#[test]
fn nothing_but_the_arguments_matters_in_f64() {
    check::<f64>();
}

#[test]
fn nothing_but_the_arguments_matters_in_f32() {
    check::<f32>();
}

/// One line for every method, precision and kind of target: its name and the hash of its final
/// states.
fn fingerprints() -> String {
    let grid = TimeGrid::uniform(0.1, 25).unwrap();
    let mut lines = String::new();
    fn run<F: Real>(sampler: &dyn Sampler<F>, drift: &dyn Drift<F>, grid: &TimeGrid) -> u64 {
        hash(
            &Run::with_precision(sampler, drift, grid.clone())
                .chains(131)
                .seed(3)
                .run()
                .unwrap()
                .state,
        )
    }
    for (name, sampler) in samplers::<f64>() {
        lines += &format!("{name}, f64: {:016x}\n", run(&*sampler, &three_modes(), &grid));
    }
    for (name, sampler) in samplers::<f32>() {
        lines += &format!("{name}, f32: {:016x}\n", run(&*sampler, &three_modes(), &grid));
    }
    lines += &generation_fingerprints::<f64>();
    lines += &generation_fingerprints::<f32>();
    lines += &phase_fingerprints::<f64>();
    lines += &phase_fingerprints::<f32>();
    let means = array![[0.0, 1.0], [1.0, -1.0]];
    let covariances = array![[[1.0, 0.3], [0.3, 0.5]], [[0.7, -0.2], [-0.2, 0.9]]];
    let full = GaussianMixture::full(means.view(), covariances.view()).unwrap();
    let diagonal =
        GaussianMixture::diagonal(means.view(), array![[1.0, 0.3], [0.5, 2.0]].view()).unwrap();
    let features =
        Array2::from_shape_fn((23, 2), |(i, j)| ((i * 7 + j * 5) % 11) as f64 / 5.0 - 1.0);
    let labels = langevin::ndarray::Array1::from_shape_fn(23, |i| ((i * i) % 3 % 2) as f64);
    let posterior = LogisticRegression::new(features.view(), labels.view(), 2.0).unwrap();
    let sampler = EulerMaruyama::new(Overdamped);
    for (name, drift) in
        [("full", &full as &dyn Drift<f64>), ("diagonal", &diagonal), ("logistic", &posterior)]
    {
        lines += &format!("overdamped em on {name}, f64: {:016x}\n", run(&sampler, drift, &grid));
    }
    lines
}

/// Every way to generate, on a small mixture and on a data set, which takes the matrix kernel.
fn generation_fingerprints<F: Real>() -> String {
    let process = Process::vp(LevelTable::linear(1000).unwrap());
    let data = Array2::from_shape_fn((61, 3), |(i, j)| ((i * 7 + j * 11) % 23) as f64 / 8.0 - 1.0);
    let models = [
        ("mixture", DiffusedMixture::new(three_modes())),
        ("data", DiffusedMixture::new(GaussianMixture::from_data(data.view(), 0.2).unwrap())),
    ];
    let mut lines = String::new();
    for method in Method::on(ProcessKind::Vp) {
        for (name, model) in &models {
            let evaluations = if method.name().starts_with("pc") { 500 } else { 20 };
            let plan = method.plan(&process, evaluations).unwrap();
            let found = planned::<F>(&plan, model);
            lines += &format!("generate {method} on {name}, {}: {found:016x}\n", F::NAME);
        }
    }
    lines
}

/// Every way to generate along a phase-space diffusion.
fn phase_fingerprints<F: Real>() -> String {
    let process = Process::psld(Psld::PAPER, Beta::linear(2.0, 12.0).unwrap());
    let model = DiffusedMixture::new(three_modes());
    let mut lines = String::new();
    for method in Method::on(ProcessKind::Psld) {
        let found = planned::<F>(&method.plan(&process, 101).unwrap(), &model);
        lines += &format!("generate psld {method}, {}: {found:016x}\n", F::NAME);
    }
    lines
}

/// The hash of a generation, which does not depend on chunks and threads.
fn planned<F: Real>(plan: &Plan, model: &DiffusedMixture) -> u64 {
    let run = |chunk, threads| {
        let run = plan.run_in::<F>(model).unwrap().chains(131).seed(3);
        hash(&run.chunk(chunk).threads(threads).run().unwrap().state)
    };
    let found = run(131, 1);
    assert_eq!(found, run(37, MANY), "{}", plan.method());
    found
}

/// Changing a line of the file needs a "Value-breaking" line in CHANGELOG.md; a new method adds
/// lines.
#[test]
fn pinned_results() {
    let (found, pinned) = (fingerprints(), include_str!("../golden/fingerprints.txt"));
    assert!(found == pinned, "found\n{found}");
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let sets = every_instruction_set("reproducible::pinned_results");
    println!("same bits with {sets:?}; this process uses {}", instruction_set().unwrap());
}

#[test]
fn the_two_precisions_see_the_same_noise() {
    let target = three_modes();
    let sampler = EulerMaruyama::new(Overdamped);
    let grid = TimeGrid::uniform(0.01, 20).unwrap();
    let wide = Run::new(&sampler, &target, grid.clone()).chains(50).run().unwrap().state;
    let narrow =
        Run::<f32>::with_precision(&sampler, &target, grid).chains(50).run().unwrap().state;
    for (a, b) in wide.iter().zip(narrow.slice(s![.., ..])) {
        assert!((a - f64::from(*b)).abs() < 1e-4, "{a} {b}");
    }
}
