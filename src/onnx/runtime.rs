//! The shared library of ONNX Runtime: where it is, and loading it once.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::problem::failed;
use crate::error::Result;

/// How to get the library.
const HELP: &str = "set ORT_DYLIB_PATH, or give its path, to libonnxruntime.so.* (.dylib, .dll) of \
                    version 1.17 or later, as in the package of `pip download onnxruntime`; \
                    scripts/engine.sh fetches it";

/// The library in use. A process has one: ONNX Runtime can not be loaded twice.
static LOADED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Loads the library, if this was not done yet.
pub(super) fn load(library: Option<&Path>) -> Result<()> {
    const DOING: &str = "loading the library of ONNX Runtime";
    // A poisoned lock only means that another thread panicked. The path itself is intact.
    let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let given = library.map(Path::to_path_buf).or_else(|| {
        std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from)
    });
    if let Some(loaded) = &*loaded {
        return match library {
            Some(path) if path.canonicalize().ok().as_ref() != Some(loaded) => {
                let why = format!("{} is in use already, and {}", loaded.display(), path.display());
                Err(failed(DOING, format!("{why} can not be loaded beside it in one process")))
            }
            _ => Ok(()),
        };
    }
    let Some(path) = given else {
        return Err(failed(DOING, format!("no library is given; {HELP}")));
    };
    let whole = path
        .canonicalize()
        .map_err(|error| failed(DOING, format!("{}: {error}; {HELP}", path.display())))?;
    let builder = ort::init_from(&whole).map_err(|error| match error {
        ort::LoadDynamicError::BadVersion { version_str, path } => {
            let found = format!("{} has version {version_str}", path.display());
            failed(DOING, format!("{found}, which is too old; {HELP}"))
        }
        other => failed(DOING, format!("{other}; {HELP}")),
    })?;
    builder.with_name("langevin").with_telemetry(false).commit();
    *loaded = Some(whole);
    Ok(())
}
