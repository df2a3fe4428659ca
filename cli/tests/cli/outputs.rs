//! Files that are written: whole or not at all, and known to be writable before the run.

use std::fs;
use std::process::Stdio;

use crate::support::{RUN, TWO, bytes, command, folder, listing, read, refuse, succeed};

#[test]
fn outputs_are_checked_before_the_run() {
    let folder = folder("outputs", TWO);
    fs::create_dir(folder.join("dir")).unwrap();
    let run = |outputs: &str| format!("sample g.json {RUN} {outputs}");
    for place in ["nowhere/x.npy", "dir", "dir/", "new/", ".", "g.json/x.npy"] {
        refuse(&folder, &run(&format!("--out {place}")), &format!("--out {place}"));
        let plot = run(&format!("--out x.npy --plot {place}"));
        refuse(&folder, &plot, &format!("--plot {place}"));
    }
    for twice in ["x", "./x", "dir/../x"] {
        refuse(&folder, &run(&format!("--out x --plot {twice}")), "--out | --plot");
    }
    fs::copy(folder.join("g.json"), folder.join("zïel☃.json")).unwrap();
    succeed(&folder, &format!("sample zïel☃.json {RUN} --out ünï☃.npy --plot ünï☃.svg"));
    assert_eq!(read::<f64>(&folder, "ünï☃.npy").shape(), [4, 2]);
    // The start may be overwritten by the end.
    succeed(&folder, &run("--start ünï☃.npy --out ünï☃.npy"));
}

#[test]
fn two_runs_may_write_one_file() {
    let folder = folder("race", TWO);
    let run = |seed: u64| format!("sample g.json {RUN} --every 1 --seed {seed} --out x.npy");
    for round in 0..5 {
        let start = |seed| command(&folder, &run(seed)).stdout(Stdio::null()).spawn().unwrap();
        for child in &mut [1, 2].map(start) {
            assert!(child.wait().unwrap().success());
        }
        let written = bytes(&folder, "x.npy");
        let wanted = [1, 2].map(|seed| {
            succeed(&folder, &run(seed));
            bytes(&folder, "x.npy")
        });
        assert!(wanted.contains(&written), "round {round}: a mixture of both");
    }
    assert_eq!(listing(&folder), ["g.json", "x.npy"]);
}
