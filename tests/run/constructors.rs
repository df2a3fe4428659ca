//! Public constructors with hostile numbers, sizes and shapes: a working value, or an error that
//! says what was given.

use langevin::advanced::Philox;
use langevin::diffusion::dynamics::{Ancestral, DpmSolver};
use langevin::diffusion::samplers::{
    Churn, Deis, ErSde, FinalDenoise, Heun, Jumps, NoiseFunction, SaSolver, SdeDpm, Steps, Tau,
    TwoNodes, UniPc, Variant,
};
use langevin::diffusion::{
    Calibration, Clock, Face, Factor, Flow, Inpainting, Known, Level, Ranking, Rounded, Schedule,
    SigmaGrid, Spacing, Spectrum, Window,
};
use langevin::drift::Scale;
use langevin::metrics::RunningMoments;
use langevin::ndarray::{Array1, Array2, Array3, array};
use langevin::posterior::{Sampling, Tuned, check_gradient, largest_curvature};
use langevin::prelude::*;
use langevin::run::Start;

use crate::hostile::{REALS, SIZES, Sweep, mixture};

/// Whether a message has a number in one of the ways in which it may be printed.
fn says(message: &str, x: f64) -> bool {
    [format!("{x}"), format!("{x:e}"), format!("{x:?}")].iter().any(|text| message.contains(text))
}

/// Calls that take one number. Where it is refused, the error has it.
#[derive(Default)]
struct Numbers {
    sweep: Sweep,
    silent: Vec<String>,
}

impl Numbers {
    fn call<T>(&mut self, name: &str, x: f64, call: impl FnOnce() -> Result<T>) {
        self.check(name, x, call, |message| says(message, x));
    }

    /// The error may have a number that is made of the one given.
    fn derived<T>(&mut self, name: &str, x: f64, call: impl FnOnce() -> Result<T>) {
        self.check(name, x, call, |message| message.contains("given "));
    }

    fn check<T>(
        &mut self,
        name: &str,
        x: f64,
        call: impl FnOnce() -> Result<T>,
        is_told: impl Fn(&str) -> bool,
    ) {
        let called = format!("{name} {x:e}");
        if let Some(Err(error)) = self.sweep.call(called.clone(), call)
            && !is_told(&error.to_string())
        {
            self.silent.push(format!("{called}: {error}"));
        }
    }
}

#[test]
fn numbers_are_used_or_named_in_the_error() {
    let mut all = Numbers::default();
    let table = LevelTable::linear(10).unwrap();
    for x in REALS {
        all.derived("flow", x, || Process::flow(x));
        all.derived("flow levels", x, || Flow::new(10, x));
        all.derived("flow shifted", x, || Process::flow(3.0)?.shifted(x));
        all.derived("vp shifted", x, || table.shifted(x));
        all.call("edm low", x, || Process::edm([x, 80.0]));
        all.derived("edm high", x, || Process::edm([0.002, x]));
        all.call("ve low", x, || Process::ve([x, 80.0]));
        all.derived("ve high", x, || Process::ve([0.002, x]));
        all.derived("linear first", x, || LevelTable::linear_between(10, x, 0.02));
        all.derived("linear last", x, || LevelTable::linear_between(10, 1e-4, x));
        all.derived("scaled first", x, || LevelTable::scaled_linear_between(10, x, 0.02));
        all.derived("scaled last", x, || LevelTable::scaled_linear_between(10, 1e-4, x));
        all.call("betas", x, || LevelTable::from_betas(vec![0.1, x]));
        all.call("beta cosine", x, || Beta::cosine(x));
        all.call("beta constant", x, || Beta::constant(x));
        all.call("beta first", x, || Beta::linear(x, 20.0));
        all.call("beta last", x, || Beta::linear(0.1, x));
        all.call("level of flow", x, || Level::from_flow_time(x));
        all.call("eta", x, || Ancestral::ddim(table.clone(), x));
        all.call("tau", x, || Tau::constant(x));
        all.call("sde eta", x, || SdeDpm::new(2, x, TwoNodes::Midpoint));
        all.call("tolerance", x, || Window::new(4)?.with_tolerance(x));
        all.call("bandwidth", x, || GaussianMixture::from_data(array![[0.0], [1.0]].view(), x));
        all.derived("final denoise", x, || {
            let clock = Clock::Reverse { horizon: 1.0 };
            FinalDenoise::new(EulerMaruyama::new(Overdamped), clock, x)
        });
        all.call("churn", x, || Heun::with_churn(&table, &[10, 5, 0], Churn::new(x)));
        all.call("tuned step", x, || Tuned::plain(2, x, 1.0));
        all.call("tuned friction", x, || Tuned::plain(2, 0.1, x));
        all.call("guidance", x, || {
            let model = || DiffusedMixture::new(mixture());
            Guided::<f64, _, _>::models(model(), model(), x)
        });
        all.call("rescale", x, || {
            let model = || DiffusedMixture::new(mixture());
            Guided::<f64, _, _>::models(model(), model(), 2.0)?.rescaled(x)
        });
        all.derived("gamma", x, || Psld::new(x, 4.01, 0.04));
        all.derived("nu", x, || Psld::new(0.01, x, 0.04));
        all.call("kappa", x, || Psld::new(0.01, 4.01, x));
        all.call("prior", x, || {
            LogisticRegression::new(array![[1.0]].view(), array![1.0].view(), x)
        });
        all.call("strength", x, || {
            let plan = "ddim".parse::<Method>()?.plan(&Process::vp(table.clone()), 5)?;
            plan.with_strength(x)
        });
    }
    assert!(all.silent.is_empty(), "{:#?}", all.silent);
    all.sweep.finish(500);
}

