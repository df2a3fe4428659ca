//! What networks are told of the chains: labels, and conditions for named inputs.

use std::path::PathBuf;
use std::str::FromStr;

use langevin::advanced::quoted;
use langevin::ndarray::Array2;
use langevin::network::TrainedDenoiser;
use langevin::onnx::{AnyEngine, AnyNetwork};

use crate::failure::Failure;
use crate::npy::{Accept, read_rows};

/// The classes of the chains.
#[derive(Clone)]
pub enum Labels {
    /// All have this one, or none.
    Shared(Option<usize>),
    /// Each has its own.
    PerChain(Vec<usize>),
}

/// A file of conditions and the input that it is for, as `text=FILE.npy`.
#[derive(Clone, Debug)]
pub struct ConditionFile {
    name: String,
    pub path: PathBuf,
}

impl ConditionFile {
    /// The option with the name of the input.
    pub fn option(&self) -> String {
        format!("--condition {}", self.name)
    }
}

impl FromStr for ConditionFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.into(), path: path.into() })
            }
            _ => Err(format!("given `{}`, expected NAME=FILE.npy", quoted(text))),
        }
    }
}

/// What is told of the chains, from the first one on.
pub struct Told {
    labels: Labels,
    conditions: Vec<Condition>,
    first: u32,
}

/// The rows of a named input: one, or one for each chain.
struct Condition {
    file: ConditionFile,
    rows: Array2<f32>,
}

impl Condition {
    fn read(file: &ConditionFile, chains: Option<usize>) -> Result<Self, Failure> {
        let rows = read_rows(&file.option(), &file.path, Accept::Reals)?.mapv(|x| x as f32);
        let many = rows.nrows();
        match chains {
            Some(chains) if many != 1 && many != chains => {
                let given = format!("{} {}", file.option(), file.path.display());
                let expected = format!("one for all, or {chains}, one for each chain");
                Err(Failure::Input(format!("{given}: given {many} rows, expected {expected}")))
            }
            _ => Ok(Self { file: file.clone(), rows }),
        }
    }
}

impl Told {
    /// Reads the conditions of so many chains, if their number is known.
    pub fn read(
        labels: Labels,
        files: &[ConditionFile],
        first: u32,
        chains: Option<usize>,
    ) -> Result<Self, Failure> {
        let conditions = files.iter().map(|file| Condition::read(file, chains));
        Ok(Self { labels, conditions: conditions.collect::<Result<_, _>>()?, first })
    }

    /// Whether nothing is told.
    pub fn is_none(&self) -> bool {
        matches!(self.labels, Labels::Shared(None)) && self.conditions.is_empty()
    }

    /// The network that is told this.
    pub fn of(&self, network: &AnyNetwork) -> langevin::Result<TrainedDenoiser<AnyEngine>> {
        let mut model = match &self.labels {
            Labels::Shared(label) => network.denoiser()?.with_label(*label)?,
            Labels::PerChain(labels) => {
                let labels = labels.iter().copied().map(Some).collect();
                network.denoiser()?.with_labels_from(self.first, labels)?
            }
        };
        for Condition { file, rows } in &self.conditions {
            model = model.with_condition_from(self.first, &file.name, rows.view())?;
        }
        Ok(model)
    }

    /// In words, behind a comma.
    pub fn describe(&self) -> String {
        let mut text = match self.labels {
            Labels::Shared(None) => String::new(),
            Labels::Shared(Some(label)) => format!(", label {label}"),
            Labels::PerChain(_) => ", a label for each chain".into(),
        };
        for Condition { file, rows } in &self.conditions {
            let each = if rows.nrows() == 1 { "" } else { " for each chain" };
            text += &format!(", condition {}{each}", file.name);
        }
        text
    }
}
