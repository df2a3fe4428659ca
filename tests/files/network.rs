//! Networks from files: what can be asked of them, the numbers of PyTorch, and bad calls.

use langevin::diffusion::{Clock, Denoised, Level, Levels, Schedule};
use langevin::ndarray::{Array2, Axis, s};
use langevin::network::Network;
use langevin::prelude::*;
use serde_json::json;

use crate::made::{
    File, away, expected, labels, matrix, some_rows, tiny, tiny_psld, trained, vector,
};

#[test]
fn what_a_file_describes_can_be_asked() {
    let network = tiny();
    assert_eq!((network.input_width(), network.output_width(), network.classes()), (5, 5, Some(3)));
    assert_eq!(
        (network.prediction(), network.range(), network.image()),
        (Some(Prediction::Velocity), None, None)
    );
    let table = Schedule::ScaledLinear.table(1000).unwrap();
    assert_eq!(network.process(), Some(&Process::vp(table.clone())));
    assert_eq!(network.table(), Some(&table));
    // time 8·12 + 12 + 12·6 + 6 + 4, label 4·6, first 48, outer 16 + 72 + 56 + 72, inner 16 + 90 +
    // 88, condition 56, norm 16, last 45. Tensors that the description does not name do not count.
    assert_eq!(network.parameters(), 190 + 24 + 48 + 216 + 194 + 56 + 16 + 45);
    let psld = tiny_psld();
    assert_eq!(psld.prediction().unwrap().name(), "epsilon-upper");
    let paper = Process::psld(Psld::PAPER, Beta::constant(8.0).unwrap());
    assert_eq!(psld.process(), Some(&paper));
    let error = psld.features(some_rows(2, 6).view()).unwrap_err().to_string();
    assert!(error.contains("epsilon-upper"), "{error}");
}

#[test]
fn the_tiny_network_gives_the_numbers_of_pytorch() {
    let network = tiny();
    let expected = expected("tiny.json", "tiny.safetensors");
    let x = matrix(&expected["input"]);
    let log_snr = vector(&expected["log_snr"]);
    let all: Vec<Level> = log_snr.iter().map(|snr| Level::from_log_snr(*snr).unwrap()).collect();
    let mut out = Array2::zeros(x.dim());
    for (row, label) in labels(&expected["label"]).into_iter().enumerate() {
        let part = s![row..row + 1, ..];
        network
            .evaluate(Times::Shared(log_snr[row]), label, x.slice(part), out.slice_mut(part))
            .unwrap();
        let model = network.denoiser().unwrap().with_label(label).unwrap();
        let mut predicted = Array2::<f64>::zeros((1, 5));
        Denoiser::predict(&model, Levels::Shared(all[row]), x.slice(part), predicted.view_mut())
            .unwrap();
        assert!(away(predicted.view(), out.slice(part)) < 1e-5);
        for (name, wanted) in [
            ("epsilon_f64", Prediction::Epsilon),
            ("data_f64", Prediction::Data),
            ("score_f64", Prediction::Score),
        ] {
            let factors = Denoiser::<f64>::prediction(&model).convert(wanted, all[row]);
            let found = x.slice(part).to_owned() * factors.input + &predicted * factors.prediction;
            let off = away(found.view(), matrix(&expected[name]).slice(part));
            assert!(off < 1e-5, "{name} of row {row}: {off:e}");
        }
    }
    let off = away(out.view(), matrix(&expected["output_f64"]).view());
    println!("tiny: largest difference {off:e}");
    assert!(off < 2e-6, "{off:e}");
}

#[test]
fn the_tiny_psld_network_gives_the_numbers_of_pytorch() {
    let network = tiny_psld();
    let expected = expected("tiny.json", "tiny-psld.safetensors");
    let x = matrix(&expected["input"]);
    let times = vector(&expected["time"]);
    let mut out = Array2::zeros(x.dim());
    network.evaluate(Times::PerRow(&times), None, x.view(), out.view_mut()).unwrap();
    let off = away(out.view(), matrix(&expected["output_f64"]).view());
    println!("tiny-psld: largest difference {off:e}");
    assert!(off < 2e-6, "{off:e}");
}

