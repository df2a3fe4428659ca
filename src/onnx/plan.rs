//! An ONNX file made ready to run on blocks of rows of one size, by tract.

use std::path::Path;
use std::sync::Arc;

use tract_onnx::data_resolver::FopenDataResolver;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

use super::problem::{guarded, wrong};
use super::signature::Signature;
use crate::error::Result;

/// A network for blocks of `rows` rows.
#[derive(Clone)]
pub(super) struct Plan {
    runnable: Arc<TypedRunnableModel>,
    /// t is the first of two inputs.
    time_first: bool,
    time: bool,
    pub rows: usize,
    pub input: usize,
    pub output: usize,
}

/// The graph of a file; weights outside the file are looked for in the folder.
pub(super) fn read(bytes: &[u8], folder: Option<&Path>) -> Result<InferenceModel> {
    let mut onnx = tract_onnx::onnx();
    // No memory maps: a file may change while it is read.
    onnx.provider = Arc::new(FopenDataResolver);
    let parsed = guarded("reading it", || {
        let proto = onnx.proto_model_for_read(&mut &*bytes)?;
        onnx.parse(&proto, folder.and_then(Path::to_str))
    })?;
    let unknown: Vec<_> = parsed.model.nodes().iter().map(|node| node.op.name()).collect();
    if let Some(name) = unknown.iter().find_map(|name| name.strip_prefix("Unimplemented(")) {
        return Err(wrong(
            "graph",
            format!("the operator {}", name.trim_end_matches(')')),
            "one that tract has",
        ));
    }
    match parsed.unresolved_inputs.first() {
        Some(name) => Err(wrong(
            "graph",
            format!("the value `{name}`, which nothing makes"),
            "a complete graph",
        )),
        None => Ok(parsed.model),
    }
}

impl Plan {
    /// Fixes N. `square` is whether the output must be as wide as x.
    pub(super) fn new(
        file: &InferenceModel,
        signature: &Signature,
        rows: usize,
        square: bool,
    ) -> Result<Self> {
        let Signature { x, t, input, .. } = *signature;
        let model = guarded("preparing it", || {
            let mut model = file.clone();
            let mut names = std::collections::HashMap::new();
            for place in [Some(x), t].into_iter().flatten() {
                let length: Option<TDim> =
                    model.input_fact(place)?.shape.dims().next().and_then(Factoid::concretize);
                if let Some(TDim::Sym(name)) = length {
                    names.insert(name, TDim::from(rows));
                }
            }
            model.set_symbols(&names)?;
            model.set_input_fact(x, f32::fact([rows, input]).into())?;
            if let Some(t) = t {
                model.set_input_fact(t, f32::fact([rows]).into())?;
            }
            model.into_optimized()
        })?;
        let fact = guarded("preparing it", || model.output_fact(0).cloned())?;
        let width = if square { input.to_string() } else { "m".into() };
        let expected = format!("f32 and shape ({rows}, {width}) for x ({rows}, {input})");
        let output = match fact.shape.as_concrete() {
            Some([n, m])
                if *n == rows
                    && fact.datum_type == DatumType::F32
                    && *m > 0
                    && (!square || *m == input) =>
            {
                *m
            }
            _ => return Err(wrong("output", format!("{fact:?}"), expected)),
        };
        let runnable = guarded("preparing it", || model.into_runnable())?;
        Ok(Self { runnable, time_first: t == Some(0), time: t.is_some(), rows, input, output })
    }

    /// Runs a block: `x` has `rows` rows of `input` numbers and `t` has `rows`; `write` gets `rows`
    /// rows of `output`.
    pub(super) fn run<R>(
        &self,
        x: &[f32],
        t: &[f32],
        write: impl FnOnce(&[f32]) -> R,
    ) -> Result<R> {
        guarded("running it", || {
            let x = Tensor::from_shape(&[self.rows, self.input], x)?.into_tvalue();
            let inputs = if self.time {
                let t = Tensor::from_shape(&[self.rows], t)?.into_tvalue();
                if self.time_first { tvec![t, x] } else { tvec![x, t] }
            } else {
                tvec![x]
            };
            let outputs = self.runnable.run(inputs)?;
            Ok(write(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?))
        })
    }
}
