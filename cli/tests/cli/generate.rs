//! `langevin generate` as a stranger meets it: what it refuses, what it writes, and that it does
//! what it says.
#![cfg(feature = "cli")]

use std::fs;
use std::io::Cursor;

use langevin::generation::GENERATION_METHODS;
use langevin::ndarray::{Array2, Array3, ArrayD, Axis, concatenate};
use ndarray_npy::write_npy;
use serde_json::{Value, json};

mod common;
use common::{folder, json, langevin, listing, number, read, refuse, stderr, succeed};

const THREE: &str = r#"{"weights": [1, 2, 1], "means": [[-2, 0], [2, 1], [0, 3]], "std": 0.3}"#;
const DDIM: &str = "generate g.json --method ddim --evaluations 10 --chains 4";

/// Enough for every method, and options that make them differ from the default.
fn budget(method: &str) -> usize {
    if method == "pc-parallel" { 400 } else { 60 }
}

#[test]
fn every_method_runs_within_its_budget() {
    let folder = folder("generate-methods", THREE);
    for method in GENERATION_METHODS.map(|m| m.name) {
        let budget = budget(method);
        let chains = 2000.0;
        let run = format!(
            "generate g.json --method {method} --evaluations {budget} --chains {chains} --seed 3"
        );
        let report = json(&folder, &format!("{run} --out x.npy"));
        let (used, planned) =
            (number(&report["evaluations_per_chain"]), number(&report["planned_evaluations"]));
        assert!(planned <= budget as f64 && planned > 0.5 * budget as f64, "{method}: {planned}");
        if method.starts_with("pmm") {
            // What is used is random there, with a variance below 1 in every step of a chain: five
            // standard deviations.
            let bound = 5.0 * (number(&report["steps"]) / chains).sqrt();
            assert!((used - planned).abs() < bound, "{method}: {used}");
        } else {
            assert_eq!(used, planned, "{method}");
        }
        assert!(number(&report["batched_calls"]) <= budget as f64, "{method}");
        assert_eq!(read::<f64>(&folder, "x.npy").shape(), [2000, 2], "{method}");
        // Few evaluations are not exact; all methods find the modes.
        let weights: Vec<f64> =
            report["mode_weights"].as_array().unwrap().iter().map(number).collect();
        for (weight, exact) in weights.iter().zip([0.25, 0.5, 0.25]) {
            assert!((weight - exact).abs() < 0.2, "{method}: {weights:?}");
        }
        let text = String::from_utf8(succeed(&folder, &run)).unwrap();
        for piece in
            [method, "linear schedule", "planned", "coordinate", "mode ", "W2 of the distances"]
        {
            assert!(text.contains(piece), "{method}: no `{piece}` in {text}");
        }
    }
    let listed = json(&folder, "methods");
    let names: Vec<&str> = listed["generation"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["name"].as_str())
        .collect();
    assert_eq!(names, GENERATION_METHODS.map(|m| m.name));
    assert!(String::from_utf8(succeed(&folder, "methods")).unwrap().contains("pc-parallel"));
}

