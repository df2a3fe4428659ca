//! Networks from ONNX files: the numbers of the same networks in the crate's own format, the same
//! bits in any chunks, and errors that name what is wrong.
#![cfg(feature = "onnx")]

use langevin::generation::{GENERATION_METHODS, GenerationOptions, PhaseOptions, plan, plan_phase};
use langevin::ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};
use langevin::network::{Network, NetworkPrediction, NetworkProcess, TimeInput};
use langevin::onnx::{OnnxNetwork, OnnxOptions};
use langevin::*;

fn path(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn onnx(name: &str) -> String {
    path(&format!("tests/golden/onnx/{name}.onnx"))
}

fn epsilon() -> OnnxOptions {
    OnnxOptions::vp(NetworkPrediction::Epsilon, "linear", 1000, TimeInput::Timestep)
}

fn psld() -> OnnxOptions {
    OnnxOptions::psld(NetworkPrediction::EpsilonUpper, 8.0, Psld::PAPER)
}

fn digits() -> (Network, OnnxNetwork) {
    let own = Network::load(path("examples/models/digits.safetensors")).unwrap();
    (own, OnnxNetwork::load(onnx("digits"), epsilon()).unwrap())
}

/// Numbers that f32 holds exactly.
fn some_rows(rows: usize, width: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, width), |(i, j)| ((i * 37 + j * 101) % 64) as f64 / 16.0 - 2.0)
}

/// The largest difference, relative where numbers are above 1.
fn away<F: Real>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    let differences =
        a.iter().zip(&b).map(|(a, b)| (a.widen() - b.widen()).abs() / b.widen().abs().max(1.0));
    differences.fold(0.0, |most, x| if x <= most { most } else { x })
}

/// Both networks at the same numbers t, together and each, in both precisions.
fn compare(own: &Network, other: &OnnxNetwork, times: &[f64]) -> f64 {
    let x = some_rows(times.len(), own.input_width());
    let (mut wanted, mut found) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()));
    own.evaluate(Times::PerRow(times), None, x.view(), wanted.view_mut()).unwrap();
    other.evaluate(Times::PerRow(times), x.view(), found.view_mut()).unwrap();
    let mut most = away(found.view(), wanted.view());
    for time in times {
        own.evaluate(Times::Shared(*time), None, x.view(), wanted.view_mut()).unwrap();
        other.evaluate(Times::Shared(*time), x.view(), found.view_mut()).unwrap();
        most = most.max(away(found.view(), wanted.view()));
        let narrow = x.mapv(|x| x as f32);
        let mut single = Array2::zeros(x.dim());
        other.evaluate(Times::Shared(*time), narrow.view(), single.view_mut()).unwrap();
        assert_eq!(single.mapv(f64::from), found, "f32 and f64 at {time}");
    }
    most
}

#[test]
fn it_says_what_the_same_network_in_the_own_format_says() {
    let (own, other) = digits();
    let times: Vec<f64> = (0..67).map(|i| (i * 999 / 66) as f64).collect();
    let off = compare(&own, &other, &times);
    println!("digits: largest difference {off:e}");
    assert!(off < 1e-5, "{off:e}");
    // An f32 time between two timesteps is off by up to 3e-5, and so are the angles made of it.
    let between: Vec<f64> = times.iter().map(|t| t * 0.9987 + 0.321).collect();
    let off = compare(&own, &other, &between);
    println!("digits, between timesteps: largest difference {off:e}");
    assert!(off < 1e-4, "{off:e}");

    let own = Network::load(path("tests/golden/tiny.safetensors")).unwrap();
    let options =
        OnnxOptions::vp(NetworkPrediction::Velocity, "scaled-linear", 1000, TimeInput::LogSnr);
    let other = OnnxNetwork::load(onnx("tiny"), options).unwrap();
    let log_snr: Vec<f64> = (0..50).map(|i| f64::from(i) / 4.0 - 5.0).collect();
    let off = compare(&own, &other, &log_snr);
    println!("tiny: largest difference {off:e}");
    assert!(off < 1e-5, "{off:e}");

    let own = Network::load(path("tests/golden/tiny-psld.safetensors")).unwrap();
    let other = OnnxNetwork::load(onnx("tiny-psld"), psld()).unwrap();
    let times: Vec<f64> = (1..=64).map(|i| f64::from(i) / 64.0).collect();
    let off = compare(&own, &other, &times);
    println!("tiny-psld: largest difference {off:e}");
    assert!(off < 1e-5, "{off:e}");
}

