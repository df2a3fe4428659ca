//! Conditions of networks from ONNX files: y_j = x_j + t + 2 c_j + 3 c_(j+3).

use langevin::diffusion::{Level, Levels};
use langevin::ndarray::{Array2, Axis};
use langevin::network::TrainedDenoiser;
use langevin::onnx::{NamedCondition, Names, OnnxEngine, OnnxLoader, OnnxNetwork};
use langevin::prelude::*;

use crate::made::{golden, some_rows};

const FILES: [&str; 3] = ["condition", "condition-shared", "condition-fixed"];

fn network(name: &str) -> OnnxNetwork {
    OnnxNetwork::load(golden(&format!("onnx/{name}.onnx"))).unwrap()
}

/// A row of conditions for each chain, all different.
fn rows(chains: usize) -> Array2<f32> {
    Array2::from_shape_fn((chains, 6), |(chain, j)| (chain * 7 + j * j) as f32 / 8.0 - 3.0)
}

fn level(process: &Process) -> Level {
    let Process::Vp(table) = process else { unreachable!() };
    table.level(500)
}

fn predict(model: &TrainedDenoiser<OnnxEngine>, chains: &[u32]) -> Array2<f64> {
    let x = some_rows(chains.len(), 3);
    let mut out = Array2::zeros(x.dim());
    let levels = Levels::Shared(level(model.process()));
    model.predict_chains(chains, levels, x.view(), out.view_mut()).unwrap();
    out
}

#[test]
fn every_chain_has_its_own_condition() {
    needs_engine!();
    for file in FILES {
        let model = network(file).denoiser().unwrap();
        let given = rows(40);
        let own = model.clone().with_condition("text", given.view()).unwrap();
        // Chains in any order, more than once.
        let chains: Vec<u32> = (0..40).map(|k| (k * 13 + k / 7) % 40).collect();
        let out = predict(&own, &chains);
        let x = some_rows(40, 3);
        for ((row, column), y) in out.indexed_iter() {
            let text = given.row(chains[row] as usize);
            let sum = 2.0 * text[column] + 3.0 * text[column + 3];
            let want = x[[row, column]] + 499.0 + f64::from(sum);
            assert!((y - want).abs() < 1e-3, "{file}, {row}: {y} {want}");
        }
        // The part from chain 30 on, and one condition for all.
        let part = given.slice_axis(Axis(0), (30..).into());
        let later = model.clone().with_condition_from(30, "text", part).unwrap();
        let some: Vec<u32> = (30..40).collect();
        assert_eq!(predict(&later, &some), predict(&own, &some), "{file}");
        let one = given.slice_axis(Axis(0), (33..34).into());
        let shared = model.with_condition("text", one).unwrap();
        assert_eq!(predict(&shared, &[33; 9]), predict(&own, &[33; 9]), "{file}");
    }
}

#[test]
fn runs_have_the_same_bits_in_any_chunks_and_threads() {
    needs_engine!();
    for file in FILES {
        let model = network(file).denoiser().unwrap();
        let own = model.clone().with_condition("text", (&rows(37) / 64.0).view()).unwrap();
        let plan = Method::named("pmm2m").unwrap().plan(own.process(), 8).unwrap();
        let run = || plan.run_in::<f64>(&own).unwrap().chains(37).seed(5);
        let whole = run().run().unwrap();
        for (chunk, threads) in [(1, 1), (7, 2), (64, 2)] {
            let other = run().chunk(chunk).threads(threads).run().unwrap();
            assert_eq!(whole.positions(), other.positions(), "{file}, {chunk}, {threads}");
        }
        let one = (&rows(37) / 64.0).slice_axis(Axis(0), (20..21).into()).to_owned();
        let shared = model.with_condition("text", one.view()).unwrap();
        let alone = plan.run_in::<f64>(&shared).unwrap().chains(37).seed(5).run().unwrap();
        assert_eq!(whole.positions().row(20), alone.positions().row(20), "{file}");
        assert_ne!(whole.positions().row(21), alone.positions().row(21), "{file}");
    }
}

