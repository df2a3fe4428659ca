//! A run is a pure function of sampler, drift, grid, start and seed. Threads, chunks, observers,
//! the instruction set and other chains change nothing.

use langevin::advanced::instruction_set;
use langevin::diffusion::ProcessKind;
use langevin::ndarray::{Array1, Array2, Axis, array, concatenate, s};
use langevin::prelude::*;
use langevin::run::{Settings, StateFile};

use crate::support::samplers::{Variants, samplers};
use crate::support::{MANY, bits, every_instruction_set, hash, three_modes};

const CHAINS: usize = 300;
const STEPS: usize = 40;

/// Variants of each method whose options exercise all of its branches.
pub fn variants(method: &str) -> Variants {
    match method {
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
        "malt" => &[&[], &[("leapfrogs", "3")]],
        _ => &[&[]],
    }
}

fn base<'a, F: Real>(
    sampler: &'a dyn Sampler<F>,
    target: &'a GaussianMixture,
    grid: &TimeGrid,
) -> Run<'a, F> {
    Run::with_precision(sampler, target, grid.clone()).chains(CHAINS).seed(11)
}

/// A run of a sampler, and what every other run of it is compared with.
struct Reference<'a, F: Real> {
    name: &'a str,
    sampler: &'a dyn Sampler<F>,
    target: &'a GaussianMixture,
    grid: &'a TimeGrid,
    samples: Samples<F>,
}

impl<'a, F: Real> Reference<'a, F> {
    fn new(
        name: &'a str,
        sampler: &'a dyn Sampler<F>,
        target: &'a GaussianMixture,
        grid: &'a TimeGrid,
    ) -> Self {
        let samples = base(sampler, target, grid).threads(1).run().unwrap();
        assert!(samples.state.iter().all(|x| x.is_finite()), "{name}");
        Self { name, sampler, target, grid, samples }
    }

    fn run(&self) -> Run<'a, F> {
        base(self.sampler, self.target, self.grid)
    }

    fn same(&self, state: &Array2<F>, how: &str) {
        assert_eq!(bits(state), bits(&self.samples.state), "{}, {how}", self.name);
    }

    fn in_chunks_and_threads(&self) {
        for chunk in [1, 37, 128, 4096] {
            let threads = if chunk == 37 { MANY } else { 1 };
            let samples = self.run().chunk(chunk).threads(threads).run().unwrap();
            self.same(&samples.state, &format!("chunks of {chunk}"));
            assert_eq!(samples.cost, self.samples.cost, "{}, chunks of {chunk}", self.name);
        }
        for threads in [MANY, MANY + MANY / 2] {
            let samples = self.run().threads(threads).run().unwrap();
            self.same(&samples.state, &format!("{threads} threads"));
        }
    }

    /// Observers cut the run into stretches.
    fn with_observers(&self) {
        let mut trace = Trace::new(Every::new(7).unwrap().after(3));
        let mut moments = MomentsObserver::new(Every::new(1).unwrap());
        let samples = self.run().observe(&mut trace).observe(&mut moments).run().unwrap();
        self.same(&samples.state, "with observers");
        let cost = self.samples.cost;
        assert_eq!(samples.cost.evaluations, cost.evaluations, "{}, with observers", self.name);
        assert_eq!(trace.steps(), [10, 17, 24, 31, 38]);
        assert_eq!(moments.count(), CHAINS * STEPS);
    }

    /// Parts of the chains alone.
    fn in_parts(&self) {
        let parts: Vec<Array2<F>> = [(0, 1), (1, 76), (77, 223)]
            .map(|(first, count)| self.run().chains(count).first_chain(first).run().unwrap().state)
            .into();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        self.same(&concatenate(Axis(0), &views).unwrap(), "in parts");
    }

    /// The first steps, then the rest from the state reached.
    fn in_two_stretches(&self) {
        let first = self.until(None, 17);
        assert_eq!(first.steps, 17);
        let plain = Run::with_precision(self.sampler, self.target, self.grid.clone());
        let rest = plain.resume(&first).run().unwrap();
        assert_eq!(rest, self.samples, "{}, in two stretches", self.name);
        if F::NAME == "f32" {
            return;
        }
        let array = self.run().resume_from(first.state.clone(), 17).run().unwrap();
        self.same(&array.state, "in two stretches, from an array");
        // A run finds what a sampler carries again, if it is not given.
        let kept = (rest.layout.blocks() * rest.dim).min(first.state.ncols());
        let bare = first.state.slice(s![.., ..kept]).to_owned();
        let rest = self.run().start(bare).first_step(17).run().unwrap();
        self.same(&rest.state, "in two stretches, nothing carried");
    }

    /// A run that an observer ends after this many steps. It continues an earlier one.
    fn until(&self, earlier: Option<&Samples<F>>, steps: u64) -> Samples<F> {
        let every = Every::new(1).unwrap();
        let mut stop = StopWhen::new(every, |m: &Snapshot<'_, F>| m.step == steps);
        let run = match earlier {
            Some(earlier) => {
                Run::with_precision(self.sampler, self.target, self.grid.clone()).resume(earlier)
            }
            None => self.run(),
        };
        run.observe(&mut stop).run().unwrap()
    }

    /// 31 short runs, of one or two steps each, handed on in the library or through state files.
    fn in_many_stretches(&self, through_files: bool) {
        let settings = Settings::from([("sampler".to_owned(), self.name.to_owned())]);
        let mut reached: Option<Samples<F>> = None;
        for run in 1..=31 {
            let steps = run * STEPS as u64 / 31;
            let samples = self.until(reached.as_ref(), steps);
            assert_eq!(samples.steps, steps);
            reached = Some(if through_files {
                let mut file = Vec::new();
                samples.write_state(&settings, &mut file).unwrap();
                let file = StateFile::read(&mut &file[..]).unwrap();
                file.check(&settings).unwrap();
                file.samples
            } else {
                samples
            });
        }
        let how = if through_files { "through files" } else { "in the library" };
        assert_eq!(reached.as_ref(), Some(&self.samples), "{}, 31 runs {how}", self.name);
    }

    fn with_another_seed(&self) {
        let other = self.run().seed(12).run().unwrap().state;
        assert_ne!(bits(&other), bits(&self.samples.state), "{}", self.name);
    }
}

fn check<F: Real>() {
    let target = three_modes();
    let grid = TimeGrid::uniform(0.15, STEPS).unwrap();
    for (name, sampler) in samplers::<F>(variants) {
        let reference = Reference::new(&name, &*sampler, &target, &grid);
        reference.in_chunks_and_threads();
        reference.with_observers();
        reference.in_parts();
        reference.in_two_stretches();
        reference.in_many_stretches(false);
        reference.in_many_stretches(true);
        reference.with_another_seed();
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
    for (name, sampler) in samplers::<f64>(variants) {
        lines += &format!("{name}, f64: {:016x}\n", run(&*sampler, &three_modes(), &grid));
    }
    for (name, sampler) in samplers::<f32>(variants) {
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
    let labels = Array1::from_shape_fn(23, |i| ((i * i) % 3 % 2) as f64);
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
    let found = fingerprints();
    assert!(found == include_str!("../golden/fingerprints.txt"), "found\n{found}");
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
    let wide = Run::new(sampler, &target, grid.clone()).chains(50).run().unwrap().state;
    let narrow = Run::<f32>::with_precision(sampler, &target, grid).chains(50).run().unwrap().state;
    for (a, b) in wide.iter().zip(narrow.slice(s![.., ..])) {
        assert!((a - f64::from(*b)).abs() < 1e-4, "{a} {b}");
    }
}
