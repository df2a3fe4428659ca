//! The answers that a step has been given so far, replayed as a drift and as a log density.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::drift::{Drift, LogDensity, Times};
use crate::error::{BoxError, Error, Result};
use crate::math::finite::all_finite;
use crate::real::Real;
use crate::state::column_major;

/// What a question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// The drift, or the prediction of a model: a row of numbers for every row.
    Drift,
    /// The log density: one number for every row. Only MALA and MALT want it.
    LogDensity,
}

/// What marks the rows of a question: times, or noise levels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Marks<T> {
    Shared(T),
    PerRow(Vec<T>),
}

/// A call that has no answer yet. Rows are column-major.
#[derive(Clone, Debug)]
pub(crate) struct Question<F, T> {
    pub wanted: Wanted,
    pub marks: Option<Marks<T>>,
    pub rows: usize,
    /// The chain of every row, or none if they are not known.
    pub chains: Vec<u32>,
    pub input: Vec<F>,
}

/// A call with its answer: numbers of a drift, or of a log density.
#[derive(Debug)]
struct Known<F, T> {
    question: Question<F, T>,
    drift: Vec<F>,
    density: Vec<f64>,
}

#[derive(Debug)]
struct Entries<F, T> {
    known: Vec<Known<F, T>>,
    open: Option<Question<F, T>>,
    /// Memory of earlier steps. New memory of this size costs more than what is done with it.
    spare: Vec<Vec<F>>,
}

/// The answers of one step. A call is recognised by its rows and marks, bit by bit: the answer to
/// the same rows is the same, whatever the order of the calls.
#[derive(Debug)]
pub(crate) struct Tape<F, T>(Mutex<Entries<F, T>>);

impl<F, T> Default for Tape<F, T> {
    fn default() -> Self {
        Self(Mutex::new(Entries { known: Vec::new(), open: None, spare: Vec::new() }))
    }
}

/// The error that stops a step at a call without an answer. Nobody outside of a stepper sees it.
#[derive(Debug, thiserror::Error)]
#[error("a question is open")]
struct Open;

impl<F: Real, T: Clone + PartialEq + Send> Tape<F, T> {
    fn entries(&self) -> MutexGuard<'_, Entries<F, T>> {
        // A panic in another thread leaves nothing half done here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The question that stopped the step, if one did.
    pub fn take_open(&self) -> Option<Question<F, T>> {
        self.entries().open.take()
    }

    /// Forgets all answers: the step is done.
    pub fn clear(&self) {
        let Entries { known, spare, .. } = &mut *self.entries();
        for Known { question, drift, .. } in known.drain(..) {
            spare.push(question.input);
            // The answer to a question for the density has none.
            spare.extend(Some(drift).filter(|drift| drift.capacity() > 0));
        }
    }

    /// Memory for numbers, with anything in it.
    pub fn spare(&self) -> Vec<F> {
        self.entries().spare.pop().unwrap_or_default()
    }

    /// Keeps an answer: numbers of a drift, column-major, or of a log density.
    pub fn keep(&self, question: Question<F, T>, drift: Vec<F>, density: Vec<f64>) {
        self.entries().known.push(Known { question, drift, density });
    }

    /// Calls `write` with the answer to these rows, or notes the question and fails.
    fn answer(
        &self,
        wanted: Wanted,
        marks: Option<Marks<T>>,
        chains: &[u32],
        x: ArrayView2<'_, F>,
        write: impl FnOnce(&[F], &[f64]),
    ) -> Result<(), BoxError> {
        let mut entries = self.entries();
        let is_asked = |known: &&Known<F, T>| {
            let question = &known.question;
            question.wanted == wanted
                && question.rows == x.nrows()
                && question.marks == marks
                && question.chains == chains
                && same_bits(&question.input, x)
        };
        if let Some(known) = entries.known.iter().find(is_asked) {
            write(&known.drift, &known.density);
            return Ok(());
        }
        if entries.open.is_none() {
            let mut input = entries.spare.pop().unwrap_or_default();
            input.resize(x.len(), F::zero());
            column_major(x, &mut input);
            let chains = chains.to_vec();
            entries.open = Some(Question { wanted, marks, rows: x.nrows(), chains, input });
        }
        Err(Box::new(Open))
    }

    /// Writes the answer to rows with these marks, or notes the question and fails.
    pub fn write(
        &self,
        marks: Marks<T>,
        chains: &[u32],
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let write = |drift: &[F], _: &[f64]| {
            if let Some(out) = out.view_mut().reversed_axes().as_slice_mut() {
                return out.copy_from_slice(drift);
            }
            let columns = out.columns_mut().into_iter().zip(drift.chunks(x.nrows().max(1)));
            for (mut column, answer) in columns {
                column.iter_mut().zip(answer).for_each(|(to, b)| *to = *b);
            }
        };
        self.answer(Wanted::Drift, Some(marks), chains, x, write)
    }
}

/// Whether rows are these column-major numbers.
fn same_bits<F: Real>(numbers: &[F], x: ArrayView2<'_, F>) -> bool {
    let is_other = |a: &F, b: &F| a.widen().to_bits() != b.widen().to_bits();
    if numbers.len() != x.len() {
        return false;
    }
    let Some(x) = x.reversed_axes().to_slice() else {
        return !numbers.iter().zip(x.t().iter()).any(|(a, b)| is_other(a, b));
    };
    // Without a branch for each number, so that vectors are compared.
    let mut pieces = numbers.chunks(256).zip(x.chunks(256));
    pieces.all(|(a, b)| !a.iter().zip(b).fold(false, |other, (a, b)| other | is_other(a, b)))
}

impl<F: Real> Drift<F> for Tape<F, f64> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.eval_chains(&[], times, x, out)
    }

    fn eval_chains(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let marks = match times {
            Times::Shared(time) => Marks::Shared(time),
            Times::PerRow(times) => Marks::PerRow(times.to_vec()),
        };
        self.write(marks, chains, x, out)
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        Some(self)
    }
}

impl<F: Real> LogDensity<F> for Tape<F, f64> {
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        self.answer(Wanted::LogDensity, None, &[], x, |_, density| out.copy_from_slice(density))
    }
}

/// The numbers of an answer, column-major, with the shape that the question asks for. They are
/// written over `numbers`.
///
/// # Errors
/// [`Error::Shape`] for another shape, [`Error::NonFinite`] for numbers that are not finite.
pub(crate) fn checked<F: Real, T>(
    question: &Question<F, T>,
    answer: ArrayView2<'_, F>,
    mut numbers: Vec<F>,
) -> Result<Vec<F>> {
    let width = question.input.len() / question.rows.max(1);
    if question.wanted != Wanted::Drift {
        return Err(misplaced("rows of numbers", "one log density for every row: tell_density"));
    }
    if answer.dim() != (question.rows, width) {
        let given = format!("{:?}", answer.dim());
        let expected = format!("({}, {width}), the shape of the question", question.rows);
        return Err(Error::Shape { what: "answer", given, expected });
    }
    numbers.resize(answer.len(), F::zero());
    column_major(answer, &mut numbers);
    if all_finite(&numbers) {
        return Ok(numbers);
    }
    let bad = answer.indexed_iter().find(|(_, x)| !x.is_finite());
    let [row, column] = bad.map_or([0; 2], |((row, column), _)| [row, column]);
    Err(Error::NonFinite { what: "answer", row, column })
}

/// The error of an answer where another one, or none, is wanted.
pub(crate) fn misplaced(given: &str, expected: &str) -> Error {
    Error::Value { option: "tell".into(), given: given.into(), expected: expected.into() }
}