/// Without a condition a row is filled by 0.5, and that is what guidance leads away from.
#[test]
fn no_condition_is_a_number() {
    needs_engine!();
    let model = network("condition").denoiser().unwrap();
    let filled = Array2::from_elem((1, 6), 0.5f32);
    let none = predict(&model, &[0, 1, 2]);
    let same = model.clone().with_condition("text", filled.view()).unwrap();
    assert_eq!(none, predict(&same, &[0, 1, 2]));
    let own = model.with_condition("text", rows(3).view()).unwrap();
    let towards = predict(&own, &[0, 1, 2]);
    let guided = own.guided::<f64>(2.5).unwrap();
    let x = some_rows(3, 3);
    let mut out = Array2::zeros(x.dim());
    let levels = Levels::Shared(level(&Process::vp(LevelTable::linear(1000).unwrap())));
    guided.predict_chains(&[0, 1, 2], levels, x.view(), out.view_mut()).unwrap();
    let want = &none + (&towards - &none) * 2.5;
    assert!((&out - &want).iter().all(|d| d.abs() < 1e-9), "{out} {want}");

    let error = network("condition-shared").denoiser().unwrap().guided::<f64>(2.0).unwrap_err();
    assert!(error.to_string().contains("condition text: given a network that needs"), "{error}");
}

#[test]
fn bad_conditions_are_named() {
    needs_engine!();
    let model = || network("condition-shared").denoiser().unwrap();
    let given = |name: &str, rows: Array2<f32>| {
        model().with_condition(name, rows.view()).unwrap_err().to_string()
    };
    let error = given("txt", rows(1));
    assert!(error.contains("condition: given txt, expected a named input of the network: text"));
    let error = given("text", Array2::zeros((2, 5)));
    assert!(error.contains("given shape (2, 5), expected (1, 6) or (chains, 6)"), "{error}");
    let error = given("text", Array2::zeros((0, 6)));
    assert!(error.contains("given shape (0, 6)"), "{error}");
    let mut broken = rows(3);
    broken[[1, 2]] = f32::NAN;
    assert!(given("text", broken).contains("row 1 with NaN or infinity"));

    let plan = Method::named("ddim").unwrap().plan(model().process(), 4).unwrap();
    let run = |model: TrainedDenoiser<OnnxEngine>| {
        plan.run_in::<f64>(&model).unwrap().chains(5).run().unwrap_err().to_string()
    };
    let error = run(model());
    assert!(error.contains("condition text: given none, expected its numbers"), "{error}");
    let error = run(model().with_condition("text", rows(4).view()).unwrap());
    assert!(
        error.contains("given chain 4, counted from 0, expected chains from 0 to 4"),
        "{error}"
    );
    let perceptron = crate::made::tiny().denoiser().unwrap();
    let error = perceptron.with_condition("text", rows(1).view()).unwrap_err().to_string();
    assert!(error.contains("of the network: none, as it has none"), "{error}");
}

#[test]
fn descriptions_of_conditions_are_checked() {
    needs_engine!();
    let card = network("condition").card().clone();
    let load = |names: Names| {
        let path = golden("onnx/condition.onnx");
        OnnxLoader::new().card(card.clone(), names).load(path).map(|_| ()).unwrap_err().to_string()
    };
    let error = load(Names::default());
    assert!(error.contains("given text f32 (_, 2, 3), x f32 (_, 3), t f32 (_), expected x"));
    let mut names = Names::default();
    names.conditions = vec![NamedCondition { name: "prose".into(), absent: None }];
    assert!(load(names.clone()).contains("expected x (N, …), t (N), prose (N, …), as"));
    names.conditions[0].name = "t".into();
    let error = load(names);
    assert!(error.contains("inputs: given text f32"), "{error}");
}
