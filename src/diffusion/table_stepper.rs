//! A table driven from outside: a step is one pass over the numbers, in place.

use std::fmt;

use ndarray::{ArrayView2, s};

use super::linear_sum::sum;
use super::step_table::{Combination, Evaluation, Outcome, StepTable};
use crate::error::{Error, Result, count};
use crate::math::aligned::Aligned;
use crate::math::finite::all_finite;
use crate::noise::{Address, Noise, Philox, Purpose};
use crate::real::Real;
use crate::run::unasked;

/// Drives a [`StepTable`] with a model of your own, in the fewest passes over memory.
///
/// ```
/// use langevin::ndarray::Array2;
/// use langevin::prelude::*;
///
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let table = "ddim".parse::<Method>()?.plan(&process, 20)?.step_table(Prediction::Epsilon)?;
/// let mut stepper = table.stepper::<f32>(100, 2, 7)?; // chains, dimension, seed
/// while let Some(query) = stepper.ask()? {
///     // Your network at rows and a timestep. Here it finds that all is noise.
///     let noise: Array2<f32> = query.rows().to_owned();
///     stepper.tell(noise.view())?;
/// }
/// assert_eq!(stepper.state().dim(), (100, 2));
/// # Ok::<(), Error>(())
/// ```
///
/// Memory is row by row, as networks have it. An answer in that layout is read once and not kept
/// where a step has one evaluation. The result is that of [`Plan::run`](super::Plan::run) with
/// the same seed, up to rounding; [`Plan::stepper`](super::Plan::stepper) gives the same bits, has
/// every method, and computes each step once more.
///
/// - Memory: the blocks of the state, the input of the model unless that is x itself, the normals
///   of a step, and all outputs of steps with several evaluations.
/// - Noise: [`Philox`] at the addresses of the table.
pub struct TableStepper<'t, F: Real> {
    table: &'t StepTable,
    noise: Philox,
    /// The numbers of the chains.
    chains: Vec<u32>,
    dim: usize,
    /// The blocks of the state, (chains, dim), row by row.
    state: Vec<Aligned<F>>,
    /// Steps that are complete.
    taken: usize,
    /// The outputs in this step so far, by evaluation and then by block.
    outputs: Vec<Aligned<F>>,
    /// The normals of this step.
    normals: Vec<Aligned<F>>,
    input: Aligned<F>,
    /// Whether a question waits for its answer, and whether it is about x itself.
    open: Option<bool>,
    spare: Vec<Aligned<F>>,
}

/// A question: the rows that the model has to be evaluated at, and what it is told.
#[derive(Clone, Copy, Debug)]
pub struct TableQuery<'q, F> {
    rows: ArrayView2<'q, F>,
    evaluation: &'q Evaluation,
}

impl<'q, F> TableQuery<'q, F> {
    /// What the model reads, (chains, dim), or (chains, 2·dim) of position and momentum. Row by
    /// row.
    pub fn rows(&self) -> ArrayView2<'q, F> {
        self.rows
    }

    /// The number that the model is told, and the level.
    pub fn evaluation(&self) -> &'q Evaluation {
        self.evaluation
    }
}

impl StepTable {
    /// A run of this table that is driven from outside, from normals of this seed.
    ///
    /// # Errors
    /// [`Error::Invalid`] without chains or dimensions, [`Error::Memory`] if memory cannot hold
    /// the state. [`Error::Value`] if a step draws a coin, as those of the Poisson midpoint do.
    pub fn stepper<F: Real>(
        &self,
        chains: usize,
        dim: usize,
        seed: u64,
    ) -> Result<TableStepper<'_, F>> {
        let mut stepper = TableStepper::new(self, chains, dim, seed)?;
        stepper.draw_block(0);
        Ok(stepper)
    }

    /// The same from these positions, (chains, dim), in the units of [`start`](Self::start).
    ///
    /// # Errors
    /// Those of [`stepper`](Self::stepper), and [`Error::NonFinite`] for NaN or infinity.
    pub fn stepper_at<F: Real>(
        &self,
        start: ArrayView2<'_, F>,
        seed: u64,
    ) -> Result<TableStepper<'_, F>> {
        let mut stepper = TableStepper::new(self, start.nrows(), start.ncols(), seed)?;
        stepper.check("start", start, start.ncols())?;
        stepper.state[0].iter_mut().zip(start).for_each(|(to, x)| *to = *x);
        Ok(stepper)
    }
}

