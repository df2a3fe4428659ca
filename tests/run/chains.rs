//! Drifts and models that differ between chains: chain k of one run has the bits of chain k of a
//! run in which all chains have its condition.

use langevin::diffusion::{Guided, ProcessKind, Window};
use langevin::ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use langevin::prelude::*;

use crate::support::MANY;
use crate::support::samplers::{cheap_and_costly, is_adjusted, samplers};

/// −(x − c) with a c for each chain: c = chain − 3.
fn each<F: Real>() -> impl Drift<F> {
    PerChain::new(2, |chains, _times, x: ArrayView2<'_, F>, mut out: ArrayViewMut2<'_, F>| {
        for (row, chain) in chains.iter().enumerate() {
            let c = F::from_f64(f64::from(*chain) - 3.0);
            (0..2).for_each(|j| out[[row, j]] = c - x[[row, j]]);
        }
        Ok(())
    })
}

/// The same with one c for all.
fn shared<F: Real>(chain: u32) -> impl Drift<F> {
    Batched::new(2, move |_times, x: ArrayView2<'_, F>, mut out: ArrayViewMut2<'_, F>| {
        let c = F::from_f64(f64::from(chain) - 3.0);
        out.zip_mut_with(&x, |b, x| *b = c - *x);
        Ok(())
    })
}

fn check_sampler<F: Real>(name: &str, sampler: &dyn Sampler<F>) {
    let grid = TimeGrid::uniform(0.1, 12).unwrap();
    let run = |drift: &dyn Drift<F>, chunk: usize, threads: usize| {
        let run = Run::with_precision(sampler, drift, grid.clone()).start_normal(2).chains(9);
        run.seed(4).chunk(chunk).threads(threads).run().unwrap().state
    };
    let all = run(&each::<F>(), 9, 1);
    assert_eq!(run(&each::<F>(), 2, MANY), all, "{name}");
    for chain in 0..9 {
        let own = run(&shared::<F>(chain), 9, 1);
        let row = chain as usize;
        assert_eq!(all.row(row), own.row(row), "{name}, chain {chain}");
    }
    let part = Run::with_precision(sampler, each::<F>(), grid.clone()).start_normal(2).chains(4);
    let part = part.seed(4).first_chain(5).run().unwrap().state;
    assert_eq!(part, all.slice(s![5.., ..]), "{name}");
}

#[test]
fn every_sampler_tells_the_chains() {
    // MALA and MALT need a log density, which these have not.
    for (name, sampler) in samplers::<f64>(cheap_and_costly) {
        if !is_adjusted(&name) {
            check_sampler(&name, &*sampler);
        }
    }
    for (name, sampler) in samplers::<f32>(cheap_and_costly) {
        if !is_adjusted(&name) {
            check_sampler(&name, &*sampler);
        }
    }
}

/// Data that are one point, another one for each chain; `chain` is none for that of each chain.
struct Point {
    chain: Option<u32>,
}

impl Point {
    fn at(chain: u32) -> f64 {
        f64::from(chain) / 4.0 - 1.0
    }

    fn write<F: Real>(point: impl Fn(usize) -> f64, mut out: ArrayViewMut2<'_, F>) {
        for (row, mut out) in out.rows_mut().into_iter().enumerate() {
            out.fill(F::from_f64(point(row)));
        }
    }
}

impl<F: Real> Denoiser<F> for Point {
    fn prediction(&self) -> Prediction {
        Prediction::Data
    }

