//! The `langevin` program as the tests of the command line call it.
#![allow(dead_code, reason = "not every test file needs all of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use langevin::ndarray::ArrayD;
use ndarray_npy::{ReadableElement, read_npy};
use serde_json::Value;

/// A fresh folder with the target `g.json`.
pub fn folder(name: &str, target: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("g.json"), target).unwrap();
    folder
}

pub fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_langevin"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command
}

pub fn langevin(folder: &Path, arguments: &str) -> Output {
    command(folder, arguments).stdin(Stdio::null()).output().unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn succeed(folder: &Path, arguments: &str) -> Vec<u8> {
    let output = langevin(folder, arguments);
    assert!(output.status.success(), "{arguments}: {}", stderr(&output));
    assert_eq!(stderr(&output), "", "{arguments}: a progress bar without a terminal?");
    output.stdout
}

/// The one JSON object on stdout.
pub fn json(folder: &Path, arguments: &str) -> Value {
    serde_json::from_slice(&succeed(folder, &format!("{arguments} --json"))).unwrap()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

pub fn listing(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Exit code 2, nothing written, nothing on stdout, and in the message every one of the `pieces`,
/// parted by " | ".
pub fn refuse(folder: &Path, arguments: &str, pieces: &str) {
    let before = listing(folder);
    let output = langevin(folder, arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments}: {message}");
    assert!(output.stdout.is_empty(), "{arguments}: wrote to stdout");
    for piece in pieces.split(" | ") {
        assert!(message.contains(piece), "{arguments}: no `{piece}` in: {message}");
    }
    assert_eq!(listing(folder), before, "{arguments}");
}

pub fn read<T: ReadableElement>(folder: &Path, name: &str) -> ArrayD<T> {
    read_npy(folder.join(name)).unwrap()
}
