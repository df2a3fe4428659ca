//! Phase space: words, `mala`, `malt`, and `generate --process psld`.

use langevin::diffusion::{Method, ProcessKind};
use langevin::ndarray::{Array2, ArrayD};
use ndarray_npy::write_npy;

use crate::support::{
    THREE, THREE_WEIGHTS, bytes, folder, has_keys, json, number, numbers, read, refuse, stacked,
    succeed,
};

#[test]
fn words_sample() {
    let folder = folder("words", THREE);
    for (options, dynamics, extra) in [
        ("--method baoab", "underdamped", 1.0),
        ("--method obabo --dynamics underdamped --friction 1", "underdamped", 1.0),
        ("--method aboba", "underdamped", 0.0),
        ("--word oabao", "underdamped", 0.0),
        ("--method mala", "overdamped", 1.0),
        ("--method malt", "underdamped", 1.0),
        ("--method malt --leapfrogs 3", "underdamped", 101.0),
    ] {
        let run = format!("sample g.json {options} --step 0.2 --steps 50 --chains 40");
        let report = json(&folder, &format!("{run} --out x.npy"));
        assert_eq!(report["dynamics"], dynamics, "{options}");
        assert_eq!(number(&report["evaluations_per_chain"]), 50.0 + extra, "{options}");
        assert_eq!(read::<f64>(&folder, "x.npy").shape(), [40, 2], "{options}");
    }
    let report = json(&folder, "sample g.json --method mala --step 0.1 --steps 50 --chains 40");
    assert!((0.3..1.0).contains(&number(&report["acceptance"])));
    let report = json(&folder, "sample g.json --word OABAO --step 0.1 --steps 5 --chains 4");
    assert_eq!((&report["method"], &report["word"]), (&"splitting".into(), &"OABAO".into()));
    let mala = "sample g.json --method mala --step 0.1 --steps 9 --chains 9";
    let text = succeed(&folder, mala);
    assert!(text.contains("% accepted"), "{text}");
}

#[test]
fn words_are_probed() {
    let folder = folder("words-probed", THREE);
    let found = json(&folder, "probe --word BAOAB --step 1.5 --friction 50");
    has_keys(
        &found,
        "contraction covariance curvature dynamics method options rounding step target version \
         word",
    );
    assert!((number(&found["covariance"][0][0]) - 1.0).abs() < 1e-13);
    assert!((number(&found["covariance"][1][1]) - (1.0 - 2.25 / 4.0)).abs() < 1e-13);
    let same = json(&folder, "probe --method baoab --step 1.5 --friction 50");
    assert_eq!(same["covariance"], found["covariance"]);
    refuse(&folder, "probe --method mala --step 0.1", "probe cannot average | mala is exact");
    refuse(&folder, "probe --method malt --step 0.1", "probe cannot average | malt is exact");
    refuse(&folder, "probe --word BAB --step 0.5", "BAB | at least one O");
}

#[test]
fn bad_words_and_dynamics_are_refused() {
    let folder = folder("words-refused", THREE);
    for (options, pieces) in [
        ("--word BAXAB", "word | BAXAB | letter 3 | `X`"),
        ("--word OAO", "OAO | at least one B"),
        ("--word BOB", "BOB | at least one A"),
        ("--word BAOAB --method em --dynamics underdamped", "word | em"),
        ("--word BAB", "BAB | at least one O | samples nothing"),
        ("--method splitting", "--word is missing: splitting needs it"),
        ("--method baoab --dynamics overdamped", "baoab on overdamped | underdamped"),
        ("--method mala --dynamics underdamped", "mala on underdamped | overdamped"),
        ("--method mala --friction 2", "friction | overdamped"),
        ("--method malt --dynamics overdamped", "malt on overdamped | underdamped"),
        ("--method malt --leapfrogs 0", "leapfrogs | 0"),
        ("--method mala --leapfrogs 2", "leapfrogs | mala"),
        ("--method em", "--dynamics is missing | overdamped and underdamped"),
        ("--method baoab --substeps 3", "substeps | baoab"),
        ("", "--method"),
    ] {
        let run = format!("sample g.json {options} --step 0.1 --steps 5 --chains 4");
        refuse(&folder, &format!("{run} --out x.npy"), pieces);
    }
    // Columns that are no velocities are not taken for what a sampler carries.
    write_npy(folder.join("wide.npy"), &Array2::<f64>::ones((4, 4))).unwrap();
    let mala = "sample g.json --method mala --step 0.1 --steps 5 --chains 4";
    refuse(&folder, &format!("{mala} --start wide.npy"), "start | (4, 4) | (chains, 2)");
}

