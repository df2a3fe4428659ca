//! The threads of a run: a pool of their number, rayon's own, or the caller alone.

#[cfg(not(feature = "rayon"))]
use crate::error::Error;
use crate::error::Result;

/// The threads that carry chunks.
pub(super) struct Threads {
    /// A pool of the number that was asked for.
    #[cfg(feature = "rayon")]
    pub pool: Option<rayon::ThreadPool>,
    /// Whether the caller carries all chunks itself.
    #[cfg(feature = "rayon")]
    pub serial: bool,
}

impl Threads {
    /// So many threads, or all cores. No more than the `useful` number are started.
    #[cfg(feature = "rayon")]
    pub fn new(threads: Option<usize>, useful: usize) -> Result<Self> {
        let failed = |threads: usize, source: rayon::ThreadPoolBuildError| {
            crate::error::Error::Threads { threads, source: Box::new(source) }
        };
        let pool = match threads.map(|threads| threads.min(useful)) {
            Some(threads) if threads > 1 => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                Some(pool.map_err(|source| failed(threads, source))?)
            }
            _ => None,
        };
        Ok(Self { pool, serial: threads == Some(1) || useful == 1 })
    }

    /// One thread.
    #[cfg(not(feature = "rayon"))]
    pub fn new(threads: Option<usize>, _: usize) -> Result<Self> {
        if let Some(threads) = threads.filter(|threads| *threads > 1) {
            let expected = "1, as this build is without the feature `rayon`";
            return Err(Error::Invalid { name: "threads", given: threads as f64, expected });
        }
        Ok(Self {})
    }
}
