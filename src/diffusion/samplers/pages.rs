//! What a windowed sampler remembers of every chain: its window, the stored outputs of the model,
//! and the rows of the next call.

use std::ops::Range;
use std::sync::Mutex;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::drift::{Drift, Times};
use crate::error::{BoxError, Result};
use crate::math::aligned::Aligned;
use crate::noise::{Address, Noise, Purpose};
use crate::real::Real;
use crate::sampler::{Evaluator, PieceRows};

/// The steps of a chain that are open: their outputs are stored, and not yet known to be right.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    /// The first open step.
    pub start: usize,
    /// The step after the last open one.
    pub end: usize,
    /// The steps that the last call settled.
    pub settled: usize,
    /// The row of its first step in the call.
    first: usize,
}

/// The stored outputs of all chains of a chunk, and the rows of the next call.
#[derive(Debug, Default)]
pub(super) struct Pages<F> {
    /// Steps of a window.
    window: usize,
    /// Numbers of a row of the model.
    width: usize,
    /// One for each chain.
    pub spans: Vec<Span>,
    /// The step that is replayed, and the chains that take it.
    pub step: usize,
    pub active: Vec<usize>,
    /// Whether the inputs of the model are noted for the next call.
    pub notes: bool,
    /// Output of step i of chain c: number j is at ((i mod window) width + j) chains + c.
    outputs: Aligned<F>,
    call: Call<F>,
    drawn: Drawn<F>,
}

/// The normals that open steps have drawn. A step is scanned many times, and draws the same ones.
#[derive(Debug, Default)]
struct Drawn<F> {
    /// Normals of a row, or 0 if nothing is drawn yet.
    width: usize,
    /// Which step they belong to, plus 1, for every slot of the window and every chain.
    steps: Vec<usize>,
    /// Laid out as the outputs.
    normals: Aligned<F>,
}

/// The rows of a call, in pieces that are column-major each.
#[derive(Debug, Default)]
struct Call<F> {
    rows: usize,
    piece: usize,
    times: Vec<f64>,
    /// The chain of every row.
    chains: Vec<usize>,
    inputs: Aligned<F>,
    outputs: Aligned<F>,
}

impl<F> Call<F> {
    /// Where a row begins, and how far apart its numbers are.
    fn place(&self, row: usize, width: usize) -> (usize, usize) {
        let before = row / self.piece * self.piece;
        let rows = self.piece.min(self.rows - before);
        (before * width + row - before, rows)
    }
}

impl<F: Real> Pages<F> {
    /// Opens the first window of every chain.
    pub fn begin(&mut self, chains: usize, width: usize, window: usize, steps: &Range<usize>) {
        self.window = window;
        self.width = width;
        let open = Span { start: steps.start, end: steps.start, ..Span::default() };
        self.spans.clear();
        self.spans.resize(chains, open);
        self.outputs.clear();
        self.outputs.resize(window * width * chains, F::zero());
        self.drawn.width = 0;
    }

    /// Moves every window to its first open step. Steps that enter it take the last output as a
    /// guess. Then lays out the rows of the next call. Returns false if no step is open.
    pub fn slide(&mut self, last: usize, threads: usize) -> bool {
        let chains = self.spans.len();
        let mut rows = 0;
        self.call.chains.clear();
        for chain in 0..chains {
            let Span { start, end, .. } = self.spans[chain];
            let until = (start + self.window).min(last);
            for step in end..until {
                let from = (step + self.window - 1) % self.window * self.width;
                let to = step % self.window * self.width;
                for j in 0..self.width {
                    self.outputs[(to + j) * chains + chain] =
                        self.outputs[(from + j) * chains + chain];
                }
            }
            self.spans[chain] = Span { start, end: until, settled: 0, first: rows };
            rows += until - start;
            self.call.chains.resize(rows, chain);
        }
        let call = &mut self.call;
        call.rows = rows;
        // A call of few rows is not worth a thread.
        call.piece = rows.div_ceil(threads).next_multiple_of(16).max(32);
        call.times.resize(rows, 0.0);
        call.inputs.resize(rows * self.width, F::zero());
        call.outputs.resize(rows * self.width, F::zero());
        rows > 0
    }

    /// The steps from the first to the last that any chain has to take.
    pub fn steps(&self, of: impl Fn(&Span) -> Range<usize>) -> Range<usize> {
        let ranges = || self.spans.iter().map(&of).filter(|steps| !steps.is_empty());
        let first = ranges().map(|steps| steps.start).min().unwrap_or(0);
        first..ranges().map(|steps| steps.end).max().unwrap_or(0)
    }

    /// Chooses the chains that take a step.
    pub fn choose(&mut self, step: usize, of: impl Fn(&Span) -> Range<usize>) {
        self.step = step;
        self.active.clear();
        let spans = self.spans.iter().enumerate();
        self.active.extend(spans.filter(|(_, span)| of(span).contains(&step)).map(|(i, _)| i));
    }

    /// One batched call of the model for all open steps.
    pub fn call(&mut self, drift: &mut Evaluator<'_, F>) -> Result<()> {
        let Call { piece, times, chains, inputs, outputs, .. } = &mut self.call;
        let rows = PieceRows { times, of: chains };
        drift.at_pieces(rows, self.width, *piece, inputs, outputs)
    }

