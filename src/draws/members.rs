//! The arrays of a Zarr store, and where their numbers come from.

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::array::{Array, Buffer, Kind};
use super::frame::{Frame, Outline};
use super::names::{axis, variables};
use crate::bytes::put;
use crate::error::Result;
use crate::real::Real;

pub const POSTERIOR: &str = "posterior";
pub const STATS: &str = "sample_stats";

/// Where the numbers of an array come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// This number first, and then one more each.
    Counted(u64),
    /// These coordinates of the positions.
    Positions(Vec<usize>),
    Momenta,
    LogDensity,
    Energy,
    Diverging,
    Step,
    Draw,
}

impl Source {
    /// Writes what a frame has for this chain and draw.
    pub fn fill<'t, F: Real>(
        &self,
        frame: &Frame<'_, F>,
        [chain, draw]: [usize; 2],
        mut to: impl Iterator<Item = &'t mut [u8]>,
    ) {
        let mut all = |rows: ArrayView2<'_, F>, columns: &mut dyn Iterator<Item = usize>| {
            let row = rows.row(chain);
            to.by_ref().zip(columns).for_each(|(to, column)| put(row[column], to));
        };
        let one = match self {
            Self::Positions(columns) => {
                return all(frame.positions, &mut columns.iter().copied());
            }
            Self::Momenta => {
                if let Some(momenta) = frame.momenta {
                    all(momenta, &mut (0..momenta.ncols()));
                }
                return;
            }
            Self::LogDensity => frame.log_density.map(|log| log[chain].to_le_bytes()),
            Self::Energy => frame.energy.map(|energy| energy[chain].to_le_bytes()),
            Self::Diverging => {
                let is_bad = frame.diverging[chain];
                return to.next().into_iter().for_each(|to| to[0] = is_bad.into());
            }
            // Chains and steps are far below 2⁶³, so the sign bit is free.
            Self::Step => Some(frame.step.to_le_bytes()),
            Self::Draw => Some((draw as u64).to_le_bytes()),
            Self::Counted(_) => None,
        };
        if let (Some(to), Some(bytes)) = (to.next(), one) {
            to.copy_from_slice(&bytes);
        }
    }
}

/// An array of a group.
#[derive(Clone, Debug)]
pub struct Member {
    pub group: &'static str,
    pub array: Array,
    pub source: Source,
    /// Draws on the way to the next chunk, if it has an axis of draws.
    pub buffer: Option<Buffer>,
}

/// A chunk: its file, its rows, draws and width, and its index along rows and width.
pub type Block = (PathBuf, [usize; 3], [usize; 2]);

impl Member {
    /// Rows and width of one draw.
    pub fn row_shape(&self) -> Option<[usize; 2]> {
        let shape = &self.array.shape;
        match self.array.draw_axis()? {
            0 => Some([1, 1]),
            _ => Some([shape[0], shape.get(2).copied().unwrap_or(1)]),
        }
    }

    /// The coordinates of the positions in it.
    pub fn columns(&self) -> Option<&[usize]> {
        match &self.source {
            Source::Positions(columns) => Some(columns),
            _ => None,
        }
    }

    /// The file of a chunk.
    pub fn place(&self, store: &Path, which: &[usize]) -> PathBuf {
        let mut place = store.join(self.group).join(&self.array.name).join("c");
        place.extend(which.iter().map(ToString::to_string));
        place
    }

    /// The chunks of this index along the draws, of which each has so many.
    pub fn blocks(&self, store: &Path, per_chunk: usize, most: usize, index: usize) -> Vec<Block> {
        let Some(axis) = self.array.draw_axis() else { return Vec::new() };
        let chunk = self.array.chunk_shape(per_chunk, most);
        let count = |at: usize| match (self.array.shape.get(at), chunk.get(at)) {
            (Some(length), Some(own)) if at != axis => length.div_ceil(*own),
            _ => 1,
        };
        let length = |at: usize| if at == axis { 1 } else { chunk.get(at).copied().unwrap_or(1) };
        let shape = [length(0), per_chunk, length(2)];
        let mut blocks = Vec::new();
        for row in 0..count(0) {
            for column in 0..count(2) {
                let which = [row, index, column];
                let which = if axis == 0 { &which[1..2] } else { &which[..chunk.len()] };
                blocks.push((self.place(store, which), shape, [row, column]));
            }
        }
        blocks
    }
}

/// All arrays of a store.
pub fn members(outline: &Outline) -> Result<Vec<Member>> {
    let real = Kind::real(outline.is_single);
    let mut all = shared(POSTERIOR, outline);
    for variable in variables(&outline.names)? {
        let name = variable.name;
        let third = variable.is_indexed.then(|| (axis(&name), variable.columns.len()));
        let index = third.clone().map(|(name, length)| counted(POSTERIOR, name, 0, length));
        all.extend(index);
        let source = Source::Positions(variable.columns);
        all.push(drawn(POSTERIOR, outline, (name, third), (real, source)));
    }
    all.extend(shared(STATS, outline));
    let stat =
        |name: &str, kind, source| drawn(STATS, outline, (name.into(), None), (kind, source));
    all.push(stat("diverging", Kind::Truth, Source::Diverging));
    all.push(along_draws(STATS, "step", Source::Step));
    if outline.has_log_density {
        all.push(stat("lp", Kind::Double, Source::LogDensity));
    }
    if outline.has_momenta {
        let third = (axis("momentum"), outline.dim());
        all.push(counted(STATS, third.0.clone(), 0, third.1));
        let name = ("momentum".into(), Some(third));
        all.push(drawn(STATS, outline, name, (real, Source::Momenta)));
    }
    if outline.has_energy {
        all.push(stat("energy", Kind::Double, Source::Energy));
    }
    Ok(all)
}

/// The coordinates that all groups have: the numbers of the chains, and of the draws from 0.
fn shared(group: &'static str, outline: &Outline) -> Vec<Member> {
    let chains = counted(group, "chain".into(), outline.first_chain, outline.chains);
    vec![chains, along_draws(group, "draw", Source::Draw)]
}

/// Numbers that are known before the first draw.
fn counted(group: &'static str, name: String, first: u64, length: usize) -> Member {
    let dimensions = vec![name.clone()];
    let array = Array { name, dimensions, shape: vec![length], kind: Kind::Whole };
    Member { group, array, source: Source::Counted(first), buffer: None }
}

/// One whole number for each draw.
fn along_draws(group: &'static str, name: &str, source: Source) -> Member {
    let dimensions = vec!["draw".to_owned()];
    let array = Array { name: name.into(), dimensions, shape: vec![0], kind: Kind::Whole };
    Member { group, array, source, buffer: None }
}

/// An array (chain, draw), or one with a third dimension.
fn drawn(
    group: &'static str,
    outline: &Outline,
    (name, third): (String, Option<(String, usize)>),
    (kind, source): (Kind, Source),
) -> Member {
    let mut dimensions = vec!["chain".to_owned(), "draw".to_owned()];
    let mut shape = vec![outline.chains, 0];
    if let Some((axis, length)) = third {
        dimensions.push(axis);
        shape.push(length);
    }
    Member { group, array: Array { name, dimensions, shape, kind }, source, buffer: None }
}
