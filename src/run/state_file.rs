//! State files: the state of a run with the settings that it was begun with, to continue it later.
//!
//! ```text
//! langevin state 1
//! NAME: VALUE            one line for each field, and `set NAME: VALUE` for each setting
//! (an empty line)
//! frozen chains          chain and step as u64, time as f64
//! state, low part        row by row, in the precision of the run
//! check                  u64, FNV-1a of all bytes before it
//! ```
//!
//! All numbers are little-endian.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use ndarray::Array2;

use super::samples::{Divergence, Samples};
use crate::error::{Error, Result};
use crate::real::Real;
use crate::sampler::Cost;
use crate::state::Layout;

/// The settings of a run by name: method, step, target and whatever else must be the same in a run
/// that continues it.
pub type Settings = BTreeMap<String, String>;

/// The content of a state file.
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
/// use langevin::run::{Settings, StateFile};
///
/// let target = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 0.5)?;
/// let sampler = EulerMaruyama::new(Overdamped);
/// let grid = |steps| TimeGrid::uniform(0.1, steps);
/// let run = |grid| Run::new(&sampler, &target, grid);
/// let settings = Settings::from([("step".into(), "0.1".into())]);
///
/// let mut file = Vec::new();
/// run(grid(20)?).chains(5).run()?.write_state(&settings, &mut file)?;
///
/// let earlier = StateFile::<f64>::read(&mut &file[..])?;
/// earlier.check(&settings)?;
/// let samples = run(grid(50)?).resume(&earlier.samples).run()?;
/// assert_eq!(samples, run(grid(50)?).chains(5).run()?);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StateFile<F> {
    /// The samples to [resume](crate::Run::resume).
    pub samples: Samples<F>,
    /// The settings of the run.
    pub settings: Settings,
}

const TITLE: &str = "langevin state 1";
/// The most bytes before the numbers.
const LONGEST_HEADER: usize = 1 << 16;

fn fail(reason: impl Into<String>) -> Error {
    Error::StateFile { reason: reason.into() }
}

/// FNV-1a, which finds what a broken disk or an editor does to a file.
struct Checked<T> {
    inner: T,
    check: u64,
}

impl<T> Checked<T> {
    fn new(inner: T) -> Self {
        Self { inner, check: 0xcbf2_9ce4_8422_2325 }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.check = (self.check ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl<T: Write> Checked<T> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.take_in(bytes);
        self.inner.write_all(bytes).map_err(|error| fail(error.to_string()))
    }
}

impl<T: Read> Checked<T> {
    /// Reads this many bytes. A size that the file only claims asks for no memory.
    fn get(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.inner).take(length as u64).read_to_end(&mut bytes);
        if read.map_err(|error| fail(error.to_string()))? < length {
            return Err(fail("the file ends too early"));
        }
        self.take_in(&bytes);
        Ok(bytes)
    }

    fn words(&mut self, count: usize) -> Result<Vec<u64>> {
        let bytes = self.get(count.saturating_mul(8))?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    fn numbers<F: Real>(&mut self, rows: usize, columns: usize) -> Result<Array2<F>> {
        let count = rows.saturating_mul(columns);
        let bytes = self.get(count.saturating_mul(size_of::<F>()))?;
        let single = |word: &[u8; 4]| F::from_f64(f64::from(f32::from_le_bytes(*word)));
        let double = |word: &[u8; 8]| F::from_f64(f64::from_le_bytes(*word));
        let numbers = if size_of::<F>() == 4 {
            bytes.as_chunks().0.iter().map(single).collect()
        } else {
            bytes.as_chunks().0.iter().map(double).collect()
        };
        Array2::from_shape_vec((rows, columns), numbers).map_err(|error| fail(error.to_string()))
    }

    /// The lines up to the first empty one.
    fn header(&mut self) -> Result<String> {
        let mut text = Vec::new();
        while !text.ends_with(b"\n\n") {
            if text.len() == LONGEST_HEADER {
                return Err(fail("no end of its header found"));
            }
            text.extend(self.get(1)?);
            if text.len() == TITLE.len() && text != TITLE.as_bytes() {
                return Err(fail(format!("expected the first line `{TITLE}`")));
            }
        }
        String::from_utf8(text).map_err(|_| fail("its header is not text"))
    }
}

/// The fields of a header, taken one by one.
struct Fields<'h>(BTreeMap<&'h str, &'h str>);

impl Fields<'_> {
    fn take<T: std::str::FromStr>(&mut self, name: &str) -> Result<T> {
        let text = self.0.remove(name).ok_or_else(|| fail(format!("`{name}` is missing")))?;
        text.parse().map_err(|_| fail(format!("{name}: `{text}` cannot be read")))
    }
}

