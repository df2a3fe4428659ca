//! Draws that go to files as a run produces them, in bounded memory.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ndarray::ArrayView1;
use serde_json::{Map, Value};

use super::collection::of_run;
use super::format::{Format, check_place};
use super::frame::{Frame, Outline, kinetic, log_density_of};
use super::names::variables;
use super::place::failure;
use super::sink::Sink;
use super::stored::{Open, Stored};
use super::table::columns;
use crate::drift::Drift;
use crate::error::{BoxError, Error, Result};
use crate::real::Real;
use crate::run::{Every, Observer, Samples, Saved, Saving, Snapshot};

/// Writes the positions of all chains every so many steps, to files that grow with the run.
///
/// It keeps what a [`Trace`](crate::run::Trace) keeps, and its files have the bytes that
/// [`Draws::write`](super::Draws::write) gives them. Its memory does not grow with the number of
/// draws: it holds the draws of a chunk or of a buffer, at most 32 MiB, or one draw if that has
/// more.
///
/// ```
/// use langevin::draws::Stream;
/// use langevin::prelude::*;
///
/// let target = GaussianMixture::isotropic(ndarray::array![[0.0, 1.0]].view(), 1.0)?;
/// let sampler = Splitting::new(Underdamped::new(2.0, 1.0)?, "BAOAB".parse()?);
/// # let folder = std::env::temp_dir().join(format!("langevin-stream-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("run.zarr");
/// let mut stream = Stream::new(&path, Every::new(5)?.after(50))? // a path such as "run.zarr"
///     .with_names(["a", "b"])?
///     .with_momenta()
///     .with_log_density(&target)?;
/// let run = Run::new(&sampler, &target, TimeGrid::uniform(0.2, 250)?).chains(4).seed(7);
/// let samples = run.observe(&mut stream).run()?;
/// let mut stored = stream.finish(&samples)?;
/// assert_eq!((stored.chains(), stored.draws()), (4, 40));
/// assert_eq!(stored.positions(10..15)?.dim(), (4, 5, 2));
/// assert_eq!(stored.summary()?.parameters[1].name, "b");
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), Error>(())
/// ```
///
/// # Before the end
///
/// Until [`finish`](Self::finish) the files have `.part` behind their names, and files of earlier
/// runs stay in their places. What is unfinished can be read at any moment, after a crash as well.
/// It has all draws up to some time ago: a second, or twenty times as long as writing them takes.
///
/// ```text
/// NAME.zarr.part  a store of the draws so far; read it by its consolidated descriptions
/// NAME.csv.part   the lines so far; a crash in the middle of writing may cut the last one
/// NAME.npy.part   of one chain the array of the draws so far; of several chains an array of one
///                 record per chain, with the field draws: numpy.load(…)["draws"] is
///                 (chain, draw, dim)
/// ```
///
/// A run that fails leaves them too. With a [`Checkpoint`](crate::run::Checkpoint) they are synced
/// before it is written, and it has the number of draws alone. A run that resumes it cuts the files
/// to these draws and goes on, to the bytes of a run without a break. It refuses files whose last
/// draw is not that of the checkpoint.
pub struct Stream<'a, F: Real> {
    path: PathBuf,
    every: Every,
    wants_momenta: bool,
    wants_start: bool,
    names: Option<Vec<String>>,
    drift: Option<&'a dyn Drift<F>>,
    own: Map<String, Value>,
    seed: Option<u64>,
    open: Option<Open>,
}

impl<F: Real> fmt::Debug for Stream<'_, F> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Stream")
            .field("path", &self.path)
            .field("every", &self.every)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

impl<'a, F: Real> Stream<'a, F> {
    /// A stream to an array, a table or a store, by the ending of the name: `.npy`, `.csv` or
    /// `.zarr`. It writes nothing before the first draw.
    ///
    /// # Errors
    /// [`Error::Draws`] for another ending, and if the place cannot be written to.
    pub fn new(path: impl Into<PathBuf>, every: Every) -> Result<Self> {
        let path = path.into();
        check_place(&path)?;
        Ok(Self {
            path,
            every,
            wants_momenta: false,
            wants_start: false,
            names: None,
            drift: None,
            own: Map::new(),
            seed: None,
            open: None,
        })
    }

    /// Keeps momenta too. Dynamics without momenta change nothing, and an array file has none.
    pub fn with_momenta(mut self) -> Self {
        self.wants_momenta = true;
        self
    }

    /// Keeps the start too, as step 0. A run that begins at a later step has none.
    pub fn with_start(mut self) -> Self {
        self.wants_start = true;
        self
    }

