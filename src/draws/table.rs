//! Draws as a table, `.csv`: one line for each draw and chain.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use ndarray::Array3;

use super::collection::Draws;
use super::frame::{Frame, Outline};
use super::npy::description;
use super::place::{self, failure};
use crate::error::{Error, Result};
use crate::real::Real;
use crate::run::check_of;

/// The names of the columns.
///
/// # Errors
/// [`Error::Value`] if two have one name.
pub fn columns(outline: &Outline) -> Result<Vec<String>> {
    let mut columns: Vec<String> = vec!["step".into(), "chain".into()];
    columns.extend(outline.names.iter().cloned());
    columns.extend(outline.has_log_density.then(|| "lp".into()));
    columns.extend(outline.has_energy.then(|| "energy".into()));
    columns.push("diverging".into());
    let momenta = outline.has_momenta.then(|| (0..outline.dim()).map(|i| format!("momentum[{i}]")));
    columns.extend(momenta.into_iter().flatten());
    let mut sorted: Vec<_> = columns.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::Value {
            option: "names".into(),
            given: pair[0].clone(),
            expected: "a name that no other column of the table has".into(),
        }),
        None => Ok(columns),
    }
}

/// The line above the numbers.
fn header(columns: &[String]) -> String {
    columns.join(",") + "\n"
}

/// The lines of a draw. Every number reads back as the same number.
fn write_lines<F: Real>(
    to: &mut dyn Write,
    outline: &Outline,
    frame: &Frame<'_, F>,
) -> io::Result<()> {
    // `Debug` takes an exponent where `Display` would print hundreds of digits.
    let number = |to: &mut dyn Write, x: &F| match outline.is_single {
        true => write!(to, ",{:?}", x.widen() as f32),
        false => write!(to, ",{:?}", x.widen()),
    };
    for chain in 0..outline.chains {
        write!(to, "{},{}", frame.step, outline.first_chain + chain as u64)?;
        frame.positions.row(chain).iter().try_for_each(|x| number(to, x))?;
        for log in [frame.log_density, frame.energy].into_iter().flatten() {
            write!(to, ",{:?}", log[chain])?;
        }
        write!(to, ",{}", u8::from(frame.diverging[chain]))?;
        if let Some(momenta) = frame.momenta {
            momenta.row(chain).iter().try_for_each(|x| number(to, x))?;
        }
        writeln!(to)?;
    }
    Ok(())
}

impl<F: Real> Draws<F> {
    /// Writes a table whose name ends in `.csv`: one line for each draw and chain, with step,
    /// chain, positions, log density, energy, whether it diverges (0 or 1), and momenta, as far as
    /// they are there. The file beside it whose name ends in `.json` has names, steps and
    /// attributes.
    ///
    /// # Errors
    /// [`Error::Draws`] if the name does not end in `.csv` or a file cannot be written, and
    /// [`Error::Value`] if a coordinate has the name of another column, as `lp`.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("csv")) {
            return Err(failure(path, "expected a name that ends in .csv"));
        }
        let outline = self.outline();
        let columns = columns(&outline)?;
        place::file(path, |to| {
            to.write_all(header(&columns).as_bytes())?;
            self.each(|frame| write_lines(to, &outline, frame))
        })?;
        let mut steps = self.steps().iter().copied();
        place::file(&description(path), |to| {
            outline.describe(to, self.attributes(), Some(&columns), Some(&mut steps))
        })
    }
}

/// A table that takes draws as they come.
#[derive(Debug)]
pub struct Table {
    writer: BufWriter<File>,
    outline: Outline,
    /// Bytes so far.
    length: u64,
    /// The lines of the last draw.
    last: Vec<u8>,
    /// The draw and the place at which the last reading ended.
    seen: (usize, u64),
}

