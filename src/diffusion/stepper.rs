//! A plan driven from outside: it asks for the prediction of a model at some rows, is told it, and
//! goes on.

use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::denoiser::{Denoiser, Levels};
use super::face::{Face, check_input, scale_rows};
use super::plan::Plan;
use super::prediction::Prediction;
use super::process::Process;
use super::psld::Factor;
use super::schedule::Level;
use crate::drift::batch::in_columns;
use crate::drift::{Drift, Times};
use crate::error::{BoxError, Result};
use crate::math::aligned::Aligned;
use crate::real::Real;
use crate::run::{Driver, Marks, Question, Run, Samples, Tape, checked, unasked};
use crate::scratch::ScratchPool;
use crate::state::{State, column_major, columns};

/// How a model outside sees noised data: what it predicts from the state of the run, or the
/// [`Face`] of a network of another process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// It reads y = √ᾱ x₀ + √(1−ᾱ) ε, or position and momentum, and predicts this.
    State(Prediction),
    /// It reads, is told and predicts what its face says.
    Face(Face),
}

impl From<Prediction> for Seen {
    fn from(prediction: Prediction) -> Self {
        Self::State(prediction)
    }
}

impl From<Face> for Seen {
    fn from(face: Face) -> Self {
        Self::Face(face)
    }
}

impl Seen {
    /// How the customary network of a process sees: ε from the state, of the lower factor in phase
    /// space, or the [`Face`] of flow matching, EDM (σ_d = 0.5) or a variance-exploding process.
    pub fn customary(process: &Process) -> Self {
        match process {
            Process::Vp(_) => Self::State(Prediction::Epsilon),
            Process::Flow(_) => Self::Face(Face::flow()),
            Process::Edm(_) => Self::Face(Face::edm(0.5)),
            Process::Ve(_) => Self::Face(Face::ve()),
            Process::Psld(..) => Self::State(Prediction::JointEpsilon(Factor::Lower)),
        }
    }

    /// What the model predicts.
    pub fn prediction(self) -> Prediction {
        match self {
            Self::State(prediction) => prediction,
            Self::Face(face) => face.prediction,
        }
    }

    /// The number that tells the model a level. Without a face it is that of the process: the
    /// 0-based timestep of a table, t of flow matching, σ, or t = τ/β in phase space (τ if the rate
    /// is not constant). A model of data alone is told σ in phase space.
    pub(super) fn number(self, process: &Process, level: Level) -> f64 {
        match (self, process) {
            (Self::Face(face), _) => face.told.number(level),
            (_, Process::Vp(table)) => table.timestep(level),
            (_, Process::Flow(_)) => level.flow_time(),
            (_, Process::Edm(_) | Process::Ve(_)) => level.sigma(),
            (Self::State(other), Process::Psld(..)) if !other.is_joint() => level.sigma(),
            (_, Process::Psld(_, beta)) => level.tau() / beta.rate().unwrap_or(1.0),
        }
    }
}

/// A run of a plan whose model lives outside: on another device, in another language, or in a loop
/// of your own.
///
/// ```
/// use langevin::ndarray::Array2;
/// use langevin::prelude::*;
///
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let plan = "sde-dpmpp2m".parse::<Method>()?.plan(&process, 20)?;
/// let mut stepper =
///     plan.stepper(Prediction::Epsilon, |run| run.start_normal(2).chains(100).seed(7))?;
/// while let Some(query) = stepper.ask()? {
///     // Your network at rows and timesteps. Here the exact noise of data N(0, 1) is √(1−ᾱ) x.
///     let x: Array2<f64> = query.rows().to_owned();
///     let noise = Array2::from_shape_fn(x.dim(), |(i, j)| query.level(i).noise() * x[[i, j]]);
///     stepper.tell(noise.view())?;
/// }
/// let samples = stepper.samples();
/// assert_eq!((samples.steps, samples.positions().dim()), (20, (100, 2)));
/// # Ok::<(), Error>(())
/// ```
///
/// Predictions are converted, and models of data lifted to phase space, as in
/// [`Plan::run`]: the result is that of the run, bit for bit, if the answers are. Labels, guidance
/// and the device are yours. Cost and mechanism are those of [`Stepper`](crate::run::Stepper).
pub struct PlanStepper<'a, F: Real> {
    driver: Driver<'a, F>,
    drift: Box<dyn Drift<F> + 'a>,
    tape: Arc<Tape<F, Level>>,
    process: Process,
    seen: Seen,
    open: Option<Asked<F>>,
}

/// An open question, and the numbers that tell its levels.
struct Asked<F> {
    question: Question<F, Level>,
    numbers: Vec<f64>,
}

/// A question: the rows that the model has to be evaluated at, and their levels.
pub struct PlanQuery<'q, F> {
    asked: &'q Asked<F>,
}

impl<F: Real> PlanQuery<'_, F> {
    /// What the model reads, (rows, columns), column-major.
    pub fn rows(&self) -> ArrayView2<'_, F> {
        let Question { rows, input, .. } = &self.asked.question;
        columns(input, *rows, input.len() / rows.max(&1))
    }

    /// The chain of every row, for a model that differs between chains, as with labels. A chain may
    /// have several rows.
    pub fn chains(&self) -> &[u32] {
        &self.asked.question.chains
    }

    /// The noise levels of the rows.
    pub fn levels(&self) -> Levels<'_> {
        match &self.asked.question.marks {
            Some(Marks::Shared(level)) => Levels::Shared(*level),
            Some(Marks::PerRow(levels)) => Levels::PerRow(levels),
            None => Levels::Shared(Level::CLEAN),
        }
    }

    /// The noise level of a row.
    ///
    /// # Panics
    /// If there are levels per row and fewer than `row` + 1 of them.
    pub fn level(&self, row: usize) -> Level {
        self.levels().at(row)
    }

    /// The numbers that tell the model the levels: what its [`Face`] says, or else 0-based
    /// timesteps of a table, which need not be whole between its levels, t of flow matching, σ, or
    /// t = τ/β in phase space.
    pub fn numbers(&self) -> Times<'_> {
        match (&self.asked.question.marks, &self.asked.numbers[..]) {
            (Some(Marks::Shared(_)), [number]) => Times::Shared(*number),
            (_, numbers) => Times::PerRow(numbers),
        }
    }
}