impl<'t, F: Real> TableStepper<'t, F> {
    /// All blocks except the positions are drawn.
    fn new(table: &'t StepTable, chains: usize, dim: usize, seed: u64) -> Result<Self> {
        const EXPECTED: &str = "a whole number from 1 to 4294967295";
        count("chains", chains, 1, u32::MAX as usize, EXPECTED)?;
        count("dimension", dim, 1, u32::MAX as usize, EXPECTED)?;
        if let Some(row) = table.steps.iter().find(|row| row.outcomes.len() != 1) {
            let given = format!("step {} with {} outcomes", row.step, row.outcomes.len());
            let expected = "one outcome in every step; drive other plans by Plan::stepper".into();
            return Err(Error::Value { option: "step table".into(), given, expected });
        }
        let bytes = chains as u128 * dim as u128 * table.blocks as u128 * size_of::<F>() as u128;
        let too_large = || Error::Memory { chains, dim, bytes };
        let size = chains.checked_mul(dim).ok_or_else(too_large)?;
        let mut state = Vec::with_capacity(table.blocks);
        for _ in 0..table.blocks {
            let mut numbers = Aligned::new();
            numbers.try_reserve(size).map_err(|_| too_large())?;
            numbers.resize(size, F::zero());
            state.push(numbers);
        }
        let mut stepper = Self {
            table,
            noise: Philox::new(seed),
            chains: (0..chains as u32).collect(),
            dim,
            state,
            taken: 0,
            outputs: Vec::new(),
            normals: Vec::new(),
            input: Aligned::new(),
            open: None,
            spare: Vec::new(),
        };
        (1..table.blocks).for_each(|block| stepper.draw_block(block));
        Ok(stepper)
    }

    /// Draws a block of the state before the first step.
    fn draw_block(&mut self, block: usize) {
        let std = self.table.start[block];
        if std == 0.0 {
            return;
        }
        let mut numbers = std::mem::take(&mut self.state[block]);
        let purpose = if block == 0 { Purpose::Start } else { Purpose::Momentum };
        self.draw(Address::new(0, purpose, 0), 0, &mut numbers);
        let std = F::from_f64(std);
        numbers.iter_mut().for_each(|x| *x *= std);
        self.state[block] = numbers;
    }

