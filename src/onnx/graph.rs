//! The inputs and the output of a graph, and one call of it.

use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, Tensor, TensorElementType, TensorRef, ValueType};

use super::description::Names;
use super::problem::{failed, wrong};
use crate::error::Result;
use crate::network::NamedInput;

/// The types of numbers that a graph may take for a time or a label.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    F32,
    F64,
    I64,
    I32,
}

/// How an input of one number for each row is shaped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// (N)
    Rows,
    /// (N, 1)
    Column,
    /// (1): all rows of a call share it.
    Single,
    /// A number without axes, which all rows of a call share.
    Scalar,
}

/// An input of one number for each row.
#[derive(Clone, Debug)]
struct Number {
    name: String,
    kind: Kind,
    form: Form,
}

/// An input of several numbers for each row: a condition.
#[derive(Clone, Debug)]
struct Vector {
    /// The axes behind the first one.
    axes: Vec<i64>,
    /// Whether its first axis is 1: all rows of a call share it.
    single: bool,
}

/// What is known of a graph.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    x: String,
    /// The axes of x behind N.
    axes: Vec<i64>,
    time: Option<Number>,
    label: Option<Number>,
    /// As the inputs in `named`.
    vectors: Vec<Vector>,
    output: String,
    learned_variance: bool,
    /// N, where it is a number.
    pub fixed: Option<usize>,
    /// Numbers of a row of x.
    pub input: usize,
    /// The conditions.
    pub named: Vec<NamedInput>,
}

/// The rows of a call, row by row.
#[derive(Clone, Copy)]
pub(super) struct Batch<'b> {
    pub x: &'b [f32],
    pub times: &'b [f64],
    pub labels: &'b [i64],
    /// The rows of each condition.
    pub named: &'b [&'b [f32]],
}

/// An input or output as the file states it.
struct Stated<'s> {
    name: &'s str,
    kind: Option<TensorElementType>,
    axes: Vec<Option<usize>>,
}

impl<'s> Stated<'s> {
    fn of(outlet: &'s Outlet) -> Self {
        let name = outlet.name();
        match outlet.dtype() {
            ValueType::Tensor { ty, shape, .. } => {
                let axes = shape.iter().map(|n| usize::try_from(*n).ok()).collect();
                Self { name, kind: Some(*ty), axes }
            }
            _ => Self { name, kind: None, axes: Vec::new() },
        }
    }

    /// As `x f32 (N, 1, 28, 28)`.
    fn shown(&self) -> String {
        let kind = match self.kind {
            Some(TensorElementType::Float32) => "f32".into(),
            Some(TensorElementType::Float64) => "f64".into(),
            Some(TensorElementType::Int64) => "i64".into(),
            Some(TensorElementType::Int32) => "i32".into(),
            Some(other) => other.to_string(),
            None => "no tensor".into(),
        };
        let axis = |n: &Option<usize>| n.map_or("_".into(), |n| n.to_string());
        let axes: Vec<String> = self.axes.iter().map(axis).collect();
        format!("{} {kind} ({})", self.name, axes.join(", "))
    }

    /// As an input of one number for each row.
    fn number(&self, what: &str, fixed: Option<usize>, whole: bool) -> Result<Number> {
        let kind = match self.kind {
            Some(TensorElementType::Float32) if !whole => Some(Kind::F32),
            Some(TensorElementType::Float64) if !whole => Some(Kind::F64),
            Some(TensorElementType::Int64) => Some(Kind::I64),
            Some(TensorElementType::Int32) => Some(Kind::I32),
            _ => None,
        };
        let form = match self.axes[..] {
            [] => Some(Form::Scalar),
            [Some(1)] if fixed != Some(1) => Some(Form::Single),
            [n] if n.is_none() || n == fixed => Some(Form::Rows),
            [n, Some(1)] if n.is_none() || n == fixed => Some(Form::Column),
            _ => None,
        };
        let (Some(kind), Some(form)) = (kind, form) else {
            let kinds = if whole { "i64 or i32" } else { "f32, f64, i64 or i32" };
            let rows = fixed.map_or("N".into(), |n| n.to_string());
            let expected = format!("{kinds}, and ({rows}), ({rows}, 1), (1) or one number");
            return Err(wrong(format!("the {what}"), self.shown(), expected));
        };
        Ok(Number { name: self.name.into(), kind, form })
    }
}

