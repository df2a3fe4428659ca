//! The inputs and outputs of an ONNX file, as far as the file says.

use tract_onnx::prelude::{DatumType, InferenceFact, InferenceModel, TDim};
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::DimLike;

use super::problem::{guarded, wrong};
use crate::error::Result;

/// Which input is which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    /// The place of x.
    pub x: usize,
    /// The place of t.
    pub t: Option<usize>,
    /// N, where it is a number.
    pub rows: Option<usize>,
    /// d.
    pub input: usize,
}

/// Reads it, or says what is not as src/onnx/mod.rs says.
pub(super) fn of(file: &InferenceModel, time: bool) -> Result<Signature> {
    let facts = guarded("its inputs", || {
        let outlets = file.input_outlets()?;
        outlets
            .iter()
            .map(|outlet| Ok((file.node(outlet.node).name.as_str(), file.outlet_fact(*outlet)?)))
            .collect()
    })?;
    let facts: Vec<(&str, &InferenceFact)> = facts;
    let expected =
        if time { "two: x (N, d) and t (N)" } else { "one: x (N, d), as the options have no time" };
    let all = || {
        let all: Vec<String> = facts.iter().map(|(name, fact)| shown(name, fact)).collect();
        if all.is_empty() { "none".to_string() } else { all.join(", ") }
    };
    if facts.len() != 1 + usize::from(time) {
        return Err(wrong("inputs", all(), expected));
    }
    for (name, fact) in &facts {
        if fact.datum_type.concretize() != Some(DatumType::F32) {
            return Err(wrong(format!("input `{name}`"), shown(name, fact), "f32"));
        }
    }
    let of_rank = |rank: usize| {
        let mut places = (0..facts.len())
            .filter(|place| facts[*place].1.shape.rank().concretize() == Some(rank as i64));
        places.next().filter(|_| places.next().is_none())
    };
    let (Some(x), t) = (of_rank(2), of_rank(1)) else {
        return Err(wrong("inputs", all(), expected));
    };
    if t.is_some() != time {
        return Err(wrong("inputs", all(), expected));
    }
    let [n, d] = [0, 1].map(|axis| number(facts[x].1, axis));
    let Some(input) = d.filter(|d| *d > 0) else {
        return Err(wrong(format!("input `{}`", facts[x].0), all(), "(N, d) with a number d > 0"));
    };
    let rows = match (n, t.map(|t| number(facts[t].1, 0))) {
        (Some(n), None) | (None, Some(Some(n))) | (Some(n), Some(None)) => Some(n),
        (Some(n), Some(Some(m))) if n == m => Some(n),
        (None, None | Some(None)) => None,
        (Some(_), Some(Some(_))) => return Err(wrong("inputs", all(), "the same N for both")),
    };
    if rows == Some(0) {
        return Err(wrong("inputs", all(), "N > 0"));
    }
    let outputs = file.output_outlets().map_or(0, <[_]>::len);
    if outputs != 1 {
        return Err(wrong("outputs", outputs.to_string(), "one: (N, d)"));
    }
    Ok(Signature { x, t, rows, input })
}

/// The length of an axis, where it is a number.
fn number(fact: &InferenceFact, axis: usize) -> Option<usize> {
    let length: TDim = fact.shape.dims().nth(axis)?.concretize()?;
    length.to_usize().ok()
}

/// An input in words.
fn shown(name: &str, fact: &InferenceFact) -> String {
    format!("{name} ({})", fact.format_dt_shape())
}