/// A network in which layers follow each other in every way, against a plain evaluation in f64.
#[test]
fn layers_in_any_order_are_evaluated_in_order() {
    let orders = [
        json!([{"linear": "a"}]),
        json!(["silu", "silu", {"condition": "c"}, {"condition": "c"}, "silu", {"linear": "a"}]),
        json!([{"residual": ["silu"]}, {"residual": [{"linear": "a"}]}, "silu"]),
        json!([{"residual": [{"residual": [{"residual": [{"linear": "a"}]}, {"linear": "a"}]},
            "silu"]}]),
        json!([{"residual": [{"condition": "c"}, {"residual": ["silu", {"linear": "up"}, "silu",
            {"linear": "down"}]}]}]),
        json!([{"residual": [{"residual": [{"norm": "n", "epsilon": 0.1}]}, {"norm": "n",
            "epsilon": 0.1}, "silu"]},
            {"linear": "a"}]),
        json!([{"residual": [{"linear": "a"}, "silu"]}, {"residual": [{"linear": "a"},
            {"condition": "c"}]}]),
        json!([{"linear": "up"}, {"condition": "d"}, "silu", {"residual": [{"linear": "w"},
            {"condition": "d"}, "silu",
            {"linear": "w"}]}, {"condition": "d"}, {"norm": "m", "epsilon": 1e-5},
                {"condition": "d"}, {"linear": "down"}]),
        json!([{"linear": "a"}, {"residual": [{"linear": "a"}, {"residual": [{"linear": "a"},
            "silu"]}, {"linear": "a"}]},
            {"residual": [{"condition": "c"}, "silu", {"condition": "c"}]}, {"condition": "c"},
                {"norm": "n", "epsilon": 1.0}]),
    ];
    for (i, layers) in orders.into_iter().enumerate() {
        let file = File::new(7, 30, layers.clone());
        let network =
            Network::from_bytes(&file.bytes()).unwrap_or_else(|error| panic!("{layers}: {error}"));
        let x = some_rows(41, 7);
        let label = [None, Some(0), Some(1)][i % 3];
        let time = 300.0 + i as f64;
        let mut wanted = Array2::zeros(x.dim());
        for (row, mut out) in wanted.axis_iter_mut(Axis(0)).enumerate() {
            out.assign(&file.evaluate(&layers, time, label, x.row(row)));
        }
        let mut out = Array2::zeros(x.dim());
        network.evaluate(Times::Shared(time), label, x.view(), out.view_mut()).unwrap();
        let off = away(out.view(), wanted.view());
        assert!(off < 3e-6, "{off:e} by {layers}");
    }
}

#[test]
fn trained_networks_give_the_numbers_of_pytorch() {
    for name in ["digits", "digits-psld", "digits-features"] {
        let network = trained(name);
        let expected = expected("networks.json", &format!("{name}.safetensors"));
        let x = matrix(&expected["input"]);
        let wanted = matrix(&expected["output_f64"]);
        let mut out = Array2::zeros(wanted.dim());
        if network.prediction().is_none() {
            out = network.features(x.view()).unwrap();
        }
        let key = if network.table().is_some() { "timestep" } else { "time" };
        let times = expected.get(key).map_or(Vec::new(), vector);
        for (row, time) in times.iter().enumerate() {
            let label = expected.get("label").and_then(|all| labels(all)[row]);
            let part = s![row..row + 1, ..];
            network
                .evaluate(Times::Shared(*time), label, x.slice(part), out.slice_mut(part))
                .unwrap();
        }
        let off = away(out.view(), wanted.view());
        println!("{name}: largest difference {off:e}");
        assert!(off < 1e-5, "{name}: {off:e}");
    }
}

