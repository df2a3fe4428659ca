//! Parts of a tuned run, each with some of the chains: joined, they are the run of one process.

use std::sync::Arc;
use std::thread;

use langevin::drift::Scale;
use langevin::ndarray::{Array2, array};
use langevin::posterior::{Outcome, Sampling, Tuned};
use langevin::prelude::*;
use langevin::ranks::seats;
use langevin::run::StateFile;

use crate::targets::banana;

fn same(found: &Outcome, whole: &Outcome, what: &str) {
    assert_eq!(found.draws, whole.draws, "{what}");
    assert_eq!(found.diagnosis, whole.diagnosis, "{what}");
    assert_eq!(found.tuned, whole.tuned, "{what}");
    assert_eq!(found.evaluations, whole.evaluations, "{what}");
    assert_eq!(found.to_string(), whole.to_string(), "{what}");
}

/// The parts as files on a disk, the last one first.
fn parts<'d, D: Drift<f64> + 'd>(
    sampling: impl Fn() -> Sampling<'d, D>,
    of: usize,
) -> Vec<StateFile<f64>> {
    let file = |part| {
        let mut bytes = Vec::new();
        sampling().part(part, of).unwrap().write(&mut bytes).unwrap();
        StateFile::read(&mut &bytes[..]).unwrap()
    };
    (0..of).rev().map(file).collect()
}

/// What every rank makes of a run, with so many of them.
fn on_ranks<'d, D: Drift<f64> + 'd>(
    sampling: impl Fn() -> Sampling<'d, D> + Sync,
    count: usize,
) -> Vec<Outcome> {
    thread::scope(|scope| {
        let run = |seat| scope.spawn(|| sampling().over(Arc::new(seat)).run().unwrap());
        let threads: Vec<_> = seats(count).into_iter().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// More parts than chains with a second run are among them.
#[test]
fn joined_parts_and_ranks_are_the_run_of_one_process() {
    let banana = banana();
    let center = array![0.0, 1.0];
    let scale = Scale::dense(center.view(), array![[1.0, 0.3], [0.3, 2.0]].view()).unwrap();
    let tuned = Tuned::new(scale, 0.3, 1.0).unwrap();
    let mixture = GaussianMixture::isotropic(array![[0.0, 1.0, -3.0]].view(), 2.0).unwrap();
    let wide = Tuned::plain(3, 0.9, 0.5).unwrap();
    let start = || Array2::from_shape_fn((20, 3), |(i, j)| (i * 3 + j) as f64 / 30.0);
    let coupled = || {
        let sampling = Sampling::new(&banana, 2).chains(37).steps(600).seed(3);
        sampling.tuned(tuned.clone()).names(["a", "b"])
    };
    let adjusted = || {
        let sampling = Sampling::new(&mixture, 3).chains(20).steps(61).start(start());
        sampling.tuned(wide.clone()).adjusted()
    };
    let wholes = [coupled().run().unwrap(), adjusted().run().unwrap()];
    for of in [1, 2, 5, 20] {
        let found = adjusted().join(parts(adjusted, of)).unwrap();
        same(&found, &wholes[1], &format!("adjusted, {of}"));
    }
    for of in [1, 2, 5, 37] {
        let found = coupled().join(parts(coupled, of)).unwrap();
        same(&found, &wholes[0], &format!("coupled, {of}"));
    }
    for count in [2, 4] {
        for found in on_ranks(adjusted, count) {
            same(&found, &wholes[1], &format!("adjusted, {count} ranks"));
        }
        for found in on_ranks(coupled, count) {
            same(&found, &wholes[0], &format!("coupled, {count} ranks"));
        }
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let banana = banana();
    let tuned = |step| Tuned::plain(2, step, 1.0).unwrap();
    let plain = || Sampling::new(&banana, 2).chains(20).steps(20).tuned(tuned(0.3));
    let start = Array2::from_elem((20, 2), 0.5);
    let refused = |parts, said: &str| {
        let error = plain().join(parts).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    for (other, said) in [
        (plain().seed(4), "seed: the part from chain 0 on has 4, expected 0"),
        (plain().steps(30), "steps: the part from chain 0 on has 30, expected 20"),
        (plain().chains(21), "chains: the part from chain 0 on has 21, expected 20"),
        (plain().tuned(tuned(0.2)), "hash of the tuned settings"),
        (plain().start(start), "hash of the start"),
    ] {
        refused(vec![other.part(0, 1).unwrap()], said);
    }
    let part = |part, of| plain().part(part, of).unwrap();
    refused(vec![], "expected 20 of them");
    refused(vec![part(0, 2)], "chains end at 10, expected 20 of them");
    refused(vec![part(1, 2)], "a part begins at chain 10, expected 0");
    refused(vec![part(0, 2), part(0, 2), part(1, 2)], "a part begins at chain 0, expected 10");
    let mut bare = part(0, 1);
    bare.observers = None;
    refused(vec![bare], "it is not of a part of a posterior");
    let mut cut = part(0, 1);
    for saved in cut.observers.iter_mut().flatten().flatten() {
        saved.truncate(saved.len() - 8);
    }
    refused(vec![cut], "ends too early");
    // What no run writes does not become draws.
    let mut wider = part(0, 1);
    let mixture = GaussianMixture::isotropic(array![[0.0, 1.0, -3.0]].view(), 2.0).unwrap();
    let other = Sampling::new(&mixture, 3).chains(20).steps(20);
    let other = other.tuned(Tuned::plain(3, 0.3, 1.0).unwrap()).part(0, 1).unwrap();
    wider.samples = other.samples;
    refused(vec![wider], "the draws from chain 0 on are not complete");
    // Parts of 21, 21 and 22 chains, of which 10, 11 and 11 have a second run.
    let uneven = || plain().chains(64);
    let mut files: Vec<_> = (0..3).map(|part| uneven().part(part, 3).unwrap()).collect();
    files[1].observers = files[0].observers.clone();
    let error = uneven().join(files).unwrap_err().to_string();
    assert!(error.contains("31 chains have a second run, expected 32"), "{error}");
    let error = |result: Result<StateFile<f64>>| result.unwrap_err().to_string();
    assert!(error(plain().part(2, 2)).contains("part: given 2"));
    assert!(error(plain().part(0, 21)).contains("parts: given 21"));
    let untuned = Sampling::new(&banana, 2);
    assert!(error(untuned.part(0, 2)).contains("a run in parts"));
}

/// A gradient that is not finite is told with the number of its chain among all.
#[test]
fn errors_have_the_numbers_of_the_whole_run() {
    let fails = PerRow::new(1, |_, x: &[f64], out: &mut [f64]| {
        out[0] = if x[0] == 15.0 { f64::NAN } else { -x[0] };
    });
    let start = Array2::from_shape_fn((20, 1), |(i, _)| i as f64);
    let tuned = Tuned::plain(1, 0.3, 1.0).unwrap();
    let sampling = || Sampling::new(&fails, 1).chains(20).tuned(tuned.clone()).start(start.clone());
    sampling().steps(16).part(0, 2).unwrap();
    let whole = sampling().run().unwrap_err().to_string();
    assert!(whole.contains("row 15"), "{whole}");
    assert_eq!(sampling().part(1, 2).unwrap_err().to_string(), whole);
}
