//! `langevin` in phase space as a stranger meets it: words, mala, `generate --process psld`.
#![cfg(feature = "cli")]

use std::fs;

use langevin::generation::PHASE_METHODS;
use langevin::ndarray::{ArrayD, Axis, concatenate};

mod common;
use common::{folder, json, number, read, refuse, succeed};

const THREE: &str = r#"{"weights": [1, 2, 1], "means": [[-2, 0], [2, 1], [0, 3]], "std": 0.3}"#;

#[test]
fn words_sample_and_are_probed() {
    let folder = folder("words", THREE);
    for (options, dynamics, extra) in [
        ("--method baoab", "underdamped", 1.0),
        ("--method obabo --dynamics underdamped --friction 1", "underdamped", 1.0),
        ("--method aboba", "underdamped", 0.0),
        ("--word oabao", "underdamped", 0.0),
        ("--method mala", "overdamped", 1.0),
    ] {
        let report = json(
            &folder,
            &format!("sample g.json {options} --step 0.2 --steps 50 --chains 40 --out x.npy"),
        );
        assert_eq!(report["dynamics"], dynamics, "{options}");
        assert_eq!(number(&report["evaluations_per_chain"]), 50.0 + extra, "{options}");
        assert_eq!(read::<f64>(&folder, "x.npy").shape(), [40, 2], "{options}");
    }
    let report = json(&folder, "sample g.json --method mala --step 0.1 --steps 50 --chains 40");
    assert!((0.3..1.0).contains(&number(&report["acceptance"])));
    let report = json(&folder, "sample g.json --word OABAO --step 0.1 --steps 5 --chains 4");
    assert_eq!(
        (report["method"].as_str(), report["word"].as_str()),
        (Some("splitting"), Some("OABAO"))
    );
    let text = String::from_utf8(succeed(
        &folder,
        "sample g.json --method mala --step 0.1 --steps 9 --chains 9",
    ))
    .unwrap();
    assert!(text.contains("% accepted"), "{text}");
    let found = json(&folder, "probe --word BAOAB --step 1.5 --friction 50");
    assert!((number(&found["covariance"][0][0]) - 1.0).abs() < 1e-13);
    assert!((number(&found["covariance"][1][1]) - (1.0 - 2.25 / 4.0)).abs() < 1e-13);
    let same = json(&folder, "probe --method baoab --step 1.5 --friction 50");
    assert_eq!(same["covariance"], found["covariance"]);
    for (options, pieces) in [
        ("--word BAXAB", "word `BAXAB` | letter 3 | `X`"),
        ("--word OAO", "OAO | at least one B"),
        ("--word BOB", "BOB | at least one A"),
        ("--word BAOAB --method em", "word | em"),
        ("--word BAB --friction 2", "friction | without O"),
        ("--method splitting", "splitting needs the option word"),
        ("--method baoab --dynamics overdamped", "baoab on overdamped | underdamped"),
        ("--method mala --dynamics underdamped", "mala on underdamped | overdamped"),
        ("--method mala --friction 2", "friction | overdamped"),
        ("--method em", "--dynamics is missing | overdamped and underdamped"),
        ("--method baoab --substeps 3", "substeps | baoab"),
        ("", "--method"),
    ] {
        refuse(
            &folder,
            &format!("sample g.json {options} --step 0.1 --steps 5 --chains 4 --out x2.npy"),
            pieces,
        );
    }
    refuse(&folder, "probe --method mala --step 0.1", "probe cannot average | mala is exact");
    refuse(&folder, "probe --word BAB --step 0.5", "no stationary law");
    // Columns that are no velocities are not taken for what a sampler carries.
    ndarray_npy::write_npy(
        folder.join("wide.npy"),
        &langevin::ndarray::Array2::<f64>::ones((4, 4)),
    )
    .unwrap();
    let mala = "sample g.json --method mala --step 0.1 --steps 5 --chains 4";
    refuse(&folder, &format!("{mala} --start wide.npy"), "start | (4, 4) | (chains, 2)");
}

#[test]
fn every_phase_method_runs_within_its_budget() {
    let folder = folder("phase-methods", THREE);
    for method in PHASE_METHODS.map(|m| m.name) {
        let run = format!(
            "generate g.json --process psld --method {method} --grid quadratic --evaluations 121 --seed 3"
        );
        let report = json(&folder, &format!("{run} --chains 500 --out whole.npy"));
        let (used, planned) =
            (number(&report["evaluations_per_chain"]), number(&report["planned_evaluations"]));
        assert!(planned <= 121.0 && planned > 110.0, "{method}: {planned}");
        assert!(
            (used - planned).abs() < if method.starts_with("pmm") { 2.0 } else { 1e-9 },
            "{method}: {used}"
        );
        assert_eq!(
            (report["process"].as_str(), number(&report["nu"])),
            (Some("psld"), 4.01),
            "{method}"
        );
        let weights: Vec<f64> =
            report["mode_weights"].as_array().unwrap().iter().map(number).collect();
        for (weight, exact) in weights.iter().zip([0.25, 0.5, 0.25]) {
            assert!((weight - exact).abs() < 0.15, "{method}: {weights:?}");
        }
        // Parts, threads and chunks.
        let whole: ArrayD<f64> = read(&folder, "whole.npy");
        succeed(&folder, &format!("{run} --chains 41 --out a.npy --chunk 16 --threads 2"));
        succeed(&folder, &format!("{run} --chains 459 --first-chain 41 --out b.npy --chunk 37"));
        let parts = ["a.npy", "b.npy"].map(|name| read::<f64>(&folder, name));
        assert_eq!(
            concatenate(Axis(0), &[parts[0].view(), parts[1].view()]).unwrap(),
            whole,
            "{method}"
        );
    }
    let listed = json(&folder, "methods");
    let names: Vec<_> = listed["generation_psld"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["name"].as_str())
        .collect();
    assert_eq!(names, PHASE_METHODS.map(|m| m.name));
}

