//! The files that a command reads. A report names them, and no output may replace one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::failure::{Failure, refuse};

/// Outputs that may take the place of an input.
const SUCCESSORS: [(&str, &str); 3] =
    [("--start", "--out"), ("--resume", "--save-state"), ("--resume", "--checkpoint")];

/// Input files, each with the option that names it.
pub struct Inputs {
    files: Vec<(String, PathBuf)>,
}

impl Inputs {
    pub fn new<const N: usize>(named: [(&'static str, Option<&Path>); N]) -> Self {
        let files = named.into_iter().filter_map(|(option, path)| Some((option, path?)));
        Self { files: files.map(|(option, path)| (option.into(), path.into())).collect() }
    }

    /// With more files.
    pub fn and(mut self, more: impl IntoIterator<Item = (String, PathBuf)>) -> Self {
        self.files.extend(more);
        self
    }

    /// The files with their hashes, under what names them. Take it before the run, as the end may
    /// replace the start. A pipe can be read but once and has none.
    pub fn json(&self) -> Value {
        let entry = |(option, path): &(String, PathBuf)| {
            let name = option.trim_start_matches("the ").trim_start_matches("--");
            (name.to_owned(), json!({"file": path, "sha256": hash(path)}))
        };
        self.files.iter().map(entry).collect()
    }

    /// Refuses pipes: they have no hash to know them by, and cannot be read again.
    pub fn need_files(&self) -> Result<(), Failure> {
        for (input, path) in &self.files {
            let named = format!("{input} {}", path.display());
            match fs::metadata(path) {
                Ok(there) if there.is_file() => {}
                // Reading a state says more.
                Err(_) if input == "--resume" => {}
                Err(error) => return refuse(format!("{named}: cannot be read: {error}")),
                Ok(_) => {
                    return refuse(format!(
                        "{named} is a pipe; --resume, checkpoints and shards need a file"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether an output takes the place of the start.
    pub fn has_start(&self, output: &Path) -> bool {
        self.files.iter().any(|(input, path)| input == "--start" && same_file(path, output))
    }

    /// Refuses an output in the place of an input. The start of a run may give way to its end.
    pub fn spare(&self, option: &str, output: &Path) -> Result<(), Failure> {
        let clash = self.files.iter().find(|(input, path)| {
            !SUCCESSORS.contains(&(input.as_str(), option)) && same_file(path, output)
        });
        match clash {
            Some((input, path)) => refuse(format!(
                "{option} {} would replace {input} {}; give it another name",
                output.display(),
                path.display()
            )),
            None => Ok(()),
        }
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub fn hash(path: &Path) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path).ok()?, &mut hasher).ok()?;
    Some(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether two paths lead to one file, be it by links.
pub fn same_file(first: &Path, second: &Path) -> bool {
    match (fs::metadata(first), fs::metadata(second)) {
        (Ok(one), Ok(other)) if one.is_file() && other.is_file() => {
            same_place(first, second) || same_index(&one, &other)
        }
        _ => false,
    }
}

/// Whether two outputs, which need not exist yet, have one place.
pub fn same_name(first: &Path, second: &Path) -> bool {
    let folder = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()
    };
    let in_one_folder = || folder(first).is_some_and(|one| Some(one) == folder(second));
    first == second
        || same_file(first, second)
        || (first.file_name().is_some()
            && first.file_name() == second.file_name()
            && in_one_folder())
}

fn same_place(first: &Path, second: &Path) -> bool {
    fs::canonicalize(first).ok().is_some_and(|first| Some(first) == fs::canonicalize(second).ok())
}

/// A name with something behind it.
pub fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Hard links of one file.
#[cfg(unix)]
pub fn same_index(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
pub fn same_index(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}
