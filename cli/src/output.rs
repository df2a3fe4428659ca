//! Files that appear whole or not at all: written beside their place under another name, then
//! renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf, is_separator};
use std::sync::{Mutex, Once};

use crate::failure::Failure;

/// Files to remove when the program is interrupted.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// On Ctrl-C and termination: remove what is unfinished, then exit as a program killed by SIGINT
/// does.
fn clean_up_when_interrupted() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler an interrupt still ends the program; only a temporary file may stay.
        let _ = ctrlc::set_handler(|| {
            // The lock is held to the end, so that no further file is begun.
            let unfinished = unfinished();
            for path in unfinished.iter() {
                let _ = fs::remove_file(path);
            }
            std::process::exit(130);
        });
    });
}

/// A file being written. Dropped without [`finish`](Self::finish), it leaves nothing behind.
pub struct OutputFile {
    place: PathBuf,
    temporary: PathBuf,
    writer: Option<BufWriter<File>>,
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
        let mut unfinished = unfinished();
        // Processes in two containers may have one number: a name that is taken is left alone.
        for attempt in 0..100 {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{attempt}.tmp", std::process::id()));
            let temporary = place.with_file_name(hidden);
            match File::create_new(&temporary) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fail(error.to_string())),
                Ok(file) => {
                    unfinished.push(temporary.clone());
                    return Ok(Self {
                        place,
                        temporary,
                        writer: Some(BufWriter::with_capacity(1 << 20, file)),
                    });
                }
            }
        }
        Err(fail("the folder is full of temporary files; remove them".into()))
    }

    /// True if both are to end in the same place.
    pub fn same_place(&self, other: &Self) -> bool {
        let whole = |file: &Self| {
            Some(fs::canonicalize(&file.temporary).ok()?.with_file_name(file.place.file_name()?))
        };
        whole(self).is_some() && whole(self) == whole(other)
    }

    /// Closes the file and moves it to its place.
    pub fn finish(mut self) -> Result<(), Failure> {
        let result = self.close();
        result.map_err(|error| {
            Failure::Run(format!("{}: cannot be written: {error}", self.place.display()))
        })
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(mut writer) = self.writer.take() {
            writer.flush()?;
            writer.get_ref().sync_all()?;
        }
        fs::rename(&self.temporary, &self.place)?;
        unfinished().retain(|p| *p != self.temporary);
        self.temporary = PathBuf::new();
        Ok(())
    }
}

/// Opens all files that were asked for, each with the option that names it; no two of them in one
/// place.
pub fn create_all<const N: usize>(
    wanted: [(&'static str, Option<&Path>); N],
) -> Result<[Option<OutputFile>; N], Failure> {
    let mut files = [const { None }; N];
    for (file, (option, path)) in files.iter_mut().zip(wanted) {
        *file = path.map(|path| OutputFile::create(option, path)).transpose()?;
    }
    for (second, (option, _)) in wanted.iter().enumerate() {
        for first in 0..second {
            if let (Some(a), Some(b)) = (&files[first], &files[second])
                && a.same_place(b)
            {
                let message =
                    format!("{} and {option} name the same file; give them two", wanted[first].0);
                return Err(Failure::Input(message));
            }
        }
    }
    Ok(files)
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::Error::other("already closed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.temporary);
            unfinished().retain(|p| *p != self.temporary);
        }
    }
}

/// Fills a picture's file, if there is one, and puts it in its place.
pub fn write_picture(
    file: Option<OutputFile>,
    option: &str,
    draw: impl FnOnce() -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    let Some(mut file) = file else { return Ok(()) };
    let bytes = draw().map_err(|error| Failure::Run(format!("{option}: {error}")))?;
    file.write_all(&bytes).map_err(|error| Failure::Run(format!("{option}: {error}")))?;
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