#[test]
fn bits_do_not_depend_on_threads_chunks_frames_or_parts() {
    let folder = folder("generate-bits", THREE);
    let bits = |name: &str| fs::read(folder.join(name)).unwrap();
    for method in GENERATION_METHODS.map(|m| m.name) {
        let base =
            format!("generate g.json --method {method} --evaluations {} --seed 9", budget(method));
        succeed(&folder, &format!("{base} --chains 90 --out whole.npy"));
        for (threads, chunk) in [(1, 1), (1, 37), (2, 16), (2, 4096)] {
            succeed(
                &folder,
                &format!("{base} --chains 90 --out x.npy --threads {threads} --chunk {chunk}"),
            );
            assert_eq!(bits("x.npy"), bits("whole.npy"), "{method} {threads} {chunk}");
        }
        let whole: ArrayD<f64> = read(&folder, "whole.npy");
        succeed(&folder, &format!("{base} --chains 41 --out a.npy"));
        succeed(&folder, &format!("{base} --chains 49 --first-chain 41 --out b.npy"));
        let parts = ["a.npy", "b.npy"].map(|name| read::<f64>(&folder, name));
        assert_eq!(
            concatenate(Axis(0), &[parts[0].view(), parts[1].view()]).unwrap(),
            whole,
            "{method}"
        );
        let report = json(&folder, &format!("{base} --chains 90 --every 1 --out x.npy"));
        let frames: Array3<f64> = read(&folder, "x.npy").into_dimensionality().unwrap();
        assert_eq!(frames.len_of(Axis(0)), number(&report["steps"]) as usize, "{method}");
        assert_eq!(report["saved"], report["steps"]);
        let last = frames.index_axis(Axis(0), frames.len_of(Axis(0)) - 1).into_dyn();
        assert_eq!(last, whole, "{method}");
        // The report is about the end, with frames and without.
        let mean = last.mean_axis(Axis(0)).unwrap();
        assert!((mean[0] - number(&report["mean"][0])).abs() < 1e-12, "{method}");
    }
}

#[test]
fn listed_levels_are_those_visited() {
    let folder = folder("generate-levels", THREE);
    for method in ["ddpm", "ddim", "dpmpp2m", "heun", "em", "pmm1", "pmm2", "rm"] {
        for list in [&[999, 500, 20, 0][..], &[900, 3], &[700]] {
            let text = list.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
            let report = json(
                &folder,
                &format!("generate g.json --method {method} --timesteps {text} --chains 3"),
            );
            assert_eq!(report["timesteps"], json!(list), "{method}");
            assert_eq!(report["steps"], list.len(), "{method}");
        }
    }
    let report =
        json(&folder, "generate g.json --method pmm2 --levels 100 --blocks 60,39,1 --chains 3");
    assert_eq!((&report["timesteps"], &report["levels"]), (&json!([99, 39, 0]), &json!(100)));
    let report = json(&folder, &format!("{DDIM} --schedule cosine --grid trailing"));
    assert_eq!(report["timesteps"], json!([999, 899, 799, 699, 599, 499, 399, 299, 199, 99]));
    assert_eq!(report["schedule"], "cosine");
    assert!(
        json(&folder, "generate g.json --method pc --evaluations 60 --chains 3")
            .get("timesteps")
            .is_none()
    );
}

