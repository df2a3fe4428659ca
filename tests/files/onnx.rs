//! Networks from ONNX files: the numbers of the same networks in the crate's own format, the same
//! bits in any chunks, and errors that name what is wrong.

use langevin::diffusion::{Factor, Level, Levels, ProcessKind, Schedule};
use langevin::ndarray::{Array2, Axis, ShapeBuilder, s};
use langevin::network::{Card, Engine, Network, TimeInput, Trained, TrainedDenoiser};
use langevin::onnx::{Names, OnnxLoader, OnnxNetwork};
use langevin::prelude::*;

use crate::made::{away, golden, some_rows, tiny, tiny_psld, trained};
use crate::support::MANY;

fn load(path: impl AsRef<std::path::Path>, card: Card) -> Result<OnnxNetwork> {
    OnnxLoader::new().card(card, Names::default()).load(path)
}

fn from_bytes(bytes: &[u8], card: Card) -> Result<OnnxNetwork> {
    OnnxLoader::new().card(card, Names::default()).from_bytes(bytes)
}

fn onnx(name: &str) -> String {
    golden(&format!("onnx/{name}.onnx"))
}

fn vp(schedule: Schedule, prediction: Prediction, time: TimeInput) -> Card {
    Card::new(Process::vp(schedule.table(1000).unwrap()), prediction, Some(time))
}

fn epsilon() -> Card {
    vp(Schedule::Linear, Prediction::Epsilon, TimeInput::Timestep)
}

fn velocity() -> Card {
    vp(Schedule::ScaledLinear, Prediction::Velocity, TimeInput::LogSnr)
}

fn psld() -> Card {
    let process = Process::psld(Psld::PAPER, Beta::constant(8.0).unwrap());
    Card::new(process, Prediction::JointEpsilon(Factor::Upper), Some(TimeInput::Time))
}

fn digits() -> OnnxNetwork {
    load(onnx("digits"), epsilon()).unwrap()
}

/// The output of a network without a label.
fn output<E: Engine, F: Real>(
    network: &Trained<E>,
    times: Times<'_>,
    x: &Array2<F>,
) -> Result<Array2<F>> {
    let mut out = Array2::zeros((x.nrows(), network.output_width()));
    network.evaluate(times, None, x.view(), out.view_mut())?;
    Ok(out)
}

/// The largest difference of both networks at the same times t, together and each, in both
/// precisions.
fn compare(own: &Network, other: &OnnxNetwork, times: &[f64]) -> f64 {
    let x = some_rows(times.len(), own.input_width());
    let off = |times: Times<'_>| {
        let wanted = output(own, times, &x).unwrap();
        let found = output(other, times, &x).unwrap();
        let single = output(other, times, &x.mapv(|x| x as f32)).unwrap();
        assert_eq!(single.mapv(f64::from), found, "f32 and f64 at {times:?}");
        away(found.view(), wanted.view())
    };
    let each = times.iter().map(|time| off(Times::Shared(*time)));
    each.fold(off(Times::PerRow(times)), f64::max)
}

#[test]
fn outputs_are_those_of_the_same_network_in_the_own_format() {
    needs_engine!();
    let own = trained("digits");
    let times: Vec<f64> = (0..67).map(|i| (i * 999 / 66) as f64).collect();
    let off = compare(&own, &digits(), &times);
    println!("digits: largest difference {off:e}");
    assert!(off < 1e-5, "{off:e}");
    // An f32 time between two timesteps is off by up to 3e-5, and so are the angles made of it.
    let between: Vec<f64> = times.iter().map(|t| t * 0.9987 + 0.321).collect();
    let off = compare(&own, &digits(), &between);
    println!("digits, between timesteps: largest difference {off:e}");
    assert!(off < 1e-4, "{off:e}");

    let other = load(onnx("tiny"), velocity()).unwrap();
    let log_snr: Vec<f64> = (0..50).map(|i| f64::from(i) / 4.0 - 5.0).collect();
    let off = compare(&tiny(), &other, &log_snr);
    println!("tiny: largest difference {off:e}");
    assert!(off < 1e-5, "{off:e}");

    let other = load(onnx("tiny-psld"), psld()).unwrap();
    let times: Vec<f64> = (1..=64).map(|i| f64::from(i) / 64.0).collect();
    let off = compare(&tiny_psld(), &other, &times);
    println!("tiny-psld: largest difference {off:e}");
    assert!(off < 1e-5, "{off:e}");
}

fn predict<E: Engine>(
    model: &TrainedDenoiser<E>,
    levels: Levels<'_>,
    x: &Array2<f64>,
) -> Array2<f64> {
    let mut out = Array2::zeros(x.dim());
    model.predict(levels, x.view(), out.view_mut()).unwrap();
    out
}

