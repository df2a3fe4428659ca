//! A run driven from outside: it asks for the drift at some points, is told it, and goes on.

use std::fmt;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::builder::Run;
use super::driver::Driver;
use super::samples::Samples;
use super::tape::{Marks, Question, Tape, Wanted, checked, misplaced};
use crate::drift::{Drift, Times};
use crate::error::{BoxError, Error, Result};
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::sampler::Sampler;
use crate::state::{State, columns};

/// A run that is driven from outside, for whoever evaluates the drift in a program of their own: on
/// another device, in another language, or between other work.
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let sampler = PoissonMidpoint::new(Underdamped::new(2.0, 1.0)?, 16)?;
/// let grid = TimeGrid::uniform(0.1, 20)?;
/// let run = Run::asking(&sampler, grid.clone()).start_normal(2).chains(5).seed(7);
/// let mut stepper = run.stepper()?;
/// while let Some(query) = stepper.ask()? {
///     let score = query.rows().mapv(|x: f64| -x); // of a standard normal, by your own code
///     stepper.tell(score.view())?;
/// }
/// let samples = stepper.samples();
///
/// let normal = GaussianMixture::isotropic(array![[0.0, 0.0]].view(), 1.0)?;
/// let usual = Run::new(&sampler, &normal, grid).start_normal(2).chains(5).seed(7).run()?;
/// assert!((&samples.positions() - &usual.positions()).iter().all(|off| off.abs() < 1e-12));
/// # Ok::<(), Error>(())
/// ```
///
/// It works for every sampler, because a step is a pure function of its state, its noise and the
/// answers. A step is computed with the answers known so far. At the first call without one it
/// stops, and the call becomes the question. After the answer the step is computed again from its
/// start. So a step with e evaluations is computed e + 1 times; of its e calls the drift is asked
/// each once. All chains are one batch.
///
/// The result is that of [`Run`] with the same options, bit for bit, if the answers are. A point
/// that a step visits twice is asked once.
pub struct Stepper<'a, F: Real> {
    driver: Driver<'a, F>,
    tape: Tape<F, f64>,
    open: Option<Question<F, f64>>,
}

/// A question: the points at which a step needs the drift, or the log density.
#[derive(Clone, Copy, Debug)]
pub struct Query<'q, F> {
    question: &'q Question<F, f64>,
}

impl<F: Real> Query<'_, F> {
    /// What is wanted of the rows.
    pub fn wanted(&self) -> Wanted {
        self.question.wanted
    }

    /// The points, (rows, columns), column-major. A drift of position and momentum together reads
    /// rows `[x | m]`.
    pub fn rows(&self) -> ArrayView2<'_, F> {
        let rows = self.question.rows;
        columns(&self.question.input, rows, self.question.input.len() / rows.max(1))
    }

    /// The chain of every row, for a drift that differs between chains. A chain may have several
    /// rows. Empty for a log density.
    pub fn chains(&self) -> &[u32] {
        &self.question.chains
    }

    /// The times of the points; 0 for a log density, which has none.
    pub fn times(&self) -> Times<'_> {
        match &self.question.marks {
            None => Times::Shared(0.0),
            Some(Marks::Shared(time)) => Times::Shared(*time),
            Some(Marks::PerRow(times)) => Times::PerRow(times),
        }
    }
}

impl<F: Real> Stepper<'_, F> {
    /// Takes steps until a value is needed that is not known, and returns the question. `None`
    /// after the last step. Asked again before it is told, it returns the same question.
    ///
    /// # Errors
    /// [`Error::Diverged`] if a chain became NaN or infinite, and others of
    /// [`Sampler::step`].
    pub fn ask(&mut self) -> Result<Option<Query<'_, F>>> {
        if self.open.is_none() {
            self.open = self.driver.question(&self.tape, &self.tape)?;
        }
        Ok(self.open.as_ref().map(|question| Query { question }))
    }

    /// Answers the question: the drift at every row of it, in the same shape.
    ///
    /// # Errors
    /// [`Error::Value`] if no question is open or it wants a log density, [`Error::Shape`] for
    /// another shape, [`Error::NonFinite`] for NaN or infinity. The question then stays open.
    pub fn tell(&mut self, drift: ArrayView2<'_, F>) -> Result<()> {
        let question = self.open.as_ref().ok_or_else(unasked)?;
        let numbers = checked(question, drift, self.tape.spare())?;
        self.keep(numbers, Vec::new());
        Ok(())
    }

    /// Answers a question for the log density, with one number for every row. −∞ means outside the
    /// support.
    ///
    /// # Errors
    /// [`Error::Value`] if no question is open or it wants the drift, [`Error::Shape`] for another
    /// number of rows, [`Error::NonFinite`] for NaN or +∞. The question then stays open.
    pub fn tell_density(&mut self, density: &[f64]) -> Result<()> {
        let question = self.open.as_ref().ok_or_else(unasked)?;
        if question.wanted != Wanted::LogDensity {
            return Err(misplaced("log densities", "the drift at every row: tell"));
        }
        if density.len() != question.rows {
            let given = density.len().to_string();
            let expected = format!("{}, one for every row of the question", question.rows);
            return Err(Error::Shape { what: "answer", given, expected });
        }
        let is_bad = |d: &f64| d.is_nan() || *d == f64::INFINITY;
        if let Some(row) = density.iter().position(is_bad) {
            return Err(Error::NonFinite { what: "answer", row, column: 0 });
        }
        self.keep(Vec::new(), density.to_vec());
        Ok(())
    }

    fn keep(&mut self, drift: Vec<F>, density: Vec<f64>) {
        if let Some(question) = self.open.take() {
            self.tape.keep(question, drift, density);
        }
    }

    /// The chains after the last step that is complete.
    pub fn state(&self) -> &State<F> {
        self.driver.complete()
    }

    /// The number of steps of the grid that are complete.
    pub fn steps(&self) -> usize {
        self.driver.taken()
    }

    /// The outcome so far, as that of a [`Run`]. A run [resumes](Run::resume) from it.
    pub fn samples(&self) -> Samples<F> {
        self.driver.samples()
    }
}

/// The error of an answer without a question.
pub(crate) fn unasked() -> Error {
    misplaced("an answer", "a question first: call ask")
}

impl<F: Real> fmt::Debug for Stepper<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepper")
            .field("steps", &self.steps())
            .field("is_open", &self.open.is_some())
            .finish_non_exhaustive()
    }
}

/// The drift of a run that is to be driven from outside.
struct Outside;

impl<F: Real> Drift<F> for Outside {
    fn eval(
        &self,
        _: Times<'_>,
        _: ArrayView2<'_, F>,
        _: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        Err("this run has no drift of its own: drive it by Run::stepper".into())
    }
}

impl<'a, F: Real> Run<'a, F> {
    /// A run without a drift, to be driven from outside by [`stepper`](Self::stepper).
    pub fn asking(sampler: impl Sampler<F> + 'a, grid: TimeGrid) -> Self {
        Self::with_precision(sampler, Outside, grid)
    }

    /// The same run, driven from outside. A drift that it has gives the number of columns and is
    /// not called. Threads and chunks have no effect.
    ///
    /// # Errors
    /// [`Error::NotTaken`] with observers, or if chains that are not finite are to be frozen or
    /// ignored. Errors of the start as for [`run`](Self::run).
    pub fn stepper(self) -> Result<Stepper<'a, F>> {
        let driver = Driver::new(self)?;
        Ok(Stepper { driver, tape: Tape::default(), open: None })
    }
}
