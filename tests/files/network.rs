//! Networks from files: the numbers of PyTorch and the same bits however they are run.

use crate::made::{File, away, expected, golden, labels, matrix, some_rows, tiny, trained, vector};
use langevin::advanced::instruction_set;
use langevin::diffusion::{Clock, Denoised, Level, Levels, ProcessKind, Schedule};
use langevin::ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};
use langevin::network::Network;
use langevin::prelude::*;
use serde_json::json;

#[test]
fn what_a_file_says_can_be_asked() {
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
    // 88, condition 56, norm 16, last 45; what the description does not name is not counted.
    assert_eq!(network.parameters(), 190 + 24 + 48 + 216 + 194 + 56 + 16 + 45);
    let psld = Network::load(golden("tiny-psld.safetensors")).unwrap();
    assert_eq!(psld.prediction().unwrap().name(), "epsilon-upper");
    let paper = Process::psld(Psld::PAPER, Beta::constant(8.0).unwrap());
    assert_eq!(psld.process(), Some(&paper));
    let error = psld.features(some_rows(2, 6).view()).unwrap_err().to_string();
    assert!(error.contains("epsilon-upper"), "{error}");
}

#[test]
fn the_tiny_network_says_what_pytorch_says() {
    let (network, expected) = (tiny(), expected("tiny.json", "tiny.safetensors"));
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
fn the_tiny_psld_network_says_what_pytorch_says() {
    let network = Network::load(golden("tiny-psld.safetensors")).unwrap();
    let expected = expected("tiny.json", "tiny-psld.safetensors");
    let (x, times) = (matrix(&expected["input"]), vector(&expected["time"]));
    let mut out = Array2::zeros(x.dim());
    network.evaluate(Times::PerRow(&times), None, x.view(), out.view_mut()).unwrap();
    let off = away(out.view(), matrix(&expected["output_f64"]).view());
    println!("tiny-psld: largest difference {off:e}");
    assert!(off < 2e-6, "{off:e}");
}

/// A network in which layers follow each other in every way, against a plain evaluation in f64.
#[test]
fn layers_in_any_order_do_what_they_say() {
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
        let (mut out, mut wanted) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()));
        for (row, mut out) in wanted.axis_iter_mut(Axis(0)).enumerate() {
            let label = [None, Some(0), Some(1)][i % 3];
            out.assign(&file.evaluate(&layers, 300.0 + i as f64, label, x.row(row)));
        }
        network
            .evaluate(
                Times::Shared(300.0 + i as f64),
                [None, Some(0), Some(1)][i % 3],
                x.view(),
                out.view_mut(),
            )
            .unwrap();
        let off = away(out.view(), wanted.view());
        assert!(off < 3e-6, "{off:e} by {layers}");
    }
}

/// Column-major or not, f32 or f64, in one call or in parts, a time for all or for each: the same
/// numbers.
#[test]
fn rows_do_not_depend_on_how_they_are_given() {
    let layers = json!([{"linear": "up"}, {"residual": [{"norm": "m", "epsilon": 1e-5},
        {"linear": "w"}, {"condition": "d"},
        "silu", {"linear": "w"}]}, {"condition": "d"}, "silu", {"linear": "down"}]);
    let made = Network::from_bytes(&File::new(7, 30, layers).bytes()).unwrap();
    for (network, width) in [(&tiny(), 5), (&made, 7)] {
        let x = some_rows(1024, width);
        let narrow = Array2::from_shape_fn((1024, width).f(), |at| x[at] as f32);
        let mut wanted = Array2::<f32>::zeros((1024, width).f());
        network.evaluate(Times::Shared(3.5), Some(1), narrow.view(), wanted.view_mut()).unwrap();
        assert!(wanted.iter().all(|y| y.is_finite()) && wanted[[0, 0]] != wanted[[1, 0]]);
        let same = |found: ArrayView2<'_, f64>, name: &str| {
            assert!(found.iter().zip(&wanted).all(|(a, b)| *a == f64::from(*b)), "{name}");
        };
        for parts in [1, 2, 15, 16, 17, 32, 33, 37, 48, 64, 1024] {
            for times in [None, Some(vec![3.5; parts])] {
                let mut found = Array2::zeros((1024, width));
                for start in (0..1024).step_by(parts) {
                    let end = (start + parts).min(1024);
                    let part = s![start..end, ..];
                    let times = times
                        .as_ref()
                        .map_or(Times::Shared(3.5), |times| Times::PerRow(&times[..end - start]));
                    network.evaluate(times, Some(1), x.slice(part), found.slice_mut(part)).unwrap();
                }
                same(found.view(), &format!("parts of {parts}, {times:?}"));
            }
        }
        // Rows with times of their own, against each alone.
        let times: Vec<f64> = (0..1024).map(|i| (i / 3 * 7 % 50) as f64 / 8.0).collect();
        let mut together = Array2::zeros((1024, width));
        network.evaluate(Times::PerRow(&times), None, x.view(), together.view_mut()).unwrap();
        let mut alone = Array2::zeros((1024, width));
        for row in 0..1024 {
            let part = s![row..row + 1, ..];
            network
                .evaluate(Times::Shared(times[row]), None, x.slice(part), alone.slice_mut(part))
                .unwrap();
        }
        assert_eq!(together, alone);
        // No rows are no error.
        network
            .evaluate(
                Times::Shared(1.0),
                None,
                x.slice(s![..0, ..]),
                Array2::zeros((0, width)).view_mut(),
            )
            .unwrap();
    }
}