impl Stated<'_> {
    /// As a condition, with the numbers of its rows.
    fn vector(&self, fixed: Option<usize>) -> Result<(Vector, usize)> {
        let single = self.axes.first() == Some(&Some(1)) && fixed != Some(1);
        let fits = single || self.axes.first().is_some_and(|n| n.is_none() || *n == fixed);
        let good = fits && self.kind == Some(TensorElementType::Float32);
        let Some((axes, width)) = width_of(&self.axes).filter(|_| good) else {
            let rows = fixed.map_or("N".into(), |n| n.to_string());
            let expected = format!("f32, and ({rows}, …) or (1, …) with numbers behind it");
            return Err(wrong("a condition", self.shown(), expected));
        };
        Ok((Vector { axes, single }, width))
    }
}

/// The product of the axes behind N, if all are known and there is one.
fn width_of(axes: &[Option<usize>]) -> Option<(Vec<i64>, usize)> {
    let tail: Vec<usize> = axes.iter().skip(1).copied().collect::<Option<_>>()?;
    let product = tail.iter().try_fold(1usize, |all, n| all.checked_mul(*n))?;
    let given = axes.len() > 1 && product > 0;
    given.then(|| (tail.iter().map(|n| *n as i64).collect(), product))
}

fn shown(all: &[Stated<'_>]) -> String {
    let all: Vec<String> = all.iter().map(Stated::shown).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

/// Which input is which.
struct Places {
    x: usize,
    time: Option<usize>,
    label: Option<usize>,
    conditions: Vec<usize>,
}

impl Places {
    /// The places of all inputs, if each has one.
    fn find(inputs: &[Stated<'_>], names: &Names, time: bool) -> Option<Self> {
        let at = |name: &String| inputs.iter().position(|input| input.name == name);
        // A name that is given must be there.
        let named = |name: &Option<String>| match name {
            None => Some(None),
            Some(name) => at(name).map(Some),
        };
        let label = named(&names.label)?;
        let conditions: Vec<usize> =
            names.conditions.iter().map(|of| at(&of.name)).collect::<Option<_>>()?;
        let mut given_time = named(&names.time)?;
        let mut x = named(&names.x)?;
        // What is not named is told apart by the number of axes.
        let free = |place: &usize| Some(*place) != label && !conditions.contains(place);
        for place in (0..inputs.len()).filter(free) {
            let is_number = matches!(inputs[place].axes[..], [] | [_] | [_, Some(1)]);
            if x.is_none() && !is_number && given_time != Some(place) {
                x = Some(place);
            } else if time && given_time.is_none() && is_number && x != Some(place) {
                given_time = Some(place);
            }
        }
        let x = x.filter(|_| given_time.is_some() == time)?;
        let mut all = conditions.clone();
        all.extend([Some(x), given_time, label].into_iter().flatten());
        let once = |place: usize| all.iter().filter(|of| **of == place).count() == 1;
        let complete = all.len() == inputs.len() && (0..inputs.len()).all(once);
        complete.then_some(Self { x, time: given_time, label, conditions })
    }
}

impl Graph {
    /// Finds the inputs and the output. `time` is whether the network takes a time.
    pub(super) fn of(session: &Session, names: &Names, time: bool) -> Result<Self> {
        let inputs: Vec<Stated<'_>> = session.inputs().iter().map(Stated::of).collect();
        let Some(places) = Places::find(&inputs, names, time) else {
            return Err(wrong("inputs", shown(&inputs), expected(names, time)));
        };
        let own = &inputs[places.x];
        let good = own.kind == Some(TensorElementType::Float32);
        let Some((axes, input)) = width_of(&own.axes).filter(|_| good) else {
            let expected = "f32 and (N, d) or (N, C, H, W), with numbers behind N";
            return Err(wrong("x", own.shown(), expected));
        };
        let fixed = own.axes[0];
        if fixed == Some(0) {
            return Err(wrong("x", own.shown(), "N > 0"));
        }
        let number = |place: Option<usize>, what, whole| {
            place.map(|place| inputs[place].number(what, fixed, whole)).transpose()
        };
        let mut vectors = Vec::new();
        let mut named = Vec::new();
        for (place, of) in places.conditions.into_iter().zip(&names.conditions) {
            let (vector, width) = inputs[place].vector(fixed)?;
            vectors.push(vector);
            named.push(NamedInput { absent: of.absent, ..NamedInput::new(&of.name, width) });
        }
        Ok(Self {
            x: own.name.into(),
            axes,
            time: number(places.time, "time", false)?,
            label: number(places.label, "label", true)?,
            vectors,
            named,
            output: output(session, names)?,
            learned_variance: names.learned_variance,
            fixed,
            input,
        })
    }

    /// Whether all rows of a call share the time, the label or a condition.
    pub(super) fn shares(&self) -> bool {
        let shared = |number: &Option<Number>| {
            number.as_ref().is_some_and(|n| matches!(n.form, Form::Single | Form::Scalar))
        };
        let single = self.vectors.iter().any(|vector| vector.single);
        shared(&self.time) || shared(&self.label) || single
    }

    /// Whether it takes labels.
    pub(super) fn has_labels(&self) -> bool {
        self.label.is_some()
    }

    /// One call: the numbers of the output, row by row.
    pub(super) fn run(&self, session: &mut Session, batch: Batch<'_>) -> Result<Vec<f32>> {
        const DOING: &str = "running it";
        let rows = batch.x.len() / self.input;
        let mut shape = vec![rows as i64];
        shape.extend_from_slice(&self.axes);
        let x = TensorRef::from_array_view((shape, batch.x)).map_err(|e| failed(DOING, e))?;
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = vec![(&self.x, x.into())];
        if let Some(time) = &self.time {
            let value = time.value(rows, |row| batch.times[row]).map_err(|e| failed(DOING, e))?;
            inputs.push((&time.name, value));
        }
        if let Some(label) = &self.label {
            let value = label.value(rows, |row| batch.labels[row] as f64);
            inputs.push((&label.name, value.map_err(|e| failed(DOING, e))?));
        }
        for ((vector, input), values) in self.vectors.iter().zip(&self.named).zip(batch.named) {
            let count = if vector.single { 1 } else { rows };
            let mut shape = vec![count as i64];
            shape.extend_from_slice(&vector.axes);
            let value = TensorRef::from_array_view((shape, &values[..count * input.width]));
            inputs.push((&input.name, value.map_err(|e| failed(DOING, e))?.into()));
        }
        let outputs = session.run(inputs).map_err(|error| failed(DOING, error))?;
        let Some(y) = outputs.get(&self.output) else {
            return Err(wrong("output", "none", self.output.clone()));
        };
        let (shape, numbers) = y.try_extract_tensor::<f32>().map_err(|e| failed(DOING, e))?;
        if shape.first().and_then(|n| usize::try_from(*n).ok()) != Some(rows) {
            let given = format!("the shape {:?} for {rows} rows", &shape[..]);
            return Err(wrong("output", given, format!("({rows}, …)")));
        }
        if !self.learned_variance {
            return Ok(numbers.to_vec());
        }
        let width = numbers.len() / rows;
        let half = |row: &[f32]| row[..width / 2].to_vec();
        Ok(numbers.chunks_exact(width.max(1)).flat_map(half).collect())
    }
}

impl Number {
    fn value(
        &self,
        rows: usize,
        at: impl Fn(usize) -> f64,
    ) -> Result<SessionInputValue<'static>, ort::Error> {
        let (shape, count) = match self.form {
            Form::Rows => (vec![rows as i64], rows),
            Form::Column => (vec![rows as i64, 1], rows),
            Form::Single => (vec![1], 1),
            Form::Scalar => (Vec::new(), 1),
        };
        let all = (0..count).map(at);
        Ok(match self.kind {
            Kind::F32 => {
                Tensor::from_array((shape, all.map(|x| x as f32).collect::<Vec<_>>()))?.into()
            }
            Kind::F64 => Tensor::from_array((shape, all.collect::<Vec<_>>()))?.into(),
            Kind::I64 => {
                Tensor::from_array((shape, all.map(|x| x.round() as i64).collect::<Vec<_>>()))?
                    .into()
            }
            Kind::I32 => {
                Tensor::from_array((shape, all.map(|x| x.round() as i32).collect::<Vec<_>>()))?
                    .into()
            }
        })
    }
}

/// The inputs that are expected, in words.
fn expected(names: &Names, time: bool) -> String {
    let name = |name: &Option<String>, other: &str| name.clone().unwrap_or_else(|| other.into());
    let mut all = vec![format!("{} (N, …)", name(&names.x, "x"))];
    if time {
        all.push(format!("{} (N)", name(&names.time, "t")));
    }
    if let Some(label) = &names.label {
        all.push(format!("{label} (N)"));
    }
    all.extend(names.conditions.iter().map(|of| format!("{} (N, …)", of.name)));
    format!("{}, as its description says", all.join(", "))
}

/// The name of the output.
fn output(session: &Session, names: &Names) -> Result<String> {
    let outputs: Vec<Stated<'_>> = session.outputs().iter().map(Stated::of).collect();
    let found = match &names.output {
        Some(name) => outputs.iter().find(|output| output.name == name),
        None if outputs.len() == 1 => outputs.first(),
        None => None,
    };
    let expected = match &names.output {
        Some(name) => format!("{name} f32"),
        None => "one f32; name it in the description if there are more".into(),
    };
    match found {
        Some(output) if output.kind == Some(TensorElementType::Float32) => Ok(output.name.into()),
        _ => Err(wrong("outputs", shown(&outputs), expected)),
    }
}
