//! The networks of 28 × 28 pictures through ONNX Runtime: PyTorch's numbers, the same bits in any
//! chunks and threads, labels, and errors.

use langevin::diffusion::{Levels, ProcessKind};
use langevin::ndarray::{Array2, ShapeBuilder, s};
use langevin::network::{Conditions, Engine, Labels, Numbers};
use langevin::onnx::{Device, Names, OnnxLoader, OnnxNetwork};
use langevin::prelude::*;
use serde_json::Value;

use crate::made::golden;

fn fashion(kind: &str) -> OnnxNetwork {
    OnnxNetwork::load(format!("examples/models/fashion-{kind}.onnx")).unwrap()
}

/// The rows of tests/golden/fashion_reference.py.
fn rows(count: usize, width: usize) -> Array2<f64> {
    let entry = |(i, j)| (((i * width + j) * 37 % 997) as f64) / 256.0 - 2.0;
    Array2::from_shape_fn((count, width), entry)
}

fn reference() -> Value {
    let text = std::fs::read_to_string(golden("fashion_reference.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The largest difference from the numbers of a row that the reference tells; sums are over a row.
fn away(found: &Array2<f64>, wanted: &Value) -> f64 {
    let number = |key: &str, i: usize, j: usize| wanted[key][i][j].as_f64().unwrap();
    let middle = found.ncols() / 2;
    let mut most: f64 = 0.0;
    for (i, row) in found.rows().into_iter().enumerate() {
        for j in 0..8 {
            most = most.max((row[j] - number("first", i, j)).abs());
            most = most.max((row[middle + j] - number("middle", i, j)).abs());
        }
        let sum = wanted["sums"][i].as_f64().unwrap();
        let squares = wanted["squares"][i].as_f64().unwrap();
        // Errors of a row add up to less than their largest times its length.
        most = most.max((row.sum() - sum).abs() / row.len() as f64);
        most = most.max((row.mapv(|y| y * y).sum() - squares).abs() / row.len() as f64 / 8.0);
    }
    most
}

/// The forward pass at these times and labels.
fn forward(
    network: &OnnxNetwork,
    x: &Array2<f64>,
    times: &[f64],
    labels: &[Option<usize>],
) -> Result<Array2<f64>> {
    let mut out = Array2::zeros((x.nrows(), network.output_width()));
    let at = |row: usize| times[row];
    let conditions =
        Conditions { times: Numbers::PerRow(&at), labels: Labels::PerRow(labels), named: &[] };
    network.engine().forward(conditions, x.view(), out.view_mut())?;
    Ok(out)
}

const LABELS: [Option<usize>; 6] = [Some(0), Some(9), None, Some(3), None, Some(5)];

#[test]
fn outputs_are_those_of_pytorch() {
    needs_engine!();
    let reference = reference();
    for (kind, times) in [
        ("vp", [0.0, 1.0, 250.0, 500.0, 998.0, 999.0]),
        ("psld", [0.001, 0.1, 0.25, 0.5, 0.9, 1.0]),
    ] {
        let network = fashion(kind);
        assert_eq!(network.classes(), Some(10));
        let found = forward(&network, &rows(6, network.input_width()), &times, &LABELS).unwrap();
        let off = away(&found, &reference[kind]);
        println!("fashion-{kind}: largest difference {off:e}");
        assert!(off < 1e-4, "{kind}: {off:e}");
    }
    let network = fashion("features");
    let off = away(&network.features(rows(6, 784).view()).unwrap(), &reference["features"]);
    println!("fashion-features: largest difference {off:e}");
    assert!(off < 1e-4, "features: {off:e}");
}

/// 50 steps of DDIM with PyTorch in the loop.
#[test]
fn a_trajectory_is_that_of_pytorch() {
    needs_engine!();
    let network = fashion("vp");
    let process = network.process().unwrap().clone();
    let plan = "ddim:grid=equal".parse::<Method>().unwrap().plan(&process, 50).unwrap();
    let mut ends = Array2::zeros((2, 784));
    for (row, label) in [Some(9), None].into_iter().enumerate() {
        let model = network.denoiser().unwrap().with_label(label).unwrap();
        let start = rows(2, 784).slice(s![row..row + 1, ..]).to_owned();
        let samples = plan.run(&model).unwrap().start(start).run().unwrap();
        ends.row_mut(row).assign(&samples.positions().row(0));
    }
    let off = away(&ends, &reference()["ddim"]);
    println!("DDIM, 50 steps: largest difference {off:e}");
    assert!(off < 1e-3, "{off:e}");
}

/// Chunks of 1, 7 and 64, one thread and two, of the run and of the engine.
#[test]
fn chunks_and_threads_do_not_change_a_bit() {
    needs_engine!();
    let draw = |threads: usize, chunk: usize| {
        let loader = OnnxLoader::new().threads(threads);
        let network = loader.load("examples/models/fashion-vp.onnx").unwrap();
        let model = network.denoiser().unwrap().with_label(Some(8)).unwrap();
        let plan = Method::named("pmm2m").unwrap().plan(model.process(), 2).unwrap();
        let run = plan.run_in::<f32>(&model).unwrap().chains(70).seed(5).chunk(chunk);
        run.threads(threads).run().unwrap().positions().to_owned()
    };
    let wanted = draw(1, 70);
    for (threads, chunk) in [(1, 1), (2, 7), (2, 64), (2, 70)] {
        assert_eq!(draw(threads, chunk), wanted, "{threads} threads, chunks of {chunk}");
    }
}

#[test]
fn labels_of_rows_are_those_of_each_row_alone() {
    needs_engine!();
    let network = fashion("vp");
    let x = rows(6, 784);
    let times = [0.0, 1.0, 250.0, 500.0, 998.0, 999.0];
    let all = forward(&network, &x, &times, &LABELS).unwrap();
    for row in 0..6 {
        let mut out = Array2::zeros((1, 784).f());
        let own = x.slice(s![row..row + 1, ..]);
        network.evaluate(Times::Shared(times[row]), LABELS[row], own, out.view_mut()).unwrap();
        assert_eq!(out.row(0), all.row(row));
    }
    let error = network.denoiser().unwrap().with_label(Some(10)).unwrap_err().to_string();
    assert!(error.contains("label: given 10, expected a class from 0 to 9"), "{error}");
}

/// Any method runs on the phase-space network.
#[test]
fn position_and_momentum_are_rows_of_both() {
    needs_engine!();
    let network = fashion("psld");
    assert_eq!((network.dimension(), network.input_width()), (784, 1568));
    let model = network.denoiser().unwrap();
    assert_eq!(model.process().kind(), ProcessKind::Psld);
    let plan = Method::named("roba").unwrap().plan(model.process(), 5).unwrap();
    let samples = plan.run_in::<f32>(&model).unwrap().chains(3).run().unwrap();
    assert_eq!(samples.positions().dim(), (3, 784));
    assert!(samples.positions().iter().all(|x| x.is_finite()));
    let mut out = Array2::zeros((1, 784));
    let levels = Levels::Shared(langevin::diffusion::Level::PURE_NOISE);
    assert!(model.predict(levels, rows(1, 784).view(), out.view_mut()).is_err());
}

#[test]
fn what_is_not_there_is_named() {
    needs_engine!();
    let vp = "examples/models/fashion-vp.onnx";
    // The library of the processor has no other device.
    for device in ["cuda:0", "coreml", "directml:0"] {
        let device: Device = device.parse().unwrap();
        let error = OnnxLoader::new().device(device).load(vp).unwrap_err().to_string();
        assert!(error.contains(&format!("{device} is not there")), "{error}");
    }
    let error = OnnxLoader::new().library("no/such.so").load(vp).unwrap_err().to_string();
    assert!(error.contains("no/such.so"), "{error}");
    let error = OnnxLoader::new().threads(0).load(vp).unwrap_err().to_string();
    assert!(error.contains("threads: given 0"), "{error}");
    let card = fashion("vp").card().clone();
    let mut names = Names::default();
    names.x = Some("pixels".into());
    let error = OnnxLoader::new().card(card, names).load(vp).unwrap_err().to_string();
    assert!(error.contains("x f32 (_, 784), t f32 (_), label i64 (_)"), "{error}");
    assert!(error.contains("pixels (N, …), t (N)"), "{error}");
}

/// Milliseconds per row of the engine, one thread, and the share of a run of 256 chains that is
/// spent outside of it. A measurement: run it alone on a quiet machine, with
/// `cargo test --release -p langevin --features onnx --test files -- --ignored --nocapture time`.
#[test]
#[ignore = "a measurement, which needs a quiet machine"]
fn time_of_rows_and_share_outside_of_the_engine() {
    needs_engine!();
    let loader = OnnxLoader::new().threads(1);
    let network = loader.load("examples/models/fashion-vp.onnx").unwrap();
    let model = network.denoiser().unwrap().with_label(Some(8)).unwrap();
    let x = Array2::from_shape_fn((256, 784).f(), |(i, j)| (i * j % 97) as f32 / 48.0 - 1.0);
    let mut out = Array2::zeros((256, 784).f());
    let seconds = |work: &mut dyn FnMut()| {
        let started = std::time::Instant::now();
        work();
        started.elapsed().as_secs_f64()
    };
    let plan = Method::named("pmm2m").unwrap().plan(model.process(), 6).unwrap();
    let mut engine = f64::INFINITY;
    let mut run = f64::INFINITY;
    for _ in 0..3 {
        let call = &mut || {
            network.evaluate(Times::Shared(500.0), Some(8), x.view(), out.view_mut()).unwrap();
        };
        engine = engine.min(seconds(call));
        let whole = &mut || {
            plan.run_in::<f32>(&model).unwrap().chains(256).run().unwrap();
        };
        run = run.min(seconds(whole));
    }
    let calls = plan.evaluations();
    println!("{:.3} ms per row of the engine, one thread", 1e3 * engine / 256.0);
    println!("{:.1} % of a run outside of it", 100.0 * (1.0 - engine * calls / run));
}
