//! Public calls with hostile arguments: each gives a value or an error, and none panics.
//!
//! Calls whose documentation has a section "Panics" are not here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use langevin::advanced::{
    Address, Block, Generator, Layout, Noise, Philox, Purpose, Scripted, State, philox4x32_10,
};
use langevin::catalog;
use langevin::compare::{Distances, Metric};
use langevin::diffusion::{Clock, Level, Levels, Schedule};
use langevin::drift::LogDensity;
use langevin::dynamics::{ContinuousDynamics, LinearDynamics, PhaseSpace};
use langevin::metrics::*;
use langevin::ndarray::{Array1, Array2, Array3, ArrayView2, array};
use langevin::prelude::*;
use langevin::probe;

/// Numbers that have made trouble somewhere.
pub const REALS: [f64; 17] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    5e-324,
    1e-310,
    1e-160,
    1e-9,
    1e9,
    1e160,
    1e300,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];
pub const SIZES: [usize; 8] = [0, 1, 2, 7, 1 << 31, u32::MAX as usize, usize::MAX / 8, usize::MAX];

/// Runs calls and collects the names of those that panic.
#[derive(Default)]
pub struct Sweep {
    panicked: Vec<String>,
    calls: usize,
}

impl Sweep {
    pub fn call<T>(&mut self, name: impl Into<String>, call: impl FnOnce() -> T) -> Option<T> {
        self.calls += 1;
        let name = name.into();
        if std::env::var("SWEEP").is_ok() {
            eprintln!("CALL {name}");
        }
        let clock = std::time::Instant::now();
        let result = catch_unwind(AssertUnwindSafe(call));
        let seconds = clock.elapsed().as_secs_f64();
        if seconds > 10.0 {
            self.panicked.push(format!("{name} takes {seconds:.0} s"));
        }
        if result.is_err() {
            self.panicked.push(name);
        }
        result.ok()
    }

    /// A call with a number that may be refused, but must not give NaN.
    fn number(&mut self, name: String, call: impl FnOnce() -> Result<f64>) {
        if let Some(Ok(x)) = self.call(name.clone(), call)
            && x.is_nan()
        {
            self.panicked.push(format!("{name} is Ok(NaN)"));
        }
    }

    pub fn finish(self, least: usize) {
        assert!(self.panicked.is_empty(), "{:#?}", self.panicked);
        assert!(self.calls >= least, "{}", self.calls);
    }
}

pub fn mixture() -> GaussianMixture {
    GaussianMixture::isotropic(array![[-1.0, 0.0], [1.0, 0.0]].view(), 0.5).unwrap()
}

#[test]
fn numbers_are_refused_or_used() {
    let mut sweep = Sweep::default();
    let means = array![[0.0, 1.0]];
    for x in REALS {
        sweep.call(format!("isotropic {x:e}"), || GaussianMixture::isotropic(means.view(), x));
        sweep.call(format!("from_data {x:e}"), || GaussianMixture::from_data(means.view(), x));
        sweep.call(format!("weights {x:e}"), || mixture().with_weights(&[x, 1.0]));
        let diagonal = array![[x, 1.0]];
        sweep.call(format!("diagonal {x:e}"), || {
            GaussianMixture::diagonal(means.view(), diagonal.view())
        });
        let full = Array3::from_shape_fn((1, 2, 2), |(_, i, j)| if i == j { x } else { 0.1 });
        sweep.call(format!("full {x:e}"), || GaussianMixture::full(means.view(), full.view()));
        sweep.call(format!("means {x:e}"), || {
            let far = GaussianMixture::isotropic(array![[x, 0.0]].view(), 1.0)?;
            far.mean();
            far.covariance();
            far.marginal(&[0])
        });
        sweep.call(format!("beta {x:e}"), || Beta::constant(x)?.integral(x));
        for y in REALS {
            underdamped(&mut sweep, x, y);
            let name = format!("{x:e} {y:e}");
            sweep.call(format!("uniform {name}"), || TimeGrid::uniform(x, 3));
            sweep.call(format!("between {name}"), || TimeGrid::between(x, y, 3));
            sweep.call(format!("quadratic {name}"), || TimeGrid::quadratic(x, y, 3));
            sweep.call(format!("logarithmic {name}"), || TimeGrid::logarithmic(x, y, 3));
            sweep.call(format!("knots {name}"), || TimeGrid::from_knots(vec![x, y]));
            sweep.call(format!("beta linear {name}"), || Beta::linear(x, y)?.integral(0.5));
            sweep.call(format!("betas {name}"), || LevelTable::from_betas(vec![x, y]));
            let clock = Clock::Reverse { horizon: x };
            if let Some(Ok(level)) = sweep.call(format!("clock {name}"), || clock.level(y)) {
                assert!(!x.is_nan() && !y.is_nan() && !level.log_alpha_bar().is_nan(), "{name}");
            }
            sweep.call(format!("psld {name}"), || Psld::new(x, y, 0.04));
            sweep.number(format!("gamma lower {name}"), || gamma_lower(x, y));
            sweep.number(format!("gamma upper {name}"), || gamma_upper(x, y));
            sweep.call(format!("probe {name}"), || {
                probe::stationary_covariance(&EulerMaruyama::new(Overdamped), x, y)
            });
        }
        for level in [
            Level::from_log_alpha_bar,
            Level::from_alpha_bar,
            Level::from_ou_time,
            Level::from_tau,
            Level::from_sigma,
            Level::from_log_snr,
        ] {
            sweep.number(format!("level {x:e}"), || level(x).map(|level| level.log_alpha_bar()));
        }
        sweep.number(format!("normal quantile {x:e}"), || normal_quantile(x));
        sweep.call(format!("kolmogorov {x:e}"), || kolmogorov_survival(x));
        for dim in SIZES {
            sweep.number(format!("chi cdf {x:e} {dim}"), || chi_cdf(x, dim));
            sweep.number(format!("chi quantile {x:e} {dim}"), || chi_quantile(x, dim));
            sweep.number(format!("chi square {x:e} {dim}"), || chi_square_survival(x, dim));
        }
        settings(&mut sweep, x);
    }
    sweep.finish(5000);
}

