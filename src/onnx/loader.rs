//! Reading of ONNX networks: the library, the device, the description, and the checks.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::check::{Alone, Trial};
use super::description::{self, Names};
use super::device::Device;
use super::engine::OnnxEngine;
use super::graph::Graph;
use super::pool::{Pool, Source};
use super::problem::wrong;
use super::{OnnxNetwork, runtime};
use crate::error::{Result, count};
use crate::network::description::json;
use crate::network::object::ROOT;
use crate::network::{Card, Trained};

/// Rows of a call on the processor.
const BLOCK: usize = 16;
/// Rows of a call on other devices.
const DEVICE_BLOCK: usize = 1024;

/// How an ONNX network is read.
///
/// ```no_run
/// use langevin::network::{Card, TimeInput};
/// use langevin::onnx::{Names, OnnxLoader};
/// use langevin::prelude::*;
///
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let card = Card::new(process, Prediction::Epsilon, Some(TimeInput::Timestep));
/// let loader = OnnxLoader::new().device("cuda:0".parse()?).card(card, Names::default());
/// let network = loader.load("unet.onnx")?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct OnnxLoader {
    library: Option<PathBuf>,
    device: Device,
    threads: Option<usize>,
    described: Option<Described>,
}

#[derive(Clone, Debug)]
struct Described {
    card: Card,
    names: Names,
}

/// What is told of a network beside its graph.
enum Told<'t> {
    Given(&'t Described),
    Written(Value),
}

impl Told<'_> {
    fn names(&self) -> Result<Names> {
        match self {
            Self::Given(described) => Ok(described.names.clone()),
            Self::Written(value) => Names::parse(value),
        }
    }

    fn has_time(&self) -> bool {
        match self {
            Self::Given(described) => described.card.time.is_some(),
            Self::Written(value) => value.get("time").is_some(),
        }
    }

    /// The card of a network with rows of `columns` numbers.
    fn card(&self, columns: usize) -> Result<Card> {
        match self {
            Self::Given(described) => Ok(described.card.clone()),
            Self::Written(value) => description::card(value, columns),
        }
    }
}

impl OnnxLoader {
    /// The library of `ORT_DYLIB_PATH`, the processor, all cores, and the description of the file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the path of the library. Only the first network of a process loads it.
    pub fn library(mut self, library: impl Into<PathBuf>) -> Self {
        self.library = Some(library.into());
        self
    }

    /// Sets the device. Default: the processor.
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Sets the number of threads, and so of sessions, on the processor. Default: all cores. It
    /// never changes a result.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Describes the network in place of the description of the file.
    pub fn card(mut self, card: Card, names: Names) -> Self {
        self.described = Some(Described { card, names });
        self
    }

    /// Reads a file, its description, and the files beside it that hold its weights.
    ///
    /// # Errors
    /// [`Error::NetworkFile`](crate::Error::NetworkFile) if a file cannot be read,
    /// [`Error::Engine`](crate::Error::Engine) if the library or the device is not there, or cannot
    /// run the file, [`Error::Onnx`](crate::Error::Onnx) if its inputs, its output or its rows are
    /// not as described, and [`Error::Network`](crate::Error::Network) for a description that is
    /// none.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<OnnxNetwork> {
        let path = path.as_ref();
        let beside = path.with_extension("json");
        let mut text = None;
        if self.described.is_none() && beside.is_file() {
            let read = std::fs::read_to_string(&beside);
            text = Some(read.map_err(|source| crate::Error::NetworkFile {
                path: beside.display().to_string(),
                source: source.into(),
            })?);
        }
        self.read(Source::file(path.to_path_buf())?, text)
    }

    /// Reads the bytes of a file that has its weights inside, with a description in its metadata.
    ///
    /// # Errors
    /// As for [`load`](Self::load), except that nothing is read.
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<OnnxNetwork> {
        self.read(Source::Bytes(bytes.to_vec()), None)
    }

    fn read(&self, source: Source, text: Option<String>) -> Result<OnnxNetwork> {
        const THREADS: &str = "a whole number from 1 to 4096";
        let threads = self.threads.map(|n| count("threads", n, 1, 4096, THREADS)).transpose()?;
        runtime::load(self.library.as_deref())?;
        let mut session = source.session(self.device)?;
        let told = match (&self.described, text) {
            (Some(described), _) => Told::Given(described),
            (None, Some(text)) => Told::Written(json(ROOT, &text)?),
            (None, None) => Told::Written(of_metadata(&session)?),
        };
        let names = told.names()?;
        let graph = Graph::of(&session, &names, told.has_time())?;
        let card = told.card(graph.input)?;
        check_labels(&graph, &names)?;
        let on_cpu = self.device == Device::Cpu;
        let mut block = graph.fixed.unwrap_or(if on_cpu { BLOCK } else { DEVICE_BLOCK });
        let rows = if on_cpu { block } else { graph.fixed.unwrap_or(2) };
        let mut trial =
            Trial { session: &mut session, graph: &graph, names: &names, times: card.ends(), rows };
        let output = trial.say(&vec![0; rows])?.len() / rows;
        let alone = if on_cpu { trial.alone()? } else { Alone::Always };
        if alone == Alone::Never {
            if graph.fixed.is_some_and(|rows| rows > 1) {
                let given = format!(
                    "a fixed N = {block} and rows that depend on each other or their place"
                );
                return Err(wrong("x", given, "independent rows, or N left open"));
            }
            block = 1;
        }
        check_output(&card, graph.input, output)?;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let most = if on_cpu { threads.unwrap_or_else(cores) } else { 1 };
        let pool = Pool::new(source, self.device, most, session);
        Trained::new(OnnxEngine { graph, pool, names, alone, block, output }, card)
    }
}

impl OnnxNetwork {
    /// Reads a file and its description, with the library of `ORT_DYLIB_PATH`, on the processor.
    /// [`OnnxLoader`] has options.
    ///
    /// # Errors
    /// As for [`OnnxLoader::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        OnnxLoader::new().load(path)
    }
}

/// The description in the metadata of the file.
fn of_metadata(session: &ort::session::Session) -> Result<Value> {
    let entry = session.metadata().ok().and_then(|metadata| metadata.custom("langevin"));
    let entry = entry.filter(|text| !text.trim().is_empty());
    let Some(text) = entry else {
        let expected = "NAME.json beside NAME.onnx, or an entry `langevin` in its metadata, as in \
                        docs/network-format.md";
        return Err(wrong("description", "none", expected));
    };
    json(ROOT, &text)
}

fn check_labels(graph: &Graph, names: &Names) -> Result<()> {
    if graph.has_labels() && names.classes.is_none() {
        return Err(wrong("labels", "no number of classes", "one beside the name of the label"));
    }
    match names.unlabelled {
        Some(class) if !graph.has_labels() || class > crate::network::object::MOST => {
            Err(wrong("unlabelled", class.to_string(), "a class of a network with labels"))
        }
        _ => Ok(()),
    }
}

/// Refuses a prediction that is not as wide as x.
fn check_output(card: &Card, input: usize, output: usize) -> Result<()> {
    if card.prediction.is_none() || output == input {
        return Ok(());
    }
    let mut expected = format!("{input}, as many as x");
    if output == 2 * input {
        expected += "; a variance that is learned needs \"learned_variance\": true";
    }
    Err(wrong("output", format!("{output} numbers for a row"), expected))
}
