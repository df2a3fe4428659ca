//! The JSON report repeats the settings of a run, so that it can be run again.

use std::fs;
use std::path::Path;

use langevin::ndarray::Array2;
use ndarray_npy::write_npy;
use serde_json::{Value, json};

use crate::support::{RUN, TWO, bytes, folder, json, network, succeed};

/// Options of a report as arguments.
fn spelled(options: &Value) -> String {
    let spell = |(name, value): (&String, &Value)| match value {
        Value::Bool(_) => format!("--{name}"),
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(Value::to_string).collect();
            format!("--{name} {}", list.join(","))
        }
        Value::String(text) => format!("--{name} {text}"),
        other => format!("--{name} {other}"),
    };
    options.as_object().unwrap().iter().map(spell).collect::<Vec<_>>().join(" ")
}

/// The arguments under these keys of a report, without those that are null.
fn given(report: &Value, keys: &[&str]) -> String {
    let some = keys.iter().filter(|key| !report[**key].is_null());
    let spell = |key: &&str| {
        let map = json!({key.replace('_', "-"): report[*key]});
        spelled(&map)
    };
    some.map(spell).collect::<Vec<_>>().join(" ")
}

fn again(folder: &Path, command: &str, report: &Value, rest: &str) {
    let keys = ["chains", "seed", "first_chain", "every", "non_finite", "precision", "bandwidth"];
    let inputs = report["inputs"].as_object().unwrap();
    let files = inputs.iter().map(|(name, input)| {
        let option = if name == "target" { String::new() } else { format!("--{name} ") };
        format!("{option}{}", input["file"].as_str().unwrap())
    });
    let files = files.collect::<Vec<_>>().join(" ");
    let line = format!("{command} {files} {} {rest} --out again.npy", given(report, &keys));
    succeed(folder, &line);
    assert_eq!(bytes(folder, "again.npy"), bytes(folder, "x.npy"), "{line}");
}

#[test]
fn a_sample_can_be_repeated_from_its_report() {
    let folder = folder("settings", TWO);
    write_npy(folder.join("d.npy"), &Array2::<f64>::eye(2)).unwrap();
    write_npy(folder.join("s.npy"), &Array2::<f64>::zeros((4, 2))).unwrap();
    let base = "--step 0.1 --steps 7 --chains 4 --seed 3 --first-chain 2";
    for run in [
        "g.json --dynamics underdamped --method pmm2 --substeps 4 --friction 1",
        "g.json --dynamics overdamped --method em --linearized --precision f32 --every 3",
        "g.json --method splitting --word baoab --start s.npy",
        "g.json --dynamics underdamped --method rm --rounds 2 --tolerance 1 --burn-in 2 --every 2",
        "--data d.npy --bandwidth 1 --dynamics overdamped --method pmm1 --non-finite freeze",
    ] {
        let report = json(&folder, &format!("sample {run} {base} --out x.npy"));
        let mut options = report["options"].clone();
        if options["word"].is_null() {
            options.as_object_mut().unwrap().remove("word");
        }
        let keys = given(&report, &["method", "dynamics", "step", "steps", "burn_in"]);
        again(&folder, "sample", &report, &format!("{keys} {}", spelled(&options)));
    }
    let report = json(&folder, &format!("sample g.json {RUN}"));
    let expected =
        json!({"friction": 2.0, "inverse-mass": 1.0, "noise-scale": 1.0, "substeps": 16});
    assert_eq!(report["options"], expected);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    // Made by sha256sum.
    fs::write(folder.join("g.json"), r#"{"means": [[0.0]], "std": 1.0}"#).unwrap();
    let report = json(&folder, &format!("sample g.json {RUN}"));
    let expected = "1f3ebaabf8c830331b3770175986ae4f4dba7f0577a3bac2dc6fcdc80082feb7";
    assert_eq!(report["inputs"], json!({"target": {"file": "g.json", "sha256": expected}}));
}

#[test]
fn a_generation_can_be_repeated_from_its_report() {
    let folder = folder("settings-generate", TWO);
    let base = "--chains 4 --seed 3 --first-chain 2 --out x.npy";
    let digits = format!("--model {}", network("digits"));
    for (run, options) in [
        ("g.json --method ddim --eta 1 --evaluations 10", json!({"eta": 1.0})),
        ("g.json --method ddim --timesteps 700", json!({"timesteps": [700]})),
        ("g.json --method pmm2 --levels 100 --blocks 60,39,1", json!({"blocks": [60, 39, 1]})),
        (
            "g.json --method rm --control-variate --evaluations 30 --schedule cosine",
            json!({"control-variate": true}),
        ),
        ("g.json --process psld --method em --beta 0.1,20 --nu 3 --evaluations 9", json!({})),
        (&format!("{digits} --label 3 --guidance 2 --method ddpm --evaluations 5"), json!({})),
    ] {
        let report = json(&folder, &format!("generate {run} {base}"));
        assert_eq!(report["options"], options, "{run}");
        let mut keys = vec!["method", "evaluations", "label", "guidance"];
        if report["inputs"]["model"].is_null() {
            keys.extend(["process", "schedule", "levels", "beta", "gamma", "nu", "kappa"]);
        }
        let rest = format!("{} {}", given(&report, &keys), spelled(&report["options"]));
        again(&folder, "generate", &report, &rest);
    }
    let psld = "generate g.json --process psld --method em --evaluations 9 --chains 3";
    assert_eq!(json(&folder, &format!("{psld} --beta 0.1,20"))["beta"], json!([0.1, 20.0]));
    assert_eq!(json(&folder, psld)["beta"], json!(8.0));
}
