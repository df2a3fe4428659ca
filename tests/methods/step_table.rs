//! The table of a plan gives the numbers of its run, for every method that has one.

use langevin::diffusion::{Evaluation, Face, Faced, Factor, Level, ProcessKind, StepTable, Window};
use langevin::ndarray::{Array2, ArrayView2};
use langevin::prelude::*;

use crate::outside::{Network, process, variants, velocity};
use crate::support::table::interpret;
use crate::support::{phase, planned};

const SHAPE: [usize; 2] = [5, 2];

fn level(sigma: Option<f64>) -> Level {
    sigma.map_or(Level::PURE_NOISE, |sigma| Level::from_sigma(sigma).unwrap())
}

/// Compares the table with a run of the plan. Returns false if the plan has none.
fn check(name: &str, plan: &Plan) -> bool {
    let table = match plan.step_table(Prediction::Velocity) {
        Ok(table) => table,
        Err(Error::NotProbeable { .. }) => return false,
        Err(other) => panic!("{name}: {other}"),
    };
    let [chains, dim] = SHAPE;
    let run = plan.run(Network).unwrap().start_normal(dim).chains(chains).seed(5);
    let usual = run.run().unwrap();
    let found = interpret(&table, SHAPE, 5, |evaluation, x| {
        let level = level(evaluation.sigma);
        x.mapv(|x| velocity(level, x))
    });
    let scale = usual.state.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
    for (a, b) in found.iter().zip(&usual.state) {
        assert!((a - b).abs() < 1e-12 * scale, "{name}: {a} {b}");
    }
    if table.steps.iter().all(|row| !row.coin) {
        let found = driven(&table, |evaluation, x| {
            let level = level(evaluation.sigma);
            x.mapv(|x| velocity(level, x))
        });
        for (a, b) in found.iter().zip(usual.positions()) {
            assert!((a - b).abs() < 1e-12 * scale, "{name}, driven: {a} {b}");
        }
    } else {
        let error = table.stepper::<f64>(chains, dim, 5).unwrap_err().to_string();
        assert!(error.contains("drive other plans by Plan::stepper"), "{error}");
    }
    true
}

/// The positions of a table that is driven by a model. Answers have both layouts.
fn driven(
    table: &StepTable,
    model: impl Fn(&Evaluation, &Array2<f64>) -> Array2<f64>,
) -> Array2<f64> {
    let [chains, dim] = SHAPE;
    let mut stepper = table.stepper::<f64>(chains, dim, 5).unwrap();
    let mut asked = 0;
    while let Some(query) = stepper.ask().unwrap() {
        let answer = model(query.evaluation(), &query.rows().to_owned());
        let by_columns = answer.t().as_standard_layout().into_owned().reversed_axes();
        stepper.tell(if asked % 3 == 0 { by_columns.view() } else { answer.view() }).unwrap();
        asked += 1;
    }
    assert_eq!(stepper.steps(), table.steps.len());
    stepper.state().to_owned()
}

#[test]
fn the_table_gives_the_numbers_of_the_run() {
    let mut tables = 0;
    for kind in ProcessKind::ALL {
        for method in Method::on(kind) {
            for variant in variants(&method, kind) {
                let least = variant.least_evaluations(&process(kind)).unwrap_or(0);
                let plan = match variant.plan(&process(kind), least.max(20)) {
                    Ok(plan) => plan,
                    Err(Error::TooFew { needed, .. }) => {
                        variant.plan(&process(kind), needed).unwrap()
                    }
                    Err(_) if kind == ProcessKind::Flow => continue,
                    Err(other) => panic!("{variant} on {kind}: {other}"),
                };
                let without =
                    ["rm", "pc", "pmm1"].iter().any(|name| method.name().starts_with(name));
                let found = check(&format!("{variant} on {kind}"), &plan);
                assert_eq!(found, !without, "{variant} on {kind}");
                tables += usize::from(found);
            }
        }
    }
    assert!(tables > 250, "{tables}");
}

/// A model of position and momentum together reads and writes two blocks.
#[test]
fn joint_models_have_tables() {
    let network = |x: &Array2<f64>| {
        Array2::from_shape_fn(x.dim(), |(i, j)| {
            0.4 * x[[i, j]] - 0.1 * x[[i, (j + 2) % 4]] + 0.05 * (2.0 * x[[i, j]]).sin()
        })
    };
    struct Joint<N>(N);
    impl<N: Fn(&Array2<f64>) -> Array2<f64> + Send + Sync> Denoiser<f64> for Joint<N> {
        fn prediction(&self) -> Prediction {
            Prediction::JointEpsilon(Factor::Lower)
        }

        fn predict(
            &self,
            _: langevin::diffusion::Levels<'_>,
            x: ArrayView2<'_, f64>,
            mut out: langevin::ndarray::ArrayViewMut2<'_, f64>,
        ) -> std::result::Result<(), BoxError> {
            out.assign(&(self.0)(&x.to_owned()));
            Ok(())
        }
    }
    for name in ["em", "sscs", "oba", "robab", "rbao", "pmm2"] {
        let plan = Method::named(name).unwrap().plan(&phase::process(), 25).unwrap();
        let table = plan.step_table(Prediction::JointEpsilon(Factor::Lower)).unwrap();
        assert_eq!((table.blocks >= 2, table.model_blocks), (true, 2), "{name}");
        let run = plan.run(Joint(network)).unwrap().start_normal(2).chains(5).seed(5);
        let usual = run.run().unwrap();
        let found = interpret(&table, SHAPE, 5, |_, x| network(x));
        for (a, b) in found.iter().zip(&usual.state) {
            assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{name}: {a} {b}");
        }
        if name != "pmm2" {
            for (a, b) in driven(&table, |_, x| network(x)).iter().zip(usual.positions()) {
                assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{name}, driven: {a} {b}");
            }
        }
    }
}

