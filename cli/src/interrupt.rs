//! Signals: the first one ends a run at its next step, another one ends the program.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, Once};
use std::time::{Duration, Instant};

use langevin::prelude::{BoxError, Observer, Real, Snapshot};

/// The signal that asked a run to end; 0 for none.
static RECEIVED: AtomicI32 = AtomicI32::new(0);
/// Whether there is a run that looks for it.
static RUNNING: AtomicBool = AtomicBool::new(false);
/// Temporary files, to remove when the program ends at once.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The list of temporary files. Hold it while one is made, so that none is forgotten.
pub fn temporary() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The signal that asked the run to end.
pub fn received() -> Option<i32> {
    Some(RECEIVED.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

fn arrived(signal: i32) {
    let first = RECEIVED.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if first && RUNNING.load(Ordering::SeqCst) {
        return;
    }
    // The lock is held to the end, so that no further file is begun.
    let temporary = temporary();
    for path in temporary.iter() {
        let _ = fs::remove_file(path);
    }
    std::process::exit(128 + signal);
}

/// Watches Ctrl-C, termination and hang-up from now on.
pub fn watch() {
    static ONCE: Once = Once::new();
    // Without a watch a signal still ends the program; only a temporary file may stay.
    ONCE.call_once(listen);
}

#[cfg(unix)]
fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    // What the parent ignores stays ignored: `nohup` would be undone.
    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|s| ignored >> (s - 1) & 1 == 0);
    if let Ok(mut signals) = Signals::new(wanted) {
        std::thread::spawn(move || signals.forever().for_each(arrived));
    }
}

#[cfg(not(unix))]
fn listen() {
    const SIGINT: i32 = 2;
    let _ = ctrlc::set_handler(|| arrived(SIGINT));
}

/// The signals that are ignored, one bit each. Only Linux tells.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Ends a run after a signal. It looks about four times a second, as every look costs a pass over
/// the state.
pub struct EndsRun {
    due: u64,
    step: u64,
    seen: Instant,
}

impl EndsRun {
    /// From now on the first signal ends the run, and no longer the program.
    pub fn new() -> Self {
        RUNNING.store(true, Ordering::SeqCst);
        Self { due: 1, step: 0, seen: Instant::now() }
    }

    /// It never looks: a signal ends the program, as one rank cannot end the run of all.
    pub fn never() -> Self {
        Self { due: u64::MAX, step: 0, seen: Instant::now() }
    }
}

impl<F: Real> Observer<F> for EndsRun {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.due.max(step + 1))
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        const PAUSE: Duration = Duration::from_millis(250);
        let taken = snapshot.step.saturating_sub(self.step).max(1);
        let pace = PAUSE.as_secs_f64() / self.seen.elapsed().as_secs_f64().max(1e-9);
        // It grows slowly: the first steps may be quicker than later ones.
        let stride = (taken as f64 * pace.min(8.0)) as u64;
        *self =
            Self { due: snapshot.step + stride.max(1), step: snapshot.step, seen: Instant::now() };
        Ok(match received() {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    }

    /// A killed program leaves its temporary files. The one that goes on removes them.
    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(Some(serde_json::to_vec(&*temporary())?))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        let left: Vec<PathBuf> = serde_json::from_slice(saved)?;
        let is_ours = |path: &&PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(".langevin.") && name.ends_with(".tmp")
        };
        let own = temporary();
        for path in left.iter().filter(is_ours).filter(|path| !own.contains(path)) {
            let _ = fs::remove_file(path);
        }
        Ok(())
    }
}