fn underdamped(sweep: &mut Sweep, x: f64, y: f64) {
    let Some(Ok(dynamics)) =
        sweep.call(format!("underdamped {x:e} {y:e}"), || Underdamped::new(x, y))
    else {
        return;
    };
    for length in REALS {
        sweep.call(format!("transition {x:e} {y:e} {length:e}"), || {
            let whole = dynamics.transition(length, length);
            let part = dynamics.part(langevin::dynamics::Letter::O, length);
            let rate: [Block; 3] =
                [dynamics.rate(length), dynamics.generator(length), dynamics.intensity(length)];
            (whole.then(&part).with_noise_scaled(length), rate)
        });
    }
}

fn settings(sweep: &mut Sweep, x: f64) {
    let rm = || RandomizedMidpoint::new(Overdamped);
    sweep.call(format!("tolerance {x:e}"), || rm().with_rounds(2)?.with_tolerance(x));
    sweep.call(format!("noise scale {x:e}"), || {
        PoissonMidpoint::new(Overdamped, 4)?.with_noise_scale(x)
    });
    sweep.call(format!("logistic {x:e}"), || {
        LogisticRegression::new(array![[x]].view(), array![1.0].view(), x)
    });
    let samples = Array2::from_elem((30, 2), x);
    let other = Array2::from_shape_fn((30, 2), |(i, j)| (i * 7 % 11 + j) as f64);
    sweep.call(format!("moments {x:e}"), || moments(samples.view()));
    sweep.call(format!("energy {x:e}"), || energy_distance(samples.view(), other.view()));
    sweep.call(format!("frechet {x:e}"), || frechet_distance(samples.view(), other.view()));
    sweep.call(format!("sliced {x:e}"), || sliced_wasserstein(samples.view(), other.view(), 3, 0));
    sweep.call(format!("neighbours {x:e}"), || nearest_neighbours(samples.view(), other.view()));
    sweep.call(format!("w1d {x:e}"), || wasserstein_1d(&[x; 4], &[0.0, x]));
    sweep.call(format!("radial {x:e}"), || radial_wasserstein(&[x; 40], 2));
    sweep.call(format!("occupancy {x:e}"), || occupancy(samples.view(), &[x, 1.0]));
    let trace = Array3::from_elem((6, 2, 1), x);
    sweep.call(format!("r hat {x:e}"), || split_r_hat(trace.view()));
    sweep.call(format!("ess {x:e}"), || effective_sample_size(trace.view()));
    sweep.call(format!("density {x:e}"), || {
        let point = array![[x, x]];
        let mixture = mixture();
        mixture.log_density(point.view())?;
        mixture.responsibilities(point.view())?;
        mixture.distance_to_nearest_mode(point.view())
    });
    sweep.call(format!("run {x:e}"), || {
        let grid = TimeGrid::uniform(0.1, 2)?;
        Run::new(EulerMaruyama::new(Overdamped), mixture(), grid).start_at(&[x, x]).run()
    });
    sweep.call(format!("layout {x:e}"), || {
        let layout = Layout::with_momentum(x);
        State::<f64>::new(array![[1.0]].view(), 1, layout, 0, &Philox::new(0))
    });
    sweep.call(format!("diffused {x:e}"), || {
        DiffusedMixture::new(mixture()).at(Level::from_tau(x)?)
    });
    sweep.call(format!("guided {x:e}"), || Guided::<f64, _, _>::drifts(mixture(), mixture(), x));
}

