//! `langevin sample`: its bits, its report, its pictures, and that the numbers are right.

use std::fs;
use std::path::Path;

use langevin::ndarray::{Array2, Array3, Axis, s};
use ndarray_npy::{read_npy, write_npy};
use serde_json::{Value, json};

use crate::support::{
    RUN, TWO, bytes, folder, has_keys, json, listing, number, numbers, read, read_as_f64, refuse,
    stacked, succeed,
};

/// The keys of every report of `sample`.
const KEYS: &str = "bandwidth batched_calls burn_in chains covariance dim diverged \
                    diverged_chains dynamics evaluations_per_chain first_chain inputs mean method \
                    mode_weights non_finite options planned_steps precision rounds seconds seed \
                    step steps variance version";

#[test]
fn bits_do_not_depend_on_threads_chunks_frames_or_parts() {
    let target = r#"{"means": [[0, 0, 1], [2, 1, 0]], "variances": [[1, 0.5, 1], [0.3, 1, 2]]}"#;
    let folder = folder("bits", target);
    let methods = [
        "overdamped --method em",
        "underdamped --method pmm1",
        "underdamped --method rm --windows 2",
    ];
    for method in methods {
        for precision in ["f64", "f32"] {
            bits_of_one_method(&folder, method, precision);
        }
    }
}

fn bits_of_one_method(folder: &Path, method: &str, precision: &str) {
    let base = format!(
        "sample g.json --dynamics {method} --step 0.2 --steps 12 --precision {precision} --seed 9"
    );
    let read = |name: &str| read_as_f64(folder, name, precision);
    succeed(folder, &format!("{base} --chains 300 --out whole.npy"));
    let whole = read("whole.npy");
    assert_eq!(whole.shape(), [300, 3]);
    for (threads, chunk) in [(1, 1), (1, 37), (1, 4096), (2, 1), (2, 37), (2, 128), (2, 4096)] {
        let split = format!("--threads {threads} --chunk {chunk}");
        succeed(folder, &format!("{base} --chains 300 --out x.npy {split}"));
        assert_eq!(bytes(folder, "x.npy"), bytes(folder, "whole.npy"), "{base} {split}");
    }
    let frames = "--out frames.npy --every 5 --burn-in 2 --threads 2 --chunk 37";
    succeed(folder, &format!("{base} --chains 300 {frames}"));
    let frames = read("frames.npy");
    assert_eq!(frames.shape(), [2, 300, 3]);
    assert_eq!(frames.index_axis(Axis(0), 1), whole, "{base}");
    succeed(folder, &format!("{base} --chains 113 --out a.npy"));
    succeed(folder, &format!("{base} --chains 187 --first-chain 113 --out b.npy"));
    assert_eq!(stacked(&read("a.npy"), &read("b.npy")), whole, "{base}");
    succeed(folder, &format!("{base}9 --chains 300 --out x.npy"));
    assert_ne!(bytes(folder, "x.npy"), bytes(folder, "whole.npy"), "{base}: the seed is ignored");
}

