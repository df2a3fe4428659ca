//! The description of an ONNX network: a JSON beside the file or in its metadata.

use serde_json::Value;

use crate::error::Result;
use crate::network::Card;
use crate::network::description::{prediction, process, read_data, time_input};
use crate::network::object::{Object, ROOT};

/// An input of a graph for a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedCondition {
    /// Its name in the graph.
    pub name: String,
    /// The number that fills its rows where no condition is given. Default: every run needs one.
    pub absent: Option<f32>,
}

impl NamedCondition {
    fn parse(value: &Value) -> Result<Self> {
        let object = Object::new("conditions", value, &["name", "absent"])?;
        let number = |value: &Value| {
            let number = value.as_f64().map(|x| x as f32).filter(|x| x.is_finite());
            number.ok_or_else(|| object.wrong("absent", "the number that stands for no condition"))
        };
        let absent = object.get("absent").map(number).transpose()?;
        Ok(Self { name: object.text("name")?.into(), absent })
    }
}

/// Which input of a graph is which. Names that are not given are found by type and shape.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Names {
    /// The input of the rows. Default: the only one that is neither time nor label.
    pub x: Option<String>,
    /// The input of the time. Default: the only other one, if the network takes a time.
    pub time: Option<String>,
    /// The input of the classes. Default: none.
    pub label: Option<String>,
    /// The number of classes that a label can name, from 0.
    pub classes: Option<usize>,
    /// The class that stands for no label. Default: there is none, and every run needs labels.
    pub unlabelled: Option<usize>,
    /// The inputs of other conditions, such as the embedding of a text. Default: none.
    pub conditions: Vec<NamedCondition>,
    /// The output. Default: the only one.
    pub output: Option<String>,
    /// Whether the output has a learned variance behind the prediction, which is left out. The
    /// output is then twice as wide as x.
    pub learned_variance: bool,
}

fn root(value: &Value) -> Result<Object<'_>> {
    const KEYS: [&str; 11] = [
        "x",
        "prediction",
        "sigma_data",
        "process",
        "time",
        "labels",
        "conditions",
        "output",
        "learned_variance",
        "data",
        "training",
    ];
    Object::new(ROOT, value, &KEYS)
}

fn name(object: &Object<'_>, key: &str) -> Result<Option<String>> {
    object.get(key).map(|_| object.text(key).map(Into::into)).transpose()
}

impl Names {
    /// The names that a description gives.
    pub(super) fn parse(value: &Value) -> Result<Self> {
        let root = root(value)?;
        let mut names =
            Self { x: name(&root, "x")?, output: name(&root, "output")?, ..Self::default() };
        if let Some(value) = root.get("time") {
            names.time = name(&Object::new("time", value, &["input", "name"])?, "name")?;
        }
        if let Some(value) = root.get("labels") {
            let labels = Object::new("labels", value, &["name", "classes", "unlabelled"])?;
            names.label = Some(labels.text("name")?.into());
            names.classes = Some(labels.count("classes")?);
            if let Some(value) = labels.get("unlabelled") {
                let class = value.as_u64().and_then(|class| usize::try_from(class).ok());
                let class = class.ok_or_else(|| {
                    labels.wrong("unlabelled", "the number that stands for no label")
                })?;
                names.unlabelled = Some(class);
            }
        }
        if let Some(value) = root.get("conditions") {
            let all = value.as_array().ok_or_else(|| root.wrong("conditions", "a list"))?;
            names.conditions = all.iter().map(NamedCondition::parse).collect::<Result<_>>()?;
        }
        if let Some(value) = root.get("learned_variance") {
            let given = value.as_bool();
            names.learned_variance =
                given.ok_or_else(|| root.wrong("learned_variance", "true or false"))?;
        }
        Ok(names)
    }
}

/// What a description says of the network, for rows of `columns` numbers.
pub(super) fn card(value: &Value, columns: usize) -> Result<Card> {
    let root = root(value)?;
    let process = process(&root, columns)?;
    let kind = process.as_ref().map(crate::diffusion::Process::kind);
    let prediction = prediction(&root, kind)?;
    let time = match root.get("time") {
        None => None,
        Some(value) => {
            let time = Object::new("time", value, &["input", "name"])?;
            Some(time_input(&root, &time, kind)?)
        }
    };
    let joint = matches!(process, Some(crate::diffusion::Process::Psld(..)));
    let mut card = match (process, prediction) {
        (Some(process), Some(prediction)) => Card::new(process, prediction, time),
        _ => Card::features(),
    };
    read_data(&root, if joint { columns / 2 } else { columns }, &mut card)?;
    Ok(card)
}
