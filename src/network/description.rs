//! The description of a network: JSON in the header of the file, read with errors that name the
//! place.

use serde_json::{Map, Value};

use super::{NetworkPrediction, NetworkProcess};
use crate::error::{Error, Result};

/// The most numbers in a row, the most classes, the largest width of an embedding.
const MOST: usize = 1 << 20;
/// Residuals inside residuals.
const DEPTH: usize = 32;
/// The most layers in all, those inside residuals and those of the condition among them.
const MOST_LAYERS: usize = 10_000;

/// A layer, with the name of its tensors.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Layer {
    Linear(String),
    Silu,
    Norm(String, f64),
    Condition(String),
    Residual(Vec<Layer>),
}

impl Layer {
    /// This layer and those inside it.
    fn count(&self) -> usize {
        if let Self::Residual(inside) = self {
            1 + inside.iter().map(Self::count).sum::<usize>()
        } else {
            1
        }
    }

    fn has_linear(&self) -> bool {
        match self {
            Self::Linear(_) => true,
            Self::Residual(inside) => inside.iter().any(Self::has_linear),
            _ => false,
        }
    }
}

/// What number a network is told of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInput {
    /// `timestep`: the 0-based timestep of a table of levels, between two of them interpolated
    /// linearly in log ᾱ.
    Timestep,
    /// `log-snr`: log(ᾱ/(1−ᾱ)).
    LogSnr,
    /// `time`: t in (0, 1] of a psld process.
    Time,
}

/// How that number becomes a vector.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Embedding {
    Sinusoidal { width: usize, max_period: f64, scale: f64 },
    Fourier { tensor: String },
}

/// Everything the header says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    pub input: usize,
    pub prediction: NetworkPrediction,
    pub process: NetworkProcess,
    pub time: Option<(TimeInput, Embedding)>,
    pub condition: Vec<Layer>,
    /// Name of the table, and the number of classes.
    pub labels: Option<(String, usize)>,
    pub layers: Vec<Layer>,
    pub range: Option<[f64; 2]>,
    pub image: Option<[usize; 2]>,
}

/// An error about a place of the file.
pub(super) fn wrong(
    what: impl Into<String>,
    given: impl std::fmt::Display,
    expected: impl Into<String>,
) -> Error {
    let mut given = given.to_string();
    if given.chars().count() > 100 {
        given = given.chars().take(100).chain("…".chars()).collect();
    }
    Error::Network { what: what.into(), given, expected: expected.into() }
}

/// A JSON object whose keys are all known.
struct Object<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    fn new(path: &str, value: &'a Value, keys: &[&str]) -> Result<Self> {
        let Some(map) = value.as_object() else {
            return Err(wrong(path, value, format!("an object with {}", keys.join(", "))));
        };
        match map.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => {
                Err(wrong(path, format!("the key `{key}`"), format!("only {}", keys.join(", "))))
            }
            None => Ok(Self { path: path.into(), map }),
        }
    }

    fn path(&self, key: &str) -> String {
        if self.path == ROOT { key.into() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, expected: impl Into<String>) -> Error {
        match self.map.get(key) {
            Some(value) => wrong(self.path(key), value, expected),
            None => wrong(self.path(key), "nothing", expected),
        }
    }

    fn text(&self, key: &str) -> Result<&'a str> {
        self.get(key).and_then(Value::as_str).ok_or_else(|| self.wrong(key, "a text"))
    }

    fn count(&self, key: &str) -> Result<usize> {
        self.get(key)
            .and_then(count)
            .ok_or_else(|| self.wrong(key, format!("a whole number from 1 to {MOST}")))
    }

    fn number(&self, key: &str, expected: &'static str, good: impl Fn(f64) -> bool) -> Result<f64> {
        let number = self.get(key).and_then(Value::as_f64).filter(|x| x.is_finite() && good(*x));
        number.ok_or_else(|| self.wrong(key, expected))
    }

    fn pair<T>(
        &self,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<[T; 2]>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let numbers: Option<Vec<T>> =
            value.as_array().and_then(|all| all.iter().map(read).collect());
        match numbers.and_then(|numbers| numbers.try_into().ok()) {
            Some(pair) => Ok(Some(pair)),
            None => Err(self.wrong(key, expected)),
        }
    }

    fn layers(&self, key: &str, depth: usize) -> Result<Vec<Layer>> {
        let path = self.path(key);
        let Some(all) = self.get(key).and_then(Value::as_array) else {
            return Err(self.wrong(key, "a list of layers"));
        };
        all.iter()
            .enumerate()
            .map(|(i, value)| layer(&format!("{path}[{i}]"), value, depth))
            .collect()
    }
}

const ROOT: &str = "description";

fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=MOST).contains(n))
}

fn layer(path: &str, value: &Value, depth: usize) -> Result<Layer> {
    const KNOWN: &str = r#""silu", {"linear": NAME}, {"norm": NAME, "epsilon": NUMBER}, {"condition": NAME} or {"residual": [LAYERS]}"#;
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
            let inside = object.layers(kind, depth + 1)?;
            if inside.is_empty() {
                return Err(object.wrong(kind, "at least one layer"));
            }
            Layer::Residual(inside)
        }
    })
}