#[test]
fn the_report_has_all_fields() {
    let folder = folder("report", &TWO.replace('}', r#", "weights": [3, 1]}"#));
    let report = json(&folder, &format!("sample g.json {RUN}"));
    has_keys(&report, KEYS);
    let expected = json!({
        "method": "pmm2", "dynamics": "underdamped", "precision": "f64", "chains": 4,
        "first_chain": 0, "dim": 2, "seed": 0, "step": 0.1, "steps": 5, "batched_calls": 10,
        "rounds": 0, "diverged": 0, "diverged_chains": [],
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&report[field], value, "{field}");
    }
    let evaluations = number(&report["evaluations_per_chain"]);
    assert!((5.0..=10.0).contains(&evaluations), "{evaluations}");
    assert!(number(&report["seconds"]) >= 0.0);
    assert!(report["mean"][1].is_f64() && report["covariance"][1][1].is_f64());
    let weights: f64 = numbers(&report["mode_weights"]).iter().sum();
    assert!((weights - 1.0).abs() < 1e-12);
    let saved = json(&folder, &format!("sample g.json {RUN} --every 2"));
    has_keys(&saved, &format!("{KEYS} every saved"));
    assert_eq!((&saved["every"], &saved["saved"]), (&Value::from(2), &Value::from(3)));
}

#[test]
fn a_covariance_is_written_where_it_is_small_or_asked_for() {
    let folder = folder("covariance", TWO);
    for (dim, made) in [(8, true), (9, false)] {
        let target = json!({"means": [vec![0.0; dim]], "std": 0.5}).to_string();
        fs::write(folder.join("g.json"), target).unwrap();
        for more in ["", "--burn-in 1"] {
            let report = json(&folder, &format!("sample g.json {RUN} {more}"));
            assert_eq!(report["covariance"].is_array(), made, "{dim} {more}");
            assert_eq!(numbers(&report["variance"]).len(), dim);
            let report = json(&folder, &format!("sample g.json {RUN} {more} --covariance"));
            assert_eq!(report["covariance"][8].is_array(), !made, "{dim} {more}");
            assert_eq!(report["covariance"][1][1], report["variance"][1]);
        }
    }
    refuse(&folder, &format!("sample g.json {RUN} --covariance"), "--json");
}

#[test]
fn numbers_of_any_size_have_digits() {
    let folder = folder(
        "digits",
        r#"{"means": [[-3e-9, 100], [3e-9, 100]], "variances": [[1e-18, 1e-6], [1e-18, 1e-6]]}"#,
    );
    let start =
        Array2::from_shape_fn((4, 2), |(i, j)| if j == 0 { 3e-9 } else { 100.0 + 1e-3 * i as f64 });
    write_npy(folder.join("start.npy"), &start).unwrap();
    let run =
        "--dynamics overdamped --method em --step 1e-20 --steps 2 --chains 4 --start start.npy";
    let text = succeed(&folder, &format!("sample g.json {run}"));
    assert!(text.contains("e-9") && text.contains("100.0") && !text.contains("-0.00000"), "{text}");
    let narrow = text.lines().find(|line| line.trim_start().starts_with("0 ")).unwrap();
    assert!(!narrow.contains("0.00000"), "{narrow}");
    let refused = succeed(&folder, "probe --dynamics overdamped --method em --step 1e-9");
    assert!(refused.contains("+5.0000") && refused.contains("e-10"), "{refused}");
    refuse(
        &folder,
        &format!("sample g.json {} --word BAB", RUN.replace("--method pmm2", "")),
        "at least one O",
    );
}

#[test]
fn pictures_are_drawn_in_any_dimension() {
    let folder = folder("pictures", TWO);
    for dim in [1, 2, 3, 64] {
        let means = [vec![-1.0; dim], vec![1.0; dim]];
        let target = json!({"means": means, "std": 0.5}).to_string();
        fs::write(folder.join("g.json"), target).unwrap();
        let report = json(&folder, &format!("sample g.json {RUN} --plot x.svg"));
        assert_eq!(report["dim"], dim);
        let svg = fs::read_to_string(folder.join("x.svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{dim}");
        assert!(svg.contains("4 samples"), "{dim}");
    }
    assert_eq!(listing(&folder), ["g.json", "x.svg"]);
}

/// Chains of ULA that start at the far-apart `centres` of width `spread`, and stay with them: the
/// sum of n squared residuals over their variance is χ²(n), of mean n and standard deviation √(2n);
/// five of those are missed by chance less than once in a million runs.
fn residuals_of_ula_fit(folder: &Path, target: &str, centres: &Array2<f64>, spread: f64) {
    let shape = (4000, centres.ncols());
    let start = Array2::from_shape_fn(shape, |(i, j)| centres[[i % centres.nrows(), j]]);
    write_npy(folder.join("start.npy"), &start).unwrap();
    let step = 0.05 * spread * spread;
    let run = format!(
        "--dynamics overdamped --method em --step {step} --steps 200 --chains {}",
        start.nrows()
    );
    succeed(folder, &format!("sample {target} {run} --start start.npy --out x.npy --seed 5"));
    let ends: Array2<f64> = read_npy(folder.join("x.npy")).unwrap();
    // X⁺ = (1 − a) X + √(2h) z with a = h/spread²: variance spread²/(1 − a/2) once (1 − a)^(2·200)
    // is nothing.
    let variance = spread * spread / (1.0 - 0.025);
    let n = ends.len() as f64;
    let chi_square = (&ends - &start).mapv(|x| x * x).sum() / variance;
    assert!((chi_square - n).abs() < 5.0 * (2.0 * n).sqrt(), "{chi_square} of {n}");
    let mean = (&ends - &start).sum() / n;
    assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{mean}");
}

#[test]
fn eight_gaussians_and_a_data_set_have_their_widths() {
    let folder = folder("widths", TWO);
    let ring = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::FRAC_PI_4 * k as f64;
        6.0 * if j == 0 { angle.cos() } else { angle.sin() }
    });
    let means: Vec<Vec<f64>> = ring.outer_iter().map(|row| row.to_vec()).collect();
    fs::write(folder.join("g.json"), json!({"means": means, "std": 0.3}).to_string()).unwrap();
    residuals_of_ula_fit(&folder, "g.json", &ring, 0.3);
    // Images of 2 × 3 pixels, flattened row by row.
    let images = Array3::from_shape_fn((10, 2, 3), |(n, i, j)| (20 * n + 7 * i + 3 * j) as u8);
    write_npy(folder.join("images.npy"), &images).unwrap();
    let flat = images.mapv(f64::from).into_shape_with_order((10, 6)).unwrap();
    residuals_of_ula_fit(&folder, "--data images.npy --bandwidth 0.5", &flat, 0.5);
}

#[test]
fn a_correlated_covariance_is_reproduced() {
    let target = r#"{"means": [[1, -1]], "covariances": [[[1, 0.8], [0.8, 1]]]}"#;
    let folder = folder("correlated", target);
    let chains = 20_000.0;
    let step = 0.02;
    let run = format!(
        "--dynamics overdamped --method em --step {step} --steps 500 --chains {chains} --out x.npy"
    );
    let report = json(&folder, &format!("sample g.json {run}"));
    let c = |i: usize, j: usize| number(&report["covariance"][i][j]);
    let half = 0.5 * (c(0, 0) + c(1, 1));
    // Along (1, 1) and (1, −1) the target has the variances 1.8 and 0.2, and ULA these over 1 −
    // h/2λ. A sample variance has the relative standard deviation √(2/chains); the start has
    // decayed to e^(−2·10/1.8) < 2e-5 of it.
    for (found, eigenvalue) in [(half + c(0, 1), 1.8), (half - c(0, 1), 0.2)] {
        let expected = eigenvalue / (1.0 - 0.5 * step / eigenvalue);
        let bound = 5.0 * (2.0f64 / chains).sqrt() + 2e-5;
        assert!((found / expected - 1.0).abs() < bound, "{found}, expected {expected}");
    }
    // The report is about what is in the file.
    let ends = read::<f64>(&folder, "x.npy");
    let mean = ends.slice(s![.., 0]).sum() / chains;
    assert!((mean - number(&report["mean"][0])).abs() < 1e-12);
}

#[test]
fn names_may_be_in_capitals_and_those_of_the_literature() {
    let folder = folder("names", TWO);
    let run = |method: &str| {
        let run = format!("sample g.json {method} --step 0.1 --steps 5 --chains 4");
        succeed(&folder, &format!("{run} --out {}.npy", method.replace([' ', '-'], "")));
        read_as_f64(&folder, &format!("{}.npy", method.replace([' ', '-'], "")), "f64")
    };
    let overdamped = run("--dynamics overdamped --method em");
    for same in ["--method ula", "--method LMC", "--dynamics Overdamped --method EM"] {
        assert_eq!(run(same), overdamped, "{same}");
    }
    assert_eq!(run("--method ulmc"), run("--dynamics underdamped --method em"));
    let other = "sample g.json --dynamics underdamped --method ula --step 0.1 --steps 5 --chains 4";
    refuse(&folder, other, "ula on overdamped");
}

#[test]
fn a_single_chain_has_a_table_without_spread() {
    let folder = folder("single", TWO);
    let run = "sample g.json --method baoab --step 0.1 --steps 30 --chains 1";
    let text = succeed(&folder, run);
    let row = text.lines().find(|line| line.starts_with("  0 ")).unwrap();
    assert_eq!(row.split_whitespace().nth(3), Some("-"), "{text}");
}
