//! The files that a command reads. No output may replace one.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, refuse};

/// Input files, each with the option that names it.
pub struct Inputs<'p> {
    files: Vec<(&'static str, &'p Path)>,
}

impl<'p> Inputs<'p> {
    pub fn new<const N: usize>(named: [(&'static str, Option<&'p Path>); N]) -> Self {
        let files = named.into_iter().filter_map(|(option, path)| Some((option, path?)));
        Self { files: files.collect() }
    }

    /// Refuses an output in the place of an input. The start of a run may give way to its end.
    pub fn spare(&self, option: &str, output: &Path) -> Result<(), Failure> {
        let clash = self.files.iter().find(|(input, path)| {
            (*input, option) != ("--start", "--out") && same_file(path, output)
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

/// Whether two paths lead to one file, be it by links.
pub fn same_file(first: &Path, second: &Path) -> bool {
    match (fs::metadata(first), fs::metadata(second)) {
        (Ok(one), Ok(other)) if one.is_file() && other.is_file() => {
            same_place(first, second) || same_index(&one, &other)
        }
        _ => false,
    }
}

fn same_place(first: &Path, second: &Path) -> bool {
    fs::canonicalize(first).ok().is_some_and(|first| Some(first) == fs::canonicalize(second).ok())
}

/// Hard links of one file.
#[cfg(unix)]
fn same_index(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_index(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}