    /// Takes steps until an evaluation is needed, and returns the question. `None` after the last
    /// step. Asked again before it is told, it returns the same question.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if a number became NaN or infinite.
    pub fn ask(&mut self) -> Result<Option<TableQuery<'_, F>>> {
        let table = self.table;
        let (outcome, k) = loop {
            let Some(row) = table.steps.get(self.taken) else { return Ok(None) };
            let [outcome] = &row.outcomes[..] else { return Ok(None) };
            let k = self.outputs.len() / table.model_blocks;
            if k == 0 && self.open.is_none() {
                self.draw_all(row.step, outcome);
            }
            if k < outcome.evaluations.len() {
                break (outcome, k);
            }
            self.finish(outcome, None)?;
        };
        let evaluation = &outcome.evaluations[k];
        let asks_for_x = match self.open {
            Some(asks_for_x) => asks_for_x,
            None => self.prepare(&evaluation.input),
        };
        self.open = Some(asks_for_x);
        let numbers = if asks_for_x { &self.state[0] } else { &self.input };
        let shape = (self.chains.len(), table.model_blocks * self.dim);
        let rows = ArrayView2::from_shape(shape, numbers).expect("the length is that of the shape");
        Ok(Some(TableQuery { rows, evaluation }))
    }

    /// Answers the question: the prediction for every row of it, in the same shape.
    ///
    /// # Errors
    /// [`Error::Value`] if no question is open, [`Error::Shape`] for another shape,
    /// [`Error::NonFinite`] for NaN or infinity. The question then stays open. Also
    /// [`Error::NonFinite`] if the state became NaN or infinite.
    pub fn tell(&mut self, prediction: ArrayView2<'_, F>) -> Result<()> {
        if self.open.is_none() {
            return Err(unasked());
        }
        let blocks = self.table.model_blocks;
        self.check("answer", prediction, blocks * self.dim)?;
        self.open = None;
        let [outcome] = &self.table.steps[self.taken].outcomes[..] else { return Ok(()) };
        let is_last = self.outputs.len() / blocks + 1 == outcome.evaluations.len();
        if let (true, 1, Some(numbers)) = (is_last, blocks, prediction.to_slice()) {
            return self.finish(outcome, Some(numbers));
        }
        for block in 0..blocks {
            let mut kept = self.spare.pop().unwrap_or_default();
            kept.clear();
            kept.extend(
                prediction.slice(s![.., block * self.dim..(block + 1) * self.dim]).iter().copied(),
            );
            self.outputs.push(kept);
        }
        if is_last { self.finish(outcome, None) } else { Ok(()) }
    }

    /// The positions after the last step that is complete, (chains, dim).
    pub fn state(&self) -> ArrayView2<'_, F> {
        let shape = (self.chains.len(), self.dim);
        ArrayView2::from_shape(shape, &self.state[0]).expect("the length is that of the shape")
    }

    /// The number of steps that are complete.
    pub fn steps(&self) -> usize {
        self.taken
    }

    fn check(&self, what: &'static str, rows: ArrayView2<'_, F>, width: usize) -> Result<()> {
        if rows.dim() != (self.chains.len(), width) {
            let given = format!("{:?}", rows.dim());
            let expected = format!("({}, {width})", self.chains.len());
            return Err(Error::Shape { what, given, expected });
        }
        if rows.as_slice_memory_order().is_some_and(all_finite) {
            return Ok(());
        }
        match rows.indexed_iter().find(|(_, x)| !x.is_finite()) {
            Some(((row, column), _)) => Err(Error::NonFinite { what, row, column }),
            None => Ok(()),
        }
    }

    /// Writes normals row by row.
    fn draw(&self, address: Address, block: usize, to: &mut [F]) {
        const ROWS: usize = 64;
        let dim = self.dim;
        let first = block * dim;
        let mut columns = Vec::new();
        for (chains, to) in self.chains.chunks(ROWS).zip(to.chunks_mut(ROWS * dim)) {
            let n = chains.len();
            // Coordinates of earlier blocks come first, as in a run.
            columns.resize((first + dim) * n, F::zero());
            self.noise.normals(address, chains, &mut columns);
            for (row, to) in to.chunks_exact_mut(dim).enumerate() {
                to.iter_mut().enumerate().for_each(|(j, x)| *x = columns[(first + j) * n + row]);
            }
        }
    }

    fn draw_all(&mut self, step: u32, outcome: &Outcome) {
        for input in &outcome.noise {
            let mut normals = self.spare.pop().unwrap_or_default();
            normals.resize(self.state[0].len(), F::zero());
            self.draw(Address::new(step, input.purpose, input.index), input.block, &mut normals);
            self.normals.push(normals);
        }
    }

    /// Writes what the model reads. Returns true if that is x itself.
    fn prepare(&mut self, input: &[Combination]) -> bool {
        let others: Vec<&[F]> =
            self.state.iter().chain(&self.outputs).chain(&self.normals).map(|of| &of[..]).collect();
        if let [of] = input {
            let factors: Vec<F> = factors(of);
            if factors[0] == F::one() && factors[1..].iter().all(|factor| *factor == F::zero()) {
                return true;
            }
            self.input.resize(self.state[0].len(), F::zero());
            sum(&mut [&mut self.input], &others, &[factors], false);
            return false;
        }
        let width = input.len() * self.dim;
        self.input.resize(self.chains.len() * width, F::zero());
        let mut block = Aligned::new();
        block.resize(self.state[0].len(), F::zero());
        for (b, of) in input.iter().enumerate() {
            sum(&mut [&mut block], &others, &[factors(of)], false);
            let rows = self.input.chunks_exact_mut(width).zip(block.chunks_exact(self.dim));
            rows.for_each(|(to, from)| to[b * self.dim..(b + 1) * self.dim].copy_from_slice(from));
        }
        false
    }

    /// Updates the state. `last` is the last output, unless it is kept.
    fn finish(&mut self, outcome: &Outcome, last: Option<&[F]>) -> Result<()> {
        let outputs = self.outputs.iter().map(|of| &of[..]).chain(last);
        let others: Vec<&[F]> = outputs.chain(self.normals.iter().map(|of| &of[..])).collect();
        let factors: Vec<Vec<F>> = outcome.update.iter().map(factors).collect();
        let mut state: Vec<&mut [F]> = self.state.iter_mut().map(|of| &mut of[..]).collect();
        let finite = sum(&mut state, &others, &factors, true);
        self.spare.append(&mut self.outputs);
        self.spare.append(&mut self.normals);
        self.taken += 1;
        if finite {
            return Ok(());
        }
        let numbers = self.state.iter().flat_map(|block| block.iter().enumerate());
        let bad = numbers.into_iter().find(|(_, x)| !x.is_finite()).map_or(0, |(at, _)| at);
        let [row, column] = [bad / self.dim, bad % self.dim];
        Err(Error::NonFinite { what: "state after an answer", row, column })
    }
}

/// Factors of the blocks, the outputs and the normals, in the order in which they are summed.
fn factors<F: Real>(of: &Combination) -> Vec<F> {
    let all = of.state.iter().chain(&of.outputs).chain(&of.noise);
    all.map(|factor| F::from_f64(*factor)).collect()
}

impl<F: Real> fmt::Debug for TableStepper<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableStepper")
            .field("chains", &self.chains.len())
            .field("dim", &self.dim)
            .field("steps", &self.taken)
            .finish_non_exhaustive()
    }
}
