//! Shards of a run, merged: the outputs and the report of a run with all chains, to the bit.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{THREE, bytes, folder, json, network, refuse, succeed};

/// Runs all shards, with these outputs of each.
pub fn run_shards(folder: &Path, run: &str, of: usize, more: &str) -> Vec<String> {
    (1..=of)
        .map(|index| {
            let own = more.replace('#', &index.to_string());
            let report = json(
                folder,
                &format!("{run} --shard {index}/{of} --save-state {index}.state {own}"),
            );
            assert_eq!(report["shard"], format!("{index}/{of}"));
            format!("{index}.state")
        })
        .collect()
}

pub fn timeless(mut report: Value) -> Value {
    report.as_object_mut().unwrap().remove("seconds");
    report
}

#[test]
fn merged_shards_are_the_whole_run() {
    let folder = folder("shards", THREE);
    let sample = "sample g.json --dynamics underdamped --step 0.1 --steps 30 --chains 23 --seed 5";
    let digits = network("digits");
    for (run, frames, end) in [
        (format!("{sample} --method pmm1"), "npy", "--plot p.svg"),
        (format!("{sample} --method baoab --precision f32 --every 4 --burn-in 3"), "npy", ""),
        (format!("{sample} --method rm --rounds 6 --tolerance 1e-4 --every 4"), "csv", ""),
        (format!("{sample} --method pmm2 --first-chain 7 --burn-in 10"), "csv", ""),
        (
            "generate g.json --method pmm2 --evaluations 20 --chains 23 --seed 5 --every 5".into(),
            "npy",
            "--plot p.svg",
        ),
        (
            format!(
                "generate --model {digits} --method ddpm --evaluations 10 --chains 20 --labels \
                 0,1,2,3"
            ),
            "npy",
            "--grid-image p.png",
        ),
    ] {
        let whole = timeless(json(
            &folder,
            &format!("{run} --out whole.{frames} {end} --save-state whole.state"),
        ));
        let picture = end.split(' ').nth(1).map(|picture| bytes(&folder, picture));
        for of in [1, 2, 5] {
            let states = run_shards(&folder, &run, of, &format!("--out #.{frames}"));
            let outs: Vec<_> = (1..=of).rev().map(|index| format!("{index}.{frames}")).collect();
            let merge = format!(
                "merge --out joined.{frames} --save-state joined.state {end} {} {}",
                outs.join(" "),
                states.join(" ")
            );
            assert_eq!(timeless(json(&folder, &merge)), whole, "{run} in {of}");
            for ending in [frames, "state"] {
                let [joined, whole] =
                    ["joined", "whole"].map(|n| bytes(&folder, &format!("{n}.{ending}")));
                assert!(joined == whole, "{run} in {of}: {ending}");
            }
            if let Some(picture) = &picture {
                let name = end.split(' ').nth(1).unwrap();
                assert!(bytes(&folder, name) == *picture, "{run} in {of}: {name}");
            }
        }
    }
    // The text is that of the whole run but for the time.
    let run = format!("{sample} --method pmm1");
    let whole = succeed(&folder, &run);
    let states = run_shards(&folder, &run, 3, "").join(" ");
    let merged = succeed(&folder, &format!("merge {states}"));
    let lines = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains(" s, "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&merged), lines(&whole));
}

