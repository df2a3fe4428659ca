//! The speed bars as ratios in one run: `cargo bench --bench speed`.
//!
//! Contestants take turns, so a machine that slows down slows all of them; the figure is the median
//! of the ratios. `LANGEVIN_SIMD=avx2` or `baseline` measures a narrower instruction set. With
//! `--features mlp` a trained network is measured too, and alone with `cargo bench --features mlp
//! --bench speed -- network`; its run of DDPM has `LANGEVIN_CHAINS` (128) chains, and with 1024 it
//! is the counterpart of examples/training/timing.py. The crate's own methods, per evaluation, are
//! measured alone with `cargo bench --bench speed -- own`. `-- threads` and `-- sizes` measure how
//! runs use threads and how the number of chains matters. `-- guard` is `scripts/speed.sh`.

mod common;
#[path = "common/guard.rs"]
mod guard;
#[path = "common/own.rs"]
mod own;
#[path = "common/scaling.rs"]
mod scaling;

use std::hint::black_box;
use std::process::ExitCode;
#[cfg(feature = "mlp")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use common::{STEP, circle, library, scalar_ula};
use langevin::advanced::instruction_set;
use langevin::diffusion::Levels;
use langevin::ndarray::{Array2, Array3, ShapeBuilder};
#[cfg(feature = "mlp")]
use langevin::ndarray::{ArrayView2, ArrayViewMut2, s};
use langevin::prelude::*;

const TURNS: usize = 15;

/// A name, the number of chain-steps, and what to time.
type Contestant<'a> = (&'a str, usize, Box<dyn FnMut() -> f64 + 'a>);

/// Nanoseconds per chain and step, by turns.
fn measure(work: &mut [Contestant<'_>]) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::new(); work.len()];
    for turn in 0..=TURNS {
        for (i, (_, chain_steps, body)) in work.iter_mut().enumerate() {
            let start = Instant::now();
            black_box(body());
            if turn > 0 {
                times[i].push(start.elapsed().as_secs_f64() * 1e9 / *chain_steps as f64);
            }
        }
    }
    times
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The fastest turn is the one that others disturbed least.
fn fastest(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Prints a table: time, and ratio of the first line's time to this one's.
fn table(title: &str, mut work: Vec<Contestant<'_>>) {
    let times = measure(&mut work);
    println!("{title}");
    for ((name, _, _), own) in work.iter().zip(&times) {
        let ratios: Vec<f64> = times[0].iter().zip(own).map(|(first, own)| first / own).collect();
        println!("  {name:<44} {:8.2} ns per chain-step   {:5.2} x", median(own), median(&ratios));
    }
    println!();
}

/// The real digits, noised, with bandwidth 0.1 in [−1, 1].
fn digits() -> DiffusedMixture {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/digits_8x8_u8.npy");
    let ink: Array3<u8> = ndarray_npy::read_npy(path).unwrap();
    let data =
        ink.mapv(|ink| f64::from(ink) / 8.0 - 1.0).into_shape_with_order((1797, 64)).unwrap();
    DiffusedMixture::new(GaussianMixture::from_data(data.view(), 0.1).unwrap())
}

/// A trained network of 8 x 8 digits: its forward pass, and what a run adds to it.
#[cfg(feature = "mlp")]
fn network() {
    use langevin::network::Network;
    let path = std::env::var("LANGEVIN_NETWORK").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/examples/models/digits.safetensors").into()
    });
    let Ok(network) = Network::load(&path) else { return println!("no network at {path}\n") };
    let model = network.denoiser().unwrap();
    let table_of_levels = network.table().unwrap();
    let (rows, width) = (1024, network.input_width());
    let x = Array2::<f32>::from_shape_fn((rows, width).f(), |(i, j)| {
        ((i * 7 + j * 13) % 17) as f32 / 8.0 - 1.0
    });
    let per_row: Vec<_> =
        (0..rows).map(|i| table_of_levels.level(1 + i * 7 % table_of_levels.len())).collect();
    let out = std::cell::RefCell::new(Array2::<f32>::zeros((rows, width).f()));
    let forward = |levels: Levels<'_>, rows: usize| {
        let mut out = out.borrow_mut();
        for start in (0..1024).step_by(rows) {
            let part = s![start..start + rows, ..];
            Denoiser::<f32>::predict(&model, levels, x.slice(part), out.slice_mut(part)).unwrap();
        }
        f64::from(out[[0, 0]])
    };
    let mut level = 0;
    let mut next = || {
        level += 1;
        Levels::Shared(table_of_levels.level(level))
    };
    let work: Vec<Contestant<'_>> = vec![
        ("forward pass, 1024 rows in a call", rows, Box::new(|| forward(next(), 1024))),
        (
            "64 rows in a call",
            rows,
            Box::new(|| forward(Levels::Shared(table_of_levels.level(500)), 64)),
        ),
        ("a level for each row", rows, Box::new(|| forward(Levels::PerRow(&per_row), 1024))),
    ];
    table(&format!("{network:?}, f32"), work);
    let plan = Method::named("ddpm").unwrap().plan(model.process(), 1000).unwrap();
    let timed = Timed { model: &model, nanoseconds: AtomicU64::new(0) };
    let chains: usize =
        std::env::var("LANGEVIN_CHAINS").map_or(128, |chains| chains.parse().unwrap());
    let (mut runs, mut shares, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let run = plan.run_in::<f32>(&timed).unwrap();
        let start = Instant::now();
        black_box(run.chains(chains).threads(1).run().unwrap().state[[0, 0]]);
        let whole = start.elapsed().as_secs_f64() * 1e9;
        let inside = timed.nanoseconds.swap(0, Ordering::Relaxed) as f64;
        let chain_steps = 1e3 * chains as f64;
        runs.push(whole / chain_steps);
        shares.push(100.0 * (whole - inside) / whole);
        rates.push(2.0 * network.multiplications() as f64 * chain_steps / inside);
    }
    println!(
        "  DDPM, 1000 steps, {chains} chains, one thread: {:.2} ns per chain-step",
        median(&runs)
    );
    println!("  of it outside the network: {:.1} %", median(&shares));
    println!("  operations per second in the network: {:.1}e9\n", median(&rates));
}