#[test]
fn levels_are_fed_as_to_a_network_of_the_own_format() {
    needs_engine!();
    let own = trained("digits").denoiser().unwrap();
    let other = digits().denoiser().unwrap();
    assert_eq!(own.process(), other.process());
    assert_eq!(Denoiser::<f32>::prediction(&other), Prediction::Epsilon);
    assert_eq!(Denoiser::<f32>::columns(&other), Some(64));
    let table = other.network().table().unwrap();
    let levels: Vec<Level> =
        (1..=100).map(|i| table.level(i * 10)).chain([Level::CLEAN, Level::PURE_NOISE]).collect();
    let x = some_rows(levels.len(), 64);
    let found = predict(&other, Levels::PerRow(&levels), &x);
    let off = away(found.view(), predict(&own, Levels::PerRow(&levels), &x).view());
    assert!(off < 1e-5, "{off:e}");
    for (row, level) in levels.iter().enumerate() {
        let part = s![row..row + 1, ..];
        let alone = predict(&other, Levels::Shared(*level), &x.slice(part).to_owned());
        assert_eq!(alone, found.slice(part), "row {row}");
    }
}

#[test]
fn samples_are_those_of_the_same_network_in_the_own_format() {
    needs_engine!();
    fn draw<E: Engine, F: Real>(network: &Trained<E>, method: &str) -> Array2<F> {
        let model = network.denoiser().unwrap();
        let plan = Method::named(method).unwrap().plan(model.process(), 20).unwrap();
        let run = plan.run_in::<F>(&model).unwrap().chains(40).seed(3);
        run.run().unwrap().positions().to_owned()
    }
    let wanted = draw::<_, f32>(&trained("digits"), "ddim");
    let off = away(draw::<_, f32>(&digits(), "ddim").view(), wanted.view());
    println!("20 steps of DDIM: largest difference {off:e}");
    assert!(off < 1e-3, "{off:e}");

    let other = load(onnx("tiny-psld"), psld()).unwrap();
    assert_eq!(other.prediction(), tiny_psld().prediction());
    assert_eq!(other.process(), tiny_psld().process());
    let wanted = draw::<_, f64>(&tiny_psld(), "roba");
    let off = away(draw::<_, f64>(&other, "roba").view(), wanted.view());
    println!("20 evaluations of ROBA: largest difference {off:e}");
    assert!(off < 1e-3, "{off:e}");
}

#[test]
fn chunks_and_neighbours_do_not_change_a_bit() {
    needs_engine!();
    let network = digits();
    let x = some_rows(300, 64);
    let times: Vec<f64> = (0..300).map(|row| f64::from(row * 3)).collect();
    let whole = output(&network, Times::PerRow(&times), &x).unwrap();
    for size in [1, 2, 7, 31, 32, 33, 64, 100, 299] {
        for start in (0..300).step_by(size) {
            let end = 300.min(start + size);
            // Column-major, as in a run.
            let mut part = Array2::zeros((end - start, 64).f());
            let mut columns = Array2::zeros((end - start, 64).f());
            columns.assign(&x.slice(s![start..end, ..]));
            let times = Times::PerRow(&times[start..end]);
            network.evaluate(times, None, columns.view(), part.view_mut()).unwrap();
            assert_eq!(part, whole.slice(s![start..end, ..]), "rows {start}..{end}");
        }
    }
    // Backwards.
    let back: Vec<f64> = times.iter().rev().copied().collect();
    let turned = output(&network, Times::PerRow(&back), &x.slice(s![..;-1, ..]).to_owned());
    assert_eq!(turned.unwrap().slice(s![..;-1, ..]), whole);
}

#[test]
fn runs_give_the_same_bits_in_any_chunks_and_threads() {
    needs_engine!();
    let network = load(onnx("tiny"), velocity()).unwrap();
    let model = network.denoiser().unwrap();
    for method in Method::on(ProcessKind::Vp) {
        // The parallel predictor-corrector needs more.
        let evaluations = if method.name() == "pc-parallel" { 300 } else { 200 };
        let plan = method.plan(model.process(), evaluations).unwrap();
        let draw = |chunk: usize, threads: usize| {
            let run = plan.run(&model).unwrap().chains(30).seed(11).chunk(chunk);
            run.threads(threads).run().unwrap().positions().to_owned()
        };
        let wanted = draw(30, 1);
        for (chunk, threads) in [(1, 1), (7, MANY), (16, MANY)] {
            assert_eq!(draw(chunk, threads), wanted, "{method} in chunks of {chunk}");
        }
    }
}

