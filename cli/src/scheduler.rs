//! A scheduler configuration of diffusers, in place of the options of a process and a method.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::diffusion::SchedulerConfig;
use langevin::prelude::Process;

use crate::contents::Contents;
use crate::failure::{Failure, print_warning, refuse};

#[derive(Args)]
pub struct SchedulerOptions {
    /// scheduler_config.json of diffusers: the process, the levels visited and, unless --method
    /// names another, the method. --evaluations is then its number of steps
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["process", "betas"])]
    scheduler: Option<PathBuf>,
}

impl SchedulerOptions {
    /// The file, with the option that names it.
    pub fn file(&self) -> (&'static str, Option<&Path>) {
        ("--scheduler", self.scheduler.as_deref())
    }

    /// What the file says, if there is one.
    pub fn load(&self) -> Result<Option<SchedulerConfig>, Failure> {
        let Some(path) = &self.scheduler else { return Ok(None) };
        let fail = |why: String| Failure::Input(format!("--scheduler {}: {why}", path.display()));
        let text = Contents::open(path).and_then(|contents| contents.text()).map_err(fail)?;
        SchedulerConfig::parse(&text).map(Some).map_err(|error| fail(error.to_string()))
    }

    /// The process of the file, where no constant of a process is given beside it.
    pub fn process(&self, other: Option<&'static str>) -> Result<Option<Process>, Failure> {
        match (self.load()?, other) {
            (Some(_), Some(other)) => refuse(format!("give only one of --scheduler and --{other}")),
            (config, _) => Ok(config.map(|config| config.process().clone())),
        }
    }
}

/// Prints what is not followed.
pub fn warn(config: &SchedulerConfig) {
    config.notes().iter().for_each(|note| print_warning(note));
}