impl Table {
    pub fn create(place: &Path, outline: &Outline) -> Result<Self> {
        let header = header(&columns(outline)?);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let begun = options.open(place).and_then(|file| {
            let mut table = Self::of(file, outline);
            table.writer.write_all(header.as_bytes())?;
            table.writer.flush()?;
            table.length = header.len() as u64;
            table.seen = (0, table.length);
            Ok(table)
        });
        begun.map_err(|error| failure(place, error))
    }

    fn of(file: File, outline: &Outline) -> Self {
        let writer = BufWriter::with_capacity(1 << 20, file);
        let seen = (0, 0);
        Self { writer, outline: outline.clone(), length: 0, last: Vec::new(), seen }
    }

    /// The same table after a crash, cut to its first draws, of which [`mark`](Self::mark) has told
    /// the end.
    pub fn reopen(place: &Path, outline: &Outline, mark: [u64; 3]) -> io::Result<Option<Self>> {
        let [length, last, check] = mark;
        let file = OpenOptions::new().read(true).write(true).open(place)?;
        if file.metadata()?.len() < length || last > length {
            return Ok(None);
        }
        let mut table = Self::of(file, outline);
        let file = table.writer.get_mut();
        file.seek(SeekFrom::Start(length - last))?;
        file.take(last).read_to_end(&mut table.last)?;
        if check_of(&table.last) != check {
            return Ok(None);
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        table.length = length;
        table.seen = table.top()?;
        Ok(Some(table))
    }

    /// The first draw, and its place: behind the names of the columns.
    fn top(&self) -> io::Result<(usize, u64)> {
        let columns = columns(&self.outline).map_err(io::Error::other)?;
        Ok((0, header(&columns).len() as u64))
    }

    pub fn push<F: Real>(&mut self, frame: &Frame<'_, F>) -> io::Result<()> {
        self.last.clear();
        write_lines(&mut self.last, &self.outline, frame)?;
        self.length += self.last.len() as u64;
        self.writer.write_all(&self.last)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    pub fn sync(&mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()
    }

    /// Where it ends, how long its last draw is, and a check of that.
    pub fn mark(&self) -> [u64; 3] {
        [self.length, self.last.len() as u64, check_of(&self.last)]
    }

    /// Copies all of it.
    pub fn copy(&mut self, to: &mut dyn Write) -> io::Result<()> {
        self.writer.flush()?;
        let file = self.writer.get_mut();
        file.rewind()?;
        let copied = io::copy(&mut (&mut *file).take(self.length), to)?;
        file.seek(SeekFrom::Start(self.length))?;
        if copied == self.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// The positions of some draws, (chain, draw, dim). Draws behind those that were read last are
    /// found at once.
    pub fn read<F: Real>(&mut self, draws: Range<usize>) -> io::Result<Array3<F>> {
        self.writer.flush()?;
        if draws.start < self.seen.0 {
            self.seen = self.top()?;
        }
        let file = self.writer.get_mut();
        file.seek(SeekFrom::Start(self.seen.1))?;
        let mut reader = BufReader::with_capacity(1 << 16, &mut *file);
        let dim = self.outline.dim();
        let mut all = Array3::zeros((self.outline.chains, draws.len(), dim));
        let mut line = String::new();
        for draw in self.seen.0..draws.end {
            for chain in 0..self.outline.chains {
                line.clear();
                self.seen.1 += reader.read_line(&mut line)? as u64;
                let Some(at) = draw.checked_sub(draws.start) else { continue };
                let mut numbers = line.split(',').skip(2);
                for column in 0..dim {
                    let single = |text: &str| text.parse::<f32>().map(f64::from);
                    let number = numbers.next().and_then(|text| match self.outline.is_single {
                        true => single(text).ok(),
                        false => text.parse().ok(),
                    });
                    let number = number.ok_or(io::ErrorKind::InvalidData)?;
                    all[[chain, at, column]] = F::from_f64(number);
                }
            }
        }
        self.seen.0 = draws.end.max(self.seen.0);
        file.seek(SeekFrom::Start(self.length))?;
        Ok(all)
    }
}
