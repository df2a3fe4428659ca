//! Disks that are full, and places that take no file: the error names the file, nothing half
//! written stays, and an earlier checkpoint is whole.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
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
        ("--steps 2000 --every 10 --trace t.csv", "t.csv"),
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
        // Draws stay as far as they came, under a name of their own.
        let is_kept = |name: &String| name.starts_with('c') || name.ends_with(".part");
        let left: Vec<_> = listing(&folder).into_iter().filter(|name| !is_kept(name)).collect();
        assert_eq!(left, ["g.json"], "{arguments}");
        for name in listing(&folder).iter().filter(|name| is_kept(name)) {
            let place = folder.join(name);
            if place.is_dir() { fs::remove_dir_all(place) } else { fs::remove_file(place) }
                .unwrap();
        }
    }
}

/// Draws grow until they no longer fit, those of a shard in its checkpoint: the checkpoint before
/// stays, and the run goes on from it.
#[test]
fn draws_that_do_not_fit_leave_the_checkpoint_before() {
    let folder = folder("full-checkpoint", TWO);
    for (outputs, file) in [("--trace t.csv", "t.csv: "), (SHARD, "c: ")] {
        let run = format!("{RUN} --steps 4000 --every 10 --quiet {outputs}");
        succeed(&folder, &run);
        let wanted = read_all(&folder);
        let durable = format!("{run} --checkpoint c --checkpoint-every 0 --resume c");
        let output = limited(&folder, 128, &durable);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(file) && message.contains("File too large"), "{message}");
        let taken = state(&folder, "c").samples.steps;
        assert!(taken > 100 && taken < 4000, "{taken}");
        assert!(!folder.join("c.tmp").exists(), "what does not fit must not fill the disk");
        succeed(&folder, &durable);
        assert!(read_all(&folder) == wanted, "{outputs}");
        wanted.keys().filter(|name| *name != "g.json").for_each(|name| {
            fs::remove_file(folder.join(name)).unwrap();
        });
    }
}

const SHARD: &str = "--shard 1/2 --trace t.npy --save-state s";

fn state(folder: &Path, name: &str) -> StateFile<f64> {
    StateFile::read(&mut File::open(folder.join(name)).unwrap()).unwrap()
}

/// All files of a folder; of a state file, which has the time it took, what its observers saved.
fn read_all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let content = |name: &str| match name {
        "s" => state(folder, name).observers.unwrap().into_iter().flatten().flatten().collect(),
        _ => bytes(folder, name),
    };
    listing(folder).into_iter().map(|name| (name.clone(), content(&name))).collect()
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
