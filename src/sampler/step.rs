//! One step of a chunk of chains: everything that a sampler reads and writes.

use std::fmt;

use super::cost::Cost;
use super::update::Coefficients;
use super::work::{Own, Work};
use crate::drift::{Drift, LogDensity, Times, eval_with};
use crate::error::{Error, Result};
use crate::grid::Interval;
use crate::math::aligned::Aligned;
use crate::noise::{Address, Noise, Purpose};
use crate::real::Real;
use crate::state::{State, columns, columns_mut};

/// One step: its interval, the chains, the drift and the noise.
///
/// The parts are separate fields, so a sampler can read one while it writes another:
///
/// ```text
/// let b = step.drift.at_start(step.state)?;                       b = b(X, t₀)
/// let z = step.noise.increment(step.state, &coefficients);        z ~ N(0, I)
/// step.state.update(&coefficients, b, z);                         X⁺ = A X + G b + C z
/// ```
#[derive(Debug)]
pub struct Step<'s, F: Real> {
    /// Number, start, length and end of the step.
    pub interval: Interval,
    /// The chains.
    pub state: &'s mut State<F>,
    /// The drift. It counts its evaluations.
    pub drift: Evaluator<'s, F>,
    /// The noise of this step.
    pub noise: StepNoise<'s, F>,
    /// The sampler's own working memory.
    pub own: &'s mut Own,
}

impl<'s, F: Real> Step<'s, F> {
    /// A step of these chains over this interval. `work` may come from any other step, or be new.
    /// Reusing it saves allocations.
    pub fn new(
        interval: Interval,
        drift: &'s dyn Drift<F>,
        noise: &'s dyn Noise<F>,
        state: &'s mut State<F>,
        work: &'s mut Work<F>,
    ) -> Self {
        work.chains.clear();
        work.chains.extend_from_slice(state.chains());
        let drift = Evaluator {
            drift,
            buffer: &mut work.drift,
            chains: &work.chains,
            numbers: &mut work.numbers,
            interval,
            cost: Cost::default(),
        };
        let buffer = &mut work.normals;
        let noise = StepNoise { noise, buffer, step: interval.index, drawn: false };
        Self { interval, state, drift, noise, own: &mut work.own }
    }

    /// The cost of the step so far.
    pub fn cost(&self) -> Cost {
        self.drift.cost
    }
}

/// The drift during a step. It evaluates the drift, counts the evaluations, and adds the place to
/// its errors.
pub struct Evaluator<'s, F: Real> {
    drift: &'s dyn Drift<F>,
    buffer: &'s mut Aligned<F>,
    /// The numbers of the chains of the step.
    chains: &'s [u32],
    /// Those of the rows of a call, where they are other ones.
    numbers: &'s mut Vec<u32>,
    interval: Interval,
    /// The cost so far. Samplers add what evaluations do not show: rounds, proposals, and planned
    /// calls that no chain needed.
    pub cost: Cost,
}

impl<'s, F: Real> Evaluator<'s, F> {
    /// b(X, t₀) for all chains at the start of the step, column-major, with the drift's number of
    /// columns. It costs one evaluation per chain and one batched call.
    ///
    /// # Errors
    /// [`Error::Drift`] if the drift fails.
    pub fn at_start(&mut self, state: &State<F>) -> Result<&[F]> {
        let width = state.layout().inputs() * state.dim();
        let mut buffer = std::mem::take(self.buffer);
        buffer.resize(state.len() * width, F::zero());
        let result =
            self.at(Times::Shared(self.interval.start), width, state.blocks(), &mut buffer);
        *self.buffer = buffer;
        result.map(|()| &self.buffer[..])
    }