#[test]
fn ddim_is_a_function_of_its_start() {
    let folder = folder("generate-start", THREE);
    let start = Array2::from_shape_fn((6, 2), |(i, j)| (i as f64 - 2.4) * 0.5 + j as f64 * 0.3);
    write_npy(folder.join("start.npy"), &start).unwrap();
    let run =
        "generate g.json --method ddim --evaluations 20 --chains 6 --start start.npy --out x.npy";
    let ends = |options: &str| {
        succeed(&folder, &format!("{run} {options}"));
        read::<f64>(&folder, "x.npy")
    };
    let first = ends("--seed 1");
    assert_eq!(ends("--seed 2"), first);
    assert_ne!(ends("--seed 1 --eta 1"), ends("--seed 2 --eta 1"));
    succeed(&folder, &format!("{run} --precision f32"));
    let single = read::<f32>(&folder, "x.npy");
    for (a, b) in single.iter().zip(&first) {
        assert!((f64::from(*a) - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn images_of_a_data_set_are_drawn() {
    let folder = folder("generate-images", THREE);
    // Twelve images of 4 × 6 pixels from 0 to 16.
    let images =
        Array3::from_shape_fn((12, 4, 6), |(n, i, j)| ((5 * n + 7 * i * j + i) % 17) as u8);
    write_npy(folder.join("images.npy"), &images).unwrap();
    let base =
        "generate --data images.npy --bandwidth 0.05 --method ddim --evaluations 15 --out x.npy";
    let picture = "--grid-image x.png --image-shape 4x6 --plot x.svg";
    for (chains, across, down) in [(3, 3, 1), (25, 10, 3), (130, 10, 10)] {
        let report = json(&folder, &format!("{base} --chains {chains} --scale=-1,1 {picture}"));
        assert_eq!(report["dim"], 24);
        let samples: ArrayD<f64> = read(&folder, "x.npy");
        assert!(samples.iter().all(|x| x.abs() < 1.5), "samples are in scaled units");
        assert!(samples.iter().any(|x| *x < -0.8) && samples.iter().any(|x| *x > 0.8));
        let decoder = png::Decoder::new(Cursor::new(fs::read(folder.join("x.png")).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        // Pixels are eight wide, and so are the lines between images.
        assert_eq!(
            (info.width, info.height),
            (8 * (7 * across - 1), 8 * (5 * down - 1)),
            "{chains}"
        );
        assert_eq!(
            f64::from(pixels[0]),
            (127.5 * (1.0 - samples[[0, 0]])).round().clamp(0.0, 255.0)
        );
    }
    // Without a scale, data keep their numbers.
    succeed(&folder, &base.replace("0.05", "0.5 --chains 20"));
    assert!(read::<f64>(&folder, "x.npy").iter().any(|x| *x > 10.0));
    write_npy(folder.join("flat.npy"), &Array2::from_elem((3, 24), 2.0)).unwrap();
    fs::remove_file(folder.join("x.npy")).unwrap();
    let flat = format!("{} --chains 2", base.replace("images", "flat"));
    refuse(&folder, &format!("{flat} --scale 0,1"), "--scale | from 2 to 2");
    refuse(&folder, &format!("{flat} {picture}"), "--grid-image | from 2 to 2");
    for (scale, pieces) in
        [("1,-1", "LO below HI"), ("1", "1"), ("a,b", "a,b"), ("0,inf", "0,inf"), ("1,1", "1,1")]
    {
        refuse(&folder, &format!("{flat} --scale {scale}"), &format!("--scale | {pieces}"));
    }
    refuse(
        &folder,
        &format!("{base} --chains 2 --grid-image x.png --image-shape 4x5"),
        "--image-shape | 4x5 | 24",
    );
}

#[test]
fn bad_input_is_refused() {
    let folder = folder("generate-refused", THREE);
    write_npy(folder.join("wide.npy"), &Array2::<f64>::zeros((4, 4))).unwrap();
    write_npy(folder.join("short.npy"), &Array2::<f64>::zeros((3, 2))).unwrap();
    let with_method = [
        ("ddim", "", "--evaluations | missing | --timesteps"),
        ("ddim", "--timesteps 5,5", "levels | decrease"),
        ("ddim", "--timesteps 5,6", "levels | decrease"),
        ("ddim", "--timesteps 1000", "levels | 1001 | 1000"),
        ("ddim", "--timesteps 5,-1", "--timesteps | -1"),
        ("ddim", "--timesteps 5,,1", "--timesteps"),
        ("ddim", "--timesteps 5,3 --grid equal", "only one of grid, timesteps and blocks"),
        ("ddim", "--timesteps 5,3,1 --evaluations 2", "2 evaluations are too few | at least 3"),
        ("ddim", "--blocks 600,400", "blocks | ddim"),
        ("pmm2", "--blocks 600,300", "sum of the blocks | 900"),
        ("pmm2", "--blocks 600,0,400", "block | given 0"),
        ("ddpm", "--evaluations 0", "0 evaluations are too few | at least 1"),
        ("em", "--evaluations 1", "1 evaluations are too few | at least 2"),
        ("pmm1", "--evaluations 1", "1 evaluations are too few | at least 2"),
        ("rm", "--evaluations 2", "2 evaluations are too few | at least 3"),
        ("pc", "--evaluations 5", "5 evaluations are too few | at least 3"),
        ("ddim", "--evaluations -1", "--evaluations | -1"),
        ("DDIM", "--evaluations 9", "unknown method `DDIM` | dpmpp2m"),
        ("ddpm", "--evaluations 9 --eta 0.5", "eta | ddpm"),
        ("ddim", "--evaluations 9 --variance large", "variance | ddim"),
        ("ddpm", "--evaluations 9 --variance huge", "--variance | huge"),
        ("pmm1", "--evaluations 9 --noise-scale 2", "noise scale | 2"),
        ("rm", "--timesteps 9,1 --rounds 18446744073709551615", "rounds"),
        ("pc", "--evaluations 60 --end-time 100", "horizon less end time"),
    ];
    for (method, options, pieces) in with_method {
        let run = format!("generate g.json --method {method} --chains 4 {options}");
        refuse(&folder, &format!("{run} --out x.npy --plot x.svg --json"), pieces);
    }
    let with_ddim = [
        ("--eta 1.5", "eta | 1.5"),
        ("--eta -0.1", "eta | -0.1"),
        ("--eta nan", "eta | NaN"),
        ("--schedule quadratic", "unknown schedule `quadratic` | scaled-linear"),
        ("--grid cubic", "unknown grid `cubic` | logsnr"),
        ("--levels 0", "levels | given 0"),
        ("--levels 1000001", "levels | 1000001"),
        ("--image-shape 1x2", "--grid-image"),
        ("--grid-image x.png", "--image-shape"),
        ("--grid-image x.png --image-shape 2x2", "--image-shape | 2x2 | 2, the dimension"),
        ("--grid-image x.png --image-shape 0x2", "--image-shape | 0x2"),
        ("--grid-image x.png --image-shape 2", "--image-shape | 8x8"),
        ("--grid-image x.svg --image-shape 1x2", "--plot and --grid-image"),
        ("--grid-image nowhere/x.png --image-shape 1x2", "--grid-image nowhere/x.png"),
        ("--scale 0,1", "--scale"),
        ("--every 11", "--every 11 | 10 steps"),
        ("--every 0", "every | given 0"),
        ("--start wide.npy", "start | (4, 4) | (4, 2)"),
        ("--start short.npy", "start | (3, 2) | (4, 2)"),
        ("--burn-in 3", "--burn-in"),
        ("--bandwidth 1", "--bandwidth"),
    ];
    for (options, pieces) in with_ddim {
        refuse(&folder, &format!("{DDIM} {options} --out x.npy --plot x.svg --json"), pieces);
    }
    refuse(&folder, &DDIM.replace("chains 4", "chains 0"), "chains | given 0");
    refuse(&folder, &DDIM.replace("g.json", ""), "TARGET.json");
    // The second block of a two-step method is not the user's.
    refuse(&folder, &DDIM.replace("ddim", "dpmpp2m --start wide.npy"), "start | (4, 4)");
}

#[test]
fn the_report_has_all_fields() {
    let folder = folder("generate-report", THREE);
    let report = json(&folder, &format!("{DDIM} --seed 7 --first-chain 5 --precision f32"));
    let expected = json!({
        "method": "ddim", "schedule": "linear", "levels": 1000, "chains": 4, "first_chain": 5, "dim": 2, "seed": 7,
        "precision": "f32", "steps": 10, "evaluations_per_chain": 10.0, "planned_evaluations": 10.0,
        "batched_calls": 10, "rounds": 0, "diverged": 0, "diverged_chains": [],
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&report[field], value, "{field}");
    }
    assert!(number(&report["seconds"]) >= 0.0);
    assert!(report["mean"][1].is_f64() && report["covariance"][1][1].is_f64());
    assert_eq!(report["timesteps"].as_array().map(Vec::len), Some(10));
    assert!(
        (report["mode_weights"].as_array().unwrap().iter().map(number).sum::<f64>() - 1.0).abs()
            < 1e-6
    );
    // Pictures that cannot be drawn cost neither samples nor report.
    write_npy(folder.join("far.npy"), &Array2::from_elem((4, 2), f64::MAX)).unwrap();
    let far = format!("{DDIM} --start far.npy --out x.npy --plot x.svg --json");
    assert_eq!(langevin(&folder, &far).status.code(), Some(1));
    let output = langevin(&folder, &format!("{far} --non-finite ignore"));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["diverged"], 4);
    assert_eq!(listing(&folder), ["far.npy", "g.json", "x.npy"]);
}
