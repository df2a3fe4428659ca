//! Labels for each chain, and networks from ONNX files: what is drawn, and what is refused.

use langevin::ndarray::{Array1, Array2, Axis, array, s};
use ndarray_npy::write_npy;

use crate::support::{THREE, folder, json, langevin, network, read, refuse, repository, succeed};

/// Whether ONNX Runtime is there. Tests without it say so, unless it is required.
fn has_engine() -> bool {
    let there = std::env::var_os("ORT_DYLIB_PATH").is_some();
    assert!(there || std::env::var_os("LANGEVIN_REQUIRE_ENGINE").is_none(), "no ONNX Runtime");
    if !there {
        eprintln!("skipped: no ONNX Runtime; eval \"$(scripts/engine.sh)\" fetches it");
    }
    there
}

fn fashion(kind: &str) -> String {
    repository(&format!("examples/models/fashion-{kind}.onnx"))
}

/// Every chain of a run with a label for each has the bits of a run with that label for all.
#[test]
fn chains_have_their_labels() {
    let folder = folder("networks-labels", THREE);
    let run =
        format!("generate --model {} --method pmm2m --evaluations 16 --seed 3", network("digits"));
    succeed(&folder, &format!("{run} --chains 6 --labels 7,0,3 --out list.npy"));
    write_npy(folder.join("labels.npy"), &Array1::from(vec![7i64, 7, 0, 0, 3, 3])).unwrap();
    let report = json(&folder, &format!("{run} --chains 6 --labels labels.npy --out file.npy"));
    assert_eq!(report["labels"], "labels.npy");
    assert!(report["inputs"]["labels"]["sha256"].is_string());
    assert!(report["model"].as_str().unwrap().ends_with(", a label for each chain"));
    let all = read::<f32>(&folder, "list.npy");
    assert_eq!(read::<f32>(&folder, "file.npy"), all);
    for (label, chain) in [(7, 0), (0, 2), (3, 5)] {
        succeed(&folder, &format!("{run} --chains 6 --label {label} --out one.npy"));
        let one = read::<f32>(&folder, "one.npy");
        let row = |x: &langevin::ndarray::ArrayD<f32>| {
            x.index_axis(langevin::ndarray::Axis(0), chain).to_owned()
        };
        assert_eq!(row(&all), row(&one), "label {label}");
    }
    // A part of the run, and guidance of each chain to its own label.
    succeed(&folder, &format!("{run} --chains 2 --first-chain 4 --labels 3 --out part.npy"));
    let part = read::<f32>(&folder, "part.npy");
    assert_eq!(part, all.slice(langevin::ndarray::s![4.., ..]).to_owned().into_dyn());
    succeed(&folder, &format!("{run} --chains 6 --labels 7,0,3 --guidance 2 --out guided.npy"));
    assert_ne!(read::<f32>(&folder, "guided.npy"), all);
}

#[test]
fn labels_that_make_no_sense_are_refused() {
    let folder = folder("networks-refusals", THREE);
    write_npy(folder.join("five.npy"), &array![0u8, 1, 2, 3, 4]).unwrap();
    write_npy(folder.join("half.npy"), &array![0.5, 1.0, 2.0, 3.0]).unwrap();
    let digits = network("digits");
    for (options, pieces) in [
        ("--labels 1,2,3", "--labels | 3 labels for 4 chains"),
        ("--labels 1,x", "--labels | `1,x` | 0,1,2"),
        ("--labels 1,10", "label | 10 | from 0 to 9"),
        ("--labels five.npy", "--labels five.npy | expected (4), one number for each chain"),
        ("--labels half.npy", "--labels | whole numbers"),
        ("--labels none.npy", "none.npy"),
        ("--labels 1 --label 2", "--label"),
    ] {
        let run = format!("generate --model {digits} --method ddim --evaluations 5 --chains 4");
        refuse(&folder, &format!("{run} {options}"), pieces);
    }
    let exact = "generate g.json --method ddim --evaluations 5 --chains 4 --labels 1";
    refuse(&folder, exact, "--model");
    let run = format!("generate --model {digits} --method ddim --evaluations 5 --chains 4");
    refuse(&folder, &format!("{run} --device cpu"), "--device needs a network from an .onnx file");
    refuse(&folder, &format!("{run} --device gpu"), "--device | cuda:0");
}

