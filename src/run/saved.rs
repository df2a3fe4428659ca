//! Numbers and texts as bytes, for state files and for what observers save in them.

use ndarray::{Array2, ArrayView2};

use crate::bytes::{bytes_of, numbers_in};
use crate::error::{Error, Result};
use crate::real::Real;

pub(crate) fn fail(reason: impl Into<String>) -> Error {
    Error::StateFile { reason: reason.into() }
}

/// FNV-1a, from another one on: it finds what a broken disk or an editor does to a file.
pub(super) fn check_from(check: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(check, |check, byte| (check ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Where it begins.
pub(super) const CHECK: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of these bytes.
pub(crate) fn check_of(bytes: &[u8]) -> u64 {
    check_from(CHECK, bytes)
}

/// The error of parts of different runs.
pub(super) fn apart(reason: impl std::fmt::Display) -> Error {
    fail(format!("the parts do not belong together: {reason}"))
}

/// Writes what an observer saves.
#[derive(Default)]
pub(crate) struct Saving(pub Vec<u8>);

impl Saving {
    /// Begins with what it is, which a reader checks.
    pub fn of(title: &str) -> Self {
        let mut begun = Self::default();
        begun.text(title);
        begun
    }

    pub fn word(&mut self, word: u64) {
        self.0.extend(word.to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        self.0.extend(text.as_bytes());
    }

    pub fn words(&mut self, words: impl ExactSizeIterator<Item = u64>) {
        self.word(words.len() as u64);
        words.for_each(|word| self.word(word));
    }

    pub fn numbers(&mut self, numbers: &[f64]) {
        self.word(numbers.len() as u64);
        bytes_of(numbers.iter(), &mut self.0);
    }

    pub fn rows<F: Real>(&mut self, rows: ArrayView2<'_, F>) {
        self.word(rows.nrows() as u64);
        self.word(rows.ncols() as u64);
        bytes_of(rows.iter(), &mut self.0);
    }
}

/// The error of what was saved by a run of other chains or another dimension.
pub(super) fn of_another(saved: (usize, usize), own: (usize, usize)) -> Error {
    fail(format!("an observer had saved positions of shape {saved:?}, the run has {own:?}"))
}

/// Reads it again.
pub(crate) struct Saved<'b>(&'b [u8]);

impl<'b> Saved<'b> {
    /// The rest behind the title. Another title is an error that names both.
    pub fn of(title: &str, bytes: &'b [u8]) -> Result<Self> {
        let mut saved = Self(bytes);
        let found = saved.text()?;
        if found != title {
            return Err(Error::Mismatch {
                what: "observer".into(),
                given: title.into(),
                expected: found.into(),
            });
        }
        Ok(saved)
    }

    /// All of these bytes.
    pub fn all(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, length: u64) -> Result<&'b [u8]> {
        let split = usize::try_from(length).ok().and_then(|n| self.0.split_at_checked(n));
        let (taken, rest) = split.ok_or_else(|| fail("what an observer saved ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn word(&mut self) -> Result<u64> {
        let word = self.take(8)?.first_chunk().copied();
        Ok(u64::from_le_bytes(word.unwrap_or_default()))
    }

    pub fn text(&mut self) -> Result<&'b str> {
        let length = self.word()?;
        str::from_utf8(self.take(length)?).map_err(|_| fail("what an observer saved is no text"))
    }

    pub fn words(&mut self) -> Result<Vec<u64>> {
        let count = self.word()?;
        let bytes = self.take(count.saturating_mul(8))?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    pub fn numbers(&mut self) -> Result<Vec<f64>> {
        let count = self.word()?;
        Ok(numbers_in(self.take(count.saturating_mul(8))?))
    }

    pub fn rows<F: Real>(&mut self) -> Result<Array2<F>> {
        let rows = self.word()?;
        let columns = self.word()?;
        let count = rows.saturating_mul(columns).saturating_mul(size_of::<F>() as u64);
        let numbers = numbers_in(self.take(count)?);
        let shape = (rows as usize, columns as usize);
        Array2::from_shape_vec(shape, numbers).map_err(|error| fail(error.to_string()))
    }

    #[cfg(feature = "serde")]
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may follow.
    pub fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(fail("an observer saved more than it reads")) }
    }
}
