//! `langevin compare`.

use std::fs;

use langevin::ndarray::{Array2, ArrayD};
use ndarray_npy::{read_npy, write_npy};

use crate::support::{
    THREE, folder, has_keys, json, langevin, listing, network, number, refuse, repository, stderr,
    succeed,
};

const KEYS: &str = "bandwidth chains failures guidance guidance_interval guidance_rescale \
                    halves_of_reference input_bits inputs label methods model \
                    model_calls_per_evaluation precision process reference rows scale seed \
                    seeds version";
const COLUMNS: &str = "method,budget,seed,evaluations,network_calls_per_evaluation,seconds,\
                       radial,radial_error,sliced,sliced_error";
const RUN: &str = "compare g.json --methods ddpm@60,ddim,pmm2:grid=equal,em --evaluations 20,40 \
                   --chains 2000";

#[test]
fn comparing_methods_on_a_mixture() {
    let folder = folder("compare", THREE);
    let run = format!("{RUN} --seeds 2 --metric radial,sliced --csv x.csv --plot x.svg");
    let report = json(&folder, &run);
    has_keys(&report, KEYS);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1 + 3 * 2);
    assert_eq!((&rows[0]["method"], number(&rows[0]["budget"])), (&"ddpm".into(), 60.0));
    assert_eq!((&rows[3]["method"], number(&rows[3]["budget"])), (&"pmm2:grid=equal".into(), 20.0));
    for row in rows {
        has_keys(row, "method budget evaluations seconds radial radial_error sliced sliced_error");
        for key in ["radial", "radial_error", "sliced", "sliced_error"] {
            assert!(number(&row[key]) > 0.0, "{row}");
        }
    }
    // Modes 4 apart whose weights differ by a few percent: half a unit.
    assert!((0.05..1.5).contains(&number(&report["halves_of_reference"]["sliced"])), "{report}");
    let csv = fs::read_to_string(folder.join("x.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], COLUMNS);
    assert_eq!(lines.len(), 1 + 7 * 2);
    assert!(lines[2].starts_with("ddpm,60,1,60,"), "{}", lines[2]);
    let svg = fs::read_to_string(folder.join("x.svg")).unwrap();
    assert!(svg.contains("pmm2:grid=equal") && svg.contains("model evaluations"));
}

#[test]
fn what_is_compared_is_what_generate_gives() {
    let folder = folder("compare-same", THREE);
    let text = succeed(&folder, &format!("{RUN} --seeds 1"));
    assert!(text.contains("pmm2:grid=equal") && text.contains('±'), "{text}");
    let one = "generate g.json --method ddim --evaluations 20 --chains 2000 --seed 0";
    let alone = succeed(&folder, one);
    let line = alone.lines().find(|line| line.starts_with("W2 of the distances")).unwrap();
    let distance = line.split_once(": ").unwrap().1.split(' ').next().unwrap();
    let row = text.lines().find(|line| line.starts_with("ddim ")).unwrap();
    assert!(row.contains(distance), "{row} against {distance}");
}

#[test]
fn options_may_hold_lists_and_methods_may_move_in_phase_space() {
    let folder = folder("compare-options", THREE);
    for methods in [
        "pmm2:blocks=600+399+1@6,ddim:timesteps=900+400+1@3",
        "em,roba:lambda-s=0:noise-form=remaining@30 --process psld --evaluations 20",
    ] {
        let run = format!("compare g.json --methods {methods} --seeds 1 --chains 100");
        assert_eq!(json(&folder, &run)["rows"].as_array().unwrap().len(), 2, "{methods}");
    }
    // The last seed there is, and what comes after it.
    let last = "compare g.json --methods ddim@5 --seed 18446744073709551615 --seeds 2 --chains 50";
    assert_eq!(json(&folder, last)["rows"].as_array().unwrap().len(), 1);
}

#[test]
fn comparing_methods_on_a_network() {
    let folder = folder("compare-model", THREE);
    let run = format!(
        "compare --model {} --reference {} --reference-range 0,16 --methods ddim@10,pmm2@60 \
         --seeds 2 --chains 300 --features {} --metric features,frechet,energy,copies --csv x.csv",
        network("digits"),
        repository("examples/data/digits_8x8_u8.npy"),
        network("digits-features"),
    );
    let report = json(&folder, &run);
    for row in report["rows"].as_array().unwrap() {
        // The digits' own halves are 0.28 apart; noise would be at tens.
        assert!((0.1..4.0).contains(&number(&row["frechet"])), "{row}");
        assert!(number(&row["features"]) > 0.0 && number(&row["copies"]) < 0.1, "{row}");
        assert!(number(&row["energy"]) < 0.5, "{row}");
    }
    assert!(number(&report["halves_of_reference"]["features"]) > 0.0);
}

#[test]
fn references_are_taken_as_they_are_or_mapped_by_a_stated_interval() {
    let folder = folder("compare-reference", THREE);
    let digits = repository("examples/data/digits_8x8_u8.npy");
    let bytes: ArrayD<u8> = read_npy(&digits).unwrap();
    let floats = bytes.mapv(|x| f64::from(x) / 8.0 - 1.0);
    write_npy(folder.join("floats.npy"), &floats).unwrap();
    let mut outlier = floats.clone();
    outlier.iter_mut().next().into_iter().for_each(|x| *x = -1.5);
    write_npy(folder.join("outlier.npy"), &outlier).unwrap();
    write_npy(folder.join("counts.npy"), &bytes.mapv(i32::from)).unwrap();
    let run = |reference: &str| {
        format!(
            "compare --model {} --methods ddim@10 --seeds 1 --chains 300 --metric frechet \
             --reference {reference}",
            network("digits")
        )
    };
    let distance = |reference: &str| {
        let report = json(&folder, &run(reference));
        (number(&report["rows"][0]["frechet"]), report["reference"].clone())
    };
    let (plain, taken) = distance("floats.npy");
    assert!(taken["map"].is_null() && plain < 1.0, "{plain} {taken}");
    // Not the extremes of the file but its units decide.
    assert!((distance("outlier.npy").0 - plain).abs() < 0.02);
    for file in [&digits, "counts.npy"] {
        let (mapped, taken) = distance(&format!("{file} --reference-range 0,16"));
        assert!((mapped - plain).abs() < 1e-9, "{file}");
        let map = serde_json::json!({"from": [0.0, 16.0], "to": [-1.0, 1.0]});
        assert_eq!(taken["map"], map);
    }
    refuse(&folder, &run("counts.npy"), "counts.npy | integers | --reference-range LO,HI");
    // Bytes are 0 .. 255 unless told otherwise. These are not, which is said.
    let output = langevin(&folder, &run(&digits));
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("0 .. 255 mapped to -1 .. 1"), "{text}");
    let warning = stderr(&output);
    assert!(warning.contains("warning: --reference") && warning.contains("-1 .. 1"), "{warning}");
    assert!(!stderr(&langevin(&folder, &run("floats.npy"))).contains("--reference"));
    let exact = "compare g.json --methods ddim@10 --reference floats.npy --reference-range 0,1";
    refuse(&folder, exact, "floats.npy | 64 numbers");
}