#[test]
fn constants_and_scales_of_the_noise_change_the_result() {
    let folder = folder("phase-options", THREE);
    let samples = |options: &str| {
        let run =
            "generate g.json --process psld --evaluations 50 --chains 30 --out x.npy --seed 1";
        succeed(&folder, &format!("{run} {options}"));
        fs::read(folder.join("x.npy")).unwrap()
    };
    let plain = samples("--method roba");
    assert_eq!(
        samples(
            "--method roba --lambda-s 1 --noise-form step --beta 8 --gamma 0.01 --nu 4.01 --kappa 0.04"
        ),
        plain
    );
    assert_eq!(samples("--method roba --grid uniform --end-time 1e-3"), plain);
    let others = [
        "--method rbao",
        "--method oba",
        "--method roba --lambda-s 0",
        "--method roba --lambda-s 4",
        "--method roba --lambda-s 4 --noise-form remaining",
        "--method roba --beta 7",
        "--method roba --beta 2,14",
        "--method roba --gamma 0.5",
        "--method roba --nu 3",
        "--method roba --kappa 0.1",
        "--method roba --grid quadratic",
        "--method roba --end-time 1e-2",
        "--method pmm2",
        "--method pmm2 --substeps 4",
        "--method pmm2 --noise-scale 0.9",
        "--method rm",
        "--method rm --control-variate",
        "--method rm --windows 2 --rounds 1",
    ];
    let mut seen = vec![plain];
    for options in others {
        let found = samples(options);
        assert!(!seen.contains(&found), "{options} changed nothing");
        seen.push(found);
    }
}

#[test]
fn bad_input_is_refused() {
    let folder = folder("phase-refused", THREE);
    for (options, pieces) in [
        ("--gamma 1 --nu 1", "gamma and nu that differ"),
        ("--gamma -1 --nu 0.5", "nu + gamma: given -0.5"),
        ("--gamma -0.5", "gamma: given -0.5"),
        ("--kappa -1", "kappa: given -1"),
        ("--kappa nan", "kappa: given NaN"),
        ("--beta 0", "beta: given 0"),
        ("--beta 1,-2", "last beta: given -2"),
        ("--beta 1,2,3", "--beta | 3 numbers"),
        ("--lambda-s -1", "lambda-s: given -1"),
        ("--lambda-s 1 --noise-form sideways", "unknown noise form `sideways` | step, remaining"),
        ("--noise-form step", "noise-form | without lambda-s"),
        ("--end-time 0", "end time: given 0 | (0, 1)"),
        ("--end-time 1", "end time: given 1"),
        ("--end-time -1", "end time: given -1"),
        ("--end-time nan", "end time: given NaN"),
        ("--end-time 1e-18", "end time: given 0.000000000000000001 | 1e-12"),
        ("--grid logsnr", "unknown grid `logsnr` | uniform, quadratic"),
        ("--schedule linear", "schedule | psld"),
        ("--levels 10", "levels | psld"),
        ("--eta 0.5", "eta | psld"),
        ("--timesteps 9,1", "timesteps | psld"),
        ("--substeps 4", "substeps | roba"),
        ("--label 3", "--model"),
        ("--guidance 3", "--label"),
    ] {
        let run = format!(
            "generate g.json --process psld --method roba --evaluations 50 --chains 4 {options}"
        );
        refuse(&folder, &format!("{run} --out x.npy --plot x.svg --json"), pieces);
    }
    let base = "generate g.json --chains 4 --out x.npy";
    refuse(&folder, &format!("{base} --process psld --method roba"), "--evaluations is missing");
    refuse(
        &folder,
        &format!("{base} --process psld --method ddim --evaluations 50"),
        "unknown method `ddim` | sscs",
    );
    refuse(
        &folder,
        &format!("{base} --process psld --method oba --lambda-s 1 --evaluations 50"),
        "lambda-s | oba",
    );
    refuse(
        &folder,
        &format!("{base} --process psld --method obab --evaluations 3"),
        "3 evaluations | at least 4",
    );
    refuse(&folder, &format!("{base} --method ddim --evaluations 50 --nu 3"), "nu | vp");
    refuse(
        &folder,
        &format!("{base} --method ddim --evaluations 50 --lambda-s 3"),
        "lambda-s | vp",
    );
    refuse(
        &folder,
        &format!("{base} --process sideways --method ddim --evaluations 50"),
        "--process | sideways",
    );
}
