//! `langevin generate --model`: trained networks.

use std::fs;

use crate::support::{
    THREE, bytes, folder, json, network, read_as_f64, refuse, repository, succeed,
};

/// Network, and options of a run that fits it.
const RUNS: [(&str, &str); 7] = [
    ("digits", "--method ddim --evaluations 10"),
    ("digits", "--method pmm2 --evaluations 60 --label 3"),
    ("digits", "--method ddim --evaluations 10 --label 3 --guidance 2"),
    ("digits", "--process psld --method robab --grid quadratic --evaluations 41"),
    ("digits", "--process psld --method roba --evaluations 41 --label 1 --guidance 3 --nu 3"),
    ("digits-psld", "--method roba --evaluations 41"),
    ("digits-psld", "--method sscs --evaluations 41 --precision f64"),
];

#[test]
fn networks_generate_along_both_processes() {
    let folder = folder("models-generate", THREE);
    for (name, options) in RUNS {
        let run = format!("generate --model {} {options} --seed 5 --chains 30", network(name));
        let report = json(&folder, &format!("{run} --out whole.npy --grid-image x.png"));
        assert_eq!(report["dim"], 64, "{options}");
        let passes = if options.contains("guidance") { 2 } else { 1 };
        assert_eq!(report["model_calls_per_evaluation"], passes, "{options}");
        let precision = if options.contains("f64") { "f64" } else { "f32" };
        assert_eq!(report["precision"], precision, "{options}");
        succeed(&folder, &format!("{run} --out x.npy --chunk 7 --threads 2"));
        assert_eq!(bytes(&folder, "x.npy"), bytes(&folder, "whole.npy"), "{options}");
        let samples = read_as_f64(&folder, "x.npy", precision);
        let largest = samples.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        assert!((0.9..4.0).contains(&largest), "{options}: {largest}");
    }
}

#[test]
fn guidance_is_said_in_the_heading() {
    let folder = folder("models-heading", THREE);
    let options = "--method ddim --evaluations 5 --chains 3 --label 3 --guidance 2";
    let text = succeed(&folder, &format!("generate --model {} {options}", network("digits")));
    assert!(text.contains("label 3 with guidance 2"), "{text}");
    assert!(text.contains("each of the network twice"), "{text}");
    assert!(!text.contains("target"), "{text}");
}

/// Options, with the names of networks in capitals, and what the message says.
const BAD: [(&str, &str); 21] = [
    ("--model nowhere --method ddim", "cannot read the network nowhere"),
    ("--model short --method ddim", "--model short"),
    ("--model text --method ddim", "--model text"),
    ("--model empty --method ddim", "--model empty"),
    ("--model . --method ddim", "cannot read the network ."),
    ("--model FEATURES --method ddim", "--model | given features | prediction"),
    ("--model PSLD --method ddim", "ddim | psld"),
    ("--model PSLD --process vp --method ddim", "trained for psld"),
    ("--model PSLD --method roba --nu 3", "--nu | trained with"),
    ("--model PSLD --method roba --label 3", "label"),
    ("--model VP --method ddim --schedule cosine", "--schedule | trained with"),
    ("--model VP --method ddim --nu 3", "nu | trained with"),
    ("--model VP --method ddim --label 10", "label | 10"),
    ("--model VP --method ddim --guidance 2", "--label"),
    ("--model VP --method ddim --label 1 --guidance nan", "--guidance"),
    ("--model VP --method ddim --data x.npy --bandwidth 1", "--data"),
    ("--model VP --method ddim --bandwidth 1", "--bandwidth"),
    ("g.json --model VP --method ddim", "--model"),
    ("--model VP --method ddim --plot y.svg", "--plot | --grid-image"),
    ("--model VP --method ddim --grid-image y.png --image-shape 4x4", "4x4 | 64"),
    ("--method ddim", "TARGET.json | --model"),
];

#[test]
fn bad_models_are_refused() {
    let folder = folder("models-refused", THREE);
    let whole = fs::read(repository("examples/models/digits.safetensors")).unwrap();
    fs::write(folder.join("short"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join("text"), "not a network").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    for (arguments, pieces) in BAD {
        let arguments = arguments
            .replace("VP", &network("digits"))
            .replace("PSLD", &network("digits-psld"))
            .replace("FEATURES", &network("digits-features"));
        let run = format!("generate {arguments} --evaluations 41 --chains 4 --out x.npy");
        refuse(&folder, &run, pieces);
    }
}
