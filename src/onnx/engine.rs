//! The engine of ONNX networks: cuts the rows of a call into blocks, and spreads them over
//! sessions.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{ArrayView2, ArrayViewMut2};

use super::check::Alone;
use super::description::Names;
use super::graph::{Batch, Graph};
use super::pool::Pool;
use super::problem::wrong;
use crate::error::Result;
use crate::network::{Conditions, Engine, NamedInput};
use crate::real::Real;

/// Runs a network from an ONNX file.
pub struct OnnxEngine {
    pub(super) graph: Graph,
    pub(super) pool: Pool,
    pub(super) names: Names,
    pub(super) alone: Alone,
    pub(super) block: usize,
    pub(super) output: usize,
}

/// The rows of a call, gathered row by row.
struct Gathered {
    x: Vec<f32>,
    times: Vec<f64>,
    labels: Vec<i64>,
    /// The rows of each condition.
    named: Vec<Vec<f32>>,
}

impl OnnxEngine {
    /// The most rows of a call of ONNX Runtime.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Whether calls with fewer rows are filled up to [`block`](Self::block): N is a number in the
    /// file, or the bits of a row depend on the number of rows.
    pub fn fills_up(&self) -> bool {
        self.graph.fixed.is_some() || self.alone == Alone::InBlocks
    }

    /// All rows as f32, with their times and classes.
    fn gather<F: Real>(
        &self,
        conditions: Conditions<'_>,
        x: &ArrayView2<'_, F>,
    ) -> Result<Gathered> {
        let rows = x.nrows();
        let mut labels = Vec::new();
        if self.graph.has_labels() {
            for row in 0..rows {
                let Some(label) = conditions.labels.at(row).or(self.names.unlabelled) else {
                    let expected = "a label for every row: the network has no class for none";
                    return Err(wrong("label", "none", expected));
                };
                labels.push(label as i64);
            }
        }
        let mut named = Vec::new();
        for (values, input) in conditions.named.iter().zip(&self.graph.named) {
            let mut all = Vec::with_capacity(rows * input.width);
            for row in 0..rows {
                match (values.at(row), input.absent) {
                    (Some(numbers), _) => all.extend_from_slice(numbers),
                    (None, Some(number)) => all.extend(std::iter::repeat_n(number, input.width)),
                    (None, None) => {
                        let what = format!("condition {}", input.name);
                        let expected = "its numbers for every row: the network has none for none";
                        return Err(wrong(what, "none", expected));
                    }
                }
            }
            named.push(all);
        }
        let numbers = x.rows().into_iter().flatten().map(|x| x.widen() as f32);
        let times = (0..rows).map(|row| conditions.times.at(row)).collect();
        Ok(Gathered { x: numbers.collect(), times, labels, named })
    }

    /// The rows of each call of ONNX Runtime.
    fn blocks(&self, all: &Gathered) -> Vec<Range<usize>> {
        let rows = all.times.len();
        let mut blocks = Vec::new();
        let mut start = 0;
        while start < rows {
            let mut end = rows.min(start + self.block);
            if self.graph.shares() {
                let same = |row: &usize| {
                    all.times[*row].to_bits() == all.times[start].to_bits()
                        && all.labels.get(*row) == all.labels.get(start)
                        && self.graph.named.iter().zip(&all.named).all(|(input, numbers)| {
                            let of = |row: usize| &numbers[row * input.width..][..input.width];
                            of(*row) == of(start)
                        })
                };
                end = (start..end).take_while(same).count() + start;
            }
            blocks.push(start..end);
            start = end;
        }
        blocks
    }

    /// The output of the rows of one block.
    fn run_block(&self, all: &Gathered, rows: Range<usize>) -> Result<Vec<f32>> {
        let width = self.graph.input;
        let count = rows.len();
        let inputs = || self.graph.named.iter().zip(&all.named);
        if !self.fills_up() || count == self.block {
            let named: Vec<&[f32]> = inputs()
                .map(|(input, all)| &all[rows.start * input.width..rows.end * input.width])
                .collect();
            let batch = Batch {
                x: &all.x[rows.start * width..rows.end * width],
                times: &all.times[rows.clone()],
                labels: all.labels.get(rows.clone()).unwrap_or(&[]),
                named: &named,
            };
            return self.pool.with(|session| self.graph.run(session, batch));
        }
        // The last row fills the block.
        let places = || rows.clone().chain(std::iter::repeat_n(rows.end - 1, self.block - count));
        let filled = |numbers: &[f32], width: usize| -> Vec<f32> {
            places().flat_map(|row| &numbers[row * width..][..width]).copied().collect()
        };
        let x = filled(&all.x, width);
        let times: Vec<f64> = places().map(|row| all.times[row]).collect();
        let labels: Vec<i64> = places().filter_map(|row| all.labels.get(row)).copied().collect();
        let named: Vec<Vec<f32>> =
            inputs().map(|(input, numbers)| filled(numbers, input.width)).collect();
        let named: Vec<&[f32]> = named.iter().map(Vec::as_slice).collect();
        let batch = Batch { x: &x, times: &times, labels: &labels, named: &named };
        let mut said = self.pool.with(|session| self.graph.run(session, batch))?;
        said.truncate(count * self.output);
        Ok(said)
    }

    /// The outputs of all blocks, in their order.
    fn run_blocks(&self, all: &Gathered, blocks: &[Range<usize>]) -> Vec<Result<Vec<f32>>> {
        let threads = self.pool.most().min(blocks.len());
        if threads <= 1 {
            return blocks.iter().map(|block| self.run_block(all, block.clone())).collect();
        }
        let next = AtomicUsize::new(0);
        let work = || {
            let mut own = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(block) = blocks.get(number) else { return own };
                own.push((number, self.run_block(all, block.clone())));
            }
        };
        let mut said: Vec<_> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut said = work();
            for other in others {
                // A panic of one block is that of the call.
                said.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            said
        });
        said.sort_by_key(|(number, _)| *number);
        said.into_iter().map(|(_, said)| said).collect()
    }
}

impl Engine for OnnxEngine {
    fn input_width(&self) -> usize {
        self.graph.input
    }

    fn output_width(&self) -> usize {
        self.output
    }

    fn classes(&self) -> Option<usize> {
        self.names.classes
    }

    fn named_inputs(&self) -> &[NamedInput] {
        &self.graph.named
    }

    fn batch(&self) -> Option<usize> {
        Some(self.block * self.pool.most())
    }

    fn forward<F: Real>(
        &self,
        conditions: Conditions<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<()> {
        let all = self.gather(conditions, &x)?;
        let blocks = self.blocks(&all);
        let said = self.run_blocks(&all, &blocks);
        let width = self.graph.input;
        for (block, said) in blocks.into_iter().zip(said) {
            let said = said?;
            if said.len() != block.len() * self.output {
                let given = format!("{} numbers for {} rows", said.len(), block.len());
                return Err(wrong("output", given, format!("{} each", self.output)));
            }
            for (row, said) in block.zip(said.chunks_exact(self.output)) {
                let mut out = out.row_mut(row);
                // What a network makes of NaN can be finite.
                let given = &all.x[row * width..][..width];
                if given.iter().all(|x| x.is_finite()) && all.times[row].is_finite() {
                    out.iter_mut().zip(said).for_each(|(to, y)| *to = F::from_f64(f64::from(*y)));
                } else {
                    out.fill(F::nan());
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for OnnxEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxEngine")
            .field("graph", &self.graph)
            .field("block", &self.block)
            .field("threads", &self.pool.most())
            .finish_non_exhaustive()
    }
}
