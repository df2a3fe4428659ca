//! The finished runs of a comparison in a file, to go on from after a crash.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::table::Single;
use crate::diffusion::Warning;
use crate::error::{Error, Result};
use crate::metrics::Estimate;
use crate::run::{Saved, Saving, Settings, check_of, differing, replace, unreadable};

const TITLE: &str = "langevin comparison 1\n";

/// The finished runs of a [`Comparison`](super::Comparison), kept in a file. A comparison with the
/// record of an earlier one takes its runs over and makes the others alone.
///
/// ```
/// use std::time::Duration;
///
/// use langevin::compare::{Comparison, Distances, Metric, Record};
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
/// use langevin::run::Settings;
///
/// let target = GaussianMixture::isotropic(array![[-1.0], [1.0]].view(), 0.1)?;
/// let model = DiffusedMixture::new(target.clone());
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let path = std::env::temp_dir().join("langevin-doc.comparison");
/// let table = |record: Record| {
///     let distances = Distances::new(vec![Metric::Radial])?.target(&target)?;
///     let comparison = Comparison::<f64>::new(&process, &model, distances).seeds(0, 2);
///     comparison.with("ddim".parse()?, &[10])?.record(record).run()
/// };
/// let settings = Settings::from([("target".into(), "two points".into())]);
/// let first = table(Record::new(settings.clone()).in_file(&path, Duration::ZERO))?;
/// let again = table(Record::new(settings).read(&path)?)?;
/// assert_eq!(again, first); // to the seconds that the first one took
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), Error>(())
/// ```
///
/// The file is written as `PATH.tmp`, synced and renamed, so there is a whole one at any moment.
#[derive(Clone, Debug)]
pub struct Record {
    settings: Settings,
    runs: Vec<Run>,
    file: Option<Place>,
}

/// A finished run and its names.
#[derive(Clone, Debug)]
struct Run {
    label: String,
    budget: u64,
    single: Single,
}

#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    interval: Duration,
    written: Instant,
}

impl Record {
    /// An empty record of a comparison with these settings: whatever its runs depend on beside
    /// label, budget and seed.
    pub fn new(settings: Settings) -> Self {
        Self { settings, runs: Vec::new(), file: None }
    }

    /// With the runs in a file. It must have the same settings.
    ///
    /// # Errors
    /// [`Error::StateFile`] if it is no such file, or damaged; [`Error::Mismatch`] for the first
    /// setting that differs.
    pub fn read(mut self, path: impl Into<PathBuf>) -> Result<Self> {
        let bytes = fs::read(path.into()).map_err(|error| unreadable(error.to_string()))?;
        let inner = bytes.strip_prefix(TITLE.as_bytes());
        let inner = inner.ok_or_else(|| unreadable("it is not that of a comparison"))?;
        let damaged = || unreadable("it is damaged: its check does not fit its content");
        let (inner, check) = inner.split_last_chunk::<8>().ok_or_else(damaged)?;
        if u64::from_le_bytes(*check) != check_of(inner) {
            return Err(damaged());
        }
        let mut from = Saved::all(inner);
        let mut settings = Settings::new();
        for _ in 0..from.word()? {
            let name = from.text()?.to_owned();
            settings.insert(name, from.text()?.to_owned());
        }
        if let Some(error) = differing(&self.settings, &settings) {
            return Err(error);
        }
        for _ in 0..from.word()? {
            self.runs.push(Run::read(&mut from)?);
        }
        from.end()?;
        Ok(self)
    }

    /// Writes the finished runs to this file, at most once in an `interval`: after each run with
    /// an interval of zero.
    pub fn in_file(mut self, path: impl Into<PathBuf>, interval: Duration) -> Self {
        self.file = Some(Place { path: path.into(), interval, written: Instant::now() });
        self
    }

    /// The run with these names, if it is finished.
    pub(super) fn find(&self, label: &str, budget: usize, seed: u64) -> Option<&Single> {
        let names = (label, budget as u64, seed);
        let is_it = |run: &&Run| (run.label.as_str(), run.budget, run.single.seed) == names;
        self.runs.iter().find(is_it).map(|run| &run.single)
    }