#[test]
fn sizes_are_refused_or_used() {
    let mut sweep = Sweep::default();
    for size in SIZES {
        for layout in [
            Layout::POSITION,
            Layout::with_momentum(1.0).carrying(true),
            Layout::with_memory().joint(),
        ] {
            sweep.call(format!("layout columns {size}"), || layout.columns(size));
            for dim in SIZES {
                // Sizes that memory may hold are left out.
                if size.saturating_mul(dim) < 1000 || size.saturating_mul(dim) > 1 << 50 {
                    sweep.call(format!("zeros {size} {dim}"), || {
                        State::<f64>::zeros(1, size, dim, layout).map(|state| state.len())
                    });
                }
            }
        }
        sweep.call(format!("every {size}"), || {
            let every = Every::new(size.max(1).min(u32::MAX as usize))?.after(size);
            every.next(0);
            every.next(u64::MAX);
            every.count(size);
            Every::new(size)
        });
        if !(8..1 << 50).contains(&size) {
            sweep.call(format!("running {size}"), || RunningMoments::new(size).map(|_| ()));
            sweep.call(format!("run of {size} chains"), || {
                let grid = TimeGrid::uniform(0.1, 2)?;
                let run = Run::new(EulerMaruyama::new(Overdamped), mixture(), grid);
                run.chains(size).run().map(|samples| samples.steps)
            });
            sweep.call(format!("samples {size}"), || mixture().sample(size, 0).map(|_| ()));
            for schedule in [Schedule::Linear, Schedule::ScaledLinear, Schedule::Cosine] {
                sweep.call(format!("levels {size}"), || schedule.table(size).map(|_| ()));
            }
        }
        sweep.call(format!("grid of {size}"), || TimeGrid::uniform(1.0, size).map(|_| ()));
        sweep.call(format!("substeps {size}"), || {
            let sampler = PoissonMidpoint::new(Overdamped, size)?;
            probe::stationary_covariance(&sampler, 0.1, 1.0)
        });
        sweep.call(format!("windows {size}"), || {
            RandomizedMidpoint::new(Overdamped).with_windows(size)?.with_rounds(size)
        });
        sweep.call(format!("marginal {size}"), || mixture().marginal(&[size]));
        sweep.call(format!("radial {size}"), || radial_wasserstein(&[0.5; 40], size));
        // A plan of that many steps is a list of as many times.
        let evaluations = if size < 1000 { size } else { 0 };
        sweep.call(format!("plan {size}"), || {
            let process = Process::vp(LevelTable::linear(10)?);
            for text in ["ddim", "ddpm", "dpmpp2m", "heun", "pmm1", "pmm2", "rm", "pc", "em"] {
                let method: Method = text.parse()?;
                drop(method.plan(&process, evaluations));
            }
            Ok::<(), Error>(())
        });
        if size < 1000 {
            tables(&mut sweep, size);
            let empty = Array2::zeros((size, 0));
            let none = Array2::zeros((0, size));
            for a in [&empty, &none] {
                arrays(&mut sweep, a);
            }
        }
    }
    sweep.finish(200);
}

/// Lists of levels on small tables.
fn tables(sweep: &mut Sweep, size: usize) {
    use langevin::diffusion::{Spacing, blocks, check_levels, from_timesteps};
    for levels in [1, 2, 10] {
        let table = LevelTable::linear(levels).unwrap();
        let spacings = [
            Spacing::Equal,
            Spacing::Quadratic,
            Spacing::LogSnr,
            Spacing::Leading,
            Spacing::LeadingOpen,
            Spacing::Trailing,
            Spacing::Linspace,
            Spacing::LinspaceOpen,
        ];
        for spacing in spacings {
            sweep.call(format!("{spacing:?} {levels} {size}"), || spacing.levels(&table, size));
        }
        for list in [vec![], vec![size], vec![size, 0], vec![usize::MAX, size], vec![0, 0]] {
            let name = format!("{levels} {list:?}");
            sweep.call(format!("times {name}"), || table.times(&list));
            sweep.call(format!("timesteps {name}"), || from_timesteps(&table, &list));
            sweep.call(format!("blocks {name}"), || blocks(&table, &list));
            sweep.call(format!("check {name}"), || check_levels(&table, &list));
        }
        for x in REALS {
            sweep.call(format!("number at {x:e}"), || table.number_at(x));
        }
    }
}