impl<F: Real> Samples<F> {
    /// Writes a state file, from which [`StateFile::read`] makes the same samples again.
    ///
    /// # Errors
    /// [`Error::StateFile`] if writing fails, or if a setting has more than one line.
    pub fn write_state(&self, settings: &Settings, to: &mut impl Write) -> Result<()> {
        let mut to = Checked::new(to);
        to.put(self.header(settings)?.as_bytes())?;
        for frozen in &self.diverged {
            for word in [frozen.chain, frozen.step, frozen.time.to_bits()] {
                to.put(&word.to_le_bytes())?;
            }
        }
        for row in self.state.rows().into_iter().chain(self.low.rows()) {
            let mut bytes = Vec::with_capacity(row.len() * size_of::<F>());
            for x in row {
                match size_of::<F>() {
                    4 => bytes.extend((x.widen() as f32).to_le_bytes()),
                    _ => bytes.extend(x.widen().to_le_bytes()),
                }
            }
            to.put(&bytes)?;
        }
        let check = to.check;
        to.put(&check.to_le_bytes())
    }

    fn header(&self, settings: &Settings) -> Result<String> {
        let cost = &self.cost;
        let seed = self.seed.map_or_else(|| "none".into(), |seed| seed.to_string());
        let mut header = format!(
            "{TITLE}\nprecision: {}\nlayout: {}\nchains: {}\ndim: {}\nlow: {}\nsteps: {}\n\
             first chain: {}\nseed: {seed}\nevaluations: {}\nbatched calls: {}\nrounds: {}\n\
             proposed: {}\naccepted: {}\nrounded: {}\nfrozen: {}\n",
            F::NAME,
            self.layout,
            self.state.nrows(),
            self.dim,
            self.low.ncols(),
            self.steps,
            self.first_chain,
            cost.evaluations,
            cost.batched_calls,
            cost.rounds,
            cost.proposed,
            cost.accepted,
            self.rounded,
            self.diverged.len(),
        );
        for (name, value) in settings {
            if name.contains(['\n', ':']) || value.contains('\n') {
                return Err(fail(format!(
                    "the setting `{name}` has more than one line or a colon"
                )));
            }
            header += &format!("set {name}: {value}\n");
        }
        header.push('\n');
        if header.len() > LONGEST_HEADER {
            return Err(fail(format!("the settings take {} bytes, too many", header.len())));
        }
        Ok(header)
    }
}