#[test]
fn it_is_told_the_levels_as_a_network_of_the_own_format() {
    let (own, other) = digits();
    let (own, other) = (own.denoiser().unwrap(), other.denoiser().unwrap());
    assert_eq!(own.table(), other.table());
    assert_eq!(
        (Denoiser::<f32>::prediction(&other), Denoiser::<f32>::dim(&other)),
        (Prediction::Epsilon, Some(64))
    );
    let table = own.table();
    let levels: Vec<Level> =
        (1..=100).map(|i| table.level(i * 10)).chain([Level::CLEAN, Level::PURE_NOISE]).collect();
    let x = some_rows(levels.len(), 64);
    let (mut wanted, mut found) = (Array2::<f64>::zeros(x.dim()), Array2::<f64>::zeros(x.dim()));
    own.predict(Levels::PerRow(&levels), x.view(), wanted.view_mut()).unwrap();
    other.predict(Levels::PerRow(&levels), x.view(), found.view_mut()).unwrap();
    let off = away(found.view(), wanted.view());
    assert!(off < 1e-5, "{off:e}");
    for (row, level) in levels.iter().enumerate() {
        let part = s![row..row + 1, ..];
        let mut alone = Array2::<f64>::zeros((1, 64));
        other.predict(Levels::Shared(*level), x.slice(part), alone.view_mut()).unwrap();
        assert_eq!(alone, found.slice(part), "row {row}");
    }
}

#[test]
fn samples_are_those_of_the_same_network_in_the_own_format() {
    let (own, other) = digits();
    let (own, other) = (own.denoiser().unwrap(), other.denoiser().unwrap());
    let draw = |model: &dyn Denoiser<f32>| {
        let way = plan::<f32>("ddim", own.table(), 20, &GenerationOptions::default()).unwrap();
        let drift = Denoised::new(model, way.clock, way.wanted).unwrap();
        let run = Run::<f32>::with_precision(&*way.sampler, &drift, way.grid);
        run.chains(40).seed(3).run().unwrap().positions().to_owned()
    };
    let off = away(draw(&other).view(), draw(&own).view());
    println!("20 steps of DDIM: largest difference {off:e}");
    assert!(off < 1e-3, "{off:e}");

    let own = Network::load(path("tests/golden/tiny-psld.safetensors")).unwrap();
    let other = OnnxNetwork::load(onnx("tiny-psld"), psld()).unwrap();
    let (own, other) = (own.phase().unwrap(), other.phase().unwrap());
    assert_eq!(PhaseDenoiser::<f64>::prediction(&other), PhaseDenoiser::<f64>::prediction(&own));
    assert_eq!(other.noising(), own.noising());
    let (process, beta) = own.noising();
    let draw = |model: &dyn PhaseDenoiser<f64>| {
        let way = plan_phase::<f64>("roba", process, beta, 20, &PhaseOptions::default()).unwrap();
        let drift = PhaseDenoised::new(model, process, way.horizon).unwrap();
        let run = Run::new(&*way.sampler, &drift, way.grid);
        run.chains(40).seed(3).run().unwrap().positions().to_owned()
    };
    let off = away(draw(&other).view(), draw(&own).view());
    println!("20 evaluations of ROBA: largest difference {off:e}");
    assert!(off < 1e-3, "{off:e}");
}

#[test]
fn chunks_and_neighbours_do_not_change_a_bit() {
    let (_, network) = digits();
    let x = some_rows(300, 64);
    let times: Vec<f64> = (0..300).map(|row| f64::from(row * 3)).collect();
    let mut whole = Array2::zeros(x.dim());
    network.evaluate(Times::PerRow(&times), x.view(), whole.view_mut()).unwrap();
    for size in [1, 2, 7, 31, 32, 33, 64, 100, 299] {
        for start in (0..300).step_by(size) {
            let end = 300.min(start + size);
            // Column-major, as in a run.
            let mut part = Array2::zeros((end - start, 64).f());
            let rows = x.slice(s![start..end, ..]);
            let mut columns = Array2::zeros((end - start, 64).f());
            columns.assign(&rows);
            network
                .evaluate(Times::PerRow(&times[start..end]), columns.view(), part.view_mut())
                .unwrap();
            assert_eq!(part, whole.slice(s![start..end, ..]), "rows {start}..{end}");
        }
    }
    // Backwards.
    let (mut turned, back) =
        (Array2::zeros(x.dim()), times.iter().rev().copied().collect::<Vec<_>>());
    network.evaluate(Times::PerRow(&back), x.slice(s![..;-1, ..]), turned.view_mut()).unwrap();
    assert_eq!(turned.slice(s![..;-1, ..]), whole);
}