fn arrays(sweep: &mut Sweep, a: &Array2<f64>) {
    let shape = a.dim();
    let b = Array2::zeros((30, 2));
    for (x, y) in [(a.view(), b.view()), (b.view(), a.view()), (a.view(), a.view())] {
        sweep.call(format!("energy {shape:?}"), || energy_distance(x, y));
        sweep.call(format!("frechet {shape:?}"), || frechet_distance(x, y));
        sweep.call(format!("frechet with {shape:?}"), || frechet_distance_with(x, y, 0, 0));
        sweep.call(format!("sliced {shape:?}"), || sliced_wasserstein(x, y, 0, 0));
        sweep.call(format!("neighbours {shape:?}"), || nearest_neighbours(x, y));
        sweep.call(format!("distances {shape:?}"), || {
            let metrics = vec![Metric::Frechet, Metric::Copies, Metric::Energy, Metric::Sliced];
            let distances = Distances::new(metrics)?.reference(y.to_owned())?;
            distances.halves();
            distances.measure(x)
        });
    }
    sweep.call(format!("isotropic {shape:?}"), || GaussianMixture::isotropic(a.view(), 1.0));
    sweep.call(format!("density {shape:?}"), || mixture().log_density(a.view()));
    sweep.call(format!("mean responsibilities {shape:?}"), || {
        mixture().mean_responsibilities(a.view())
    });
    sweep.call(format!("radial {shape:?}"), || mixture().radial_wasserstein(a.view()));
    sweep.call(format!("occupancy {shape:?}"), || occupancy(a.view(), &[]));
    sweep.call(format!("start {shape:?}"), || {
        let grid = TimeGrid::uniform(0.1, 2)?;
        Run::new(EulerMaruyama::new(Overdamped), mixture(), grid).start(a.clone()).run()
    });
    sweep.call(format!("state {shape:?}"), || {
        State::new(a.view(), 0, Layout::POSITION, 0, &Philox::new(0))
    });
}

