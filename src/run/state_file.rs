//! State files: the state of a run with the settings that it was begun with, to continue it later.
//!
//! ```text
//! langevin state 2
//! NAME: VALUE            one line for each field, and `set NAME: VALUE` for each setting
//! (an empty line)
//! frozen chains          chain and step as u64, time as f64
//! calls of the steps     runs of equal steps: their number, batched calls and rounds as u64
//! state, low part        row by row, in the precision of the run
//! observers              what each of them saved
//! check                  u64, FNV-1a of all bytes before it
//! ```
//!
//! All numbers are little-endian. Version 1 had neither calls nor observers. It is still read.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use ndarray::{Array2, Axis};

use super::calls::Calls;
use super::samples::{Content, Divergence, Samples};
use super::saved::{CHECK, check_from, fail};
use super::settings::{LONGEST, Settings, differing, lines};
use crate::bytes::{bytes_of, numbers_in};
use crate::error::{Error, Result};
use crate::real::Real;
use crate::sampler::Cost;
use crate::state::Layout;

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
    /// What every observer of a run had saved, if the file is a [checkpoint](super::Checkpoint).
    pub observers: Option<Vec<Option<Vec<u8>>>>,
}

const TITLE: &str = "langevin state 2";
const EARLIER: &str = "langevin state 1";
/// The most bytes before the numbers: those of the settings, and some for the other fields.
const LONGEST_HEADER: usize = LONGEST + (1 << 16);
/// The largest count that is read.
const MOST: u64 = 1 << 62;

/// Bytes with the check of all before.
struct Checked<T> {
    inner: T,
    check: u64,
}

impl<T> Checked<T> {
    fn new(inner: T) -> Self {
        Self { inner, check: CHECK }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.check = check_from(self.check, bytes);
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
        Array2::from_shape_vec((rows, columns), numbers_in(&bytes))
            .map_err(|error| fail(error.to_string()))
    }

    fn observers(&mut self, lengths: &[Option<usize>]) -> Result<Vec<Option<Vec<u8>>>> {
        lengths.iter().map(|length| length.map(|length| self.get(length)).transpose()).collect()
    }

