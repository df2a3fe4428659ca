//! A description with its numbers, compiled into programs.

use super::description::Description;
use super::embedding::Embedding;
use super::layers::Layer;
use super::program::{Op, Program, Store, compile};
use super::tensors::Tensors;
use crate::error::Result;
use crate::network::problem::wrong;

/// The most lanes of a block: four vectors of 16, with AVX-512. What a file may be does not depend
/// on the processor.
const LANES: usize = 64;
/// Working memory of a thread must stay below this.
const MOST_MIB: u64 = 256;

/// A network ready to run.
pub(super) struct Compiled {
    pub input: usize,
    pub store: Store,
    pub condition: Option<ConditionMaker>,
    pub program: Program,
}

/// How the condition is made of the time and the label.
pub(super) struct ConditionMaker {
    pub embedding: Embedding,
    pub program: Program,
    /// (classes + 1, width), row by row.
    table: Option<Vec<f32>>,
}

impl ConditionMaker {
    /// Adds the row of the table for the label of each of `lanes` conditions.
    #[inline(always)]
    pub(super) fn add_label(
        &self,
        label: impl Fn(usize) -> usize,
        condition: &mut [f32],
        lanes: usize,
    ) {
        let Some(table) = &self.table else { return };
        for lane in 0..lanes {
            let row = &table[label(lane) * self.program.output_width..];
            for (numbers, entry) in condition.chunks_exact_mut(lanes).zip(row) {
                numbers[lane] += entry;
            }
        }
    }
}

impl Compiled {
    pub(super) fn new(description: &Description, tensors: &mut Tensors<'_>) -> Result<Self> {
        let mut store = Store::default();
        let mut condition = None;
        if let Some(embedding) = &description.embedding {
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
        Ok(Self { input: description.input, store, condition, program })
    }

    /// Multiplications for a row in the layers from input to output, without the condition.
    pub(super) fn multiplications(&self) -> usize {
        let of = |op: &Op| {
            if let Op::Linear { layer, .. } = op { self.store.linears[*layer].size() } else { 0 }
        };
        self.program.ops.iter().map(of).sum()
    }
}
