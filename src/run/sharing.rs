//! How the chains of a run are shared out: the size of chunks, and threads.

/// The default number of chains in a chunk. The chunk fits the cache together with a few arrays of
/// scratch. It consists of whole vectors, enough of them to fill a matrix kernel. It is small
/// enough to leave some chunks for every thread.
pub(super) fn default_chunk<F>(columns: usize, chains: usize, threads: Option<usize>) -> usize {
    const BYTES: usize = 16 * 1024;
    let fits = BYTES / (columns * size_of::<F>()).max(1);
    let threads =
        threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let share = chains.div_ceil(2 * threads);
    fits.clamp(64, 1024).min(share.next_multiple_of(16)).max(1)
}

/// Chains of a chunk and threads, where they are given.
pub(super) struct Sharing {
    pub chunk: Option<usize>,
    pub threads: Option<usize>,
}

impl Sharing {
    /// How the chains of a run are shared out. A drift that wants calls of `batch` rows brings its
    /// own threads, so one caller gives it many chains: whole batches, and so many that what is
    /// done between two calls costs little.
    pub(super) fn new(batch: Option<usize>, chunk: Option<usize>, threads: Option<usize>) -> Self {
        const ENOUGH: usize = 1024;
        match batch.map(|rows| rows.clamp(1, 1 << 20)) {
            Some(rows) if chunk.is_none() && threads.is_none() => {
                Self { chunk: Some(ENOUGH.div_ceil(rows) * rows), threads: Some(1) }
            }
            _ => Self { chunk, threads },
        }
    }
}