    /// Evaluates b at points of `width` columns. Both `x` and `out` are column-major. The length of
    /// `out` gives the number of rows, and as many rows of `x` are read. The rows are those of all
    /// chains in their order, once or several times over. A drift that differs between chains is an
    /// error for other rows: see [`at_rows`](Self::at_rows).
    ///
    /// # Errors
    /// [`Error::Drift`] if the drift fails.
    pub fn at(&mut self, times: Times<'_>, width: usize, x: &[F], out: &mut [F]) -> Result<()> {
        let rows = out.len() / width.max(1);
        let all = self.chains;
        if rows == all.len() || rows == 0 {
            return self.call(Some(&all[..rows]), times, width, x, out);
        }
        if !rows.is_multiple_of(all.len()) {
            return self.call(None, times, width, x, out);
        }
        let mut numbers = std::mem::take(self.numbers);
        numbers.clear();
        numbers.extend((0..rows / all.len()).flat_map(|_| all));
        let result = self.call(Some(&numbers), times, width, x, out);
        *self.numbers = numbers;
        result
    }

    /// The same for some of the chains: `of` gives their rows in the state, one for each row of
    /// `x`.
    ///
    /// # Errors
    /// [`Error::Drift`] if the drift fails.
    pub fn at_rows(
        &mut self,
        of: impl Iterator<Item = usize>,
        times: Times<'_>,
        width: usize,
        x: &[F],
        out: &mut [F],
    ) -> Result<()> {
        let mut numbers = std::mem::take(self.numbers);
        numbers.clear();
        // Room for what a later step may need: with independent coins more rows than chains.
        numbers.reserve(2 * self.chains.len() + 64);
        numbers.extend(of.map(|row| self.chains[row]));
        let result = self.call(Some(&numbers), times, width, x, out);
        *self.numbers = numbers;
        result
    }

    /// One batched call.
    fn call(
        &mut self,
        chains: Option<&[u32]>,
        times: Times<'_>,
        width: usize,
        x: &[F],
        out: &mut [F],
    ) -> Result<()> {
        let rows = out.len() / width.max(1);
        self.cost.evaluations += rows as u64;
        self.cost.batched_calls += 1;
        // A drift that does not write every number must not get away with old ones.
        out.fill(F::nan());
        let out = columns_mut(out, rows, width);
        let result = eval_with(self.drift, chains, times, columns(x, rows, width), out);
        result.map_err(|source| self.failure(source))
    }

    /// b and the log density at points of all chains: one evaluation of each.
    pub(crate) fn with_density(
        &mut self,
        density: &dyn LogDensity<F>,
        times: Times<'_>,
        x: &[F],
        out: &mut [F],
        log: &mut [f64],
    ) -> Result<()> {
        let rows = log.len();
        let width = out.len() / rows;
        out.fill(F::nan());
        log.fill(f64::NAN);
        let points = columns(x, rows, width);
        let both = columns_mut(out, rows, width);
        let done = self.drift.eval_with_density(self.chains, times, points, both, log);
        if done.map_err(|source| self.failure(source))? {
            self.cost.evaluations += rows as u64;
            self.cost.batched_calls += 1;
            return Ok(());
        }
        self.at(times, width, x, out)?;
        density.log_density(points, log).map_err(|source| self.failure(source))
    }

    /// The threads that a call may be spread over: those of the run, within a step that
    /// [spreads its calls](super::Scheme::spreads_calls).
    pub(crate) fn threads(&self) -> usize {
        #[cfg(feature = "rayon")]
        if rayon::current_thread_index().is_some() {
            return rayon::current_num_threads();
        }
        1
    }

