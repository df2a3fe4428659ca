//! Where draws are written: files and folders that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::quoted::escaped;

/// The error of a path.
pub fn failure(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Draws { reason: format!("{}: {reason}", escaped(&path.display().to_string())) }
}

/// A name beside the path for what is not complete yet. It differs between processes, and what has
/// the name is created as new, so two writers never mix.
fn beside(path: &Path, ending: &str) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| failure(path, "expected the name of a file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.{ending}", std::process::id()));
    Ok(path.with_file_name(hidden))
}

/// Where a file waits until it is complete. No folder may be in its place.
pub fn beside_file(path: &Path) -> Result<PathBuf> {
    match path.is_dir() {
        true => Err(failure(path, "it is a folder")),
        false => beside(path, "tmp"),
    }
}

/// Where a folder waits until it is complete, and whether there is one in its place, which must be
/// one that `may_go` accepts; else it gives the reason why not.
pub fn beside_folder(
    path: &Path,
    may_go: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(PathBuf, bool)> {
    let is_there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failure(path, error)),
        Ok(there) if there.is_dir() => {
            may_go(path).map_err(|reason| failure(path, reason))?;
            true
        }
        Ok(_) => return Err(failure(path, "it is no folder; name a new one")),
    };
    Ok((beside(path, "tmp")?, is_there))
}

/// Writes a file and puts it in its place, instead of a file that may be there.
pub fn file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let temporary = beside_file(path)?;
    let written = File::create_new(&temporary).and_then(|file| {
        let filled = fill_all(file, fill).and_then(|()| fs::rename(&temporary, path));
        filled.inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    });
    written.map_err(|error| failure(path, error))
}

fn fill_all(file: File, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    fill(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()
}

/// Fills a new folder and puts it in its place, instead of one that `may_go` accepts.
pub fn folder(
    path: &Path,
    may_go: impl FnOnce(&Path) -> Result<(), String>,
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<()> {
    let (temporary, is_there) = beside_folder(path, may_go)?;
    fs::create_dir(&temporary).map_err(|error| failure(path, error))?;
    let moved = fill(&temporary).and_then(|()| exchange(&temporary, path, is_there));
    moved.map_err(|error| {
        let _ = fs::remove_dir_all(&temporary);
        failure(path, error)
    })
}

/// Moves a folder to its place. One that is there is moved away first and comes back if the move
/// fails.
pub fn exchange(from: &Path, to: &Path, is_there: bool) -> io::Result<()> {
    if !is_there {
        return fs::rename(from, to);
    }
    let old = beside(to, "old").map_err(|error| io::Error::other(error.to_string()))?;
    fs::rename(to, &old)?;
    if let Err(error) = fs::rename(from, to) {
        fs::rename(&old, to)?;
        return Err(error);
    }
    fs::remove_dir_all(&old)
}
