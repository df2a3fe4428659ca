//! Positions as an `.npy` file, and what belongs to them in a `.json` file beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::Array3;

use super::array::{Buffer, Kind};
use super::collection::Draws;
use super::frame::{Frame, Outline};
use super::place::{self, failure};
use crate::bytes::{put, taken};
use crate::error::Result;
use crate::real::Real;
use crate::run::check_of;

/// Draws wait in a buffer of at most so many bytes, unless one draw has more.
const WAITING: usize = 1 << 25;
/// Bytes are copied in pieces of this length.
const PIECE: usize = 1 << 20;

/// The name of the file beside an array.
pub fn description(path: &Path) -> PathBuf {
    path.with_extension("json")
}

impl<F: Real> Draws<F> {
    /// Writes the positions (chain, draw, dim) to a file whose name ends in `.npy`, as float32 or
    /// float64. Names, numbers of chains, steps and attributes go to the file beside it whose name
    /// ends in `.json`. Files that are there are replaced, each when the new one is complete.
    ///
    /// # Errors
    /// [`Error::Draws`](crate::Error::Draws) if the name does not end in `.npy` or a file cannot be
    /// written.
    pub fn write_npy(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("npy")) {
            return Err(failure(path, "expected a name that ends in .npy"));
        }
        let outline = self.outline();
        place::file(path, |to| {
            to.write_all(&header(&whole(&outline, outline.draws), 0))?;
            let mut bytes = [0; 8];
            self.positions().iter().try_for_each(|x| {
                put(*x, &mut bytes[..outline.size()]);
                to.write_all(&bytes[..outline.size()])
            })
        })?;
        let mut steps = self.steps().iter().copied();
        place::file(&description(path), |to| {
            outline.describe(to, self.attributes(), None, Some(&mut steps))
        })
    }
}

fn data_type(outline: &Outline) -> &'static str {
    if outline.is_single { "<f4" } else { "<f8" }
}

/// The text of an array (chain, draw, dim) with so many draws.
fn whole(outline: &Outline, draws: usize) -> String {
    let Outline { chains, .. } = outline;
    let shape = format!("({chains}, {draws}, {})", outline.dim());
    format!("{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}", data_type(outline))
}

/// The text of an array whose last draws are not there yet. Of several chains each is a record: the
/// field `draws`, and behind it the room of the others.
fn unfinished(outline: &Outline, draws: usize) -> String {
    if outline.chains == 1 || draws == 0 || draws == outline.draws {
        return whole(outline, draws);
    }
    let width = outline.dim() * outline.size();
    let room = (outline.draws - draws) * width;
    let one = format!("('draws','{}',({draws},{}))", data_type(outline), outline.dim());
    let descr = format!("[{one},('','|V{room}')]");
    format!("{{'descr':{descr},'fortran_order':False,'shape':({},)}}", outline.chains)
}

/// What precedes the numbers, of at least this length. The format asks for a multiple of 64 bytes,
/// padded with spaces and ended by a newline.
fn header(text: &str, least: usize) -> Vec<u8> {
    let length = (11 + text.len()).next_multiple_of(64).max(least) - 11;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16 + 1).to_le_bytes());
    header.extend(format!("{text:<length$}\n").bytes());
    header
}

/// An array that takes draws as they come. The file has its whole length from the start, and each
/// chain has its part of it.
#[derive(Debug)]
pub struct Strided {
    file: File,
    outline: Outline,
    header: u64,
    buffer: Buffer,
    /// Draws that are in the file.
    written: usize,
    /// Draws in the buffer.
    waiting: usize,
}