impl<F: Real> StateFile<F> {
    /// Reads a state file.
    ///
    /// # Errors
    /// - [`Error::StateFile`] if it is none, or damaged.
    /// - [`Error::Mismatch`] if it has the other precision.
    pub fn read(from: &mut impl Read) -> Result<Self> {
        let mut from = Checked::new(from);
        let header = from.header()?;
        let lines = header.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut fields = Fields(lines.collect());
        let precision: String = fields.take("precision")?;
        if precision != F::NAME {
            let given = F::NAME.into();
            return Err(Error::Mismatch { what: "precision".into(), given, expected: precision });
        }
        let layout: Layout = fields.take("layout")?;
        let chains = fields.take("chains")?;
        let dim = fields.take("dim")?;
        let low = fields.take("low")?;
        let seed: String = fields.take("seed")?;
        let seed = match &seed[..] {
            "none" => None,
            number => Some(number.parse().map_err(|_| fail("its seed cannot be read"))?),
        };
        let cost = Cost {
            evaluations: fields.take("evaluations")?,
            batched_calls: fields.take("batched calls")?,
            rounds: fields.take("rounds")?,
            proposed: fields.take("proposed")?,
            accepted: fields.take("accepted")?,
        };
        let steps = fields.take("steps")?;
        let rounded = fields.take("rounded")?;
        let first_chain = fields.take("first chain")?;
        let words = from.words(fields.take::<usize>("frozen")?.saturating_mul(3))?;
        let frozen = words.as_chunks::<3>().0.iter().map(|[chain, step, time]| Divergence {
            chain: *chain,
            step: *step,
            time: f64::from_bits(*time),
        });
        let diverged = frozen.collect();
        let columns =
            layout.checked_columns(dim).ok_or_else(|| fail("its dimension is too large"))?;
        let state = from.numbers(chains, columns)?;
        let low = from.numbers(chains, low)?;
        let check = from.check;
        if from.words(1)? != [check] {
            return Err(fail("it is damaged: its check does not fit its content"));
        }
        let named = |(name, value): (&str, &str)| {
            name.strip_prefix("set ").map(|name| (name.to_owned(), value.to_owned()))
        };
        let settings = fields.0.into_iter().filter_map(named).collect();
        let samples =
            Samples { state, low, dim, layout, steps, first_chain, seed, cost, rounded, diverged };
        Ok(Self { samples, settings })
    }

    /// Refuses to continue with other settings.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for the first setting, by name, that differs.
    pub fn check(&self, settings: &Settings) -> Result<()> {
        const NONE: &str = "nothing";
        for name in settings.keys().chain(self.settings.keys()) {
            let value = |of: &Settings| of.get(name).map_or_else(|| NONE.into(), String::clone);
            let given = value(settings);
            let expected = value(&self.settings);
            if given != expected {
                return Err(Error::Mismatch { what: name.clone(), given, expected });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn file<F: Real>() -> Vec<u8> {
        let target = GaussianMixture::isotropic(ndarray::array![[0.0, 1.0]].view(), 1.0).unwrap();
        let sampler = Splitting::new(Underdamped::new(2.0, 1.5).unwrap(), "BAOAB".parse().unwrap());
        let grid = TimeGrid::uniform(0.1, 5).unwrap();
        let run = Run::<F>::with_precision(&sampler, &target, grid).chains(3).first_chain(4);
        let mut samples = run.seed(9).run().unwrap();
        samples.diverged.push(Divergence { chain: 5, step: 2, time: 0.2 });
        let settings = Settings::from([("method".into(), "baoab: as it is".into())]);
        let mut file = Vec::new();
        samples.write_state(&settings, &mut file).unwrap();
        let back = StateFile::<F>::read(&mut &file[..]).unwrap();
        assert_eq!(back.samples, samples);
        assert_eq!(back.settings, settings);
        file
    }

    #[test]
    fn files_lead_back() {
        file::<f64>();
        let file = file::<f32>();
        let error = StateFile::<f64>::read(&mut &file[..]).unwrap_err();
        let message = "precision: given f64, but the run to resume has f32";
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn damaged_files_are_refused() {
        let file = file::<f64>();
        for length in 0..file.len() {
            assert!(StateFile::<f64>::read(&mut &file[..length]).is_err(), "{length}");
        }
        for place in 0..file.len() {
            let mut other = file.clone();
            other[place] ^= 4;
            assert!(StateFile::<f64>::read(&mut &other[..]).is_err(), "{place}");
        }
        let huge = String::from_utf8_lossy(&file).replace("chains: 3", "chains: 99999999999999");
        assert!(StateFile::<f64>::read(&mut huge.as_bytes()).is_err());
        assert!(StateFile::<f64>::read(&mut std::io::repeat(b'x')).is_err());
    }

    #[test]
    fn other_settings_are_named() {
        let file = StateFile::<f64>::read(&mut &file::<f64>()[..]).unwrap();
        let check = |settings: Settings| file.check(&settings).unwrap_err().to_string();
        let other = check(Settings::from([("method".into(), "em".into())]));
        let message = "method: given em, but the run to resume has baoab: as it is";
        assert_eq!(other, message);
        assert!(check(Settings::new()).starts_with("method: given nothing"));
    }
}