    /// Names the coordinates, as [`Draws::with_names`](super::Draws::with_names).
    ///
    /// # Errors
    /// As there, and [`Error::Value`] for a name that another column of a table may have, as `lp`.
    /// Another number of names than of coordinates is an error of the run.
    pub fn with_names(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        variables(&names)?;
        if Format::of(&self.path)? == Format::Csv {
            let mut outline = Outline::new::<F>(0, [1, 1, names.len()]);
            outline.names.clone_from(&names);
            outline.has_momenta = true;
            outline.has_log_density = true;
            outline.has_energy = true;
            columns(&outline)?;
        }
        self.names = Some(names);
        Ok(self)
    }

    /// Adds an attribute, any JSON value, as
    /// [`Draws::with_attribute`](super::Draws::with_attribute). Attributes of the run come with
    /// [`finish`](Self::finish), and these replace them.
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.own.insert(name.into(), value.into());
        self
    }

    /// Computes the log density of every draw as it comes, as
    /// [`Draws::with_log_density`](super::Draws::with_log_density). An array file has none.
    ///
    /// # Errors
    /// [`Error::NoDensity`] if the drift has no log density.
    pub fn with_log_density(mut self, drift: &'a dyn Drift<F>) -> Result<Self> {
        let method = "the log density of draws";
        drift.density().ok_or(Error::NoDensity { method })?;
        // An array of positions has no place for it.
        self.drift = Some(drift).filter(|_| !self.is_array());
        Ok(self)
    }

    fn is_array(&self) -> bool {
        Format::of(&self.path).is_ok_and(|format| format == Format::Npy)
    }

    /// The attributes before the end.
    fn about(&self) -> Map<String, Value> {
        let mut about = Map::new();
        about.extend(self.seed.map(|seed| ("seed".into(), seed.into())));
        about.extend(self.own.clone());
        about
    }

    /// Puts the files in their places, with the attributes of the run. Files that are there are
    /// replaced: a folder only if it is empty or a store of this library.
    ///
    /// # Errors
    /// [`Error::Draws`] if there is no draw, or a file cannot be written.
    pub fn finish(self, samples: &Samples<F>) -> Result<Stored<F>> {
        self.end(samples, false)
    }

    /// The same with a copy: the unfinished files stay, for a run that goes on from a checkpoint.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    pub fn finish_for_now(self, samples: &Samples<F>) -> Result<Stored<F>> {
        self.end(samples, true)
    }

    fn end(mut self, samples: &Samples<F>, goes_on: bool) -> Result<Stored<F>> {
        let Some(mut open) = self.open.take() else {
            return Err(failure(&self.path, "the run ended before its first draw"));
        };
        let mut about = of_run(samples);
        about.extend(std::mem::take(&mut self.own));
        let every = self.every;
        let steps = std::iter::successors(Some(open.first), |step| Some(every.next(*step)));
        let ended = (steps.take(open.count), goes_on);
        open.sink.end(&self.path, &open.outline, &about, ended)?;
        Ok(Stored::of(self.path, open))
    }

    /// Begins the files at the first draw.
    fn begin(&mut self, snapshot: &Snapshot<'_, F>) -> Result<Open> {
        let steps = usize::try_from(snapshot.steps).unwrap_or(usize::MAX);
        let before = snapshot.step.checked_sub(1).map_or(0, |step| self.every.count(step as usize));
        let is_start = usize::from(snapshot.step == 0);
        let draws = self.every.count(steps) - before + is_start;
        let chains = snapshot.state.nrows();
        let shape = [chains, draws, snapshot.dim];
        let variance = snapshot.layout.momentum_variance();
        let has_momenta = self.wants_momenta && variance.is_some();
        let outline = self.outline(u64::from(snapshot.first_chain), shape, has_momenta)?;
        self.seed = snapshot.seed();
        let sink = Sink::create(&self.path, &outline, &self.about())?;
        Ok(Open::new(sink, outline, snapshot.step, variance))
    }

    fn outline(&self, first_chain: u64, shape: [usize; 3], momenta: bool) -> Result<Outline> {
        let mut outline = Outline::new::<F>(first_chain, shape);
        if let Some(names) = &self.names {
            if names.len() != shape[2] {
                return Err(Error::Shape {
                    what: "names",
                    given: format!("({})", names.len()),
                    expected: format!("({}), one name for each coordinate", shape[2]),
                });
            }
            outline.names.clone_from(names);
        }
        outline.has_momenta = momenta && !self.is_array();
        outline.has_log_density = self.drift.is_some();
        outline.has_energy = outline.has_momenta && outline.has_log_density;
        Ok(outline)
    }

    fn take(&mut self, open: &mut Open, snapshot: &Snapshot<'_, F>) -> Result<(), BoxError> {
        let positions = snapshot.positions();
        let Outline { chains, has_momenta, .. } = open.outline;
        if positions.dim() != (chains, open.outline.dim()) || open.count >= open.outline.draws {
            return Err("the files are those of another run".into());
        }
        let is_bad = |row: usize| {
            snapshot.is_frozen(row) || positions.row(row).iter().any(|x| !x.is_finite())
        };
        let diverging: Vec<bool> = (0..chains).map(is_bad).collect();
        let momenta = snapshot.momenta().filter(|_| has_momenta);
        let mut log_density = None;
        if let Some(density) = self.drift.and_then(|drift| drift.density()) {
            let computed = log_density_of(density, positions);
            let named =
                |error| format!("the log density failed at step {}: {error}", snapshot.step);
            log_density = Some(computed.map_err(named)?);
        }
        let parts = log_density.as_ref().zip(momenta).zip(open.variance);
        let energy: Option<Vec<f64>> = parts.map(|((log, momenta), variance)| {
            log.iter().zip(kinetic(momenta, variance)).map(|(log, own)| -log + own).collect()
        });
        open.sink.push(&Frame {
            step: snapshot.step,
            positions,
            momenta,
            log_density: log_density.as_deref().map(ArrayView1::from),
            energy: energy.as_deref().map(ArrayView1::from),
            diverging: ArrayView1::from(&diverging),
        })?;
        open.count += 1;
        if open.shown.elapsed() >= open.wait {
            open.show(&self.about())?;
        }
        Ok(())
    }

    fn title(&self) -> String {
        let momenta = if self.wants_momenta { " with momenta" } else { "" };
        let start = if self.wants_start { " with the start" } else { "" };
        let log = if self.drift.is_some() { " with log densities" } else { "" };
        let format = Format::of(&self.path).map_or("", Format::name);
        format!("{} draws as {format}{momenta}{start}{log} {}", F::NAME, self.every.words())
    }

    fn saved(&mut self) -> Result<Vec<u8>, BoxError> {
        let mut to = Saving::of(&self.title());
        let about = self.about();
        let Some(open) = &mut self.open else { return Ok(to.0) };
        open.show(&about)?;
        let mark = open.sink.sync(open.count)?;
        let outline = &open.outline;
        let variance = open.variance.map(f64::to_bits);
        to.words([open.first, open.count as u64].into_iter());
        to.words([outline.chains, outline.draws, outline.dim()].map(|n| n as u64).into_iter());
        to.words([outline.first_chain, outline.has_momenta.into()].into_iter());
        to.words(variance.into_iter().collect::<Vec<_>>().into_iter());
        to.words(self.seed.into_iter().collect::<Vec<_>>().into_iter());
        to.words(mark.into_iter());
        Ok(to.0)
    }

    fn take_up(&mut self, saved: &[u8]) -> Result<()> {
        let mut from = Saved::of(&self.title(), saved)?;
        self.open = None;
        if from.is_at_end() {
            return Ok(());
        }
        let broken = || failure(&self.path, "the checkpoint tells nothing of it");
        let [first, count] = words(&mut from)?.ok_or_else(broken)?;
        let shape = words::<3>(&mut from)?.ok_or_else(broken)?;
        let [first_chain, momenta] = words(&mut from)?.ok_or_else(broken)?;
        let variance = from.words()?.first().map(|bits| f64::from_bits(*bits));
        let seed = from.words()?.first().copied();
        let mark = words(&mut from)?.ok_or_else(broken)?;
        from.end()?;
        let outline = self.outline(first_chain, shape.map(|n| n as usize), momenta == 1)?;
        let sink = Sink::reopen(&self.path, &outline, count as usize, mark)?;
        self.seed = seed;
        let mut open = Open::new(sink, outline, first, variance);
        open.count = count as usize;
        self.open = Some(open);
        Ok(())
    }
}

fn words<const N: usize>(from: &mut Saved<'_>) -> Result<Option<[u64; N]>> {
    Ok(from.words()?.try_into().ok())
}

impl<F: Real> Observer<F> for Stream<'_, F> {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.every.next(step))
    }

    fn looks_at_start(&self) -> bool {
        self.wants_start
    }

    fn observe(&mut self, snapshot: &Snapshot<'_, F>) -> Result<ControlFlow<()>, BoxError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(snapshot)?,
        };
        let taken = self.take(&mut open, snapshot);
        self.open = Some(open);
        taken.map_err(|error| named(&self.path, error))?;
        Ok(ControlFlow::Continue(()))
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        let saved = self.saved();
        Ok(Some(saved.map_err(|error| named(&self.path, error))?))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), BoxError> {
        Ok(self.take_up(saved)?)
    }
}

fn named(path: &Path, error: BoxError) -> BoxError {
    failure(path, error).into()
}