#[test]
fn short_slices_are_refused() {
    let mut sweep = Sweep::default();
    let at = Address::new(u32::MAX, Purpose::User, (1 << 24) - 1);
    let mut script = Scripted::new();
    script.normal(at, u32::MAX, usize::MAX, 1.0);
    script.coins(0, &[0.5]);
    let generator = Generator::<rand_chacha::ChaCha8Rng>::new(0);
    let sources: [&dyn Noise<f64>; 3] = [&Philox::new(u64::MAX), &script, &generator];
    for noise in sources {
        for (chains, length) in [(0, 0), (0, 3), (3, 0), (1, 1), (17, 17)] {
            let chains = vec![u32::MAX; chains];
            let mut out = vec![0.0; length];
            sweep.call(format!("normals {length}"), || noise.normals(at, &chains, &mut out));
            sweep.call(format!("uniforms {length}"), || noise.uniforms(at, &chains, &mut out));
        }
    }
    sweep.call("philox", || philox4x32_10([u32::MAX; 4], [u32::MAX; 2]));
    let mixture = mixture();
    let logistic =
        LogisticRegression::new(array![[1.0, 2.0]].view(), array![1.0].view(), 1.0).unwrap();
    let densities: [(&str, &dyn LogDensity<f64>); 2] =
        [("mixture", &mixture), ("logistic", &logistic)];
    let x = Array2::zeros((5, 2));
    for (name, density) in densities {
        for length in [0, 1, 4, 6] {
            let mut out = vec![0.0; length];
            let found = sweep.call(format!("density of {name} {length}"), || {
                density.log_density(x.view(), &mut out)
            });
            assert!(found.is_none_or(|found| found.is_err()), "{name} {length}");
        }
        let mut out = vec![0.0; 5];
        let wide: ArrayView2<'_, f64> = ArrayView2::from_shape((5, 1), &[0.0; 5]).unwrap();
        let found = sweep.call(format!("wide {name}"), || density.log_density(wide, &mut out));
        assert!(found.is_none_or(|found| found.is_err()), "{name}");
    }
    let diffused = DiffusedMixture::new(mixture.clone());
    for shape in [(5, 2), (4, 2), (5, 1), (0, 0)] {
        let mut out = Array2::zeros(shape);
        let levels = [Level::CLEAN; 3];
        let name = format!("predict {shape:?}");
        let found = sweep.call(name.clone(), || {
            Denoiser::<f64>::predict(&diffused, Levels::PerRow(&levels), x.view(), out.view_mut())
        });
        assert!(found.is_none_or(|found| found.is_err()), "{name}");
        let name = format!("eval {shape:?}");
        sweep.call(name, || {
            Drift::<f64>::eval(&mixture, Times::PerRow(&[]), x.view(), out.view_mut())
        });
    }
    let lifted = langevin::diffusion::Lifted::<f64, _>::new(&diffused, Psld::PAPER).unwrap();
    let mut out = Array2::zeros((5, 2));
    for short in [0, 1, 4, 6] {
        let levels = vec![Level::from_tau(1.0).unwrap(); short];
        let wide = Array2::zeros((5, 4));
        let mut wide_out = Array2::zeros((5, 4));
        let found = sweep.call(format!("lifted {short}"), || {
            lifted.predict(Levels::PerRow(&levels), wide.view(), wide_out.view_mut())
        });
        assert!(found.is_none_or(|found| found.is_err()), "{short}");
        let clock = Clock::Frozen(levels.first().copied().unwrap_or(Level::CLEAN));
        let found = sweep.call(format!("denoised {short}"), || {
            let drift =
                langevin::diffusion::Denoised::<f64, _>::new(&diffused, clock, Prediction::Score)?;
            let times = vec![0.0; short];
            drift
                .eval(Times::PerRow(&times), x.view(), out.view_mut())
                .map_err(|source| Error::Observer { step: 0, source })
        });
        assert!(found.is_none_or(|found| found.is_err()), "{short}");
    }
    sweep.call("marginal", || mixture.marginal(&[]));
    sweep.call("weights", || mixture.clone().with_weights(&[]));
    sweep.call("knots", || TimeGrid::from_knots(Vec::new()));
    sweep.call("betas", || LevelTable::from_betas(Vec::new()));
    sweep.call("w1d", || wasserstein_1d(&[], &[]));
    sweep.call("radial", || radial_wasserstein(&[], 1));
    sweep.call("labels", || {
        LogisticRegression::new(array![[1.0]].view(), Array1::zeros(3).view(), 1.0)
    });
    sweep.call("catalog", || {
        catalog::sampler::<f64>("", "", &catalog::Options::default()).map(|_| ())
    });
    for text in ["", ":", "@", "ddim:", "ddim:=", "ddim@", "pmm2:blocks=", "é", "\u{0}"] {
        sweep.call(format!("method {text}"), || text.parse::<Method>());
        sweep.call(format!("word {text}"), || text.parse::<Word>());
        sweep.call(format!("entry {text}"), || text.parse::<langevin::compare::Entry>());
    }
    sweep.finish(80);
}

#[cfg(feature = "plot")]
#[test]
fn pictures_of_anything_are_drawn_or_refused() {
    use langevin::image::{self, Map};
    use langevin::plot::{Curve, curves, histogram_over_density, scatter};
    let mut sweep = Sweep::default();
    for x in REALS {
        for y in REALS {
            let name = format!("{x:e} {y:e}");
            sweep.call(format!("histogram {name}"), || {
                histogram_over_density(&[x, y], |x| -x * x, "")
            });
            sweep.call(format!("scatter {name}"), || scatter(array![[x, y], [y, x]].view(), ""));
            sweep.call(format!("map {name}"), || Map::new((x, y), (y, x)));
            sweep.call(format!("picture {name}"), || mixture().picture(array![[x, y]].view(), ""));
            let curve =
                || Curve { label: String::new(), points: vec![(x, y, Some(x)), (y, x, None)] };
            for logarithmic in [false, true] {
                sweep.call(format!("curves {name}"), || {
                    curves(&[curve()], "", "", "", logarithmic, logarithmic)
                });
            }
        }
    }
    for shape in [(0, 0), (0, 2), (3, 0), (3, 1), (3, 3)] {
        let samples = Array2::<f64>::zeros(shape);
        sweep.call(format!("picture {shape:?}"), || mixture().picture(samples.view(), ""));
        sweep.call(format!("scatter {shape:?}"), || scatter(samples.view(), ""));
        for size in SIZES {
            sweep.call(format!("sheet {shape:?} {size}"), || {
                image::sheet(samples.view(), (size, 1), (0.0, 1.0))
            });
            sweep.call(format!("grid {shape:?} {size}"), || {
                image::grid(samples.view(), shape, size, (0.0, 1.0), size)
            });
        }
    }
    sweep.finish(1000);
}
