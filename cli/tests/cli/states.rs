//! Runs that continue: through state files to the last bit, and from old positions with new noise.

use std::fs;

use langevin::ndarray::Array2;
use ndarray_npy::write_npy;

use crate::support::{folder, json, langevin, number, read, refuse, stderr, succeed};

/// The standard normal in one dimension.
const NORMAL: &str = r#"{"means": [[0.0]], "std": 1.0}"#;

#[test]
fn short_runs_through_state_files_are_one_long_run() {
    let folder = folder("states-chained", NORMAL);
    for method in [
        "--dynamics overdamped --method em",
        "--method mala",
        "--method baoab",
        "--dynamics underdamped --method rm",
        "--dynamics underdamped --method pmm1",
    ] {
        for precision in ["f32", "f64"] {
            let run = format!(
                "sample g.json {method} --precision {precision} --step 0.05 --chains 7 --seed 3 \
                 --first-chain 2"
            );
            succeed(&folder, &format!("{run} --steps 62 --out long.npy"));
            succeed(&folder, &format!("{run} --steps 2 --save-state state"));
            for short in 2..=31 {
                let steps = 2 * short;
                let resumed = "--resume state --save-state state --out short.npy";
                succeed(&folder, &format!("{run} --steps {steps} {resumed}"));
            }
            let [long, short] = ["long.npy", "short.npy"].map(|name| folder.join(name));
            assert!(fs::read(long).unwrap() == fs::read(short).unwrap(), "{run}");
        }
    }
    let report = json(
        &folder,
        "sample g.json --dynamics underdamped --method pmm1 --precision f64 --step 0.05 --chains 7 \
         --steps 80 --resume state",
    );
    assert_eq!((number(&report["steps"]), number(&report["seed"])), (80.0, 3.0));
}

#[test]
fn a_generation_is_resumed_where_it_was() {
    let folder = folder("states-generate", NORMAL);
    let run = "generate g.json --method ddpm --evaluations 20 --chains 7";
    succeed(&folder, &format!("{run} --save-state end"));
    // Nothing is left to do.
    refuse(&folder, &format!("{run} --resume end"), "has taken 20 already");
    let other = "generate g.json --method ddpm --evaluations 30 --chains 7 --resume end";
    refuse(&folder, other, "evaluations: given 30, but the run to resume has 20");
}

#[test]
fn other_settings_are_named() {
    let folder = folder("states-settings", NORMAL);
    let run = "--method baoab --step 0.05 --chains 7 --steps 20";
    succeed(&folder, &format!("sample g.json {run} --save-state state"));
    fs::write(folder.join("h.json"), NORMAL.replace("1.0", "1.5")).unwrap();
    fs::write(folder.join("empty"), "langevin state 1\n\n").unwrap();
    let shorter = run.replace("0.05", "0.06");
    let other = run.replace("baoab", "obabo");
    let more = run.replace("chains 7", "chains 8");
    for (arguments, message) in [
        (format!("g.json {shorter} --resume state"), "step: given 0.06, but the run to resume has"),
        (format!("g.json {other} --resume state"), "method: given \"obabo\""),
        (format!("g.json {more} --resume state"), "start: given shape (7, "),
        (format!("g.json {run} --resume state --seed 5"), "seed: given 5"),
        (format!("g.json {run} --resume state --first-chain 5"), "first chain: given 5"),
        (format!("g.json {run} --resume state --precision f32"), "precision: given f32"),
        (format!("g.json {run} --resume state --friction 3"), "options: given"),
        (format!("h.json {run} --resume state"), "target sha256: given"),
        (format!("g.json {run} --resume empty"), "`precision` is missing"),
        (format!("g.json {run} --resume nowhere"), "--resume nowhere: cannot be read"),
    ] {
        refuse(&folder, &format!("sample {arguments}"), message);
    }
}

/// Old positions and the default seed: the noise is another one each time. The same noise again
/// would give a standard deviation of 1.72 (closed form), new noise gives 1.0025. 31 runs of 4,000
/// chains: six standard errors are 6.7 %, for 3 starts 6e-9.
#[test]
fn a_start_from_old_positions_meets_new_noise() {
    let folder = folder("states-start", NORMAL);
    let run = "sample g.json --dynamics overdamped --method em --step 0.01 --steps 70 \
               --chains 4000 --threads 1";
    for begin in ["--seed 0", "--seed 1", "--seed 7"] {
        let mut last = json(&folder, &format!("{run} {begin} --out c.npy"));
        for _ in 1..31 {
            last = json(&folder, &format!("{run} --start c.npy --out c.npy"));
        }
        let sd = number(&last["covariance"][0][0]).sqrt();
        assert!((sd / 1.0025 - 1.0).abs() < 0.067, "{begin}: {sd}");
    }
}

#[test]
fn a_start_goes_on_with_its_own_noise_where_its_step_is_given() {
    let folder = folder("states-first-step", NORMAL);
    let run = "sample g.json --dynamics overdamped --method em --step 0.1 --chains 5";
    succeed(&folder, &format!("{run} --steps 30 --out whole.npy"));
    succeed(&folder, &format!("{run} --steps 12 --out part.npy"));
    let rest = "--steps 30 --start part.npy --first-step 12 --out rest.npy";
    succeed(&folder, &format!("{run} {rest}"));
    assert_eq!(read::<f64>(&folder, "rest.npy"), read::<f64>(&folder, "whole.npy"));
    // The seed that is made of the start is in the report, and gives the same samples again.
    let made = json(&folder, &format!("{run} --steps 9 --start part.npy --out a.npy"));
    let seed = number(&made["seed"]);
    succeed(&folder, &format!("{run} --steps 9 --start part.npy --seed {seed} --out b.npy"));
    assert_eq!(fs::read(folder.join("a.npy")).unwrap(), fs::read(folder.join("b.npy")).unwrap());
    let part = format!("{run} --steps 9 --start part.npy --first-chain 5");
    refuse(&folder, &part, "--first-chain with --start needs --seed");
}

/// At 10¹⁷ neighbours are 16 apart: a step of 0.45 changes nothing.
#[test]
fn increments_that_vanish_are_said() {
    let folder = folder("states-rounded", r#"{"means": [[1e17]], "std": 1.0}"#);
    write_npy(folder.join("start.npy"), &Array2::from_elem((9, 1), 1e17)).unwrap();
    let run = "sample g.json --dynamics overdamped --method em --step 0.1 --steps 5 --chains 9";
    let output = langevin(&folder, &format!("{run} --start start.npy"));
    let said = stderr(&output);
    assert!(said.contains("warning: the last step moved 9 of 9 coordinates"), "{said}");
}

#[test]
fn samples_that_run_away_are_said() {
    let folder = folder("states-away", NORMAL);
    // Every step of 2.5 multiplies a position by −1.5.
    let run = "sample g.json --dynamics overdamped --method em --step 2.5 --steps 40 --chains 9";
    let said = stderr(&langevin(&folder, run));
    assert!(said.contains("warning: ") && said.contains("far outside of the target"), "{said}");
    assert!(said.contains("try a shorter step"), "{said}");
    assert_eq!(stderr(&langevin(&folder, &run.replace("2.5", "0.5"))), "");
}
