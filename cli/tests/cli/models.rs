//! `langevin generate --model` and `langevin compare` as a stranger meets them.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;

use langevin::ndarray::Array2;
use ndarray_npy::write_npy;

mod common;
use common::{folder, json, langevin, listing, number, read, refuse, stderr, succeed};

const THREE: &str = r#"{"weights": [1, 2, 1], "means": [[-2, 0], [2, 1], [0, 3]], "std": 0.3}"#;

/// A file of the repository, as a path for the program.
fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn models() -> [String; 3] {
    ["digits", "digits-psld", "digits-features"]
        .map(|name| repository(&format!("examples/models/{name}.safetensors")))
}

#[test]
fn networks_generate_along_both_processes() {
    let folder = folder("models-generate", THREE);
    let [vp, psld, _] = models();
    for (model, options) in [
        (&vp, "--method ddim --evaluations 10"),
        (&vp, "--method pmm2 --evaluations 60 --label 3"),
        (&vp, "--method ddim --evaluations 10 --label 3 --guidance 2"),
        (&vp, "--process psld --method robab --grid quadratic --evaluations 41"),
        (&vp, "--process psld --method roba --evaluations 41 --label 1 --guidance 3 --nu 3"),
        (&psld, "--method roba --evaluations 41"),
        (&psld, "--method sscs --evaluations 41 --precision f64"),
    ] {
        let run = format!("generate --model {model} {options} --seed 5");
        let report =
            json(&folder, &format!("{run} --chains 30 --out whole.npy --grid-image x.png"));
        assert_eq!(report["dim"], 64, "{options}");
        let twice = if options.contains("guidance") { 2 } else { 1 };
        assert_eq!(report["model_calls_per_evaluation"], twice, "{options}");
        let wide = options.contains("f64");
        assert_eq!(report["precision"], if wide { "f64" } else { "f32" }, "{options}");
        let bits = |name: &str| fs::read(folder.join(name)).unwrap();
        succeed(&folder, &format!("{run} --chains 30 --out x.npy --chunk 7 --threads 2"));
        assert_eq!(bits("x.npy"), bits("whole.npy"), "{options}");
        let largest = if wide {
            read::<f64>(&folder, "x.npy").iter().fold(0.0f64, |m, x| m.max(x.abs()))
        } else {
            read::<f32>(&folder, "x.npy").iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())))
        };
        assert!((0.9..4.0).contains(&largest), "{options}: {largest}");
    }
    let text = String::from_utf8(succeed(
        &folder,
        &format!(
            "generate --model {vp} --method ddim --evaluations 5 --chains 3 --label 3 --guidance 2"
        ),
    ))
    .unwrap();
    assert!(
        text.contains("label 3 with guidance 2") && text.contains("each of the network twice"),
        "{text}"
    );
    assert!(!text.contains("target"), "{text}");
}