#[test]
fn inputs_may_stand_in_any_order_and_the_batch_may_be_fixed() {
    needs_engine!();
    let network = load(onnx("fixed-batch"), epsilon()).unwrap();
    assert_eq!(
        (network.engine().block(), network.input_width(), network.output_width()),
        (5, 3, 3)
    );
    let x = some_rows(12, 3);
    let times: Vec<f64> = (0..12).map(f64::from).collect();
    let out = output(&network, Times::PerRow(&times), &x).unwrap();
    for ((row, column), y) in out.indexed_iter() {
        assert!((y - x[[row, column]] / (1.0 + times[row])).abs() < 1e-6, "{row}, {column}: {y}");
    }
    let nothing = output(&network, Times::Shared(1.0), &Array2::<f64>::zeros((0, 3))).unwrap();
    assert_eq!(nothing.dim(), (0, 3));
}

#[test]
fn rows_that_see_each_other_run_one_by_one() {
    needs_engine!();
    let network = load(onnx("rows-mixed"), epsilon()).unwrap();
    assert_eq!(network.engine().block(), 1);
    let x = some_rows(9, 3);
    // A row minus its own mean is nothing.
    assert_eq!(output(&network, Times::Shared(5.0), &x).unwrap(), x);
}

#[test]
fn a_row_that_is_not_finite_spoils_no_other() {
    needs_engine!();
    let network = digits();
    let mut x = some_rows(64, 64);
    let before = output(&network, Times::Shared(500.0), &x).unwrap();
    x.row_mut(10).fill(f64::NAN);
    let after = output(&network, Times::Shared(500.0), &x).unwrap();
    assert!(after.row(10).iter().all(|y| y.is_nan()));
    for row in (0..64).filter(|row| *row != 10) {
        assert_eq!(before.index_axis(Axis(0), row), after.index_axis(Axis(0), row));
    }
}

