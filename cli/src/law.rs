//! The distribution that chains are to have: a mixture, a data set, or a library of C functions.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::ndarray::ArrayView2;
use langevin::prelude::{Drift, GaussianMixture, Real};

use crate::arguments::TargetOptions;
use crate::failure::{Failure, refuse};
use crate::library::Library;
use crate::report::draw;
use crate::target;

#[derive(Args)]
pub struct LawOptions {
    #[command(flatten)]
    target: TargetOptions,
    /// Shared library with the C functions langevin_dimension and langevin_log_density_gradient, in
    /// place of a target; its code is run (see docs/command-line.md)
    #[arg(long, value_name = "FILE.so", conflicts_with_all = ["target", "data"])]
    target_library: Option<PathBuf>,
}

impl LawOptions {
    /// The files that are named, with what names them.
    pub fn files(&self) -> [(&'static str, Option<&Path>); 3] {
        let [target, data] = self.target.files();
        [target, data, ("--target-library", self.target_library.as_deref())]
    }

    pub fn bandwidth(&self) -> Option<f64> {
        self.target.bandwidth
    }

    pub fn read(&self) -> Result<Law, Failure> {
        match &self.target_library {
            Some(path) => Ok(Law::Library(Library::load(path)?)),
            None if self.target.files().iter().all(|(_, file)| file.is_none()) => refuse(
                "nothing to sample: give a TARGET.json, --data with --bandwidth, or \
                 --target-library",
            ),
            None => Ok(Law::Mixture(Box::new(target::load(&self.target, None)?.mixture))),
        }
    }
}

/// The distribution to sample.
pub enum Law {
    Mixture(Box<GaussianMixture>),
    Library(Library),
}

impl Law {
    /// The mixture, whose moments are known.
    pub fn known(&self) -> Option<&GaussianMixture> {
        match self {
            Self::Mixture(mixture) => Some(mixture),
            Self::Library(_) => None,
        }
    }

    pub fn dimension(&self) -> usize {
        match self {
            Self::Mixture(mixture) => mixture.dimension(),
            Self::Library(library) => library.dimension(),
        }
    }

    pub fn drift<F: Real>(&self) -> &dyn Drift<F> {
        match self {
            Self::Mixture(mixture) => &**mixture,
            Self::Library(library) => library,
        }
    }

    pub fn draw<F: Real>(
        &self,
        samples: ArrayView2<'_, F>,
        title: &str,
    ) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Mixture(mixture) => draw(Some(mixture), samples, title),
            Self::Library(library) => library.draw(samples, title),
        }
    }
}
