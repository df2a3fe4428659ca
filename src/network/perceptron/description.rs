//! The description of a perceptron: JSON in the header of the file.

use serde_json::Value;

use super::layers::Layer;
use crate::diffusion::{Process, ProcessKind};
use crate::error::Result;
use crate::network::card::{Card, TimeInput};
use crate::network::description::{json, prediction, process, read_data, time_input};
use crate::network::object::{Object, ROOT};
use crate::network::problem::wrong;

/// Residuals inside residuals.
const DEPTH: usize = 32;
/// The most layers in all, those inside residuals and those of the condition among them.
const MOST_LAYERS: usize = 10_000;

/// How the number that tells the time becomes a vector.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Embedding {
    Sinusoidal { width: usize, max_period: f64, scale: f64 },
    Fourier { tensor: String },
}

/// Everything the header says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    pub input: usize,
    pub card: Card,
    pub embedding: Option<Embedding>,
    pub condition: Vec<Layer>,
    /// Name of the table, and the number of classes.
    pub labels: Option<(String, usize)>,
    pub layers: Vec<Layer>,
}

fn layer(path: &str, value: &Value, depth: usize) -> Result<Layer> {
    const KNOWN: &str = "\"silu\", {\"linear\": NAME}, {\"norm\": NAME, \"epsilon\": NUMBER}, \
                         {\"condition\": NAME} or {\"residual\": [LAYERS]}";
    if value == "silu" {
        return Ok(Layer::Silu);
    }
    let kinds = ["linear", "norm", "condition", "residual"];
    let kind = kinds.into_iter().find(|kind| value.get(kind).is_some());
    let Some(kind) = kind else { return Err(wrong(path, value, KNOWN)) };
    let keys: &[&str] = if kind == "norm" { &["norm", "epsilon"] } else { &[kind] };
    let object = Object::new(path, value, keys)?;
    Ok(match kind {
        "linear" => Layer::Linear(object.text(kind)?.into()),
        "condition" => Layer::Condition(object.text(kind)?.into()),
        "norm" => Layer::Norm(
            object.text(kind)?.into(),
            object.number("epsilon", "a number > 0 that f32 holds", in_f32)?,
        ),
        _ if depth == DEPTH => {
            return Err(wrong(path, value, format!("at most {DEPTH} residuals inside each other")));
        }
        _ => {
            let inside = layers(&object, kind, depth + 1)?;
            if inside.is_empty() {
                return Err(object.wrong(kind, "at least one layer"));
            }
            Layer::Residual(inside)
        }
    })
}

/// The layers under a key.
fn layers(object: &Object<'_>, key: &str, depth: usize) -> Result<Vec<Layer>> {
    let path = object.path(key);
    let Some(all) = object.get(key).and_then(Value::as_array) else {
        return Err(object.wrong(key, "a list of layers"));
    };
    let read = |(i, value)| layer(&format!("{path}[{i}]"), value, depth);
    all.iter().enumerate().map(read).collect()
}

impl Description {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let value = json("metadata `model`", text)?;
        const KEYS: [&str; 9] = [
            "input",
            "prediction",
            "sigma_data",
            "process",
            "time",
            "condition",
            "labels",
            "layers",
            "data",
        ];
        let root = Object::new(ROOT, &value, &KEYS)?;
        let input = root.count("input")?;
        let process = process(&root, input)?;
        let kind = process.as_ref().map(Process::kind);
        let prediction = prediction(&root, kind)?;
        let time = time(&root, kind)?;
        let condition =
            if root.get("condition").is_some() { layers(&root, "condition", 0)? } else { vec![] };
        let labels = labels(&root)?;
        for key in ["condition", "labels"] {
            if time.is_none() && root.get(key).is_some() {
                let expected = "nothing where there is no `time`: it would have no effect";
                return Err(root.wrong(key, expected));
            }
        }
        let layers = layers(&root, "layers", 0)?;
        check_layers(&root, &condition, &layers)?;
        let numbers = if kind == Some(ProcessKind::Psld) { input / 2 } else { input };
        let (time, embedding) = time.unzip();
        let mut card = match (process, prediction) {
            (Some(process), Some(prediction)) => Card::new(process, prediction, time),
            _ => Card::features(),
        };
        read_data(&root, numbers, &mut card)?;
        Ok(Self { input, card, embedding, condition, labels, layers })
    }
}

/// The table of labels and the number of classes.
fn labels(root: &Object<'_>) -> Result<Option<(String, usize)>> {
    let Some(value) = root.get("labels") else { return Ok(None) };
    let labels = Object::new("labels", value, &["table", "classes"])?;
    Ok(Some((labels.text("table")?.to_string(), labels.count("classes")?)))
}

fn check_layers(root: &Object<'_>, condition: &[Layer], layers: &[Layer]) -> Result<()> {
    if layers.is_empty() {
        return Err(root.wrong("layers", "at least one layer"));
    }
    let number: usize = condition.iter().chain(layers).map(Layer::count).sum();
    if number > MOST_LAYERS {
        let expected =
            format!("at most {MOST_LAYERS}, those of the condition and inside residuals included");
        return Err(wrong("layers", format!("{number} layers"), expected));
    }
    // A linear layer holds `input` to the width of a tensor that is there.
    if !layers.iter().any(Layer::has_linear) {
        let expected = "at least one {\"linear\": NAME} from input to output";
        return Err(wrong("layers", "no linear layer", expected));
    }
    Ok(())
}

fn time(root: &Object<'_>, kind: Option<ProcessKind>) -> Result<Option<(TimeInput, Embedding)>> {
    let Some(value) = root.get("time") else { return Ok(None) };
    let embedding = value.get("embedding").and_then(Value::as_str);
    let keys: &[&str] = match embedding {
        Some("sinusoidal") => &["input", "embedding", "width", "max_period", "scale"],
        Some("fourier") => &["input", "embedding", "frequencies"],
        _ => {
            let given = value.get("embedding").unwrap_or(&Value::Null);
            return Err(wrong("time.embedding", given, "sinusoidal or fourier"));
        }
    };
    let time = Object::new("time", value, keys)?;
    let input = time_input(root, &time, kind)?;
    if embedding == Some("fourier") {
        return Ok(Some((input, Embedding::Fourier { tensor: time.text("frequencies")?.into() })));
    }
    let width = time.count("width")?;
    if width % 2 == 1 {
        return Err(time.wrong("width", "an even number, cosines and sines"));
    }
    let max_period = time.number("max_period", "a finite number > 0", |x| x > 0.0)?;
    let scale = time.number("scale", "a finite number", |_| true)?;
    Ok(Some((input, Embedding::Sinusoidal { width, max_period, scale })))
}

/// Neither 0 nor infinite after rounding.
fn in_f32(epsilon: f64) -> bool {
    epsilon as f32 > 0.0 && (epsilon as f32).is_finite()
}
