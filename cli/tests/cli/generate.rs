//! `langevin generate`: its budgets, its bits, its report and its pictures.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use langevin::diffusion::{Method, ProcessKind};
use langevin::ndarray::{Array2, Array3, ArrayD, Axis};
use ndarray_npy::write_npy;
use serde_json::json;

use crate::support::{
    THREE, THREE_WEIGHTS, bytes, folder, has_keys, json, number, numbers, read, refuse, stacked,
    succeed,
};

const DDIM: &str = "generate g.json --method ddim --evaluations 10 --chains 4";

/// The keys of every report of `generate`, whatever the process.
const KEYS: &str = "bandwidth batched_calls chains covariance dim diverged diverged_chains \
                    evaluations evaluations_per_chain file first_chain guidance \
                    guidance_interval guidance_rescale inpaint input_bits inputs label labels mean \
                    method mode_weights model model_calls_per_evaluation non_finite options \
                    planned_evaluations planned_steps precision process rounds scale seconds seed \
                    steps strength tolerance variance version window";

fn methods() -> Vec<&'static str> {
    Method::on(ProcessKind::Vp).iter().map(Method::name).collect()
}

/// Enough for every method, and options that make them differ from the default.
fn budget(method: &str) -> usize {
    if method == "pc-parallel" { 400 } else { 60 }
}