/// A model, and the time spent in it.
#[cfg(feature = "mlp")]
struct Timed<'a> {
    model: &'a dyn Denoiser<f32>,
    nanoseconds: AtomicU64,
}

#[cfg(feature = "mlp")]
impl Denoiser<f32> for Timed<'_> {
    fn prediction(&self) -> Prediction {
        self.model.prediction()
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, f32>,
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BoxError> {
        let start = Instant::now();
        let result = self.model.predict(levels, x, out);
        self.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }

    fn columns(&self) -> Option<usize> {
        self.model.columns()
    }
}

fn main() -> ExitCode {
    let is_asked = |name: &str| std::env::args().any(|argument| argument == name);
    if is_asked("guard") {
        return guard::run();
    }
    if is_asked("threads") {
        scaling::threads();
    } else if is_asked("sizes") {
        scaling::sizes();
    } else {
        bars(is_asked("own"));
    }
    ExitCode::SUCCESS
}

/// All tables, or those of the crate's own methods.
fn bars(is_own: bool) {
    #[cfg(feature = "mlp")]
    if !is_own {
        network();
        if std::env::args().any(|argument| argument == "network") {
            return; // The rest takes minutes.
        }
    }
    println!("instruction set: {}\n", instruction_set().unwrap());
    own::run();
    if is_own {
        return; // The rest takes minutes.
    }
    let target = circle();
    let (chains, steps) = (4096, 500);
    let n = chains * steps;
    let ula = EulerMaruyama::new(Overdamped);
    table(
        "ULA on 8 Gaussians on a circle, one thread",
        vec![
            ("scalar loop by hand, f64", n, Box::new(|| scalar_ula(chains, steps))),
            ("library, f64", n, Box::new(|| library::<f64>(&ula, &target, chains, steps, STEP))),
            ("library, f32", n, Box::new(|| library::<f32>(&ula, &target, chains, steps, STEP))),
        ],
    );
    let baoab = Splitting::new(Underdamped::new(1.0, 1.0).unwrap(), "BAOAB".parse().unwrap());
    table(
        "BAOAB against ULA, same target, one thread (bar: at most 1.25 times, so at least 0.8 x)",
        vec![
            ("ULA, f64", n, Box::new(|| library::<f64>(&ula, &target, chains, steps, STEP))),
            ("BAOAB, f64", n, Box::new(|| library::<f64>(&baoab, &target, chains, steps, STEP))),
            (
                "MALA, f64",
                n,
                Box::new(|| library::<f64>(&Mala::new(), &target, chains, steps, STEP)),
            ),
        ],
    );
    let poisson = |k| PoissonMidpoint::new(Underdamped::new(2.0, 1.0).unwrap(), k).unwrap();
    let (few, many) = (poisson(10), poisson(1000));
    table(
        "Poisson midpoint, underdamped, same target, f64",
        vec![
            ("K = 10", n, Box::new(|| library::<f64>(&few, &target, chains, steps, 0.1))),
            ("K = 1000", n, Box::new(|| library::<f64>(&many, &target, chains, steps, 0.1))),
        ],
    );
    let under = || Underdamped::new(2.0, 1.0).unwrap();
    let samplers: Vec<(&str, Box<dyn Sampler<f64>>)> = vec![
        ("em, overdamped", Box::new(ula)),
        ("em, underdamped", Box::new(EulerMaruyama::new(under()))),
        ("pmm2, K = 16, overdamped", Box::new(PoissonMidpoint::new(Overdamped, 16).unwrap())),
        ("pmm2, K = 16, underdamped", Box::new(PoissonMidpoint::new(under(), 16).unwrap())),
        (
            "pmm1, K = 16, underdamped",
            Box::new(
                PoissonMidpoint::new(under(), 16).unwrap().with_selection(Selection::Bernoulli),
            ),
        ),
        ("rm, R = 1, P = 0, overdamped", Box::new(RandomizedMidpoint::new(Overdamped))),
        ("rm, R = 1, P = 0, underdamped", Box::new(RandomizedMidpoint::new(under()))),
        (
            "rm, R = 4, P = 2, underdamped",
            Box::new(
                RandomizedMidpoint::new(under()).with_windows(4).unwrap().with_rounds(2).unwrap(),
            ),
        ),
    ];
    let digits = digits();
    let levels = LevelTable::linear(1000).unwrap();
    let rows = 256;
    let process = Process::vp(levels.clone());
    let plan = Method::named("ddpm").unwrap().plan(&process, 1000).unwrap();
    let x = Array2::<f32>::from_shape_fn((rows, 64).f(), |(i, j)| {
        ((i * 7 + j * 13) % 17) as f32 / 8.0 - 1.0
    });
    let mut out = Array2::<f32>::zeros((rows, 64).f());
    let score = |level: usize| {
        let level = levels.level(level);
        Denoiser::<f32>::predict(&digits, Levels::Shared(level), x.view(), out.view_mut()).unwrap();
        f64::from(out[[0, 0]])
    };
    let score = std::cell::RefCell::new(score);
    table(
        "Noised data set of 1,797 x 64, f32, 256 rows (per row, or per row and step)",
        vec![
            ("score at level 1000", rows, Box::new(|| score.borrow_mut()(1000))),
            ("score at level 100", rows, Box::new(|| score.borrow_mut()(100))),
            (
                "DDPM, 1000 steps",
                rows * 1000,
                Box::new(|| {
                    let run = plan.run_in::<f32>(&digits).unwrap();
                    f64::from(run.chains(rows).threads(1).run().unwrap().state[[0, 0]])
                }),
            ),
        ],
    );
    let chains = 1024;
    table(
        "All samplers on the same target, f64",
        samplers
            .iter()
            .map(|(name, sampler)| {
                let body: Box<dyn FnMut() -> f64> =
                    Box::new(|| library::<f64>(&**sampler, &target, chains, steps, 0.05));
                (*name, chains * steps, body)
            })
            .collect(),
    );
}