#[test]
fn every_phase_method_runs_within_its_budget() {
    let folder = folder("phase-methods", THREE);
    for method in Method::on(ProcessKind::Psld).iter().map(Method::name) {
        let run = format!(
            "generate g.json --process psld --method {method} --grid quadratic \
             --evaluations 121 --seed 3"
        );
        let report = json(&folder, &format!("{run} --chains 500 --out whole.npy"));
        let used = number(&report["evaluations_per_chain"]);
        let planned = number(&report["planned_evaluations"]);
        assert!(planned <= 121.0 && planned > 110.0, "{method}: {planned}");
        let bound = if method.starts_with("pmm") { 2.0 } else { 1e-9 };
        assert!((used - planned).abs() < bound, "{method}: {used}");
        assert_eq!((&report["process"], number(&report["nu"])), (&"psld".into(), 4.01), "{method}");
        let weights = numbers(&report["mode_weights"]);
        for (weight, exact) in weights.iter().zip(THREE_WEIGHTS) {
            assert!((weight - exact).abs() < 0.15, "{method}: {weights:?}");
        }
        // Parts, threads and chunks.
        let whole: ArrayD<f64> = read(&folder, "whole.npy");
        succeed(&folder, &format!("{run} --chains 41 --out a.npy --chunk 16 --threads 2"));
        succeed(&folder, &format!("{run} --chains 459 --first-chain 41 --out b.npy --chunk 37"));
        assert_eq!(stacked(&read(&folder, "a.npy"), &read(&folder, "b.npy")), whole, "{method}");
    }
}

#[test]
fn constants_and_scales_of_the_noise_change_the_result() {
    let folder = folder("phase-options", THREE);
    let samples = |options: &str| {
        let run =
            "generate g.json --process psld --evaluations 50 --chains 30 --out x.npy --seed 1";
        succeed(&folder, &format!("{run} --method {options}"));
        bytes(&folder, "x.npy")
    };
    let plain = samples("roba");
    let defaults =
        "roba --lambda-s 1 --noise-form step --beta 8 --gamma 0.01 --nu 4.01 --kappa 0.04";
    assert_eq!(samples(defaults), plain);
    assert_eq!(samples("roba --grid uniform --end-time 1e-3"), plain);
    let others = [
        "rbao",
        "oba",
        "roba --lambda-s 0",
        "roba --lambda-s 4",
        "roba --lambda-s 4 --noise-form remaining",
        "roba --beta 7",
        "roba --beta 2,14",
        "roba --gamma 0.5",
        "roba --nu 3",
        "roba --kappa 0.1",
        "roba --grid quadratic",
        "roba --end-time 1e-2",
        "pmm2",
        "pmm2 --substeps 4",
        "pmm2 --noise-scale 0.9",
        "rm",
        "rm --control-variate",
        "rm --windows 2 --rounds 1",
    ];
    let mut seen = vec![plain];
    for options in others {
        let found = samples(options);
        assert!(!seen.contains(&found), "{options} changed nothing");
        seen.push(found);
    }
}

/// Options of a run of roba, and what the message says.
const WITH_ROBA: [(&str, &str); 24] = [
    ("--gamma 1 --nu 1", "gamma and nu that differ"),
    ("--gamma -1 --nu 0.5", "nu + gamma: given -0.5"),
    ("--gamma -0.5", "gamma: given"),
    ("--kappa -1", "kappa: given"),
    ("--kappa nan", "kappa: given"),
    ("--beta 0", "beta: given `0`"),
    ("--beta 1,-2", "beta: given `1,-2`"),
    ("--beta 1,2,3", "beta: given `1,2,3`"),
    ("--lambda-s -1", "lambda-s: given -1"),
    ("--lambda-s 1 --noise-form sideways", "noise-form | `sideways` | step, remaining"),
    ("--noise-form step", "--lambda-s is missing: noise-form needs it"),
    ("--end-time 0", "end time: given 0 | (0, 1)"),
    ("--end-time 1", "end time: given 1"),
    ("--end-time -1", "end time: given -1"),
    ("--end-time nan", "end time: given NaN"),
    ("--end-time 1e-18", "end time: given 0.000000000000000001 | 1e-12"),
    ("--grid logsnr", "grid | logsnr | uniform or quadratic"),
    ("--schedule linear", "schedule | psld"),
    ("--levels 10", "levels | psld"),
    ("--eta 0.5", "eta | roba"),
    ("--timesteps 9,1", "timesteps | roba"),
    ("--substeps 4", "substeps | roba"),
    ("--label 3", "--model"),
    ("--guidance 3", "--label"),
];

/// Other options, and what the message says.
const OTHERS: [(&str, &str); 7] = [
    ("--process psld --method roba", "--evaluations is missing"),
    ("--process psld --method ddim --evaluations 50", "ddim | psld | sscs"),
    ("--process psld --method oba --lambda-s 1 --evaluations 50", "lambda-s | oba"),
    ("--process psld --method obab --evaluations 3", "3 evaluations | at least 4"),
    ("--method ddim --evaluations 50 --nu 3", "nu | vp"),
    ("--method ddim --evaluations 50 --lambda-s 3", "lambda-s | ddim"),
    ("--process sideways --method ddim --evaluations 50", "--process | sideways"),
];

#[test]
fn bad_input_is_refused() {
    let folder = folder("phase-refused", THREE);
    let roba = "generate g.json --process psld --method roba --evaluations 50 --chains 4";
    for (options, pieces) in WITH_ROBA {
        refuse(&folder, &format!("{roba} {options} --out x.npy --plot x.svg --json"), pieces);
    }
    for (options, pieces) in OTHERS {
        refuse(&folder, &format!("generate g.json --chains 4 --out x.npy {options}"), pieces);
    }
}
