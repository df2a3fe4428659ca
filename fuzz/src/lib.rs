//! What the fuzz targets share: the readers of the program, a file for each input, and the limit of
//! memory.

// The files of the program are taken as they are, with what only the program uses of them.
#[allow(dead_code)]
#[path = "../../cli/src/contents.rs"]
pub mod contents;
#[allow(dead_code)]
#[path = "../../cli/src/csv.rs"]
pub mod csv;
#[allow(dead_code)]
#[path = "../../cli/src/failure.rs"]
pub mod failure;
#[allow(dead_code)]
#[path = "../../cli/src/joined_frames.rs"]
pub mod joined_frames;
pub mod memory;
#[path = "../../cli/src/mixture_file.rs"]
pub mod mixture_file;
#[allow(dead_code)]
#[path = "../../cli/src/npy.rs"]
pub mod npy;
#[path = "../../cli/src/npy_header.rs"]
pub mod npy_header;

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use tempfile::TempDir;

/// The path of a file of this process.
pub fn place(name: &str) -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // A folder in memory is faster.
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        memory.expect("a folder for inputs")
    });
    folder.path().join(name)
}

/// A file with these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = place(name);
    fs::write(&path, bytes).expect("a file for an input");
    path
}

/// The content with its check, FNV-1a.
pub fn whole(content: &[u8]) -> Vec<u8> {
    let check = content.iter().fold(0xcbf2_9ce4_8422_2325_u64, |check, byte| {
        (check ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    [content, &check.to_le_bytes()].concat()
}
