//! What is computed of a file: the description with its numbers, compiled.

use super::description::{Description, Layer, wrong};
use super::kernel::{Forward, Numbers, Rows, Scratch};
use super::program::{Op, Program, Store, compile};
use super::tensors::Tensors;
use super::time::Embedding;
use crate::drift::ScratchPool;
use crate::error::Result;
use crate::math::simd;

/// The most lanes of a block: four vectors of 16, with AVX-512. What a file may be does not depend
/// on the processor.
const LANES: usize = 64;
/// Working memory of a thread must stay below this.
const MOST_MIB: u64 = 256;

/// A network ready to run.
#[derive(Clone)]
pub(super) struct Model {
    pub input: usize,
    pub store: Store,
    pub condition: Option<ConditionMaker>,
    pub program: Program,
    scratch: ScratchPool<Scratch>,
}

/// How the condition is made of the time and the label.
#[derive(Clone)]
pub(super) struct ConditionMaker {
    pub embedding: Embedding,
    pub program: Program,
    /// (classes + 1, width), row by row.
    table: Option<Vec<f32>>,
}

impl ConditionMaker {
    /// Adds a row of the table to `lanes` conditions.
    #[inline(always)]
    pub(super) fn add_label(&self, label: usize, condition: &mut [f32], lanes: usize) {
        if let Some(table) = &self.table {
            let row = &table[label * self.program.output_width..];
            for (numbers, entry) in condition.chunks_exact_mut(lanes).zip(row) {
                numbers.iter_mut().for_each(|c| *c += entry);
            }
        }
    }
}

impl Model {
    pub(super) fn new(description: &Description, tensors: &mut Tensors<'_>) -> Result<Self> {
        let mut store = Store::default();
        let mut condition = None;
        if let Some((_, embedding)) = &description.time {
            let embedding = Embedding::new(embedding, tensors)?;
            let layers: &[Layer] = &description.condition;
            let program =
                compile(&mut store, tensors, "condition", layers, embedding.width(), None)?;
            let mut table = None;
            if let Some((name, classes)) = &description.labels {
                let shape = [Some(classes + 1), Some(program.output_width)];
                let letters = "(classes + 1, width of the condition)";
                table = Some(tensors.read(&format!("{name}.weight"), &shape, letters)?.1);
            }
            condition = Some(ConditionMaker { embedding, program, table });
        }
        let width = condition.as_ref().map(|maker| maker.program.output_width);
        let program =
            compile(&mut store, tensors, "layers", &description.layers, description.input, width)?;
        let made = condition.as_ref().map_or(0, |maker| maker.program.room());
        let bytes = (4 * LANES as u64).saturating_mul(made.saturating_add(program.room()));
        if bytes >= MOST_MIB << 20 {
            let given = format!("{} MiB of working memory for {LANES} rows", bytes >> 20);
            let expected = format!(
                "less than {MOST_MIB} MiB: narrower layers, or fewer residuals inside each other"
            );
            return Err(wrong("layers and condition", given, expected));
        }
        Ok(Self {
            input: description.input,
            store,
            condition,
            program,
            scratch: ScratchPool::default(),
        })
    }

    /// Multiplications for a row in the layers from input to output, without the condition.
    pub(super) fn multiplications(&self) -> usize {
        let of = |op: &Op| {
            if let Op::Linear { layer, .. } = op { self.store.linears[*layer].size() } else { 0 }
        };
        self.program.ops.iter().map(of).sum()
    }

    /// Runs over all rows; `label` is a row of the table.
    pub(super) fn run(&self, numbers: Numbers<'_>, label: usize, rows: &mut dyn Rows) {
        self.scratch.with(|scratch| {
            simd::dispatch_simd(Forward { model: self, numbers, label, rows, scratch })
        });
    }
}