#[test]
fn runs_give_the_same_bits_in_any_chunks_and_threads() {
    let network = OnnxNetwork::load(
        onnx("tiny"),
        OnnxOptions::vp(NetworkPrediction::Velocity, "scaled-linear", 1000, TimeInput::LogSnr),
    );
    let network = network.unwrap();
    let model = network.denoiser().unwrap();
    for entry in GENERATION_METHODS {
        let draw = |chunk: usize, threads: usize| {
            let way =
                plan::<f64>(entry.name, model.table(), 200, &GenerationOptions::default()).unwrap();
            let drift = Denoised::new(&model, way.clock, way.wanted).unwrap();
            let run = Run::new(&*way.sampler, &drift, way.grid)
                .chains(90)
                .seed(11)
                .chunk(chunk)
                .threads(threads);
            run.run().unwrap().positions().to_owned()
        };
        let wanted = draw(90, 1);
        for (chunk, threads) in [(1, 1), (7, 2), (64, 2)] {
            assert_eq!(draw(chunk, threads), wanted, "{} in chunks of {chunk}", entry.name);
        }
    }
}

#[test]
fn inputs_may_stand_in_any_order_and_the_batch_may_be_fixed() {
    let network = OnnxNetwork::load(onnx("fixed-batch"), epsilon()).unwrap();
    assert_eq!((network.block(), network.input_width(), network.output_width()), (5, 3, 3));
    let x = some_rows(12, 3);
    let times: Vec<f64> = (0..12).map(f64::from).collect();
    let mut out = Array2::zeros(x.dim());
    network.evaluate(Times::PerRow(&times), x.view(), out.view_mut()).unwrap();
    for ((row, column), y) in out.indexed_iter() {
        assert!((y - x[[row, column]] / (1.0 + times[row])).abs() < 1e-6, "{row}, {column}: {y}");
    }
    let mut nothing = Array2::<f64>::zeros((0, 3));
    network.evaluate(Times::Shared(1.0), x.slice(s![..0, ..]), nothing.view_mut()).unwrap();
}

#[test]
fn rows_that_see_each_other_run_one_by_one() {
    let network = OnnxNetwork::load(onnx("rows-mixed"), epsilon()).unwrap();
    assert_eq!(network.block(), 1);
    let x = some_rows(9, 3);
    let mut out = Array2::zeros(x.dim());
    network.evaluate(Times::Shared(5.0), x.view(), out.view_mut()).unwrap();
    // A row minus its own mean is nothing.
    assert_eq!(out, x);
}

#[test]
fn a_row_that_is_not_finite_spoils_no_other() {
    let (_, network) = digits();
    let mut x = some_rows(64, 64);
    let (mut before, mut after) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()));
    network.evaluate(Times::Shared(500.0), x.view(), before.view_mut()).unwrap();
    x.row_mut(10).fill(f64::NAN);
    network.evaluate(Times::Shared(500.0), x.view(), after.view_mut()).unwrap();
    assert!(after.row(10).iter().all(|y| y.is_nan()));
    for row in (0..64).filter(|row| *row != 10) {
        assert_eq!(before.index_axis(Axis(0), row), after.index_axis(Axis(0), row));
    }
}