/// What is not refused works: no NaN comes out of it.
#[test]
fn values_that_are_taken_work() {
    let mut sweep = Sweep::default();
    let table = LevelTable::linear(10).unwrap();
    for x in REALS {
        for y in REALS {
            let name = format!("{x:e} {y:e}");
            let named = |what: &str| format!("{what} {name}");
            sweep.call(named("edm"), || Process::edm([x, y]).map(|process| process.to_string()));
            sweep.call(named("ve"), || Process::ve([x, y]).map(|process| process.to_string()));
            sweep.call(named("grid"), || {
                let grid = format!("karras:rho={x},sigma-min={y}");
                let spacing: Spacing = grid.parse()?;
                spacing.noise_levels(&table, 5)
            });
            sweep.call(named("sigmas"), || format!("{x}+{y}").parse::<SigmaGrid>());
            sweep.call(named("known"), || Known::new(vec![x, y], vec![y, x]));
            sweep.call(named("churn"), || {
                let mut churn = Churn::new(1.0);
                churn.min = x;
                churn.max = y;
                Heun::with_churn(&table, &[10, 5, 0], churn)
            });
            sweep.call(named("scale"), || {
                let center = array![x, 0.0];
                Scale::diagonal(center.view(), array![y, 1.0].view())?;
                Scale::triangular(center.view(), array![[y, 0.0], [x, 1.0]].view())?;
                let scale = Scale::dense(center.view(), array![[y, x], [x, 1.0]].view())?;
                Ok::<_, Error>(scale.to_y(array![[x, y]].view()))
            });
            sweep.call(named("start"), || {
                Start::<f64>::gaussian(array![x, y], array![[y, x], [x, 1.0]].view()).map(drop)
            });
            sweep.call(named("spectrum"), || {
                let data = Spectrum::diagonal(vec![x, y], vec![y, x])?;
                Spectrum::new(array![x, y], array![[y, x], [x, 1.0]].view())?;
                Ok::<_, Error>(data)
            });
            sweep.call(named("of data"), || Spectrum::of_data(array![[x, y], [y, x]].view()));
            sweep.call(named("psld"), || {
                let psld = Psld::PAPER;
                let factor = Factor::Lower;
                (psld.propagator(x), psld.covariance(x, y), psld.noise_factor(x, factor))
            });
            sweep.call(named("steps"), || {
                let levels = vec![Level::from_sigma(x)?, Level::from_sigma(y)?];
                Steps::new(levels)
            });
            sweep.call(named("face"), || Face::edm(x));
            sweep.call(named("gradient"), || check_gradient(&mixture(), &[x, y]));
            sweep.call(named("curvature"), || {
                largest_curvature(&mixture(), array![[x, y], [y, x]].view())
            });
            sweep.call(named("running"), || {
                let mut moments = RunningMoments::variances(2)?;
                moments.push_rows(array![[x, y], [y, x]].view())
            });
            sweep.call(named("coarse"), || {
                let noise = langevin::advanced::Coarse::new(Philox::new(0), x, y);
                let grid = TimeGrid::uniform(0.1, 2)?;
                let run = Run::new(EulerMaruyama::new(Overdamped), mixture(), grid);
                run.noise(noise).start_normal(2).run().map(drop)
            });
        }
    }
    sweep.finish(4000);
}