/// The model of the run: it hands its calls to the tape.
struct Outside<F: Real> {
    tape: Arc<Tape<F, Level>>,
    seen: Seen,
    scratch: ScratchPool<Aligned<F>>,
}

fn marks_of(levels: Levels<'_>) -> Marks<Level> {
    match levels {
        Levels::Shared(level) => Marks::Shared(level),
        Levels::PerRow(levels) => Marks::PerRow(levels.to_vec()),
    }
}

impl<F: Real> Outside<F> {
    /// What a caller with a face of its own sees and says.
    fn through_face(
        &self,
        face: Face,
        chains: &[u32],
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_input(face.input, levels)?;
        let [rows, width] = [x.nrows(), x.ncols()];
        self.scratch.with(|input| {
            input.resize(x.len(), F::zero());
            column_major(x, input);
            scale_rows(levels, rows, input, |level| face.input.factor(level));
            let points = columns(input, rows, width);
            self.tape.write(marks_of(levels), chains, points, out.view_mut())
        })?;
        if face.prediction == Prediction::Score {
            let factor = |level: Level| face.input.score_factor(level);
            in_columns(out, |rows, answer| scale_rows(levels, rows, answer, factor));
        }
        Ok(())
    }
}

impl<F: Real> Denoiser<F> for Outside<F> {
    fn prediction(&self) -> Prediction {
        self.seen.prediction()
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.predict_chains(&[], levels, x, out)
    }

    fn predict_chains(
        &self,
        chains: &[u32],
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        match self.seen {
            Seen::Face(face) => self.through_face(face, chains, levels, x, out),
            _ => self.tape.write(marks_of(levels), chains, x, out),
        }
    }
}

impl Plan {
    /// A run of this plan that is driven from outside. `run` sets the options of the run: its
    /// start, chains and seed.
    ///
    /// # Errors
    /// As for [`drift`](Self::drift) and [`Run::stepper`].
    pub fn stepper<'a, F: Real>(
        &self,
        seen: impl Into<Seen>,
        run: impl FnOnce(Run<'a, F>) -> Run<'a, F>,
    ) -> Result<PlanStepper<'a, F>> {
        let seen = seen.into();
        let tape = Arc::default();
        let drift =
            self.drift(Outside { tape: Arc::clone(&tape), seen, scratch: ScratchPool::default() })?;
        let asking = Run::asking(self.sampler::<F>()?, self.grid().clone());
        let driver = Driver::new(run(asking))?;
        Ok(PlanStepper { driver, drift, tape, process: self.process().clone(), seen, open: None })
    }
}

impl<F: Real> PlanStepper<'_, F> {
    /// Takes steps until a prediction is needed that is not known, and returns the question. `None`
    /// after the last step. Asked again before it is told, it returns the same question.
    ///
    /// # Errors
    /// As for [`Stepper::ask`](crate::run::Stepper::ask).
    pub fn ask(&mut self) -> Result<Option<PlanQuery<'_, F>>> {
        if self.open.is_none() {
            let question = self.driver.question(&*self.drift, &self.tape)?;
            self.open = question.map(|question| self.asked(question));
        }
        Ok(self.open.as_ref().map(|asked| PlanQuery { asked }))
    }

    fn asked(&self, question: Question<F, Level>) -> Asked<F> {
        let number = |level: &Level| self.seen.number(&self.process, *level);
        let numbers = match &question.marks {
            Some(Marks::Shared(level)) => vec![number(level)],
            Some(Marks::PerRow(levels)) => levels.iter().map(number).collect(),
            None => Vec::new(),
        };
        Asked { question, numbers }
    }

    /// Answers the question: the prediction for every row of it, in the same shape.
    ///
    /// # Errors
    /// As for [`Stepper::tell`](crate::run::Stepper::tell).
    pub fn tell(&mut self, prediction: ArrayView2<'_, F>) -> Result<()> {
        let asked = self.open.as_ref().ok_or_else(unasked)?;
        let numbers = checked(&asked.question, prediction, self.tape.spare())?;
        if let Some(Asked { question, .. }) = self.open.take() {
            self.tape.keep(question, numbers, Vec::new());
        }
        Ok(())
    }

    /// The chains after the last step that is complete.
    pub fn state(&self) -> &State<F> {
        self.driver.complete()
    }

    /// The number of steps of the grid that are complete.
    pub fn steps(&self) -> usize {
        self.driver.taken()
    }

    /// The outcome so far, as that of a [`Run`].
    pub fn samples(&self) -> Samples<F> {
        self.driver.samples()
    }
}

impl<F: Real> fmt::Debug for PlanQuery<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanQuery").field("numbers", &self.numbers()).finish_non_exhaustive()
    }
}

impl<F: Real> fmt::Debug for PlanStepper<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanStepper")
            .field("steps", &self.steps())
            .field("seen", &self.seen)
            .field("is_open", &self.open.is_some())
            .finish_non_exhaustive()
    }
}
