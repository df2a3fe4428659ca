//! The program as the tests call it, in a folder of its own for every test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use langevin::ndarray::{ArrayD, Axis, concatenate};
use ndarray_npy::{ReadableElement, read_npy};
use serde_json::Value;

/// Two modes of one width.
pub const TWO: &str = r#"{"means": [[0, 0], [4, 4]], "std": 1}"#;
/// Three modes, the second as heavy as the others together.
pub const THREE: &str = r#"{"weights": [1, 2, 1], "means": [[-2, 0], [2, 1], [0, 3]], "std": 0.3}"#;
/// The weights of its modes.
pub const THREE_WEIGHTS: [f64; 3] = [0.25, 0.5, 0.25];
/// A short run of `sample`.
pub const RUN: &str = "--dynamics underdamped --method pmm2 --step 0.1 --steps 5 --chains 4";

/// A fresh folder with the target `g.json`.
pub fn folder(name: &str, target: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("g.json"), target).unwrap();
    folder
}

/// A file of the repository, as a path for the program.
pub fn repository(path: &str) -> String {
    format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))
}

/// A trained network of the examples.
pub fn network(name: &str) -> String {
    repository(&format!("examples/models/{name}.safetensors"))
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

/// Runs without an error; what is on stdout.
pub fn succeed(folder: &Path, arguments: &str) -> String {
    let output = langevin(folder, arguments);
    assert!(output.status.success(), "{arguments}: {}", stderr(&output));
    // Warnings about few steps are no surprise in short runs.
    let said = stderr(&output);
    let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert!(said.is_empty(), "{arguments}: a progress bar without a terminal? {said:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one JSON object on stdout.
pub fn json(folder: &Path, arguments: &str) -> Value {
    serde_json::from_str(&succeed(folder, &format!("{arguments} --json"))).unwrap()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// The names in a list of objects.
pub fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(|entry| entry["name"].as_str()).collect()
}

/// A JSON object has these keys and no others; they are written with spaces between.
pub fn has_keys(object: &Value, keys: &str) {
    let found: BTreeSet<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(found, keys.split_whitespace().collect(), "{object}");
}

pub fn listing(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
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

pub fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap()
}

/// All files of an output, be it a file or a folder, with their bytes.
pub fn tree(folder: &Path, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.join(name)];
    while let Some(place) = open.pop() {
        if place.is_dir() {
            open.extend(fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let inside = place.strip_prefix(folder.join(name)).unwrap().into();
            all.insert(inside, fs::read(&place).unwrap());
        }
    }
    all
}

pub fn read<T: ReadableElement>(folder: &Path, name: &str) -> ArrayD<T> {
    read_npy(folder.join(name)).unwrap()
}

pub fn read_as_f64(folder: &Path, name: &str, precision: &str) -> ArrayD<f64> {
    if precision == "f32" { read::<f32>(folder, name).mapv(f64::from) } else { read(folder, name) }
}

/// Rows one below the other.
pub fn stacked(first: &ArrayD<f64>, second: &ArrayD<f64>) -> ArrayD<f64> {
    concatenate(Axis(0), &[first.view(), second.view()]).unwrap()
}