#[test]
fn orders_counts_and_shapes_are_refused_or_used() {
    let mut sweep = Sweep::default();
    let table = LevelTable::linear(10).unwrap();
    let vp = Process::vp(table.clone());
    for size in SIZES {
        let named = |what: &str| format!("{what} {size}");
        sweep.call(named("deis"), || Deis::new(size));
        sweep.call(named("er-sde"), || ErSde::new(size, NoiseFunction::Ddpm));
        sweep.call(named("unipc"), || UniPc::new(size, Variant::Bh2));
        sweep.call(named("sde"), || SdeDpm::new(size, 1.0, TwoNodes::Midpoint));
        sweep.call(named("sa"), || SaSolver::new(size, size, Tau::constant(1.0)?));
        sweep.call(named("window"), || Window::new(size));
        sweep.call(named("rounded"), || {
            Rounded::<f64, _>::new(DiffusedMixture::new(mixture()), size).map(drop)
        });
        sweep.call(named("repaint"), || Inpainting::repaint(size, size));
        sweep.call(named("leapfrogs"), || {
            Malt::new(Underdamped::new(1.0, 1.0)?).with_leapfrogs(size)
        });
        sweep.call(named("switch"), || {
            let one = EulerMaruyama::new(Overdamped);
            Switch::new(one, one, size.min(u32::MAX as usize) as u32)
        });
        sweep.call(named("dpm"), || DpmSolver::new(table.clone(), vec![size, 0]));
        sweep.call(named("steps"), || Steps::of(&table, &[size.min(10), 0]));
        sweep.call(named("heun"), || Heun::with_churn(&table, &[size, 0], Churn::new(1.0)));
        sweep.call(named("dynamic shift"), || Flow::dynamic_shift(size));
        sweep.call(named("running"), || RunningMoments::variances(size.min(9)).map(drop));
        sweep.call(named("evaluations"), || {
            let method: Method = "ddim".parse()?;
            Ranking::new(&vp, &[method], &[size], &Spectrum::diagonal(vec![0.0], vec![1.0])?, None)
        });
        for options in 0..4 {
            sweep.call(format!("sampling {size} {options}"), || {
                let target = mixture();
                let sampling = Sampling::new(&target, 2).chains(16).steps(16);
                match options {
                    0 if !(17..1 << 30).contains(&size) => sampling.chains(size).run().map(drop),
                    1 if !(17..1 << 30).contains(&size) => sampling.steps(size).run().map(drop),
                    2 if size != 2 => Sampling::new(&target, size).run().map(drop),
                    _ => sampling.threads(size).run().map(drop),
                }
            });
            sweep.call(format!("run {size} {options}"), || {
                let grid = TimeGrid::uniform(0.1, 3)?;
                let run = Run::new(EulerMaruyama::new(Overdamped), mixture(), grid);
                let run = run.chains(3).start_normal(2);
                match options {
                    0 => run.first_step(size).run().map(drop),
                    1 => run.chunk(size).run().map(drop),
                    2 => run.threads(size).run().map(drop),
                    _ => run.resume_from(Array2::zeros((2, 2)), size).run().map(drop),
                }
            });
        }
    }
    for (rows, columns) in [(0, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 2)] {
        let named = |what: &str| format!("{what} {rows} {columns}");
        let a = Array2::<f64>::ones((rows, columns));
        let v = Array1::<f64>::ones(columns);
        sweep.call(named("dense"), || Scale::dense(v.view(), a.view()));
        sweep.call(named("triangular"), || Scale::triangular(v.view(), a.view()));
        sweep.call(named("diagonal"), || Scale::diagonal(v.view(), Array1::ones(rows).view()));
        sweep.call(named("gaussian"), || Start::<f64>::gaussian(v.clone(), a.view()).map(drop));
        sweep.call(named("spectrum"), || Spectrum::new(v.clone(), a.view()));
        sweep.call(named("spectrum of data"), || Spectrum::of_data(a.view()));
        sweep.call(named("calibration"), || {
            let data = Spectrum::diagonal(vec![0.0, 1.0], vec![1.0, 2.0])?;
            Calibration::new(&data, a.view(), a.view()).map(drop)
        });
        sweep.call(named("mixture"), || GaussianMixture::diagonal(a.view(), a.t()));
        sweep.call(named("full"), || {
            GaussianMixture::full(a.view(), Array3::ones((columns, rows, columns)).view())
        });
        sweep.call(named("logistic"), || LogisticRegression::new(a.view(), v.view(), 1.0));
        sweep.call(named("known"), || Known::new(vec![1.0; rows], vec![0.0; columns]));
        sweep.call(named("curvature"), || largest_curvature(&mixture(), a.view()));
        sweep.call(named("gradient"), || check_gradient(&mixture(), &vec![0.0; columns]));
        sweep.call(named("sampling"), || {
            let target = mixture();
            let sampling = Sampling::new(&target, 2).chains(16).steps(16).start(a.clone());
            sampling.run().map(drop)
        });
        sweep.call(named("resume"), || {
            let grid = TimeGrid::uniform(0.1, 3)?;
            let run = Run::new(EulerMaruyama::new(Overdamped), mixture(), grid);
            run.resume_from(a.clone(), 1).run().map(drop)
        });
        sweep.call(named("noised"), || {
            let plan = "ddim".parse::<Method>()?.plan(&vp, 5)?;
            plan.noised(a.view(), 0, u32::MAX).map(drop)
        });
    }
    sweep.call("no parts", || Samples::<f64>::join(Vec::new()).map(drop));
    sweep.call("no jumps", || {
        let one = EulerMaruyama::new(Overdamped);
        Jumps::new(one, one, Vec::new()).map(drop)
    });
    sweep.call("no levels", || Steps::new(Vec::new()));
    sweep.call("no spectrum", || Spectrum::diagonal(Vec::new(), Vec::new()));
    for schedule in [Schedule::Linear, Schedule::ScaledLinear, Schedule::Cosine] {
        sweep.call("between", || schedule.table_between(0, 0.1, 0.2));
    }
    sweep.finish(200);
}