    /// Adds a finished run.
    pub(super) fn add(&mut self, label: &str, budget: usize, single: &Single) -> Result<()> {
        let single = single.clone();
        self.runs.push(Run { label: label.into(), budget: budget as u64, single });
        let Some(place) = &self.file else { return Ok(()) };
        if place.written.elapsed() < place.interval {
            return Ok(());
        }
        let bytes = self.bytes();
        if let Some(place) = &mut self.file {
            replace(&place.path, &mut |to| {
                use std::io::Write;
                to.write_all(&bytes).map_err(|error| unreadable(error.to_string()))
            })?;
            place.written = Instant::now();
        }
        Ok(())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut to = Saving::default();
        to.word(self.settings.len() as u64);
        for (name, value) in &self.settings {
            to.text(name);
            to.text(value);
        }
        to.word(self.runs.len() as u64);
        self.runs.iter().for_each(|run| run.write(&mut to));
        let check = check_of(&to.0).to_le_bytes();
        [TITLE.as_bytes(), &to.0, &check].concat()
    }
}

impl Run {
    fn write(&self, to: &mut Saving) {
        let Single { seed, evaluations, seconds, values, failure, out_of_range } = &self.single;
        to.text(&self.label);
        to.word(self.budget);
        to.word(*seed);
        let values = values.iter().flat_map(|estimate| [estimate.value, estimate.error]);
        let numbers: Vec<f64> = [*evaluations, *seconds].into_iter().chain(values).collect();
        to.numbers(&numbers);
        to.word(u64::from(failure.is_some()));
        to.text(failure.as_deref().unwrap_or_default());
        let (counts, numbers) = match out_of_range {
            Some(Warning::Range { count, of, farthest, range: [low, high] }) => {
                (vec![*count as u64, *of as u64], vec![*farthest, *low, *high])
            }
            _ => (Vec::new(), Vec::new()),
        };
        to.words(counts.into_iter());
        to.numbers(&numbers);
    }

    fn read(from: &mut Saved<'_>) -> Result<Self> {
        let label = from.text()?.to_owned();
        let budget = from.word()?;
        let seed = from.word()?;
        let numbers = from.numbers()?;
        let [evaluations, seconds, values @ ..] = &numbers[..] else {
            return Err(Error::StateFile { reason: "a run without numbers".into() });
        };
        let pairs = values.as_chunks::<2>().0.iter();
        let values = pairs.map(|[value, error]| Estimate { value: *value, error: *error });
        let failed = from.word()? == 1;
        let failure = Some(from.text()?.to_owned()).filter(|_| failed);
        let counts = from.words()?;
        let numbers = from.numbers()?;
        let out_of_range = match (&counts[..], &numbers[..]) {
            ([count, of], [farthest, low, high]) => Some(Warning::Range {
                count: *count as usize,
                of: *of as usize,
                farthest: *farthest,
                range: [*low, *high],
            }),
            _ => None,
        };
        let single = Single {
            seed,
            evaluations: *evaluations,
            seconds: *seconds,
            values: values.collect(),
            failure,
            out_of_range,
        };
        Ok(Self { label, budget, single })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lead_back_and_damage_is_found() {
        let path = std::env::temp_dir().join(format!("langevin-record-{}", std::process::id()));
        let settings = Settings::from([("chains".into(), "20".into())]);
        let mut record = Record::new(settings.clone()).in_file(&path, Duration::ZERO);
        let single = |failure: Option<&str>| Single {
            seed: 3,
            evaluations: 10.5,
            seconds: 0.25,
            values: vec![Estimate { value: 1.0, error: 0.1 }, Estimate { value: -0.0, error: 2.0 }],
            failure: failure.map(str::to_owned),
            out_of_range: failure.map(|_| Warning::Range {
                count: 2,
                of: 9,
                farthest: 1e9,
                range: [-1.0, 1.0],
            }),
        };
        record.add("ddim", 10, &single(None)).unwrap();
        record.add("ddpm:a=1", 20, &single(Some("it\ndiverged"))).unwrap();
        let back = Record::new(settings.clone()).read(&path).unwrap();
        assert_eq!(back.find("ddim", 10, 3), Some(&single(None)));
        assert_eq!(back.find("ddpm:a=1", 20, 3), Some(&single(Some("it\ndiverged"))));
        for (label, budget, seed) in [("ddim", 11, 3), ("ddim", 10, 4), ("heun", 10, 3)] {
            assert_eq!(back.find(label, budget, seed), None);
        }
        let other = Settings::from([("chains".into(), "30".into())]);
        let message = Record::new(other).read(&path).unwrap_err().to_string();
        assert_eq!(message, "chains: given 30, but the run to resume has 20");
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 8;
            fs::write(&path, &damaged).unwrap();
            assert!(Record::new(settings.clone()).read(&path).is_err(), "{place}");
            fs::write(&path, &whole[..place]).unwrap();
            assert!(Record::new(settings.clone()).read(&path).is_err(), "{place}");
        }
        fs::remove_file(path).unwrap();
    }
}