#[test]
fn features_have_a_width_of_their_own() {
    needs_engine!();
    let network = load(onnx("features"), Card::features()).unwrap();
    assert_eq!((network.input_width(), network.output_width()), (3, 6));
    let x = some_rows(70, 3);
    let features = network.features(x.view()).unwrap();
    assert!(features.indexed_iter().all(|((row, column), y)| *y == x[[row, column % 3]]));
    let error = network.denoiser().unwrap_err().to_string();
    assert!(
        error.contains("prediction: given features, expected a prediction of noise"),
        "{error}"
    );
    let error = digits().features(some_rows(70, 64).view()).unwrap_err().to_string();
    assert!(error.contains("expected one that predicts features"), "{error}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    needs_engine!();
    let missing = load("no/such/file.onnx", epsilon()).unwrap_err();
    assert!(matches!(missing, Error::NetworkFile { .. }), "{missing}");
    assert!(missing.to_string().contains("no/such/file.onnx"), "{missing}");
    for (file, words) in [
        ("mixed-fixed-batch", "a fixed N = 5 and rows that depend on each other"),
        (
            "three-inputs",
            "inputs: given x f32 (_, 3), t f32 (_), label f32 (_), expected x (N, …), t (N), as",
        ),
        ("two-outputs", "outputs: given y f32 (_, 3), z f32 (_, 3), expected one f32"),
        ("no-output", "reading it: "),
        (
            "nan",
            "NaN or infinity for finite rows, expected finite numbers; are its weights finite?",
        ),
        ("wide-output", "output: given 6 numbers for a row, expected 3, as many as x; a variance"),
        ("double", "x: given x f64 (_, 3), expected f32 and (N, d)"),
        ("half", "x: given x f16 (_, 3), expected f32 and (N, d)"),
        ("any-width", "x: given x f32 (_, _), expected f32 and (N, d) or (N, C, H, W)"),
        ("two-batches", "the time: given t f32 (7), expected f32, f64, i64 or i32, and (5)"),
        ("unknown-op", "Transmogrify"),
        ("unresolved", "output: given the shape [2, 48] for 16 rows"),
        ("misfit", "reading it: "),
    ] {
        let error = load(onnx(&format!("bad/{file}")), epsilon()).unwrap_err();
        println!("{file}: {error}");
        assert!(matches!(error, Error::Onnx { .. } | Error::Engine { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{file}: {error}");
    }
    let mut no_time = epsilon();
    no_time.time = None;
    let error = load(onnx("tiny"), no_time).unwrap_err();
    assert!(error.to_string().contains("expected x (N, …), as"), "{error}");
    let error = load(onnx("fixed-batch"), psld()).unwrap_err();
    assert!(error.to_string().contains("given 3 columns, expected an even number"), "{error}");
}

#[test]
fn bytes_that_are_no_model_are_errors() {
    needs_engine!();
    let good = std::fs::read(onnx("tiny")).unwrap();
    for bytes in [&b""[..], b"no model", &[0xff; 100], b"\x08\x07"] {
        let error = from_bytes(bytes, epsilon()).unwrap_err();
        assert!(error.to_string().contains("reading it"), "{error}");
    }
    for end in (0..good.len() - 1).step_by(97) {
        let error = from_bytes(&good[..end], epsilon()).unwrap_err();
        assert!(matches!(error, Error::Onnx { .. } | Error::Engine { .. }), "{end}: {error}");
    }
}

#[test]
fn cards_that_make_no_sense_are_named() {
    needs_engine!();
    let tiny = |card: Card| load(onnx("tiny"), card).unwrap_err().to_string();
    let error =
        tiny(vp(Schedule::Linear, Prediction::JointEpsilon(Factor::Lower), TimeInput::Timestep));
    let expected = "prediction: given epsilon-lower, expected epsilon, data, velocity, flow";
    assert!(error.contains(expected), "{error}");
    let error = tiny(vp(Schedule::Linear, Prediction::Epsilon, TimeInput::Time));
    assert!(error.contains("time: given Some(Time), expected one of"), "{error}");
    let error = tiny(Card::features());
    assert!(error.contains("expected x (N, …), as"), "{error}");
    let process = Process::psld(Psld::PAPER, Beta::linear(2.0, 12.0).unwrap());
    let card = Card::new(process, Prediction::JointScore, Some(TimeInput::Time));
    let error = load(onnx("tiny-psld"), card).unwrap_err().to_string();
    assert!(error.contains("process: given beta 2,12, expected a constant rate"), "{error}");
}

#[test]
fn bad_batches_are_named() {
    needs_engine!();
    let network = digits();
    let x = some_rows(4, 63);
    let mut out = Array2::zeros((4, 64));
    let error = network.evaluate(Times::Shared(1.0), None, x.view(), out.view_mut()).unwrap_err();
    assert!(error.to_string().contains("(rows, 64) -> (rows, 64)"), "{error}");
    let error = output(&network, Times::PerRow(&[1.0]), &some_rows(4, 64)).unwrap_err();
    assert!(error.to_string().contains("(4), the rows of the batch"), "{error}");
}

/// Graphs of all kinds of inputs, y = x + t + 100 label: pictures, times and labels of all types
/// and shapes, one row at a time, a learned variance, and a description in the file.
#[test]
fn any_kind_of_input_is_fed() {
    needs_engine!();
    for (file, width, has_label) in [
        ("picture", 12, true),
        ("scalar", 3, false),
        ("single", 3, false),
        ("column", 3, false),
        ("one-row", 3, false),
        ("variance", 8, false),
        ("described", 3, true),
    ] {
        let mut names = Names::default();
        names.learned_variance = file == "variance";
        if has_label {
            names.label = Some("label".into());
            names.classes = Some(5);
        }
        let network = match file {
            "described" => OnnxNetwork::load(onnx(file)).unwrap(),
            _ => OnnxLoader::new().card(epsilon(), names).load(onnx(file)).unwrap(),
        };
        assert_eq!((network.input_width(), network.output_width()), (width, width), "{file}");
        let x = some_rows(37, width);
        let times: Vec<f64> = (0..37).map(|row| f64::from(row / 3)).collect();
        let label = has_label.then_some(3);
        let mut out = Array2::zeros((37, width));
        network.evaluate(Times::PerRow(&times), label, x.view(), out.view_mut()).unwrap();
        for ((row, column), y) in out.indexed_iter() {
            let want = x[[row, column]] + times[row] + if has_label { 300.0 } else { 0.0 };
            assert!((y - want).abs() < 1e-4, "{file}, {row}, {column}: {y} {want}");
        }
        if has_label {
            let error = network.evaluate(Times::Shared(1.0), None, x.view(), out.view_mut());
            let error = error.unwrap_err().to_string();
            assert!(error.contains("the network has no class for none"), "{error}");
        }
    }
    // A time of whole numbers is told the nearest one.
    let mut names = Names::default();
    names.label = Some("label".into());
    names.classes = Some(5);
    let network = OnnxLoader::new().card(epsilon(), names).load(onnx("picture")).unwrap();
    let mut out = Array2::zeros((1, 12));
    let x = Array2::<f64>::zeros((1, 12));
    network.evaluate(Times::Shared(7.6), Some(0), x.view(), out.view_mut()).unwrap();
    assert!(out.iter().all(|y| *y == 8.0));
    let error = OnnxNetwork::load(onnx("scalar")).unwrap_err().to_string();
    assert!(error.contains("description: given none, expected NAME.json beside"), "{error}");
}