#[test]
fn starts_and_draws_are_shared_out_too() {
    let folder = folder("shards-starts", THREE);
    let run = "sample g.json --method mala --step 0.1 --chains 9 --steps 40 --every 2";
    succeed(&folder, "sample g.json --method mala --step 0.1 --chains 9 --steps 3 --out s.npy");
    let run = format!("{run} --start s.npy");
    let whole = timeless(json(&folder, &format!("{run} --trace whole.npy --names a,b")));
    let states = run_shards(&folder, &run, 4, "--trace #.npy").join(" ");
    // Names go with the draws: each shard may have none.
    let states_named = run_shards(&folder, &run, 4, "--trace #.npy --names a,b").join(" ");
    assert_eq!(states, states_named);
    let merged = timeless(json(&folder, &format!("merge --trace joined.npy {states}")));
    assert_eq!(merged, whole);
    assert!(bytes(&folder, "joined.npy") == bytes(&folder, "whole.npy"));
    refuse(
        &folder,
        "generate g.json --method ddim --evaluations 5 --chains 3 --shard 1/4 --save-state s",
        "--shard 1/4: expected no more shards than the 3 chains",
    );
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let folder = folder("shards-refused", THREE);
    let run = "sample g.json --method baoab --step 0.1 --steps 20 --chains 10 --every 5";
    run_shards(&folder, run, 3, "--out #.npy");
    fs::write(folder.join("h.json"), THREE.replace("0.3", "0.4")).unwrap();
    for (name, other, shard) in [
        ("seed", format!("{run} --seed 9"), "2/3"),
        ("step", run.replace("0.1", "0.2"), "2/3"),
        ("chains", run.replace("--chains 10", "--chains 11"), "2/3"),
        ("target", run.replace("g.json", "h.json"), "2/3"),
        ("of", run.to_string(), "2/4"),
        ("one", run.to_string(), "1/3"),
    ] {
        succeed(&folder, &format!("{other} --shard {shard} --save-state {name}.other"));
    }
    succeed(&folder, &format!("{run} --save-state plain"));
    for (arguments, message) in [
        ("1.state seed.other 3.state", "seed.other: seed: it has 9, expected 0"),
        ("1.state step.other 3.state", "step.other: step: it has 0.2, expected 0.1"),
        ("1.state chains.other 3.state", "chains.other: chains: it has 11, expected 10"),
        ("1.state target.other 3.state", "target.other: target sha256: it has"),
        ("1.state of.other 3.state", "it is shard 2/4, but others are of 3"),
        ("1.state one.other 3.state 2.state", "it is shard 1/3, as 1.state is"),
        ("1.state 3.state", "shard 2/3 is missing"),
        ("1.state 2.state", "shard 3/3 is missing"),
        ("1.state 2.state plain", "plain: it is not that of a shard"),
        ("plain", "plain: it is not that of a shard"),
        ("1.npy", "there is no state file of a shard"),
        ("nowhere", "nowhere: cannot be read"),
        ("--trace t.npy 1.state 2.state 3.state", "has kept no draws; run it with --trace"),
        (
            "--out x.npy 1.state 2.state 3.state 1.npy 3.npy",
            "2.state: the output of this shard is missing",
        ),
    ] {
        refuse(&folder, &format!("merge {arguments}"), message);
    }
    for (shard, message) in [("0/3", "expected I/N"), ("4/3", "as 2/5"), ("3", "expected I/N")] {
        refuse(&folder, &format!("{run} --save-state s --shard {shard}"), message);
    }
    refuse(&folder, &format!("{run} --shard 1/3"), "--save-state");
    // A target that has changed is found.
    fs::write(folder.join("g.json"), THREE.replace("0.3", "0.5")).unwrap();
    refuse(&folder, "merge 1.state 2.state 3.state", "target sha256: it has");
}

/// Frames and moments of a state are those behind it alone, and a shard needs all.
#[test]
fn shards_go_on_from_their_checkpoints_alone() {
    let folder = folder("shards-resumed", THREE);
    let run = "sample g.json --method baoab --step 0.1 --chains 6 --every 5";
    for (of, shard) in [("", "--shard 1/1"), ("--shard 1/2", "--shard 1/2")] {
        succeed(&folder, &format!("{run} --steps 10 {of} --save-state short.state"));
        let resumed = format!("{run} --steps 20 {shard} --resume short.state --save-state s");
        refuse(&folder, &resumed, "a shard goes on from its checkpoint alone");
    }
}

#[test]
fn frames_of_other_steps_are_not_joined() {
    let folder = folder("shards-frames", THREE);
    let run = "sample g.json --method baoab --step 0.1 --steps 20 --chains 6 --every 5";
    let states = run_shards(&folder, run, 2, "--out #.csv").join(" ");
    // A file of more frames with the hash that the state file names.
    let longer = fs::read_to_string(folder.join("2.csv")).unwrap();
    let longer = format!("{longer}{}", longer.lines().last().unwrap());
    fs::write(folder.join("2.csv"), &longer).unwrap();
    let merge = format!("merge --out x.csv {states} 1.csv 2.csv");
    refuse(&folder, &merge, "2.state: the output of this shard is missing");
    let why = "its output is .csv, but --out is .npy; give --out .csv";
    refuse(&folder, &format!("merge --out x.npy {states} 1.csv"), why);
}

#[test]
fn merged_files_are_spared() {
    let folder = folder("shards-spared", THREE);
    let run = "sample g.json --method baoab --step 0.1 --steps 20 --chains 6 --every 5";
    let states = run_shards(&folder, run, 2, "--out #.npy").join(" ");
    let files = format!("{states} 1.npy 2.npy");
    for output in ["--out 1.npy", "--save-state 2.state", "--trace ./2.npy"] {
        refuse(&folder, &format!("merge {output} {files}"), "which is merged");
    }
    succeed(&folder, &format!("merge --out x.npy {files}"));
    // The sums are those of all coordinates, with a report or without one.
    let states = run_shards(&folder, &format!("{run} --covariance"), 2, "").join(" ");
    succeed(&folder, &format!("merge {states}"));
    assert!(json(&folder, &format!("merge {states}"))["covariance"].is_array());
    refuse(&folder, &format!("{run} --covariance"), "--json");
    let wrapped = format!("{run} --first-chain 4294967292 --shard 1/2 --save-state s");
    refuse(&folder, &wrapped, "expected numbers below 2^32");
    succeed(&folder, &run.replace("--chains 6", "--chains 4 --first-chain 4294967292"));
}

/// A state file must not make code run that nobody asked for.
#[test]
fn libraries_of_shards_are_loaded_on_request() {
    let Some(folder) = crate::library::schools("shards-library") else { return };
    let run = "sample --target-library target.so --method baoab --step 0.05 --steps 5 --chains 4";
    let states = run_shards(&folder, run, 2, "").join(" ");
    refuse(&folder, &format!("merge {states}"), "give --trust-libraries if you trust the file");
    succeed(&folder, &format!("merge --trust-libraries {states}"));
}
