//! Parts of a run, each with some of its chains, joined to the last bit.

use langevin::catalog::{self, Options};
use langevin::ndarray::{Array2, array};
use langevin::prelude::*;
use langevin::run::{Settings, StateFile};

/// One of the parts: its first chain and its chains.
fn cuts(chains: usize, parts: usize) -> Vec<[usize; 2]> {
    let cut = |part: usize| chains * part / parts;
    (0..parts).map(|part| [cut(part), cut(part + 1) - cut(part)]).collect()
}

fn every() -> Every {
    Every::new(2).unwrap().after(3).with_end(20)
}

fn joins<F: Real>(dynamics: &str, method: &str, options: &Options) {
    let target = GaussianMixture::isotropic(array![[0.5, -1.0]].view(), 0.8).unwrap();
    let sampler = catalog::sampler::<F>(dynamics, method, options).unwrap();
    let grid = TimeGrid::uniform(0.3, 20).unwrap();
    macro_rules! run {
        () => {
            Run::<F>::with_precision(&*sampler, &target, grid.clone()).seed(5)
        };
    }
    let mut moments = MomentsObserver::new(every());
    let mut trace = Trace::<F>::new(every()).with_momenta();
    let whole = run!().chains(23).observe(&mut moments).observe(&mut trace).run().unwrap();
    for parts in [1, 2, 5, 23] {
        let mut all = Vec::new();
        let mut joined = MomentsObserver::new(every());
        let mut joined_trace = Trace::<F>::new(every()).with_momenta();
        for [first, chains] in cuts(23, parts) {
            let mut own = MomentsObserver::new(every());
            let mut own_trace = Trace::<F>::new(every()).with_momenta();
            let part = run!().chains(chains).first_chain(first as u32).as_part();
            let part = part.observe(&mut own).observe(&mut own_trace).run().unwrap();
            // Through a file, as parts come.
            let mut file = Vec::new();
            part.write_state(&Settings::new(), &mut file).unwrap();
            all.push(StateFile::<F>::read(&mut &file[..]).unwrap().samples);
            if first == 0 {
                joined = own;
                joined_trace = own_trace;
            } else {
                joined.append(own).unwrap();
                joined_trace.append(own_trace).unwrap();
            }
        }
        all.reverse();
        assert_eq!(Samples::join(all).unwrap(), whole, "{method} in {parts}");
        assert_eq!(joined.mean(), moments.mean());
        assert_eq!(joined.covariance(), moments.covariance());
        assert_eq!(joined_trace.positions(), trace.positions());
        assert_eq!(joined_trace.momenta(), trace.momenta());
    }
}

/// The batched calls of `pmm1` and of a tolerance differ from chain to chain.
#[test]
fn parts_are_the_whole() {
    let options = Options::default();
    let tolerant = Options::default().with("rounds", "6").unwrap();
    let tolerant = tolerant.with("tolerance", "1e-4").unwrap().with("windows", "4").unwrap();
    for (dynamics, method, options) in [
        ("overdamped", "em", &options),
        ("underdamped", "pmm1", &options),
        ("underdamped", "rm", &tolerant),
        ("overdamped", "mala", &options),
    ] {
        joins::<f64>(dynamics, method, options);
        joins::<f32>(dynamics, method, options);
    }
}

#[test]
fn parts_of_two_runs_are_refused() {
    let target = GaussianMixture::isotropic(array![[0.5]].view(), 0.8).unwrap();
    let run = |steps, first: u32, seed| {
        let grid = TimeGrid::uniform(0.1, steps).unwrap();
        let run = Run::new(EulerMaruyama::new(Overdamped), &target, grid).chains(2).seed(seed);
        run.first_chain(first).as_part().run().unwrap()
    };
    let message = |parts: Vec<Samples<f64>>| Samples::join(parts).unwrap_err().to_string();
    let start = run(5, 0, 1);
    let found = message(vec![start.clone(), run(5, 3, 1)]);
    assert_eq!(
        found,
        "state file: the parts do not belong together: chain 2 should come next, but chain 3 does"
    );
    let found = message(vec![start.clone(), start.clone()]);
    assert!(found.ends_with("chain 2 should come next, but chain 0 does"), "{found}");
    let found = message(vec![start.clone(), run(5, 2, 9)]);
    assert!(found.ends_with("seed: 1 from chain 0, but 9 from chain 2"), "{found}");
    assert!(message(vec![start.clone(), run(6, 2, 1)]).ends_with("at different steps"));
    assert!(message(Vec::new()).ends_with("there are none"));
    let grid = TimeGrid::uniform(0.1, 5).unwrap();
    let sampler = EulerMaruyama::new(Overdamped);
    let plain = Run::new(sampler, &target, grid).chains(2).run().unwrap();
    assert!(message(vec![plain.clone()]).contains("no record of its calls"));
    let grid = TimeGrid::uniform(0.1, 9).unwrap();
    let more = Run::new(sampler, &target, grid).resume(&plain).as_part().run().unwrap_err();
    assert!(more.to_string().ends_with("the run to resume was not run as a part"));
    // Sums over all chains cannot be taken apart.
    let wide = GaussianMixture::isotropic(Array2::zeros((1, 9)).view(), 0.8).unwrap();
    let mut one = MomentsObserver::full(Every::new(1).unwrap());
    let grid = TimeGrid::uniform(0.1, 5).unwrap();
    Run::new(sampler, &wide, grid).chains(2).observe(&mut one).run().unwrap();
    let error = one.append(one.clone()).unwrap_err().to_string();
    assert!(error.contains("sums over all chains"), "{error}");
}