/// What is wrong is said, and the question stays open.
#[test]
fn a_driven_table_refuses_what_does_not_fit() {
    let plan = planned("ddim", 1000, 5);
    let table = plan.step_table(Prediction::Epsilon).unwrap();
    let start = Array2::from_shape_fn((3, 4), |(i, j)| (i * 4 + j) as f32);
    assert!(table.stepper::<f32>(0, 4, 0).is_err());
    assert!(table.stepper::<f32>(3, 0, 0).is_err());
    assert!(table.stepper::<f32>(u32::MAX as usize, 1 << 31, 0).is_err());
    assert!(table.stepper_at(start.mapv(|x| x / 0.0).view(), 0).is_err());
    let mut stepper = table.stepper_at(start.view(), 0).unwrap();
    assert!(stepper.tell(start.view()).unwrap_err().to_string().contains("ask"));
    assert_eq!(stepper.ask().unwrap().unwrap().rows(), start);
    let mut bad = start.clone();
    bad[[2, 1]] = f32::NAN;
    let error = stepper.tell(bad.view()).unwrap_err();
    assert!(matches!(error, Error::NonFinite { what: "answer", row: 2, column: 1 }), "{error}");
    assert!(matches!(stepper.tell(start.t()).unwrap_err(), Error::Shape { .. }));
    let query = stepper.ask().unwrap().unwrap();
    assert_eq!((query.rows(), query.evaluation().number), (start.view(), 999.0));
    assert_eq!(stepper.steps(), 0);
    // An answer whose step overflows.
    let error = stepper.tell(Array2::from_elem((3, 4), f32::MAX).view()).unwrap_err();
    assert!(matches!(error, Error::NonFinite { row: 0, column: 0, .. }), "{error}");
}

/// With a face the input has the scale of the network, and the number is its own.
#[test]
fn the_table_of_a_face_has_its_input_scale() {
    let face = Face::edm(0.5);
    let plan = "dpmpp2m".parse::<Method>().unwrap();
    let plan = plan.plan(&Process::edm([0.002, 80.0]).unwrap(), 12).unwrap();
    let table = plan.step_table(face).unwrap();
    let first = &table.steps[0].outcomes[0].evaluations[0];
    assert!((first.number - 0.25 * 80f64.ln()).abs() < 1e-12);
    let y = level(first.sigma);
    assert!((first.input[0].state[0] - face.input.factor(y)).abs() < 1e-15);
    let network = |number: f64, x: f64| 0.3 * x - 0.1 * number + 0.05 * (2.0 * x).sin();
    let inside = Batched::any(move |times: Times<'_>, x: ArrayView2<'_, f64>, mut out| {
        for ((row, column), v) in out.indexed_iter_mut() {
            *v = network(times.at(row), x[[row, column]]);
        }
        Ok(())
    });
    let run = plan.run(Faced::new(face, inside)).unwrap().start_normal(2).chains(5).seed(5);
    let usual = run.run().unwrap();
    let found = interpret(&table, SHAPE, 5, |e, x| x.mapv(|x| network(e.number, x)));
    for (a, b) in found.iter().zip(&usual.state) {
        assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn tables_have_one_evaluation_or_the_substeps_of_a_poisson_midpoint() {
    let plan = planned("sde-dpmpp2m", 1000, 10);
    let table = plan.step_table(Prediction::Epsilon).unwrap();
    assert_eq!((table.blocks, table.steps.len(), table.start), (2, 10, vec![1.0, 0.0]));
    assert!(table.steps.iter().all(|row| row.outcomes[0].evaluations.len() == 1));
    assert_eq!(table.steps[0].outcomes[0].evaluations[0].number, 999.0);
    let plan = planned("pmm2:grid=equal", 1000, 20);
    let table = plan.step_table(Prediction::Epsilon).unwrap();
    let row = &table.steps[0];
    assert_eq!((row.coin, row.outcomes.len()), (true, plan.grid().interval(0).length as usize));
    let total: f64 = row.outcomes.iter().map(|outcome| outcome.probability).sum();
    assert!((total - 1.0).abs() < 1e-12);
    let counts: Vec<_> = row.outcomes.iter().map(|outcome| outcome.evaluations.len()).collect();
    assert_eq!((counts[0], counts[1]), (1, 2));
    // Sub-step 7 of the first step is timestep 999 − 7.
    assert_eq!(row.outcomes[7].evaluations[1].number, 992.0);
    let windowed = planned("ddim", 1000, 10).windowed(Window::new(4).unwrap()).unwrap();
    let error = windowed.step_table(Prediction::Epsilon).unwrap_err().to_string();
    assert!(error.contains("drive the plan by its stepper"), "{error}");
}
