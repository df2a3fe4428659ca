//! Counts the memory of a run before it begins.

use super::chunk::overhead;
use super::sharing::default_chunk;
use crate::error::{Error, Result};
use crate::real::Real;
use crate::sampler::Sampler;

/// What the memory of a run depends on, beside its chains and their dimension.
#[derive(Clone, Copy)]
pub(super) struct Demand<'s, F: Real> {
    pub sampler: &'s dyn Sampler<F>,
    /// Chains of a chunk, if it was given.
    pub chunk: Option<usize>,
    /// Threads, if their number was given.
    pub threads: Option<usize>,
}

impl<F: Real> Demand<'_, F> {
    /// Refuses a run that memory cannot hold: the state twice, as itself and as what is made of it,
    /// its chunks, and the working memory of every thread.
    pub(super) fn check(&self, chains: usize, dim: usize) -> Result<()> {
        let bytes = self.bytes(chains, dim);
        let fits = usize::try_from(bytes).is_ok_and(|bytes| {
            // Asking for it tells what the machine can give. Nothing is written to it.
            bytes <= isize::MAX as usize && Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
        });
        if fits { Ok(()) } else { Err(Error::Memory { chains, dim, bytes }) }
    }

    fn bytes(&self, chains: usize, dim: usize) -> u128 {
        let layout = self.sampler.layout();
        let blocks = layout.blocks() + layout.carried() + usize::from(layout.keeps_low::<F>());
        let chain = (blocks as u128) * (dim as u128) * size_of::<F>() as u128;
        let columns = layout.blocks().saturating_mul(dim);
        let chunk = self.chunk.unwrap_or_else(|| default_chunk::<F>(columns, chains, self.threads));
        let chunk = chunk.clamp(1, chains.max(1));
        let chunks = chains.div_ceil(chunk);
        let threads = self
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .min(chunks);
        // A step keeps the state, the state before, the normals and the drift.
        let own = 8 * self.sampler.scratch(dim) as u128;
        let working = (threads * chunk) as u128 * (4 * chain + own);
        2 * chain * chains as u128 + working + chunks as u128 * overhead::<F>() as u128
    }
}