    fn predict(
        &self,
        _: langevin::diffusion::Levels<'_>,
        _: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> std::result::Result<(), BoxError> {
        let Some(chain) = self.chain else { return Err("no chains are told".into()) };
        Self::write(|_| Self::at(chain), out);
        Ok(())
    }

    fn predict_chains(
        &self,
        chains: &[u32],
        levels: langevin::diffusion::Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> std::result::Result<(), BoxError> {
        if self.chain.is_some() {
            return self.predict(levels, x, out);
        }
        assert_eq!(chains.len(), x.nrows());
        Self::write(|row| Self::at(chains[row]), out);
        Ok(())
    }
}

fn process(kind: ProcessKind) -> Process {
    Process::with_options(kind, []).unwrap()
}

#[test]
fn every_generation_method_tells_the_chains() {
    for kind in ProcessKind::ALL {
        for method in Method::on(kind) {
            let budget = if method.name() == "pc-parallel" { 400 } else { 60 };
            let plan = method.plan(&process(kind), budget).unwrap();
            check_plan(&format!("{kind} {method}"), &plan);
        }
    }
    let plan = "rm:windows=3:rounds=2:tolerance=1e-3".parse::<Method>().unwrap();
    check_plan("tolerance", &plan.plan(&process(ProcessKind::Vp), 60).unwrap());
    let plan = Method::named("ddpm").unwrap().plan(&process(ProcessKind::Vp), 60).unwrap();
    check_plan("windows", &plan.windowed(Window::new(7).unwrap()).unwrap());
}

fn check_plan(name: &str, plan: &Plan) {
    let run = |chain: Option<u32>, chunk: usize| {
        let run = plan.run(Point { chain }).unwrap().start_normal(2).chains(5).seed(9);
        run.chunk(chunk).threads(MANY).run().unwrap().state
    };
    let all = run(None, 5);
    assert_eq!(run(None, 2), all, "{name}");
    for chain in 0..5 {
        let row = chain as usize;
        assert_eq!(all.row(row), run(Some(chain), 5).row(row), "{name}, chain {chain}");
    }
}

/// Models around others pass the chains on.
#[test]
fn wrappers_tell_the_chains() {
    let plan = Method::named("heun").unwrap().plan(&process(ProcessKind::Vp), 30).unwrap();
    let state = |run: Run<'_, f64>| run.start_normal(2).chains(5).seed(9).run().unwrap().state;
    let differ = |state: Array2<f64>| assert_ne!(state.row(0), state.row(4));
    let each = || Point { chain: None };
    let one = || Point { chain: Some(1) };
    differ(state(plan.run(langevin::diffusion::Rounded::new(each(), 20).unwrap()).unwrap()));
    differ(state(plan.run(Box::new(each())).unwrap()));
    let guided = Guided::<f64, _, _>::models(each(), one(), 2.0).unwrap();
    differ(state(plan.run(&guided).unwrap()));
    let guided = guided.in_interval([1e-4, 3.0]).unwrap();
    differ(state(plan.run(&guided).unwrap()));
    let guided = Guided::<f64, _, _>::models(one(), each(), 2.0).unwrap();
    differ(state(plan.run(guided.in_interval([1e-4, 3.0]).unwrap()).unwrap()));
    let rm = Method::named("rm").unwrap().plan(&process(ProcessKind::Vp), 30).unwrap();
    let guided = Guided::<f64, _, _>::models(one(), each(), 2.0).unwrap();
    differ(state(rm.run(guided.in_interval([1e-4, 3.0]).unwrap()).unwrap()));
    let known = langevin::diffusion::Known::new(vec![1.0, 0.0], vec![0.5, 0.0]).unwrap();
    let way = langevin::diffusion::Inpainting::Projection;
    differ(state(plan.inpainted(known, way).unwrap().run(each()).unwrap()));
    let grid = TimeGrid::uniform(0.1, 5).unwrap();
    let sampler = EulerMaruyama::new(Overdamped);
    for drift in [
        Box::new(langevin::drift::Counted::new(self::each::<f64>())) as Box<dyn Drift<f64>>,
        Box::new(Guided::drifts(self::each::<f64>(), shared(0), 2.0).unwrap()),
    ] {
        differ(state(Run::new(sampler, drift, grid.clone())));
    }
}

/// A drift that wants large calls gets all chains in each of them, with the same bits.
#[test]
fn large_calls_have_all_chains() {
    struct Large<D>(D);
    impl<D: Drift<f64>> Drift<f64> for Large<D> {
        fn eval(
            &self,
            times: Times<'_>,
            x: ArrayView2<'_, f64>,
            out: ArrayViewMut2<'_, f64>,
        ) -> std::result::Result<(), BoxError> {
            self.0.eval(times, x, out)
        }

        fn columns(&self) -> Option<usize> {
            Some(2)
        }

        fn batch(&self) -> Option<usize> {
            Some(64)
        }
    }
    let grid = TimeGrid::uniform(0.1, 5).unwrap();
    let sampler = EulerMaruyama::new(Overdamped);
    let count = |wants: bool| {
        let drift = langevin::drift::Counted::new(shared::<f64>(2));
        let large = Large(&drift);
        let run = |drift: &dyn Drift<f64>| {
            Run::new(sampler, drift, grid.clone()).chains(700).run().unwrap().state
        };
        let state = if wants { run(&large) } else { run(&drift) };
        (drift.calls(), state)
    };
    let (calls, state) = count(true);
    assert_eq!(calls, 5);
    let (more, same) = count(false);
    assert!(more > 5 && same == state);
}

/// A loop of one's own is told the chain of every row.
#[test]
fn questions_tell_the_chains() {
    let grid = TimeGrid::uniform(0.1, 6).unwrap();
    for (name, sampler) in samplers::<f64>(cheap_and_costly) {
        if is_adjusted(&name) {
            continue;
        }
        let run = Run::new(&*sampler, each::<f64>(), grid.clone());
        let usual = run.start_normal(2).chains(5).first_chain(3).seed(4).run().unwrap();
        let run = Run::asking(&*sampler, grid.clone()).start_normal(2).chains(5);
        let mut stepper = run.first_chain(3).seed(4).stepper().unwrap();
        while let Some(query) = stepper.ask().unwrap() {
            let mut answer = Array2::zeros(query.rows().dim());
            let drift = each::<f64>();
            drift
                .eval_chains(query.chains(), query.times(), query.rows(), answer.view_mut())
                .unwrap();
            stepper.tell(answer.view()).unwrap();
        }
        assert_eq!(stepper.samples().state, usual.state, "{name}");
    }
}
