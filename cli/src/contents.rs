//! Contents of input files: a device never ends, and a pipe says no length beforehand.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

use langevin::advanced::recognize;

/// Read at once, to see what a file is.
const HEAD: u64 = 1 << 16;
/// The most bytes that are taken from a pipe.
const MOST: u64 = 1 << 30;

/// A file that was opened for reading.
pub struct Contents {
    /// The first bytes, or all of a short file.
    pub head: Vec<u8>,
    /// The number of bytes, where it is known.
    pub length: Option<u64>,
    file: File,
}

impl Contents {
    pub fn open(path: &Path) -> Result<Self, String> {
        let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
        let there = fs::metadata(path).map_err(unreadable)?;
        if there.is_dir() {
            return Err("cannot be read: it is a directory".into());
        }
        if !there.is_file() && !is_pipe(&there) {
            return Err("cannot be read: it is a device; name a file or a pipe".into());
        }
        let file = File::open(path).map_err(unreadable)?;
        let mut head = Vec::new();
        (&file).take(HEAD).read_to_end(&mut head).map_err(unreadable)?;
        let length = there.is_file().then_some(there.len());
        Ok(Self { head, length, file })
    }

    /// What the file is, if its first bytes tell.
    pub fn kind(&self) -> &'static str {
        recognize(&self.head).unwrap_or("a binary file of an unknown kind")
    }

    /// Everything from a byte of the head on.
    pub fn reader(&self, start: usize) -> impl Read {
        Cursor::new(&self.head[start..]).chain(&self.file)
    }

    /// All of it, as text without a mark of its order of bytes.
    pub fn text(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        let most = self.length.unwrap_or(MOST);
        let read = self.reader(0).take(most + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("cannot be read: {error}"))?;
        if bytes.len() as u64 > most {
            return Err(format!("more than {most} bytes"));
        }
        let mut text = String::from_utf8(bytes).map_err(|_| "not text in UTF-8".to_string())?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(text)
    }
}

#[cfg(unix)]
fn is_pipe(there: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    there.file_type().is_fifo() || there.file_type().is_socket()
}

#[cfg(not(unix))]
fn is_pipe(_: &fs::Metadata) -> bool {
    true
}