#[test]
fn a_bad_row_is_seen_and_keeps_to_itself() {
    let network = tiny();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let mut x = some_rows(40, 5);
        let mut good = Array2::zeros(x.dim());
        network.evaluate(Times::Shared(2.0), None, x.view(), good.view_mut()).unwrap();
        x[[17, 3]] = bad;
        let mut out = Array2::zeros(x.dim());
        network.evaluate(Times::Shared(2.0), None, x.view(), out.view_mut()).unwrap();
        for row in 0..40 {
            if row == 17 {
                assert!(out.row(row).iter().all(|y| y.is_nan()), "{bad}: {}", out.row(row));
            } else {
                assert_eq!(out.row(row), good.row(row), "{bad}, row {row}");
            }
        }
    }
    let mut out = Array2::<f64>::zeros((2, 5));
    network
        .evaluate(Times::PerRow(&[f64::NAN, 1.0]), None, some_rows(2, 5).view(), out.view_mut())
        .unwrap();
    assert!(out.row(0).iter().all(|y| y.is_nan()) && out.row(1).iter().all(|y| y.is_finite()));
}

#[test]
fn bad_batches_and_labels_are_errors() {
    let (network, x) = (tiny(), some_rows(4, 5));
    let mut out = Array2::zeros((4, 5));
    let mut narrow = Array2::zeros((4, 4));
    assert!(network.evaluate(Times::Shared(1.0), None, x.view(), narrow.view_mut()).is_err());
    assert!(network.evaluate(Times::Shared(1.0), None, narrow.view(), out.view_mut()).is_err());
    let error =
        network.evaluate(Times::PerRow(&[1.0; 3]), None, x.view(), out.view_mut()).unwrap_err();
    assert!(error.to_string().contains("given shape (3), expected (4)"), "{error}");
    let error =
        network.evaluate(Times::Shared(1.0), Some(3), x.view(), out.view_mut()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "network, label: given 3, expected a class from 0 to 2, or no label"
    );
    assert!(network.denoiser().unwrap().with_label(Some(3)).is_err());
    let psld = Network::load(golden("tiny-psld.safetensors")).unwrap();
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

/// The bits of every kind of call, folded into one number.
fn fingerprint() -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut fold = |out: &Array2<f64>| {
        assert!(out.iter().all(|y| y.is_finite()));
        for y in out {
            hash = (hash ^ y.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    };
    let layers = json!([{"linear": "up"}, {"residual": [{"norm": "m", "epsilon": 1e-5},
        {"linear": "w"}, {"condition": "d"},
        "silu", {"linear": "w"}]}, {"condition": "d"}, "silu", {"linear": "down"}]);
    let made = Network::from_bytes(&File::new(7, 30, layers).bytes()).unwrap();
    for (network, width) in [(&tiny(), 5), (&made, 7)] {
        for rows in [1, 37, 200] {
            let x = some_rows(rows, width);
            let times: Vec<f64> = (0..rows).map(|i| i as f64 / 7.0).collect();
            let mut out = Array2::zeros(x.dim());
            network.evaluate(Times::Shared(3.5), Some(1), x.view(), out.view_mut()).unwrap();
            fold(&out);
            network.evaluate(Times::PerRow(&times), None, x.view(), out.view_mut()).unwrap();
            fold(&out);
        }
    }
    hash
}

/// Another number needs a "Value-breaking" line in CHANGELOG.md.
#[test]
fn pinned_bits() {
    assert_eq!(format!("{:016x}", fingerprint()), "668cfc699842a275");
    println!("fingerprint {:016x} {:?}", fingerprint(), instruction_set());
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let wanted = format!("fingerprint {:016x}", fingerprint());
    let program = std::env::current_exe().unwrap();
    let mut sets = Vec::new();
    for set in ["baseline", "avx2", "avx512"] {
        let output = std::process::Command::new(&program)
            .args(["--exact", "network::pinned_bits", "--nocapture"])
            .env("LANGEVIN_SIMD", set)
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        if text.contains("InstructionSet") {
            continue; // This processor does not have it.
        }
        assert!(output.status.success() && text.contains(&wanted), "{set}: {text}, not {wanted}");
        sets.push(set);
    }
    assert!(sets.contains(&"baseline"));
    println!("same bits with {sets:?}; this process uses {}", instruction_set().unwrap());
}

/// Every way to generate works with a network, and neither chunks nor threads show.
#[test]
fn runs_do_not_depend_on_chunks_and_threads() {
    let network = tiny();
    let model = network.denoiser().unwrap().with_label(Some(2)).unwrap();
    for method in Method::on(ProcessKind::Vp) {
        let evaluations = if method.name().starts_with("pc") { 500 } else { 20 };
        let plan = method.plan(model.process(), evaluations).unwrap();
        let run = |chunk, threads| {
            let run = plan.run_in::<f32>(&model).unwrap().chains(131).seed(3);
            run.chunk(chunk).threads(threads).run().unwrap().state
        };
        let whole = run(131, 1);
        assert_eq!(whole, run(37, if cfg!(feature = "rayon") { 2 } else { 1 }), "{method}");
        assert_eq!(whole, run(1, 1), "{method}");
    }
}

#[test]
fn no_call_allocates_after_the_first() {
    let network = tiny();
    let model = network.denoiser().unwrap();
    let table = network.table().unwrap();
    let single =
        Array2::<f32>::from_shape_fn((300, 5).f(), |(i, j)| (i * 5 + j) as f32 / 750.0 - 1.0);
    let double = single.mapv(f64::from);
    let levels: Vec<Level> = (0..300).map(|i| table.level(1 + 3 * i)).collect();
    let (mut out_single, mut out_double) = (single.clone(), double.clone());
    let mut calls = |t: usize| {
        for levels in [Levels::Shared(table.level(t)), Levels::PerRow(&levels)] {
            Denoiser::predict(&model, levels, single.view(), out_single.view_mut()).unwrap();
            Denoiser::predict(&model, levels, double.view(), out_double.view_mut()).unwrap();
        }
    };
    calls(1);
    let counted = allocation_counter::measure(|| (2..20).for_each(&mut calls));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn trained_networks_say_what_pytorch_says() {
    for name in ["digits", "digits-psld", "digits-features"] {
        let (network, expected) =
            (trained(name), expected("networks.json", &format!("{name}.safetensors")));
        let (x, wanted) = (matrix(&expected["input"]), matrix(&expected["output_f64"]));
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

/// The score in phase space, by the covariance of the process, relative to the largest of a row.
#[test]
fn scores_in_phase_space_are_those_of_pytorch() {
    let tiny = Network::load(golden("tiny-psld.safetensors")).unwrap();
    for (network, file, name) in
        [(tiny, "tiny.json", "tiny-psld"), (trained("digits-psld"), "networks.json", "digits-psld")]
    {
        let expected = expected(file, &format!("{name}.safetensors"));
        let (z, wanted) = (matrix(&expected["input"]), matrix(&expected["score_f64"]));
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
