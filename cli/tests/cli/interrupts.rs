//! Signals: the first one ends a run at its next step, the second one the program.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{RUN, TWO, bytes, command, folder, listing, read, succeed};

/// What would run for hours.
const LONG: &str = "--steps 400000000";

/// A run with the signals as they are by default, whatever those of the tests are.
fn start(folder: &Path, arguments: &str) -> Child {
    let mut command = Command::new("env");
    command.current_dir(folder).arg("--default-signal=INT,TERM,HUP");
    command.arg(env!("CARGO_BIN_EXE_langevin")).args(arguments.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 60, "never: {what}");
        sleep(Duration::from_millis(10));
    }
}

fn send(signal: &str, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// The length of the temporary file: above 0 once the run is on its way.
fn written(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let lengths = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"));
    lengths.filter_map(|entry| Some(entry.metadata().ok()?.len())).max().unwrap_or(0)
}

/// The numbers in "stopped after step N of M".
fn stopped(message: &str) -> (u64, u64) {
    let line = message.lines().last().unwrap_or_default();
    let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(line.starts_with("stopped after step "), "{message}");
    (numbers[0], numbers[1])
}

#[test]
fn the_first_signal_ends_the_run_and_keeps_its_samples() {
    let folder = folder("interrupt", TWO);
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for (frames, plot) in [("", "--plot x.svg"), ("--every 30", "")] {
            let run = RUN.replace("--steps 5", LONG).replace("--chains 4", "--chains 64");
            let arguments = format!("sample g.json {run} {frames} --out x.npy {plot} --json");
            let child = start(&folder, &arguments);
            if frames.is_empty() {
                until("a temporary file", || listing(&folder).len() > 2);
                sleep(Duration::from_millis(500));
            } else {
                until("frames", || written(&folder) > 0);
            }
            send(signal, &child);
            let output = child.wait_with_output().unwrap();
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{message}");
            let (step, steps) = stopped(&message);
            assert!(step > 0 && steps == 400_000_000, "{message}");
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["steps"], step);
            // The end is the last frame, the header counts the frames, and a run of so many steps
            // has the same bits.
            let shorter = arguments.replace(LONG, &format!("--steps {step}")).replace("x.", "y.");
            succeed(&folder, &shorter);
            assert_eq!(bytes(&folder, "x.npy"), bytes(&folder, "y.npy"), "{frames}");
            let frames = if frames.is_empty() { None } else { Some(step.div_ceil(30) as usize) };
            let shape: Vec<usize> = frames.into_iter().chain([64, 2]).collect();
            assert_eq!(read::<f64>(&folder, "x.npy").shape(), shape);
            for name in listing(&folder).iter().filter(|name| *name != "g.json") {
                fs::remove_file(folder.join(name)).unwrap();
            }
        }
    }
}

#[test]
fn the_second_signal_ends_the_program_and_leaves_nothing() {
    let folder = folder("interrupt-twice", TWO);
    // A step that takes long: nobody looks at the first signal before it ends.
    let means: Vec<[f64; 2]> = (0..4000).map(|i| [i as f64, 0.0]).collect();
    let target = serde_json::json!({"means": means, "std": 1.0}).to_string();
    fs::write(folder.join("g.json"), target).unwrap();
    let run = "sample g.json --dynamics overdamped --method em --step 0.1 --steps 1000 \
               --chains 3000000 --threads 1 --out x.npy";
    let mut child = start(&folder, run);
    until("a temporary file", || listing(&folder).len() > 1);
    sleep(Duration::from_millis(500));
    send("TERM", &child);
    sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the first signal ended it at once");
    send("INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(listing(&folder), ["g.json"]);
}

#[test]
fn a_comparison_ends_at_once() {
    let folder = folder("interrupt-compare", TWO);
    let compare = "compare g.json --methods ddpm@1000 --chains 1000000 --csv x.csv";
    let child = start(&folder, compare);
    until("a temporary file", || listing(&folder).len() > 1);
    send("INT", &child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(listing(&folder), ["g.json"]);
}

#[test]
fn signals_that_the_parent_ignores_stay_ignored() {
    let folder = folder("interrupt-ignored", TWO);
    let run = RUN.replace("--steps 5", LONG);
    let mut command = Command::new("env");
    command.current_dir(&folder).arg("--ignore-signal=HUP").arg("--default-signal=TERM");
    command.arg(env!("CARGO_BIN_EXE_langevin"));
    command.args(format!("sample g.json {run} --out x.npy").split_whitespace());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a temporary file", || listing(&folder).len() > 1);
    sleep(Duration::from_millis(300));
    send("HUP", &child);
    send("HUP", &child);
    sleep(Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none(), "nohup is undone");
    send("TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(listing(&folder), ["g.json", "x.npy"]);
}

#[test]
fn a_signal_after_the_last_step_loses_nothing() {
    let folder = folder("interrupt-late", TWO);
    // Signals at any moment: the file is there whole or not at all.
    for delay in 0..25 {
        let mut child = command(&folder, &format!("sample g.json {RUN} --out x.npy"));
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_micros(400 * delay));
        send("TERM", &child);
        let code = child.wait().unwrap().code();
        let found = listing(&folder);
        let whole = found == ["g.json", "x.npy"];
        assert!(whole || code != Some(0) && found == ["g.json"], "{code:?}: {found:?}");
        if whole {
            assert_eq!(read::<f64>(&folder, "x.npy").shape(), [4, 2]);
            fs::remove_file(folder.join("x.npy")).unwrap();
        }
    }
}