/// The score in phase space, relative to the largest number of a row.
#[test]
fn scores_in_phase_space_are_those_of_pytorch() {
    for (network, file, name) in [
        (tiny_psld(), "tiny.json", "tiny-psld"),
        (trained("digits-psld"), "networks.json", "digits-psld"),
    ] {
        let expected = expected(file, &format!("{name}.safetensors"));
        let z = matrix(&expected["input"]);
        let wanted = matrix(&expected["score_f64"]);
        let model = network.denoiser().unwrap();
        let Process::Psld(process, beta) = *model.process() else { panic!("not psld") };
        let horizon = beta.integral(1.0).unwrap();
        let clock = Clock::Phase { process, horizon };
        let drift = Denoised::<f64, _>::new(&model, clock, Prediction::JointScore).unwrap();
        let times: Vec<f64> = vector(&expected["time"])
            .iter()
            .map(|t| horizon - beta.integral(*t).unwrap())
            .collect();
        let mut found = Array2::zeros(z.dim());
        drift.eval(Times::PerRow(&times), z.view(), found.view_mut()).unwrap();
        let mut most = 0.0f64;
        for (row, (found, wanted)) in found.rows().into_iter().zip(wanted.rows()).enumerate() {
            let largest = wanted.iter().fold(0.0f64, |most, s| most.max(s.abs()));
            let off = found.iter().zip(wanted).map(|(a, b)| (a - b).abs() / largest);
            let off = off.fold(0.0, |most, x| if x <= most { most } else { x });
            assert!(off < 1e-5, "{name}, row {row}: {off:e}");
            most = most.max(off);
        }
        println!("{name}: largest difference of scores {most:e}");
    }
}

#[test]
fn bad_batches_and_labels_are_errors() {
    let network = tiny();
    let x = some_rows(4, 5);
    let mut out = Array2::zeros((4, 5));
    let mut narrow = Array2::zeros((4, 4));
    let shared = Times::Shared(1.0);
    let error = network.evaluate(shared, None, x.view(), narrow.view_mut()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "batch given to a network: given shape (4, 5) -> (4, 4), expected (rows, 5) -> (rows, 5)"
    );
    let error = network.evaluate(shared, None, narrow.view(), out.view_mut()).unwrap_err();
    assert!(error.to_string().contains("given shape (4, 4) -> (4, 5)"), "{error}");
    let error =
        network.evaluate(Times::PerRow(&[1.0; 3]), None, x.view(), out.view_mut()).unwrap_err();
    assert!(error.to_string().contains("given shape (3), expected (4)"), "{error}");
    let error =
        network.evaluate(Times::Shared(1.0), Some(3), x.view(), out.view_mut()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "network, label: given 3, expected a class from 0 to 2, or no label"
    );
    let error = network.denoiser().unwrap().with_label(Some(3)).unwrap_err();
    assert!(error.to_string().starts_with("network, label: given 3"), "{error}");
    let psld = tiny_psld();
    let error = psld.evaluate(
        Times::Shared(1.0),
        Some(0),
        some_rows(1, 6).view(),
        Array2::zeros((1, 6)).view_mut(),
    );
    assert!(error.unwrap_err().to_string().contains("without classes"));
    let error = Network::load("/no/such/file").unwrap_err();
    assert!(
        matches!(&error, Error::NetworkFile { path, .. } if path == "/no/such/file"),
        "{error}"
    );
}

#[test]
fn features_are_those_of_the_layers() {
    let mut file = File::new(7, 30, json!([{"linear": "up"}, "silu"]));
    file.model["process"] = json!({"kind": "none"});
    file.model["prediction"] = json!("features");
    for key in ["time", "condition", "labels"] {
        file.model.as_object_mut().unwrap().remove(key);
    }
    let network = Network::from_bytes(&file.bytes()).unwrap();
    assert_eq!((network.input_width(), network.output_width(), network.table()), (7, 30, None));
    let x = some_rows(100, 7);
    let features = network.features(x.view()).unwrap();
    for row in 0..100 {
        let wanted = file.evaluate(&file.model["layers"], 0.0, None, x.row(row));
        assert!(wanted.iter().zip(features.row(row)).all(|(a, b)| (a - b).abs() < 1e-6));
    }
    let error = network.features(some_rows(3, 6).view()).unwrap_err().to_string();
    assert!(
        error.contains(
            "data given to a network for features: given shape (3, 6), expected (rows, 7)"
        ),
        "{error}"
    );
}
