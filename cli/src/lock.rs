//! A lock on the checkpoint of a run, so that no other program runs with the same file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::inputs::{beside, same_index};

/// The lock of a checkpoint, until it is dropped. The system takes it back when a program dies.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum Refused {
    /// Another program has it.
    Taken,
    /// There is a file with something in it, which is not ours.
    Foreign,
    Failed(io::Error),
}

impl Lock {
    /// The file that is locked: a checkpoint itself is replaced again and again.
    pub fn place(checkpoint: &Path) -> PathBuf {
        beside(checkpoint, ".lock")
    }

    /// Takes the lock without waiting. Where files cannot be locked there is none, and the run
    /// goes on without.
    pub fn take(checkpoint: &Path) -> Result<Option<Self>, Refused> {
        let path = Self::place(checkpoint);
        loop {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(Refused::Failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Refused::Taken),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(None);
                }
                Err(TryLockError::Error(error)) => return Err(Refused::Failed(error)),
            }
            let own = file.metadata().map_err(Refused::Failed)?;
            if own.len() > 0 {
                return Err(Refused::Foreign);
            }
            // The program that had it may have removed the file in between: then it is another.
            let is_same = |there| same_index(&own, &there);
            if cfg!(not(unix)) || fs::metadata(&path).is_ok_and(is_same) {
                return Ok(Some(Self { path, _file: file }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It is still locked, so it is nobody else's.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        let lock = Lock::take(&path).unwrap();
        assert!(lock.is_some());
        assert!(matches!(Lock::take(&path), Err(Refused::Taken)));
        drop(lock);
        assert!(!Lock::place(&path).exists());
        // What a killed program has left is no hindrance.
        fs::write(Lock::place(&path), "").unwrap();
        assert!(Lock::take(&path).unwrap().is_some());
        fs::write(Lock::place(&path), "mine").unwrap();
        assert!(matches!(Lock::take(&path), Err(Refused::Foreign)));
        assert!(Lock::place(&path).exists());
        let nowhere = folder.path().join("none/c");
        assert!(matches!(Lock::take(&nowhere), Err(Refused::Failed(_))));
    }
}