    /// The lines up to the first empty one.
    fn header(&mut self) -> Result<String> {
        let mut text = Vec::new();
        while !text.ends_with(b"\n\n") {
            if text.len() == LONGEST_HEADER {
                return Err(fail("no end of its header found"));
            }
            let mut byte = [0];
            let read = self.inner.read_exact(&mut byte);
            read.map_err(|_| fail("the file ends too early"))?;
            self.take_in(&byte);
            text.extend(byte);
            let titles = [TITLE, EARLIER].map(str::as_bytes);
            if text.len() == TITLE.len() && !titles.contains(&&text[..]) {
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

    /// A count. A run adds to it, so it must be far from the largest number.
    fn count(&mut self, name: &str) -> Result<u64> {
        let count = self.take(name)?;
        if count > MOST {
            return Err(fail(format!("{name}: {count} is too large")));
        }
        Ok(count)
    }

    fn cost(&mut self) -> Result<Cost> {
        Ok(Cost {
            evaluations: self.count("evaluations")?,
            batched_calls: self.count("batched calls")?,
            rounds: self.count("rounds")?,
            proposed: self.count("proposed")?,
            accepted: self.count("accepted")?,
        })
    }

    /// A field that may say `none`.
    fn optional<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>> {
        if self.0.get(name) == Some(&"none") {
            self.0.remove(name);
            return Ok(None);
        }
        self.take(name).map(Some)
    }

    /// The number of bytes of every observer, or none for those that saved nothing.
    fn lengths(&mut self) -> Result<Option<Vec<Option<usize>>>> {
        let Some(text) = self.optional::<String>("observers")? else { return Ok(None) };
        let length = |word: &str| match word {
            "none" => Ok(None),
            number => number.parse().map(Some).map_err(|_| fail("observers: cannot be read")),
        };
        text.split_whitespace().map(length).collect::<Result<_>>().map(Some)
    }
}

impl<F: Real> Samples<F> {
    /// Writes a state file, from which [`StateFile::read`] makes the same samples again.
    ///
    /// # Errors
    /// [`Error::StateFile`] if writing fails, or if a setting has more than one line.
    pub fn write_state(&self, settings: &Settings, to: &mut impl Write) -> Result<()> {
        write(&self.content(), settings, None, to)
    }
}

/// Writes a state file.
pub(super) fn write<F: Real>(
    content: &Content<'_, F>,
    settings: &Settings,
    observers: Option<&[Option<Vec<u8>>]>,
    to: &mut impl Write,
) -> Result<()> {
    let mut to = Checked::new(to);
    to.put(header(content, settings, observers)?.as_bytes())?;
    for frozen in content.diverged {
        for word in [frozen.chain, frozen.step, frozen.time.to_bits()] {
            to.put(&word.to_le_bytes())?;
        }
    }
    for word in content.calls.map_or(&[][..], Calls::words) {
        to.put(&word.to_le_bytes())?;
    }
    let mut bytes = Vec::new();
    // Blocks of rows keep the copy small.
    for rows in [content.state, content.low] {
        for block in rows.axis_chunks_iter(Axis(0), 4096) {
            bytes.clear();
            bytes_of(block.iter(), &mut bytes);
            to.put(&bytes)?;
        }
    }
    for saved in observers.into_iter().flatten().flatten() {
        to.put(saved)?;
    }
    let check = to.check;
    to.put(&check.to_le_bytes())
}

fn header<F: Real>(
    content: &Content<'_, F>,
    settings: &Settings,
    observers: Option<&[Option<Vec<u8>>]>,
) -> Result<String> {
    let none = || String::from("none");
    let seed = content.seed.map_or_else(none, |seed| seed.to_string());
    let calls = content.calls.map_or_else(none, |calls| calls.words().len().to_string());
    let length = |saved: &Option<Vec<u8>>| match saved {
        Some(saved) => format!(" {}", saved.len()),
        None => " none".into(),
    };
    let observers = observers.map_or_else(none, |all| all.iter().map(length).collect());
    let numbers = [
        ("chains", content.state.nrows() as u64),
        ("dim", content.dim as u64),
        ("low", content.low.ncols() as u64),
        ("steps", content.steps),
        ("first chain", content.first_chain.into()),
        ("evaluations", content.cost.evaluations),
        ("batched calls", content.cost.batched_calls),
        ("rounds", content.cost.rounds),
        ("proposed", content.cost.proposed),
        ("accepted", content.cost.accepted),
        ("rounded", content.rounded),
        ("frozen", content.diverged.len() as u64),
    ];
    let mut header = format!(
        "{TITLE}\nprecision: {}\nlayout: {}\nseed: {seed}\ncalls: {calls}\n\
         observers: {observers}\n",
        F::NAME,
        content.layout,
    );
    numbers.iter().for_each(|(name, number)| header += &format!("{name}: {number}\n"));
    header += &lines(settings)?;
    header.push('\n');
    if header.len() > LONGEST_HEADER {
        return Err(fail(format!("its header takes {} bytes, too many", header.len())));
    }
    Ok(header)
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
        let pairs = header.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut fields = Fields(pairs.collect());
        let precision: String = fields.take("precision")?;
        if precision != F::NAME {
            let given = F::NAME.into();
            return Err(Error::Mismatch { what: "precision".into(), given, expected: precision });
        }
        let layout: Layout = fields.take("layout")?;
        let chains = fields.take("chains")?;
        let dim = fields.take("dim")?;
        let low = fields.take("low")?;
        let seed = fields.optional("seed")?;
        let cost = fields.cost()?;
        let steps = fields.count("steps")?;
        let rounded = fields.count("rounded")?;
        let first_chain = fields.take("first chain")?;
        let words = from.words(fields.take::<usize>("frozen")?.saturating_mul(3))?;
        let diverged = frozen_in(&words, first_chain, chains)?;
        let is_earlier = header.starts_with(EARLIER);
        let calls = if is_earlier { None } else { fields.optional::<usize>("calls")? };
        let calls = calls.map(|count| Calls::of(&from.words(count)?, steps)).transpose()?;
        let columns =
            layout.checked_columns(dim).ok_or_else(|| fail("its dimension is too large"))?;
        let state = from.numbers(chains, columns)?;
        let low = from.numbers(chains, low)?;
        let lengths = if is_earlier { None } else { fields.lengths()? };
        let observers = lengths.map(|lengths| from.observers(&lengths)).transpose()?;
        let check = from.check;
        if from.words(1)? != [check] {
            return Err(fail("it is damaged: its check does not fit its content"));
        }
        let named = |(name, value): (&str, &str)| {
            name.strip_prefix("set ").map(|name| (name.to_owned(), value.to_owned()))
        };
        let settings = fields.0.into_iter().filter_map(named).collect();
        // What no run writes is no state file.
        lines(&settings)?;
        let samples = Samples {
            state,
            low,
            dim,
            layout,
            steps,
            first_chain,
            seed,
            cost,
            rounded,
            diverged,
            calls,
        };
        Ok(Self { samples, settings, observers })
    }

    /// A state file with these samples and settings, to [write](Self::write).
    pub fn new(samples: Samples<F>, settings: Settings) -> Self {
        Self { samples, settings, observers: None }
    }

    /// Writes the file. [`Samples::write_state`] writes one without observers.
    ///
    /// # Errors
    /// [`Error::StateFile`] if writing fails, or if a setting has more than one line.
    pub fn write(&self, to: &mut impl Write) -> Result<()> {
        write(&self.samples.content(), &self.settings, self.observers.as_deref(), to)
    }

    /// Refuses to continue with other settings.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for the first setting, by name, that differs.
    pub fn check(&self, settings: &Settings) -> Result<()> {
        differing(settings, &self.settings).map_or(Ok(()), Err)
    }
}

/// The frozen chains in these numbers, which must be chains of the run in their order.
fn frozen_in(words: &[u64], first_chain: u32, chains: usize) -> Result<Vec<Divergence>> {
    let first = u64::from(first_chain);
    let end = first.checked_add(chains as u64).filter(|end| *end <= 1 << 32);
    let end = end.ok_or_else(|| fail("its chains have no numbers"))?;
    let frozen = words.as_chunks::<3>().0.iter().map(|[chain, step, time]| Divergence {
        chain: *chain,
        step: *step,
        time: f64::from_bits(*time),
    });
    let frozen: Vec<_> = frozen.collect();
    let are_ordered = frozen.is_sorted_by(|one, next| one.chain < next.chain);
    if !are_ordered || frozen.iter().any(|frozen| !(first..end).contains(&frozen.chain)) {
        return Err(fail("its frozen chains are not chains of its run"));
    }
    Ok(frozen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn files_of_version_1_are_read() {
        let text = "langevin state 1\nprecision: f64\nlayout: position\nchains: 1\ndim: 1\n\
                    low: 0\nsteps: 2\nfirst chain: 0\nseed: 7\nevaluations: 2\n\
                    batched calls: 2\nrounds: 0\nproposed: 0\naccepted: 0\nrounded: 0\n\
                    frozen: 0\nset step: 0.1\n\n";
        let mut file = Vec::new();
        let mut checked = Checked::new(&mut file);
        checked.put(text.as_bytes()).unwrap();
        checked.put(&1.5_f64.to_le_bytes()).unwrap();
        let check = checked.check;
        checked.put(&check.to_le_bytes()).unwrap();
        let read = StateFile::<f64>::read(&mut &file[..]).unwrap();
        assert_eq!((read.samples.seed, read.samples.state[[0, 0]]), (Some(7), 1.5));
        assert_eq!(read.settings["step"], "0.1");
        assert!(read.observers.is_none());
    }

    fn file<F: Real>() -> Vec<u8> {
        let target = GaussianMixture::isotropic(ndarray::array![[0.0, 1.0]].view(), 1.0).unwrap();
        let sampler = Splitting::new(Underdamped::new(2.0, 1.5).unwrap(), "BAOAB".parse().unwrap());
        let grid = TimeGrid::uniform(0.1, 5).unwrap();
        let run =
            Run::<F>::with_precision(&sampler, &target, grid).chains(3).first_chain(4).as_part();
        let mut samples = run.seed(9).run().unwrap();
        samples.diverged.push(Divergence { chain: 5, step: 2, time: 0.2 });
        let settings = Settings::from([("method".into(), "baoab: as it is".into())]);
        let mut file = Vec::new();
        let observers = vec![Some(b"sums".to_vec()), None, Some(Vec::new())];
        write(&samples.content(), &settings, Some(&observers), &mut file).unwrap();
        let back = StateFile::<F>::read(&mut &file[..]).unwrap();
        assert_eq!(back.samples, samples);
        assert_eq!(back.settings, settings);
        assert_eq!(back.observers, Some(observers));
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
    fn settings_that_no_run_writes_are_refused() {
        let file = file::<f64>();
        let (text, numbers) =
            file.split_at(file.windows(2).position(|two| two == b"\n\n").unwrap());
        let text = String::from_utf8_lossy(text).replace("set method: ", "set step:1set method: ");
        let mut changed = Vec::new();
        let mut checked = Checked::new(&mut changed);
        checked.put(text.as_bytes()).unwrap();
        checked.put(&numbers[..numbers.len() - 8]).unwrap();
        let check = checked.check;
        checked.put(&check.to_le_bytes()).unwrap();
        let message = StateFile::<f64>::read(&mut &changed[..]).unwrap_err().to_string();
        assert!(
            message.contains("`step:1set method` has more than one line or a colon"),
            "{message}"
        );
    }

    #[test]
    fn numbers_that_no_run_has_are_refused() {
        let file = StateFile::<f64>::read(&mut &file::<f64>()[..]).unwrap();
        let message = |change: &dyn Fn(&mut Samples<f64>)| {
            let mut samples = file.samples.clone();
            change(&mut samples);
            let mut bytes = Vec::new();
            write(&samples.content(), &file.settings, None, &mut bytes).unwrap();
            StateFile::<f64>::read(&mut &bytes[..]).unwrap_err().to_string()
        };
        for chain in [0, 3, 7, u64::MAX] {
            let found = message(&|samples| samples.diverged[0].chain = chain);
            assert!(found.contains("its frozen chains are not chains of its run"), "{found}");
        }
        let twice = message(&|samples| samples.diverged.push(samples.diverged[0]));
        assert!(twice.contains("its frozen chains"), "{twice}");
        let many = message(&|samples| samples.first_chain = u32::MAX - 1);
        assert!(many.contains("its chains have no numbers"), "{many}");
        let calls = message(&|samples| samples.cost.batched_calls = u64::MAX - 1);
        assert!(calls.contains("batched calls: 18446744073709551614 is too large"), "{calls}");
        let steps = message(&|samples| samples.steps = u64::MAX);
        assert!(steps.contains("steps: 18446744073709551615 is too large"), "{steps}");
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
