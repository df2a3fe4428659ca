//! Files that appear whole or not at all: written beside their place under another name, then
//! renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf, is_separator};
use std::sync::{Mutex, MutexGuard, Once};

use tempfile::NamedTempFile;

use crate::failure::{Failure, refuse};

/// Temporary files, to remove when the program is interrupted.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporary() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// On Ctrl-C and termination: remove what is unfinished, then exit as a program killed by SIGINT
/// does.
fn clean_up_when_interrupted() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler an interrupt still ends the program; only a temporary file may stay.
        let _ = ctrlc::set_handler(|| {
            // The lock is held to the end, so that no further file is begun.
            let temporary = temporary();
            for path in temporary.iter() {
                let _ = fs::remove_file(path);
            }
            std::process::exit(130);
        });
    });
}

/// A file being written. Dropped without [`finish`](Self::finish), it leaves nothing behind.
pub struct OutputFile {
    place: PathBuf,
    pub writer: BufWriter<NamedTempFile>,
}

impl OutputFile {
    /// Opens the temporary file, so that a place that cannot be written to is known before the run.
    pub fn create(option: &str, path: &Path) -> Result<Self, Failure> {
        clean_up_when_interrupted();
        let fail = |why: String| {
            Failure::Input(format!("{option} {}: cannot be written: {why}", path.display()))
        };
        let ends_as_folder =
            path.as_os_str().as_encoded_bytes().last().is_some_and(|&b| is_separator(b.into()));
        // A link is followed: the file it points to is replaced, not the link.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        match fs::metadata(&place) {
            Ok(there) if there.is_dir() => return Err(fail("it is a folder".into())),
            Ok(there) if !there.is_file() => {
                return Err(fail("it is a device or pipe; name a file".into()));
            }
            Ok(there) if there.permissions().readonly() => {
                return Err(fail("the file there is read-only".into()));
            }
            _ if ends_as_folder => return Err(fail("there is no such folder".into())),
            _ => {}
        }
        let Some(name) = place.file_name() else { return Err(fail("no file name".into())) };
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
        let folder = folder.map_err(|error| fail(error.to_string()))?;
        let mut temporary = temporary();
        let prefix = format!(".{}.", name.display());
        // `File::create_new` gives the file the permissions that any new file has.
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".tmp")
            .make_in(&folder, |path| File::create_new(path))
            .map_err(|error| fail(error.to_string()))?;
        temporary.push(file.path().into());
        Ok(Self { place: folder.join(name), writer: BufWriter::with_capacity(1 << 20, file) })
    }

    /// Closes the file and moves it to its place.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { place, writer } = self;
        let close = || {
            let file = writer.into_inner()?;
            file.as_file().sync_all()?;
            file.persist(&place)?;
            Ok(())
        };
        close().map_err(|error: io::Error| {
            Failure::Run(format!("{}: cannot be written: {error}", place.display()))
        })
    }
}

/// Opens all files that were asked for, each with the option that names it; no two of them in one
/// place.
pub fn create_all<const N: usize>(
    wanted: [(&'static str, Option<&Path>); N],
) -> Result<[Option<OutputFile>; N], Failure> {
    let mut files: [Option<OutputFile>; N] = [const { None }; N];
    for (second, (option, path)) in wanted.into_iter().enumerate() {
        let Some(path) = path else { continue };
        let file = OutputFile::create(option, path)?;
        let same = |first: &Option<OutputFile>| {
            first.as_ref().is_some_and(|first| first.place == file.place)
        };
        if let Some(first) = files.iter().position(same) {
            return refuse(format!(
                "{} and {option} name the same file; give them two",
                wanted[first].0
            ));
        }
        files[second] = Some(file);
    }
    Ok(files)
}

/// Fills a file, if there is one, and puts it in its place.
pub fn write_file(
    file: Option<OutputFile>,
    option: &str,
    make: impl FnOnce() -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    let Some(mut file) = file else { return Ok(()) };
    let bytes = make().map_err(|error| Failure::Run(format!("{option}: {error}")))?;
    let written = file.writer.write_all(&bytes);
    written.map_err(|error| Failure::Run(format!("{option}: {error}")))?;
    file.finish()
}

/// Prints to stdout; a reader that has gone away (`| head`) is no failure.
pub fn print_line(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Run(format!("stdout: {error}")))
        }
        _ => Ok(()),
    }
}