impl Description {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            wrong("metadata `model`", error, "JSON as in docs/network-format.md")
        })?;
        let keys =
            ["input", "prediction", "process", "time", "condition", "labels", "layers", "data"];
        let root = Object::new(ROOT, &value, &keys)?;
        let input = root.count("input")?;
        let process = process(&root)?;
        let prediction = prediction(&root, &process)?;
        let time = time(&root, &process)?;
        let condition =
            if root.get("condition").is_some() { root.layers("condition", 0)? } else { Vec::new() };
        let labels = match root.get("labels") {
            None => None,
            Some(value) => {
                let labels = Object::new("labels", value, &["table", "classes"])?;
                Some((labels.text("table")?.to_string(), labels.count("classes")?))
            }
        };
        for key in ["condition", "labels"] {
            if time.is_none() && root.get(key).is_some() {
                return Err(
                    root.wrong(key, "nothing where there is no `time`: it would have no effect")
                );
            }
        }
        let layers = root.layers("layers", 0)?;
        if layers.is_empty() {
            return Err(root.wrong("layers", "at least one layer"));
        }
        let number: usize = condition.iter().chain(&layers).map(Layer::count).sum();
        if number > MOST_LAYERS {
            let expected = format!(
                "at most {MOST_LAYERS}, those of the condition and inside residuals included"
            );
            return Err(wrong("layers", format!("{number} layers"), expected));
        }
        // A linear layer holds `input` to the width of a tensor that is there.
        if !layers.iter().any(Layer::has_linear) {
            return Err(wrong(
                "layers",
                "no linear layer",
                "at least one {\"linear\": NAME} from input to output",
            ));
        }
        let (mut range, mut image) = (None, None);
        if let Some(value) = root.get("data") {
            let data = Object::new("data", value, &["range", "image"])?;
            let finite = |value: &Value| value.as_f64().filter(|x| x.is_finite());
            let expected = "two finite numbers, the smaller one first";
            range = data.pair("range", finite, expected)?;
            if range.is_some_and(|[low, high]| !(low < high)) {
                return Err(data.wrong("range", expected));
            }
            image = data.pair("image", count, "the two sides of a picture")?;
            let numbers = if let NetworkProcess::Psld { .. } = process { input / 2 } else { input };
            if image.is_some_and(|[height, width]| height.checked_mul(width) != Some(numbers)) {
                return Err(data.wrong(
                    "image",
                    format!("two sides whose product is {numbers}, the numbers of the data"),
                ));
            }
        }
        Ok(Self { input, prediction, process, time, condition, labels, layers, range, image })
    }
}

fn process(root: &Object<'_>) -> Result<NetworkProcess> {
    let kinds = r#"{"kind": "vp", …}, {"kind": "psld", …} or {"kind": "none"}"#;
    let Some(value) = root.get("process") else { return Err(root.wrong("process", kinds)) };
    match value.get("kind").and_then(Value::as_str) {
        Some("vp") => {
            let vp = Object::new("process", value, &["kind", "schedule", "levels"])?;
            Ok(NetworkProcess::Vp {
                schedule: vp.text("schedule")?.into(),
                levels: vp.count("levels")?,
            })
        }
        Some("psld") => {
            let psld = Object::new("process", value, &["kind", "beta", "gamma", "nu", "kappa"])?;
            let number = |key| psld.number(key, "a finite number >= 0", |x| x >= 0.0);
            let beta = psld.number("beta", "a finite number > 0", |x| x > 0.0)?;
            if root.count("input")? % 2 == 1 {
                return Err(root.wrong("input", "an even number, positions and momenta, for psld"));
            }
            Ok(NetworkProcess::Psld {
                beta,
                gamma: number("gamma")?,
                nu: number("nu")?,
                kappa: number("kappa")?,
            })
        }
        Some("none") => Object::new("process", value, &["kind"]).map(|_| NetworkProcess::None),
        _ => Err(root.wrong("process", kinds)),
    }
}

fn prediction(root: &Object<'_>, process: &NetworkProcess) -> Result<NetworkPrediction> {
    use NetworkPrediction::{Data, Epsilon, EpsilonLower, EpsilonUpper, Features, Score, Velocity};
    let known: &[(&str, NetworkPrediction)] = match process {
        NetworkProcess::Vp { .. } => {
            &[("epsilon", Epsilon), ("data", Data), ("velocity", Velocity), ("score", Score)]
        }
        NetworkProcess::Psld { .. } => {
            &[("epsilon-lower", EpsilonLower), ("epsilon-upper", EpsilonUpper), ("score", Score)]
        }
        NetworkProcess::None => &[("features", Features)],
    };
    let given = root.text("prediction")?;
    known.iter().find(|(name, _)| *name == given).map(|(_, prediction)| *prediction).ok_or_else(
        || {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            root.wrong("prediction", format!("for this process one of {}", names.join(", ")))
        },
    )
}

fn time(root: &Object<'_>, process: &NetworkProcess) -> Result<Option<(TimeInput, Embedding)>> {
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
    let input = match (process, time.text("input")?) {
        (NetworkProcess::Vp { .. }, "timestep") => TimeInput::Timestep,
        (NetworkProcess::Vp { .. }, "log-snr") => TimeInput::LogSnr,
        (NetworkProcess::Vp { .. }, _) => {
            return Err(time.wrong("input", "for vp timestep or log-snr"));
        }
        (NetworkProcess::Psld { .. }, "time") => TimeInput::Time,
        (NetworkProcess::Psld { .. }, _) => return Err(time.wrong("input", "for psld time")),
        (NetworkProcess::None, _) => {
            return Err(root.wrong("time", "nothing: a map of data to features has no time"));
        }
    };
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
