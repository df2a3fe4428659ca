//! Sessions of ONNX Runtime: made when they are needed, as many as the engine has threads.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex};
use std::time::SystemTime;

use ort::session::Session;
use ort::session::builder::SessionBuilder;

use super::device::Device;
use super::problem::failed;
use crate::error::{Error, Result};

/// Where the network is read from.
pub(super) enum Source {
    /// A file, with its length and time when it was first read: a later session must have the same.
    File {
        path: PathBuf,
        length: u64,
        modified: Option<SystemTime>,
    },
    Bytes(Vec<u8>),
}

impl Source {
    /// A file as it is now.
    pub(super) fn file(path: PathBuf) -> Result<Self> {
        let facts = std::fs::metadata(&path).and_then(|facts| match facts.is_file() {
            true => Ok(facts),
            false => Err(std::io::Error::other("it is no file")),
        });
        let facts = facts.map_err(|source| Error::NetworkFile {
            path: path.display().to_string(),
            source: source.into(),
        })?;
        Ok(Self::File { length: facts.len(), modified: facts.modified().ok(), path })
    }

    /// A session with one thread on the processor, or on the device.
    pub(super) fn session(&self, device: Device) -> Result<Session> {
        const DOING: &str = "reading it";
        let builder = || -> Result<SessionBuilder, ort::Error> {
            let builder = Session::builder()?.with_no_environment_execution_providers()?;
            Ok(builder.with_intra_threads(1)?.with_inter_threads(1)?)
        };
        let mut builder = builder().map_err(|error| failed(DOING, error))?;
        if let Some(provider) = device.provider() {
            builder = builder.with_execution_providers([provider]).map_err(|error| {
                let why = format!("{device} is not there, or not in this library: {error}");
                failed("finding its device", why)
            })?;
        }
        let session = match self {
            Self::File { path, length, modified } => {
                let now = std::fs::metadata(path).ok();
                let same =
                    now.is_some_and(|now| now.len() == *length && now.modified().ok() == *modified);
                if !same {
                    let why = "the file has changed since the network was loaded";
                    return Err(failed(DOING, why));
                }
                builder.commit_from_file(path)
            }
            Self::Bytes(bytes) => builder.commit_from_memory(bytes),
        };
        session.map_err(|error| failed(DOING, error))
    }
}

/// Sessions that calls take and give back.
pub(super) struct Pool {
    source: Source,
    device: Device,
    most: usize,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    free: Vec<Session>,
    made: usize,
}

impl Pool {
    /// A pool of at most `most` sessions, with the first of them.
    pub(super) fn new(source: Source, device: Device, most: usize, first: Session) -> Self {
        let state = Mutex::new(State { free: vec![first], made: 1 });
        Self { source, device, most, state, returned: Condvar::new() }
    }

    /// The most sessions that run at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Runs `f` with a session that no other thread uses; waits if all are in use.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Session) -> Result<R>) -> Result<R> {
        let mut session = self.take()?;
        let result = f(&mut session);
        self.lock().free.push(session);
        self.returned.notify_one();
        result
    }

    fn take(&self) -> Result<Session> {
        let mut state = self.lock();
        loop {
            if let Some(session) = state.free.pop() {
                return Ok(session);
            }
            if state.made < self.most {
                state.made += 1;
                drop(state);
                return self.source.session(self.device).inspect_err(|_| {
                    self.lock().made -= 1;
                    self.returned.notify_one();
                });
            }
            state = self.returned.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// A poisoned lock only means that another call panicked. The list itself is intact.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