    /// Settles the steps whose outputs the call did not change, and the next one: it stands at the
    /// right place, so its new output is right. Stores the new outputs.
    pub fn settle(&mut self, tolerance: f64) {
        let chains = self.spans.len();
        for (chain, span) in self.spans.iter_mut().enumerate() {
            let mut same = true;
            for step in span.start..span.end {
                let (at, stride) = self.call.place(span.first + step - span.start, self.width);
                let old = step % self.window * self.width;
                span.settled += usize::from(same);
                for j in 0..self.width {
                    let new = self.call.outputs[at + j * stride];
                    let stored = &mut self.outputs[(old + j) * chains + chain];
                    same = same && is_same(new, *stored, tolerance);
                    *stored = new;
                }
            }
        }
    }

    fn eval(&mut self, times: Times<'_>, x: ArrayView2<'_, F>, mut out: ArrayViewMut2<'_, F>) {
        let chains = self.spans.len();
        let slot = self.step % self.window * self.width;
        for (row, chain) in self.active.iter().enumerate() {
            for (j, b) in out.row_mut(row).iter_mut().enumerate() {
                *b = self.outputs[(slot + j) * chains + chain];
            }
            if self.notes {
                let span = self.spans[*chain];
                let noted = span.first + self.step - span.start;
                let (at, stride) = self.call.place(noted, self.width);
                self.call.times[noted] = times.at(row);
                for (j, x) in x.row(row).iter().enumerate() {
                    self.call.inputs[at + j * stride] = *x;
                }
            }
        }
    }
}

impl<F: Real> Pages<F> {
    /// Whether a draw is the increment of the step that is replayed, of the chains that take it.
    fn is_increment(&self, address: Address, chains: usize) -> bool {
        let is_first = address.purpose() == Purpose::Increment && address.index() == 0;
        is_first && address.step() as usize == self.step && chains == self.active.len()
    }

    /// Writes the normals of the step, if all of its chains have drawn them before.
    fn recall(&self, out: &mut [F]) -> bool {
        let chains = self.spans.len();
        let slot = self.step % self.window;
        let Drawn { width, steps, normals } = &self.drawn;
        let is_known = |chain: &usize| steps[slot * chains + chain] == self.step + 1;
        let rows = self.active.len();
        if *width == 0 || width * rows != out.len() || !self.active.iter().all(is_known) {
            return false;
        }
        for (j, column) in out.chunks_exact_mut(rows).enumerate() {
            let from = &normals[(slot * width + j) * chains..][..chains];
            column.iter_mut().zip(&self.active).for_each(|(z, chain)| *z = from[*chain]);
        }
        true
    }

    /// Keeps the normals of the step.
    fn keep(&mut self, out: &[F]) {
        let chains = self.spans.len();
        let rows = self.active.len();
        let Drawn { width, steps, normals } = &mut self.drawn;
        if *width == 0 {
            *width = out.len() / rows;
            steps.clear();
            steps.resize(self.window * chains, 0);
            normals.resize(self.window * *width * chains, F::zero());
        }
        if *width * rows != out.len() {
            return;
        }
        let slot = self.step % self.window;
        for (j, column) in out.chunks_exact(rows).enumerate() {
            let to = &mut normals[(slot * *width + j) * chains..][..chains];
            self.active.iter().zip(column).for_each(|(chain, z)| to[*chain] = *z);
        }
        self.active.iter().for_each(|chain| steps[slot * chains + chain] = self.step + 1);
    }
}

/// Whether two numbers have the same bits, or differ by no more than the tolerance.
fn is_same<F: Real>(new: F, old: F, tolerance: f64) -> bool {
    let [new, old] = [new.widen(), old.widen()];
    new.to_bits() == old.to_bits() || (tolerance > 0.0 && (new - old).abs() <= tolerance)
}

/// The stored outputs as a drift: whatever the chains are, it returns what is stored for the step.
#[derive(Debug, Default)]
pub(super) struct Replay<F>(Mutex<Pages<F>>);

impl<F> Replay<F> {
    /// The pages, which nobody else reads now.
    pub fn pages(&mut self) -> &mut Pages<F> {
        self.0.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<F: Real> Drift<F> for Replay<F> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let mut pages = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if x.dim() != (pages.active.len(), pages.width) || out.dim() != x.dim() {
            return Err("a windowed sampler evaluates every chain once in a step".into());
        }
        pages.eval(times, x, out);
        Ok(())
    }
}

/// Another source of noise, with the normals of open steps kept.
pub(super) struct Kept<'n, F: Real> {
    pub source: &'n dyn Noise<F>,
    pub replay: &'n Replay<F>,
}

impl<F: Real> Noise<F> for Kept<'_, F> {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]) {
        let mut pages = self.replay.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !pages.is_increment(address, chains.len()) {
            self.source.normals(address, chains, out);
        } else if !pages.recall(out) {
            self.source.normals(address, chains, out);
            pages.keep(out);
        }
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        self.source.uniforms(address, chains, out);
    }
}
