//! Blocks of chains that were run on their own, and how ranks send them.

use ndarray::{Array1, Array2};

use crate::error::{BoxError, Error, Result};
use crate::ranks::Ranks;
use crate::run::{Saved, Saving, unreadable};

/// Some chains of a run, in the coordinates of the scale.
pub(super) struct Block {
    /// Positions at the frames that are kept, (chains, dim) each.
    pub frames: Vec<Array2<f64>>,
    /// Sums of the mean squares of the momenta, over the frames.
    pub squares: Array1<f64>,
    pub positions: Array2<f64>,
    pub momenta: Option<Array2<f64>>,
    pub proposed: u64,
    pub accepted: u64,
}

/// What a rank sends: its blocks, a chain that became infinite, or an error that ends all.
const BLOCKS: u64 = 0;
const DIVERGED: u64 = 1;
const FAILED: u64 = 2;

impl Block {
    fn put(&self, to: &mut Saving) {
        to.word(self.frames.len() as u64);
        self.frames.iter().for_each(|frame| to.rows(frame.view()));
        to.numbers(&self.squares.to_vec());
        to.rows(self.positions.view());
        to.word(u64::from(self.momenta.is_some()));
        self.momenta.iter().for_each(|momenta| to.rows(momenta.view()));
        to.word(self.proposed);
        to.word(self.accepted);
    }

    fn take(from: &mut Saved<'_>) -> Result<Self> {
        let count = from.word()?;
        let frames = (0..count).map(|_| from.rows()).collect::<Result<_>>()?;
        let squares = from.numbers()?.into();
        let positions = from.rows()?;
        let momenta = if from.word()? == 1 { Some(from.rows()?) } else { None };
        let proposed = from.word()?;
        Ok(Self { frames, squares, positions, momenta, proposed, accepted: from.word()? })
    }
}

fn put(own: &Result<Vec<Block>>) -> Vec<u8> {
    let mut to = Saving::default();
    match own {
        Ok(blocks) => {
            to.word(BLOCKS);
            to.word(blocks.len() as u64);
            blocks.iter().for_each(|block| block.put(&mut to));
        }
        Err(Error::Diverged { chain, step, time }) => {
            [DIVERGED, *chain, *step, time.to_bits()].into_iter().for_each(|word| to.word(word));
        }
        Err(error) => {
            to.word(FAILED);
            to.text(&error.to_string());
        }
    }
    to.0
}

/// What a rank sent; the outer error is one that ends the run of all.
fn take(rank: usize, bytes: &[u8]) -> Result<Result<Vec<Block>>> {
    let mut from = Saved::all(bytes);
    let sent = match from.word()? {
        BLOCKS => {
            let count = from.word()?;
            Ok((0..count).map(|_| Block::take(&mut from)).collect::<Result<_>>()?)
        }
        DIVERGED => Err(Error::Diverged {
            chain: from.word()?,
            step: from.word()?,
            time: f64::from_bits(from.word()?),
        }),
        FAILED => return Err(Error::Ranks(format!("rank {rank}: {}", from.text()?).into())),
        _ => return Err(unreadable(format!("the blocks of rank {rank}"))),
    };
    from.end()?;
    Ok(sent)
}

/// The blocks of all ranks, in the order of their chains. A chain that became infinite is the same
/// error at all of them, as the search goes on with another step.
pub(super) fn of_all(ranks: &dyn Ranks, own: Result<Vec<Block>>) -> Result<Vec<Block>> {
    if ranks.size() == 1 {
        return own;
    }
    let all = ranks.gather_all(put(&own)).map_err(Error::Ranks)?;
    if !matches!(own, Ok(_) | Err(Error::Diverged { .. })) {
        return own;
    }
    let all = all.iter().enumerate().map(|(rank, bytes)| take(rank, bytes));
    let all = all.collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The sum of a count over all ranks.
pub(super) fn sum(ranks: &dyn Ranks, own: u64) -> Result<u64> {
    let all = ranks.gather_all(own.to_le_bytes().to_vec()).map_err(Error::Ranks)?;
    let word = |bytes: &Vec<u8>| -> Result<u64, BoxError> {
        Ok(u64::from_le_bytes(bytes[..].try_into()?))
    };
    all.iter().map(word).sum::<Result<u64, _>>().map_err(Error::Ranks)
}