#[test]
fn bad_models_are_refused() {
    let folder = folder("models-refused", THREE);
    let [vp, psld, features] = models();
    let whole = fs::read(&vp).unwrap();
    fs::write(folder.join("short"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join("text"), "not a network").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    for (arguments, pieces) in [
        ("--model nowhere --method ddim".to_owned(), "cannot read the network nowhere"),
        ("--model short --method ddim".into(), "--model short"),
        ("--model text --method ddim".into(), "--model text"),
        ("--model empty --method ddim".into(), "--model empty"),
        ("--model . --method ddim".into(), "cannot read the network ."),
        (format!("--model {features} --method ddim"), "network of features"),
        (format!("--model {psld} --method ddim"), "unknown method `ddim`"),
        (format!("--model {psld} --process vp --method ddim"), "trained for psld"),
        (format!("--model {psld} --method roba --nu 3"), "--nu | trained with"),
        (format!("--model {psld} --method roba --label 3"), "label"),
        (format!("--model {vp} --method ddim --schedule cosine"), "--schedule | trained with"),
        (format!("--model {vp} --method ddim --nu 3"), "nu | vp"),
        (format!("--model {vp} --method ddim --label 10"), "label | 10"),
        (format!("--model {vp} --method ddim --guidance 2"), "--label"),
        (format!("--model {vp} --method ddim --label 1 --guidance nan"), "--guidance"),
        (format!("--model {vp} --method ddim --data x.npy --bandwidth 1"), "--data"),
        (format!("--model {vp} --method ddim --bandwidth 1"), "--bandwidth"),
        (format!("g.json --model {vp} --method ddim"), "--model"),
        (format!("--model {vp} --method ddim --plot y.svg"), "--plot | --grid-image"),
        (format!("--model {vp} --method ddim --grid-image y.png --image-shape 4x4"), "4x4 | 64"),
        ("--method ddim".into(), "TARGET.json | --model"),
    ] {
        refuse(
            &folder,
            &format!("generate {arguments} --evaluations 41 --chains 4 --out x.npy"),
            pieces,
        );
    }
}

#[test]
fn comparing_methods_on_a_mixture() {
    let folder = folder("compare", THREE);
    let run = "compare g.json --methods ddpm@60,ddim,pmm2:grid=equal,em --evaluations 20,40 --seeds 2 --chains 2000";
    let report = json(&folder, &format!("{run} --metric radial,sliced --csv x.csv --plot x.svg"));
    let rows = report["rows"].as_array().unwrap();
    let names: Vec<_> =
        rows.iter().map(|row| (row["method"].as_str().unwrap(), number(&row["budget"]))).collect();
    assert_eq!(names[0], ("ddpm", 60.0));
    assert_eq!(names[3], ("pmm2:grid=equal", 20.0));
    assert_eq!(rows.len(), 1 + 3 * 2);
    for row in rows {
        for metric in ["radial", "sliced"] {
            assert!(
                number(&row[metric]) > 0.0 && number(&row[&format!("{metric}_error")]) > 0.0,
                "{row}"
            );
        }
    }
    // Modes 4 apart whose weights differ by a few percent: half a unit.
    assert!((0.05..1.5).contains(&number(&report["halves_of_reference"]["sliced"])), "{report}");
    let csv = fs::read_to_string(folder.join("x.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "method,budget,seed,evaluations,network_calls_per_evaluation,seconds,radial,radial_error,sliced,sliced_error"
    );
    assert_eq!(lines.len(), 1 + 7 * 2);
    assert!(lines[2].starts_with("ddpm,60,1,60,"), "{}", lines[2]);
    let svg = fs::read_to_string(folder.join("x.svg")).unwrap();
    assert!(svg.contains("pmm2:grid=equal") && svg.contains("model evaluations"));
    // The same numbers as `generate` gives with the same seed: what is compared is what one gets.
    let text =
        String::from_utf8(succeed(&folder, &format!("{run} --seeds 1").replace("--seeds 2 ", "")))
            .unwrap();
    assert!(text.contains("pmm2:grid=equal") && text.contains("+-"), "{text}");
    let one = "generate g.json --method ddim --evaluations 20 --chains 2000 --seed 0";
    let alone = String::from_utf8(succeed(&folder, one)).unwrap();
    let w2 = alone
        .lines()
        .find(|line| line.starts_with("W2 of the distances"))
        .unwrap()
        .split(' ')
        .nth(11)
        .unwrap();
    let row = text.lines().find(|line| line.starts_with("ddim ")).unwrap();
    assert!(row.contains(w2), "{row} against {w2}");
    // Options of a method that hold a list, and a method of phase space.
    let lists = "compare g.json --methods pmm2:blocks=600+399+1@6,ddim:timesteps=900+400+1@3 --seeds 1 --chains 100";
    assert_eq!(json(&folder, lists)["rows"].as_array().unwrap().len(), 2);
    let phase = "compare g.json --process psld --methods em,roba:lambda-s=0:noise-form=remaining@30 --evaluations 20";
    assert_eq!(
        json(&folder, &format!("{phase} --seeds 1 --chains 100"))["rows"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn comparing_methods_on_a_network() {
    let folder = folder("compare-model", THREE);
    let [vp, _, features] = models();
    let data = repository("examples/data/digits_8x8_u8.npy");
    let run = format!(
        "compare --model {vp} --reference {data} --methods ddim@10,pmm2@60 --seeds 2 --chains 300"
    );
    let report = json(
        &folder,
        &format!("{run} --features {features} --metric features,frechet,energy,copies --csv x.csv"),
    );
    for row in report["rows"].as_array().unwrap() {
        // The digits' own halves are 0.28 apart; noise would be at tens.
        let frechet = number(&row["frechet"]);
        assert!((0.1..4.0).contains(&frechet), "{row}");
        assert!(number(&row["features"]) > 0.0 && number(&row["copies"]) < 0.1, "{row}");
        assert!(number(&row["energy"]) < 0.5, "{row}");
    }
    assert!(number(&report["halves_of_reference"]["features"]) > 0.0);
}

#[test]
fn bad_comparisons_are_refused() {
    let folder = folder("compare-refused", THREE);
    let [vp, _, features] = models();
    write_npy(folder.join("narrow.npy"), &Array2::<f64>::zeros((40, 3))).unwrap();
    let data = repository("examples/data/digits_8x8_u8.npy");
    for (arguments, pieces) in [
        ("g.json --methods ddim".to_owned(), "`ddim` | no evaluations"),
        ("g.json --methods ddim@x".into(), "`ddim@x` | `x`"),
        ("g.json --methods ddim@0".into(), "`ddim` with 0 evaluations | too few"),
        ("g.json --methods nothing@9".into(), "unknown method `nothing`"),
        ("g.json --methods ddim:sideways=1@9".into(), "ddim:sideways=1@9 | --sideways"),
        ("g.json --methods ddim:eta=2@9".into(), "eta: given 2"),
        ("g.json --methods ddim:eta=x@9".into(), "eta"),
        ("g.json --methods ddpm:eta=1@9".into(), "eta is not an option of ddpm"),
        ("g.json --methods ddim@9 --seeds 0".into(), "--seeds 0"),
        ("g.json --methods ddim@9 --chains 3".into(), "--chains 3"),
        ("g.json --methods ddim@9 --metric features".into(), "--features"),
        ("g.json --methods ddim@9 --metric nothing".into(), "nothing"),
        ("g.json --methods ddim@9 --metric radial --features nowhere".into(), "--features"),
        ("g.json --methods ddim@9 --reference narrow.npy".into(), "narrow.npy | 3 numbers | 2"),
        ("g.json --methods ddim@9 --reference nowhere.npy".into(), "nowhere.npy"),
        ("--methods ddim@9".into(), "--model"),
        ("g.json".into(), "--methods"),
        (format!("--model {vp} --methods ddim@9"), "--reference is missing"),
        (format!("--model {vp} --methods ddim@9 --reference {data} --metric radial"), "radial"),
        (format!("--model {vp} --methods ddim@9 --reference {data} --features {vp}"), "--features"),
        (
            format!("--model {features} --methods ddim@9 --reference {data}"),
            "features generates nothing",
        ),
        ("g.json --methods ddim@9 --csv nowhere/x.csv".into(), "nowhere/x.csv"),
        (
            "g.json --methods ddim,ddim@10 --evaluations 10".into(),
            "`ddim` with 10 evaluations is given twice",
        ),
        ("g.json --methods ddim:help@9".into(), "`ddim:help@9` | --help"),
    ] {
        refuse(&folder, &format!("compare {arguments}"), pieces);
    }
    // A method that diverges is a row, not the end: rounds without end on modes this narrow.
    fs::write(folder.join("far.json"), r#"{"means": [[0, 0], [1, 0]], "std": 1e-6}"#).unwrap();
    let wild = "compare far.json --process psld --methods rm:rounds=60@200,sscs@20 --seeds 2 --chains 50 --precision f32";
    let output = langevin(&folder, wild);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        ["diverged", "seed 1: chain"]
            .iter()
            .all(|piece| String::from_utf8_lossy(&output.stdout).contains(piece)),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(listing(&folder), ["far.json", "g.json", "narrow.npy"]);
    // The last seed there is, and what comes after it.
    let last = "compare g.json --methods ddim@5 --seed 18446744073709551615 --seeds 2 --chains 50";
    assert_eq!(json(&folder, last)["rows"].as_array().unwrap().len(), 1);
    assert!(Path::new(&vp).exists());
}
