//! Files that appear whole or not at all: written beside their place under another name, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

use crate::failure::Failure;

/// Files to remove when the program is interrupted.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// On Ctrl-C and termination: remove what is unfinished, then exit as a program killed by SIGINT does.
fn clean_up_when_interrupted() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler an interrupt still ends the program; only a temporary file may stay.
        let _ = ctrlc::set_handler(|| {
            for path in unfinished().drain(..) {
                let _ = fs::remove_file(path);
            }
            std::process::exit(130);
        });
    });
}

/// A file being written. Dropped without [`finish`](Self::finish), it leaves nothing behind.
pub struct OutputFile {
    path: PathBuf,
    temporary: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl OutputFile {
    /// Opens the temporary file, so that a place that cannot be written to is known before the run.
    pub fn create(option: &str, path: &Path) -> Result<Self, Failure> {
        clean_up_when_interrupted();
        let fail = |why: String| Failure::Input(format!("{option} {}: cannot be written: {why}", path.display()));
        let Some(name) = path.file_name() else { return Err(fail("no file name".into())) };
        if path.is_dir() {
            return Err(fail("it is a folder".into()));
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(hidden);
        unfinished().push(temporary.clone());
        match File::create(&temporary) {
            Ok(file) => {
                Ok(Self { path: path.into(), temporary, writer: Some(BufWriter::with_capacity(1 << 20, file)) })
            }
            Err(error) => {
                unfinished().retain(|p| *p != temporary);
                Err(fail(error.to_string()))
            }
        }
    }

    /// Closes the file and moves it to its place.
    pub fn finish(mut self) -> Result<(), Failure> {
        let result = self.close();
        result.map_err(|error| Failure::Run(format!("{}: cannot be written: {error}", self.path.display())))
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(mut writer) = self.writer.take() {
            writer.flush()?;
            writer.get_ref().sync_all()?;
        }
        fs::rename(&self.temporary, &self.path)?;
        unfinished().retain(|p| *p != self.temporary);
        self.temporary = PathBuf::new();
        Ok(())
    }
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

/// Prints to stdout; a reader that has gone away (`| head`) is no failure.
pub fn print_line(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Run(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}