#[test]
fn features_have_a_width_of_their_own() {
    let network = OnnxNetwork::load(onnx("features"), OnnxOptions::features()).unwrap();
    assert_eq!((network.input_width(), network.output_width()), (3, 6));
    let x = some_rows(70, 3);
    let features = network.features(x.view()).unwrap();
    assert!(features.indexed_iter().all(|((row, column), y)| *y == x[[row, column % 3]]));
    assert!(network.denoiser().unwrap_err().to_string().contains("expected vp"));
    assert!(network.phase().unwrap_err().to_string().contains("expected psld"));
    let (_, other) = digits();
    assert!(
        other
            .features(x.view())
            .unwrap_err()
            .to_string()
            .contains("expected one that predicts Features")
    );
    assert!(other.phase().unwrap_err().to_string().contains("given Vp"));
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let missing = OnnxNetwork::load("no/such/file.onnx", epsilon()).unwrap_err();
    assert!(
        matches!(missing, Error::NetworkFile { .. })
            && missing.to_string().contains("no/such/file.onnx")
    );
    for (file, words) in [
        ("mixed-fixed-batch", "a fixed N = 5 and rows that depend on each other"),
        (
            "three-inputs",
            "inputs: given x (N,3,F32), t (N,F32), label (N,F32), expected two: x (N, d) and t (N)",
        ),
        ("two-outputs", "outputs: given 2, expected one"),
        ("no-output", "reading it: "),
        ("wide-output", "output: given 32,6,F32"),
        ("double", "input `x`: given x (N,3,F64), expected f32"),
        ("any-width", "input `x`: given x (N,d,F32)"),
        ("image", "inputs: given x (N,1,8,8,F32), t (N,F32)"),
        ("two-batches", "expected the same N for both"),
        ("unknown-op", "the operator Transmogrify"),
        ("unresolved", "output: given "),
        ("misfit", "preparing it: "),
    ] {
        let error = OnnxNetwork::load(onnx(&format!("bad/{file}")), epsilon()).unwrap_err();
        println!("{file}: {error}");
        assert!(matches!(error, Error::Onnx { .. } | Error::Tract { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{file}: {error}");
    }
    let no_time = OnnxOptions { time: None, ..epsilon() };
    let error = OnnxNetwork::load(onnx("tiny"), no_time).unwrap_err();
    assert!(error.to_string().contains("expected one: x (N, d)"), "{error}");
    let error = OnnxNetwork::load(onnx("fixed-batch"), psld()).unwrap_err();
    assert!(error.to_string().contains("given 3 columns, expected an even number"), "{error}");
}

#[test]
fn bytes_that_are_no_model_are_errors() {
    let good = std::fs::read(onnx("tiny")).unwrap();
    for bytes in [&b""[..], b"no model", &[0xff; 100], b"\x08\x07"] {
        let error = OnnxNetwork::from_bytes(bytes, epsilon()).unwrap_err();
        assert!(error.to_string().contains("reading it"), "{error}");
    }
    for end in (0..good.len() - 1).step_by(97) {
        OnnxNetwork::from_bytes(&good[..end], epsilon()).unwrap_err();
    }
}

#[test]
fn options_that_make_no_sense_are_named() {
    let load =
        |options: OnnxOptions| OnnxNetwork::load(onnx("tiny"), options).unwrap_err().to_string();
    let vp = |prediction, schedule: &str, time| OnnxOptions::vp(prediction, schedule, 1000, time);
    let error = load(vp(NetworkPrediction::EpsilonLower, "linear", TimeInput::Timestep));
    assert!(
        error.contains(
            "options, prediction: given EpsilonLower, expected Epsilon, Data, Velocity or Score"
        ),
        "{error}"
    );
    let error = load(vp(NetworkPrediction::Epsilon, "linear", TimeInput::Time));
    assert!(error.contains("options, time: given Some(Time)"), "{error}");
    let error = load(vp(NetworkPrediction::Epsilon, "crooked", TimeInput::LogSnr));
    assert!(error.contains("crooked"), "{error}");
    let error = load(OnnxOptions::psld(NetworkPrediction::Score, f64::NAN, Psld::PAPER));
    assert!(error.contains("beta: given NaN"), "{error}");
    let error = load(OnnxOptions { process: NetworkProcess::None, ..OnnxOptions::features() });
    assert!(error.contains("expected one: x"), "{error}");

    let (_, network) = digits();
    let x = some_rows(4, 63);
    let error = network
        .evaluate(Times::Shared(1.0), x.view(), Array2::zeros((4, 64)).view_mut())
        .unwrap_err();
    assert!(error.to_string().contains("(rows, 64) -> (rows, 64)"), "{error}");
    let x = some_rows(4, 64);
    let error = network
        .evaluate(Times::PerRow(&[1.0]), x.view(), Array2::zeros((4, 64)).view_mut())
        .unwrap_err();
    assert!(error.to_string().contains("(4), the rows of the batch"), "{error}");
}