    /// One batched call with a time and a row of the state for each row, cut into pieces of this
    /// many rows. Each piece is column-major, and threads share them.
    pub(crate) fn at_pieces(
        &mut self,
        rows: PieceRows<'_>,
        width: usize,
        piece: usize,
        x: &[F],
        out: &mut [F],
    ) -> Result<()> {
        let times = rows.times;
        self.cost.evaluations += times.len() as u64;
        self.cost.batched_calls += 1;
        out.fill(F::nan());
        self.numbers.clear();
        self.numbers.extend(rows.of.iter().map(|row| self.chains[*row]));
        let drift = self.drift;
        let numbers = &self.numbers[..];
        let eval = |(((chains, times), x), out): Piece<'_, F>| {
            let rows = times.len();
            let times = Times::PerRow(times);
            let out = columns_mut(out, rows, width);
            drift.eval_chains(chains, times, columns(x, rows, width), out).err()
        };
        let size = piece * width;
        #[cfg(feature = "rayon")]
        let failure = if times.len() > piece {
            use rayon::prelude::*;
            let pieces = numbers.par_chunks(piece).zip(times.par_chunks(piece));
            let pieces = pieces.zip(x.par_chunks(size));
            pieces.zip(out.par_chunks_mut(size)).filter_map(eval).find_first(|_| true)
        } else {
            eval((((numbers, times), x), out))
        };
        #[cfg(not(feature = "rayon"))]
        let failure = {
            let pieces = numbers.chunks(piece).zip(times.chunks(piece)).zip(x.chunks(size));
            pieces.zip(out.chunks_mut(size)).find_map(eval)
        };
        failure.map_or(Ok(()), |source| Err(self.failure(source)))
    }

    /// The log density of the drift, if it has one.
    pub fn density(&self) -> Option<&'s dyn LogDensity<F>> {
        self.drift.density()
    }

    /// The drift itself, for a step inside this one.
    pub fn source(&self) -> &'s dyn Drift<F> {
        self.drift
    }

    /// Turns an error of the drift into the error of this step.
    pub fn failure(&self, source: crate::error::BoxError) -> Error {
        Error::Drift {
            chain: self.chains.first().map_or(0, |chain| u64::from(*chain)),
            step: u64::from(self.interval.index) + 1,
            time: self.interval.start,
            source,
        }
    }
}

/// Chains, times, rows and outputs of a piece, as iterators zip them.
type Piece<'p, F> = (((&'p [u32], &'p [f64]), &'p [F]), &'p mut [F]);

/// The rows of a call that is cut into pieces.
#[derive(Clone, Copy)]
pub(crate) struct PieceRows<'r> {
    pub times: &'r [f64],
    /// Their rows in the state.
    pub of: &'r [usize],
}

impl<F: Real> fmt::Debug for Evaluator<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluator").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// The noise of one step.
pub struct StepNoise<'s, F: Real> {
    noise: &'s dyn Noise<F>,
    buffer: &'s mut Aligned<F>,
    step: u32,
    drawn: bool,
}

impl<'s, F: Real> StepNoise<'s, F> {
    /// The normals for the increment of a step, one for every number of the updated blocks. The
    /// slice is empty for a deterministic update.
    pub(crate) fn increment(&mut self, state: &State<F>, coefficients: &Coefficients) -> &[F] {
        if !coefficients.is_noisy() {
            return &[];
        }
        self.normals(Purpose::Increment, 0, state.chains(), state.blocks().len())
    }

    /// Returns `count` standard normals for this purpose and draw `index`, column-major over the
    /// chains.
    pub fn normals(&mut self, purpose: Purpose, index: u32, chains: &[u32], count: usize) -> &[F] {
        self.drawn = true;
        self.buffer.resize(count, F::zero());
        self.noise.normals(Address::new(self.step, purpose, index), chains, self.buffer);
        self.buffer
    }

    /// Writes one uniform per chain for this purpose and draw `index`.
    pub fn uniforms(&self, purpose: Purpose, index: u32, chains: &[u32], out: &mut [f64]) {
        self.noise.uniforms(Address::new(self.step, purpose, index), chains, out);
    }

    /// Whether the step has drawn normals.
    pub(crate) fn was_drawn(&self) -> bool {
        self.drawn
    }

    /// The source of the noise, for a step inside this one.
    pub fn source(&self) -> &'s dyn Noise<F> {
        self.noise
    }
}

impl<F: Real> fmt::Debug for StepNoise<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepNoise").field("step", &self.step).finish_non_exhaustive()
    }
}