/// Classes of a picture network, with the library and without it.
#[test]
fn networks_from_onnx_files_run() {
    if !has_engine() {
        return;
    }
    let folder = folder("networks-onnx", THREE);
    let run = format!("generate --model {} --method pmm2m --evaluations 3", fashion("vp"));
    let report = json(
        &folder,
        &format!("{run} --chains 4 --labels 0,9 --grid-image g.png --out x.npy --threads 1"),
    );
    assert_eq!(report["dim"], 784);
    let one = read::<f32>(&folder, "x.npy");
    succeed(&folder, &format!("{run} --chains 4 --labels 0,9 --out y.npy --threads 2"));
    assert_eq!(one, read::<f32>(&folder, "y.npy"));
    write_npy(folder.join("ref.npy"), &Array2::<f32>::zeros((30, 784))).unwrap();
    let features = format!("--reference ref.npy --features {}", fashion("features"));
    let text = succeed(
        &folder,
        &format!(
            "compare --model {} {features} --methods ddim --evaluations 1 --seeds 1 --chains 20",
            fashion("vp")
        ),
    );
    assert!(text.contains("features"), "{text}");
    let run = format!("{run} --chains 4");
    refuse(&folder, &format!("{run} --device cuda:0"), "cuda:0 is not there");
    refuse(&folder, &format!("{run} --engine-library no.so"), "no.so | pip download onnxruntime");
    std::fs::write(folder.join("broken.onnx"), "no model").unwrap();
    refuse(
        &folder,
        "generate --model broken.onnx --method ddim --evaluations 3 --chains 2",
        "broken.onnx | reading it",
    );
}

/// Every chain of a run with a condition for each has the bits of a run with that one for all.
#[test]
fn chains_have_their_conditions() {
    if !has_engine() {
        return;
    }
    let folder = folder("networks-conditions", THREE);
    let model = repository("tests/golden/onnx/condition.onnx");
    let run = format!("generate --model {model} --method pmm2m --evaluations 8 --seed 3");
    let rows = Array2::from_shape_fn((5, 6), |(chain, j)| (chain + j) as f32 / 64.0);
    write_npy(folder.join("each.npy"), &rows).unwrap();
    write_npy(folder.join("one.npy"), &rows.slice(s![3..4, ..]).to_owned()).unwrap();
    let each = format!("{run} --chains 5 --condition text=each.npy");
    let report = json(&folder, &format!("{each} --out each_out.npy"));
    assert!(report["inputs"]["condition text"]["sha256"].is_string(), "{report}");
    let text = succeed(&folder, &format!("{each} --guidance 2"));
    assert!(text.contains("condition text for each chain with guidance 2"), "{text}");
    succeed(&folder, &format!("{run} --chains 5 --condition text=one.npy --out one_out.npy"));
    let each = read::<f32>(&folder, "each_out.npy");
    let one = read::<f32>(&folder, "one_out.npy");
    assert_eq!(each.index_axis(Axis(0), 3), one.index_axis(Axis(0), 3));
    assert_ne!(each.index_axis(Axis(0), 2), one.index_axis(Axis(0), 2));
    let report = json(
        &folder,
        &format!("generate --model {} --method ddim --evaluations 1 --chains 1", fashion("vp")),
    );
    assert!(report["inputs"]["model description"]["sha256"].is_string(), "{report}");
    for (options, words) in [
        ("--condition text", "NAME=FILE.npy"),
        ("--condition prose=one.npy", "condition | prose | a named input of the network: text"),
        ("--condition text=none.npy", "--condition text none.npy"),
        ("--chains 4 --condition text=each.npy", "given 5 rows | one for all, or 4"),
    ] {
        let chains = if options.contains("--chains") { "" } else { "--chains 5" };
        refuse(&folder, &format!("{run} {chains} {options}"), words);
    }
    refuse(&folder, "generate g.json --method ddim --condition text=one.npy", "--model");
}

/// Without the library the error says how to get it.
#[test]
fn a_missing_library_is_told() {
    let folder = folder("networks-missing", THREE);
    let run =
        format!("generate --model {} --method ddim --evaluations 3 --chains 2", fashion("vp"));
    let mut command = crate::support::command(&folder, &run);
    let output = command.env_remove("ORT_DYLIB_PATH").output().unwrap();
    let said = crate::support::stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for piece in ["ORT_DYLIB_PATH", "pip download onnxruntime", "scripts/engine.sh"] {
        assert!(said.contains(piece), "no {piece} in {said}");
    }
    // A file that is no library.
    std::fs::write(folder.join("fake.so"), "no library").unwrap();
    let output = langevin(&folder, &format!("{run} --engine-library fake.so"));
    assert!(crate::support::stderr(&output).contains("fake.so"));
    assert_eq!(output.status.code(), Some(2));
}