impl Strided {
    pub fn create(place: &Path, outline: &Outline) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let begun = options.open(place).and_then(|file| {
            let mut begun = Self::of(file, outline)?;
            let width = (outline.dim() * outline.size()) as u64;
            let numbers = (outline.chains as u64).saturating_mul(outline.draws as u64);
            let length = numbers.saturating_mul(width).saturating_add(begun.header);
            begun.file.set_len(length)?;
            begun.head()?;
            Ok(begun)
        });
        if begun.is_err() {
            // Nothing is in it yet.
            let _ = fs::remove_file(place);
        }
        begun.map_err(|error| failure(place, error))
    }

    fn of(file: File, outline: &Outline) -> io::Result<Self> {
        let header = header(&whole(outline, outline.draws), 0).len() as u64;
        let shape = [outline.chains, 0, outline.dim()];
        let together = (outline.chains * outline.dim() * outline.size()).max(1);
        let draws = (WAITING / together).clamp(1, outline.draws.max(1));
        let buffer = Buffer::new([shape[0], draws, shape[2]], Kind::real(outline.is_single));
        let outline = outline.clone();
        Ok(Self { file, outline, header, buffer, written: 0, waiting: 0 })
    }

    /// The same file after a crash, cut to its first draws. `None` if it is not the one that
    /// [`mark`](Self::mark) has told of.
    pub fn reopen(
        place: &Path,
        outline: &Outline,
        count: usize,
        check: u64,
    ) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().read(true).write(true).open(place)?;
        let mut strided = Self::of(file, outline)?;
        strided.written = count;
        let length = strided.place(outline.chains, 0);
        if strided.file.metadata()?.len() != length || strided.mark()? != check {
            return Ok(None);
        }
        strided.head()?;
        Ok(Some(strided))
    }

    /// Where a draw of a chain is in the file.
    fn place(&self, chain: usize, draw: usize) -> u64 {
        let width = (self.outline.dim() * self.outline.size()) as u64;
        self.header + (chain as u64 * self.outline.draws as u64 + draw as u64) * width
    }

    pub fn push<F: Real>(&mut self, frame: &Frame<'_, F>) -> io::Result<()> {
        for (chain, row) in frame.positions.rows().into_iter().enumerate() {
            let places = self.buffer.numbers(chain, self.waiting);
            row.iter().zip(places).for_each(|(x, to)| put(*x, to));
        }
        self.waiting += 1;
        let [_, draws, _] = self.buffer.shape();
        if self.waiting == draws { self.bring() } else { Ok(()) }
    }

    /// Writes the draws that wait.
    fn bring(&mut self) -> io::Result<()> {
        if self.waiting > 0 {
            for chain in 0..self.outline.chains {
                self.file.seek(SeekFrom::Start(self.place(chain, self.written)))?;
                self.file.write_all(self.buffer.draws(chain, 0..self.waiting))?;
            }
            self.written += self.waiting;
            self.waiting = 0;
        }
        Ok(())
    }

    /// Writes the header for the draws in the file.
    fn head(&mut self) -> io::Result<()> {
        let text = unfinished(&self.outline, self.written);
        let header = header(&text, self.header as usize);
        if header.len() as u64 != self.header {
            return Err(io::Error::other("too many draws for a header"));
        }
        self.file.rewind()?;
        self.file.write_all(&header)
    }

    /// Shows all draws so far to readers.
    pub fn flush(&mut self) -> io::Result<()> {
        self.bring()?;
        self.head()
    }

    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Whether all draws are there.
    pub fn is_full(&self) -> bool {
        self.written == self.outline.draws
    }

    /// A check of the last draw in the file.
    pub fn mark(&mut self) -> io::Result<u64> {
        let Some(last) = self.written.checked_sub(1) else { return Ok(0) };
        let width = self.outline.dim() * self.outline.size();
        let mut all = Vec::new();
        for chain in 0..self.outline.chains {
            self.file.seek(SeekFrom::Start(self.place(chain, last)))?;
            (&mut self.file).take(width as u64).read_to_end(&mut all)?;
        }
        Ok(check_of(&all))
    }

    /// Copies the draws so far as an array of their own.
    pub fn copy(&mut self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&header(&whole(&self.outline, self.written), 0))?;
        for chain in 0..self.outline.chains {
            let start = self.place(chain, 0);
            let length = self.place(chain, self.written) - start;
            self.file.seek(SeekFrom::Start(start))?;
            let mut reader = io::BufReader::with_capacity(PIECE, &mut self.file).take(length);
            if io::copy(&mut reader, to)? != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// The positions of some draws that are in the file, (chain, draw, dim).
    pub fn read<F: Real>(&mut self, draws: Range<usize>) -> io::Result<Array3<F>> {
        let dim = self.outline.dim();
        let mut all = Array3::zeros((self.outline.chains, draws.len(), dim));
        let mut bytes = vec![0; draws.len() * dim * self.outline.size()];
        for (chain, mut to) in all.outer_iter_mut().enumerate() {
            self.file.seek(SeekFrom::Start(self.place(chain, draws.start)))?;
            self.file.read_exact(&mut bytes)?;
            let numbers = bytes.chunks_exact(self.outline.size()).map(taken);
            to.iter_mut().zip(numbers).for_each(|(to, number): (&mut F, F)| *to = number);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_unfinished_arrays_have_the_length_of_the_whole() {
        for [chains, draws, dim] in [[2, 3, 1], [1, 5, 2], [1 << 20, 1 << 27, 1 << 13]] {
            let outline = Outline::new::<f64>(0, [chains, draws, dim]);
            let length = header(&whole(&outline, draws), 0).len();
            for count in [0, 1, draws - 1, draws] {
                let text = unfinished(&outline, count);
                assert_eq!(header(&text, length).len(), length, "{text}");
            }
        }
        let outline = Outline::new::<f32>(0, [4, 9, 2]);
        let text =
            "{'descr':[('draws','<f4',(7,2)),('','|V16')],'fortran_order':False,'shape':(4,)}";
        assert_eq!(unfinished(&outline, 7), text);
    }
}
