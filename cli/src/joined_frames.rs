//! The frames of shards, which `langevin merge` joins.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use langevin::prelude::Real;

use crate::csv;
use crate::failure::{Failure, of_file};
use crate::npy;
use crate::npy_header::Header;

/// The frames of all shards, of which every one has some rows of every frame.
pub struct Frames {
    parts: Vec<Rows>,
    is_csv: bool,
    saved: usize,
    dim: usize,
}

/// The frames of one shard.
struct Rows {
    from: BufReader<File>,
    chains: usize,
}

impl Frames {
    /// Opens the outputs of the shards, each with its number of chains.
    pub fn open(outputs: &[(PathBuf, usize)], dim: usize, is_csv: bool) -> Result<Self, Failure> {
        let mut all = Self { parts: Vec::new(), is_csv, saved: 0, dim };
        for (path, chains) in outputs {
            let chains = *chains;
            let opened = File::open(path).map_err(|error| of_file(path, error))?;
            let mut from = BufReader::with_capacity(1 << 20, opened);
            if is_csv {
                from.read_line(&mut String::new()).map_err(|error| of_file(path, error))?;
                all.parts.push(Rows { from, chains });
                continue;
            }
            let mut head = Vec::new();
            let read = (&mut from).take(1 << 16).read_to_end(&mut head);
            read.map_err(|error| of_file(path, error))?;
            let header = Header::parse(&head).map_err(|why| of_file(path, why))?;
            let [saved, rows, dim] = header.shape[..] else {
                return Err(of_file(path, "expected an array (saved, chains, dim)"));
            };
            if (rows, dim) != (chains, all.dim) || (all.saved != saved && all.saved > 0) {
                let shape = header.shape;
                return Err(of_file(path, format!("given shape {shape:?}, others have another")));
            }
            all.saved = saved;
            let begin = SeekFrom::Start(header.length as u64);
            from.seek(begin).map_err(|error| of_file(path, error))?;
            all.parts.push(Rows { from, chains });
        }
        Ok(all)
    }

    pub fn join<F: Real>(mut self, to: &mut impl Write) -> io::Result<()> {
        if self.is_csv {
            to.write_all(csv::header(true, self.dim).as_bytes())?;
            return self.join_lines(to);
        }
        let chains = self.parts.iter().map(|part| part.chains).sum();
        to.write_all(&npy::header::<F>(&[self.saved, chains, self.dim]))?;
        for _ in 0..self.saved {
            for part in &mut self.parts {
                let bytes = (part.chains * self.dim * size_of::<F>()) as u64;
                if io::copy(&mut (&mut part.from).take(bytes), to)? != bytes {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Ok(())
    }

    fn join_lines(&mut self, to: &mut impl Write) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            for index in 0..self.parts.len() {
                for row in 0..self.parts[index].chains {
                    line.clear();
                    if self.parts[index].from.read_until(b'\n', &mut line)? > 0 {
                        to.write_all(&line)?;
                        continue;
                    }
                    // They end together, behind the same frame.
                    if (index, row) == (0, 0) && self.are_at_their_ends()? {
                        return Ok(());
                    }
                    let why = "the outputs of the shards are of different steps";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
            }
        }
    }

    fn are_at_their_ends(&mut self) -> io::Result<bool> {
        for part in &mut self.parts {
            if !part.from.fill_buf()?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_of_other_steps_are_not_joined() {
        let folder = tempfile::tempdir().unwrap();
        let joined = |texts: [&str; 2]| {
            let files = [folder.path().join("1.csv"), folder.path().join("2.csv")];
            files.iter().zip(texts).for_each(|(path, text)| fs::write(path, text).unwrap());
            let outputs: Vec<_> = files.into_iter().zip([1, 2]).collect();
            let Ok(frames) = Frames::open(&outputs, 1, true) else { panic!("not opened") };
            let mut to = Vec::new();
            let result = frames.join::<f64>(&mut to).map_err(|error| error.to_string());
            result.map(|()| String::from_utf8(to).unwrap().lines().skip(1).collect::<String>())
        };
        assert_eq!(joined(["h\na\nb\n", "h\nc\nd\ne\nf\n"]).unwrap(), "acdbef");
        let message = "the outputs of the shards are of different steps";
        for texts in [
            ["h\na\n", "h\nc\nd\ne\nf\n"],
            ["h\na\nb\n", "h\nc\nd\n"],
            ["h\na\nb\n", "h\nc\nd\ne\n"],
            ["h\n", "h\nc\n"],
        ] {
            assert_eq!(joined(texts).unwrap_err(), message);
        }
    }
}