/// Arguments, with networks and digits in capitals, and what the message says.
const BAD: [(&str, &str); 24] = [
    ("g.json --methods ddim", "`ddim` | evaluations"),
    ("g.json --methods ddim@x", "`ddim@x` | `x`"),
    ("g.json --methods ddim@0", "`ddim@0` | 0 evaluations are too few"),
    ("g.json --methods nothing@9", "unknown method `nothing`"),
    ("g.json --methods ddim:sideways=1@9", "ddim:sideways=1@9 | sideways"),
    ("g.json --methods ddim:eta=2@9", "eta: given 2"),
    ("g.json --methods ddim:eta=x@9", "eta | `x`"),
    ("g.json --methods ddpm:eta=1@9", "eta is not an option of ddpm"),
    ("g.json --methods ddim@9 --seeds 0", "--seeds 0"),
    ("g.json --methods ddim@9 --chains 3", "--chains 3"),
    ("g.json --methods ddim@9 --metric features", "--features"),
    ("g.json --methods ddim@9 --metric nothing", "nothing"),
    ("g.json --methods ddim@9 --metric radial --features nowhere", "--features"),
    ("g.json --methods ddim@9 --reference narrow.npy", "narrow.npy | 3 numbers | 2"),
    ("g.json --methods ddim@9 --reference nowhere.npy", "nowhere.npy"),
    ("--methods ddim@9", "--model"),
    ("g.json", "--methods"),
    ("--model VP --methods ddim@9", "--reference is missing"),
    ("--model VP --methods ddim@9 --reference DIGITS --metric radial", "radial"),
    ("--model VP --methods ddim@9 --reference DIGITS --features VP", "--features"),
    (
        "--model FEATURES --methods ddim@9 --reference DIGITS",
        "--model | given features | prediction",
    ),
    ("g.json --methods ddim@9 --csv nowhere/x.csv", "nowhere/x.csv"),
    (
        "g.json --methods ddim,ddim@10 --evaluations 10",
        "`ddim@10` | with 10 evaluations is given twice",
    ),
    ("g.json --methods ddim:help@9", "`ddim:help@9` | help"),
];

#[test]
fn bad_comparisons_are_refused() {
    let folder = folder("compare-refused", THREE);
    write_npy(folder.join("narrow.npy"), &Array2::<f64>::zeros((40, 3))).unwrap();
    for (arguments, pieces) in BAD {
        let arguments = arguments
            .replace("VP", &network("digits"))
            .replace("FEATURES", &network("digits-features"))
            .replace("DIGITS", &repository("examples/data/digits_8x8_u8.npy"));
        refuse(&folder, &format!("compare {arguments}"), pieces);
    }
    assert_eq!(listing(&folder), ["g.json", "narrow.npy"]);
}

#[test]
fn a_method_that_diverges_is_a_row_and_not_the_end() {
    let folder = folder("compare-diverged", THREE);
    // Rounds without end on modes this narrow.
    fs::write(folder.join("far.json"), r#"{"means": [[0, 0], [1, 0]], "std": 1e-6}"#).unwrap();
    let wild = "compare far.json --process psld --methods rm:rounds=60@200,sscs@20 --seeds 2 \
                --chains 50 --precision f32";
    let output = langevin(&folder, wild);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("diverged") && text.contains("seed 1: chain"), "{text}");
    assert_eq!(listing(&folder), ["far.json", "g.json"]);
}
