//! Disks that are full, and places that take no file: the error names the file, nothing half
//! written stays, and an earlier checkpoint is whole.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use langevin::run::StateFile;

use crate::support::{TWO, bytes, folder, listing, refuse, stderr, succeed};

/// A run whose files may have so many bytes. Where the disk is full there is another error in the
/// same place.
fn limited(folder: &Path, kibibytes: u32, arguments: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_langevin");
    // The signal that would end the program is ignored, and writing is an error.
    let line = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec {program} {arguments}");
    Command::new("bash").current_dir(folder).args(["-c", &line]).output().unwrap()
}

const RUN: &str = "sample g.json --method baoab --step 0.1 --chains 50";

#[test]
fn outputs_on_a_full_disk_are_errors_that_name_the_file() {
    let folder = folder("full", TWO);
    for (arguments, file) in [
        ("--steps 2000 --every 10 --out x.npy", "x.npy"),
        ("--steps 2000 --every 10 --out x.csv", "x.csv"),
        ("--steps 2000 --every 10 --trace t.npy", "t.npy"),
        ("--steps 2000 --every 10 --trace t.zarr", "t.zarr"),
        ("--steps 20 --chains 5000 --save-state s", "s: cannot be written"),
        ("--steps 20 --chains 5000 --out x.npy", "x.npy"),
        ("--steps 2000 --every 10 --out x.npy --checkpoint c --checkpoint-every 0", "c.frames"),
        ("--steps 20 --chains 5000 --checkpoint c --checkpoint-every 0", "c: "),
        ("--steps 20 --chains 5000 --plot p.svg", "p.svg"),
    ] {
        let arguments =
            format!("{RUN} {arguments} --quiet").replace("--chains 50 --steps 20 ", "--steps 20 ");
        let output = limited(&folder, 16, &arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {}", stderr(&output));
        let message = stderr(&output);
        let names = message.contains(file) && message.contains("File too large");
        assert!(names && message.starts_with("error: "), "{arguments}: {message}");
        let left: Vec<_> =
            listing(&folder).into_iter().filter(|name| !name.starts_with("c")).collect();
        assert_eq!(left, ["g.json"], "{arguments}");
        for name in ["c", "c.frames"] {
            let _ = fs::remove_file(folder.join(name));
        }
    }
}

/// The draws that a checkpoint keeps grow until it no longer fits: the one before stays, and the
/// run goes on from it.
#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_one_before() {
    let folder = folder("full-checkpoint", TWO);
    let run = format!("{RUN} --steps 4000 --every 10 --quiet --trace t.npy");
    succeed(&folder, &run);
    let wanted = bytes(&folder, "t.npy");
    fs::remove_file(folder.join("t.npy")).unwrap();
    let durable = format!("{run} --checkpoint c --checkpoint-every 0 --resume c");
    let output = limited(&folder, 128, &durable);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("c: ") && message.contains("File too large"), "{message}");
    let file = StateFile::<f64>::read(&mut File::open(folder.join("c")).unwrap()).unwrap();
    let taken = file.samples.steps;
    assert!(taken > 100 && taken < 4000, "{taken}");
    assert!(!folder.join("c.tmp").exists(), "what does not fit must not fill the disk");
    succeed(&folder, &durable);
    assert!(bytes(&folder, "t.npy") == wanted);
    assert_eq!(listing(&folder), ["g.json", "t.json", "t.npy"]);
}

/// A place where no file can be made is known before the run.
#[test]
fn places_that_take_no_file_are_refused_before_the_run() {
    let folder = folder("no-place", TWO);
    let long = format!("{RUN} --steps 1000000000");
    for (option, file) in [
        ("--out", "/proc/x.npy"),
        ("--save-state", "/proc/x.state"),
        ("--plot", "/proc/x.svg"),
        ("--every 100000000 --trace", "/proc/x.npy"),
        ("--every 100000000 --trace", "/proc/x.zarr"),
        ("--checkpoint", "/proc/c"),
    ] {
        refuse(&folder, &format!("{long} {option} {file}"), file);
    }
}