#[test]
fn every_method_runs_within_its_budget() {
    let folder = folder("generate-methods", THREE);
    for method in methods() {
        let budget = budget(method) as f64;
        let chains = 2000.0;
        let run = format!(
            "generate g.json --method {method} --evaluations {budget} --chains {chains} --seed 3"
        );
        let report = json(&folder, &format!("{run} --out x.npy"));
        let used = number(&report["evaluations_per_chain"]);
        let planned = number(&report["planned_evaluations"]);
        assert!(planned <= budget && planned > 0.5 * budget, "{method}: {planned}");
        if method.starts_with("pmm") {
            // What is used is random there, with a variance below 1 in every step of a chain: five
            // standard deviations.
            let bound = 5.0 * (number(&report["steps"]) / chains).sqrt();
            assert!((used - planned).abs() < bound, "{method}: {used}");
        } else {
            assert_eq!(used, planned, "{method}");
        }
        assert!(number(&report["batched_calls"]) <= budget, "{method}");
        assert_eq!(read::<f64>(&folder, "x.npy").shape(), [2000, 2], "{method}");
        // Few evaluations are not exact; all methods find the modes.
        let weights = numbers(&report["mode_weights"]);
        for (weight, exact) in weights.iter().zip(THREE_WEIGHTS) {
            assert!((weight - exact).abs() < 0.2, "{method}: {weights:?}");
        }
        let text = succeed(&folder, &run);
        let pieces = ["linear schedule", "planned", "coordinate", "mode ", "W2 of the distances"];
        for piece in pieces.into_iter().chain([method]) {
            assert!(text.contains(piece), "{method}: no `{piece}` in {text}");
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads_chunks_frames_or_parts() {
    let folder = folder("generate-bits", THREE);
    for method in methods() {
        bits_of_one_method(&folder, method);
    }
}

fn bits_of_one_method(folder: &Path, method: &str) {
    let budget = budget(method);
    let base = format!("generate g.json --method {method} --evaluations {budget} --seed 9");
    succeed(folder, &format!("{base} --chains 90 --out whole.npy"));
    for (threads, chunk) in [(1, 1), (1, 37), (2, 16), (2, 4096)] {
        let split = format!("--threads {threads} --chunk {chunk}");
        succeed(folder, &format!("{base} --chains 90 --out x.npy {split}"));
        assert_eq!(bytes(folder, "x.npy"), bytes(folder, "whole.npy"), "{method} {split}");
    }
    let whole: ArrayD<f64> = read(folder, "whole.npy");
    succeed(folder, &format!("{base} --chains 41 --out a.npy"));
    succeed(folder, &format!("{base} --chains 49 --first-chain 41 --out b.npy"));
    assert_eq!(stacked(&read(folder, "a.npy"), &read(folder, "b.npy")), whole, "{method}");
    let report = json(folder, &format!("{base} --chains 90 --every 1 --out x.npy"));
    let frames: Array3<f64> = read(folder, "x.npy").into_dimensionality().unwrap();
    assert_eq!(frames.len_of(Axis(0)), number(&report["steps"]) as usize, "{method}");
    assert_eq!(report["saved"], report["steps"]);
    let last = frames.index_axis(Axis(0), frames.len_of(Axis(0)) - 1).into_dyn();
    assert_eq!(last, whole, "{method}");
    // The report is about the end, with frames and without.
    let mean = last.mean_axis(Axis(0)).unwrap();
    assert!((mean[0] - number(&report["mean"][0])).abs() < 1e-12, "{method}");
}

#[test]
fn listed_levels_are_those_visited() {
    let folder = folder("generate-levels", THREE);
    let generate = |arguments: &str| json(&folder, &format!("generate g.json {arguments}"));
    for method in ["ddpm", "ddim", "dpmpp2m", "heun", "em", "pmm1", "pmm2", "rm"] {
        for list in [&[999, 500, 20, 0][..], &[900, 3], &[700]] {
            let text = list.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
            let report = generate(&format!("--method {method} --timesteps {text} --chains 3"));
            assert_eq!(report["timesteps"], json!(list), "{method}");
            assert_eq!(report["steps"], list.len(), "{method}");
        }
    }
    let report = generate("--method pmm2 --levels 100 --blocks 60,39,1 --chains 3");
    assert_eq!((&report["timesteps"], &report["levels"]), (&json!([99, 39, 0]), &json!(100)));
    let report = json(&folder, &format!("{DDIM} --schedule cosine --grid trailing"));
    assert_eq!(report["timesteps"], json!([999, 899, 799, 699, 599, 499, 399, 299, 199, 99]));
    assert_eq!(report["schedule"], "cosine");
    let report = generate("--method pc --evaluations 60 --chains 3");
    assert!(report.get("timesteps").is_none());
}

#[test]
fn options_may_stand_behind_the_name_of_a_method() {
    let folder = folder("generate-behind", THREE);
    let samples = |method: &str| {
        let run = "generate g.json --evaluations 20 --chains 5 --out x.npy";
        succeed(&folder, &format!("{run} --method {method}"));
        bytes(&folder, "x.npy")
    };
    let plain = samples("pmm2");
    assert_eq!(samples("pmm2:grid=equal"), samples("pmm2 --grid equal"));
    assert_ne!(samples("pmm2:grid=equal"), plain);
    assert_eq!(
        samples("pmm2:grid=equal:noise-scale=0.9"),
        samples("pmm2:grid=equal --noise-scale 0.9")
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

const IMAGES: &str =
    "generate --data images.npy --bandwidth 0.05 --method ddim --evaluations 15 --out x.npy";
const PICTURE: &str = "--grid-image x.png --image-shape 4x6 --plot x.svg";

/// Twelve images of 4 × 6 pixels from 0 to 16.
fn write_images(folder: &Path) {
    let pixel = |n: usize, i: usize, j: usize| ((5 * n + 7 * i * j + i) % 17) as u8;
    let images = Array3::from_shape_fn((12, 4, 6), |(n, i, j)| pixel(n, i, j));
    write_npy(folder.join("images.npy"), &images).unwrap();
}

#[test]
fn images_of_a_data_set_are_drawn() {
    let folder = folder("generate-images", THREE);
    write_images(&folder);
    for (chains, across, down) in [(3, 3, 1), (25, 10, 3), (130, 10, 10)] {
        let report = json(&folder, &format!("{IMAGES} --chains {chains} --scale=-1,1 {PICTURE}"));
        assert_eq!(report["dim"], 24);
        let samples: ArrayD<f64> = read(&folder, "x.npy");
        assert!(samples.iter().all(|x| x.abs() < 1.5), "samples are in scaled units");
        assert!(samples.iter().any(|x| *x < -0.8) && samples.iter().any(|x| *x > 0.8));
        let decoder = png::Decoder::new(Cursor::new(bytes(&folder, "x.png")));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        // Pixels are eight wide, and so are the lines between images.
        let sides = (8 * (7 * across - 1), 8 * (5 * down - 1));
        assert_eq!((info.width, info.height), sides, "{chains}");
        let dark = (127.5 * (1.0 - samples[[0, 0]])).round().clamp(0.0, 255.0);
        assert_eq!(f64::from(pixels[0]), dark);
    }
    // Without a scale, data keep their numbers.
    succeed(&folder, &IMAGES.replace("0.05", "0.5 --chains 20"));
    assert!(read::<f64>(&folder, "x.npy").iter().any(|x| *x > 10.0));
}

#[test]
fn scales_and_shapes_that_do_not_fit_are_refused() {
    let folder = folder("generate-scales", THREE);
    write_images(&folder);
    write_npy(folder.join("flat.npy"), &Array2::from_elem((3, 24), 2.0)).unwrap();
    let flat = format!("{} --chains 2", IMAGES.replace("images", "flat"));
    refuse(&folder, &format!("{flat} --scale 0,1"), "--scale | from 2 to 2");
    refuse(&folder, &format!("{flat} {PICTURE}"), "--grid-image | from 2 to 2");
    for (scale, pieces) in
        [("1,-1", "LO below HI"), ("1", "1"), ("a,b", "a,b"), ("0,inf", "0,inf"), ("1,1", "1,1")]
    {
        refuse(&folder, &format!("{flat} --scale {scale}"), &format!("--scale | {pieces}"));
    }
    let wrong = format!("{IMAGES} --chains 2 --grid-image x.png --image-shape 4x5");
    refuse(&folder, &wrong, "--image-shape | 4x5 | 24");
}

#[test]
fn the_report_has_all_fields() {
    let folder = folder("generate-report", THREE);
    let run = "--seed 7 --first-chain 5 --precision f32 --eta 0.5";
    let report = json(&folder, &format!("{DDIM} {run}"));
    has_keys(&report, &format!("{KEYS} schedule levels timesteps"));
    let expected = json!({
        "method": "ddim", "process": "vp", "schedule": "linear", "levels": 1000, "chains": 4,
        "first_chain": 5, "dim": 2, "seed": 7, "precision": "f32", "steps": 10,
        "evaluations_per_chain": 10.0, "planned_evaluations": 10.0, "batched_calls": 10,
        "rounds": 0, "diverged": 0, "diverged_chains": [], "options": {"eta": 0.5},
        "model": "exact score", "model_calls_per_evaluation": 1, "file": null, "label": null,
        "guidance": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&report[field], value, "{field}");
    }
    assert!(number(&report["seconds"]) >= 0.0);
    assert!(report["mean"][1].is_f64() && report["covariance"][1][1].is_f64());
    assert_eq!(report["timesteps"].as_array().map(Vec::len), Some(10));
    let weights: f64 = numbers(&report["mode_weights"]).iter().sum();
    assert!((weights - 1.0).abs() < 1e-6);
    let report = json(&folder, &format!("{DDIM} --every 4").replace("ddim", "em --process psld"));
    has_keys(&report, &format!("{KEYS} beta gamma nu kappa every saved"));
    assert_eq!((&report["every"], &report["saved"]), (&json!(4), &json!(3)));
    assert!(fs::read_dir(&folder).unwrap().count() == 1, "nothing is written unasked");
}
