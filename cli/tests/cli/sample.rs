//! The `langevin` program as a stranger meets it: what it refuses, what it writes, and that the
//! numbers are right.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use langevin::ndarray::{Array2, Array3, ArrayD, Axis, concatenate, s};
use ndarray_npy::{read_npy, write_npy};
use serde_json::Value;

mod common;
use common::{command, folder, json, langevin, listing, number, read, refuse, stderr, succeed};

const ONE: &str = r#"{"means": [[0, 0], [4, 4]], "std": 1}"#;
const RUN: &str = "--dynamics underdamped --method pmm2 --step 0.1 --steps 5 --chains 4";

/// An .npy file by hand.
fn raw_npy(path: &Path, descriptor: &str, fortran: bool, shape: &str, data: &[u8]) {
    let order = if fortran { "True" } else { "False" };
    let header =
        format!("{{'descr': {descriptor}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}

#[test]
fn bad_targets_are_refused() {
    let folder = folder("targets", ONE);
    let table: &[(&str, &str)] = &[
        ("", "not JSON"),
        ("{\"means\": [[0", "not JSON"),
        (r#"{"std": 1}"#, "\"means\" is missing"),
        (r#"{"means": [[0]]}"#, "given none | std | variances | covariances"),
        (r#"{"means": [[0]], "std": 1, "std": 2}"#, "\"std\" is given twice"),
        (r#"{"means": [[0]], "sdt": 1}"#, "unknown field \"sdt\" | covariances"),
        (r#"{"means": [], "std": 1}"#, "means | (0, 0)"),
        (r#"{"means": [[0], [1, 2]], "std": 1}"#, "means[1] | given 2 | expected 1"),
        (r#"{"means": [[0, null]], "std": 1}"#, "means[0][1] | null"),
        (r#"{"means": [[0, Infinity]], "std": 1}"#, "means[0][1] | Infinity"),
        (r#"{"means": [[0]], "std": -1}"#, "std | -1"),
        (r#"{"means": [[0]], "std": NaN}"#, "std | NaN"),
        (r#"{"means": [[0]], "std": 1e999}"#, "out of range | line 1"),
        (r#"{"means": [[0], [1]], "std": 1, "weights": [1, -0.5]}"#, "component 1 | weight | -0.5"),
        (r#"{"means": [[0], [1]], "std": 1, "weights": [1, NaN]}"#, "weights[1] | NaN"),
        (r#"{"means": [[0], [1]], "std": 1, "weights": [0, 0]}"#, "sum of the weights | given 0"),
        (r#"{"means": [[0], [1]], "std": 1, "weights": [1]}"#, "weights | expected 2"),
        (r#"{"means": [[0], [1]], "variances": [[1], [-2]]}"#, "component 1 | variance | -2"),
        (r#"{"means": [[0], [1]], "variances": [[1]]}"#, "variances | (1, 1) | (2, 1)"),
        (r#"{"means": [[0]], "covariances": 3}"#, "covariances | given 3"),
        (r#"{"means": [[0, 0]], "covariances": [[[1, 0]]]}"#, "covariances[0] | (1, 2) | (2, 2)"),
        (
            r#"{"means": [[0, 0], [1, 1]], "covariances": [[[1, 0], [0, 1]], [[1, 2], [2, 1]]]}"#,
            "component 1 | positive",
        ),
        (
            r#"{"means": [[0, 0]], "covariances": [[[1, 0.5], [0.4, 1]]]}"#,
            "component 0 | symmetric",
        ),
    ];
    for (target, pieces) in table {
        fs::write(folder.join("bad.json"), target).unwrap();
        let pieces = format!("bad.json | {pieces}");
        refuse(&folder, &format!("sample bad.json {RUN} --out x.npy --plot x.svg --json"), &pieces);
    }
    fs::create_dir(folder.join("there")).unwrap();
    refuse(&folder, &format!("sample there {RUN}"), "there | directory");
    refuse(&folder, &format!("sample missing.json {RUN}"), "missing.json | No such file");
    fs::write(folder.join("bom.json"), format!("\u{feff}{ONE}")).unwrap();
    succeed(&folder, &format!("sample bom.json {RUN}"));
}

#[test]
fn options_act_or_are_refused() {
    let folder = folder("options", ONE);
    let base = "--dynamics underdamped --method METHOD --step 0.1 --steps 5 --chains 4";
    let table: &[(&str, &str, &str)] = &[
        ("em", "--substeps 4", "substeps | em"),
        ("pmm2", "--windows 2", "windows | pmm2"),
        ("pmm1", "--substeps -3", "--substeps | '-3'"),
        ("pmm1", "--noise-scale nan", "noise scale | NaN"),
        ("rm", "--windows 0", "windows | given 0"),
        ("rm", "--tolerance 0.1", "rounds"),
        ("rm", "--rounds 2 --tolerance -0.1", "tolerance | -0.1"),
        ("rm", "--linearized", "linearized | rm"),
        ("em", "--friction 0", "friction | given 0"),
        ("em", "--inverse-mass inf", "inverse mass | inf"),
        ("EM", "", "unknown method `EM` | pmm1"),
        ("em", "--bandwidth 1", "--bandwidth"),
        ("em", "--seed 18446744073709551616", "--seed | 18446744073709551616"),
        ("em", "--seed -1", "--seed | -1"),
        ("em", "--threads 0", "threads | given 0"),
        ("em", "--chunk 0", "chunk | given 0"),
        ("em", "--every 0", "every | given 0"),
        ("em", "--every 6", "--every 6 | 5 steps"),
        ("em", "--burn-in 5", "--burn-in | 5 steps"),
        ("em", "--burn-in 18446744073709551615 --every 2", "--every 2 | 18446744073709551615"),
        ("em", "--first-chain 4294967293", "chains | given 4"),
    ];
    for (method, option, pieces) in table {
        let arguments = base.replace("METHOD", method);
        refuse(
            &folder,
            &format!("sample g.json {arguments} {option} --out x.npy --plot x.svg --json"),
            pieces,
        );
    }
    let values: &[(&str, &str, &str)] = &[
        ("--step 0.1", "--step 0", "step | given 0"),
        ("--step 0.1", "--step -1", "step | given -1"),
        ("--step 0.1", "--step nan", "step | NaN"),
        ("--step 0.1", "--step 1e308", "time of the last step | inf"),
        ("--steps 5", "--steps 0", "steps | given 0"),
        ("--steps 5", "--steps -5", "--steps | -5"),
        ("--steps 5", "--steps 4294967296", "steps | 4294967296"),
        ("--chains 4", "--chains 0", "chains | given 0"),
        ("--chains 4", "--chains 18446744073709551615", "chains | 18446744073709551615"),
        ("--dynamics underdamped", "--dynamics overdamped --friction 2", "friction | overdamped"),
    ];
    for (from, to, pieces) in values {
        refuse(
            &folder,
            &format!("sample g.json {} --out x.npy", RUN.replacen(from, to, 1)),
            pieces,
        );
    }
    refuse(&folder, &format!("sample --data x.npy {RUN}"), "--bandwidth");
    refuse(&folder, &format!("sample {RUN}"), "TARGET.json");
    succeed(
        &folder,
        &format!("sample g.json {RUN} --seed 18446744073709551615 --first-chain 4294967292"),
    );
}

#[test]
fn foreign_arrays_are_refused() {
    let folder = folder("arrays", ONE);
    let table = [
        ("complex.npy", "'<c16'", "(4, 2)", 128, "<c16 | float64"),
        ("text.npy", "'<U1'", "(4, 2)", 32, "<U1 | float64"),
        ("record.npy", "[('a', '<f8')]", "(4, 2)", 64, "<f8 | float64"),
        ("short.npy", "'<f8'", "(4, 2)", 61, "not a readable .npy"),
        ("liar.npy", "'|u1'", "(1000000000000, 2)", 8, "not a readable .npy"),
        ("overflow.npy", "'<f8'", "(18446744073709551615, 2)", 8, "not a readable .npy"),
        ("flat.npy", "'<f8'", "(8,)", 64, "[8]"),
        ("scalar.npy", "'<f8'", "()", 8, "[]"),
        ("none.npy", "'<f8'", "(0, 2)", 0, "[0, 2]"),
    ];
    for (name, descriptor, shape, bytes, _) in table {
        raw_npy(&folder.join(name), descriptor, false, shape, &vec![0; bytes]);
    }
    fs::write(folder.join("empty.npy"), "").unwrap();
    fs::write(folder.join("words.npy"), "not an array at all").unwrap();
    let mut rows = Array2::<f64>::zeros((4, 2));
    rows[[2, 1]] = f64::NAN;
    write_npy(folder.join("nan.npy"), &rows).unwrap();
    let files = [
        ("empty.npy", "not a readable"),
        ("words.npy", "not a readable"),
        ("nan.npy", "[2, 1] | NaN"),
    ];
    let others = [(".", "directory"), ("missing.npy", "No such file")];
    for (name, pieces) in table.map(|row| (row.0, row.4)).into_iter().chain(files).chain(others) {
        for route in ["g.json --start", "--bandwidth 1 --data"] {
            let pieces = format!("{} {name} | {pieces}", &route[route.rfind("--").unwrap()..]);
            refuse(&folder, &format!("sample {RUN} {route} {name} --out x.npy"), &pieces);
        }
    }
    // Integers are data (pixels, counts), not states.
    raw_npy(&folder.join("long.npy"), "'<i8'", false, "(4, 2)", &[0; 64]);
    refuse(
        &folder,
        &format!("sample {RUN} g.json --start long.npy --out x.npy"),
        "--start long.npy | <i8 | float64",
    );
    for (shape, given) in [((3, 2), "(3, 2)"), ((4, 3), "(4, 3)")] {
        write_npy(folder.join("shape.npy"), &Array2::<f64>::zeros(shape)).unwrap();
        refuse(
            &folder,
            &format!("sample g.json {RUN} --start shape.npy --out x.npy"),
            &format!("start | {given}"),
        );
    }
    write_npy(folder.join("large.npy"), &Array2::from_elem((4, 2), 1e300)).unwrap();
    let single = format!("sample g.json {RUN} --start large.npy --precision f32");
    refuse(&folder, &single, "--start | [0, 0] | 1e300 | f32");
    for bandwidth in ["0", "-1", "nan"] {
        let data = format!("sample --data large.npy --bandwidth {bandwidth} {RUN}");
        refuse(&folder, &data, &format!("bandwidth | {}", bandwidth.replace("nan", "NaN")));
    }
}

#[test]
fn outputs_are_checked_before_the_run() {
    let folder = folder("outputs", ONE);
    fs::create_dir(folder.join("dir")).unwrap();
    for place in ["nowhere/x.npy", "dir", "dir/", "new/", ".", "g.json/x.npy"] {
        refuse(&folder, &format!("sample g.json {RUN} --out {place}"), &format!("--out {place}"));
        refuse(
            &folder,
            &format!("sample g.json {RUN} --out x.npy --plot {place}"),
            &format!("--plot {place}"),
        );
    }
    for twice in ["x.npy", "./x.npy", "dir/../x.npy"] {
        refuse(
            &folder,
            &format!("sample g.json {RUN} --out x.npy --plot {twice}"),
            "--out | --plot",
        );
    }
    #[cfg(unix)]
    {
        refuse(
            &folder,
            &format!("sample g.json {RUN} --out /dev/null"),
            "--out | /dev/null | device",
        );
        // A link is followed, not replaced.
        std::os::unix::fs::symlink("../far.npy", folder.join("dir/near.npy")).unwrap();
        fs::write(folder.join("far.npy"), "old").unwrap();
        succeed(&folder, &format!("sample g.json {RUN} --out dir/near.npy"));
        assert!(fs::symlink_metadata(folder.join("dir/near.npy")).unwrap().is_symlink());
        assert_eq!(read::<f64>(&folder, "far.npy").shape(), [4, 2]);
    }
    fs::copy(folder.join("g.json"), folder.join("zïel☃.json")).unwrap();
    succeed(&folder, &format!("sample zïel☃.json {RUN} --out ünï☃.npy --plot ünï☃.svg"));
    assert_eq!(read::<f64>(&folder, "ünï☃.npy").shape(), [4, 2]);
    // The start may be overwritten by the end.
    succeed(&folder, &format!("sample g.json {RUN} --start ünï☃.npy --out ünï☃.npy"));
}

#[test]
fn bits_do_not_depend_on_threads_chunks_frames_or_parts() {
    let folder = folder(
        "bits",
        r#"{"means": [[0, 0, 1], [2, 1, 0]], "variances": [[1, 0.5, 1], [0.3, 1, 2]]}"#,
    );
    let methods = [
        "overdamped --method em",
        "underdamped --method pmm1",
        "underdamped --method rm --windows 2",
    ];
    for (method, precision) in methods.into_iter().flat_map(|m| [(m, "f64"), (m, "f32")]) {
        let base = format!(
            "sample g.json --dynamics {method} --step 0.2 --steps 12 --precision {precision} --seed 9"
        );
        let bits = |name: &str| fs::read(folder.join(name)).unwrap();
        succeed(&folder, &format!("{base} --chains 300 --out whole.npy"));
        for (threads, chunk) in [(1, 1), (1, 37), (1, 4096), (2, 1), (2, 37), (2, 128), (2, 4096)] {
            succeed(
                &folder,
                &format!("{base} --chains 300 --out x.npy --threads {threads} --chunk {chunk}"),
            );
            assert_eq!(bits("x.npy"), bits("whole.npy"), "{method} {precision} {threads} {chunk}");
        }
        let whole = read_as_f64(&folder, "whole.npy", precision);
        assert_eq!(whole.shape(), [300, 3]);
        succeed(
            &folder,
            &format!(
                "{base} --chains 300 --out frames.npy --every 5 --burn-in 2 --threads 2 --chunk 37"
            ),
        );
        let frames = read_as_f64(&folder, "frames.npy", precision);
        assert_eq!(frames.shape(), [2, 300, 3]);
        assert_eq!(frames.index_axis(Axis(0), 1), whole, "{method} {precision}");
        succeed(&folder, &format!("{base} --chains 113 --out a.npy"));
        succeed(&folder, &format!("{base} --chains 187 --first-chain 113 --out b.npy"));
        let parts = ["a.npy", "b.npy"].map(|name| read_as_f64(&folder, name, precision));
        assert_eq!(
            concatenate(Axis(0), &[parts[0].view(), parts[1].view()]).unwrap(),
            whole,
            "{method} {precision}"
        );
        succeed(&folder, &format!("{base}9 --chains 300 --out x.npy"));
        assert_ne!(bits("x.npy"), bits("whole.npy"), "{method} {precision}: the seed is ignored");
    }
}

fn read_as_f64(folder: &Path, name: &str, precision: &str) -> ArrayD<f64> {
    if precision == "f32" { read::<f32>(folder, name).mapv(f64::from) } else { read(folder, name) }
}

#[test]
fn arrays_of_all_kinds_mean_the_same() {
    let folder = folder("kinds", ONE);
    let rows = Array2::from_shape_fn((4, 2), |(i, j)| (3 * i + 5 * j) as f64 * 0.5);
    let bytes = |order: fn(f64) -> [u8; 8], rows: &Array2<f64>| {
        rows.iter().flat_map(|x| order(*x)).collect::<Vec<_>>()
    };
    raw_npy(&folder.join("little.npy"), "'<f8'", false, "(4, 2)", &bytes(f64::to_le_bytes, &rows));
    raw_npy(&folder.join("big.npy"), "'>f8'", false, "(4, 2)", &bytes(f64::to_be_bytes, &rows));
    let turned = rows.t().as_standard_layout().into_owned();
    raw_npy(
        &folder.join("columns.npy"),
        "'<f8'",
        true,
        "(4, 2)",
        &bytes(f64::to_le_bytes, &turned),
    );
    write_npy(folder.join("single.npy"), &rows.mapv(|x| x as f32)).unwrap();
    let states = concatenate(Axis(1), &[rows.view(), Array2::zeros((4, 2)).view()]).unwrap();
    write_npy(folder.join("states.npy"), &states).unwrap();
    for route in ["g.json --start FILE", "--data FILE --bandwidth 0.5"] {
        let run = |file: &str| {
            succeed(&folder, &format!("sample {} {RUN} --out x.npy", route.replace("FILE", file)));
            read::<f64>(&folder, "x.npy")
        };
        let expected = run("little.npy");
        for file in ["big.npy", "columns.npy", "single.npy"] {
            assert_eq!(run(file), expected, "{route} {file}");
        }
    }
    // Velocities of zero are not those that are drawn.
    succeed(&folder, &format!("sample g.json {RUN} --start little.npy --out drawn.npy"));
    succeed(&folder, &format!("sample g.json {RUN} --start states.npy --out given.npy"));
    assert_ne!(read::<f64>(&folder, "drawn.npy"), read::<f64>(&folder, "given.npy"));
}

#[test]
fn diverging_chains_stop_freeze_or_go_on() {
    let folder = folder("diverging", r#"{"means": [[0, 0], [4, 4]], "std": 0.1}"#);
    let run = "sample g.json --dynamics overdamped --method em --step 0.03 --steps 1200 --chains 20 --json";
    let stopped = langevin(&folder, &format!("{run} --out x.npy --plot x.svg"));
    assert_eq!(stopped.status.code(), Some(1));
    assert!(stopped.stdout.is_empty());
    for piece in ["chain ", "step 5", "time 15", "smaller", "--non-finite freeze|ignore"] {
        assert!(stderr(&stopped).contains(piece), "{}", stderr(&stopped));
    }
    assert_eq!(listing(&folder), ["g.json"]);
    for policy in ["freeze", "ignore"] {
        for frames in ["", "--every 100"] {
            // Nothing can be drawn of chains like these, but the samples and the report are there.
            let output = langevin(
                &folder,
                &format!("{run} --non-finite {policy} {frames} --out x.npy --plot x.svg"),
            );
            assert_eq!(output.status.code(), Some(1), "{policy} {frames}");
            assert!(stderr(&output).contains("--plot"), "{}", stderr(&output));
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["diverged"], 20);
            assert_eq!(
                read::<f64>(&folder, "x.npy").iter().all(|x| x.is_finite()),
                policy == "freeze"
            );
            assert_eq!(listing(&folder), ["g.json", "x.npy"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = folder("interrupt", ONE);
    for signal in ["INT", "TERM"] {
        let run = RUN.replace("--steps 5", "--steps 400000000");
        let arguments = format!("sample g.json {run} --every 1000000 --out x.npy --plot x.svg");
        let mut child = command(&folder, &arguments).stderr(Stdio::null()).spawn().unwrap();
        let begun = std::time::Instant::now();
        while listing(&folder).len() < 3 && begun.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(listing(&folder), ["g.json"]);
    }
}

#[cfg(unix)]
#[test]
fn odd_ends_of_pipes_are_survived() {
    let folder = folder("pipes", ONE);
    let shell = |tail: &str, arguments: &str| {
        let line = format!("'{}' {arguments} {tail}", env!("CARGO_BIN_EXE_langevin"));
        Command::new("sh").current_dir(&folder).args(["-c", &line]).output().unwrap()
    };
    for tail in ["| head -1", "| true", ">&-"] {
        let output = shell(tail, "methods");
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{tail}");
    }
    assert_eq!(shell("2>&-", &format!("sample g.json {RUN} --every 0")).status.code(), Some(2));
    if Path::new("/dev/full").exists() {
        let output = shell("> /dev/full", &format!("sample g.json {RUN} --json"));
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("stdout"));
        assert_eq!(
            shell("2> /dev/full", &format!("sample g.json {RUN} --every 0")).status.code(),
            Some(2)
        );
    }
}

#[test]
fn two_runs_may_write_one_file() {
    let folder = folder("race", ONE);
    let run = |seed: u64| format!("sample g.json {RUN} --every 1 --seed {seed} --out x.npy");
    for round in 0..5 {
        let mut both =
            [1, 2].map(|seed| command(&folder, &run(seed)).stdout(Stdio::null()).spawn().unwrap());
        for child in &mut both {
            assert!(child.wait().unwrap().success());
        }
        let written = fs::read(folder.join("x.npy")).unwrap();
        let wanted = [1, 2].map(|seed| {
            succeed(&folder, &run(seed));
            fs::read(folder.join("x.npy")).unwrap()
        });
        assert!(wanted.contains(&written), "round {round}: a mixture of both");
    }
    assert_eq!(listing(&folder), ["g.json", "x.npy"]);
}

#[test]
fn the_report_has_all_fields() {
    let folder = folder("report", &ONE.replace('}', r#", "weights": [3, 1]}"#));
    let report = json(&folder, &format!("sample g.json {RUN}"));
    for (field, expected) in [("method", "pmm2"), ("dynamics", "underdamped"), ("precision", "f64")]
    {
        assert_eq!(report[field], expected);
    }
    for (field, expected) in
        [("chains", 4.0), ("steps", 5.0), ("batched_calls", 10.0), ("diverged", 0.0)]
    {
        assert_eq!(number(&report[field]), expected, "{field}");
    }
    let evaluations = number(&report["evaluations_per_chain"]);
    assert!((5.0..=10.0).contains(&evaluations), "{evaluations}");
    assert!(number(&report["seconds"]) >= 0.0);
    assert!(report["mean"][1].is_f64() && report["covariance"][1][1].is_f64());
    let weights: f64 = report["mode_weights"].as_array().unwrap().iter().map(number).sum();
    assert!((weights - 1.0).abs() < 1e-12);
    let saved = json(&folder, &format!("sample g.json {RUN} --every 2"));
    assert_eq!((&saved["every"], &saved["saved"]), (&Value::from(2), &Value::from(2)));
    let methods = json(&folder, "methods");
    assert_eq!(methods["methods"].as_array().unwrap().len(), langevin::catalog::METHODS.len());
}

#[test]
fn the_probe_knows_the_known_figure() {
    let folder = folder("probe", ONE);
    let found =
        json(&folder, "probe --dynamics underdamped --method pmm2 --step 0.4 --substeps 16");
    let excess = number(&found["covariance"][0][0]) - 1.0;
    assert!((excess - 6.613e-3).abs() < 5e-7, "{excess}");
    assert_eq!(found["target"], serde_json::json!([[1.0, 0.0], [0.0, 1.0]]));
    let ula = json(&folder, "probe --dynamics overdamped --method em --step 0.1 --curvature 2");
    assert!((number(&ula["covariance"][0][0]) - 0.5 / 0.9).abs() < 1e-15);
    let run = "probe --dynamics overdamped --method em --step 0.1";
    refuse(&folder, &run.replace("0.1", "3"), "no stationary law");
    refuse(&folder, &format!("{run} --curvature -1"), "curvature | -1");
    refuse(&folder, &format!("{run} --substeps 3"), "substeps | em");
    refuse(&folder, &format!("{run} --chains 3"), "--chains");
}

#[test]
fn pictures_are_drawn_in_any_dimension() {
    let folder = folder("pictures", ONE);
    for dim in [1, 2, 3, 64] {
        let means = [vec![-1.0; dim], vec![1.0; dim]];
        fs::write(
            folder.join("g.json"),
            serde_json::json!({"means": means, "std": 0.5}).to_string(),
        )
        .unwrap();
        let report = json(&folder, &format!("sample g.json {RUN} --plot x.svg"));
        assert_eq!(report["dim"], dim);
        let svg = fs::read_to_string(folder.join("x.svg")).unwrap();
        assert!(
            svg.starts_with("<svg")
                && svg.trim_end().ends_with("</svg>")
                && svg.contains("4 samples"),
            "{dim}"
        );
    }
    assert_eq!(listing(&folder), ["g.json", "x.svg"]);
}

/// Chains of ULA that start at the far-apart `centres` of width `spread`, and stay with them: the
/// sum of n squared residuals over their variance is χ²(n), of mean n and standard deviation √(2n);
/// five of those are missed by chance less than once in a million runs.
fn residuals_of_ula_fit(folder: &Path, target: &str, centres: &Array2<f64>, spread: f64) {
    let (chains, steps) = (4000, 200);
    let start = Array2::from_shape_fn((chains, centres.ncols()), |(i, j)| {
        centres[[i % centres.nrows(), j]]
    });
    write_npy(folder.join("start.npy"), &start).unwrap();
    let step = 0.05 * spread * spread;
    let run = format!(
        "--dynamics overdamped --method em --step {step} --steps {steps} --chains {chains}"
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
    let folder = folder("widths", ONE);
    let angle = |k: usize| std::f64::consts::FRAC_PI_4 * k as f64;
    let ring = Array2::from_shape_fn((8, 2), |(k, j)| {
        6.0 * if j == 0 { angle(k).cos() } else { angle(k).sin() }
    });
    let means: Vec<Vec<f64>> = ring.outer_iter().map(|row| row.to_vec()).collect();
    fs::write(folder.join("g.json"), serde_json::json!({"means": means, "std": 0.3}).to_string())
        .unwrap();
    residuals_of_ula_fit(&folder, "g.json", &ring, 0.3);
    // Images of 2 × 3 pixels, flattened row by row.
    let images = Array3::from_shape_fn((10, 2, 3), |(n, i, j)| (20 * n + 7 * i + 3 * j) as u8);
    write_npy(folder.join("images.npy"), &images).unwrap();
    let flat = images.mapv(f64::from).into_shape_with_order((10, 6)).unwrap();
    residuals_of_ula_fit(&folder, "--data images.npy --bandwidth 0.5", &flat, 0.5);
}

#[test]
fn a_correlated_covariance_is_reproduced() {
    let folder =
        folder("correlated", r#"{"means": [[1, -1]], "covariances": [[[1, 0.8], [0.8, 1]]]}"#);
    let (chains, step) = (20_000.0, 0.02);
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
