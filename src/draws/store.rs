//! A Zarr store that takes draws as they come: each chunk is written when it is full, and a reader
//! sees the draws that the descriptions count.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::Array3;
use serde_json::{Map, Value, json};

use super::array::Buffer;
use super::frame::{Frame, Outline};
use super::members::{Member, POSTERIOR, STATS, Source, members};
use super::place::failure;
use crate::bytes::taken;
use crate::error;
use crate::real::Real;

/// All chunks of the same draws have at most so many bytes together, unless they have one draw.
pub const TOGETHER: usize = 1 << 25;
/// A chunk has at most so many bytes.
const CHUNK: usize = 1 << 26;
/// The attribute by which a store of this library is known.
const MARK: [&str; 2] = ["creation_library", "langevin"];

/// A store in a folder.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    members: Vec<Member>,
    outline: Outline,
    /// Draws of a chunk.
    per_chunk: usize,
    /// Draws so far.
    count: usize,
    /// Whether draws have come since they were last written.
    is_behind: bool,
    /// What is written and may not be on the disk yet.
    unsynced: BTreeSet<PathBuf>,
}

impl Store {
    /// A store without draws in an empty folder.
    pub fn create(
        folder: &Path,
        outline: &Outline,
        about: &Map<String, Value>,
    ) -> error::Result<Self> {
        let mut store = Self::of(folder, outline)?;
        // The mark comes first: after a crash the folder is known as one of this library.
        let first = write_json(folder, &group_metadata(&marked(about), None));
        let begun = first.and_then(|_| store.begin()).and_then(|()| store.describe(about));
        begun.map_err(|error| failure(folder, error))?;
        Ok(store)
    }

    /// The same store after a crash, cut to its first draws.
    pub fn reopen(folder: &Path, outline: &Outline, count: usize) -> error::Result<Self> {
        let mut store = Self::of(folder, outline)?;
        store.count = count;
        let taken = store.take_up();
        taken.map_err(|error| failure(folder, error))?;
        Ok(store)
    }

    fn of(folder: &Path, outline: &Outline) -> error::Result<Self> {
        let mut members = members(outline)?;
        let of_draw = |member: &Member| {
            member.row_shape().map_or(0, |[rows, width]| rows * width * member.array.kind.size())
        };
        let together: usize = members.iter().map(of_draw).sum();
        let per_chunk = (TOGETHER / together.max(1)).clamp(1, outline.draws.max(1));
        for member in &mut members {
            let shape = member.row_shape().map(|[rows, width]| [rows, per_chunk, width]);
            member.buffer = shape.map(|shape| Buffer::new(shape, member.array.kind));
        }
        let outline = outline.clone();
        let folder = folder.to_path_buf();
        let unsynced = BTreeSet::new();
        Ok(Self { folder, members, outline, per_chunk, count: 0, is_behind: false, unsynced })
    }

    /// Writes what does not depend on draws.
    fn begin(&mut self) -> io::Result<()> {
        for member in &self.members {
            let Source::Counted(first) = member.source else { continue };
            let array = &member.array;
            let shape = array.chunk_shape(0, CHUNK);
            for which in array.chunks(&shape) {
                let length = shape[0];
                let start = which[0] * length;
                let number = |i| if i < array.shape[0] { first + i as u64 } else { 0 };
                let numbers = (start..start + length).map(number);
                let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
                let place = member.place(&self.folder, &which);
                replace(&place, &bytes)?;
                self.unsynced.insert(place);
            }
        }
        Ok(())
    }

    /// Adds a draw.
    pub fn push<F: Real>(&mut self, frame: &Frame<'_, F>) -> io::Result<()> {
        let at = self.count % self.per_chunk;
        for member in &mut self.members {
            let Some(buffer) = &mut member.buffer else { continue };
            let [rows, _, _] = buffer.shape();
            for row in 0..rows {
                member.source.fill(frame, [row, self.count], buffer.numbers(row, at));
            }
        }
        self.count += 1;
        self.is_behind = true;
        if self.count.is_multiple_of(self.per_chunk) {
            self.write_chunks()?;
            self.members
                .iter_mut()
                .filter_map(|member| member.buffer.as_mut())
                .for_each(Buffer::clear);
        }
        Ok(())
    }

