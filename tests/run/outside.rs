//! A run driven from outside is the run itself, bit for bit, for every sampler.

use langevin::advanced::instruction_set;
use langevin::ndarray::{Array2, array};
use langevin::prelude::*;
use langevin::run::{Stepper, Wanted};

use crate::reproducible::variants;
use crate::support::samplers::samplers;
use crate::support::{hash, three_modes};

/// Answers all questions of a stepper by this target.
fn drive<F: Real>(stepper: &mut Stepper<'_, F>, target: &GaussianMixture) -> u64 {
    let mut questions = 0;
    while let Some(query) = stepper.ask().unwrap() {
        questions += 1;
        if query.wanted() == Wanted::LogDensity {
            let mut density = vec![0.0; query.rows().nrows()];
            LogDensity::log_density(target, query.rows(), &mut density).unwrap();
            stepper.tell_density(&density).unwrap();
            continue;
        }
        // Row-major on purpose: an answer may have any layout.
        let mut answer = Array2::zeros(query.rows().dim());
        Drift::eval(target, query.times(), query.rows(), answer.view_mut()).unwrap();
        stepper.tell(answer.view()).unwrap();
    }
    questions
}

fn check<F: Real>() {
    let target = three_modes();
    let grid = TimeGrid::uniform(0.15, 12).unwrap();
    for (name, sampler) in samplers::<F>(variants) {
        let usual = Run::with_precision(&*sampler, &target, grid.clone());
        let usual = usual.chains(23).first_chain(5).seed(11).run().unwrap();
        let run = Run::asking(&*sampler, grid.clone()).start_normal(3).chains(23);
        let mut stepper = run.first_chain(5).seed(11).stepper().unwrap();
        let questions = drive(&mut stepper, &target);
        let found = stepper.samples();
        assert!(questions >= 12, "{name}: {questions}");
        assert_eq!(hash(&found.state), hash(&usual.state), "{name}");
        assert_eq!(found, usual, "{name}");
    }
}

#[test]
fn a_run_driven_from_outside_is_the_run_in_f64() {
    instruction_set().unwrap();
    check::<f64>();
}

#[test]
fn a_run_driven_from_outside_is_the_run_in_f32() {
    check::<f32>();
}

/// Questions are those of the calls of a run: as many rows as it has evaluations.
#[test]
fn questions_are_asked_once_and_cuts_change_nothing() {
    let target = three_modes();
    let sampler = RandomizedMidpoint::new(Underdamped::new(2.0, 1.0).unwrap());
    let grid = TimeGrid::uniform(0.1, 10).unwrap();
    let run = || Run::<f64>::asking(sampler, grid.clone()).start_normal(3).chains(7).seed(3);
    let mut whole = run().stepper().unwrap();
    assert_eq!(drive(&mut whole, &target), whole.samples().cost.batched_calls);
    let mut first = run().stepper().unwrap();
    while first.steps() < 4 {
        let query = first.ask().unwrap().unwrap();
        let rows = query.rows().to_owned();
        // Asked again, it is the same question.
        assert_eq!(first.ask().unwrap().unwrap().rows(), rows);
        let mut answer = Array2::zeros(rows.dim());
        Drift::eval(&target, Times::Shared(0.0), rows.view(), answer.view_mut()).unwrap();
        first.tell(answer.view()).unwrap();
    }
    let half = first.samples();
    let mut rest = Run::<f64>::asking(sampler, grid.clone()).resume(&half).stepper().unwrap();
    drive(&mut rest, &target);
    assert_eq!(rest.samples().state, whole.samples().state);
    assert!(whole.ask().unwrap().is_none());
}

#[test]
fn wrong_answers_are_errors_and_leave_the_question_open() {
    let grid = TimeGrid::uniform(0.1, 2).unwrap();
    let mut stepper = Run::asking(EulerMaruyama::new(Overdamped), grid.clone())
        .start(array![[0.0, 1.0], [2.0, 3.0]])
        .stepper()
        .unwrap();
    let right = Array2::<f64>::zeros((2, 2));
    let message = |result: Result<()>| result.unwrap_err().to_string();
    let error = message(stepper.tell(right.view()));
    assert_eq!(error, "tell: given `an answer`, expected a question first: call ask");
    stepper.ask().unwrap().unwrap();
    let error = message(stepper.tell(Array2::zeros((2, 3)).view()));
    assert_eq!(error, "answer: given shape (2, 3), expected (2, 2), the shape of the question");
    let mut bad = right.clone();
    bad[[1, 0]] = f64::NAN;
    let error = message(stepper.tell(bad.view()));
    assert_eq!(error, "answer: the number in row 1, column 0 is not finite");
    let error = message(stepper.tell_density(&[0.0; 2]));
    assert!(error.contains("expected the drift at every row: tell"), "{error}");
    stepper.tell(right.view()).unwrap();
    stepper.ask().unwrap().unwrap();
    assert_eq!(stepper.steps(), 1);
    stepper.tell(right.view()).unwrap();
    assert!(stepper.ask().unwrap().is_none());

    // An answer that makes a chain overflow. The step is not taken.
    let long = TimeGrid::uniform(2.0, 1).unwrap();
    let run = Run::asking(EulerMaruyama::new(Overdamped), long).start([0.0, 1.0]);
    let mut stepper = run.stepper().unwrap();
    stepper.ask().unwrap().unwrap();
    stepper.tell(Array2::from_elem((1, 2), 1.7e308).view()).unwrap();
    for _ in 0..2 {
        let error = stepper.ask().unwrap_err();
        assert!(matches!(error, Error::Diverged { chain: 0, step: 1, .. }), "{error}");
        assert_eq!(stepper.steps(), 0);
    }

    let mut mala = Run::<f64>::asking(Mala::new(), grid.clone()).start_normal(2).stepper().unwrap();
    let mut densities = 0;
    while let Some(query) = mala.ask().unwrap() {
        if query.wanted() == Wanted::Drift {
            let answer = query.rows().mapv(|x: f64| -x);
            mala.tell(answer.view()).unwrap();
            continue;
        }
        let answer = query.rows().to_owned();
        let error = message(mala.tell(answer.view()));
        assert!(error.contains("one log density for every row"), "{error}");
        assert!(message(mala.tell_density(&[0.0; 2])).contains("expected 1, one for every row"));
        assert!(message(mala.tell_density(&[f64::NAN])).contains("not finite"));
        mala.tell_density(&[0.0]).unwrap();
        densities += 1;
    }
    assert_eq!(densities, 4);

    let run = || Run::<f64>::asking(EulerMaruyama::new(Overdamped), grid.clone()).start_normal(1);
    let error = run().non_finite(NonFinite::Freeze).stepper().unwrap_err().to_string();
    assert!(error.starts_with("non_finite freeze is not an option of a stepper"), "{error}");
    let error = run().run().unwrap_err().to_string();
    assert!(error.contains("drive it by Run::stepper"), "{error}");
    let error = Run::<f64>::asking(EulerMaruyama::new(Overdamped), grid.clone()).stepper();
    assert!(matches!(error.unwrap_err(), Error::NoDimension));
}
