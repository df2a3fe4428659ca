//! Runs that fail on the way: exit code 1.

use std::path::Path;

use langevin::ndarray::Array2;
use ndarray_npy::write_npy;
use serde_json::Value;

use crate::support::{THREE, TWO, folder, langevin, listing, read, stderr};

const DIVERGING: &str = "sample g.json --dynamics overdamped --method em --step 0.03 --steps 1200 \
                         --chains 20 --json --out x.npy --plot x.svg";

/// The report of a run whose picture alone failed.
fn without_picture(folder: &Path, arguments: &str) -> Value {
    let output = langevin(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments}: {}", stderr(&output));
    assert!(stderr(&output).contains("--plot"), "{arguments}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn diverging_chains_stop_freeze_or_go_on() {
    let folder = folder("diverging", r#"{"means": [[0, 0], [4, 4]], "std": 0.1}"#);
    let stopped = langevin(&folder, DIVERGING);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(stopped.stdout.is_empty());
    for piece in ["chain ", "step 5", "time 15", "smaller", "--non-finite freeze|ignore"] {
        assert!(stderr(&stopped).contains(piece), "{}", stderr(&stopped));
    }
    assert_eq!(listing(&folder), ["g.json"]);
    for policy in ["freeze", "ignore"] {
        for frames in ["", "--every 100"] {
            // Nothing can be drawn of chains like these, but the samples and the report are there.
            let arguments = format!("{DIVERGING} --non-finite {policy} {frames}");
            let report = without_picture(&folder, &arguments);
            assert_eq!(report["diverged"], 20);
            let finite = read::<f64>(&folder, "x.npy").iter().all(|x| x.is_finite());
            assert_eq!(finite, policy == "freeze");
            assert_eq!(listing(&folder), ["g.json", "x.npy"]);
        }
    }
}

#[test]
fn pictures_that_cannot_be_drawn_cost_neither_samples_nor_report() {
    let folder = folder("generate-far", THREE);
    write_npy(folder.join("far.npy"), &Array2::from_elem((4, 2), f64::MAX)).unwrap();
    let far = "generate g.json --method ddim --evaluations 10 --chains 4 --start far.npy \
               --out x.npy --plot x.svg --json";
    assert_eq!(langevin(&folder, far).status.code(), Some(1));
    let report = without_picture(&folder, &format!("{far} --non-finite ignore"));
    assert_eq!(report["diverged"], 4);
    assert_eq!(listing(&folder), ["far.npy", "g.json", "x.npy"]);
}

#[test]
fn the_message_of_a_failed_run_has_one_line() {
    let folder = folder("one-line", TWO);
    let output = langevin(&folder, &DIVERGING.replace("0.03", "30"));
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.starts_with("error: chain ") && message.lines().count() == 1, "{message}");
}