    /// Writes the chunks of the last draws.
    fn write_chunks(&mut self) -> io::Result<()> {
        let Some(last) = self.count.checked_sub(1) else { return Ok(()) };
        let index = last / self.per_chunk;
        for member in &self.members {
            let Some(buffer) = &member.buffer else { continue };
            for (place, shape, which) in member.blocks(&self.folder, self.per_chunk, CHUNK, index) {
                replace(&place, &buffer.block(shape, which))?;
                self.unsynced.insert(place);
            }
        }
        self.is_behind = false;
        Ok(())
    }

    /// Shows all draws so far to readers.
    pub fn flush(&mut self, about: &Map<String, Value>) -> io::Result<()> {
        if self.is_behind {
            self.write_chunks()?;
        }
        self.describe(about)
    }

    /// Brings all that is written to the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        for place in std::mem::take(&mut self.unsynced) {
            File::open(place)?.sync_all()?;
        }
        Ok(())
    }

    /// Writes what is still to be written. If all draws are in one chunk, it has no padding.
    pub fn end(&mut self, about: &Map<String, Value>) -> io::Result<()> {
        if self.count < self.per_chunk {
            self.per_chunk = self.count;
            self.is_behind = true;
        }
        self.flush(about)
    }

    /// The same draws in a copy of the folder.
    pub fn copy(&self, folder: &Path) -> io::Result<Self> {
        copy_all(&self.folder, folder)?;
        Ok(Self { folder: folder.to_path_buf(), ..self.clone() })
    }

    /// The folder has been moved.
    pub fn moved(&mut self, folder: &Path) {
        self.folder = folder.to_path_buf();
    }

    /// Reads the unfinished chunk again, and removes chunks of later draws.
    fn take_up(&mut self) -> io::Result<()> {
        let open = self.count / self.per_chunk;
        let is_open = !self.count.is_multiple_of(self.per_chunk);
        for member in &mut self.members {
            let blocks = member.blocks(&self.folder, self.per_chunk, CHUNK, open);
            let Some(buffer) = &mut member.buffer else { continue };
            for (place, shape, which) in blocks.into_iter().filter(|_| is_open) {
                let bytes = fs::read(place)?;
                if bytes.len() != shape.iter().product::<usize>() * member.array.kind.size() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                buffer.take(&bytes, shape, which);
            }
            for later in open + usize::from(is_open).. {
                let blocks = member.blocks(&self.folder, self.per_chunk, CHUNK, later);
                let removed = blocks.iter().filter(|(place, _, _)| fs::remove_file(place).is_ok());
                if removed.count() == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The positions of some draws that are on the disk, (chain, draw, dim).
    pub fn read<F: Real>(&self, draws: Range<usize>) -> io::Result<Array3<F>> {
        let dim = self.outline.dim();
        let mut all = Array3::zeros((self.outline.chains, draws.len(), dim));
        let members = self.members.iter();
        for (member, columns) in members.filter_map(|member| Some((member, member.columns()?))) {
            let kind = member.array.kind;
            let chunks = draws.start / self.per_chunk..draws.end.div_ceil(self.per_chunk);
            for index in chunks {
                for (place, [_, _, width], [row, column]) in
                    member.blocks(&self.folder, self.per_chunk, CHUNK, index)
                {
                    let bytes = fs::read(place)?;
                    let rows = bytes.chunks_exact(self.per_chunk * width * kind.size());
                    let first = row * rows.len();
                    for (chain, row) in (first..self.outline.chains).zip(rows) {
                        let numbers = row.chunks_exact(kind.size()).enumerate();
                        for (at, number) in numbers {
                            let draw = index * self.per_chunk + at / width;
                            let column = columns.get(column * width + at % width);
                            if let (true, Some(column)) = (draws.contains(&draw), column) {
                                all[[chain, draw - draws.start, *column]] = taken(number);
                            }
                        }
                    }
                }
            }
        }
        Ok(all)
    }

    /// Writes the descriptions of the store, its groups and its arrays. A reader opens that of the
    /// store or of a group, which has those of all members.
    fn describe(&mut self, about: &Map<String, Value>) -> io::Result<()> {
        let attributes = marked(about);
        let mut whole = Map::new();
        for group in [POSTERIOR, STATS] {
            let inside = self.folder.join(group);
            let mut within = Map::new();
            for member in self.members.iter_mut().filter(|member| member.group == group) {
                let array = &mut member.array;
                if let Some(axis) = array.draw_axis() {
                    array.shape[axis] = self.count;
                }
                let metadata = array.metadata(&array.chunk_shape(self.per_chunk, CHUNK));
                self.unsynced.insert(write_json(&inside.join(&array.name), &metadata)?);
                whole.insert(format!("{group}/{}", array.name), metadata.clone());
                within.insert(array.name.clone(), metadata);
            }
            let written = write_json(&inside, &group_metadata(&attributes, Some(within)))?;
            self.unsynced.insert(written);
            whole.insert(group.into(), group_metadata(&attributes, None));
        }
        let written = write_json(&self.folder, &group_metadata(&attributes, Some(whole)))?;
        self.unsynced.insert(written);
        Ok(())
    }
}

/// The attributes, with those by which a store of this library is known.
fn marked(about: &Map<String, Value>) -> Map<String, Value> {
    let mut attributes = about.clone();
    let [key, library] = MARK;
    attributes.insert(key.into(), library.into());
    attributes.insert("creation_library_version".into(), env!("CARGO_PKG_VERSION").into());
    attributes.insert("inference_library".into(), library.into());
    attributes.insert("inference_library_version".into(), env!("CARGO_PKG_VERSION").into());
    attributes
}

/// The description of a group. With that of its members, a reader needs to open no other file.
fn group_metadata(attributes: &Map<String, Value>, members: Option<Map<String, Value>>) -> Value {
    let mut group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
    if let Some(members) = members {
        group["consolidated_metadata"] =
            json!({"kind": "inline", "must_understand": false, "metadata": members});
    }
    group
}

fn write_json(folder: &Path, value: &Value) -> io::Result<PathBuf> {
    let place = folder.join("zarr.json");
    replace(&place, format!("{value:#}\n").as_bytes())?;
    Ok(place)
}

/// Writes a file that is whole at any moment, the new one or the one before.
fn replace(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = place.with_extension("tmp");
    let write = || fs::write(&unfinished, bytes);
    let written = write().or_else(|error| match (error.kind(), place.parent()) {
        (io::ErrorKind::NotFound, Some(parent)) => {
            fs::create_dir_all(parent).and_then(|()| write())
        }
        _ => Err(error),
    });
    written.and_then(|()| fs::rename(&unfinished, place)).inspect_err(|_| {
        let _ = fs::remove_file(&unfinished);
    })
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let inside = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&inside)?;
            copy_all(&entry.path(), &inside)?;
        } else {
            fs::copy(entry.path(), inside)?;
        }
    }
    Ok(())
}

/// Removes a store. Its mark goes last, so that what a crash leaves is known as well.
pub fn remove(folder: &Path) -> io::Result<()> {
    for group in [POSTERIOR, STATS].map(|name| folder.join(name)) {
        if group.exists() {
            fs::remove_dir_all(group)?;
        }
    }
    fs::remove_dir_all(folder)
}

/// Whether a folder may be replaced: an empty one, or a store of this library with nothing in it
/// from elsewhere.
pub fn may_go(folder: &Path) -> Result<(), String> {
    const REFUSED: &str = "the folder there is no store of this library; name a new one";
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut is_empty = true;
    for entry in entries {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        // What a crash may leave of the very first file.
        is_empty &= name == "zarr.tmp";
        if !["zarr.json", "zarr.tmp", POSTERIOR, STATS].iter().any(|known| name == *known) {
            return Err(REFUSED.into());
        }
    }
    let is_marked = || {
        let text = fs::read_to_string(folder.join("zarr.json")).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        Some(value["attributes"][MARK[0]] == MARK[1])
    };
    match is_empty || is_marked() == Some(true) {
        true => Ok(()),
        false => Err(REFUSED.into()),
    }
}
