//! Networks from files: how they are read, and the labels of the chains.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::onnx::{AnyNetwork, Device, OnnxLoader};

use crate::failure::{Failure, refuse};
use crate::npy::read_list;

/// How networks from ONNX files are run.
#[derive(Args)]
pub struct EngineOptions {
    /// Library of ONNX Runtime, for networks from .onnx files [default: that of ORT_DYLIB_PATH]
    #[arg(long, value_name = "PATH")]
    engine_library: Option<PathBuf>,
    /// Where networks from .onnx files run: cpu, cuda:0, coreml or directml:0 [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    device: Option<Device>,
}

impl EngineOptions {
    /// Where the network runs, in words.
    pub fn device(&self) -> String {
        self.device.unwrap_or_default().to_string()
    }

    /// Reads a network; `--threads` are those of its engine too.
    pub fn load(&self, path: &Path, threads: Option<usize>) -> langevin::Result<AnyNetwork> {
        let mut loader = OnnxLoader::new().device(self.device.unwrap_or_default());
        if let Some(library) = &self.engine_library {
            loader = loader.library(library);
        }
        if let Some(threads) = threads {
            loader = loader.threads(threads);
        }
        AnyNetwork::load(path, &loader)
    }

    /// Refuses options without effect.
    pub fn check(&self, networks: &[Option<&Path>]) -> Result<(), Failure> {
        let any = networks.iter().flatten().any(|path| AnyNetwork::is_onnx(path));
        let given = [
            ("--engine-library", self.engine_library.is_some()),
            ("--device", self.device.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given && !any) {
            Some((option, _)) => refuse(format!("{option} needs a network from an .onnx file")),
            None => Ok(()),
        }
    }
}

/// The file of labels, if they are not a list.
pub fn labels_file(text: &str) -> Option<&Path> {
    let is_file =
        |path: &&Path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy"));
    Some(Path::new(text)).filter(is_file)
}

/// The labels of all chains: a list that is spread over them in equal runs, or a file with one for
/// each chain.
pub fn labels(text: &str, chains: usize) -> Result<Vec<usize>, Failure> {
    let fail = |why: String| Failure::Input(format!("--labels: {why}"));
    if let Some(path) = labels_file(text) {
        let numbers = read_list("--labels", path, chains)?;
        let whole = |x: &f64| (x.fract() == 0.0 && (0.0..1e9).contains(x)).then_some(*x as usize);
        let labels: Option<Vec<usize>> = numbers.iter().map(whole).collect();
        return labels.ok_or_else(|| fail("expected whole numbers that are not negative".into()));
    }
    let labels: Option<Vec<usize>> = text.split(',').map(|word| word.trim().parse().ok()).collect();
    let Some(labels) = labels else {
        let given = langevin::advanced::quoted(text);
        return Err(fail(format!("given `{given}`, expected classes as 0,1,2 or a .npy file")));
    };
    if !chains.is_multiple_of(labels.len()) {
        let given = format!("given {} labels for {chains} chains", labels.len());
        return Err(fail(format!("{given}, expected a number of chains that they divide")));
    }
    let each = chains / labels.len();
    Ok(labels.into_iter().flat_map(|label| std::iter::repeat_n(label, each)).collect())
}
