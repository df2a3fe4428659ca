//! `langevin generate --window`: the bits of the sequential run, its cost, and what is refused.

use crate::support::{THREE, bytes, folder, json, network, number, refuse, succeed};

#[test]
fn windows_do_not_change_a_bit() {
    let folder = folder("windows-bits", THREE);
    let model = format!("--model {} --input-bits 10", network("digits"));
    for (source, method, evaluations) in [
        ("g.json", "ddpm", 200),
        ("g.json", "ddim", 50),
        ("g.json", "em", 60),
        ("g.json --process psld", "sscs", 60),
        (&model, "ddpm", 100),
        (&model, "dpmpp2m", 30),
    ] {
        let base = format!(
            "generate {source} --method {method} --evaluations {evaluations} --chains 6 --seed 9"
        );
        let report = json(&folder, &format!("{base} --window 1 --out whole.npy"));
        assert_eq!(report["batched_calls"], evaluations, "{method}");
        assert_eq!(number(&report["evaluations_per_chain"]), f64::from(evaluations), "{method}");
        for options in ["--window 20 --threads 1", "--window 1000 --chunk 2 --threads 2"] {
            let report = json(&folder, &format!("{base} {options} --out x.npy"));
            assert_eq!(bytes(&folder, "x.npy"), bytes(&folder, "whole.npy"), "{method} {options}");
            let rounds = number(&report["batched_calls"]);
            // A sampler that keeps the score fixed gains little from few steps.
            let most = if method == "sscs" { 1.0 } else { 0.9 };
            assert!(rounds <= most * f64::from(evaluations), "{method} {options}: {rounds}");
        }
    }
}

#[test]
fn a_report_tells_the_window() {
    let folder = folder("windows-report", THREE);
    let run = "generate g.json --method ddim --evaluations 40 --chains 3 --window 10";
    let report = json(&folder, run);
    assert_eq!((&report["window"], &report["tolerance"]), (&10.into(), &0.0.into()));
    let exact = number(&report["batched_calls"]);
    let report = json(&folder, &format!("{run} --tolerance 0.01"));
    assert_eq!(report["tolerance"], 0.01);
    assert!(number(&report["batched_calls"]) < exact);
    let text = succeed(&folder, run);
    assert!(text.contains("40 steps in windows of 10"), "{text}");
}

/// A method with options, and what the message says.
const BAD: [(&str, &str); 12] = [
    ("ddim --window 0", "window | given 0"),
    ("ddim --window -1", "--window | -1"),
    ("ddim --window 9 --tolerance -1", "tolerance | given -1"),
    ("ddim --window 9 --tolerance much", "tolerance | given `much`"),
    ("ddim --tolerance 0.1", "tolerance is not an option of ddim"),
    ("ddim --window 9 --every 2", "--window and --every"),
    ("ddim --input-bits 0", "input bits | given 0"),
    ("ddim --input-bits 53", "input bits | given 53"),
    ("heun --window 9", "window: given `9`, expected none | heun | more than one evaluation"),
    ("pmm2 --window 9", "window: given `9`, expected none | pmm2"),
    ("rm --window 9", "window: given `9`, expected none | rm"),
    ("pc --window 9", "window: given `9`, expected none | pc"),
];

#[test]
fn windows_that_do_not_fit_are_refused() {
    let folder = folder("windows-refused", THREE);
    for (method, pieces) in BAD {
        let run = format!("generate g.json --method {method} --evaluations 90 --chains 4");
        refuse(&folder, &format!("{run} --out x.npy"), pieces);
    }
}
