//! Shards of a tuned posterior, merged: the draws and the report of one process, to the bit.

use std::fs;
use std::path::Path;

use crate::library::schools;
use crate::shards::{run_shards, timeless};
use crate::support::{bytes, folder, json, langevin, refuse, stderr, succeed, tree};

/// A normal distribution with a mean and a standard deviation.
const NORMAL: &str = r#"{"means": [[3, -1]], "variances": [[4, 0.01]]}"#;

/// A folder with the target and its settings.
fn tuned(name: &str) -> std::path::PathBuf {
    let folder = folder(name, NORMAL);
    succeed(&folder, "posterior g.json --chains 32 --seed 1 --save-tuned t.json");
    folder
}

/// Writes the start of so many chains.
fn start(folder: &Path, chains: usize) {
    let rows = (0..chains).map(|i| format!("{},{}\n", i as f64 / 9.0, -1.0 + i as f64 / 99.0));
    fs::write(folder.join("s.csv"), rows.collect::<String>()).unwrap();
}

#[test]
fn merged_shards_are_one_process() {
    let folder = tuned("posterior-shards");
    start(&folder, 50);
    let run = "posterior g.json --tuned t.json --seed 5";
    for (run, draws, counts) in [
        (format!("{run} --chains 50 --steps 600"), "npy", &[1, 2, 5, 50][..]),
        (format!("{run} --chains 50 --steps 2500 --start s.csv --names a,b"), "zarr", &[5]),
        (format!("{run} --chains 37 --steps 800 --adjusted"), "npy", &[2, 5]),
    ] {
        let whole = timeless(json(&folder, &format!("{run} --draws whole.{draws}")));
        for &of in counts {
            let mut states = run_shards(&folder, &run, of, "");
            states.reverse();
            let states = states.join(" ");
            let merge = format!("merge --draws joined.{draws} {states}");
            assert_eq!(timeless(json(&folder, &merge)), whole, "{run} in {of}");
            let joined = tree(&folder, &format!("joined.{draws}"));
            assert!(joined == tree(&folder, &format!("whole.{draws}")), "{run} in {of}");
            if draws == "npy" {
                assert_eq!(bytes(&folder, "joined.json"), bytes(&folder, "whole.json"));
            }
            // The text is that of one process but for the time.
            let text = |command: &str| {
                let text = succeed(&folder, command);
                text.lines().filter(|line| !line.ends_with(" s")).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(text(&format!("merge {states}")), text(&run));
        }
    }
}

#[test]
fn a_shard_tells_its_chains_and_no_verdict() {
    let folder = tuned("posterior-shard");
    let run = "posterior g.json --tuned t.json --chains 20 --steps 40 --shard 2/3";
    let text = succeed(&folder, &format!("{run} --save-state 2.state"));
    assert!(text.contains("shard 2/3, chains 6 to 12 of 20"), "{text}");
    assert!(text.contains("langevin merge") && text.contains("written: 2.state"), "{text}");
    let report = json(&folder, &format!("{run} --save-state 2.state"));
    assert_eq!((report["chains"].as_u64(), report["first_chain"].as_u64()), (Some(7), Some(6)));
    assert!(report["verdict"].is_null());
    // No other command goes on with it.
    refuse(
        &folder,
        "sample g.json --method baoab --step 0.1 --steps 50 --chains 7 --resume 2.state",
        "--resume 2.state",
    );
}

/// The verdict of a merge has the exit code of one process.
#[test]
fn a_merge_that_has_not_mixed_has_an_exit_code() {
    let folder = tuned("posterior-shards-modes");
    fs::write(folder.join("m.json"), r#"{"means": [[-40, 0], [40, 0]], "std": 1}"#).unwrap();
    let run = "posterior m.json --tuned t.json --chains 32 --steps 40";
    let states = run_shards(&folder, run, 2, "").join(" ");
    let [merged, whole] =
        [&format!("merge --draws d.npy {states}"), run].map(|command| langevin(&folder, command));
    assert_eq!(merged.status.code(), Some(3), "{}", stderr(&merged));
    assert_eq!(stderr(&merged), stderr(&whole));
    assert!(folder.join("d.npy").is_file());
}

#[test]
fn shards_of_which_no_run_can_be_made_are_refused() {
    let folder = tuned("posterior-shards-refused");
    let run = "posterior g.json --tuned t.json --chains 20 --steps 40";
    let shard = format!("{run} --shard 1/2 --save-state s");
    for (arguments, said) in [
        (
            "posterior g.json --chains 20 --shard 1/2 --save-state s".into(),
            "--shard 1/2: given no --tuned | all chains decide together | --save-tuned FILE.json",
        ),
        (format!("{run} --shard 1/2"), "--save-state <FILE>"),
        (format!("{run} --save-state s"), "--save-state s: expected --shard I/N | --draws"),
        (format!("{shard} --draws d.npy"), "leave out --draws | langevin merge"),
        (format!("{shard} --save-tuned u.json"), "a copy of --tuned; leave it out"),
        (format!("{run} --shard 0/2 --save-state s"), "expected I/N"),
        (
            format!("{run} --shard 1/21 --save-state s"),
            "--shard 1/21: expected no more shards than the 20 chains",
        ),
        (format!("{run} --shard 1/2 --save-state t.json"), "would replace --tuned t.json"),
    ] {
        refuse(&folder, &arguments, said);
    }
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let folder = tuned("posterior-shards-apart");
    start(&folder, 20);
    let run = "posterior g.json --tuned t.json --chains 20 --steps 40 --names a,b";
    run_shards(&folder, run, 3, "");
    fs::write(folder.join("h.json"), NORMAL.replace("3,", "2,")).unwrap();
    let settings = fs::read_to_string(folder.join("t.json")).unwrap();
    fs::write(folder.join("u.json"), format!("{settings} ")).unwrap();
    for (name, other, shard) in [
        ("seed", format!("{run} --seed 9"), "2/3"),
        ("steps", run.replace("40", "41"), "2/3"),
        ("chains", run.replace("20", "21"), "2/3"),
        ("names", run.replace("a,b", "b,a"), "2/3"),
        ("adjusted", format!("{run} --adjusted"), "2/3"),
        ("target", run.replace("g.json", "h.json"), "2/3"),
        ("tuned", run.replace("t.json", "u.json"), "2/3"),
        ("start", format!("{run} --start s.csv"), "2/3"),
        ("of", run.to_string(), "2/4"),
    ] {
        succeed(&folder, &format!("{other} --shard {shard} --save-state {name}.other"));
    }
    let sample = "sample g.json --method baoab --step 0.1 --steps 40 --chains 20";
    succeed(&folder, &format!("{sample} --shard 2/3 --save-state sample.other"));
    for (arguments, said) in [
        ("1.state seed.other 3.state", "seed.other: seed: it has 9, expected 0"),
        ("1.state steps.other 3.state", "steps.other: steps: it has 41, expected 40"),
        ("1.state chains.other 3.state", "chains.other: chains: it has 21, expected 20"),
        ("1.state names.other 3.state", "names.other: names: it has"),
        ("1.state adjusted.other 3.state", "adjusted: it has true, expected false"),
        ("1.state target.other 3.state", "target.other: target sha256: it has"),
        ("1.state tuned.other 3.state", "tuned.other: tuned sha256: it has"),
        ("1.state start.other 3.state", "start sha256: it has | expected nothing"),
        ("1.state sample.other 3.state", "sample.other: | it has nothing, expected"),
        ("sample.other 1.state 3.state", "1.state: | it has"),
        ("1.state of.other 3.state", "it is shard 2/4, but others are of 3"),
        ("1.state 3.state", "shard 2/3 is missing"),
        ("1.state 2.state 2.state 3.state", "it is shard 2/3, as 2.state is"),
        ("1.state 2.state 3.state t.json", "t.json: it is not the state file of a shard"),
        (
            "--out x.npy 1.state 2.state 3.state",
            "--out: given shards of posterior, expected --draws",
        ),
        ("--save-state x 1.state 2.state 3.state", "--save-state: given shards of posterior"),
        ("--draws x.npy sample.other", "--draws: given shards of sample | give --out or --trace"),
        ("--draws 1.state 1.state 2.state 3.state", "which is merged"),
        ("--draws g.json 1.state 2.state 3.state", "g.json"),
    ] {
        refuse(&folder, &format!("merge {arguments}"), said);
    }
    // A target that has changed is found, and a file that is damaged.
    fs::write(folder.join("g.json"), NORMAL.replace("4,", "5,")).unwrap();
    refuse(&folder, "merge 1.state 2.state 3.state", "target sha256: it has");
    fs::write(folder.join("g.json"), NORMAL).unwrap();
    // So few steps mix nothing, and are merged all the same.
    let merged = langevin(&folder, "merge 1.state 2.state 3.state");
    assert_eq!(merged.status.code(), Some(3), "{}", stderr(&merged));
    let mut damaged = bytes(&folder, "2.state");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(folder.join("2.state"), damaged).unwrap();
    refuse(&folder, "merge 1.state 2.state 3.state", "2.state: | damaged");
}

#[test]
fn shards_of_a_library() {
    let Some(folder) = schools("posterior-shards-library") else { return };
    let run = "posterior --target-library target.so";
    succeed(&folder, &format!("{run} --save-tuned t.json --seed 3"));
    let run = format!("{run} --tuned t.json --seed 4 --chains 64 --steps 3000");
    let whole = timeless(json(&folder, &format!("{run} --draws whole.npy")));
    let states = run_shards(&folder, &run, 5, "").join(" ");
    refuse(&folder, &format!("merge {states}"), "give --trust-libraries if you trust the file");
    let merge = format!("merge --trust-libraries --draws joined.npy {states}");
    assert_eq!(timeless(json(&folder, &merge)), whole);
    assert!(bytes(&folder, "joined.npy") == bytes(&folder, "whole.npy"));
}
